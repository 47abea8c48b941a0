import { toJson } from '@meseta/common/protocol/codec'
import type { Task, TaskProgress, TaskStatus } from '@meseta/common/protocol/mesos'
import { legacyResources } from '@meseta/common/resources/legacy'
import { Resources } from '@meseta/common/resources/resources'

type Json = Record<string, unknown>

/** What of the task of /state never changes, as JSON without its closing brace (Mesos contract 4.1). */
export const fixedJson = (task: Task): string => JSON.stringify(fixedOf(task)).slice(0, -1)

/** The rest of it. */
export const progressJson = (progress: TaskProgress): string =>
  `,${JSON.stringify({ state: progress.state, statuses: statusesOf(progress).map(statusOf) }).slice(1)}`

function fixedOf(task: Task): Json {
  const result: Json = {
    id: task.task_id.value,
    name: task.name,
    framework_id: task.framework_id.value,
    executor_id: task.executor_id?.value ?? '',
    slave_id: task.agent_id.value,
    resources: legacyResources(Resources.from(task.resources ?? [])),
    role: task.resources?.find(resource => resource.allocation_info)?.allocation_info?.role ?? '*',
  }
  if (task.limits)
    result.limits = Object.fromEntries(Object.entries(task.limits).map(([name, { value }]) => [name, finite(value)]))
  if (task.user !== undefined) result.user = task.user
  if (task.labels) result.labels = task.labels.labels ?? []
  if (task.discovery) result.discovery = toJson('mesos.v1.DiscoveryInfo', task.discovery)
  if (task.container) result.container = toJson('mesos.v1.ContainerInfo', task.container)
  if (task.health_check) result.health_check = toJson('mesos.v1.HealthCheck', task.health_check)
  return result
}

/** JSON has no infinity. */
const finite = (value: number): number | string => (Number.isFinite(value) ? value : 'Infinity')

/** STAGING never is one of them: consumers index them unguarded (Mesos contract 4.1). */
const statusesOf = ({ statuses = [] }: TaskProgress): TaskStatus[] =>
  statuses.filter(({ state }) => state !== 'TASK_STAGING')

function statusOf(status: TaskStatus): Json {
  const result: Json = { state: status.state, timestamp: status.timestamp ?? 0 }
  if (status.labels) result.labels = status.labels.labels ?? []
  if (status.container_status) result.container_status = toJson('mesos.v1.ContainerStatus', status.container_status)
  if (status.healthy !== undefined) result.healthy = status.healthy
  return result
}

/** The task of the feed as JSON: the one of /state, which is given, and what its latest status says (docs/architecture.md). */
export function feedTaskJson(legacy: Uint8Array, { statuses }: TaskProgress, frameworkName: string): string {
  const { message, reason, source, healthy, timestamp } = statuses?.at(-1) ?? {}
  const more = JSON.stringify({ framework_name: frameworkName, message, reason, source, healthy, timestamp })
  return `${Buffer.from(legacy.buffer, legacy.byteOffset, legacy.length - 1).toString()},${more.slice(1)}`
}
