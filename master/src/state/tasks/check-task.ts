import { excerpt } from '@meseta/common/protocol/excerpt'
import { checkId } from '@meseta/common/protocol/ids'
import type {
  CheckInfo,
  CommandInfo,
  ContainerInfo,
  ExecutorInfo,
  HealthCheck,
  Resource,
  TaskInfo,
} from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { formatResources } from '@meseta/common/resources/text'
import { validateResources } from '@meseta/common/resources/validate'
import { canonical } from '../canonical.ts'
import type { Cluster } from '../cluster.ts'
import type { Place } from '../offers/accept.ts'

type Check = (cluster: Cluster, place: Place, task: TaskInfo) => string | undefined

/** In the contract's order (2.4); the first refusal is the one told. */
const checks: readonly Check[] = [
  (_cluster, _place, task) => checkTaskId(task),
  checkUnique,
  checkAgent,
  (_cluster, _place, task) => checkTimes(task),
  (_cluster, _place, task) => checkCheck(task.check),
  (_cluster, _place, task) => checkHealthCheck(task.health_check),
  (_cluster, _place, task) => checkTaskResources(task),
  (_cluster, _place, task) => checkCommand(task.command, 'command'),
  (_cluster, _place, task) => checkContainer(task.container, 'container'),
  (_cluster, _place, task) => checkLimits(task),
]

/** Why a task of a LAUNCH is refused, naming the field, or undefined; what it needs is compared apart (`checkFits`). */
export function checkTask(cluster: Cluster, place: Place, task: TaskInfo): string | undefined {
  return checkTaskItself(cluster, place, task) ?? checkSharedCgroups(task) ?? checkRunner(place, task)
}

