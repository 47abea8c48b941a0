import { num, object, text } from '../model/body.ts'
import type { Rows } from '../model/listing.ts'
import type { Model } from '../model/model.ts'
import {
  type Action,
  browsing,
  cursorOf,
  type Mode,
  noPlace,
  noticed,
  placeOf,
  tableOf,
  type UiState,
  type View,
  views,
} from '../state.ts'
import { counted } from '../text.ts'
import { beginInstall } from './install.ts'
import { moved, type Outcome, type Press } from './press.ts'

const withMode = (state: UiState, mode: Mode): UiState => ({ ...state, mode })

/** Where esc can go back to, at most. */
const trailKept = 20

/** With the cluster in this process, leaving ends it: asked once. */
export function leave(state: UiState): Outcome {
  const { mode } = state
  if (!state.quitEndsCluster) return { state, action: { type: 'quit' } }
  if (mode.kind === 'ask' && mode.action.type === 'quit') return { state, action: { type: 'quit' } }
  return { state: asked(state, 'End the cluster and its tasks?', { type: 'quit' }) }
}

const asked = (state: UiState, question: string, action: Action): UiState =>
  withMode(state, { kind: 'ask', question, action, from: state.mode.kind === 'ask' ? browsing : state.mode })

/** Another view; the one before is where esc leads. With a filter it begins at its first row, and keeps it until esc. */
export function goTo(state: UiState, view: View, filter?: string): UiState {
  const left = { view: state.view, place: placeOf(state), before: placeOf(state, view) }
  const trail = [...state.trail, left].slice(-trailKept)
  const places = filter === undefined ? state.places : { ...state.places, [view]: { ...noPlace, filter } }
  const isSame = view === state.view && filter === undefined
  return { ...state, mode: browsing, view, places, trail: isSame ? state.trail : trail }
}

/** Rows that a page moves by. */
const pageOf = (state: UiState): number =>
  Math.max(2, state.view === 'overview' ? Math.floor(state.size.rows / 3) : state.size.rows - 7)

export function browse(state: UiState, key: Press, model: Model): Outcome {
  const rows = model.rows(tableOf(state.view), placeOf(state).filter)
  const at = cursorOf(state, rows)
  const row = rows.at(at)
  const to = moved(key, at, rows.length, pageOf(state))
  if (to !== undefined) return { state: placed(state, to, rows) }
  // Whatever is done is done to this row, also when others come.
  const here = row === undefined ? state : placed(state, at, rows)
  switch (key.name) {
    case 'return':
      return row === undefined ? { state } : open(here, row, model)
    case 'escape':
      return { state: goBack(state) }
    case 'tab':
      return { state: goTo(here, views[(views.indexOf(state.view) + 1) % views.length]!) }
    case 'backtab':
      return { state: goTo(here, views[(views.indexOf(state.view) + views.length - 1) % views.length]!) }
    case 'ctrl-d':
      return row === undefined ? { state } : { state: remove(here, row, model) }
    case 'text':
      return letter(here, key.text, row, model)
    default:
      return { state }
  }
}

const placed = (state: UiState, index: number, rows: Rows): UiState => ({
  ...state,
  places: { ...state.places, [state.view]: { ...placeOf(state), index, key: rows.at(index) } },
})

function goBack(state: UiState): UiState {
  const last = state.trail.at(-1)
  if (last) {
    const places = { ...state.places, [state.view]: last.before, [last.view]: last.place }
    return { ...state, view: last.view, places, trail: state.trail.slice(0, -1) }
  }
  if (placeOf(state).filter === '') return { ...state, view: 'overview' }
  return { ...state, places: { ...state.places, [state.view]: noPlace } }
}

function letter(state: UiState, pressed: string, row: string | undefined, model: Model): Outcome {
  switch (pressed) {
    case ':':
      return { state: withMode(state, { kind: 'command', text: '' }) }
    case '/':
      return { state: withMode(state, { kind: 'filter', before: placeOf(state) }) }
    case '?':
      return { state: withMode(state, { kind: 'help', scroll: 0 }) }
    case 'q':
      return leave(state)
    case 'i':
      if (state.install && state.view !== 'catalog') return { state: withMode(state, { kind: 'install' }) }
      if (state.view !== 'catalog') return { state: goTo(state, 'catalog') }
      return row === undefined ? { state } : beginInstall(state, row, model)
  }
  if (!onRows.includes(pressed)) return { state: noticed(state, `"${pressed}" is no key here; ? shows them`) }
  if (row === undefined) return { state: noticed(state, `there is nothing here that ${pressed} could act on`) }
  const outcome = onRow(state, pressed, row, model)
  return outcome.state === state && !outcome.action
    ? { state: noticed(state, `${pressed} does nothing in ${state.view}; ? shows the keys`) }
    : outcome
}

