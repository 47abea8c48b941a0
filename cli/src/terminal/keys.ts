import { changedOptions, read, show } from './fields.ts'
import type { Model } from './model.ts'
import { type Action, type InstallFlow, type Mode, type UiState, type View, views } from './state.ts'

/** A key as the terminal gives it: its name, or the text that was typed. */
export interface Press {
  readonly name:
    | 'up'
    | 'down'
    | 'pageup'
    | 'pagedown'
    | 'return'
    | 'escape'
    | 'tab'
    | 'backspace'
    | 'ctrl-c'
    | 'ctrl-d'
    | 'ctrl-n'
    | 'ctrl-r'
    | 'text'
  readonly text: string
}

export interface Outcome {
  readonly state: UiState
  readonly action?: Action
}

const pageLines = 10

/** What a key does. Pure: state in, state and what is to be done out. */
export function press(state: UiState, key: Press, model: Model): Outcome {
  const fresh: UiState = { ...state, notice: undefined }
  if (key.name === 'ctrl-c') return leave(fresh)
  switch (state.mode.kind) {
    case 'browse':
      return browse(fresh, key, model)
    case 'command':
      return command(fresh, state.mode, key)
    case 'filter':
      return filter(fresh, state.mode, key)
    case 'confirm':
      return confirm(fresh, state.mode, key)
    case 'install':
      return install(fresh, state.mode.flow, key)
    case 'log':
      return log(fresh, state.mode, key)
    case 'detail':
      return detail(fresh, state.mode, key)
    case 'help':
      return { state: back(fresh) }
  }
}

const back = (state: UiState): UiState => ({ ...state, mode: { kind: 'browse' } })
const withMode = (state: UiState, mode: Mode): UiState => ({ ...state, mode })

/** With the cluster in this process, leaving ends it: asked once. */
function leave(state: UiState): Outcome {
  if (!state.quitEndsCluster) return { state, action: { type: 'quit' } }
  if (state.mode.kind === 'confirm' && state.mode.action.type === 'quit') return { state, action: { type: 'quit' } }
  const question = 'End the cluster and its tasks?'
  return { state: withMode(state, { kind: 'confirm', question, expected: 'y', typed: '', action: { type: 'quit' } }) }
}

export function goTo(state: UiState, view: View): UiState {
  return { ...back(state), view, history: [...state.history.slice(-20), state.view] }
}

const tableOf = (view: View) => (view === 'overview' ? 'apps' : view)

function browse(state: UiState, key: Press, model: Model): Outcome {
  const rows = model.rows(tableOf(state.view), state.filters[state.view])
  const at = Math.min(state.cursors[state.view] ?? 0, Math.max(0, rows.length - 1))
  const row = rows[at]
  const move = (to: number): Outcome => ({
    state: { ...state, cursors: { ...state.cursors, [state.view]: Math.max(0, Math.min(rows.length - 1, to)) } },
  })
  switch (key.name) {
    case 'up':
      return move(at - 1)
    case 'down':
      return move(at + 1)
    case 'pageup':
      return move(at - pageLines)
    case 'pagedown':
      return move(at + pageLines)
    case 'return':
      return row ? open(state, row.key, model) : { state }
    case 'escape': {
      if (state.filters[state.view]) return { state: { ...state, filters: { ...state.filters, [state.view]: '' } } }
      const last = state.history.at(-1)
      return { state: last ? { ...state, view: last, history: state.history.slice(0, -1) } : state }
    }
    case 'ctrl-d':
      return row ? remove(state, row.key, model) : { state }
    case 'tab':
      return { state: goTo(state, views[(views.indexOf(state.view) + 1) % views.length]!) }
    case 'text':
      return letter(state, key.text, row?.key, at, rows.length, move, model)
    default:
      return { state }
  }
}

