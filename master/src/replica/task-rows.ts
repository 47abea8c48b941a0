import { decode, encode, unknownFields } from '@meseta/common/protocol/codec'
import type { Task, TaskProgress } from '@meseta/common/protocol/mesos'
import { Names } from '../state/tasks/names.ts'
import { Slab } from '../state/tasks/slab.ts'
import { fixedJson, progressJson } from './task-shape.ts'

const none = -1

export const fates = ['active', 'unreachable', 'completed'] as const
export type Fate = (typeof fates)[number]

/** Tasks of one framework and fate, in the order in which they came to be of it: slots, linked by the columns. */
export interface TaskList {
  first: number
  last: number
  size: number
}

export const emptyList = (): TaskList => ({ first: none, last: none, size: 0 })

/** What is kept of each task, by slot. */
interface Columns {
  /** The neighbours in its list. */
  readonly next: Int32Array
  readonly previous: Int32Array
  readonly fate: Uint8Array
  /** Where the slab has it as protobuf, and as the JSON of /state; of that none where there was no room for it. */
  readonly v1: Int32Array
  readonly legacy: Int32Array
  /** How many bytes of each never change: they come first. */
  readonly v1Fixed: Int32Array
  readonly legacyFixed: Int32Array
  /** The number of its agent's name. */
  readonly agent: Int32Array
  /** The time of its first status, seconds since 1970. */
  readonly since: Float64Array
  /** The number and the time, ms, of its change in the feed. */
  readonly seq: Float64Array
  readonly at: Float64Array
}

const newColumns = (size: number): Columns => ({
  next: new Int32Array(size),
  previous: new Int32Array(size),
  fate: new Uint8Array(size),
  v1: new Int32Array(size),
  legacy: new Int32Array(size),
  v1Fixed: new Int32Array(size),
  legacyFixed: new Int32Array(size),
  agent: new Int32Array(size),
  since: new Float64Array(size),
  seq: new Float64Array(size),
  at: new Float64Array(size),
})

const progressOf = ({ state, statuses, status_update_state, status_update_uuid }: Task): TaskProgress => ({
  state,
  ...(statuses === undefined ? {} : { statuses }),
  ...(status_update_state === undefined ? {} : { status_update_state }),
  ...(status_update_uuid === undefined ? {} : { status_update_uuid }),
})

/** What of a task never changes, in protobuf: with the fields that this version does not know. */
function fixedV1(task: Task, progress: Uint8Array): Uint8Array {
  const { state: _state, statuses: _statuses, status_update_state: _s, status_update_uuid: _u, ...fixed } = task
  const unknown = (task as { [unknownFields]?: Uint8Array })[unknownFields] ?? new Uint8Array()
  // In the order of the properties, and what is unknown at the end.
  const all = encode('mesos.v1.Task', { ...fixed, ...progressOf(task) })
  return Buffer.concat([all.subarray(0, all.length - progress.length - unknown.length), unknown])
}

/** What is known of a task without decoding it. */
export interface Known {
  readonly task?: Task
  readonly progress?: TaskProgress
}

/** One task, as the columns have it. */
export class TaskRow {
  readonly fate: Fate
  readonly slot: number
  readonly #columns: Columns
  readonly #slab: Slab
  #task: Task | undefined
  #progress: TaskProgress | undefined

  constructor(columns: Columns, slab: Slab, slot: number, fate: Fate, known: Known = {}) {
    this.#columns = columns
    this.#slab = slab
    this.slot = slot
    this.fate = fate
    this.#task = known.task
    this.#progress = known.progress ?? known.task
  }

  get task(): Task {
    this.#task ??= decode('mesos.v1.Task', this.v1)
    return this.#task
  }

  /** What of it changes; in less time than the whole task. */
  get progress(): TaskProgress {
    this.#progress ??= decode('meseta.v1.TaskProgress', this.v1.subarray(this.#columns.v1Fixed[this.slot]!))
    return this.#progress
  }

  get v1(): Uint8Array {
    return this.#slab.get(this.#columns.v1[this.slot]!)
  }

  /** The JSON of /state. */
  get legacy(): Uint8Array {
    const place = this.#columns.legacy[this.slot]!
    if (place !== none) return this.#slab.get(place)
    return Buffer.from(fixedJson(this.task) + progressJson(this.progress))
  }

  get since(): number {
    return this.#columns.since[this.slot]!
  }

  get seq(): number {
    return this.#columns.seq[this.slot]!
  }

  get at(): number {
    return this.#columns.at[this.slot]!
  }
}

/** The tasks as they were at a freeze. */
export interface FrozenTasks {
  of(list: TaskList, fate: Fate): Iterable<TaskRow>
  /** They are read no more. */
  release(): void
}

/**
 * Every task that readers may see, encoded once for each change: as protobuf for v1 calls, and as the JSON of /state. A task is
 * a slot in columns and two records in a slab (design decision 10).
 */
export class TaskRows {
  readonly #maxLegacyBytes: number
  readonly #slab = new Slab()
  readonly #agents = new Names()
  readonly #freeSlots: number[] = []
  #columns = newColumns(64)
  #slots = 0
  #legacyBytes = 0

  /** JSON that is beyond so many bytes is made each time that it is read. */
  constructor(maxLegacyBytes = 512 * 1024 * 1024) {
    this.#maxLegacyBytes = maxLegacyBytes
  }

