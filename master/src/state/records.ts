import type {
  AgentInfo,
  AllocatorInverseOfferStatus,
  ExecutorInfo,
  FrameworkInfo,
  Register,
  Reregister,
  Unavailability,
} from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'
import type { OfferConstraints } from '../allocator/constraints.ts'
import type { Orders } from './agents/agent-orders.ts'
import type { Questions } from './questions.ts'
import type { SettingChange } from './settings/settings.ts'

/** A registered agent. */
export interface Agent {
  readonly id: string
  /** Its place in the arrays of the allocator and of liveness; reused after removal. */
  readonly slot: number
  /** With the id. */
  info: AgentInfo
  link: string
  /** Grows with each session that ends. */
  session: number
  pid: string
  version: string
  capabilities: readonly string[]
  total: Resources
  readonly registeredAt: number
  reregisteredAt: number | undefined
  /** It has an open session and has (re-)registered in it. */
  connected: boolean
  /** When it was lost, on the monotonic clock. */
  disconnectedAt: number | undefined
  /** A registry write about it is under way: it is on its way out. */
  leaving: boolean
  /** When this master first told it to drain, milliseconds since 1970. */
  drainStartedAt: number | undefined
  /** When its machine is planned to be out of service. */
  unavailability: Unavailability | undefined
  /** Frameworks that were asked to leave before, by id. */
  readonly invitations: Map<string, Invitation>
  readonly offers: Set<OfferRecord>
  /** By framework, then by executor. */
  readonly executors: Map<string, Map<string, ExecutorInfo>>
}

export interface Framework {
  readonly id: string
  /** With the id. */
  info: FrameworkInfo
  capabilities: ReadonlySet<string>
  roles: readonly string[]
  suppressed: Set<string>
  constraints: OfferConstraints | undefined
  /** The id of the open stream. */
  streamId: string | undefined
  /** Only agents have told of it; it has not subscribed to this master. */
  recovered: boolean
  readonly registeredAt: number
  reregisteredAt: number | undefined
  /** When it is removed unless it subscribes again, on the monotonic clock. */
  removeAt: number | undefined
  /** When its return last brought offers at once, on the monotonic clock. */
  offeredAgainAt: number
  readonly offers: Set<OfferRecord>
  /** Agents with executors of it. */
  readonly hosts: Set<Agent>
  readonly questions: Questions
}

/** An inverse offer to a framework, and what it answered to the last one. */
export interface Invitation {
  /** Outstanding. */
  offerId: string | undefined
  /** It is not asked again before, on the monotonic clock. */
  readonly quietUntil: number
  readonly status: AllocatorInverseOfferStatus | undefined
}

export interface OfferRecord {
  readonly id: string
  readonly frameworkId: string
  readonly agentId: string
  readonly role: string
  /** With their allocation. */
  readonly resources: Resources
  /** On the monotonic clock. */
  readonly madeAt: number
}

/** A registry write whose completion something waits for. */
export type PendingWrite =
  | { readonly type: 'ADMIT'; readonly agentId: string; readonly link: string }
  | { readonly type: 'UNREACHABLE'; readonly agentId: string; readonly since: number }
  /** Nothing waits for it. */
  | { readonly type: 'NOTED' }
  | { readonly type: 'REMOVE'; readonly agentId: string; readonly why: string }
  | { readonly type: 'FORGET'; readonly agentId: string }
  /** `roles`: those that the call named. */
  | {
      readonly type: 'SETTING'
      readonly change: SettingChange
      readonly request: number
      readonly roles: readonly string[]
    }
  /** `request`: the call that waits for it; none where the master itself decided. */
  | { readonly type: 'GONE'; readonly agentId: string; readonly since: number; readonly request: number | undefined }
  | { readonly type: 'ORDERS'; readonly agentId: string; readonly orders: Orders; readonly request: number | undefined }

/** An agent that waits for its registry write. */
export interface Registration {
  readonly agentId: string
  /** `agent_info` has the id. */
  readonly message: Register | Reregister
  /** It had no id before. */
  readonly first: boolean
}
