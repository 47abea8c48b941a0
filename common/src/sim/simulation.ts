import { type Clock, repeating, systemClock, type Timer } from '../service/clock.ts'
import { guardAmbient } from './ambient.ts'
import { EventHeap, type SimEvent } from './event-heap.ts'
import { hash32, type SeededRandom, seededRandom } from './random.ts'
import { Trace } from './trace.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Wall time at the beginning, ms since 1970; 2026-01-01 unless said. */
  readonly start?: number
  /** How many of the last events a failure prints; 100 unless said. */
  readonly history?: number
  /** Events after which a run is given up as endless; 10 million unless said. */
  readonly maxEvents?: number
}

/** Answers why an invariant does not hold, or `undefined` when it does. */
export type Invariant = () => string | undefined

export interface RunResult {
  /** Simulated milliseconds since the beginning. */
  readonly time: number
  readonly events: number
  /** Two runs of one seed have the same. */
  readonly hash: string
}

/** A run that broke: the message holds the seed, what broke, and the last events. */
export class SimulationFailure extends Error {
  readonly seed: number
  readonly what: string
  constructor(seed: number, what: string, tail: string, cause?: unknown) {
    super(`seed ${seed}: ${what}\nthe last events:\n${tail}`, { cause })
    this.name = 'SimulationFailure'
    this.seed = seed
    this.what = what
  }
}

/** Between so many events the real event loop gets a turn, so that a test runner can end a run. */
const eventsPerTurn = 4096

/**
 * Processes, time and messages in one thread: one heap of events, in an order that the seed determines. Between two events
 * all promises that can settle do. While it runs, touching the real clock, randomness or timers throws AmbientError.
 */
export class Simulation {
  readonly seed: number
  readonly random: SeededRandom
  readonly #start: number
  readonly #maxEvents: number
  readonly #heap = new EventHeap()
  readonly #trace: Trace
  readonly #processes = new Map<string, SimProcess>()
  readonly #invariants: { readonly name: string; readonly check: Invariant }[] = []
  #time = 0
  #order = 0
  #failure: { readonly what: string; readonly cause: unknown } | undefined

  constructor(options: SimulationOptions) {
    this.seed = options.seed
    this.random = seededRandom(options.seed)
    this.#start = options.start ?? Date.UTC(2026, 0, 1)
    this.#maxEvents = options.maxEvents ?? 10_000_000
    this.#trace = new Trace(options.history ?? 100)
  }

  /** Simulated milliseconds since the beginning. */
  get time(): number {
    return this.#time
  }

  /** Wall time where nobody's clock is wrong. */
  get wall(): number {
    return this.#start + this.#time
  }

  get hash(): string {
    return this.#trace.hash
  }

  /** The process of this name; it begins alive. */
  process(name: string): SimProcess {
    const process = this.#processes.get(name) ?? new SimProcess(this, name)
    this.#processes.set(name, process)
    return process
  }

  /** Checked after each event. */
  invariant(name: string, check: Invariant): void {
    this.#invariants.push({ name, check })
  }

  /** Writes a line into the trace, and into its hash: decisions, states, results. */
  note(target: string, what: string): void {
    this.#trace.add(this.#time, target, what, undefined)
  }

  /** Ends the run as failed, e.g. from a listener whose exceptions are caught. The first failure counts. */
  fail(what: string, cause?: unknown): void {
    this.#failure ??= { what, cause }
  }

