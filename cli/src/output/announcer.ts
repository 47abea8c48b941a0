import { note } from './print.ts'

/** Tells a person what a long command does: on stderr, or while the terminal UI is open inside of that. */
export class Announcer {
  #listener = note

  readonly say = (sentence: string): void => this.#listener(sentence)

  /** From now on `listener` is told instead; what is answered gives stderr back. */
  divert(listener: (sentence: string) => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = note
    }
  }
}
