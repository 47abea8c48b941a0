import type { Readable } from './filter.ts'
import { stateWord } from './format.ts'
import { isActive, isFailed } from './marks.ts'
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

/** What the filter language says of tasks, in the page and in windows of the router's stream. */
export const readableTask: Readable<TaskRow> = {
  text: ({ task, app }) => `${task.id} ${task.name} ${app}`,
  words: {
    is: ({ task: { state }, health }) => [
      isActive(state) ? 'active' : 'completed',
      ...(isFailed(state) ? ['failed'] : []),
      stateWord(state),
      health,
    ],
    state: ({ task }) => [stateWord(task.state).replaceAll(' ', '_'), task.state],
    app: ({ app }) => app,
    framework: ({ task }) => [task.framework_name ?? '', task.framework_id],
    node: ({ node, task }) => [node, task.slave_id],
    role: ({ task }) => task.role ?? '',
    reason: ({ task }) => [task.reason ?? '', task.message ?? ''],
  },
  numbers: { cpus: ({ task }) => task.resources?.cpus ?? 0, mem: ({ task }) => task.resources?.mem ?? 0 },
}

/** All tasks, active ones first, the newest change first. */
export function taskRowsOf(store: Store): TaskRow[] {
  const names = namesIn(store)
  const rows = store.entries('task').map(([key, task]) => taskRowOf(names, key, task))
  return rows.sort(byActivityThenTime)
}

/** Names that a task's row shows and the task itself does not say. */
export interface NamesOfTasks {
  /** The hostname of an agent. */
  nodeOf(agentId: string): string | undefined
  /** The app that an instance belongs to. */
  appOf(taskId: string): string | undefined
}

export const namesIn = (store: Store): NamesOfTasks => ({
  nodeOf: id => store.get('agent', id)?.hostname,
  appOf: id => store.get('instance', id)?.appId,
})

export function taskRowOf(names: NamesOfTasks, key: string, task: Task): TaskRow {
  const running = task.statuses?.find(({ state }) => state === 'TASK_RUNNING') ?? task.statuses?.[0]
  return {
    key,
    task,
    node: names.nodeOf(task.slave_id) ?? task.slave_id,
    app: names.appOf(task.id) ?? appOfTaskId(task.id),
    startedAt: (running?.timestamp ?? Number.NaN) * 1000,
    updatedAt: (task.timestamp ?? Number.NaN) * 1000,
    // What has ended is not healthy any more, whatever its last check said.
    health: task.healthy === undefined || !isActive(task.state) ? '' : task.healthy ? 'healthy' : 'unhealthy',
  }
}

export function byActivityThenTime(a: TaskRow, b: TaskRow): number {
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
