import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'

const shortest = 100
const longest = 5_000

/** Waits between tries: 100 ms, doubling to 5 s, each shortened at random by up to half. */
export class Backoff {
  readonly #clock: Clock
  readonly #random: Random
  #delay = shortest
  #redirects = 0
  #timer: Timer | undefined

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  again(action: () => void): void {
    this.#redirects = 0
    this.#wait(this.#delay * (0.5 + this.#random.next() / 2), action)
    this.#delay = Math.min(longest, this.#delay * 2)
  }

  /** At once, as after a redirect; masters that send one round in a circle are waited for. */
  soon(action: () => void): void {
    this.#redirects += 1
    if (this.#redirects > 5) this.again(action)
    else this.#wait(0, action)
  }

  reset(): void {
    this.#delay = shortest
    this.#redirects = 0
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #wait(delay: number, action: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(delay, action)
  }
}
