/** Texts that are used many times, as small numbers: each is kept once, for as long as it is used. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #texts: (string | undefined)[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** The number of a text, used once more. */
  use(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#free.pop() ?? this.#texts.length
      this.#numbers.set(text, number)
      this.#texts[number] = text
      this.#uses[number] = 0
    }
    this.#uses[number]! += 1
    return number
  }

  /** The number of a text that is in use, or undefined. */
  find(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  text(number: number): string {
    return this.#texts[number]!
  }

  /** It is used once less. A number that nobody uses any more will mean another text. */
  release(number: number): void {
    this.#uses[number]! -= 1
    if (this.#uses[number]! > 0) return
    this.#numbers.delete(this.#texts[number]!)
    this.#texts[number] = undefined
    this.#free.push(number)
  }
}
