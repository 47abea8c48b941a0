import type { Instance, InstanceTask } from '../instance.ts'
import { addressesOf } from '../lifecycle.ts'
import type { PodService } from '../model.ts'
import { instancesOf } from '../service.ts'
import type { State } from '../state.ts'
import { iso } from './task.ts'

export const podView = (service: PodService): Record<string, unknown> => ({ ...service.spec, version: service.version })

/** The pod status of contract 8. */
export function podStatus(state: State, service: PodService): Record<string, unknown> {
  const { id } = service.spec
  const instances = state
    .instancesOf(id)
    .filter(instance => instance.condition !== 'Scheduled' || instance.goal === 'Running')
  const views = instances.map(instance => podInstance(state, service, instance))
  const since = instances.reduce(
    (latest, instance) => Math.max(latest, instance.since),
    Date.parse(service.lastScalingAt),
  )
  return {
    id,
    spec: podView(service),
    status: wholeStatus(state, service, instances),
    statusSince: iso(since),
    instances: views,
    terminationHistory: [],
    lastUpdated: iso(since),
    lastChanged: iso(since),
  }
}

function wholeStatus(state: State, service: PodService, instances: readonly Instance[]): string {
  const stable = instances.filter(instance => instanceStatus(state, instance) === 'STABLE').length
  const wanted = instancesOf(service)
  if (wanted === 0 && instances.length === 0) return 'TERMINAL'
  return stable >= wanted ? 'STABLE' : 'DEGRADED'
}

function instanceStatus(state: State, instance: Instance): string {
  switch (instance.condition) {
    case 'Scheduled':
    case 'Provisioned':
      return 'PENDING'
    case 'Staging':
    case 'Starting':
      return 'STAGING'
    case 'Running':
      return state.healthyOf(instance) === false ? 'DEGRADED' : 'STABLE'
    case 'Unreachable':
    case 'UnreachableInactive':
      return 'DEGRADED'
    default:
      return 'TERMINAL'
  }
}

export function podInstance(state: State, service: PodService, instance: Instance): Record<string, unknown> {
  const launched = state.launchedWith(instance)
  const spec = launched?.kind === 'pod' ? launched.spec : service.spec
  const { placement } = instance
  const networks = spec.networks
    .filter(network => network.mode !== 'host')
    .map(network => ({
      ...(network.name !== undefined && { name: network.name }),
      addresses: instance.tasks.slice(0, 1).flatMap(task => addressesOf(task).map(address => address.ipAddress)),
    }))
  return {
    id: instance.id,
    status: instanceStatus(state, instance),
    statusSince: iso(instance.since),
    conditions: [],
    ...(placement && {
      agentId: placement.agentId,
      agentHostname: placement.hostname,
      ...(placement.region !== undefined && { agentRegion: placement.region }),
      ...(placement.zone !== undefined && { agentZone: placement.zone }),
    }),
    resources: { ...totalResources(spec) },
    networks,
    containers: instance.tasks.map(task => containerView(state, instance, task, spec)),
    specReference: `/v2/pods${instance.service}::versions/${instance.version}`,
    localVolumes: [],
    role: instance.role,
    lastUpdated: iso(instance.since),
    lastChanged: iso(instance.since),
  }
}

function totalResources(spec: PodService['spec']): Record<string, number> {
  const total = { ...spec.executorResources, gpus: 0 }
  for (const { resources } of spec.containers) {
    total.cpus += resources.cpus
    total.mem += resources.mem
    total.disk += resources.disk
    total.gpus += resources.gpus
  }
  return total
}

function containerView(
  state: State,
  instance: Instance,
  task: InstanceTask,
  spec: PodService['spec'],
): Record<string, unknown> {
  const container = spec.containers.find(one => one.name === task.container)
  const checked = spec.containers.filter(one => one.healthCheck !== undefined)
  const record = state.health.get(instance.id)?.[checked.findIndex(one => one.name === task.container)]
  const since = iso(task.startedAt ?? instance.since)
  const healthy = record?.alive
  const ended = task.status?.message !== undefined && ['Failed', 'Finished', 'Killed', 'Error'].includes(task.condition)
  return {
    name: task.container,
    status: task.status?.state ?? 'TASK_STAGING',
    statusSince: since,
    containerId: task.id,
    conditions:
      healthy === undefined
        ? []
        : [
            {
              name: 'healthy',
              value: String(healthy),
              reason: 'health-reported-by-mesos',
              lastUpdated: since,
              lastChanged: since,
            },
          ],
    endpoints: (container?.endpoints ?? []).map((endpoint, index) => ({
      name: endpoint.name,
      ...(task.hostPorts[index] !== null && { allocatedHostPort: task.hostPorts[index] }),
      ...(healthy !== undefined && { healthy }),
    })),
    ...(container && { resources: container.resources }),
    ...(ended && { termination: { message: task.status?.message } }),
    lastUpdated: since,
    lastChanged: since,
  }
}
