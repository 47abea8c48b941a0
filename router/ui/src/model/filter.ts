import { type Token, tokensOf } from './filter-tokens.ts'

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
 * The filter language (dashboard contract 1.3): `a b` both, `a, b` one of them, `(…)` groups, `key:v1,v2` one of the values, `key=v` all of
 * it, `-term` not, `cpus>2`, quotes around blanks; any case.
 */
export function compileFilter<Row>(text: string, readable: Readable<Row>): Filter<Row> {
  const problems: string[] = []
  const test = anyOf(tokensOf(text).reverse(), term => compileTerm(term, readable, problems))
  return { matches: test ?? (() => true), problems }
}

type Test<Row> = (row: Row) => boolean
type Compile<Row> = (term: string) => Test<Row> | undefined

const not =
  <Row>(test: Test<Row>): Test<Row> =>
  row =>
    !test(row)

/** Alternatives up to the end of the group. Takes its tokens off the end; nothing where there is nothing to test. */
function anyOf<Row>(tokens: Token[], compile: Compile<Row>): Test<Row> | undefined {
  const alternatives: Test<Row>[] = []
  do {
    const tests = allOf(tokens, compile)
    if (tests.length > 0) alternatives.push(row => tests.every(test => test(row)))
  } while (tokens.pop() === ',')
  return alternatives.length === 0 ? undefined : row => alternatives.some(test => test(row))
}

/** The tests up to the next comma or the end of the group. */
function allOf<Row>(tokens: Token[], compile: Compile<Row>): Test<Row>[] {
  const tests: Test<Row>[] = []
  for (let token = tokens.at(-1); token !== undefined && token !== ',' && token !== ')'; token = tokens.at(-1)) {
    tokens.pop()
    if (token === '(' || token === '-(') {
      const group = anyOf(tokens, compile)
      if (group) tests.push(token === '(' ? group : not(group))
      continue
    }
    const negated = token.term.length > 1 && token.term.startsWith('-')
    const test = compile(negated ? token.term.slice(1) : token.term)
    if (test) tests.push(negated ? not(test) : test)
  }
  return tests
}

/** Their values are words of their own: `healthy` is no part of `unhealthy`. The beginning of one will do while it is typed. */
const states: ReadonlySet<string> = new Set(['is', 'state', 'status'])

function compileTerm<Row>(term: string, readable: Readable<Row>, problems: string[]): Test<Row> | undefined {
  const parts = /^([a-z]+)(:|<=|>=|<|>|=)(.*)$/is.exec(term)
  if (!parts) return bareWord(unquote(term), readable)
  const [, name, operator, value] = parts as unknown as [string, string, string, string]
  const key = name.toLowerCase()
  if (value === '') return undefined
  const number = Object.hasOwn(readable.numbers, key) ? readable.numbers[key] : undefined
  if (number) return comparison(number, operator, value, problems, term)
  const words = Object.hasOwn(readable.words, key) ? readable.words[key] : undefined
  if (words && (operator === ':' || operator === '='))
    return oneOf(words, value, operator === '=' ? isAll : states.has(key) ? isBeginning : isPart)
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

type Found = (word: string, wanted: string) => boolean

const isAll: Found = (word, wanted) => word === wanted
const isBeginning: Found = (word, wanted) => word.startsWith(wanted)
const isPart: Found = (word, wanted) => word.includes(wanted)

function oneOf<Row>(
  words: (row: Row) => string | readonly string[],
  value: string,
  found: Found,
): Test<Row> | undefined {
  const wanted = value
    .split(',')
    .map(part => unquote(part).toLowerCase())
    .filter(part => part !== '')
  if (wanted.length === 0) return undefined
  return row => [words(row)].flat().some(word => wanted.some(part => found(word.toLowerCase(), part)))
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
