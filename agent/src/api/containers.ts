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
  const { container_id: wanted, framework_id, executor_id } = filter
  const executors = [...core.executors.values()].filter(
    ({ id, framework }) =>
      (framework_id === undefined || framework.id === framework_id) &&
      (executor_id === undefined || id === executor_id),
  )
  // All at once: what they use is then found by one look at the machine.
  const views = (await Promise.all(executors.map(executor => viewExecutor(host, executor, showNested)))).flat()
  return wanted === undefined ? views : views.filter(({ id }) => id.value === wanted || containerKey(id) === wanted)
}

async function viewExecutor(host: HostAgent, executor: ExecutorEntry, showNested: boolean): Promise<ContainerView[]> {
  const { core } = host.agent.heart
  const running = [...executor.tasks.values()].filter(task => task.phase === 'running')
  if (running.length === 0) return []
  const used = await Promise.all(running.map(task => host.launcher.statistics(task.container)))
  const view = (
    id: ContainerID,
    statistics: ResourceStatistics | undefined,
    pid: number | undefined,
  ): ContainerView => ({
    executor,
    id,
    status: {
      container_id: id,
      network_infos: networkInfos(core),
      ...(pid === undefined ? {} : { executor_pid: pid }),
    },
    statistics,
  })
  const isCommand = executor.kind === 'command'
  const nested = running.map((task, index) => view(task.container, used[index], task.pid))
  return [
    view(executor.container, withLimits(executor, sum(used)), isCommand ? running[0]?.pid : undefined),
    ...(showNested && !isCommand ? nested : []),
  ]
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
