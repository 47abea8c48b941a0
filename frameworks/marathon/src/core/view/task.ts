import { type Instance, type InstanceTask, isActive, isTerminal, mesosState } from '../instance.ts'
import { addressesOf } from '../lifecycle.ts'
import type { Service } from '../model.ts'
import type { State } from '../state.ts'

export const iso = (at: number): string => new Date(at).toISOString()

/** The task object of contract 6.2; undefined for an instance that is on no agent. */
export function taskView(state: State, instance: Instance, task: InstanceTask): Record<string, unknown> | undefined {
  const { placement } = instance
  if (placement === undefined) return undefined
  const live = !isTerminal(task.condition)
  const { status } = task
  return {
    id: task.id,
    appId: instance.service,
    host: placement.hostname,
    slaveId: placement.agentId,
    state: mesosState(task),
    ports: live ? task.hostPorts.filter(port => port !== null) : [],
    ipAddresses: addressesOf(task),
    ...(live && instance.stagedAt !== undefined && { stagedAt: iso(instance.stagedAt) }),
    ...(live && task.startedAt !== undefined && { startedAt: iso(task.startedAt) }),
    ...(live && { version: instance.version }),
    healthCheckResults: healthResults(state, instance),
    ...(status?.check_status && { checkResult: checkResult(status.check_status) }),
    localVolumes: [],
    ...(placement.region !== undefined && { region: placement.region }),
    ...(placement.zone !== undefined && { zone: placement.zone }),
    role: instance.role,
  }
}

/** All tasks of a service that are on an agent. */
export const tasksOf = (state: State, id: string): Record<string, unknown>[] =>
  state
    .instancesOf(id)
    .flatMap(instance => instance.tasks.map(task => taskView(state, instance, task)))
    .filter(view => view !== undefined)

function healthResults(state: State, instance: Instance): Record<string, unknown>[] {
  return (state.health.get(instance.id) ?? []).flatMap(record =>
    record === undefined
      ? []
      : [
          {
            alive: record.alive,
            consecutiveFailures: record.consecutiveFailures,
            ...(record.firstSuccess !== undefined && { firstSuccess: iso(record.firstSuccess) }),
            ...(record.lastSuccess !== undefined && { lastSuccess: iso(record.lastSuccess) }),
            ...(record.lastFailure !== undefined && { lastFailure: iso(record.lastFailure) }),
            ...(record.lastFailureCause !== undefined && { lastFailureCause: record.lastFailureCause }),
            instanceId: instance.id,
          },
        ],
  )
}

function checkResult(
  status: NonNullable<NonNullable<InstanceTask['status']>['check_status']>,
): Record<string, unknown> {
  if (status.http !== undefined) return { http: { statusCode: status.http.status_code ?? 0 } }
  if (status.tcp !== undefined) return { tcp: { succeeded: status.tcp.succeeded ?? false } }
  return { command: { exitCode: status.command?.exit_code ?? 0 } }
}

/** The bodies of the feed's `instance`, by task id: each task and what routers need to know of it. */
export function instanceFeedViews(state: State, instance: Instance): Map<string, object> {
  const views = new Map<string, object>()
  const killing = instance.goal !== 'Running' || state.kills.has(instance.id)
  for (const task of instance.tasks) {
    const view = taskView(state, instance, task)
    if (view !== undefined)
      views.set(task.id, { ...view, app_version: instance.version, healthy: state.healthyOf(instance), killing })
  }
  return views
}

export interface Counts {
  staged: number
  running: number
  healthy: number
  unhealthy: number
}

/** The counts of contract 6.1 over some instances. */
export function countTasks(state: State, instances: Iterable<Instance>): Counts {
  const counts: Counts = { staged: 0, running: 0, healthy: 0, unhealthy: 0 }
  for (const instance of instances) {
    if (!isActive(instance.condition)) continue
    if (instance.condition === 'Running') counts.running += 1
    else if (['Provisioned', 'Staging'].includes(instance.condition)) counts.staged += 1
    const records = (state.health.get(instance.id) ?? []).filter(record => record !== undefined)
    if (records.length === 0) continue
    if (records.every(record => record.alive)) counts.healthy += 1
    else counts.unhealthy += 1
  }
  return counts
}

/** The service ports of an app, in the order of its ports. */
export const servicePorts = (service: Service): number[] =>
  service.kind === 'pod'
    ? []
    : service.spec.networks.every(network => network.mode === 'host')
      ? (service.spec.portDefinitions ?? []).map(definition => definition.port)
      : (service.spec.container?.portMappings ?? []).map(mapping => mapping.servicePort)
