import type { Resources } from '@meseta/common/resources/resources'
import type { Standing } from './client-tree.ts'
import type { Quantities } from './quantities.ts'

/** Why a framework in a role has been offered of an agent what it has. Amounts are thousandths. */
export type Reason =
  /** It has an offer of the agent. */
  | { readonly code: 'OFFERED'; readonly resources: Resources }
  /** Another one has; `theirs` is without that offer: so they stood when it was given. */
  | {
      readonly code: 'GIVEN_TO'
      readonly frameworkId: string
      readonly role: string
      readonly ours: Standing
      readonly theirs: Standing
    }
  /** Nothing that the role may have and the framework understands is free. */
  | { readonly code: 'NOTHING_FREE' }
  | { readonly code: 'TOO_SMALL'; readonly free: Quantities; readonly minimum: readonly Quantities[] }
  /** It refused as much, and the last such refusal ends in so many ticks. */
  | { readonly code: 'FILTERED'; readonly ticks: number }
  | { readonly code: 'GPU' }
  | { readonly code: 'REGION'; readonly region: string }
  /** The agent lacks a capability that the framework or its role asks for. */
  | { readonly code: 'CAPABILITY'; readonly capability: 'MULTI_ROLE' | 'HIERARCHICAL_ROLE' }
  /** Its own offer constraints keep the agent out. */
  | { readonly code: 'CONSTRAINT' }
  | {
      readonly code: 'QUOTA_LIMIT'
      readonly quotaRole: string
      readonly name: string
      readonly limit: number
      readonly consumed: number
    }
  /** What is free is kept for guarantees. */
  | { readonly code: 'QUOTA_HEADROOM'; readonly name: string; readonly available: number; readonly required: number }
  | {
      readonly code: 'OFFERS_OUTSTANDING'
      readonly outstanding: number
      readonly most: number
      /** It does not drain its stream. */
      readonly blocked: boolean
    }
  | { readonly code: 'SUPPRESSED' }
  | { readonly code: 'DEACTIVATED'; readonly subject: 'framework' | 'agent' }
  | { readonly code: 'UNAVAILABLE'; readonly because: 'DISCONNECTED' | 'NOT_WHITELISTED' }
  | { readonly code: 'PAUSED' }
  /** Nothing stands against it: the next cycle offers it. */
  | { readonly code: 'NEXT_CYCLE' }

/** Agents that a framework in a role gets nothing of, or has offers of, for one reason. */
export interface ReasonGroup {
  /** The first agent's. Of FILTERED the one that ends last. */
  readonly reason: Reason
  readonly agents: number
  /** Ids of some of them. */
  readonly examples: readonly string[]
}

export interface RoleExplanation {
  readonly role: string
  readonly share: number
  readonly weight: number
  /** Most agents first. */
  readonly groups: readonly ReasonGroup[]
  /** How many agents are in groups that were left off. */
  readonly omitted: number
  /** Where one agent was asked for, how it is with that. */
  readonly agent?: { readonly reason: Reason; readonly free: Resources } | undefined
}

/** What the allocator does not keep itself, of an agent. */
export interface AgentOffer {
  readonly frameworkId: string
  readonly role: string
  readonly resources: Resources
}

export interface World {
  /** The outstanding offers of an agent. */
  offersOf(agentId: string): Iterable<AgentOffer>
  isConnected(agentId: string): boolean
}

/** What tells one group from another, besides who was given. */
export function groupKey(reason: Exclude<Reason, { code: 'GIVEN_TO' }>): string {
  switch (reason.code) {
    case 'REGION':
      return `${reason.code} ${reason.region}`
    case 'CAPABILITY':
      return `${reason.code} ${reason.capability}`
    case 'QUOTA_LIMIT':
    case 'QUOTA_HEADROOM':
      return `${reason.code} ${reason.name}`
    case 'DEACTIVATED':
      return `${reason.code} ${reason.subject}`
    case 'UNAVAILABLE':
      return `${reason.code} ${reason.because}`
    default:
      return reason.code
  }
}
