import { Refusal } from '../core/errors.ts'

type Matches = (labels: Readonly<Record<string, string>>) => boolean

/**
 * Reads a label selector (contract 2): comma is AND; `k`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`; other characters are
 * escaped by a backslash. `!=` and `notin` hold only where the label exists.
 */
export function parseSelector(text: string): Matches {
  const parser = new Parser(text)
  const all = parser.selectors()
  return labels => all.every(matches => matches(labels))
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  selectors(): Matches[] {
    const all = [this.#selector()]
    while (this.#take(',')) all.push(this.#selector())
    this.#spaces()
    if (this.#at < this.#text.length) this.#fail()
    return all
  }

  #selector(): Matches {
    const key = this.#term()
    const has: Matches = labels => Object.hasOwn(labels, key)
    if (this.#take('==')) {
      const value = this.#term()
      return labels => has(labels) && labels[key] === value
    }
    if (this.#take('!=')) {
      const value = this.#term()
      return labels => has(labels) && labels[key] !== value
    }
    if (this.#word('notin')) {
      const values = this.#set()
      return labels => has(labels) && !values.has(labels[key] as string)
    }
    if (this.#word('in')) {
      const values = this.#set()
      return labels => has(labels) && values.has(labels[key] as string)
    }
    return has
  }

  #set(): Set<string> {
    if (!this.#take('(')) this.#fail()
    const values = new Set([this.#term()])
    while (this.#take(',')) values.add(this.#term())
    if (!this.#take(')')) this.#fail()
    return values
  }

  #term(): string {
    this.#spaces()
    let term = ''
    for (; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#text[this.#at] as string
      if (char === '\\' && this.#at + 1 < this.#text.length) {
        this.#at += 1
        term += this.#text[this.#at]
      } else if (/[-A-Za-z0-9_.]/.test(char)) term += char
      else break
    }
    if (term === '') this.#fail()
    return term
  }

  #take(token: string): boolean {
    this.#spaces()
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  /** A keyword, which a space or a bracket ends. */
  #word(word: string): boolean {
    this.#spaces()
    const rest = this.#text.slice(this.#at)
    if (!new RegExp(`^${word}[\\s(]`).test(rest)) return false
    this.#at += word.length
    return true
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1
  }

  #fail(): never {
    throw new Refusal(422, `Parsing error in label selector '${this.#text.slice(0, 200)}' at position ${this.#at}`)
  }
}
