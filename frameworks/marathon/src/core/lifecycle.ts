import type { TaskStatus } from '@meseta/common/protocol/mesos'
import { withResult } from './health.ts'
import {
  type Condition,
  conditionAfter,
  conditionOf,
  type Instance,
  type InstanceTask,
  isTerminal,
  isUnreachable,
  mayRun,
  newInstanceId,
  parseTaskId,
} from './instance.ts'
import type { Millis, Service } from './model.ts'
import { failureRecord } from './records.ts'
import { hasPorts, unreachableOf } from './service.ts'
import { agentCheckIndex, type State } from './state.ts'

/** A new instance that waits to be launched. */
export function spawn(state: State, service: Service, now: Millis): Instance {
  const { id } = service.spec
  const instance: Instance = {
    id: newInstanceId(id, state.random.uuid()),
    service: id,
    goal: 'Running',
    version: service.version,
    config: service.lastConfigChangeAt,
    role: service.spec.role,
    incarnation: 0,
    condition: 'Scheduled',
    since: now,
    tasks: [],
    chunk: state.takeChunk(id),
  }
  state.put(instance)
  return instance
}

/** The time routers get to turn away from an instance before its tasks are told to end. */
export const drainOf = (state: State, instance: Instance): Millis => {
  const service = state.launchedWith(instance)
  const serves = instance.condition === 'Running' && service !== undefined && hasPorts(service)
  return serves ? state.settings.drainDelay : 0
}

/** The instance is not wanted any more: it is told to end, after `drain` ms, and then forgotten. */
export function decommission(state: State, instance: Instance, now: Millis, drain: Millis): void {
  if (!mayRun(instance) || isUnreachable(instance.condition)) {
    state.remove(instance)
    return
  }
  if (instance.goal !== 'Decommissioned') state.put({ ...instance, goal: 'Decommissioned' })
  orderKill(state, instance, now, drain)
}

/** Its tasks are told to end after `drain` ms; what comes then depends on its goal. */
export function orderKill(state: State, instance: Instance, now: Millis, drain: Millis): void {
  const known = state.kills.get(instance.id)
  if (known !== undefined && known.due <= now + drain) return
  state.kills.set(instance.id, { due: now + drain })
  state.deadlines.set(`kill:${instance.id}`, now + drain)
  state.touchInstance(instance)
}

/** Kills in flight at a time, and how long one waits for an answer (contract 13). */
const maxKillsInFlight = 100
const killRetry = 30_000

/** Sends what `orderKill` has asked for, when its time has come. */
export function sendKill(state: State, id: string, now: Millis): void {
  const instance = state.instances.get(id)
  const kill = state.kills.get(id)
  if (instance === undefined || kill === undefined) return
  if (!state.connected) return
  if (!state.killsSent.has(id) && state.killsSent.size >= maxKillsInFlight) {
    state.deadlines.set(`kill:${id}`, now + 500)
    return
  }
  state.killsSent.add(id)
  state.kills.set(id, { ...kill, sent: now })
  state.deadlines.set(`kill:${id}`, now + killRetry)
  const agentId = instance.placement?.agentId
  for (const task of instance.tasks)
    if (!isTerminal(task.condition))
      state.emit({ type: 'call', call: { kind: 'kill', taskId: task.id, ...(agentId !== undefined && { agentId }) } })
}

/** What the master says of a task (contract 13). Every update that wants it is acknowledged, after what it changed is stored. */
export function handleStatus(state: State, status: TaskStatus, now: Millis): void {
  const parsed = parseTaskId(status.task_id.value)
  const instance = parsed && state.instances.get(parsed.instance)
  const task = instance?.tasks.find(one => one.id === status.task_id.value)
  if (instance === undefined || task === undefined) handleStranger(state, status, now)
  else if (!isTerminal(task.condition)) updateTask(state, instance, task, status, now)
  if (status.uuid !== undefined && status.agent_id !== undefined)
    state.emit({ type: 'call', call: { kind: 'acknowledge', status } })
}

function handleStranger(state: State, status: TaskStatus, now: Millis): void {
  const condition = conditionOf(status)
  const parsed = parseTaskId(status.task_id.value)
  if (isTerminal(condition)) {
    state.event(now, 'unknown_instance_terminated_event', {
      instanceId: parsed?.instance ?? status.task_id.value,
      runSpecId: parsed?.service ?? '',
      condition,
    })
    return
  }
  if (condition === 'Unreachable') return
  const agentId = status.agent_id?.value
  state.emit({
    type: 'call',
    call: { kind: 'kill', taskId: status.task_id.value, ...(agentId !== undefined && { agentId }) },
  })
}

const timeOf = (status: TaskStatus, now: Millis): Millis =>
  status.timestamp === undefined ? now : Math.round(status.timestamp * 1000)

