/** The name of the lane that all others wait for, and that waits for all. */
export const everyLane = '*'

/** Actions in lanes: those of one lane run one after the other, lanes beside each other. */
export class Lanes {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #failed: (error: Error) => void
  /** The newest action of `everyLane`; a lane with nothing of its own to wait for waits for it. */
  #barrier: Promise<void> = Promise.resolve()
  #broken = false

  /** `failed` is told the first error; after it nothing runs any more, as what follows relies on what came before. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed
  }

  run(lane: string, action: () => void | Promise<void>): void {
    if (lane === everyLane) {
      const before = Promise.all([this.#barrier, ...this.#tails.values()])
      this.#tails.clear()
      this.#barrier = before.then(() => this.#do(action))
      return
    }
    const tail = (this.#tails.get(lane) ?? this.#barrier).then(() => this.#do(action))
    this.#tails.set(lane, tail)
    void tail.then(() => {
      if (this.#tails.get(lane) === tail) this.#tails.delete(lane)
    })
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    let barrier: Promise<void> | undefined
    while (this.#tails.size > 0 || barrier !== this.#barrier) {
      barrier = this.#barrier
      await Promise.all([barrier, ...this.#tails.values()])
    }
  }

  async #do(action: () => void | Promise<void>): Promise<void> {
    if (this.#broken) return
    try {
      await action()
    } catch (error) {
      this.#broken = true
      this.#failed(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
