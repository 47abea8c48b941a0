import type { AgentInfo, FrameworkInfo, OfferFilters } from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'
import type { Sorter } from './client-tree.ts'
import type { OfferConstraints } from './constraints.ts'
import type { Quantities } from './quantities.ts'
import type { Free } from './view.ts'

/** What the allocator is told of an agent. */
export interface AgentFacts {
  readonly slot: number
  readonly info: AgentInfo
  readonly capabilities: readonly string[]
  readonly total: Resources
}

/** What the allocator is told of a framework. */
export interface FrameworkFacts {
  readonly info: FrameworkInfo
  readonly capabilities: ReadonlySet<string>
  readonly roles: readonly string[]
  readonly suppressed: ReadonlySet<string>
  readonly constraints: OfferConstraints | undefined
}

/** What a top-level role and all below it are promised, and may have at most (Mesos contract 5.4). Names that are not there: nothing, and no limit. */
export interface Quota {
  readonly guarantees: Quantities
  readonly limits: Quantities
}

/** Resources of one agent for one framework in one role, with their allocation: an offer to be. */
export interface Allocation {
  readonly frameworkId: string
  readonly agentId: string
  readonly role: string
  readonly resources: Resources
}

/** Who has resources. */
export interface Holder {
  readonly frameworkId: string
  readonly role: string
}

/** An agent in the books. */
export interface AgentBook {
  readonly id: string
  readonly slot: number
  info: AgentInfo
  total: Resources
  /** Offered or in use, a shared volume once for each that has it. May exceed the total after that shrank. */
  allocated: Resources
  /** What can be given: the total without what is allocated, except shared volumes. */
  free: Free
  /** What was free when it was last offered: most often it comes back whole. */
  lastFree: Free
  active: boolean
  /** In the whitelist, or there is none. */
  listed: boolean
  /** Capabilities that a framework must have for anything of this agent, and those that the agent has. */
  demands: number
  capabilities: number
  region: string | undefined
}

/** A framework in one of its roles: who asks for offers. */
export interface Client {
  /** Its number in the table of refusals. */
  readonly number: number
  readonly framework: FrameworkBook
  readonly role: RoleBook
  suppressed: boolean
  /** The framework has left the role, and still holds something there. */
  isLeaving: boolean
  /** What an offer must hold at least one of; empty: anything. */
  minimum: readonly Quantities[]
  /** What it understands, and what an agent must have for it. */
  capabilities: number
  demands: number
  /** By agent slot, where it has offer constraints: 0 not known, 1 they let the agent in, 2 they keep it out. */
  admitted: Uint8Array | undefined
  /** The next cycle asks all agents for it. */
  pending: boolean
}

export interface RoleBook {
  readonly name: string
  /** The top-level role, which has the quota. */
  readonly top: string
  readonly members: Sorter<Client>
  /** How many of its clients are pending. */
  pending: number
}

export interface FrameworkBook {
  readonly id: string
  facts: FrameworkFacts
  active: boolean
  /** Its stream is not drained. */
  blocked: boolean
  outstandingOffers: number
  /** Agents that it would have been offered but for that. */
  readonly waiting: Set<AgentBook>
  readonly clients: Map<string, Client>
}

/** The framework's own minimum for a role, or the master's (Mesos contract 5.3.5). */
export function minimumOf(filters: OfferFilters | undefined, master: readonly Quantities[]): readonly Quantities[] {
  const own = filters?.min_allocatable_resources
  if (!own) return master
  return (own.quantities ?? []).map(({ quantities }) => {
    const wanted = new Map<string, number>()
    for (const [name, scalar] of Object.entries(quantities ?? {})) wanted.set(name, Math.round(scalar.value * 1000))
    return wanted
  })
}

/** Who is pending is asked where not everybody is. */
export function setPending(client: Client, pending: boolean): void {
  if (client.pending === pending) return
  client.pending = pending
  client.role.pending += pending ? 1 : -1
}