  /** Bytes of the encoded tasks, and of the columns. */
  get bytes(): number {
    const columns = Object.values(this.#columns).reduce((sum, column) => sum + column.byteLength, 0)
    return this.#slab.bytes + columns
  }

  add(task: Task): number {
    const slot = this.#freeSlots.pop() ?? this.#newSlot()
    const columns = this.#columns
    const progress = encode('meseta.v1.TaskProgress', progressOf(task))
    const v1 = fixedV1(task, progress)
    const legacy = Buffer.from(fixedJson(task))
    columns.v1Fixed[slot] = v1.length
    columns.legacyFixed[slot] = legacy.length
    columns.agent[slot] = this.#agents.use(task.agent_id.value)
    this.#write(slot, v1, progress, legacy, task)
    return slot
  }

  /** What never changes is taken as it is. Answers whether anything has changed. */
  update(slot: number, progress: TaskProgress): boolean {
    const { v1, legacy, v1Fixed, legacyFixed } = this.#columns
    const old = this.#slab.get(v1[slot]!)
    const bytes = encode('meseta.v1.TaskProgress', progress)
    if (Buffer.compare(bytes, old.subarray(v1Fixed[slot])) === 0) return false
    const json =
      legacy[slot] === none
        ? Buffer.from(fixedJson(this.row(slot).task))
        : this.#slab.get(legacy[slot]!).subarray(0, legacyFixed[slot])
    const [oldV1, oldLegacy] = [v1[slot]!, legacy[slot]!]
    this.#write(slot, old.subarray(0, v1Fixed[slot]), bytes, json, progress)
    this.#free(oldV1, oldLegacy)
    return true
  }

  #write(slot: number, v1: Uint8Array, progress: Uint8Array, legacy: Uint8Array, task: TaskProgress): void {
    const columns = this.#columns
    columns.v1[slot] = this.#slab.put(Buffer.concat([v1, progress]))
    columns.legacy[slot] = this.#putLegacy(Buffer.concat([legacy, Buffer.from(progressJson(task))]))
    columns.since[slot] = task.statuses?.[0]?.timestamp ?? 0
  }

  #putLegacy(json: Buffer): number {
    if (this.#legacyBytes + json.length > this.#maxLegacyBytes) return none
    this.#legacyBytes += json.length
    return this.#slab.put(json)
  }

  #free(v1: number, legacy: number): void {
    this.#slab.free(v1)
    if (legacy === none) return
    this.#legacyBytes -= this.#slab.get(legacy).length
    this.#slab.free(legacy)
  }

  remove(slot: number): void {
    const { v1, legacy, agent } = this.#columns
    this.#free(v1[slot]!, legacy[slot]!)
    this.#agents.release(agent[slot]!)
    this.#freeSlots.push(slot)
  }

  agentOf(slot: number): string {
    return this.#agents.text(this.#columns.agent[slot]!)
  }

  /** What is known of it is good until its next change. */
  row(slot: number, known?: Known): TaskRow {
    return new TaskRow(this.#columns, this.#slab, slot, fates[this.#columns.fate[slot]!]!, known)
  }

  /** The feed tells of its change under this number. */
  told(slot: number, seq: number, at: number): void {
    this.#columns.seq[slot] = seq
    this.#columns.at[slot] = at
  }

  append(list: TaskList, slot: number, fate: Fate): void {
    const { next, previous } = this.#columns
    this.#columns.fate[slot] = fates.indexOf(fate)
    previous[slot] = list.last
    next[slot] = none
    if (list.last === none) list.first = slot
    else next[list.last] = slot
    list.last = slot
    list.size += 1
  }

  unlink(list: TaskList, slot: number): void {
    const { next, previous } = this.#columns
    const [before, after] = [previous[slot]!, next[slot]!]
    if (before === none) list.first = after
    else next[before] = after
    if (after === none) list.last = before
    else previous[after] = before
    list.size -= 1
  }

  *slotsOf(list: TaskList): Iterable<number> {
    for (let slot = list.first; slot !== none; slot = this.#columns.next[slot]!) yield slot
  }

  /** Copies columns and no task: what a place in the slab holds does not change while it is held. */
  freeze(giveUp: () => void): FrozenTasks {
    const { next, v1, legacy, v1Fixed, since, seq, at } = this.#columns
    const columns: Columns = {
      ...this.#columns,
      next: next.slice(),
      v1: v1.slice(),
      legacy: legacy.slice(),
      v1Fixed: v1Fixed.slice(),
      since: since.slice(),
      seq: seq.slice(),
      at: at.slice(),
    }
    const slab = this.#slab
    return {
      *of(list, fate) {
        for (let slot = list.first; slot !== none; slot = columns.next[slot]!)
          yield new TaskRow(columns, slab, slot, fate)
      },
      release: slab.hold(giveUp),
    }
  }

  #newSlot(): number {
    const slot = this.#slots++
    if (slot === this.#columns.next.length) this.#grow(2 * slot)
    return slot
  }

  #grow(size: number): void {
    const grown = newColumns(size)
    for (const name of Object.keys(grown) as (keyof Columns)[]) grown[name].set(this.#columns[name])
    this.#columns = grown
  }
}