function letter(
  state: UiState,
  text: string,
  key: string | undefined,
  at: number,
  count: number,
  move: (to: number) => Outcome,
  model: Model,
): Outcome {
  switch (text) {
    case 'j':
      return move(at + 1)
    case 'k':
      return move(at - 1)
    case 'g':
      return move(0)
    case 'G':
      return move(count - 1)
    case ':':
      return { state: withMode(state, { kind: 'command', text: '' }) }
    case '/':
      return { state: withMode(state, { kind: 'filter', text: state.filters[state.view] ?? '' }) }
    case '?':
      return { state: withMode(state, { kind: 'help' }) }
    case 'q':
      return leave(state)
    case 'i':
      return state.view === 'catalog' && key !== undefined ? begin(state, key) : { state: goTo(state, 'catalog') }
    case 'd':
      return key === undefined ? { state } : { state: withMode(state, describe(state.view, key, model)) }
    case 'l':
      return key === undefined ? { state } : openLog(state, key, model)
    case '+':
    case '-':
      return key === undefined ? { state } : scale(state, key, text === '+' ? 1 : -1, model)
    case 'r':
      return key !== undefined && isApp(state.view)
        ? ask(state, `Restart ${key}, one instance after the other?`, 'y', { type: 'restart', id: key })
        : { state }
    default:
      return { state }
  }
}

const isApp = (view: View) => view === 'apps' || view === 'overview' || view === 'packages'

function ask(state: UiState, question: string, expected: string, action: Action): Outcome {
  return { state: withMode(state, { kind: 'confirm', question, expected, typed: '', action }) }
}

function scale(state: UiState, id: string, by: number, model: Model): Outcome {
  const app = model.get('app', id)
  if (!app || !isApp(state.view)) return { state }
  const instances = Math.max(0, Number(app.instances) + by)
  return ask(state, `Scale ${id} from ${app.instances} to ${instances} instances?`, 'y', {
    type: 'scale',
    id,
    instances,
  })
}

/** Nothing is deleted unasked: the name must be typed. */
function remove(state: UiState, key: string, model: Model): Outcome {
  const installed = model.get('installed', key)
  if (isApp(state.view) && installed) {
    const name = String(installed.packageName)
    return ask(state, `Uninstall ${name} (${key}): its tasks end. Type ${name}:`, name, {
      type: 'uninstall',
      name,
      appId: key,
    })
  }
  if (isApp(state.view))
    return ask(state, `Delete ${key}: its tasks end. Type ${key}:`, key, { type: 'remove', id: key })
  return { state }
}

function open(state: UiState, key: string, model: Model): Outcome {
  if (state.view === 'catalog') return begin(state, key)
  if (state.view === 'tasks') return openLog(state, key, model)
  if (isApp(state.view)) {
    const name = key.split('/').filter(Boolean).reverse().join('.')
    return { state: { ...goTo(state, 'tasks'), filters: { ...state.filters, tasks: name } } }
  }
  return { state: withMode(state, describe(state.view, key, model)) }
}

const kindOf: Readonly<Record<View, string>> = {
  overview: 'app',
  apps: 'app',
  tasks: 'task',
  agents: 'agent',
  frameworks: 'framework',
  deployments: 'deployment',
  vips: 'vip',
  catalog: 'package',
  packages: 'app',
}

function describe(view: View, key: string, model: Model): Mode {
  const wait = model.get('wait', key)
  const body = model.get(kindOf[view], key)
  const lines = [
    ...(wait ? [`why: ${String(wait.sentence)}`, ''] : []),
    ...JSON.stringify(body ?? {}, null, 2).split('\n'),
  ]
  return { kind: 'detail', title: key, lines, scroll: 0 }
}

/** The log of a task; of an app, that of its newest instance. */
function openLog(state: UiState, key: string, model: Model): Outcome {
  const task = state.view === 'tasks' ? key : newestTask(key, model)
  if (task === undefined)
    return { state: { ...state, notice: { text: `${key} has no task whose log could be shown`, bad: true } } }
  const title = String(model.get('task', task)?.id ?? task)
  return {
    state: withMode(state, { kind: 'log', title, lines: [], follow: true, scroll: 0, wrap: false }),
    action: { type: 'open-log', key: task, file: 'stdout' },
  }
}

