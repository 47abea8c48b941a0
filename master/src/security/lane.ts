import type { RateLimit } from './rate-limits.ts'

/** Above this many that have left the line's array is cut. */
const maxGone = 1_000

/**
 * What waits for its turn under one rate limit: each leaves 1/qps seconds after the one before at the earliest, in order. Pure: times are
 * milliseconds of a clock that only goes forward.
 */
export class Lane<Thing> {
  readonly limit: RateLimit
  readonly #interval: number
  /** When the next may leave. */
  #due = Number.NEGATIVE_INFINITY
  #line: Thing[] = []
  #gone = 0

  constructor(limit: RateLimit) {
    this.limit = limit
    this.#interval = 1_000 / limit.qps
  }

  get waiting(): number {
    return this.#line.length - this.#gone
  }

  /** When the first that waits may leave. */
  get due(): number {
    return this.#due
  }

  /** Takes a thing: `now` when it may leave at once, `later` when it waits, `full` when there is no room. */
  enter(thing: Thing, now: number): 'now' | 'later' | 'full' {
    if (this.waiting === 0 && now >= this.#due) {
      this.#due = now + this.#interval
      return 'now'
    }
    if (this.waiting >= this.limit.capacity) return 'full'
    this.#line.push(thing)
    return 'later'
  }

  /** Those whose turn has come. A clock that is looked at seldom makes none of them late for ever: they leave together. */
  leave(now: number): Thing[] {
    const leaving: Thing[] = []
    while (this.waiting > 0 && this.#due <= now) {
      leaving.push(this.#line[this.#gone]!)
      this.#gone += 1
      this.#due += this.#interval
    }
    if (this.waiting === 0 || this.#gone > maxGone) {
      this.#line = this.#line.slice(this.#gone)
      this.#gone = 0
    }
    return leaving
  }
}
