import type { ComponentName } from './cluster-file.ts'
import { lives, startTime } from './process-identity.ts'
import { endProcess, type KnownProcess, livingProcesses, writeProcesses } from './process-table.ts'
import type { Say } from './running.ts'

/** A process that is kept running. */
export interface Member {
  readonly component: ComponentName
  readonly name: string
  readonly url: string
  /** The addresses that it is started with: one that runs with others is started anew. */
  readonly places: string
  /** Starts it in a session of its own. Answers its pid. */
  spawn(): Promise<number>
  /** Whether the process serves. */
  serves(pid: number): Promise<boolean>
  /** Of one that has ended: whether that was because somebody else has its port. */
  lostPort(): Promise<boolean>
}

/** A member could not start because somebody else was quicker to listen on its port. */
export class PortLostError extends Error {
  constructor(name: string) {
    super(`${name} has lost its port to somebody else`)
    this.name = 'PortLostError'
  }
}

/** How long a member may take to serve after its start. */
const startLimit = 60_000
/** Pause before a member that ended is started again; doubled each time it ends young, up to the longest. */
const pauses = { first: 250, longest: 5_000, young: 30_000 }
/** Processes that were adopted are not our children: nothing tells of their end, so they are looked at. */
const lookInterval = 250

/**
 * Keeps the processes of a cluster running, and remembers them on disk: they outlive this process, and the next one adopts
 * what still runs.
 */
export class Supervisor {
  readonly #workDir: string
  readonly #say: Say
  readonly #known = new Map<string, KnownProcess>()
  /** Those that are watched, by name. */
  readonly #kept = new Map<string, Member>()
  /** Starts that are under way: what they start is known only afterwards. */
  readonly #starts = new Set<Promise<void>>()
  #ending = false

  constructor(workDir: string, say: Say) {
    this.#workDir = workDir
    this.#say = say
    for (const found of livingProcesses(workDir)) this.#known.set(found.name, found)
  }

  /** Names of the processes that run. */
  get running(): ReadonlySet<string> {
    return new Set([...this.#known.keys()].filter(name => this.#lives(name)))
  }

  get processes(): readonly KnownProcess[] {
    return [...this.#known.values()]
  }

  /**
   * Adopts a member that runs, or starts it; resolves when it serves, and keeps it running from then on. Throws PortLostError
   * when somebody else has its port.
   */
  async keep(member: Member): Promise<void> {
    const { name } = member
    const before = this.#known.get(name)
    const hasMoved = before?.places !== undefined && before.places !== member.places
    if (this.#kept.has(name) && !hasMoved) return
    try {
      if (hasMoved) await this.#endMoved(name)
      if (this.#lives(name)) this.#say(`${name} runs already (process ${this.#known.get(name)!.pid})`)
      else await this.#start(member)
      await this.#untilItServes(member)
    } catch (error) {
      throw !this.#lives(name) && (await member.lostPort()) ? new PortLostError(name) : error
    }
    this.#kept.set(name, member)
    void this.#watch(member)
  }

  /** Keeps all, starting them at the same time. */
  async keepAll(members: readonly Member[]): Promise<void> {
    const keeping = members.map(member => this.keep(member))
    try {
      await Promise.all(keeping)
    } catch (error) {
      // Ports are chosen again when the others have theirs.
      if (error instanceof PortLostError) await Promise.allSettled(keeping)
      throw error
    }
  }

  /** Nothing is started again from now on. */
  stopKeeping(): void {
    this.#ending = true
  }

  /** Ends the named processes, all at the same time. */
  async end(wanted: (component: ComponentName) => boolean): Promise<void> {
    await Promise.allSettled(this.#starts)
    const chosen = this.processes.filter(({ component }) => wanted(component))
    await Promise.all(
      chosen.map(async known => {
        await endProcess(known)
        this.#known.delete(known.name)
      }),
    )
    writeProcesses(this.#workDir, this.processes)
  }

  /** Ends a process that speaks to addresses that are others now. */
  async #endMoved(name: string): Promise<void> {
    this.#kept.delete(name)
    if (!this.#lives(name)) return
    this.#say(`${name} runs with addresses that have moved; starting it anew`)
    await endProcess(this.#known.get(name)!)
  }

  async #start(member: Member): Promise<void> {
    const start = this.#spawn(member)
    this.#starts.add(start)
    try {
      await start
    } finally {
      this.#starts.delete(start)
    }
  }

  async #spawn(member: Member): Promise<void> {
    const pid = await member.spawn()
    this.#known.set(member.name, {
      component: member.component,
      name: member.name,
      url: member.url,
      places: member.places,
      pid,
      startTime: startTime(pid) ?? '',
    })
    writeProcesses(this.#workDir, this.processes)
  }

  #lives(name: string): boolean {
    const known = this.#known.get(name)
    return known !== undefined && lives(known)
  }

  async #untilItServes(member: Member): Promise<void> {
    const deadline = Date.now() + startLimit
    while (!(await member.serves(this.#known.get(member.name)!.pid))) {
      if (!this.#lives(member.name))
        throw new Error(`${member.name} ended before it was ready; its log is ${this.#workDir}/log/${member.name}.log`)
      if (Date.now() > deadline)
        throw new Error(
          `${member.name} is not ready after ${startLimit / 1000} s; its log is ${this.#workDir}/log/${member.name}.log`,
        )
      await sleep(50)
    }
  }

  async #watch(member: Member): Promise<void> {
    const isOver = () => this.#ending || this.#kept.get(member.name) !== member
    let pause = pauses.first
    while (!isOver()) {
      const since = Date.now()
      while (this.#lives(member.name) && !isOver()) await sleep(lookInterval)
      if (isOver()) return
      if (Date.now() - since > pauses.young) pause = pauses.first
      this.#say(`${member.name} has ended; starting it again`)
      await sleep(pause)
      pause = Math.min(pauses.longest, pause * 2)
      if (isOver()) return
      try {
        await this.#start(member)
        this.onRestart?.()
      } catch (error) {
        this.#say(`${member.name} could not be started: ${error instanceof Error ? error.message : error}`)
      }
    }
  }

  /** Told after a member was started again: its pid is another one. */
  onRestart: (() => void) | undefined
}

const sleep = (time: number): Promise<void> => new Promise(resolve => setTimeout(resolve, time))