/** Letters that act on the row. */
const onRows = 'dlo+-ru'

function onRow(state: UiState, pressed: string, row: string, model: Model): Outcome {
  const app = appOf(state.view, row, model)
  switch (pressed) {
    case 'd':
      return {
        state: withMode(state, { kind: 'details', table: tableOf(state.view), key: row, json: false, scroll: 0 }),
      }
    case 'l':
      return openLog(state, row, model)
    case 'o':
      return { state: app === undefined ? state : showPage(state, app, model) }
    case '+':
    case '-':
      return { state: app === undefined ? state : scaled(state, app, pressed === '+' ? 1 : -1, model) }
    case 'r': {
      if (app === undefined) return { state }
      const count = num(model.get('app', app)?.instances)
      return {
        state: asked(state, `Replace the ${counted(count, 'instance')} of ${app}?`, { type: 'restart', id: app }),
      }
    }
    case 'u':
      return { state: state.view === 'packages' ? remove(state, row, model) : state }
    default:
      return { state }
  }
}

/** The app that a row stands for. */
function appOf(view: View, row: string, model: Model): string | undefined {
  if (view === 'tasks') return model.appOf(model.get('task', row) ?? {})
  return view === 'overview' || view === 'apps' || view === 'packages' ? row : undefined
}

function open(state: UiState, row: string, model: Model): Outcome {
  switch (state.view) {
    case 'catalog':
      return beginInstall(state, row, model)
    case 'tasks':
      return openLog(state, row, model)
    case 'overview':
    case 'apps':
    case 'packages':
      return { state: goTo(state, 'tasks', `app=${row}`) }
    case 'agents':
      return { state: goTo(state, 'tasks', `node=${text(model.get('agent', row)?.hostname)}`) }
    case 'frameworks':
      return { state: goTo(state, 'tasks', `framework=${text(model.get('framework', row)?.name)}`) }
    default:
      return onRow(state, 'd', row, model)
  }
}

function scaled(state: UiState, id: string, by: 1 | -1, model: Model): UiState {
  const app = model.get('app', id)
  if (!app) return noticed(state, `${id} is not known any more`)
  const from = num(app.instances)
  return withMode(state, { kind: 'scale', id, from, to: Math.max(0, from + by) })
}

/** Nothing is deleted unasked: the name must be typed. */
function remove(state: UiState, row: string, model: Model): UiState {
  if (state.view !== 'overview' && state.view !== 'apps' && state.view !== 'packages') return state
  const installed = model.get('installed', row)
  const tasks = counted(num(model.get('app', row)?.tasksRunning), 'task')
  if (installed) {
    const name = text(installed.packageName)
    const question = `Uninstall ${name} (${row}, ${tasks})? Type ${name}:`
    const action: Action = { type: 'uninstall', name, appId: row }
    return withMode(state, { kind: 'name', question, expected: name, typed: '', action })
  }
  const question = `Delete ${row} and its ${tasks}? Type ${row}:`
  return withMode(state, { kind: 'name', question, expected: row, typed: '', action: { type: 'remove', id: row } })
}

function showPage(state: UiState, id: string, model: Model): UiState {
  const name = text(object(model.get('app', id)?.labels).DCOS_SERVICE_NAME)
  return name === ''
    ? noticed(state, `${id} has no page: it has no label DCOS_SERVICE_NAME`)
    : noticed(state, `${state.router}/service/${name}/`, false)
}

/** The log of a task; of an app, that of its newest one. */
export function openLog(state: UiState, row: string, model: Model): Outcome {
  const app = state.view === 'tasks' ? undefined : appOf(state.view, row, model)
  const task = state.view === 'tasks' ? row : app === undefined ? undefined : model.tasksOfApp(app)[0]
  if (task === undefined)
    return { state: app === undefined ? state : noticed(state, `${app} has no task whose log could be shown`) }
  return openLogOf(state, task, model)
}

export function openLogOf(state: UiState, task: string, model: Model): Outcome {
  const title = text(model.get('task', task)?.id) || task
  const mode: Mode = {
    kind: 'log',
    task,
    title,
    file: 'stdout',
    lines: [],
    open: false,
    asked: false,
    follow: true,
    bottom: 0,
    wrap: false,
  }
  return { state: withMode(state, mode), action: { type: 'open-log', task, file: 'stdout' } }
}
