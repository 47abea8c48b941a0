import type { Clock, Timer } from '../../src/service/clock.ts'
import type { Random } from '../../src/service/random.ts'

interface Entry {
  at: number
  readonly order: number
  readonly action: () => void
  cancelled: boolean
}

/** A clock that moves only when a test says so. */
export class TestClock implements Clock {
  #time = 0
  #order = 0
  #entries: Entry[] = []

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  after(delay: number, action: () => void): Timer {
    const entry = { at: this.#time + Math.max(0, delay), order: this.#order++, action, cancelled: false }
    const place = this.#entries.findIndex(other => other.at > entry.at)
    if (place < 0) this.#entries.push(entry)
    else this.#entries.splice(place, 0, entry)
    return {
      cancel() {
        entry.cancelled = true
      },
    }
  }

  every(interval: number, action: () => void): Timer {
    let timer: Timer
    const again = () => {
      timer = this.after(interval, again)
      action()
    }
    timer = this.after(interval, again)
    return { cancel: () => timer.cancel() }
  }

  /** Lets time pass, doing what falls due, in order. */
  advance(duration: number): void {
    const end = this.#time + duration
    for (let next = this.#entries[0]; next && next.at <= end; next = this.#entries[0]) {
      this.#entries.shift()
      if (next.cancelled) continue
      this.#time = Math.max(this.#time, next.at)
      next.action()
    }
    this.#time = end
  }

  /** As `advance`, and lets what awaits go on after each event. */
  async pass(duration: number): Promise<void> {
    const end = this.#time + duration
    await settle()
    for (let next = this.#entries[0]; next && next.at <= end; next = this.#entries[0]) {
      this.#entries.shift()
      if (next.cancelled) continue
      this.#time = Math.max(this.#time, next.at)
      next.action()
      await settle()
    }
    this.#time = end
  }
}

/** Everything that was waiting for a promise has gone on. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Random numbers from a seed (mulberry32). */
export class TestRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  uuid(): string {
    const hex = Buffer.from(this.bytes(16)).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.next() * 256))
  }
}
