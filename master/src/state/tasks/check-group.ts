import { excerpt } from '@meseta/common/protocol/excerpt'
import type { ExecutorInfo, TaskInfo } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { canonical } from '../canonical.ts'
import type { Cluster } from '../cluster.ts'
import type { Place } from '../offers/accept.ts'
import { checkExecutor, checkFits, checkTaskItself } from './check-task.ts'
import { runs } from './launch.ts'

const minExecutorCpus = 0.01
const minExecutorMem = 32

/** Why a LAUNCH_GROUP is refused as a whole, or undefined (Mesos contract 2.4). */
export function checkGroup(
  cluster: Cluster,
  place: Place,
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
  remaining: Resources,
): string | undefined {
  if (tasks.length === 0) return 'task_group.tasks: must not be empty'
  const ids = tasks.map(task => task.task_id.value)
  if (new Set(ids).size !== ids.length) return 'task_group.tasks: an id appears twice'
  const refusal = checkGroupExecutor(place, executor)
  if (refusal !== undefined) return refusal
  for (const [index, task] of tasks.entries()) {
    const reason = checkTaskItself(cluster, place, task) ?? checkGroupTask(task, executor)
    if (reason !== undefined)
      return `Task '${excerpt(task.task_id.value)}' is invalid: task_group.tasks[${index}].${reason}`
  }
  return checkCgroups(executor, tasks) ?? checkFits(total(place, executor, tasks), remaining)
}

function total(place: Place, executor: ExecutorInfo, tasks: readonly TaskInfo[]): Resources {
  const own = runs(place, executor.executor_id.value) ? [] : (executor.resources ?? [])
  // Summed at once: one after the other costs tasks times resources, and a group may name thousands of both.
  return Resources.from([...own, ...tasks.flatMap(task => task.resources ?? [])])
}

function checkGroupExecutor(place: Place, executor: ExecutorInfo): string | undefined {
  const { type } = executor
  if (type === undefined || type === 'UNKNOWN') return 'executor.type: must be given for a task group'
  if (type === 'DEFAULT' && executor.command)
    return 'executor.command: must not be given for an executor of type DEFAULT'
  if (type === 'CUSTOM' && !executor.command) return 'executor.command: must be given for an executor of type CUSTOM'
  if (executor.container?.type === 'DOCKER') return 'executor.container.type: DOCKER is not possible for task groups'
  const refusal = checkExecutor(place, executor)
  if (refusal !== undefined) return refusal
  if (amount(executor, 'cpus') < minExecutorCpus) return `executor.resources: cpus must be at least ${minExecutorCpus}`
  if (amount(executor, 'mem') < minExecutorMem) return `executor.resources: mem must be at least ${minExecutorMem}`
  if (amount(executor, 'disk') <= 0) return 'executor.resources: disk must be given'
  return undefined
}

const amount = (executor: ExecutorInfo, name: string): number =>
  (executor.resources ?? [])
    .filter(resource => resource.name === name)
    .reduce((sum, resource) => sum + (resource.scalar?.value ?? 0), 0)

function checkGroupTask(task: TaskInfo, executor: ExecutorInfo): string | undefined {
  if (task.executor && canonical(task.executor) !== canonical(executor))
    return 'executor: differs from the executor of the group'
  if (task.container?.type === 'DOCKER') return 'container.type: DOCKER is not possible in task groups'
  const ownNetwork = (task.container?.network_infos ?? []).length > 0
  const check = task.health_check
  if (ownNetwork && (check?.http ?? check?.tcp))
    return 'health_check: HTTP and TCP checks are not possible for a task with a network of its own'
  return undefined
}

function checkCgroups(executor: ExecutorInfo, tasks: readonly TaskInfo[]): string | undefined {
  if (executor.container?.linux_info?.share_cgroups === false)
    return 'executor.container.linux_info.share_cgroups: must not be false for the executor itself'
  const own = tasks.map(task => task.container?.linux_info?.share_cgroups === false)
  if (own.some(value => value !== own[0]))
    return 'task_group.tasks: share_cgroups must be the same for all tasks of an executor'
  const limited = tasks.findIndex(task => Object.keys(task.limits ?? {}).length > 0)
  if (limited >= 0 && !own[limited])
    return `task_group.tasks[${limited}].limits: need container.linux_info.share_cgroups false`
  return undefined
}
