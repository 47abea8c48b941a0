import type {
  AgentInfo,
  AllocatorInverseOfferStatus,
  DrainInfo,
  ExecutorInfo,
  FrameworkInfo,
  InverseOffer,
  Offer,
  Operation,
  Resource,
  SchedulerOfferConstraints,
  Task,
  TaskState,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import type { Settings } from './commands.ts'

/** An agent as its readers need it. What it gives and offers is derived from tasks, executors and offers. */
export interface AgentView {
  /** With its id. */
  readonly info: AgentInfo
  readonly pid: string
  readonly version: string
  readonly capabilities: readonly string[]
  readonly total: readonly Resource[]
  /** Milliseconds since 1970, as all times here. */
  readonly registeredAt: number
  readonly reregisteredAt: number | undefined
  readonly active: boolean
  readonly connected: boolean
  /** An operator took it out of offers. */
  readonly deactivated: boolean
  readonly drain: DrainInfo | undefined
  /** When it was first told to drain by this master. */
  readonly drainStartedAt: number | undefined
  /** What frameworks answered when they were asked to leave before maintenance. */
  readonly invitations: readonly AllocatorInverseOfferStatus[]
}

export interface FrameworkView {
  /** With its id. */
  readonly info: FrameworkInfo
  readonly active: boolean
  readonly connected: boolean
  readonly recovered: boolean
  readonly registeredAt: number
  readonly reregisteredAt: number | undefined
  readonly constraints: SchedulerOfferConstraints | undefined
}

/** What became of a task beside what its statuses tell. For explanations alone. */
export interface TaskStep {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly code: 'LAUNCHED' | 'KILL_ASKED' | 'UNREACHABLE' | 'RETURNED'
  /** Of a launch. */
  readonly offers?: readonly string[]
  /** Of a kill, where the framework gave it. */
  readonly graceNanoseconds?: number
}

/** What became of a task that is no longer active. */
export type TaskFate = 'completed' | 'unreachable'

/**
 * What changed in the cluster, for those who read it. In order and complete: applied one after the other they give the
 * whole readable state. All values can be serialised, so that the reader may live in another thread.
 */
export type Change =
  /** `arrived`: it is new, or returned from unreachability or to a new leader, which event streams tell as an arrival. */
  | { readonly type: 'AGENT'; readonly agent: AgentView; readonly arrived: boolean }
  | { readonly type: 'AGENT_REMOVED'; readonly id: string }
  /** In the registry as unreachable; its removal is told apart, where this master had it. */
  | { readonly type: 'AGENT_UNREACHABLE'; readonly id: string }
  /** Agents known from the registry that have not returned yet. */
  | { readonly type: 'AGENT_RECOVERED'; readonly info: AgentInfo }
  | { readonly type: 'AGENT_RECOVERED_GONE'; readonly id: string }
  | { readonly type: 'AGENT_UNREACHABLE_FORGOTTEN'; readonly id: string }
  | { readonly type: 'FRAMEWORK'; readonly framework: FrameworkView; readonly arrived: boolean }
  | { readonly type: 'FRAMEWORK_COMPLETED'; readonly id: string; readonly at: number }
  /** `step`: how it was launched, where this master did it. */
  | { readonly type: 'TASK'; readonly task: Task; readonly step?: TaskStep }
  | { readonly type: 'TASK_STEP'; readonly frameworkId: string; readonly taskId: string; readonly step: TaskStep }
  /** `status` is the newest one, `state` the latest state known. */
  | {
      readonly type: 'TASK_STATUS'
      readonly frameworkId: string
      readonly taskId: string
      readonly state: TaskState
      readonly status: TaskStatus
      /** The state last forwarded to the framework and the uuid of that update; only agents' updates have them. */
      readonly forwarded: { readonly state: TaskState; readonly uuid: string } | undefined
    }
  | { readonly type: 'TASK_ENDED'; readonly frameworkId: string; readonly taskId: string; readonly fate: TaskFate }
  /** An unreachable task is active again, or its record fell out of the bounded history. */
  | { readonly type: 'TASK_FORGOTTEN'; readonly frameworkId: string; readonly taskId: string }
  | { readonly type: 'EXECUTOR'; readonly agentId: string; readonly frameworkId: string; readonly info: ExecutorInfo }
  | {
      readonly type: 'EXECUTOR_REMOVED'
      readonly agentId: string
      readonly frameworkId: string
      readonly executorId: string
    }
  /** New, or with a newer status. */
  | { readonly type: 'OPERATION'; readonly operation: Operation }
  /** By its uuid, in base64. */
  | { readonly type: 'OPERATION_REMOVED'; readonly uuid: string }
  /** What operators have set, as it is stored now. */
  | { readonly type: 'SETTINGS'; readonly settings: Settings }
  | { readonly type: 'OFFER'; readonly offer: Offer }
  | { readonly type: 'OFFER_REMOVED'; readonly id: string }
  | { readonly type: 'INVERSE_OFFER'; readonly offer: InverseOffer }
  | { readonly type: 'INVERSE_OFFER_REMOVED'; readonly id: string; readonly frameworkId: string }
