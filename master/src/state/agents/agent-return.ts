import type { Reregister, Resource, Task, TaskReconciliation } from '@meseta/common/protocol/mesos'
import { holdsResources } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import type { Cluster } from '../cluster.ts'
import { recoverFramework } from '../frameworks/frameworks.ts'
import type { Agent } from '../records.ts'
import { masterStatus } from '../statuses.ts'
import { killMessage } from '../tasks/kill.ts'
import { addExecutor, removeExecutor, roleOf } from '../tasks/launch.ts'
import { addTask } from '../tasks/task-changes.ts'
import type { TaskRecord } from '../tasks/tasks.ts'

/** Takes over what an agent runs that this master does not know, or has given up (Mesos contract 7.7, 7.9). */
export function adopt(cluster: Cluster, agent: Agent, message: Reregister): void {
  for (const info of message.frameworks ?? []) recoverFramework(cluster, agent, info)
  for (const { framework_id: id, executor_info: info } of message.executors ?? []) {
    if (!cluster.frameworks.has(id.value) || agent.executors.get(id.value)?.has(info.executor_id.value)) continue
    addExecutor(cluster, agent, id.value, info)
    occupy(cluster, agent, id.value, info.resources ?? [])
  }
  const ended = new Set<string>()
  for (const task of message.tasks ?? []) {
    const frameworkId = task.framework_id.value
    if (cluster.completed.has(frameworkId)) ended.add(frameworkId)
    else if (cluster.frameworks.has(frameworkId)) adoptTask(cluster, agent, task)
    else cluster.note({ code: 'TASK_WITHOUT_FRAMEWORK', agentId: agent.id, frameworkId, taskId: task.task_id.value })
  }
  for (const info of message.frameworks ?? [])
    if (info.id && cluster.completed.has(info.id.value)) ended.add(info.id.value)
  for (const value of ended) cluster.send(agent, { shutdown_framework: { framework_id: { value } } })
}

function adoptTask(cluster: Cluster, agent: Agent, task: Task): void {
  const frameworkId = task.framework_id.value
  const taskId = task.task_id.value
  const known = cluster.tasks.get(frameworkId, taskId)
  if (known) {
    if (known.agentId !== agent.id) endDuplicate(cluster, agent, known)
    return
  }
  const wasUnreachable = cluster.tasks.unreachable(frameworkId, taskId) !== undefined
  if (wasUnreachable) {
    cluster.tasks.forgetUnreachable(frameworkId, taskId)
    cluster.change({ type: 'TASK_FORGOTTEN', frameworkId, taskId })
  }
  const role = roleOf(task.resources ?? [])
  const resources = allocatedTo(role, task.resources ?? [])
  addTask(cluster, { ...task, agent_id: { value: agent.id }, resources: resources.toArray() }, role)
  if (holdsResources(task.state)) cluster.allocator.occupy(frameworkId, agent.id, role, resources)
  if (!wasUnreachable) return
  const framework = cluster.frameworks.get(frameworkId)!
  const status = masterStatus(cluster, framework, {
    taskId,
    agentId: agent.id,
    executorId: task.executor_id?.value,
    // As for reconciliation: a state ahead of updates on their way would be taken back by them.
    state: task.status_update_state ?? task.state,
    reason: 'REASON_AGENT_REREGISTERED',
    message: 'Agent re-registered',
  })
  cluster.tellUpdate(framework, status)
}

/** The id was used again while its agent was out of sight: the younger task keeps it, and the older one ends. */
function endDuplicate(cluster: Cluster, agent: Agent, { id, frameworkId }: TaskRecord): void {
  cluster.note({ code: 'TASK_BEGUN_ELSEWHERE', agentId: agent.id, frameworkId, taskId: id })
  cluster.send(agent, killMessage({ id, frameworkId }, undefined))
}

function occupy(cluster: Cluster, agent: Agent, frameworkId: string, resources: Resource[]): void {
  const role = roleOf(resources)
  cluster.allocator.occupy(frameworkId, agent.id, role, allocatedTo(role, resources))
}

const allocatedTo = (role: string, resources: readonly Resource[]): Resources =>
  Resources.from(resources).allocateTo(role)

/**
 * A registered agent re-registers: what it has and we do not know is taken over, executors it no longer has are taken off,
 * and tasks it does not name are given back to it to answer for. Answers those.
 */
export function reconcileReturn(cluster: Cluster, agent: Agent, message: Reregister): TaskReconciliation[] {
  adopt(cluster, agent, message)
  const executors = new Set(
    message.executors?.map(({ framework_id, executor_info }) =>
      key(framework_id.value, executor_info.executor_id.value),
    ),
  )
  for (const [frameworkId, ofFramework] of [...agent.executors]) {
    for (const executorId of [...ofFramework.keys()])
      if (!executors.has(key(frameworkId, executorId))) removeExecutor(cluster, agent, frameworkId, executorId)
  }
  const reported = new Set(message.tasks?.map(task => key(task.framework_id.value, task.task_id.value)))
  const missing: TaskReconciliation[] = []
  for (const task of cluster.tasks.ofAgent(agent.id)) {
    if (!reported.has(key(task.frameworkId, task.id)))
      missing.push({ framework_id: { value: task.frameworkId }, task_id: { value: task.id } })
  }
  return missing
}

/** Neither id may hold a slash. */
const key = (frameworkId: string, id: string): string => `${frameworkId}/${id}`

/** Kills that the agent was away for. */
export function resendKills(cluster: Cluster, agent: Agent): void {
  for (const task of cluster.tasks.ofAgent(agent.id)) {
    if (task.killGrace) cluster.send(agent, killMessage(task, task.killGrace.nanoseconds))
  }
}
