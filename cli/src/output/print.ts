import { table } from './table.ts'

/** A result on stdout as JSON, four blanks of indent, as the original command line prints it. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 4)}\n`)
}

/** Rows as JSON or as a table. */
export function printRows(
  json: boolean,
  value: unknown,
  header: readonly string[],
  rows: () => readonly (readonly string[])[],
): void {
  if (json) printJson(value)
  else process.stdout.write(table(header, rows()))
}

/** A line for people, on stderr: stdout holds results only. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
