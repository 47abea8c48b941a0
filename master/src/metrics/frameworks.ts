import type { TaskState } from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import type { Cluster } from '../state/cluster.ts'

/** Of each framework, below `frameworks/<its name>/<its id>/` (Mesos contract 9). */
export function frameworkMetrics({ frameworks, tally, tasks }: Cluster): Record<string, number> {
  const metrics: Record<string, number> = {}
  for (const [id, { info, streamId, roles, suppressed }] of frameworks) {
    const prefix = `frameworks/${encodeURIComponent(info.name)}/${id}/`
    for (const [name, value] of tally.ofFramework(id)) metrics[prefix + name] = value
    metrics[`${prefix}subscribed`] = streamId === undefined ? 0 : 1
    for (const role of roles) metrics[`${prefix}roles/${role}/suppressed`] = suppressed.has(role) ? 1 : 0
    for (const [state, count] of tasks.statesOf(id))
      if (!isTerminal(state)) metrics[`${prefix}tasks/active/${wordOf(state)}`] = count
  }
  return metrics
}

const wordOf = (state: TaskState): string => state.toLowerCase()
