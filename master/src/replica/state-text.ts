import { frameworkOf, taskOf } from './legacy-shapes.ts'
import type { FrameworkRow, TaskRow } from './tables.ts'

// JSON of /state and /frameworks put together from the tasks' fragments, which are made once for each change of a task.

export function taskText(row: TaskRow): string {
  row.text ??= JSON.stringify(taskOf(row))
  return row.text
}

/** A framework with its tasks. */
export function frameworkText(row: FrameworkRow): string {
  const active: string[] = []
  const unreachable: string[] = []
  for (const task of row.tasks.values()) (task.fate === 'unreachable' ? unreachable : active).push(taskText(task))
  const head = JSON.stringify(frameworkOf(row)).slice(0, -1)
  const completed = row.completed.map(taskText)
  return `${head},"tasks":[${active}],"unreachable_tasks":[${unreachable}],"completed_tasks":[${completed}]}`
}

/** An object's JSON with further fields whose values are JSON already. */
export function withFields(
  object: Record<string, unknown>,
  fields: Readonly<Record<string, readonly string[]>>,
): string {
  const head = JSON.stringify(object).slice(0, -1)
  const rest = Object.entries(fields).map(([name, items]) => `${JSON.stringify(name)}:[${items}]`)
  const joint = head === '{' || rest.length === 0 ? '' : ','
  return `${head}${joint}${rest.join(',')}}`
}
