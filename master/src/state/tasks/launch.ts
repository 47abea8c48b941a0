import type { ExecutorInfo, Task, TaskInfo, TaskStatusReason } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { runRefusal } from '../../security/tasks.ts'
import type { Cluster } from '../cluster.ts'
import type { Place } from '../offers/accept.ts'
import type { Agent } from '../records.ts'
import { masterStatus } from '../statuses.ts'
import { checkGroup } from './check-group.ts'
import { checkFits, checkTask } from './check-task.ts'
import { addTask } from './task-changes.ts'

/** LAUNCH: each task on its own; those that are refused get TASK_ERROR. Answers what is left. */
export function launch(cluster: Cluster, place: Place, tasks: readonly TaskInfo[], offered: Resources): Resources {
  let remaining = offered
  for (const asked of tasks) {
    const task = allocated(asked, place.role)
    const denied = runRefusal(cluster.config.authorizer, place.framework.info, task)
    if (denied !== undefined) {
      refuse(cluster, place, task, 'REASON_TASK_UNAUTHORIZED', denied)
      continue
    }
    const invalid = checkTask(cluster, place, task)
    if (invalid !== undefined) {
      refuse(cluster, place, task, 'REASON_TASK_INVALID', invalid)
      continue
    }
    const needed = needs(place, task)
    const tooMuch = checkFits(needed, remaining)
    if (tooMuch !== undefined) {
      refuse(cluster, place, task, 'REASON_TASK_INVALID', tooMuch)
      continue
    }
    remaining = take(cluster, place, remaining, needed)
    const { executor } = task
    if (executor) startExecutor(cluster, place, executor)
    record(cluster, place, task, executor?.executor_id.value)
    cluster.send(place.agent, { run_task: { framework_info: place.framework.info, task } })
  }
  return remaining
}

/** LAUNCH_GROUP: all tasks or none. */
export function launchGroup(
  cluster: Cluster,
  place: Place,
  askedExecutor: ExecutorInfo,
  askedTasks: readonly TaskInfo[],
  offered: Resources,
): Resources {
  const executor = allocatedExecutor(askedExecutor, place)
  const tasks = askedTasks.map(task => allocated(task, place.role))
  const denied = groupRefusal(cluster, place, executor, tasks)
  if (denied !== undefined) {
    for (const task of tasks) refuse(cluster, place, task, 'REASON_TASK_GROUP_UNAUTHORIZED', denied)
    return offered
  }
  const refusal = checkGroup(cluster, place, executor, tasks, offered)
  if (refusal !== undefined) {
    for (const task of tasks) refuse(cluster, place, task, 'REASON_TASK_GROUP_INVALID', refusal)
    return offered
  }
  let remaining = offered
  if (!runs(place, executor.executor_id.value)) remaining = remaining.minus(Resources.from(executor.resources ?? []))
  startExecutor(cluster, place, executor)
  for (const task of tasks) {
    remaining = take(cluster, place, remaining, Resources.from(task.resources ?? []))
    record(cluster, place, task, executor.executor_id.value)
  }
  cluster.send(place.agent, {
    run_task_group: { framework_info: place.framework.info, executor, task_group: { tasks: [...tasks] } },
  })
  return remaining
}

function groupRefusal(
  { config }: Cluster,
  { framework }: Place,
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
): string | undefined {
  for (const task of tasks) {
    const denied = runRefusal(config.authorizer, framework.info, task, executor)
    if (denied !== undefined) return denied
  }
  return undefined
}

/** Takes what a task needs. Of a shared volume it has one for itself, and what was offered of it is left for others (Mesos contract 6.5). */
function take(cluster: Cluster, { framework, agent, role }: Place, remaining: Resources, needed: Resources): Resources {
  const shared = needed.shared()
  if (shared.isEmpty) return remaining.minus(needed)
  cluster.allocator.occupy(framework.id, agent.id, role, shared)
  return remaining.minus(needed.nonShared())
}

export const runs = ({ agent, framework }: Place, executorId: string): boolean =>
  agent.executors.get(framework.id)?.has(executorId) ?? false

