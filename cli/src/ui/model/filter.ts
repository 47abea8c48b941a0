/** What a row can be asked for, by name: its columns and a few more. */
export type Fields = Readonly<Record<string, string>>

interface Term {
  readonly key?: string
  readonly text: string
  readonly exact: boolean
  readonly negated: boolean
}

export interface Filter {
  readonly text: string
  readonly terms: readonly Term[]
}

/** Words, each of which must be found; `key:word` looks in one column, `key=word` wants all of it, `-word` must not be found. Any case. */
export function parseFilter(text: string): Filter {
  const terms = text
    .toLowerCase()
    .split(/\s+/)
    .filter(word => word !== '' && word !== '-')
    .map((word): Term => {
      const negated = word.startsWith('-')
      const rest = negated ? word.slice(1) : word
      const [, key, sign, value] = /^([a-z]+)([:=])(.*)$/.exec(rest) ?? []
      return key !== undefined
        ? { key, text: value!, exact: sign === '=', negated }
        : { text: rest, exact: false, negated }
    })
  return { text, terms }
}

export function matches({ terms }: Filter, fields: Fields): boolean {
  const isIn = ({ key, text, exact }: Term): boolean => {
    if (key !== undefined && Object.hasOwn(fields, key)) {
      const value = fields[key]!.toLowerCase()
      return exact ? value === text : value.includes(text)
    }
    const whole = key === undefined ? text : `${key}${exact ? '=' : ':'}${text}`
    return Object.values(fields).some(value => value.toLowerCase().includes(whole))
  }
  return terms.every(term => isIn(term) !== term.negated)
}

/** The first key of the filter that the table does not have, so that an empty table is understood. */
export const unknownKey = ({ terms }: Filter, known: readonly string[]): string | undefined =>
  terms.find(({ key }) => key !== undefined && !known.includes(key))?.key
