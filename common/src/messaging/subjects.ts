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
  return partsMatch(pattern.split('.'), subject.split('.'))
}

function partsMatch(wanted: readonly string[], given: readonly string[]): boolean {
  for (let index = 0; index < wanted.length; index++) {
    const part = wanted[index]
    if (part === '>') return given.length > index
    if (index >= given.length || (part !== '*' && part !== given[index])) return false
  }
  return wanted.length === given.length
}

const isWild = (pattern: string): boolean => /(^|\.)[*>](\.|$)/.test(pattern)

interface Wild<Receiver> {
  readonly parts: readonly string[]
  readonly receivers: Set<Receiver>
}

/** Who listens to what: a lookup for plain subjects, a short walk over the patterns with wildcards. */
export class SubscriptionTable<Receiver> {
  readonly #plain = new Map<string, Set<Receiver>>()
  readonly #wild = new Map<string, Wild<Receiver>>()

  /** Answers a function that takes the receiver off again. Throws BadSubjectError. */
  add(pattern: string, receiver: Receiver): () => void {
    checkPattern(pattern)
    const here = this.#receiversOf(pattern)
    here.add(receiver)
    return () => {
      here.delete(receiver)
      if (here.size > 0) return
      if (this.#plain.get(pattern) === here) this.#plain.delete(pattern)
      if (this.#wild.get(pattern)?.receivers === here) this.#wild.delete(pattern)
    }
  }

  receivers(subject: string): Receiver[] {
    const found = [...(this.#plain.get(subject) ?? [])]
    if (this.#wild.size === 0) return found
    const given = subject.split('.')
    for (const { parts, receivers } of this.#wild.values()) if (partsMatch(parts, given)) found.push(...receivers)
    return found
  }

  #receiversOf(pattern: string): Set<Receiver> {
    const known = this.#plain.get(pattern) ?? this.#wild.get(pattern)?.receivers
    if (known) return known
    const receivers = new Set<Receiver>()
    if (isWild(pattern)) this.#wild.set(pattern, { parts: pattern.split('.'), receivers })
    else this.#plain.set(pattern, receivers)
    return receivers
  }
}
