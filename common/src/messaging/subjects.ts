/** Longest subject. */
export const maxSubjectLength = 512

/** A subject or a subscription's pattern that no bus takes. */
export class BadSubjectError extends Error {
  constructor(subject: string, reason: string) {
    super(`${JSON.stringify(subject.slice(0, 80))} is no subject: ${reason}`)
    this.name = 'BadSubjectError'
  }
}

/** Throws BadSubjectError unless it is `a.b.c` of printable characters, without wildcards. */
export function checkSubject(subject: string): void {
  checkPattern(subject)
  for (const part of subject.split('.'))
    if (part === '*' || part === '>')
      throw new BadSubjectError(subject, 'a message goes to one subject, without wildcards')
}

/** As `checkSubject`; a part may be `*`, and the last one `>`. */
export function checkPattern(pattern: string): void {
  if (pattern.length > maxSubjectLength) throw new BadSubjectError(pattern, `it is longer than ${maxSubjectLength}`)
  const parts = pattern.split('.')
  parts.forEach((part, index) => {
    if (part === '') throw new BadSubjectError(pattern, 'it has an empty part')
    if (!/^[\x21-\x7e]+$/.test(part))
      throw new BadSubjectError(pattern, 'it has a character that is not printable ASCII')
    if (part === '>' && index !== parts.length - 1) throw new BadSubjectError(pattern, '">" stands at the end only')
  })
}

/** Whether a subject falls under a subscription's pattern. */
export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.')
  const given = subject.split('.')
  for (const [index, part] of wanted.entries()) {
    if (part === '>') return given.length > index
    if (index >= given.length || (part !== '*' && part !== given[index])) return false
  }
  return wanted.length === given.length
}

const isWild = (pattern: string): boolean => /(^|\.)[*>](\.|$)/.test(pattern)

/** Who listens to what: a lookup for plain subjects, a short walk over the patterns with wildcards. */
export class SubscriptionTable<Receiver> {
  readonly #plain = new Map<string, Set<Receiver>>()
  readonly #wild = new Map<string, Set<Receiver>>()

  /** Answers a function that takes the receiver off again. Throws BadSubjectError. */
  add(pattern: string, receiver: Receiver): () => void {
    checkPattern(pattern)
    const table = isWild(pattern) ? this.#wild : this.#plain
    const here = table.get(pattern) ?? new Set()
    here.add(receiver)
    table.set(pattern, here)
    return () => {
      here.delete(receiver)
      if (here.size === 0 && table.get(pattern) === here) table.delete(pattern)
    }
  }

  receivers(subject: string): Receiver[] {
    const found = [...(this.#plain.get(subject) ?? [])]
    for (const [pattern, receivers] of this.#wild) if (matches(pattern, subject)) found.push(...receivers)
    return found
  }
}
