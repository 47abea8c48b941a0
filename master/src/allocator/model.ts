import type { AgentInfo, FrameworkInfo, OfferFilters, SchedulerOfferConstraints } from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'
import { atLeast } from './quantities.ts'
import type { Quantities } from './sorter.ts'

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
  readonly constraints: SchedulerOfferConstraints | undefined
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
  capabilities: ReadonlySet<string>
  total: Resources
  /** Offered or in use, a shared volume once for each that has it. May exceed the total after that shrank. */
  allocated: Resources
  /** What can be given: `total` without what is allocated, except shared volumes. */
  available: Resources
  /** Shared volumes that were given in this cycle. */
  sharedGiven: Resources
  active: boolean
  hasGpus: boolean
  region: string | undefined
}

/** A framework in one of its roles: who asks for offers. */
export interface Client {
  /** Its number in the table of refusals. */
  readonly number: number
  readonly role: string
  suppressed: boolean
  /** What an offer must hold at least one of; empty: anything. */
  minimum: readonly Quantities[]
}

export interface FrameworkBook {
  readonly id: string
  facts: FrameworkFacts
  active: boolean
  /** Its stream is not drained. */
  blocked: boolean
  outstandingOffers: number
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

export function isAllocatable(quantities: Quantities, minimum: readonly Quantities[]): boolean {
  return minimum.length === 0 || minimum.some(wanted => atLeast(quantities, wanted))
}
