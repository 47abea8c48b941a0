import type { OfferOperation, TaskInfo } from '@meseta/common/protocol/mesos'
import { appTaskId, executorId, type Instance, type InstanceTask, podTaskId } from '../instance.ts'
import type { Millis, PodService, Service } from '../model.ts'
import { ancestorsOf } from '../paths.ts'
import type { State } from '../state.ts'
import { buildAppTask } from './app-task.ts'
import { demandOf } from './demand.ts'
import { type Match, takeResources } from './match.ts'
import { buildPod } from './pod-task.ts'
import type { Pool } from './pool.ts'

export interface Launch {
  readonly instance: Instance
  /** A task to be launched by itself, or a group with its executor. */
  readonly task?: TaskInfo
  readonly group?: OfferOperation
}

/** The next incarnation of an instance on the offer it fits into. */
export function buildLaunch(
  state: State,
  service: Service,
  instance: Instance,
  match: Match,
  pool: Pool,
  now: Millis,
): Launch {
  const incarnation = instance.incarnation + 1
  const enforceRole = state.root.groups.get(ancestorsOf(service.spec.id)[0] ?? '/')?.enforceRole ?? false
  const base: Omit<Instance, 'tasks'> = {
    ...instance,
    incarnation,
    version: service.version,
    config: service.lastConfigChangeAt,
    role: service.spec.role,
    condition: 'Provisioned',
    since: now,
    stagedAt: now,
    placement: match.placement,
  }
  if (service.kind === 'pod') return buildGroup(state, service, base, match, pool, enforceRole)
  const id = appTaskId(instance.id, incarnation)
  const resources = takeResources(pool, demandOf(service), match.hostPorts, match.roles)
  const task = buildAppTask({
    service,
    taskId: id,
    executorId: executorId(instance.id),
    placement: match.placement,
    resources,
    hostPorts: match.hostPorts,
    enforceRole,
    envPrefix: state.settings.envPrefix,
    draw: () => state.random.next(),
  })
  return { task, instance: { ...base, tasks: [{ id, hostPorts: match.hostPorts, condition: 'Provisioned' }] } }
}

function buildGroup(
  state: State,
  service: PodService,
  base: Omit<Instance, 'tasks'>,
  match: Match,
  pool: Pool,
  enforceRole: boolean,
): Launch {
  const { spec } = service
  const executorResources = takeResources(pool, { ...spec.executorResources, gpus: 0 }, [], match.roles)
  let at = 0
  const parts = spec.containers.map(container => {
    const hostPorts = match.hostPorts.slice(at, at + container.endpoints.length)
    at += container.endpoints.length
    const resources = takeResources(pool, container.resources, hostPorts, match.roles)
    return { id: podTaskId(base.id, container.name, base.incarnation), container, resources, hostPorts }
  })
  const { executor, tasks } = buildPod({
    service,
    frameworkId: state.frameworkId ?? '',
    executorId: executorId(base.id),
    placement: match.placement,
    executorResources,
    tasks: parts,
    enforceRole,
  })
  const known = parts.map(
    (part): InstanceTask => ({
      id: part.id,
      container: part.container.name,
      hostPorts: part.hostPorts,
      condition: 'Provisioned',
    }),
  )
  return {
    group: { type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks } } },
    instance: { ...base, tasks: known },
  }
}
