import type { Field } from './fields.ts'
import type { Kind } from './model.ts'

export type View = 'overview' | Kind

export const views: readonly View[] = [
  'overview',
  'apps',
  'tasks',
  'agents',
  'frameworks',
  'deployments',
  'vips',
  'catalog',
  'packages',
]

/** What the shell is asked to do. Its outcome comes back as an event. */
export type Action =
  | { readonly type: 'describe'; readonly name: string }
  | {
      readonly type: 'render'
      readonly name: string
      readonly version: string
      readonly options: Record<string, unknown>
    }
  | {
      readonly type: 'install'
      readonly name: string
      readonly version: string
      readonly options: Record<string, unknown>
    }
  | { readonly type: 'uninstall'; readonly name: string; readonly appId: string }
  | { readonly type: 'scale'; readonly id: string; readonly instances: number }
  | { readonly type: 'restart'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'open-log'; readonly key: string; readonly file: string }
  | { readonly type: 'close-log' }
  | { readonly type: 'quit' }

/** What the shell tells. */
export type Event =
  | {
      readonly type: 'described'
      readonly name: string
      readonly version: string
      readonly config: unknown
      readonly notes: string
    }
  | { readonly type: 'rendered'; readonly lines: readonly string[] }
  | { readonly type: 'installed'; readonly appId: string | undefined; readonly at: number }
  | { readonly type: 'failed'; readonly message: string; readonly hint: string }
  | { readonly type: 'done'; readonly message: string }
  | { readonly type: 'log'; readonly text: string }

export interface InstallFlow {
  readonly name: string
  readonly version: string
  readonly step: 'loading' | 'options' | 'plan' | 'progress'
  readonly notes: string
  readonly fields: readonly Field[]
  readonly values: ReadonlyMap<string, unknown>
  readonly cursor: number
  /** The text being typed into the field under the cursor. */
  readonly editing?: string
  readonly problem?: string
  readonly plan: readonly string[]
  readonly appId?: string
  readonly startedAt?: number
  readonly failure?: { readonly message: string; readonly hint: string }
}

export type Mode =
  | { readonly kind: 'browse' }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'filter'; readonly text: string }
  | { readonly kind: 'help' }
  | {
      readonly kind: 'confirm'
      readonly question: string
      readonly expected: string
      readonly typed: string
      readonly action: Action
    }
  | { readonly kind: 'detail'; readonly title: string; readonly lines: readonly string[]; readonly scroll: number }
  | {
      readonly kind: 'log'
      readonly title: string
      readonly lines: readonly string[]
      readonly follow: boolean
      readonly scroll: number
      readonly wrap: boolean
    }
  | { readonly kind: 'install'; readonly flow: InstallFlow }

export interface UiState {
  readonly view: View
  readonly history: readonly View[]
  readonly cursors: Readonly<Partial<Record<View, number>>>
  readonly filters: Readonly<Partial<Record<View, string>>>
  readonly mode: Mode
  readonly notice?: { readonly text: string; readonly bad: boolean }
  readonly quitEndsCluster: boolean
}

export const firstState = (quitEndsCluster: boolean): UiState => ({
  view: 'overview',
  history: [],
  cursors: {},
  filters: {},
  mode: { kind: 'browse' },
  quitEndsCluster,
})

/** Lines of a log that are kept. */
const keptLines = 10_000

/** What an event makes of the state. */
export function hear(state: UiState, event: Event, fieldsOf: (config: unknown) => Field[]): UiState {
  const { mode } = state
  const inFlow = (change: Partial<InstallFlow>): UiState =>
    mode.kind === 'install' ? { ...state, mode: { kind: 'install', flow: { ...mode.flow, ...change } } } : state
  switch (event.type) {
    case 'described':
      return inFlow({ step: 'options', version: event.version, notes: event.notes, fields: fieldsOf(event.config) })
    case 'rendered':
      return inFlow({ step: 'plan', plan: event.lines })
    case 'installed':
      return inFlow({ step: 'progress', ...(event.appId ? { appId: event.appId } : {}), startedAt: event.at })
    case 'failed':
      if (mode.kind === 'install')
        return inFlow({
          failure: { message: event.message, hint: event.hint },
          ...(mode.flow.step === 'loading' ? { step: 'options' } : {}),
        })
      return { ...state, notice: { text: event.hint ? `${event.message} (${event.hint})` : event.message, bad: true } }
    case 'done':
      return { ...state, notice: { text: event.message, bad: false } }
    case 'log': {
      if (mode.kind !== 'log') return state
      const before = mode.lines.length > 0 ? mode.lines : ['']
      const parts = event.text.split('\n')
      const lines = [...before.slice(0, -1), before.at(-1)! + parts[0]!, ...parts.slice(1)]
      return { ...state, mode: { ...mode, lines: lines.slice(-keptLines) } }
    }
  }
}