function updateTask(state: State, instance: Instance, task: InstanceTask, status: TaskStatus, now: Millis): void {
  state.awaiting.delete(instance.id)
  const condition = conditionOf(status)
  const { data: _data, ...kept } = status
  const startedAt = task.startedAt ?? (condition === 'Running' ? timeOf(status, now) : undefined)
  const merged: TaskStatus = {
    ...kept,
    ...(kept.container_status === undefined &&
      task.status?.container_status && { container_status: task.status.container_status }),
  }
  const updated: InstanceTask = { ...task, condition, status: merged, ...(startedAt !== undefined && { startedAt }) }
  const tasks = instance.tasks.map(one => (one === task ? updated : one))
  const whole = conditionAfter(instance, tasks)
  const next: Instance = {
    ...instance,
    tasks,
    condition: whole,
    since: whole === instance.condition ? instance.since : timeOf(status, now),
    ...(whole === 'Running' && instance.startedAt === undefined && { startedAt: timeOf(status, now) }),
  }
  if (condition !== task.condition) announceStatus(state, next, updated, now)
  if (next.condition !== instance.condition) announceInstance(state, next, now)
  if (tasks.every(one => isTerminal(one.condition))) {
    end(state, next, updated, now)
    return
  }
  state.put(next)
  noteAgentHealth(state, next, updated, status, now)
  if (condition !== task.condition || whole !== instance.condition) follow(state, instance, next, status, now)
}

function announceStatus(state: State, instance: Instance, task: InstanceTask, now: Millis): void {
  const { status } = task
  state.event(now, 'status_update_event', {
    slaveId: instance.placement?.agentId ?? status?.agent_id?.value ?? '',
    taskId: task.id,
    taskStatus: status?.state,
    message: status?.message ?? '',
    appId: instance.service,
    host: instance.placement?.hostname ?? '',
    ipAddresses: addressesOf(task),
    ports: task.hostPorts.filter(port => port !== null),
    version: instance.version,
  })
}

export function announceInstance(state: State, instance: Instance, now: Millis): void {
  state.event(now, 'instance_changed_event', {
    instanceId: instance.id,
    condition: instance.condition,
    runSpecId: instance.service,
    agentId: instance.placement?.agentId ?? null,
    host: instance.placement?.hostname ?? null,
    runSpecVersion: instance.version,
  })
}

export const addressesOf = (task: InstanceTask): { ipAddress: string; protocol: string }[] =>
  (task.status?.container_status?.network_infos ?? []).flatMap(network =>
    (network.ip_addresses ?? []).flatMap(address =>
      address.ip_address === undefined ? [] : [{ ipAddress: address.ip_address, protocol: address.protocol ?? 'IPv4' }],
    ),
  )

/** An instance comes forward: a delay of the service starts anew, and the instances that wait for its end wait on. */
export function restartDelay(state: State, service: Service, now: Millis): void {
  const { id } = service.spec
  if (state.backoff.moved(service, now) && state.pending.has(id)) state.wantsOffers.add(id)
}

/** What follows from a new condition of an instance that goes on. */
function follow(state: State, before: Instance, next: Instance, status: TaskStatus, now: Millis): void {
  const service = state.serviceOf(next)
  switch (next.condition) {
    case 'Running':
      state.deadlines.clear(`launch:${next.id}`)
      if (before.condition !== 'Running')
        state.launchTokens = Math.min(state.settings.launchTokens, state.launchTokens + 1)
      if (service !== undefined && service.lastConfigChangeAt === next.config) restartDelay(state, service, now)
      break
    case 'Staging':
    case 'Starting':
      if (before.condition === 'Provisioned' || !state.deadlines.has(`launch:${next.id}`))
        state.deadlines.set(`launch:${next.id}`, now + state.settings.taskLaunchTimeout)
      if (service !== undefined && service.lastConfigChangeAt === next.config) restartDelay(state, service, now)
      break
    case 'Unreachable':
    case 'UnreachableInactive':
      becomeUnreachable(state, before, next, status, now)
      return
    default:
  }
  if (next.goal !== 'Running' && !state.kills.has(next.id)) orderKill(state, next, now, 0)
}

/** What was told to end is not waited for: its place is free, and if it comes back it is a stranger (contract 13, kills). */
function becomeUnreachable(state: State, before: Instance, next: Instance, status: TaskStatus, now: Millis): void {
  if (next.goal !== 'Running' || state.kills.has(next.id)) {
    state.remove(next)
    return
  }
  const told = status.unreachable_time === undefined ? now : Math.round(status.unreachable_time.nanoseconds / 1e6)
  const known = isUnreachable(before.condition) ? before.unreachableSince : undefined
  state.put({ ...next, unreachableSince: known ?? told })
  reviewUnreachable(state, next.id, now)
}

