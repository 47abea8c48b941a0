import type { DomainInfo, MasterInfo } from '@meseta/common/protocol/mesos'
import type { PatternLimits } from '../allocator/patterns.ts'
import type { Quantities } from '../allocator/quantities.ts'
import { type Authorizer, allowsAll } from '../security/actions.ts'

export type SorterKind = 'drf' | 'random'

/** What a heart is told once. Durations are milliseconds. */
export interface HeartConfig {
  readonly masterInfo: MasterInfo
  /** Orders agents in allocation cycles; the same seed and commands give the same effects. */
  readonly seed: number
  /** Silence after which an agent is unreachable: ping timeout times the number of missed pings (75 s). */
  readonly agentSilence: number
  /** How long a disconnected or recovered agent may take to come back (10 min). */
  readonly agentReregisterTimeout: number
  /** At most one agent becomes unreachable in this time; undefined: no limit. */
  readonly agentRemovalInterval: number | undefined
  readonly allocationInterval: number
  /** After this long an offer is rescinded; undefined: never. */
  readonly offerTimeout: number | undefined
  /** An offer contains at least one of these; empty: anything may be offered. */
  readonly minAllocatable: readonly Quantities[]
  readonly filterGpuResources: boolean
  readonly excludedFromSharing: readonly string[]
  /** The only roles there are, or undefined for any. */
  readonly roles: ReadonlySet<string> | undefined
  readonly weights: ReadonlyMap<string, number>
  /** In which order roles, and the frameworks of a role, are served: by fair share, or drawn by weight. */
  readonly roleSorter: SorterKind
  readonly frameworkSorter: SorterKind
  readonly rootSubmissions: boolean
  /** What regular expressions in offer constraints may cost. */
  readonly patterns: PatternLimits
  readonly maxCompletedFrameworks: number
  readonly maxUnreachableTasksPerFramework: number
  /** The share of recovered agents, 0 to 1, above which missing ones mean that something else is wrong. */
  readonly recoveryAgentRemovalLimit: number
  readonly requireAgentDomain: boolean
  readonly domain: DomainInfo | undefined
  /** How often, ms, entries of unreachable and gone agents that are too old or too many are dropped. */
  readonly registryGcInterval: number
  readonly registryMaxAgentAge: number
  readonly registryMaxAgentCount: number
  /** A framework that holds this many offers gets no more until it answers some. */
  readonly maxOutstandingOffers: number
  readonly authorizer: Authorizer
  /** The bus proves which agent speaks over a link: an agent's id belongs to its link. */
  readonly authenticateAgents: boolean
  /** With quotas a new leader offers nothing before this share of the agents is back, 0 to 1, or this time is over, ms. */
  readonly allocatorAgentRecoveryFactor: number
  readonly allocatorRecoveryTimeout: number
}

/** Everything but who the master is, as Mesos has it (contract 9). */
export const heartDefaults = {
  seed: 1,
  agentSilence: 75_000,
  agentReregisterTimeout: 600_000,
  agentRemovalInterval: undefined,
  allocationInterval: 1_000,
  offerTimeout: undefined,
  minAllocatable: [new Map([['cpus', 10]]), new Map([['mem', 32_000]])],
  filterGpuResources: true,
  excludedFromSharing: [],
  roles: undefined,
  weights: new Map<string, number>(),
  roleSorter: 'drf' as SorterKind,
  frameworkSorter: 'drf' as SorterKind,
  rootSubmissions: true,
  patterns: { maxMem: 4_096, maxProgramSize: 100 },
  maxCompletedFrameworks: 50,
  maxUnreachableTasksPerFramework: 1_000,
  recoveryAgentRemovalLimit: 1,
  requireAgentDomain: false,
  domain: undefined,
  registryGcInterval: 15 * 60_000,
  registryMaxAgentAge: 14 * 24 * 3_600_000,
  registryMaxAgentCount: 102_400,
  maxOutstandingOffers: 5_000,
  authorizer: allowsAll,
  authenticateAgents: false,
  allocatorAgentRecoveryFactor: 0.8,
  allocatorRecoveryTimeout: 600_000,
} satisfies Omit<HeartConfig, 'masterInfo'>
