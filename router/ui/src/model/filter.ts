/** What a row gives a filter to read: its words by key. `text` is what a bare word is looked for in. */
export interface Readable<Row> {
  readonly text: (row: Row) => string
  readonly words: Readonly<Record<string, (row: Row) => string | readonly string[]>>
  /** Compared by `<`, `<=`, `>`, `>=`. */
  readonly numbers: Readonly<Record<string, (row: Row) => number>>
}

export interface Filter<Row> {
  matches(row: Row): boolean
  /** What could not be understood, in words: an unknown key never empties a list in silence. */
  readonly problems: readonly string[]
}

/**
 * The filter language (dashboard contract 1.3): `a b` both, `key:v1,v2` one of, `-term` not, `cpus>2`, quotes around blanks; any case.
 */
export function compileFilter<Row>(text: string, readable: Readable<Row>): Filter<Row> {
  const problems: string[] = []
  const tests = terms(text).flatMap(term => {
    const negated = term.length > 1 && term.startsWith('-')
    const test = compileTerm(negated ? term.slice(1) : term, readable, problems)
    if (!test) return []
    return [negated ? (row: Row) => !test(row) : test]
  })
  return { matches: row => tests.every(test => test(row)), problems }
}

type Test<Row> = (row: Row) => boolean

function compileTerm<Row>(term: string, readable: Readable<Row>, problems: string[]): Test<Row> | undefined {
  const parts = /^([a-z]+)(:|<=|>=|<|>|=)(.*)$/is.exec(term)
  if (!parts) return bareWord(unquote(term), readable)
  const [, name, operator, value] = parts as unknown as [string, string, string, string]
  const key = name.toLowerCase()
  if (value === '') return undefined
  const number = Object.hasOwn(readable.numbers, key) ? readable.numbers[key] : undefined
  if (number) return comparison(number, operator, value, problems, term)
  const words = Object.hasOwn(readable.words, key) ? readable.words[key] : undefined
  if (words && (operator === ':' || operator === '=')) return oneOf(words, value)
  problems.push(`“${name}” is no filter here; there are ${[...keysOf(readable)].join(', ')}`)
  return undefined
}

function keysOf<Row>({ words, numbers }: Readable<Row>): string[] {
  return [...Object.keys(words).map(key => `${key}:`), ...Object.keys(numbers).map(key => `${key}>`)]
}

function bareWord<Row>(word: string, { text }: Readable<Row>): Test<Row> {
  const wanted = word.toLowerCase()
  return row => text(row).toLowerCase().includes(wanted)
}

function oneOf<Row>(words: (row: Row) => string | readonly string[], value: string): Test<Row> {
  const wanted = value.split(',').map(part => unquote(part).toLowerCase())
  return row => {
    const found = words(row)
    const all = typeof found === 'string' ? [found] : found
    return all.some(word => wanted.some(part => part !== '' && word.toLowerCase().includes(part)))
  }
}

function comparison<Row>(
  number: (row: Row) => number,
  operator: string,
  value: string,
  problems: string[],
  term: string,
): Test<Row> | undefined {
  const wanted = amount(value)
  if (wanted === undefined) {
    problems.push(`“${term}” compares with no number`)
    return undefined
  }
  if (operator === '>') return row => number(row) > wanted
  if (operator === '<') return row => number(row) < wanted
  if (operator === '>=') return row => number(row) >= wanted
  if (operator === '<=') return row => number(row) <= wanted
  return row => number(row) === wanted
}

/** `1.5`, and MiB with a unit: `512m`, `1g`, `2t`. */
function amount(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([mgt]?)(?:i?b)?$/i.exec(text)
  if (!found) return undefined
  const unit = { '': 1, m: 1, g: 1024, t: 1024 * 1024 }[found[2]!.toLowerCase()] ?? 1
  return Number(found[1]) * unit
}

const unquote = (text: string): string => text.replaceAll('"', '')

/** Cuts at blanks outside quotes. */
function terms(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
}
