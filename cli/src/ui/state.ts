import type { Form, OptionError } from './install/form.ts'
import type { PlannedApp } from './install/plan.ts'
import type { Progress } from './install/progress.ts'
import type { Table } from './model/columns.ts'
import type { Rows } from './model/listing.ts'

export type View = 'overview' | Table

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

/** The table that keys act on: on the overview the apps. */
export const tableOf = (view: View): Table => (view === 'overview' ? 'apps' : view)

/** What the shell is asked to do. Its outcome comes back as an `Event`. */
export type Action =
  | { readonly type: 'describe'; readonly name: string; readonly version?: string }
  | { readonly type: 'render' | 'install'; readonly request: PackageRequest }
  | { readonly type: 'probe'; readonly name: string; readonly page: string | undefined }
  | { readonly type: 'uninstall'; readonly name: string; readonly appId: string }
  | { readonly type: 'scale'; readonly id: string; readonly instances: number }
  | { readonly type: 'restart' | 'remove'; readonly id: string }
  | { readonly type: 'open-log'; readonly task: string; readonly file: LogFile }
  | { readonly type: 'close-log' }
  | { readonly type: 'quit' }

/** Actions that change the cluster: off while it is not heard. */
export const isChange = ({ type }: Action): boolean =>
  type === 'install' || type === 'uninstall' || type === 'scale' || type === 'restart' || type === 'remove'

export interface PackageRequest {
  readonly packageName: string
  readonly packageVersion: string
  readonly options: Readonly<Record<string, unknown>>
}

export type LogFile = 'stdout' | 'stderr'

/** What the shell tells. */
export type Event =
  | {
      readonly type: 'described'
      readonly name: string
      readonly version: string
      /** All versions, newest first. */
      readonly versions: readonly string[]
      readonly config: unknown
      readonly notes: string
    }
  | { readonly type: 'rendered'; readonly name: string; readonly apps: readonly PlannedApp[] }
  | {
      readonly type: 'installed'
      readonly name: string
      readonly appId: string | undefined
      readonly notes: string
      readonly at: number
    }
  | {
      readonly type: 'refused'
      readonly name: string
      readonly asked: NonNullable<Install['asking']>
      readonly message: string
      readonly errors: readonly OptionError[]
    }
  /** Whether the app's DNS name `of`, or its page, has answered. */
  | { readonly type: 'answered'; readonly of: string; readonly what: 'name' | 'page'; readonly at: number }
  | { readonly type: 'unanswered'; readonly of: string; readonly what: 'name' | 'page'; readonly detail: string }
  | { readonly type: 'log'; readonly task: string; readonly file: LogFile; readonly text: string }
  | { readonly type: 'log-ended'; readonly task: string; readonly detail: string }
  | { readonly type: 'notice'; readonly text: string; readonly bad: boolean }

/** An installation from the choice of a package to its first answer. */
export interface Install {
  readonly name: string
  readonly version: string
  readonly versions: readonly string[]
  readonly step: 'options' | 'plan' | 'install'
  /** What is asked of the catalog now. */
  readonly asking: 'describe' | 'render' | 'install' | undefined
  readonly notes: string
  readonly form: Form
  readonly plan: readonly PlannedApp[]
  readonly startedAt: number
  readonly progress?: Progress
  readonly failure?: { readonly message: string; readonly errors: readonly OptionError[] } | undefined
}

export interface LogView {
  readonly kind: 'log'
  readonly task: string
  readonly title: string
  readonly file: LogFile
  readonly lines: readonly string[]
  /** Whether the last line is still being written. */
  readonly open: boolean
  readonly asked: boolean
  readonly follow: boolean
  /** The last line that is shown, where it does not follow. */
  readonly bottom: number
  readonly wrap: boolean
  readonly ended?: string
}

export type Mode =
  | { readonly kind: 'browse' }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'filter'; readonly before: Place }
  | { readonly kind: 'help'; readonly scroll: number }
  | { readonly kind: 'ask'; readonly question: string; readonly action: Action; readonly from: Mode }
  | {
      readonly kind: 'name'
      readonly question: string
      readonly expected: string
      readonly typed: string
      readonly action: Action
    }
  | { readonly kind: 'scale'; readonly id: string; readonly from: number; readonly to: number }
  | {
      readonly kind: 'details'
      readonly table: Table
      readonly key: string
      readonly json: boolean
      readonly scroll: number
    }
  | LogView
  | { readonly kind: 'install' }

/** Where somebody is in a table. The row is kept by its key, so that it stays theirs when others come and go. */
export interface Place {
  readonly key?: string | undefined
  readonly index: number
  readonly filter: string
}

/** A view that was left for another, and where somebody had been in that one before. */
export interface Left {
  readonly view: View
  readonly place: Place
  readonly before: Place
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface UiState {
  readonly size: Size
  readonly view: View
  readonly places: Readonly<Partial<Record<View, Place>>>
  /** Where esc goes back to. */
  readonly trail: readonly Left[]
  readonly mode: Mode
  readonly install?: Install | undefined
  readonly notice?: { readonly text: string; readonly bad: boolean } | undefined
  readonly router: string
  readonly quitEndsCluster: boolean
}

export const noPlace: Place = { index: 0, filter: '' }
export const browsing: Mode = { kind: 'browse' }

export const firstState = (options: {
  readonly router: string
  readonly quitEndsCluster: boolean
  readonly size: Size
}): UiState => ({ ...options, view: 'overview', places: {}, trail: [], mode: browsing })

export const placeOf = (state: UiState, view: View = state.view): Place => state.places[view] ?? noPlace

export const noticed = (state: UiState, text: string, bad = true): UiState => ({ ...state, notice: { text, bad } })

/** The row that somebody is on: by its key, or where that is gone by its place. */
export function cursorOf(state: UiState, rows: Rows): number {
  const place = placeOf(state)
  const found = place.key === undefined ? -1 : rows.indexOf(place.key)
  return found >= 0 ? found : Math.max(0, Math.min(place.index, rows.length - 1))
}