/** The checks that tasks of a group share with others. */
export function checkTaskItself(cluster: Cluster, place: Place, task: TaskInfo): string | undefined {
  for (const check of checks) {
    const refusal = check(cluster, place, task)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** Why what is needed is not in `remaining`, which the offers still hold. What is offered of a shared volume is enough for any number of tasks. */
export function checkFits(needed: Resources, remaining: Resources): string | undefined {
  if (remaining.contains(needed.nonShared()) && remaining.contains(needed.sharedOnce())) return undefined
  return `Total resources ${formatResources(needed)} required by task and its executor is more than available ${formatResources(remaining)}`
}

function checkTaskId(task: TaskInfo): string | undefined {
  const reason = checkId(task.task_id.value)
  return reason && `task_id.value: ${reason}`
}

function checkUnique(cluster: Cluster, { framework }: Place, task: TaskInfo): string | undefined {
  const id = task.task_id.value
  if (cluster.tasks.get(framework.id, id)) return `task_id.value: Task has duplicate ID: '${id}' is an active task`
  if (cluster.tasks.unreachable(framework.id, id))
    return `task_id.value: Task has duplicate ID: '${id}' is an unreachable task`
  return undefined
}

function checkAgent(_cluster: Cluster, { agent }: Place, task: TaskInfo): string | undefined {
  const named = task.agent_id.value
  return named === agent.id ? undefined : `agent_id.value: '${excerpt(named)}' is not the offer's agent ${agent.id}`
}

function checkTimes(task: TaskInfo): string | undefined {
  if ((task.kill_policy?.grace_period?.nanoseconds ?? 0) < 0) return 'kill_policy.grace_period: must not be negative'
  if ((task.max_completion_time?.nanoseconds ?? 0) < 0) return 'max_completion_time: must not be negative'
  return undefined
}

/** The longest time of a check, in seconds: what 64 bits of nanoseconds hold. */
const longestTime = 9_223_372_036

function checkSeconds(path: string, value: number | undefined): string | undefined {
  if (value === undefined || (value >= 0 && value <= longestTime)) return undefined
  return `${path}: must be a number of seconds from 0 to ${longestTime}`
}

function checkCheck(check: CheckInfo | undefined): string | undefined {
  if (!check) return undefined
  const wanted = { COMMAND: check.command, HTTP: check.http, TCP: check.tcp }[check.type as 'COMMAND' | 'HTTP' | 'TCP']
  if (check.type === undefined || check.type === 'UNKNOWN') return 'check.type: must be COMMAND, HTTP or TCP'
  if (!wanted) return `check.${check.type.toLowerCase()}: must be given for a check of type ${check.type}`
  return (
    (check.command ? checkCommand(check.command.command, 'check.command.command') : undefined) ??
    checkPath('check.http.path', check.http?.path) ??
    checkSeconds('check.delay_seconds', check.delay_seconds) ??
    checkSeconds('check.interval_seconds', check.interval_seconds) ??
    checkSeconds('check.timeout_seconds', check.timeout_seconds)
  )
}

/** A missing type is inferred from what is given (Mesos contract 2.5). */
export function checkHealthCheck(check: HealthCheck | undefined): string | undefined {
  if (!check) return undefined
  const type = check.type ?? (check.command ? 'COMMAND' : check.http ? 'HTTP' : check.tcp ? 'TCP' : undefined)
  const wanted = { COMMAND: check.command, HTTP: check.http, TCP: check.tcp }[type as 'COMMAND' | 'HTTP' | 'TCP']
  if (type === undefined || type === 'UNKNOWN') return 'health_check.type: must be COMMAND, HTTP or TCP'
  if (!wanted) return `health_check.${type.toLowerCase()}: must be given for a health check of type ${type}`
  if (check.http?.scheme !== undefined && !['http', 'https'].includes(check.http.scheme))
    return "health_check.http.scheme: must be 'http' or 'https'"
  return (
    (check.command ? checkCommand(check.command, 'health_check.command') : undefined) ??
    checkPath('health_check.http.path', check.http?.path) ??
    checkSeconds('health_check.delay_seconds', check.delay_seconds) ??
    checkSeconds('health_check.interval_seconds', check.interval_seconds) ??
    checkSeconds('health_check.timeout_seconds', check.timeout_seconds) ??
    checkSeconds('health_check.grace_period_seconds', check.grace_period_seconds)
  )
}

function checkPath(field: string, path: string | undefined): string | undefined {
  return path === undefined || path === '' || path.startsWith('/') ? undefined : `${field}: must start with '/'`
}

function checkTaskResources(task: TaskInfo): string | undefined {
  const resources = task.resources ?? []
  if (resources.length === 0) return 'resources: Task uses no resources'
  const parsed = checkResources(resources, 'resources')
  if (parsed !== undefined) return parsed
  if (resources.every(isZero)) return 'resources: Task uses no resources: all amounts are 0'
  const all = [...resources, ...(task.executor?.resources ?? [])]
  return checkPersistence(all) ?? checkOneRole(all) ?? checkRevocable(all)
}

const isZero = ({ scalar, ranges, set }: Resource): boolean =>
  scalar ? scalar.value === 0 : !ranges?.range?.length && !set?.item?.length

/** Why a list of resources is not valid, naming the element. A scalar of exactly 0 is valid and counts as absent. */
export function checkResources(resources: readonly Resource[], path: string): string | undefined {
  const reason = validateResources(resources)
  if (reason !== undefined) return `${path}: ${reason}`
  for (const [index, resource] of resources.entries()) {
    if (resource.name === 'gpus' && !Number.isInteger(resource.scalar?.value ?? 0))
      return `${path}[${index}]: gpus must be a whole number`
  }
  return undefined
}

function checkPersistence(resources: readonly Resource[]): string | undefined {
  const ids = resources.filter(resource => !resource.shared).flatMap(resource => resource.disk?.persistence?.id ?? [])
  return new Set(ids).size === ids.length ? undefined : 'resources: a persistence id appears twice'
}

function checkOneRole(resources: readonly Resource[]): string | undefined {
  const roles = new Set(resources.map(resource => resource.allocation_info?.role))
  return roles.size <= 1 ? undefined : 'resources: they are allocated to more than one role'
}

function checkRevocable(resources: readonly Resource[]): string | undefined {
  const firm = new Set(resources.filter(resource => !resource.revocable).map(resource => resource.name))
  const mixed = resources.find(resource => resource.revocable && firm.has(resource.name))
  return mixed && `resources: '${mixed.name}' is given both revocable and not`
}

export function checkCommand(command: CommandInfo | undefined, path: string): string | undefined {
  if (!command) return undefined
  for (const [index, variable] of (command.environment?.variables ?? []).entries()) {
    const at = `${path}.environment.variables[${index}]`
    const type = variable.type ?? 'VALUE'
    if (variable.name === '') return `${at}.name: must not be empty`
    if (type === 'SECRET' && (!variable.secret || variable.value !== undefined))
      return `${at}: a variable of type SECRET has a secret and no value`
    if (type === 'VALUE' && (variable.value === undefined || variable.secret))
      return `${at}: a variable of type VALUE has a value and no secret`
    if (type === 'UNKNOWN') return `${at}.type: must be VALUE or SECRET`
  }
  return undefined
}

export function checkContainer(container: ContainerInfo | undefined, path: string): string | undefined {
  if (!container) return undefined
  if (container.type === 'DOCKER' && !container.docker)
    return `${path}.docker: must be given for a container of type DOCKER`
  if (container.type === 'DOCKER' && container.mesos)
    return `${path}.mesos: does not belong to a container of type DOCKER`
  if (container.type === 'MESOS' && container.docker)
    return `${path}.docker: does not belong to a container of type MESOS`
  for (const [index, volume] of (container.volumes ?? []).entries()) {
    const at = `${path}.volumes[${index}]`
    if (volume.container_path === '') return `${at}.container_path: must not be empty`
    if (volume.source && volume.host_path !== undefined) return `${at}: has both host_path and source`
  }
  return undefined
}

function checkLimits(task: TaskInfo): string | undefined {
  for (const [name, limit] of Object.entries(task.limits ?? {})) {
    const path = `limits[${excerpt(name)}]`
    if (name !== 'cpus' && name !== 'mem') return `${path}: only cpus and mem can have limits`
    const request = (task.resources ?? [])
      .filter(resource => resource.name === name)
      .reduce((sum, resource) => sum + (resource.scalar?.value ?? 0), 0)
    if (request === 0) return `${path}: has no ${name} among the task's resources`
    if (!(limit.value >= request)) return `${path}: ${limit.value} is less than the ${request} requested`
  }
  return undefined
}

function checkSharedCgroups(task: TaskInfo): string | undefined {
  for (const [path, container] of [
    ['container', task.container],
    ['executor.container', task.executor?.container],
  ] as const) {
    if (container?.linux_info?.share_cgroups === false)
      return `${path}.linux_info.share_cgroups: false is only allowed in task groups`
  }
  return undefined
}

/** Exactly one of command and executor, and what is asked of such an executor. */
function checkRunner(place: Place, task: TaskInfo): string | undefined {
  if ((task.command === undefined) === (task.executor === undefined))
    return 'Task should have exactly one of command and executor'
  if (!task.executor) return undefined
  if (task.executor.type !== undefined && task.executor.type !== 'CUSTOM' && task.executor.type !== 'UNKNOWN')
    return 'executor.type: must be CUSTOM or absent in a LAUNCH'
  if (!task.executor.command) return 'executor.command: must be given'
  return checkExecutor(place, task.executor)
}

/** What any executor must hold to, and be the same as one of its id that runs. */
export function checkExecutor({ framework, agent }: Place, executor: ExecutorInfo): string | undefined {
  const reason = checkId(executor.executor_id.value)
  if (reason) return `executor.executor_id.value: ${reason}`
  if (executor.framework_id && executor.framework_id.value !== framework.id)
    return 'executor.framework_id: is not the framework that launches it'
  if ((executor.shutdown_grace_period?.nanoseconds ?? 0) < 0)
    return 'executor.shutdown_grace_period: must not be negative'
  const refusal =
    checkResources(executor.resources ?? [], 'executor.resources') ??
    checkCommand(executor.command, 'executor.command') ??
    checkContainer(executor.container, 'executor.container')
  if (refusal !== undefined) return refusal
  if (executor.resources?.some(resource => resource.shared)) return 'executor.resources: must not be shared'
  const running = agent.executors.get(framework.id)?.get(executor.executor_id.value)
  if (running && !sameExecutor(running, executor))
    return `executor: differs from the one with the id '${executor.executor_id.value}' that runs on the agent`
  return undefined
}

function sameExecutor(running: ExecutorInfo, asked: ExecutorInfo): boolean {
  const { framework_id: _1, resources: a, ...left } = running
  const { framework_id: _2, resources: b, ...right } = asked
  return Resources.from(a ?? []).equals(Resources.from(b ?? [])) && canonical(left) === canonical(right)
}
