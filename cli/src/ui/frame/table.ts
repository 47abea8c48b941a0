import { type Column, columnsOf, type Table } from '../model/columns.ts'
import type { Rows } from '../model/listing.ts'
import type { Model } from '../model/model.ts'
import { type Row, rowOf } from '../model/rows.ts'
import { toneOf } from '../model/status.ts'
import { cutMiddle, type Line, pad, type Span, span } from '../text.ts'
import { type Screen, scrolledTo } from './screen.ts'

export interface Laid {
  readonly index: number
  readonly size: number
  readonly right: boolean
  readonly middle: boolean
}

/** Before the first cell: `>` for the row that keys act on, the row's letter, a blank. */
const lead = 3
const gap = 2

/** Which columns there is room for, and how wide they are. */
export function laidOut(columns: readonly Column[], width: number): readonly Laid[] {
  const kept = columns.map((column, index) => ({ ...column, index }))
  const taken = () => lead + kept.reduce((sum, { size }) => sum + size, 0) + gap * (kept.length - 1)
  while (taken() > width) {
    const worst = kept.reduce((most, { drop }) => Math.max(most, drop ?? 0), 0)
    if (worst === 0) break
    kept.splice(
      kept.findIndex(({ drop }) => drop === worst),
      1,
    )
  }
  const left = Math.max(0, width - taken())
  const shares = kept.reduce((sum, { grow = 0 }) => sum + grow, 0)
  return kept.map(({ index, size, grow = 0, right = false, middle = false }) => ({
    index,
    size: size + (shares > 0 ? Math.floor((left * grow) / shares) : 0),
    right,
    middle,
  }))
}

const cellsOf = (cells: readonly string[], laid: readonly Laid[]): string[] =>
  laid.map(({ index, size, right, middle }) => {
    const cell = cells[index] ?? ''
    return pad(middle ? cutMiddle(cell, size) : cell, size, right)
  })

/** A row: its letter and status in colour, the whole inverse where it is the one that keys act on. */
function rowLine(row: Row, laid: readonly Laid[], names: readonly string[], isSelected: boolean): Line {
  const tone = toneOf[row.mark]
  const spans: Span[] = [span(`${isSelected ? '>' : ' '}${row.mark} `, tone)]
  const texts = cellsOf(row.cells, laid)
  texts.forEach((text, place) => {
    const name = names[laid[place]!.index]!
    const isTelling = name === 'status' || name === 'state' || name === 'health'
    if (place > 0) spans.push(span(' '.repeat(gap)))
    spans.push(span(text, isTelling ? tone : undefined))
  })
  return isSelected ? spans.map(part => ({ ...part, inverse: true })) : spans
}

/** A table with its heading. Only the rows that are seen are made. */
export function tableLines(
  model: Model,
  table: Table,
  rows: Rows,
  cursor: number,
  screen: Screen,
  space: number,
  list: string = table,
  columns: readonly Column[] = columnsOf[table],
): Line[] {
  const names = columns.map(({ name }) => name)
  const laid = laidOut(columns, screen.columns)
  const heading = cellsOf(
    names.map(name => name.toUpperCase()),
    laid,
  ).join(' '.repeat(gap))
  const lines: Line[] = [[span(`   ${heading}`, 'dim')]]
  const visible = Math.max(1, space - 1)
  const top = scrolledTo(screen, list, cursor, visible, rows.length)
  for (let index = top; index < Math.min(rows.length, top + visible); index += 1) {
    screen.made?.()
    lines.push(rowLine(rowOf(model, table, rows.at(index)!, screen.now), laid, names, index === cursor))
  }
  return lines
}
