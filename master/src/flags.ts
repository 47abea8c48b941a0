import { fromJson } from '@meseta/common/protocol/codec'
import { BadMessage } from '@meseta/common/protocol/errors'
import type { DomainInfo, MasterInfo } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import { commonFlags } from '@meseta/common/service/common-flags'
import { corsFlags } from '@meseta/common/service/cors'
import { parseDuration } from '@meseta/common/service/flag-text'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import type { Quantities } from './allocator/quantities.ts'
import { quantitiesOf } from './allocator/quantities.ts'
import { authorizerOf } from './security/acls.ts'
import { aclsOf, securityFlags } from './security-flags.ts'
import { type HeartConfig, heartDefaults, type SorterKind } from './state/config.ts'

/** The flags of the Mesos contract, section 9, that this master acts on. */
export const masterFlags = defineFlags({
  ...commonFlags(5050),
  ...corsFlags,
  zk: { type: 'string', help: 'Where state is kept and the leader is elected; the same as --store.' },
  advertise_ip: { type: 'string', help: 'The address by which others reach this master; the ip unless given.' },
  advertise_port: { type: 'number', help: 'The port by which others reach this master; the port unless given.' },
  hostname_lookup: {
    type: 'boolean',
    default: true,
    help: 'Look the hostname up by the address, where it is not given; else the address stands for it.',
  },
  registry: {
    type: 'string',
    default: 'replicated_log',
    choices: ['replicated_log', 'in_memory'],
    help: 'Taken for the sake of Mesos, without effect: the registry lies in the store.',
  },
  quorum: { type: 'number', help: 'Taken for the sake of Mesos, without effect: ZooKeeper has its own.' },
  log_file: { type: 'string', help: 'The file to which the log is appended, and which /master/log shows.' },
  log_dir: { type: 'string', help: 'The folder of master.log, which /master/log shows; the work-dir unless given.' },
  external_log_file: { type: 'string', help: 'A file that somebody else writes, for /master/log to show instead.' },
  cluster: { type: 'string', help: 'The name of the cluster that pages show; --cluster-name unless given.' },
  agent_ping_timeout: {
    type: 'duration',
    default: 15_000,
    help: 'How long an agent may be silent before a ping counts as missed.',
  },
  max_agent_ping_timeouts: { type: 'number', default: 5, help: 'How many missed pings make an agent unreachable.' },
  agent_reregister_timeout: {
    type: 'duration',
    default: 600_000,
    help: 'How long agents may take to come back after a disconnection or a change of leaders.',
  },
  agent_removal_rate_limit: {
    type: 'string',
    help: 'How many agents may become unreachable in which time, such as 1/10mins; any number unless given.',
  },
  recovery_agent_removal_limit: {
    type: 'string',
    default: '100%',
    help: 'The share of agents that may be missing after a change of leaders; above it the master ends instead.',
  },
  allocator_agent_recovery_factor: {
    type: 'number',
    default: 0.8,
    help: 'With quotas: the share of agents, 0 to 1, that must be back before a new leader makes offers.',
  },
  allocator_recovery_timeout: {
    type: 'duration',
    default: 600_000,
    help: 'With quotas: after this long a new leader makes offers, however many agents are back.',
  },
  registry_fetch_timeout: { type: 'duration', default: 60_000, help: 'How long reading the registry may take.' },
  registry_store_timeout: { type: 'duration', default: 20_000, help: 'How long a registry write may take.' },
  registry_gc_interval: {
    type: 'duration',
    default: 900_000,
    help: 'How often old entries of the registry are dropped.',
  },
  registry_max_agent_age: {
    type: 'duration',
    default: 1_209_600_000,
    help: 'How long unreachable and gone agents are remembered.',
  },
  registry_max_agent_count: {
    type: 'number',
    default: 102_400,
    help: 'How many unreachable or gone agents are remembered.',
  },
  allocation_interval: { type: 'duration', default: 1_000, help: 'How often all agents are allocated.' },
  offer_timeout: { type: 'duration', help: 'After this long an unanswered offer is rescinded; never unless given.' },
  min_allocatable_resources: {
    type: 'string',
    default: 'cpus:0.01|mem:32',
    help: 'What an offer holds at least one of: amounts joined by ;, alternatives by |.',
  },
  filter_gpu_resources: {
    type: 'boolean',
    default: true,
    help: 'Offer agents with GPUs only to frameworks that ask for GPUs.',
  },
  fair_sharing_excluded_resource_names: { type: 'list', default: [], help: 'Resources that do not count for shares.' },
  roles: { type: 'list', help: 'The only roles that frameworks may have; any unless given.' },
  weights: { type: 'string', default: '', help: 'Weights of roles: role=weight,role=weight.' },
  role_sorter: {
    type: 'string',
    default: 'drf',
    help: 'The order of roles: drf, by fair share, or random, by weight.',
  },
  framework_sorter: { type: 'string', default: 'drf', help: 'The order of the frameworks of a role: drf or random.' },
  whitelist: { type: 'string', help: 'A file of hostnames, one a line: only agents on these are offered.' },
  root_submissions: { type: 'boolean', default: true, help: "Whether the user 'root' may run frameworks." },
  offer_constraints_re2_max_mem: {
    type: 'bytes',
    default: 4_096,
    help: 'What a regular expression in offer constraints may take.',
  },
  offer_constraints_re2_max_program_size: {
    type: 'number',
    default: 100,
    help: 'How many instructions a regular expression in offer constraints may have.',
  },
  max_completed_frameworks: { type: 'number', default: 50, help: 'Completed frameworks that are remembered.' },
  max_completed_tasks_per_framework: {
    type: 'number',
    default: 1_000,
    help: 'Completed tasks that are remembered, by framework.',
  },
  max_unreachable_tasks_per_framework: {
    type: 'number',
    default: 1_000,
    help: 'Unreachable tasks that are remembered, by framework.',
  },
  publish_per_framework_metrics: {
    type: 'boolean',
    default: true,
    help: 'Whether metrics tell of each framework by itself.',
  },
  max_operator_event_stream_subscribers: {
    type: 'number',
    default: 1_000,
    help: "How many operators' event streams there may be; one more ends the oldest.",
  },
  domain: { type: 'json', help: 'Where this master is: {"fault_domain":{"region":{"name":…},"zone":{"name":…}}}.' },
  read_worker: {
    type: 'boolean',
    help: 'Serve reads from a thread of their own; so unless given where the master has a process of its own.',
  },
  require_agent_domain: { type: 'boolean', default: false, help: 'Refuse agents without a domain.' },
  ...securityFlags,
})

