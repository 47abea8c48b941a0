import type { TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import type { UpdateRecord } from './record.ts'

/** Above this many waiting updates, one that repeats the state of the newest waiting one takes its place. */
const coalesceAbove = 32
/** So many uuids are remembered to know duplicates and stale acknowledgements by. */
const rememberedUuids = 256

export type Received = 'new' | 'duplicate' | 'after-terminal'
export type Acknowledged = 'acknowledged' | 'stale' | 'unknown'

/**
 * The status updates of one task, in order: only the first unacknowledged one is in flight (agent contract, section 4).
 * Replaying the records of a stream through `apply` gives the same stream again.
 */
export class UpdateStream {
  /** Updates not yet acknowledged; the first is the one in flight. */
  readonly pending: TaskStatus[] = []
  /** The newest state received, which may be ahead of the one in flight. */
  latest: TaskState | undefined
  /** The state most recently handed to the master, and its uuid. */
  forwarded: TaskStatus | undefined
  /** The newest update acknowledged. */
  acknowledged: TaskStatus | undefined
  /** Records since the last compaction. */
  records = 0
  readonly #received = new BoundedSet(rememberedUuids)
  readonly #acknowledged = new BoundedSet(rememberedUuids)
  /** The first update that told of a running task. */
  #running: TaskStatus | undefined
  #terminalReceived = false

  /** The update that is, or is to be, in flight. */
  get head(): TaskStatus | undefined {
    return this.pending[0]
  }

  /** Whether the terminal update was acknowledged: the stream is over. */
  get finished(): boolean {
    return this.acknowledged !== undefined && isTerminal(this.acknowledged.state)
  }

  /** Whether `status` is to be recorded: what `receive` would answer, with nothing changed. */
  judge(status: TaskStatus): Received {
    if (this.#received.has(uuidOf(status))) return 'duplicate'
    return this.#terminalReceived ? 'after-terminal' : 'new'
  }

  /** What an acknowledgement of `uuid` would be, with nothing changed. */
  judgeAck(uuid: string): Acknowledged {
    if (this.head !== undefined && uuidOf(this.head) === uuid) return 'acknowledged'
    return this.#acknowledged.has(uuid) || this.#received.has(uuid) ? 'stale' : 'unknown'
  }

  /** Applies a record that was judged new, or that is read back. */
  apply(record: UpdateRecord): void {
    this.records++
    if (record.type === 'UPDATE') this.#applyUpdate(record.status)
    else this.#applyAck(record.uuid)
  }

  /**
   * The fewest records that give this stream again, for compaction when nothing is pending: the newest update, and the one that
   * says since when the task runs.
   */
  compacted(): UpdateRecord[] {
    if (this.acknowledged === undefined || this.pending.length > 0) return []
    return [...new Set([this.#running ?? this.acknowledged, this.acknowledged])].flatMap(status => [
      { type: 'UPDATE', status } as const,
      { type: 'ACK', uuid: uuidOf(status) } as const,
    ])
  }

  #applyUpdate(status: TaskStatus): void {
    this.#received.add(uuidOf(status))
    this.latest = status.state
    if (status.state === 'TASK_RUNNING') this.#running ??= status
    if (isTerminal(status.state)) this.#terminalReceived = true
    const newest = this.pending.at(-1)
    if (this.pending.length > coalesceAbove && newest?.state === status.state) this.pending.pop()
    this.pending.push(status)
  }

  #applyAck(uuid: string): void {
    if (this.head === undefined || uuidOf(this.head) !== uuid) return
    this.acknowledged = this.pending.shift()
    this.#acknowledged.add(uuid)
  }
}

function uuidOf(status: TaskStatus): string {
  return status.uuid ?? ''
}

/** Remembers the newest `limit` values added. */
class BoundedSet {
  readonly #values = new Set<string>()
  readonly #limit: number
  constructor(limit: number) {
    this.#limit = limit
  }
  has(value: string): boolean {
    return this.#values.has(value)
  }
  add(value: string): void {
    this.#values.add(value)
    if (this.#values.size > this.#limit) {
      for (const oldest of this.#values) {
        this.#values.delete(oldest)
        break
      }
    }
  }
}
