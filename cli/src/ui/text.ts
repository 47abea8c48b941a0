import { stripVTControlCharacters } from 'node:util'

/** What colour repeats; letters and words have said it before. */
export type Tone = 'bad' | 'warn' | 'busy' | 'good' | 'dim'

export interface Span {
  readonly text: string
  readonly tone?: Tone | undefined
  readonly bold?: boolean
  readonly inverse?: boolean
}

/** One line of the screen. */
export type Line = readonly Span[]

export const span = (text: string, tone?: Tone): Span => ({ text, tone })
export const line = (text = '', tone?: Tone): Line => [{ text, tone }]
export const plain = (of: Line): string => of.map(({ text }) => text).join('')

export const isSameLine = (a: Line, b: Line): boolean =>
  a.length === b.length &&
  a.every((part, index) => {
    const other = b[index]!
    return (
      part.text === other.text && part.tone === other.tone && part.bold === other.bold && part.inverse === other.inverse
    )
  })

/** Characters that take two cells (East Asian wide, emoji), and those that take none (combining, joiners, selectors). */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const none = /\p{M}|[\u200b-\u200f\u2060]/u
const ascii = /^[ -~]*$/

const cells = (character: string): number => (wide.test(character) ? 2 : none.test(character) ? 0 : 1)

/** Cells that a text takes on the screen. */
export function width(text: string): number {
  if (ascii.test(text)) return text.length
  let sum = 0
  for (const character of text) sum += cells(character)
  return sum
}

/** Escape codes and control characters of names and logs never reach the terminal as such. */
export const clean = (text: string): string =>
  ascii.test(text)
    ? text
    : stripVTControlCharacters(text.replaceAll('\t', '    ')).replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u00b7')

/** At most so many cells; what is cut ends in `~`. */
export function cut(text: string, most: number): string {
  const safe = clean(text)
  if (width(safe) <= most) return safe
  let result = ''
  let taken = 0
  for (const character of safe) {
    taken += cells(character)
    if (taken > most - 1) break
    result += character
  }
  return most > 0 ? `${result}~` : ''
}

/** As `cut`, but both ends stay. */
export function cutMiddle(text: string, most: number): string {
  const safe = clean(text)
  if (width(safe) <= most || most < 5) return cut(safe, most)
  const characters = [...safe]
  const tail = Math.floor((most - 1) / 2)
  return `${characters.slice(0, most - 1 - tail).join('')}~${characters.slice(-tail).join('')}`
}

export function pad(text: string, size: number, right = false): string {
  const fitting = cut(text, size)
  const blanks = ' '.repeat(Math.max(0, size - width(fitting)))
  return right ? blanks + fitting : fitting + blanks
}

/** A line of at most so many cells. */
export function fit(of: Line, columns: number): Line {
  const result: Span[] = []
  let left = columns
  for (const part of of) {
    const safe = clean(part.text)
    const size = width(safe)
    if (size <= left) {
      result.push(safe === part.text ? part : { ...part, text: safe })
      left -= size
      continue
    }
    if (left > 0) result.push({ ...part, text: cut(safe, left) })
    break
  }
  return result
}

/** A text on lines of so many cells, broken between words where that is possible. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let rest = clean(text)
  while (width(rest) > columns) {
    const head = cut(rest, columns + 1).slice(0, -1)
    const blank = head.lastIndexOf(' ')
    const at = blank > columns / 2 ? blank : head.length
    lines.push(rest.slice(0, at))
    rest = rest.slice(at).replace(/^ /, '')
  }
  return [...lines, rest]
}

export function bar(used: number, total: number, columns: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, used / total)) : 0
  // What is used at all shows, and only what is full is shown as full.
  const full = share === 0 ? 0 : share === 1 ? columns : Math.min(columns - 1, Math.max(1, Math.round(share * columns)))
  return `[${'#'.repeat(full)}${'.'.repeat(columns - full)}]`
}

/** A duration: `42s`, `3m`, `5h`, `2d`. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** A duration with its second unit while that is worth knowing: `4m12s`. */
export function longAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60 || seconds >= 3600) return age(milliseconds)
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`
}

export const number = (value: number): string => {
  if (value >= 1000) return String(Math.round(value))
  return String(value >= 10 ? Math.round(value * 10) / 10 : Math.round(value * 100) / 100)
}

/** MiB as people write it: `512Mi`, `1.5Gi`. */
export const size = (mib: number): string =>
  mib >= 1024 * 1024
    ? `${number(mib / 1024 / 1024)}Ti`
    : mib >= 1024
      ? `${number(mib / 1024)}Gi`
      : `${number(Math.round(mib))}Mi`

export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`
