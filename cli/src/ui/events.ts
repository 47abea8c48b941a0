import { fieldsOf } from './install/fields.ts'
import { newForm, refused } from './install/form.ts'
import { nameOf } from './install/plan.ts'
import { advanced, begun, isOver, questions } from './install/progress.ts'
import type { Outcome } from './keys/press.ts'
import type { Model } from './model/model.ts'
import { browsing, type Event, type Install, type LogView, noticed, type UiState } from './state.ts'

/** Lines of a log that are kept; the oldest go first. */
const keptLines = 10_000
/** Longer lines are cut. */
const longest = 4_000

/** What an event of the shell makes of the state. */
export function heard(state: UiState, event: Event): UiState {
  const { mode, install } = state
  switch (event.type) {
    case 'log':
      return mode.kind === 'log' && mode.task === event.task && mode.file === event.file
        ? { ...state, mode: logged(mode, event.text) }
        : state
    case 'log-ended':
      return mode.kind === 'log' && mode.task === event.task
        ? { ...state, mode: { ...mode, asked: true, ended: event.detail } }
        : state
    case 'notice':
      return noticed(state, event.text, event.bad)
    default:
      return install && isOf(install, event) ? installed(state, install, event) : state
  }
}

/** An answer to what is not asked any more, or about another package, says nothing. */
function isOf(install: Install, event: InstallEvent): boolean {
  switch (event.type) {
    case 'described':
      return install.name === event.name && install.asking === 'describe'
    case 'rendered':
      return install.name === event.name && install.asking === 'render'
    case 'installed':
      return install.name === event.name && install.asking === 'install'
    case 'refused':
      return install.name === event.name && install.asking === event.asked
    default:
      return install.progress?.appId !== undefined && nameOf(install.progress.appId) === event.of
  }
}

function installed(state: UiState, install: Install, event: InstallEvent): UiState {
  // Without its description there is nothing to review.
  if (event.type === 'refused' && event.asked === 'describe')
    return noticed({ ...state, install: undefined, mode: browsing }, `${install.name}: ${event.message}`)
  const next = { ...state, install: installing(install, event) }
  // Who went elsewhere meanwhile is told there.
  return event.type === 'refused' && state.mode.kind !== 'install'
    ? noticed(next, `${install.name} was not installed: ${event.message}`)
    : next
}

type InstallEvent = Exclude<Event, { type: 'log' | 'log-ended' | 'notice' }>

function installing(install: Install, event: InstallEvent): Install {
  switch (event.type) {
    case 'described':
      return {
        ...install,
        asking: undefined,
        version: event.version,
        versions: event.versions,
        notes: event.notes,
        form: newForm(fieldsOf(event.config)),
      }
    case 'rendered':
      return { ...install, asking: undefined, step: 'plan', plan: event.apps }
    case 'installed':
      return {
        ...install,
        asking: undefined,
        notes: event.notes,
        progress: begun(event.appId, install.startedAt, event.at),
      }
    case 'refused': {
      const { form, rest } = refused(install.form, event.errors)
      const failure = { message: event.message, errors: rest }
      const toOptions = event.errors.length > rest.length
      return { ...install, asking: undefined, form, failure, ...(toOptions ? { step: 'options' as const } : {}) }
    }
    case 'answered':
      return withProgress(install, { times: { [event.what]: event.at }, answers: { [event.what]: undefined } })
    case 'unanswered':
      return withProgress(install, { times: {}, answers: { [event.what]: event.detail } })
  }
}

function withProgress(install: Install, more: { times: object; answers: object }): Install {
  const { progress } = install
  if (!progress) return install
  const times = { ...progress.times, ...more.times }
  return { ...install, progress: { ...progress, times, answers: { ...progress.answers, ...more.answers } } }
}

function logged(log: LogView, text: string): LogView {
  if (text === '') return { ...log, asked: true }
  const parts = text.split('\n').map(part => part.replace(/\r$/, ''))
  const [first = '', ...rest] = parts
  const before = log.open ? log.lines.slice(0, -1) : log.lines
  const head = log.open ? log.lines.at(-1)! + first : first
  const all = [...before, head, ...rest].map(part => (part.length > longest ? part.slice(0, longest) : part))
  // A text that ends a line leaves nothing of the next one.
  const open = all.at(-1) !== ''
  const lines = (open ? all : all.slice(0, -1)).slice(-keptLines)
  const dropped = all.length - (open ? 0 : 1) - lines.length
  return { ...log, lines, open, asked: true, bottom: Math.max(0, log.bottom - dropped) }
}

/** What changes of the cluster make of an installation that goes on: steps reached, what is to be asked, the end. */
export function tended(state: UiState, model: Model, now: number): Outcome {
  const { install } = state
  if (!install?.progress) return { state }
  const progress = advanced(install.progress, model, now)
  if (isOver(progress, model) && state.mode.kind !== 'install')
    return { state: { ...noticed(state, `${install.name} is installed`, false), install: undefined } }
  const asked = questions(progress, model)
  if (asked) {
    const next = { ...install, progress: { ...progress, asked: true } }
    return { state: { ...state, install: next }, action: { type: 'probe', ...asked } }
  }
  return progress === install.progress ? { state } : { state: { ...state, install: { ...install, progress } } }
}