export type MasterFlags = FlagValues<typeof masterFlags>

/** What the flags mean to the heart. Throws an Error that names the flag. */
export function heartConfig(flags: MasterFlags, masterInfo: MasterInfo): HeartConfig {
  const acls = aclsOf(flags)
  const config: HeartConfig = {
    ...heartDefaults,
    masterInfo,
    agentSilence: flags.agent_ping_timeout * flags.max_agent_ping_timeouts,
    agentReregisterTimeout: flags.agent_reregister_timeout,
    agentRemovalInterval: removalInterval(flags.agent_removal_rate_limit),
    allocationInterval: flags.allocation_interval,
    offerTimeout: flags.offer_timeout,
    minAllocatable: minAllocatable(flags.min_allocatable_resources),
    filterGpuResources: flags.filter_gpu_resources,
    excludedFromSharing: flags.fair_sharing_excluded_resource_names,
    roles: flags.roles && new Set(flags.roles),
    weights: weights(flags.weights),
    roleSorter: sorterKind('role-sorter', flags.role_sorter),
    frameworkSorter: sorterKind('framework-sorter', flags.framework_sorter),
    rootSubmissions: flags.root_submissions,
    patterns: {
      maxMem: flags.offer_constraints_re2_max_mem,
      maxProgramSize: flags.offer_constraints_re2_max_program_size,
    },
    maxCompletedFrameworks: flags.max_completed_frameworks,
    maxUnreachableTasksPerFramework: flags.max_unreachable_tasks_per_framework,
    recoveryAgentRemovalLimit: share(flags.recovery_agent_removal_limit),
    registryGcInterval: flags.registry_gc_interval,
    registryMaxAgentAge: flags.registry_max_agent_age,
    registryMaxAgentCount: flags.registry_max_agent_count,
    allocatorAgentRecoveryFactor: flags.allocator_agent_recovery_factor,
    allocatorRecoveryTimeout: flags.allocator_recovery_timeout,
    requireAgentDomain: flags.require_agent_domain,
    domain: masterInfo.domain,
    authenticateAgents: flags.authenticate_agents,
    ...(acls ? { authorizer: authorizerOf(acls) } : {}),
  }
  return config
}

/** `--domain` as a message. */
export function domainOf(flags: MasterFlags): DomainInfo | undefined {
  if (flags.domain === undefined) return undefined
  try {
    return fromJson('mesos.v1.DomainInfo', flags.domain)
  } catch (error) {
    throw new Error(`--domain: ${error instanceof BadMessage ? error.message : String(error)}`)
  }
}

function minAllocatable(text: string): readonly Quantities[] {
  if (text.trim() === '') return []
  return text.split('|').map(part => {
    try {
      return quantitiesOf(Resources.from(parseResources(part)))
    } catch (error) {
      throw new Error(`--min-allocatable-resources: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}

function sorterKind(flag: string, kind: string): SorterKind {
  if (kind === 'drf' || kind === 'random') return kind
  throw new Error(`--${flag}: is drf or random, not '${kind}'`)
}

function weights(text: string): ReadonlyMap<string, number> {
  const result = new Map<string, number>()
  for (const part of text.split(',').filter(Boolean)) {
    const [role, weight] = part.split('=')
    if (!role || !(Number(weight) > 0)) throw new Error(`--weights: '${part}' is not role=weight with a weight above 0`)
    result.set(role, Number(weight))
  }
  return result
}

/** `--agent_removal_rate_limit` as the time from one to the next, ms. */
function removalInterval(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, count, duration] = /^(\d+)\/(.+)$/.exec(text) ?? []
  const time = duration === undefined ? undefined : parseDuration(duration)
  if (!(Number(count) > 0) || time === undefined)
    throw new Error(`--agent-removal-rate-limit: '${text}' is not a number of agents and a time, such as 1/10mins`)
  return time / Number(count)
}

function share(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent === undefined || Number(percent) > 100)
    throw new Error(`--recovery-agent-removal-limit: '${text}' is not a percentage such as 100%`)
  return Number(percent) / 100
}
