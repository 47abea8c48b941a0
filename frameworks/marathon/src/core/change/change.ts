import type { Group, Root, Service, Settings, Timestamp } from '../model.ts'
import type { PathId } from '../paths.ts'

/** What a request asks to be changed, as data. Bodies are as they were sent: they are applied to the root of that moment. */
export type Change =
  /** `create`: refused when it exists; `update`: refused when it does not. */
  | { readonly kind: 'apps'; readonly apps: readonly AppChange[] }
  | { readonly kind: 'pod'; readonly id?: PathId; readonly body: unknown; readonly mode: 'create' | 'update' }
  | { readonly kind: 'delete'; readonly service: 'app' | 'pod'; readonly id: PathId }
  | { readonly kind: 'restart'; readonly id: PathId }
  /** Lowers the number of instances and kills these. */
  | { readonly kind: 'scale-down'; readonly victims: ReadonlyMap<PathId, readonly string[]> }
  | { readonly kind: 'group'; readonly id: PathId; readonly body: unknown; readonly mode: 'create' | 'update' }
  | { readonly kind: 'delete-group'; readonly id: PathId }
  | { readonly kind: 'enforce-role'; readonly id: PathId; readonly enforceRole: boolean }
  /** Undoes the changes of one deployment (contract 11, Revert). */
  | { readonly kind: 'revert'; readonly services: readonly ServiceChange[]; readonly groups: readonly GroupChange[] }

export interface AppChange {
  readonly id?: PathId
  readonly body: unknown
  readonly mode: 'create' | 'update' | 'upsert'
  /** Whether fields left out keep their value. */
  readonly partial: boolean
  /** Where the body stands in the request, for messages: `` or `(0)`. */
  readonly path: string
}

export interface ServiceChange {
  readonly id: PathId
  readonly before?: Service
  readonly after?: Service
}

export interface GroupChange {
  readonly id: PathId
  readonly before?: Group
  readonly after?: Group
}

/** The past, as far as it is kept: versions of services and of the root. */
export interface History {
  service(id: PathId, version: Timestamp): Service | undefined
  root(version: Timestamp): Root | undefined
}

/** The world in which a change is applied. */
export interface Setting {
  readonly root: Root
  readonly history: History
  readonly settings: Settings
  /** The version of what comes out. */
  readonly version: Timestamp
  readonly force: boolean
}

/** What a change comes to: the target, and what beyond the difference of roots must be done. */
export interface Outcome {
  readonly root: Root
  readonly restarts: ReadonlySet<PathId>
  readonly kills: ReadonlyMap<PathId, readonly string[]>
  /** Services that the change made. */
  readonly created: readonly PathId[]
}
