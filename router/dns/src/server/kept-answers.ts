import { LRUCache } from 'lru-cache'
import type { Answer } from './answers.ts'

/** Answers kept and their bytes in all; the least used go first. */
const mostAnswers = 50_000
const mostBytes = 64 * 1024 * 1024
/** What an answer costs beside its records. */
const overhead = 512

/** Encoded answers by the bytes of their questions. One is given for as long as the records that it was made from stay as they were. */
export class KeptAnswers {
  readonly #answers = new LRUCache<string, Answer>({
    max: mostAnswers,
    maxSize: mostBytes,
    sizeCalculation: ({ sections }, key) =>
      sections.answers.length + sections.additional.length + 8 * sections.offsets.length + key.length + overhead,
  })

  get(key: string): Answer | undefined {
    const answer = this.#answers.get(key)
    return answer !== undefined && isCurrent(answer) ? answer : undefined
  }

  set(key: string, answer: Answer): void {
    this.#answers.set(key, answer)
  }

  /** Bytes of what is kept. */
  get size(): number {
    return this.#answers.calculatedSize
  }
}

function isCurrent({ sources }: Answer): boolean {
  for (const { set, version } of sources) if (set.version !== version) return false
  return true
}
