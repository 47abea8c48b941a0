import type { ContainerID, ContainerStatus, ResourceStatistics } from '@meseta/common/protocol/mesos'
import { containerKey } from '../containers/launcher.ts'
import type { ExecutorEntry } from '../core/model.ts'
import { networkInfos } from '../core/statuses.ts'
import type { HostAgent } from '../host-agent.ts'
import { heldBy } from './state.ts'

/** A container as `/containers`, `/monitor/statistics` and GET_CONTAINERS show it. */
export interface ContainerView {
  readonly executor: ExecutorEntry
  readonly id: ContainerID
  readonly status: ContainerStatus
  readonly statistics: ResourceStatistics | undefined
}

export interface ContainerFilter {
  readonly container_id?: string | undefined
  readonly framework_id?: string | undefined
  readonly executor_id?: string | undefined
}

/** The containers of running executors; with `showNested` also those of the tasks of groups. */
export async function viewContainers(
  host: HostAgent,
  filter: ContainerFilter,
  showNested: boolean,
): Promise<ContainerView[]> {
  const { core } = host.agent.heart
  const views: ContainerView[] = []
  for (const executor of core.executors.values()) {
    if (filter.framework_id !== undefined && executor.framework.id !== filter.framework_id) continue
    if (filter.executor_id !== undefined && executor.id !== filter.executor_id) continue
    const running = [...executor.tasks.values()].filter(task => task.phase === 'running')
    const nested = executor.kind === 'default' ? running : []
    const used = await Promise.all(
      (executor.kind === 'default' ? nested.map(task => task.container) : [executor.container]).map(id =>
        host.launcher.statistics(id),
      ),
    )
    const pid = executor.kind === 'command' ? running[0]?.pid : undefined
    const view = (id: ContainerID, statistics: ResourceStatistics | undefined, processId: number | undefined) => ({
      executor,
      id,
      status: {
        container_id: id,
        network_infos: networkInfos(core),
        ...(processId === undefined ? {} : { executor_pid: processId }),
      },
      statistics,
    })
    if (running.length > 0) views.push(view(executor.container, withLimits(executor, sum(used)), pid))
    if (showNested) views.push(...nested.map((task, index) => view(task.container, used[index], task.pid)))
  }
  const { container_id: wanted } = filter
  return wanted === undefined ? views : views.filter(({ id }) => id.value === wanted || containerKey(id) === wanted)
}

/** What is allowed beside what is used: nothing is enforced for plain processes, but the reports are the same. */
function withLimits(
  executor: ExecutorEntry,
  statistics: ResourceStatistics | undefined,
): ResourceStatistics | undefined {
  if (statistics === undefined) return undefined
  const held = heldBy(executor)
  return {
    ...statistics,
    cpus_limit: held.scalar('cpus'),
    mem_limit_bytes: held.scalar('mem') * 2 ** 20,
  }
}

function sum(parts: readonly (ResourceStatistics | undefined)[]): ResourceStatistics | undefined {
  const known = parts.filter(part => part !== undefined)
  const first = known[0]
  if (first === undefined || known.length === 1) return first
  const total: Record<string, number> = {}
  for (const part of known)
    for (const [name, value] of Object.entries(part)) total[name] = (total[name] ?? 0) + Number(value)
  return { ...total, timestamp: first.timestamp }
}