function newestTask(appId: string, model: Model): string | undefined {
  const name = appId.split('/').filter(Boolean).reverse().join('.')
  const of = [...model.all('task')].filter(([, task]) => task.name === name)
  return of.sort(([, a], [, b]) => Number(b.timestamp ?? 0) - Number(a.timestamp ?? 0))[0]?.[0]
}

function command(state: UiState, mode: Extract<Mode, { kind: 'command' }>, key: Press): Outcome {
  const found = views.filter(view => mode.text !== '' && view.startsWith(mode.text))
  switch (key.name) {
    case 'escape':
      return { state: back(state) }
    case 'tab':
      return { state: withMode(state, { kind: 'command', text: found[0] ?? mode.text }) }
    case 'return': {
      if (mode.text === 'q' || mode.text === 'quit') return leave(back(state))
      if (found[0]) return { state: goTo(state, found[0]) }
      return {
        state: {
          ...back(state),
          notice: { text: `there is no view "${mode.text}"; views: ${views.join(', ')}`, bad: true },
        },
      }
    }
    default:
      return { state: withMode(state, { kind: 'command', text: typed(mode.text, key) }) }
  }
}

function filter(state: UiState, mode: Extract<Mode, { kind: 'filter' }>, key: Press): Outcome {
  const set = (text: string): UiState => ({
    ...state,
    filters: { ...state.filters, [state.view]: text },
    cursors: { ...state.cursors, [state.view]: 0 },
  })
  if (key.name === 'escape') return { state: back(set('')) }
  if (key.name === 'return') return { state: back(set(mode.text)) }
  const text = typed(mode.text, key)
  return { state: withMode(set(text), { kind: 'filter', text }) }
}

function typed(before: string, key: Press): string {
  if (key.name === 'backspace') return before.slice(0, -1)
  return key.name === 'text' ? before + key.text.replace(/[\r\n\t]/g, '') : before
}

function confirm(state: UiState, mode: Extract<Mode, { kind: 'confirm' }>, key: Press): Outcome {
  if (key.name === 'escape') return { state: back(state) }
  const text = typed(mode.typed, key)
  if (mode.expected === 'y') {
    if (key.name === 'text')
      return key.text === 'y' || key.text === 'Y' ? { state: back(state), action: mode.action } : { state: back(state) }
    return { state }
  }
  if (key.name !== 'return') return { state: withMode(state, { ...mode, typed: text }) }
  if (mode.typed === mode.expected) return { state: back(state), action: mode.action }
  return {
    state: { ...back(state), notice: { text: `"${mode.typed}" is not ${mode.expected}: nothing was done`, bad: true } },
  }
}

function scrolled(scroll: number, key: Press, most: number): number | undefined {
  const by =
    key.name === 'up' || key.text === 'k'
      ? -1
      : key.name === 'down' || key.text === 'j'
        ? 1
        : key.name === 'pageup'
          ? -pageLines
          : key.name === 'pagedown'
            ? pageLines
            : undefined
  if (by !== undefined) return Math.max(0, Math.min(most, scroll + by))
  if (key.text === 'g') return 0
  return key.text === 'G' ? most : undefined
}

function detail(state: UiState, mode: Extract<Mode, { kind: 'detail' }>, key: Press): Outcome {
  if (key.name === 'escape' || key.text === 'q') return { state: back(state) }
  const scroll = scrolled(mode.scroll, key, Math.max(0, mode.lines.length - 1))
  return { state: scroll === undefined ? state : withMode(state, { ...mode, scroll }) }
}

