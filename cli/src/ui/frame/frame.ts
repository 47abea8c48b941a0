import { columnsOf, extraFields, type Table } from '../model/columns.ts'
import { parseFilter, unknownKey } from '../model/filter.ts'
import type { Model } from '../model/model.ts'
import { rowOf } from '../model/rows.ts'
import { cursorOf, type Mode, placeOf, type UiState } from '../state.ts'
import { fit, type Line, line, plain, wrap } from '../text.ts'
import { detailLines } from './details.ts'
import { footer } from './footer.ts'
import { header } from './header.ts'
import { helpLines } from './help.ts'
import { installLines } from './install.ts'
import { logLines } from './log.ts'
import { overview } from './overview.ts'
import { filled, rule, type Screen } from './screen.ts'
import { tableLines } from './table.ts'

const smallest = { columns: 40, rows: 10 }

/** The whole screen: one line fewer than it has, since a full one scrolls. */
export function frame(state: UiState, model: Model, screen: Screen): Line[] {
  const { columns, rows } = screen
  if (columns < smallest.columns || rows < smallest.rows) {
    const words = `${columns} x ${rows} is too small: at least ${smallest.columns} x ${smallest.rows} is needed`
    return wrap(words, columns)
      .slice(0, Math.max(1, rows - 1))
      .map(text => line(text, 'warn'))
  }
  const whole = wholeScreen(state.mode)
  const head = whole ? [] : header(model, screen, state)
  const foot = footer(state, model, columns)
  const space = rows - 1 - head.length - foot.length
  const body = filled(content(state, model, screen, space), space)
  return [...head, ...body, ...foot].map(one => fit(one, columns))
}

/** Reading a log and installing take the header's room too; a question asked meanwhile changes nothing about that. */
const wholeScreen = (mode: Mode): boolean =>
  mode.kind === 'log' || mode.kind === 'install' || (mode.kind === 'ask' && wholeScreen(mode.from))

function content(state: UiState, model: Model, screen: Screen, space: number, mode = state.mode): Line[] {
  const { columns, now } = screen
  switch (mode.kind) {
    case 'help':
      return [rule('Help', columns), ...helpLines(state.router).slice(mode.scroll)]
    case 'details': {
      const lines = detailLines(mode, model, columns, now)
      const scroll = Math.min(mode.scroll, Math.max(0, lines.length - space + 1))
      const where = lines.length > space ? `${scroll + 1} of ${lines.length}` : ''
      return [
        rule(`${mode.table.replace(/s$/, '')} ${mode.key}`, columns, where),
        ...lines.slice(scroll, scroll + space).map(text => line(` ${text}`)),
      ]
    }
    case 'log':
      return logLines(mode, screen, space)
    case 'install':
      return state.install ? installLines(state.install, model, state.router, screen, space) : []
    case 'ask':
      return content(state, model, screen, space, mode.from)
    default:
      return state.view === 'overview'
        ? overview(state, model, screen, space)
        : view(state, state.view, model, screen, space)
  }
}

function view(state: UiState, table: Table, model: Model, screen: Screen, space: number): Line[] {
  const { filter } = placeOf(state)
  const rows = model.rows(table, filter)
  const title = `${titles[table] ?? `${table[0]!.toUpperCase()}${table.slice(1)}`} ${rows.length}${filter ? ` of ${model.count(table)}` : ''}`
  const top = rule(title, screen.columns, filter ? `/${filter}` : '')
  if (rows.length === 0) return [top, line(), line(`   ${nothing(table, filter)}`, 'dim')]
  const cursor = cursorOf(state, rows)
  const about = space < aboutFrom ? [] : aboutRow(model, table, rows.at(cursor)!, screen)
  const lines = tableLines(model, table, rows, cursor, screen, space - 1 - about.length)
  return [top, ...filled(lines, space - 1 - about.length), ...about]
}

const titles: Readonly<Partial<Record<Table, string>>> = { vips: 'Virtual IPs' }

/** The pane below a table needs that many lines, the table with it. */
const aboutFrom = 12
const aboutSize = 2

/** Columns whose texts are longer than there is room for. */
const long: Readonly<Partial<Record<Table, string>>> = {
  apps: 'why',
  tasks: 'message',
  catalog: 'description',
  packages: 'why',
  vips: 'note',
}

/** The whole text of the row that keys act on. The pane stays, also where there is none: the table does not jump. */
function aboutRow(model: Model, table: Table, key: string, screen: Screen): Line[] {
  const name = long[table]
  if (name === undefined) return []
  const { cells } = rowOf(model, table, key, screen.now)
  const text = cells[columnsOf[table].findIndex(column => column.name === name)] ?? ''
  const lines = text === '' ? [] : wrap(text, screen.columns - 4).slice(0, aboutSize)
  const title = table === 'tasks' ? (cells[5] ?? key) : key
  return [
    rule(title, screen.columns),
    ...filled(
      lines.map(part => line(`   ${part}`)),
      aboutSize,
    ),
  ]
}

const empty: Readonly<Record<Table, string>> = {
  apps: 'No app runs. i installs a package; or: meseta app add app.json',
  tasks: 'No task runs.',
  agents: 'No agent is registered.',
  frameworks: 'No framework is registered.',
  deployments: 'Nothing is being deployed.',
  vips: 'No virtual IP. A port gets one by its label VIP_0: /name:port',
  catalog: 'The catalog is empty. Add a repository: meseta package repo add NAME URL',
  packages: 'No package is installed. i opens the catalog.',
}

/** Why a table is empty: a filter's key that it does not have, the filter, or that there is nothing. */
function nothing(table: Table, filter: string): string {
  if (filter === '') return empty[table]
  const known = [...columnsOf[table].map(({ name }) => name), ...(extraFields[table] ?? [])]
  const key = unknownKey(parseFilter(filter), known)
  if (key !== undefined) return `"${key}:" is no column here; there are ${known.join(', ')}`
  return 'Nothing matches. / changes the filter, esc clears it.'
}

/** Wide enough that reasons are not cut in pipes. */
const plainColumns = 160

/** The overview once, as plain text for pipes and screen readers: what needs somebody, and all apps. */
export function plainOverview(state: UiState, model: Model, now: number): string {
  const apps = model.count('apps')
  const screen: Screen = { columns: plainColumns, rows: apps + 60, now, tops: new Map() }
  const lines = [...header(model, screen), ...overview(state, model, screen, 4 * apps + 40, -1)]
  const text = lines.map(one => plain(fit(one, screen.columns)).trimEnd())
  // Of what happened nothing is known in a moment.
  return `${text
    .slice(
      0,
      text.findIndex(one => one.startsWith('- Events ')),
    )
    .join('\n')
    .trimEnd()}\n`
}
