/** One timer for everything that shows an age: who asks is told each second, and draws only when its own words changed. */
export class PageClock {
  #now = Date.now()
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** Wall time of the last second, ms. */
  get now(): number {
    return this.#now
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => this.#tick(), 1_000)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #tick(): void {
    this.#now = Date.now()
    for (const listener of [...this.#listeners]) listener()
  }
}
