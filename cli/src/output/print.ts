import { type TableOptions, table } from './table.ts'
import { oneLine, visible } from './visible.ts'

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * A result on stdout as JSON, as the original command line prints it (contract of the command line, 1): four blanks of indent,
 * or two where it did so, and `<>&` as escapes, which in JSON stand inside strings only; so do the control characters that JSON allows.
 */
export function printJson(value: unknown, indent: 2 | 4 = 4): void {
  process.stdout.write(`${JSON.stringify(value, null, indent).replace(/[<>&\u007f-\u009f\u2028\u2029]/g, escaped)}\n`)
}

/** Rows as JSON or as a table. */
export function printRows(
  json: boolean,
  value: unknown,
  header: readonly string[],
  rows: () => readonly (readonly string[])[],
  options: TableOptions = {},
): void {
  if (json) printJson(value)
  else process.stdout.write(table(header, rows(), options))
}

/** Words, one a line: what `--quiet` shows. */
export function printLines(words: readonly string[]): void {
  process.stdout.write(words.map(word => `${oneLine(word)}\n`).join(''))
}

/** A line for people, on stderr: stdout holds results only. */
export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}
