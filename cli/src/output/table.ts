import { oneLine } from './visible.ts'

export interface TableOptions {
  /** Columns of plain numbers stand at the left, as in the list of apps. */
  readonly numbersLeft?: boolean
}

/** Rows as a table: header centred and in capitals, cells left, numbers right, two blanks around (contract of the command line, 1). */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const titles = header.map(title => title.replace(/[_.]/g, ' ').toUpperCase())
  const cells = rows.map(row => titles.map((_, column) => oneLine(row[column] ?? '')))
  const widths = titles.map((title, column) =>
    cells.reduce((most, row) => Math.max(most, width(row[column]!)), width(title)),
  )
  const numeric = titles.map(
    (_, column) => !options.numbersLeft && rows.length > 0 && cells.every(row => /^-?\d+(\.\d+)?$/.test(row[column]!)),
  )
  const line = (row: readonly string[], pad: (cell: string, column: number) => string) =>
    `  ${row.map(pad).join('  ')}  `
  const lines = [
    line(titles, (title, column) => {
      const space = widths[column]! - width(title)
      const left = Math.floor(space / 2)
      return ' '.repeat(left) + title + ' '.repeat(space - left)
    }),
    ...cells.map(row =>
      line(row, (cell, column) => {
        const space = ' '.repeat(widths[column]! - width(cell))
        return numeric[column] ? space + cell : cell + space
      }),
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** Columns a text takes on a terminal, for the characters that names here are made of. */
const width = (text: string): number => [...text].length
