import type { Clock } from '@meseta/common/service/clock'
import { isAlive, type ProcessId, type ProcessStat, readAllStats, readMarks } from './proc.ts'
import { sleep } from './sleep.ts'

/** After a look it is waited so many times as long as that one took: many tasks that end leave most of a processor free. */
const restPerLook = 3
/** The longest rest, ms: what is asked for on a very full machine is still answered. */
const longestRest = 1_000

/**
 * The processes of the machine. One look costs some ms for some hundred processes, whatever is asked of it: so all who ask while
 * none may be taken share the next one.
 */
export class ProcessTable {
  readonly #clock: Clock
  readonly #read: () => ProcessStat[]
  #next: Promise<Processes> | undefined
  #rested: Promise<void> = Promise.resolve()

  constructor(clock: Clock, read: () => ProcessStat[] = readAllStats) {
    this.#clock = clock
    this.#read = read
  }

  /** The processes at a moment after the call. */
  look(): Promise<Processes> {
    this.#next ??= this.#take()
    return this.#next
  }

  async #take(): Promise<Processes> {
    await this.#rested
    for (;;) {
      const begun = this.#clock.monotonic()
      try {
        const processes = new Processes(this.#read(), this.#clock.now())
        this.#next = undefined
        this.#rested = this.#rest(begun)
        return processes
      } catch {
        // This process may open no more files: what can not be seen has not ended.
        await sleep(this.#clock, longestRest)
      }
    }
  }

  /** Counts what those who asked do with the answer, too: they may have the environments read. */
  async #rest(begun: number): Promise<void> {
    await sleep(this.#clock, 0)
    const cost = this.#clock.monotonic() - begun
    await sleep(this.#clock, Math.min(longestRest, restPerLook * cost))
  }
}

/** What one look has found. */
export class Processes {
  /** Wall time of the look, ms. */
  readonly wall: number
  readonly #all: readonly ProcessStat[]
  readonly #byPid: ReadonlyMap<number, ProcessStat>
  readonly #children: ReadonlyMap<number, readonly ProcessStat[]>
  readonly #sessions: ReadonlyMap<number, readonly ProcessStat[]>
  #marked: ReadonlyMap<string, readonly ProcessStat[]> | undefined

  constructor(all: readonly ProcessStat[], wall: number) {
    this.wall = wall
    this.#all = all
    this.#byPid = new Map(all.map(stat => [stat.pid, stat]))
    this.#children = Map.groupBy(all, stat => stat.parent)
    this.#sessions = Map.groupBy(all, stat => stat.session)
  }

  /** Whether it runs, and is the one that is meant. */
  runs({ pid, startTime }: ProcessId): boolean {
    const stat = this.#byPid.get(pid)
    return isAlive(stat) && stat.startTime === startTime
  }

  /**
   * The processes that belong to a supervisor, without itself: those of its session, and the descendants of all of these.
   * What left the session and lost its parent is found by `ofContainer` alone.
   */
  membersOf(supervisor: ProcessId): ProcessStat[] {
    const leader = this.#byPid.get(supervisor.pid)
    // While a session has members its number is not given to a new process: another start time means that none is left.
    if (leader !== undefined && leader.startTime !== supervisor.startTime) return []
    const members = new Map<number, ProcessStat>()
    const open = [...(this.#sessions.get(supervisor.pid) ?? []), ...(leader === undefined ? [] : [leader])]
    for (let stat = open.pop(); stat !== undefined; stat = open.pop()) {
      if (members.has(stat.pid)) continue
      members.set(stat.pid, stat)
      open.push(...(this.#children.get(stat.pid) ?? []))
    }
    members.delete(supervisor.pid)
    return [...members.values()].filter(isAlive)
  }

  /** All that belongs to a container: the members of its supervisor, and what carries its mark wherever it went. */
  ofContainer(supervisor: ProcessId, mark: string): ProcessStat[] {
    const members = this.membersOf(supervisor)
    const known = new Set([supervisor.pid, ...members.map(member => member.pid)])
    this.#marked ??= this.#readMarks()
    const escaped = (this.#marked.get(mark) ?? []).filter(stat => !known.has(stat.pid))
    return [...members, ...escaped]
  }

  #readMarks(): Map<string, ProcessStat[]> {
    const marked = new Map<string, ProcessStat[]>()
    for (const stat of this.#all) {
      if (!isAlive(stat)) continue
      for (const mark of readMarks(stat.pid)) {
        const others = marked.get(mark)
        if (others === undefined) marked.set(mark, [stat])
        else others.push(stat)
      }
    }
    return marked
  }
}
