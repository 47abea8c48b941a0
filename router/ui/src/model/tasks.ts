import { isActive } from './marks.ts'
import type { Task } from './objects.ts'
import type { Store } from './store.ts'

/** A task as its row shows it. */
export interface TaskRow {
  /** `<framework id>/<task id>`. */
  readonly key: string
  readonly task: Task
  readonly node: string
  /** The app that it belongs to; empty when unknown. */
  readonly app: string
  /** ms; NaN when unknown. */
  readonly startedAt: number
  readonly updatedAt: number
  readonly health: 'healthy' | 'unhealthy' | ''
}

/** All tasks, active ones first, the newest change first. */
export function taskRowsOf(store: Store): TaskRow[] {
  const rows = store.entries('task').map(([key, task]) => taskRowOf(store, key, task))
  return rows.sort(byActivityThenTime)
}

export function taskRowOf(store: Store, key: string, task: Task): TaskRow {
  const running = task.statuses?.find(({ state }) => state === 'TASK_RUNNING') ?? task.statuses?.[0]
  return {
    key,
    task,
    node: store.get('agent', task.slave_id)?.hostname ?? task.slave_id,
    app: store.get('instance', task.id)?.appId ?? appOfTaskId(task.id),
    startedAt: (running?.timestamp ?? Number.NaN) * 1000,
    updatedAt: (task.timestamp ?? Number.NaN) * 1000,
    // What has ended is not healthy any more, whatever its last check said.
    health: task.healthy === undefined || !isActive(task.state) ? '' : task.healthy ? 'healthy' : 'unhealthy',
  }
}

function byActivityThenTime(a: TaskRow, b: TaskRow): number {
  const activity = Number(isActive(b.task.state)) - Number(isActive(a.task.state))
  return activity || (b.updatedAt || 0) - (a.updatedAt || 0) || (a.key < b.key ? -1 : 1)
}

/** The app that a Marathon task id names (Marathon contract 12); empty for the tasks of others. */
export function appOfTaskId(id: string): string {
  const name = /^(.+?)\.(?:instance|marathon)-[0-9a-f-]{36}/.exec(id)?.[1]
  return name === undefined ? '' : `/${name.replaceAll('_', '/')}`
}

/** How many tasks are in each state, the most first. */
export function countByState(tasks: readonly Task[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].sort((a, b) => Number(isActive(b[0])) - Number(isActive(a[0])) || b[1] - a[1])
}

/** How many active tasks each agent, or each framework, has. */
export function activeBy(tasks: readonly Task[], field: 'slave_id' | 'framework_id'): Map<string, number> {
  const counts = new Map<string, number>()
  for (const task of tasks) {
    if (isActive(task.state)) counts.set(task[field], (counts.get(task[field]) ?? 0) + 1)
  }
  return counts
}

/** The folder of a task's files below its agent's files API. */
export function sandboxOf(task: Task): string {
  const executor = task.executor_id || task.id
  // Tasks of a group have a folder of their own below the one of their executor.
  const nested =
    executor !== task.id &&
    (task.statuses?.some(({ container_status }) => container_status?.container_id?.parent !== undefined) ?? false)
  const run = `/frameworks/${task.framework_id}/executors/${executor}/runs/latest`
  return nested ? `${run}/tasks/${task.id}` : run
}
