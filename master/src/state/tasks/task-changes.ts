import { isUuid } from '@meseta/common/protocol/ids'
import type { Task, TaskState, TaskStatus, TaskStatusReason, TaskStatusSource } from '@meseta/common/protocol/mesos'
import { holdsResources, isTerminal } from '@meseta/common/protocol/task-state'
import type { TaskStep } from '../changes.ts'
import type { Cluster } from '../cluster.ts'
import type { Forwarded, TaskRecord } from './tasks.ts'

/** Adds a task to the state and shows it, with how it was launched. Its resources say their allocation, and have been booked. */
export function addTask(cluster: Cluster, task: Task, role: string, step?: TaskStep): TaskRecord {
  const { status_update_state: state, status_update_uuid: uuid } = task
  const record = cluster.tasks.add({
    id: task.task_id.value,
    frameworkId: task.framework_id.value,
    agentId: task.agent_id.value,
    executorId: task.executor_id?.value ?? '',
    role,
    resources: task.resources ?? [],
    state: task.state,
    status: task.statuses?.at(-1),
    forwarded: state !== undefined && uuid !== undefined && isUuid(uuid) ? { state, uuid } : undefined,
  })
  cluster.showTask(task, step)
  return record
}

/**
 * A newer status of a task. Once terminal its state stays; entering a state that holds nothing gives its resources back at
 * once, before any acknowledgement (Mesos contract 2.6).
 */
export function updateTask(
  cluster: Cluster,
  task: TaskRecord,
  latest: TaskState,
  status: TaskStatus,
  forwarded?: Forwarded,
): void {
  if (forwarded) task.forwarded = forwarded
  const before = task.state
  if (!isTerminal(before)) {
    task.state = latest
    if (holdsResources(before) && !holdsResources(latest)) release(cluster, task)
    if (isTerminal(latest)) cluster.tally.ended(task.frameworkId, latest, status)
  }
  const { data: _, ...rest } = status
  task.condition = rest
  cluster.change({
    type: 'TASK_STATUS',
    frameworkId: task.frameworkId,
    taskId: task.id,
    state: task.state,
    status: rest,
    forwarded,
  })
}

/** Gives what a task holds back to its agent. */
export function release(cluster: Cluster, task: TaskRecord): void {
  cluster.allocator.recover(task.frameworkId, task.agentId, task.role, task.resources)
}

interface Ending {
  readonly state: TaskState
  readonly source: TaskStatusSource
  readonly reason: TaskStatusReason
  readonly message: string
}

/** A task leaves the state for the history of completed ones; with `ending`, it ends now in that state. */
export function endTask(cluster: Cluster, task: TaskRecord, ending?: Ending): void {
  if (ending) {
    const status: TaskStatus = {
      task_id: { value: task.id },
      agent_id: { value: task.agentId },
      timestamp: cluster.now.wall / 1000,
      ...ending,
    }
    if (task.executorId) status.executor_id = { value: task.executorId }
    updateTask(cluster, task, ending.state, status)
  }
  const { id, frameworkId } = task
  cluster.tasks.remove(task)
  cluster.change({ type: 'TASK_ENDED', frameworkId, taskId: id, fate: 'completed' })
}
