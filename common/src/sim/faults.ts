import type { SeededRandom } from './random.ts'
import type { SimProcess } from './simulation.ts'

/** What may go wrong; chances are 0 to 1, times ms. */
export interface FaultRates {
  /** A message never arrives. */
  readonly loss: number
  /** A message arrives twice. */
  readonly duplication: number
  /** A message does not wait for those sent before it. */
  readonly reordering: number
  /** Shortest and longest time on the way. */
  readonly delay: readonly [number, number]
  /** A process dies at a point where it may. */
  readonly crash: number
  /** An operation of the store fails before it happened, or after it happened and before its answer. */
  readonly storeError: number
}

export const noFaultRates: FaultRates = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  delay: [1, 1],
  crash: 0,
  storeError: 0,
}

/** Faults of one run, drawn from its seed. */
export class FaultPlan {
  readonly rates: FaultRates
  readonly counts = { lost: 0, repeated: 0, reordered: 0, crashes: 0, storeErrors: 0 }
  readonly #random: SeededRandom
  /** When the latest message of each way arrives. */
  readonly #latest = new Map<string, number>()
  readonly #crashAt: number | undefined
  #points = 0

  /** `crashAt` is the number of the one crash point that is taken, instead of a chance: runs with 0, 1, 2 … try them all. */
  constructor(random: SeededRandom, rates: Partial<FaultRates>, options: { readonly crashAt?: number } = {}) {
    this.#random = random
    this.rates = { ...noFaultRates, ...rates }
    this.#crashAt = options.crashAt
  }

  /** Crash points passed: with `crashAt` at or over it after a run, all have been tried. */
  get points(): number {
    return this.#points
  }

  /** The delays after which the copies of a message arrive, none when it is lost. A way (`agent-1>master`) keeps its order, but for faults. */
  arrivals(way: string, now: number): number[] {
    if (this.#random.chance(this.rates.loss)) {
      this.counts.lost += 1
      return []
    }
    const copies = this.#random.chance(this.rates.duplication) ? 2 : 1
    this.counts.repeated += copies - 1
    return Array.from({ length: copies }, () => this.#delay(way, now))
  }

  #delay(way: string, now: number): number {
    const [shortest, longest] = this.rates.delay
    const drawn = now + this.#random.between(shortest, longest)
    if (this.#random.chance(this.rates.reordering)) {
      this.counts.reordered += 1
      return drawn - now
    }
    const arrival = Math.max(drawn, this.#latest.get(way) ?? 0)
    this.#latest.set(way, arrival)
    return arrival - now
  }

  /** Sends bytes to a process through the faults. */
  send(from: string, to: SimProcess, now: number, bytes: Uint8Array, received: (bytes: Uint8Array) => void): void {
    for (const delay of this.arrivals(`${from}>${to.name}`, now)) to.deliver(delay, from, bytes, received)
  }

  /** What happens to an operation of the store: `before` and `after` are failures that differ only in what is on the disk. */
  storeOutcome(): 'works' | 'fails before' | 'fails after' {
    if (!this.#random.chance(this.rates.storeError)) return 'works'
    this.counts.storeErrors += 1
    return this.#random.chance(0.5) ? 'fails before' : 'fails after'
  }

  /** Whether the process dies at this point. */
  crashesHere(): boolean {
    const point = this.#points
    this.#points += 1
    const crashes = this.#crashAt === undefined ? this.#random.chance(this.rates.crash) : point === this.#crashAt
    if (crashes) this.counts.crashes += 1
    return crashes
  }

  /**
   * Performs a heart's effects one after the other; before each, and after the last, the process may crash. Answers whether
   * it lived to the end.
   */
  perform<Effect>(process: SimProcess, effects: readonly Effect[], perform: (effect: Effect) => void): boolean {
    for (const effect of effects) {
      if (this.#crash(process)) return false
      perform(effect)
      if (!process.alive) return false
    }
    return !this.#crash(process)
  }

  #crash(process: SimProcess): boolean {
    if (!this.crashesHere()) return false
    process.crash()
    return true
  }
}
