import type { Offer, OfferOperation, TaskStatus } from '@meseta/common/protocol/mesos'
import type { Change } from './change/change.ts'
import type { Refusal } from './errors.ts'
import type { HealthResult } from './health.ts'
import type { Millis } from './model.ts'
import type { PathId } from './paths.ts'
import type { ReadinessResult } from './readiness.ts'

/** Who asked, for the events that tell of it. */
export interface Client {
  readonly ip: string
  readonly uri: string
}

/** What goes into the heart. `call` is answered by one `answer` effect. */
export type Command =
  | {
      readonly type: 'change'
      readonly call: number
      readonly change: Change
      readonly force: boolean
      readonly dryRun?: boolean
      readonly client?: Client
    }
  /** Ends the tasks of these instances; they are launched again, or with `wipe` replaced. */
  | { readonly type: 'kill'; readonly call: number; readonly instances: readonly string[]; readonly wipe: boolean }
  | { readonly type: 'cancel-deployment'; readonly call: number; readonly id: string; readonly force: boolean }
  | { readonly type: 'reset-delay'; readonly call: number; readonly id: PathId }
  | { readonly type: 'subscribed'; readonly frameworkId: string; readonly region?: string; readonly master: string }
  | { readonly type: 'disconnected' }
  | { readonly type: 'offers'; readonly offers: readonly Offer[] }
  /** It is no agent of the cluster any more. */
  | { readonly type: 'agent-lost'; readonly agentId: string }
  | { readonly type: 'status'; readonly status: TaskStatus }
  | { readonly type: 'message'; readonly agentId: string; readonly executorId: string; readonly data: string }
  | { readonly type: 'health'; readonly instance: string; readonly taskId: string; readonly result: HealthResult }
  | { readonly type: 'readiness'; readonly instance: string; readonly taskId: string; readonly result: ReadinessResult }
  /** Time has come to what was asked for by the latest `wake`. */
  | { readonly type: 'tick' }

/** A call to the master. */
export type MasterCall =
  | {
      readonly kind: 'accept'
      readonly offerIds: readonly string[]
      readonly operations: readonly OfferOperation[]
      readonly refuseSeconds: number
    }
  | { readonly kind: 'decline'; readonly offerIds: readonly string[]; readonly refuseSeconds: number }
  | { readonly kind: 'revive'; readonly roles: readonly string[] }
  | { readonly kind: 'suppress'; readonly roles: readonly string[] }
  | { readonly kind: 'kill'; readonly taskId: string; readonly agentId?: string }
  | { readonly kind: 'acknowledge'; readonly status: TaskStatus }
  | { readonly kind: 'reconcile'; readonly tasks: readonly { readonly taskId: string; readonly agentId?: string }[] }

export type Answer =
  | {
      readonly ok: true
      readonly version: string
      readonly deploymentId?: string
      readonly created: readonly PathId[]
      readonly steps?: unknown
    }
  | { readonly ok: false; readonly refusal: Refusal }

/** One record of the store: its path below Marathon's and its new value, or null to delete it. */
export interface Write {
  readonly path: string
  readonly value: string | null
}

export type FeedKind = 'app' | 'pod' | 'instance' | 'group' | 'deployment' | 'wait' | 'info'

/** What comes out. `call` and `answer` wait until the writes of this and all earlier steps are durable; the others do not. */
export type Effect =
  | { readonly type: 'store'; readonly writes: readonly Write[] }
  | { readonly type: 'answer'; readonly call: number; readonly answer: Answer }
  | { readonly type: 'call'; readonly call: MasterCall }
  | { readonly type: 'event'; readonly event: { readonly eventType: string } & Readonly<Record<string, unknown>> }
  /** The object of a feed has changed or is gone: its body is read from the state. */
  | { readonly type: 'changed'; readonly kind: FeedKind; readonly key: string }
  /** When to send `tick` at the latest; replaces the one before. */
  | { readonly type: 'wake'; readonly at: Millis | undefined }
