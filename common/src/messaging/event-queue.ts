import type { Clock } from '../service/clock.ts'

/** Does things one at a time and in order, also those that come up while one is being done. */
export class EventQueue {
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #busy = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does them before it returns; but when one is being done, after that one. */
  now(actions: readonly (() => void)[]): void {
    this.#waiting.push(...actions)
    if (this.#busy) return
    this.#busy = true
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0)
        for (let done = 0; done < batch.length; done += 1) {
          try {
            batch[done]!()
          } catch (error) {
            this.#waiting.unshift(...batch.slice(done + 1))
            throw error
          }
        }
      }
    } finally {
      this.#busy = false
      if (this.#waiting.length > 0) this.later([])
    }
  }

  /** Does them in a turn of their own. */
  later(actions: readonly (() => void)[]): void {
    this.#waiting.push(...actions)
    if (this.#waiting.length > 0) this.#clock.after(0, () => this.now([]))
  }
}
