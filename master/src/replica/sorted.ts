import type { Page } from './pages.ts'

/** Rows that are sorted in one turn. */
const runRows = 8_192

/**
 * Sorts any number of rows without stopping all else: in short runs, a turn each, which are merged as the rows are taken.
 * Rows that compare as equal stay in their order.
 */
export function* sorted<Row>(
  page: Page,
  rows: Iterable<Row>,
  compare: (a: Row, b: Row) => number,
): Generator<void, IterableIterator<Row>> {
  const runs: Row[][] = []
  let run: Row[] = []
  for (const row of rows) {
    run.push(row)
    if (run.length < runRows) continue
    runs.push(run.sort(compare))
    run = []
    page.row()
    yield
  }
  if (run.length > 0) runs.push(run.sort(compare))
  return merged(runs, compare)
}

/** Two at a time, so that each row passes as many comparisons as there are bits in the number of runs. */
function merged<Row>(runs: readonly Row[][], compare: (a: Row, b: Row) => number): IterableIterator<Row> {
  if (runs.length === 0) return [].values()
  if (runs.length === 1) return runs[0]!.values()
  const half = runs.length >> 1
  return merge(merged(runs.slice(0, half), compare), merged(runs.slice(half), compare), compare)
}

function* merge<Row>(left: Iterator<Row>, right: Iterator<Row>, compare: (a: Row, b: Row) => number): Generator<Row> {
  let a = left.next()
  let b = right.next()
  while (!a.done && !b.done) {
    if (compare(a.value, b.value) <= 0) {
      yield a.value
      a = left.next()
    } else {
      yield b.value
      b = right.next()
    }
  }
  for (; !a.done; a = left.next()) yield a.value
  for (; !b.done; b = right.next()) yield b.value
}
