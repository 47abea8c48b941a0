/** Actions in lanes: those of one lane run one after the other, lanes beside each other. */
export class Lanes {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #failed: (error: Error) => void
  #broken = false

  /** `failed` is told the first error; after it nothing runs any more, as what follows relies on what came before. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed
  }

  run(lane: string, action: () => void | Promise<void>): void {
    const before = this.#tails.get(lane) ?? Promise.resolve()
    const tail = before.then(() => this.#do(action))
    this.#tails.set(lane, tail)
    void tail.then(() => {
      if (this.#tails.get(lane) === tail) this.#tails.delete(lane)
    })
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
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
