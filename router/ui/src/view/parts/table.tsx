// biome-ignore-all lint/a11y/noRedundantRoles: shown as cards, the elements of a table lose their own roles
import type { ReactNode } from 'react'
import { count } from '../../model/format.ts'
import { useQuery } from '../context.tsx'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => ReactNode
  readonly align?: 'end'
  /** The cell that names the row. */
  readonly head?: boolean
  /** Takes the room that is left, and wraps. */
  readonly wide?: boolean
  /** Makes the column sortable. */
  readonly order?: (row: Row) => string | number
}

interface TableProps<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly keyOf: (row: Row) => string
  /** Shown where there is no row. */
  readonly empty: ReactNode
  /** Sort and page stand in the address; only one table of a page may do so. */
  readonly addressed?: boolean
}

/** However many rows there are, so many are drawn. */
const pageSize = 100

/** A table that becomes a list of cards where the screen is narrow. Its roles are written out, as `display` takes them away. */
export function Table<Row>({ label, rows, columns, keyOf, empty, addressed = false }: TableProps<Row>) {
  const [sort, setSort] = useQuery('sort')
  const [pageText, setPage] = useQuery('page')
  if (rows.length === 0) return <div className="empty">{empty}</div>
  const sorted = addressed ? sortRows(rows, columns, sort) : rows
  const pages = Math.ceil(rows.length / pageSize)
  const page = addressed ? Math.min(pages, Math.max(1, Number.parseInt(pageText, 10) || 1)) : 1
  const from = (page - 1) * pageSize
  return (
    <>
      <table role="table" aria-label={label} aria-rowcount={rows.length}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(column => (
              <Head key={column.name} column={column} sort={addressed ? sort : undefined} setSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {sorted.slice(from, from + pageSize).map(row => (
            <tr role="row" key={keyOf(row)}>
              {columns.map(column => (
                <Cell key={column.name} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {addressed && pages > 1 && <Pager page={page} pages={pages} total={rows.length} go={to => setPage(String(to))} />}
      {!addressed && rows.length > pageSize && (
        <p className="quiet">
          The first {pageSize} of {count(rows.length)}.
        </p>
      )}
    </>
  )
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const className = [column.align === 'end' && 'end', column.wide && 'wide', column.head && 'head']
    .filter(Boolean)
    .join(' ')
  const content = <div className="cell">{column.cell(row)}</div>
  return column.head ? (
    <th role="rowheader" scope="row" className={className} data-label={column.name}>
      {content}
    </th>
  ) : (
    <td role="cell" className={className} data-label={column.name}>
      {content}
    </td>
  )
}

function Head<Row>({
  column,
  sort,
  setSort,
}: {
  column: Column<Row>
  sort: string | undefined
  setSort: (sort: string) => void
}) {
  const className = column.align === 'end' ? 'end' : undefined
  if (sort === undefined || !column.order)
    return (
      <th role="columnheader" scope="col" className={className}>
        {column.name}
      </th>
    )
  const up = sort === column.name
  const down = sort === `-${column.name}`
  return (
    <th
      role="columnheader"
      scope="col"
      className={className}
      aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}
    >
      <button type="button" className="sort" onClick={() => setSort(up ? `-${column.name}` : down ? '' : column.name)}>
        {column.name}
        <span aria-hidden="true" className={up || down ? 'arrow' : 'arrow arrow-off'}>
          {down ? '↓' : '↑'}
        </span>
      </button>
    </th>
  )
}

function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: string): readonly Row[] {
  const order = columns.find(({ name }) => name === sort.replace(/^-/, ''))?.order
  if (!order) return rows
  const direction = sort.startsWith('-') ? -1 : 1
  return rows
    .map(row => ({ row, value: order(row) }))
    .sort((a, b) => direction * compare(a.value, b.value))
    .map(({ row }) => row)
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true })

function Pager({ page, pages, total, go }: { page: number; pages: number; total: number; go: (page: number) => void }) {
  return (
    <nav className="pager" aria-label="Pages of the table">
      <button type="button" disabled={page === 1} onClick={() => go(page - 1)}>
        Previous
      </button>
      <span>
        Page {page} of {pages} <span className="quiet">({count(total)} rows)</span>
      </span>
      <button type="button" disabled={page === pages} onClick={() => go(page + 1)}>
        Next
      </button>
    </nav>
  )
}
