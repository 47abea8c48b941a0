/** Rows as a table: header centred and in capitals, cells left, numbers right, two blanks around (contract of the command line, 1). */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = header.map(title => title.replace(/[_.]/g, ' ').toUpperCase())
  const widths = titles.map((title, column) => Math.max(width(title), ...rows.map(row => width(row[column] ?? ''))))
  const numeric = titles.map(
    (_, column) => rows.length > 0 && rows.every(row => /^-?\d+(\.\d+)?$/.test(row[column] ?? '')),
  )
  const line = (cells: readonly string[], pad: (cell: string, column: number) => string) =>
    `  ${cells.map(pad).join('  ')}  `
  const lines = [
    line(titles, (title, column) => {
      const space = widths[column]! - width(title)
      const left = Math.floor(space / 2)
      return ' '.repeat(left) + title + ' '.repeat(space - left)
    }),
    ...rows.map(row =>
      line(
        titles.map((_, column) => row[column] ?? ''),
        (cell, column) => {
          const space = ' '.repeat(widths[column]! - width(cell))
          return numeric[column] ? space + cell : cell + space
        },
      ),
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** Columns a text takes on a terminal, for the characters that names here are made of. */
const width = (text: string): number => [...text].length