/** Replaces, then forgets an instance whose agent stays away (contract 13). */
export function reviewUnreachable(state: State, id: string, now: Millis): void {
  const instance = state.instances.get(id)
  if (instance?.unreachableSince === undefined) return
  if (!isUnreachable(instance.condition)) return
  const service = state.serviceOf(instance)
  const strategy = service === undefined ? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 } : unreachableOf(service)
  if (strategy === 'disabled') return
  const inactiveAt = instance.unreachableSince + strategy.inactiveAfterSeconds * 1000
  const expungeAt = instance.unreachableSince + strategy.expungeAfterSeconds * 1000
  if (now >= expungeAt) {
    state.remove(instance)
    return
  }
  if (now >= inactiveAt && instance.condition === 'Unreachable') {
    const inactive: Instance = { ...instance, condition: 'UnreachableInactive', since: now }
    state.put(inactive)
    announceInstance(state, inactive, now)
  }
  state.deadlines.set(`unreachable:${id}`, now >= inactiveAt ? expungeAt : inactiveAt)
}

const failures = new Set<Condition>(['Failed', 'Error', 'Dropped', 'Gone', 'Unknown'])

/** No task of the instance runs any more: it waits to be launched again, or is forgotten. */
function end(state: State, instance: Instance, last: InstanceTask, now: Millis): void {
  const service = state.serviceOf(instance)
  const worst = instance.tasks.find(task => failures.has(task.condition)) ?? last
  const failed = failures.has(instance.condition)
  if (failed && service !== undefined && instance.goal === 'Running')
    rememberFailure(state, instance, worst, worst.status?.state ?? 'TASK_FAILED', worst.status?.message ?? '', now)
  if (service !== undefined && service.lastConfigChangeAt === instance.config) {
    if (worst.status?.reason === 'REASON_AGENT_DRAINING') state.backoff.reset(service)
    else if (instance.goal === 'Running' || !failed) state.backoff.ended(service, instance.condition, now)
  }
  if (instance.goal !== 'Running' || service === undefined) {
    state.remove(instance)
    return
  }
  state.forgetRun(instance.id)
  const {
    placement: _placement,
    stagedAt: _staged,
    startedAt: _started,
    unreachableSince: _unreachable,
    ...kept
  } = instance
  state.put({ ...kept, condition: 'Scheduled', since: now, tasks: [] })
}

export function rememberFailure(
  state: State,
  instance: Instance,
  task: InstanceTask,
  taskState: string,
  message: string,
  now: Millis,
): void {
  const slaveId = instance.placement?.agentId
  const failure = {
    appId: instance.service,
    taskId: task.id,
    state: taskState,
    message: message.slice(0, 2000),
    host: instance.placement?.hostname ?? '',
    ...(slaveId !== undefined && { slaveId }),
    timestamp: new Date(now).toISOString(),
    version: instance.version,
  }
  state.failures.set(instance.service, failure)
  state.write(failureRecord(instance.service, failure))
  state.touchService(instance.service)
}

/** The results of checks that the agent runs come with status updates. */
function noteAgentHealth(state: State, instance: Instance, task: InstanceTask, status: TaskStatus, now: Millis): void {
  if (status.healthy === undefined) return
  const service = state.launchedWith(instance)
  if (service === undefined) return
  let index = agentCheckIndex(service)
  if (service.kind === 'pod')
    index = service.spec.containers
      .filter(one => one.healthCheck !== undefined)
      .findIndex(one => one.name === task.container)
  if (index < 0) return
  const known = state.health.get(instance.id)?.[index]
  if (known?.alive === status.healthy && status.reason === 'REASON_RECONCILIATION') return
  noteHealth(
    state,
    instance,
    index,
    { index, alive: status.healthy, ...(status.message !== undefined && { cause: status.message }) },
    now,
    false,
  )
}

/** Keeps the result of a check and tells when the instance's health has changed by it. */
export function noteHealth(
  state: State,
  instance: Instance,
  index: number,
  result: { index: number; alive: boolean; cause?: string },
  now: Millis,
  inGrace: boolean,
): void {
  const records = [...(state.health.get(instance.id) ?? [])]
  const known = records[index]
  const whole = state.healthyOf(instance)
  records[index] = withResult(known, result, now, inGrace)
  state.health.set(instance.id, records)
  state.touchInstance(instance)
  state.reviews.add(instance.service)
  if (known?.alive !== result.alive)
    state.event(now, 'health_status_changed_event', {
      appId: instance.service,
      instanceId: instance.id,
      version: instance.version,
      alive: result.alive,
    })
  const healthy = state.healthyOf(instance)
  if (healthy !== whole)
    state.event(now, 'instance_health_changed_event', {
      instanceId: instance.id,
      runSpecId: instance.service,
      runSpecVersion: instance.version,
      healthy,
    })
}