  /** Lets something happen to a target after a delay (ms). Bytes are part of the trace. */
  schedule(target: string, delay: number, what: string, action: SimEvent['action'], bytes?: Uint8Array): SimEvent {
    const time = this.#time + Math.max(0, delay)
    if (!Number.isFinite(time)) throw new RangeError(`${target}: ${what} in ${delay} ms is not a time`)
    const tiebreak = hash32(target, Math.imul(this.seed, 31) ^ Math.trunc(time * 1000))
    this.#order += 1
    const event = { time, tiebreak, order: this.#order, target, what, bytes, action, cancelled: false }
    this.#heap.push(event)
    return event
  }

  /**
   * Runs until a simulated time (ms since the beginning), until a condition holds, or until nothing is left to happen.
   * Throws SimulationFailure. `guard: false` leaves the real clock reachable.
   */
  async run(options: { until: number | (() => boolean); guard?: boolean }): Promise<RunResult> {
    const { until, guard = true } = options
    const install = guard ? guardAmbient : () => () => undefined
    let release = install()
    try {
      for (let events = 1; this.#isBefore(until); events++) {
        const event = this.#heap.pop()
        if (event === undefined) break
        await this.#happen(event)
        if (events % eventsPerTurn !== 0) continue
        release()
        await new Promise<void>(resolve => systemClock.after(0, resolve))
        release = install()
      }
      if (typeof until === 'number') this.#time = Math.max(this.#time, until)
    } finally {
      release()
    }
    return { time: this.#time, events: this.#trace.count, hash: this.#trace.hash }
  }

  #isBefore(until: number | (() => boolean)): boolean {
    if (typeof until === 'function') return !until()
    const next = this.#heap.nextTime()
    return next !== undefined && next <= until
  }

  async #happen(event: SimEvent): Promise<void> {
    this.#time = event.time
    this.#trace.add(event.time, event.target, event.what, event.bytes)
    if (this.#trace.count > this.#maxEvents) throw this.#broken(`gave up after ${this.#maxEvents} events`)
    try {
      event.action(event.bytes ?? noBytes)
    } catch (error) {
      throw this.#broken(`${event.target} threw: ${String(error)}`, error)
    }
    await settle()
    if (this.#failure) throw this.#broken(this.#failure.what, this.#failure.cause)
    for (const { name, check } of this.#invariants) {
      const broken = check()
      if (broken !== undefined) throw this.#broken(`the invariant '${name}' is broken: ${broken}`)
    }
  }

  #broken(what: string, cause?: unknown): SimulationFailure {
    return new SimulationFailure(this.seed, what, this.#trace.tail(), cause)
  }
}

const noBytes = new Uint8Array(0)

/**
 * Resolves when no promise can settle any more without an event. A tick begins only when the queue of microtasks is empty;
 * two rounds, since a tick (of a stream) may settle promises itself.
 */
async function settle(): Promise<void> {
  await emptyQueue()
  await emptyQueue()
}
const emptyQueue = () => new Promise<void>(resolve => queueMicrotask(() => process.nextTick(resolve)))

/** A process of the simulation: what it scheduled dies with it. */
export class SimProcess {
  readonly name: string
  /** Wrong by so many ms: `now()` is wall time plus this. Changing it is a clock that jumps. */
  wallOffset = 0
  readonly #simulation: Simulation
  readonly #events = new Set<SimEvent>()
  #incarnation = 1
  #alive = true

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation
    this.name = name
  }

  get alive(): boolean {
    return this.#alive
  }

  /** 1 at first, one more with each restart. */
  get incarnation(): number {
    return this.#incarnation
  }

  /** Randomness of this incarnation. */
  random(): SeededRandom {
    return this.#simulation.random.fork(`${this.name}#${this.#incarnation}`)
  }

  /** The clock of this incarnation: dead after a crash, when it starts no timer any more. */
  clock(): Clock {
    const incarnation = this.#incarnation
    const after = (delay: number, action: () => void) => this.#timer(incarnation, delay, action)
    return {
      now: () => Math.floor(this.#simulation.wall + this.wallOffset),
      monotonic: () => this.#simulation.time,
      after,
      every: (interval, action) => repeating(after, interval, action),
    }
  }

  /** Lets bytes arrive after a delay (ms), if this process is still the same incarnation then. */
  deliver(delay: number, from: string, bytes: Uint8Array, received: (bytes: Uint8Array) => void): void {
    this.#add(this.#incarnation, delay, `< ${from}`, received, bytes)
  }

  /** `kill -9`: timers and messages on their way are gone. */
  crash(): void {
    if (!this.#alive) return
    this.#alive = false
    for (const event of this.#events) event.cancelled = true
    this.#events.clear()
    this.#simulation.note(this.name, 'crashed')
  }

  /** A new incarnation; what runs in it is the caller's business. */
  restart(): void {
    this.crash()
    this.#alive = true
    this.#incarnation += 1
    this.#simulation.note(this.name, `started as #${this.#incarnation}`)
  }

  #timer(incarnation: number, delay: number, action: () => void): Timer {
    const event = this.#add(incarnation, delay, 'timer', action)
    return {
      cancel: () => {
        if (event === undefined) return
        event.cancelled = true
        this.#events.delete(event)
      },
    }
  }

  #add(incarnation: number, delay: number, what: string, action: SimEvent['action'], bytes?: Uint8Array) {
    if (!this.#alive || incarnation !== this.#incarnation) return undefined
    const event: SimEvent = this.#simulation.schedule(
      this.name,
      delay,
      what,
      given => {
        this.#events.delete(event)
        action(given)
      },
      bytes,
    )
    this.#events.add(event)
    return event
  }
}
