import type { MasterToAgent, SchedulerEvent } from '@meseta/common/protocol/mesos'
import type { Change } from './changes.ts'
import type { RegisteredAgent } from './commands.ts'
import type { SettingChange } from './settings/settings.ts'

/** A change to the registry: the new entry of one agent, its removal, or one of the cluster's settings. */
export type RegistryChange = RegisteredAgent | { readonly id: string; readonly entry: undefined } | SettingChange

/** Something worth a line in the log, as data. */
export interface Note {
  readonly code: string
  readonly agentId?: string
  readonly frameworkId?: string
  readonly taskId?: string
  readonly detail?: string
}

/** What the heart wants done. All values can be serialised; they are carried out in order. */
export type Effect =
  /** The answer to a CALL or OPERATE; `message` is there for refusals. */
  | { readonly type: 'REPLY'; readonly request: number; readonly status: number; readonly message?: string }
  /** A SUBSCRIBE is accepted: the stream of that id opens. Events for it follow. */
  | {
      readonly type: 'STREAM_OPENED'
      readonly request: number
      readonly streamId: string
      readonly frameworkId: string
    }
  /** A SUBSCRIBE is refused: its stream holds this one error. */
  | { readonly type: 'STREAM_REFUSED'; readonly request: number; readonly message: string }
  | { readonly type: 'EVENT'; readonly streamId: string; readonly event: SchedulerEvent }
  /** More is to be said on this stream: say STREAM_READY when what was written to it has left. */
  | { readonly type: 'MORE_FOLLOWS'; readonly streamId: string }
  | { readonly type: 'STREAM_CLOSED'; readonly streamId: string }
  | { readonly type: 'SEND'; readonly link: string; readonly message: MasterToAgent }
  | { readonly type: 'CLOSE_LINK'; readonly link: string; readonly reason: string }
  /** Make this durable, then say PERSISTED with the same number; what waits for it is done in that step. */
  | { readonly type: 'PERSIST'; readonly op: number; readonly change: RegistryChange }
  /** Say ALLOCATE when the commands in hand are done. */
  | { readonly type: 'ALLOCATE_SOON' }
  /** Ask the agent itself whether it lives, then say PROBED. */
  | { readonly type: 'PROBE'; readonly agentId: string; readonly pid: string }
  /** For the read model, in order. */
  | { readonly type: 'CHANGE'; readonly change: Change }
  | { readonly type: 'NOTE'; readonly note: Note }
  /** This master must not lead any longer. */
  | { readonly type: 'ABDICATE'; readonly reason: string }