/** What a task takes: its own resources, and its executor's unless that runs already. */
export function needs(place: Place, task: TaskInfo): Resources {
  const own = Resources.from(task.resources ?? [])
  const { executor } = task
  if (!executor || runs(place, executor.executor_id.value)) return own
  return own.plus(Resources.from(executor.resources ?? []))
}

/** The task with the allocation that its framework may have left out, in it and in its executor. */
function allocated(task: TaskInfo, role: string): TaskInfo {
  const result: TaskInfo = { ...task, resources: withRole(task.resources ?? [], role) }
  if (task.executor?.resources)
    result.executor = { ...task.executor, resources: withRole(task.executor.resources, role) }
  return result
}

function allocatedExecutor(executor: ExecutorInfo, { framework, role }: Place): ExecutorInfo {
  return {
    ...executor,
    framework_id: executor.framework_id ?? { value: framework.id },
    resources: withRole(executor.resources ?? [], role),
  }
}

const withRole = (resources: NonNullable<TaskInfo['resources']>, role: string): NonNullable<TaskInfo['resources']> =>
  resources.map(resource => (resource.allocation_info ? resource : { ...resource, allocation_info: { role } }))

function startExecutor(cluster: Cluster, { agent, framework }: Place, info: ExecutorInfo): void {
  addExecutor(cluster, agent, framework.id, { ...info, framework_id: { value: framework.id } })
}

/** Notes an executor of a framework on an agent, if it is new there. */
export function addExecutor(cluster: Cluster, agent: Agent, frameworkId: string, info: ExecutorInfo): void {
  let executors = agent.executors.get(frameworkId)
  if (!executors) {
    executors = new Map()
    agent.executors.set(frameworkId, executors)
    cluster.frameworks.get(frameworkId)?.hosts.add(agent)
  }
  if (executors.has(info.executor_id.value)) return
  executors.set(info.executor_id.value, info)
  cluster.change({ type: 'EXECUTOR', agentId: agent.id, frameworkId, info })
}

/** Takes an executor off the books and gives back what it held. */
export function removeExecutor(cluster: Cluster, agent: Agent, frameworkId: string, executorId: string): boolean {
  const executors = agent.executors.get(frameworkId)
  const info = executors?.get(executorId)
  if (!executors || !info) return false
  executors.delete(executorId)
  if (executors.size === 0) {
    agent.executors.delete(frameworkId)
    cluster.frameworks.get(frameworkId)?.hosts.delete(agent)
  }
  const resources = Resources.from(info.resources ?? [])
  if (!resources.isEmpty) {
    cluster.allocator.recover(frameworkId, agent.id, roleOf(info.resources ?? []), resources)
  }
  cluster.change({ type: 'EXECUTOR_REMOVED', agentId: agent.id, frameworkId, executorId })
  return true
}

/** The role that resources are allocated to. */
export const roleOf = (resources: NonNullable<TaskInfo['resources']>): string =>
  resources.find(resource => resource.allocation_info)?.allocation_info?.role ?? '*'

function record(cluster: Cluster, place: Place, info: TaskInfo, executorId: string | undefined): void {
  const { framework, role } = place
  const task: Task = {
    name: info.name,
    task_id: info.task_id,
    framework_id: { value: framework.id },
    agent_id: info.agent_id,
    state: 'TASK_STAGING',
    resources: info.resources ?? [],
  }
  if (executorId !== undefined) task.executor_id = { value: executorId }
  const user = info.command?.user ?? info.executor?.command?.user ?? framework.info.user
  if (user !== undefined) task.user = user
  for (const field of ['labels', 'discovery', 'container', 'health_check', 'kill_policy', 'limits'] as const) {
    if (info[field] !== undefined) Object.assign(task, { [field]: info[field] })
  }
  addTask(cluster, task, role, { at: cluster.now.wall, code: 'LAUNCHED', offers: place.offers })
}

function refuse(cluster: Cluster, place: Place, task: TaskInfo, reason: TaskStatusReason, message: string): void {
  const status = masterStatus(cluster, place.framework, {
    taskId: task.task_id.value,
    agentId: task.agent_id.value,
    state: 'TASK_ERROR',
    reason,
    message,
  })
  cluster.tally.ended(place.framework.id, 'TASK_ERROR', status)
  cluster.tellUpdate(place.framework, status)
}
