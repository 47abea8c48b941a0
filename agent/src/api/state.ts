import { toJson } from '@meseta/common/protocol/codec'
import type { ExecutorInfo, Task } from '@meseta/common/protocol/mesos'
import { legacyAttributes, legacyReservations, legacyResources } from '@meseta/common/resources/legacy'
import { Resources } from '@meseta/common/resources/resources'
import { type Core, hasCapability } from '../core/core.ts'
import type { ExecutorEntry, FrameworkEntry, TaskEntry } from '../core/model.ts'
import { toTask } from '../core/reports.ts'
import { versionInfo } from './version.ts'

/** What `/state` says beside the heart's own state. */
export interface StateFacts {
  readonly startedAt: number
  readonly flags: Readonly<Record<string, string>>
  readonly masterHostname: string | undefined
  readonly logFile: string | undefined
}

/** The body of `/state` (agent contract, section 1). */
export function stateBody(core: Core, facts: StateFacts): Record<string, unknown> {
  const { config } = core
  const { total } = core
  const used = usedResources(core)
  return {
    ...versionInfo(facts.startedAt),
    start_time: facts.startedAt / 1000,
    id: core.id,
    pid: `slave(1)@${config.endpoint}`,
    hostname: config.hostname,
    capabilities: config.capabilities.map(capability => capability.type),
    resources: legacyResources(total),
    reserved_resources: legacyReservations(total),
    unreserved_resources: legacyResources(total.unreserved()),
    reserved_resources_full: Object.fromEntries([...total.reservations()].map(([role, of]) => [role, of.toArray()])),
    unreserved_resources_full: total.unreserved().toArray(),
    reserved_resources_allocated: legacyReservations(used),
    unreserved_resources_allocated: legacyResources(used.unreserved()),
    resource_providers: [],
    attributes: legacyAttributes(config.attributes),
    ...drainBody(core),
    ...(facts.masterHostname === undefined ? {} : { master_hostname: facts.masterHostname }),
    ...(facts.logFile === undefined ? {} : { external_log_file: facts.logFile }),
    flags: facts.flags,
    frameworks: [...core.frameworks.values()].map(framework => frameworkBody(core, framework)),
    completed_frameworks: core.completedFrameworks.map(framework => frameworkBody(core, framework)),
  }
}

function drainBody({ drain }: Core): Record<string, unknown> {
  if (!drain) return {}
  return {
    drain_config: toJson('mesos.v1.DrainConfig', drain.config),
    estimated_drain_start_time_seconds: drain.startedAt / 1000,
  }
}

/** What running tasks and executors hold. */
export function usedResources(core: Core): Resources {
  let used = Resources.empty
  for (const executor of core.executors.values()) used = used.plus(heldBy(executor))
  return used
}

/** What an executor and its tasks that have not ended hold. */
export function heldBy(executor: ExecutorEntry): Resources {
  let held = Resources.from(executor.info.resources ?? [])
  for (const task of executor.tasks.values())
    if (task.phase !== 'ended') held = held.plus(Resources.from(task.info.resources ?? []).unallocated())
  return held
}

function frameworkBody(core: Core, { info, id, executors, completed }: FrameworkEntry): Record<string, unknown> {
  const { name, user, failover_timeout = 0, checkpoint = false, hostname = '', principal, role = '*', roles } = info
  const isMultiRole = hasCapability({ info }, 'MULTI_ROLE')
  return {
    id,
    name,
    user,
    failover_timeout,
    checkpoint,
    hostname,
    ...(principal === undefined ? {} : { principal }),
    ...(isMultiRole ? { roles: roles ?? [] } : { role }),
    executors: [...executors.values()].map(executor => executorBody(core, executor)),
    completed_executors: completed.map(executor => executorBody(core, executor)),
  }
}

function executorBody(core: Core, executor: ExecutorEntry): Record<string, unknown> {
  const { info, id, container, directory, tasks, completed, kind } = executor
  const all = [...tasks.values()]
  const of = (wanted: (task: TaskEntry) => boolean) => all.filter(wanted).map(task => taskBody(toTask(core, task)))
  return {
    id,
    name: info.name ?? '',
    source: info.source ?? '',
    container: container.value,
    directory,
    resources: legacyResources(heldBy(executor)),
    ...(info.labels === undefined ? {} : { labels: info.labels.labels ?? [] }),
    ...typeOf(info, kind),
    tasks: of(task => task.phase === 'running' || task.phase === 'reaping'),
    queued_tasks: of(task => task.phase === 'launching'),
    completed_tasks: [...of(task => task.phase === 'ended'), ...completed.map(task => taskBody(toTask(core, task)))],
  }
}

function typeOf(info: ExecutorInfo, kind: ExecutorEntry['kind']): { type?: string } {
  return kind === 'command' ? {} : { type: info.type ?? 'CUSTOM' }
}

/** A task in the shape of the older endpoints: labels as an array, ids as text. */
function taskBody(task: Task): Record<string, unknown> {
  const full = toJson('mesos.v1.Task', task)
  const resources = Resources.from(task.resources ?? [])
  return {
    id: task.task_id.value,
    name: task.name,
    framework_id: task.framework_id.value,
    executor_id: task.executor_id?.value ?? '',
    slave_id: task.agent_id.value,
    state: task.state,
    resources: legacyResources(resources.unallocated()),
    role: task.resources?.find(resource => resource.allocation_info)?.allocation_info?.role ?? '*',
    statuses: (full.statuses ?? []).map(({ state, timestamp, labels, container_status, healthy }) => ({
      state,
      timestamp,
      ...(labels === undefined ? {} : { labels: labels.labels ?? [] }),
      ...(container_status === undefined ? {} : { container_status }),
      ...(healthy === undefined ? {} : { healthy }),
    })),
    ...(task.labels === undefined ? {} : { labels: task.labels.labels ?? [] }),
    ...(full.discovery === undefined ? {} : { discovery: full.discovery }),
    ...(full.container === undefined ? {} : { container: full.container }),
    ...(full.health_check === undefined ? {} : { health_check: full.health_check }),
    ...(task.user === undefined ? {} : { user: task.user }),
    ...(task.limits === undefined
      ? {}
      : { limits: Object.fromEntries(Object.entries(task.limits).map(([name, { value }]) => [name, value])) }),
  }
}