function log(state: UiState, mode: Extract<Mode, { kind: 'log' }>, key: Press): Outcome {
  if (key.name === 'escape' || key.text === 'q') return { state: back(state), action: { type: 'close-log' } }
  if (key.text === 'f')
    return { state: withMode(state, { ...mode, follow: !mode.follow, scroll: Math.max(0, mode.lines.length - 1) }) }
  if (key.text === 'w') return { state: withMode(state, { ...mode, wrap: !mode.wrap }) }
  const most = Math.max(0, mode.lines.length - 1)
  const scroll = scrolled(mode.follow ? most : mode.scroll, key, most)
  return { state: scroll === undefined ? state : withMode(state, { ...mode, follow: false, scroll }) }
}

function begin(state: UiState, name: string): Outcome {
  const flow: InstallFlow = {
    name,
    version: '',
    step: 'loading',
    notes: '',
    fields: [],
    values: new Map(),
    cursor: 0,
    plan: [],
  }
  return { state: withMode(state, { kind: 'install', flow }), action: { type: 'describe', name } }
}

function install(state: UiState, flow: InstallFlow, key: Press): Outcome {
  const set = (change: Partial<InstallFlow>): UiState =>
    withMode(state, { kind: 'install', flow: { ...flow, ...change } })
  if (flow.editing !== undefined) return edit(flow, key, set)
  if (key.name === 'escape') {
    // An installation that was sent goes on by itself.
    return { state: flow.step === 'plan' ? set({ step: 'options', failure: undefined }) : back(state) }
  }
  if (flow.step === 'options') return options(flow, key, set)
  if (flow.step === 'plan' && key.name === 'return') {
    const { name, version } = flow
    return {
      state: set({ failure: undefined }),
      action: { type: 'install', name, version, options: changedOptions(flow.fields, flow.values) },
    }
  }
  if (flow.step === 'progress' && (key.name === 'return' || key.text === 'q')) return { state: goTo(state, 'packages') }
  return { state }
}

function options(flow: InstallFlow, key: Press, set: (change: Partial<InstallFlow>) => UiState): Outcome {
  const field = flow.fields[flow.cursor]
  const name = field?.path.join('.') ?? ''
  const most = Math.max(0, flow.fields.length - 1)
  const current = flow.values.has(name) ? flow.values.get(name) : field?.fallback
  if (key.name === 'ctrl-n' || (key.name === 'return' && !field)) {
    const { name: packageName, version } = flow
    return {
      state: set({ failure: undefined, problem: undefined }),
      action: { type: 'render', name: packageName, version, options: changedOptions(flow.fields, flow.values) },
    }
  }
  if (key.name === 'up' || key.text === 'k')
    return { state: set({ cursor: Math.max(0, flow.cursor - 1), problem: undefined }) }
  if (key.name === 'down' || key.name === 'tab' || key.text === 'j')
    return { state: set({ cursor: Math.min(most, flow.cursor + 1), problem: undefined }) }
  if (!field) return { state: set({}) }
  if (key.name === 'ctrl-r') {
    const values = new Map(flow.values)
    values.delete(name)
    return { state: set({ values }) }
  }
  if (key.text === ' ' && (field.type === 'boolean' || field.choices)) {
    const choices = field.choices ?? ['true', 'false']
    const next = choices[(choices.indexOf(show(current)) + 1) % choices.length]!
    return { state: set({ values: new Map(flow.values).set(name, field.choices ? next : next === 'true') }) }
  }
  if (key.name === 'return') return { state: set({ editing: show(current) }) }
  return { state: set({}) }
}

function edit(flow: InstallFlow, key: Press, set: (change: Partial<InstallFlow>) => UiState): Outcome {
  const field = flow.fields[flow.cursor]!
  if (key.name === 'escape') return { state: set({ editing: undefined, problem: undefined }) }
  if (key.name !== 'return' && key.name !== 'tab') return { state: set({ editing: typed(flow.editing!, key) }) }
  const result = read(field, flow.editing!)
  if ('problem' in result) return { state: set({ problem: result.problem }) }
  const values = new Map(flow.values).set(field.path.join('.'), result.value)
  return { state: set({ values, editing: undefined, problem: undefined }) }
}
