import type { TaskState, TaskStatusReason } from '@meseta/common/protocol/mesos'
import { holdsResources, isTerminal } from '@meseta/common/protocol/task-state'
import type { Cluster } from '../cluster.ts'
import { rescindInverseOffers } from '../maintenance/inverse-offers.ts'
import { rescindOffers } from '../offers/offers.ts'
import { loseOperations } from '../operations/operation-updates.ts'
import type { Agent } from '../records.ts'
import { isPartitionAware, masterStatus } from '../statuses.ts'
import { removeExecutor } from '../tasks/launch.ts'
import { endTask, release, updateTask } from '../tasks/task-changes.ts'
import type { TaskRecord } from '../tasks/tasks.ts'
import { ordersIn } from './agent-orders.ts'
import { ownerIn } from './agent-owner.ts'

/** Why the tasks of an agent are lost, and what they become. */
export interface Loss {
  readonly state: TaskState
  readonly reason: TaskStatusReason
  readonly message: string
  /** Milliseconds since 1970. */
  readonly since?: number
}

/** An agent was silent for too long, or did not come back: first the registry knows, then everybody (Mesos contract 7.6). */
export function markUnreachable(cluster: Cluster, agent: Agent): void {
  if (agent.leaving) return
  agent.leaving = true
  writeUnreachable(cluster, agent.id)
}

/** An agent of the registry never came back to this master. */
export function markRecoveredUnreachable(cluster: Cluster, agentId: string): void {
  if (!cluster.recovered.has(agentId) || cluster.givenUp.has(agentId)) return
  cluster.givenUp.add(agentId)
  cluster.tally.count('recovery_slave_removals')
  writeUnreachable(cluster, agentId)
}

function writeUnreachable(cluster: Cluster, agentId: string): void {
  const since = cluster.now.wall
  const former = cluster.entries.get(agentId)
  const entry = { state: 'unreachable', since, ...ordersIn(former), ...ownerIn(former) } as const
  cluster.persist({ id: agentId, entry }, { type: 'UNREACHABLE', agentId, since })
}

/** The registry has the agent as unreachable. */
export function unreachableWritten(cluster: Cluster, agentId: string, since: number): void {
  cluster.givenUp.delete(agentId)
  const agent = cluster.agents.get(agentId)
  if (!agent && !cluster.recovered.has(agentId)) return
  cluster.unreachable.set(agentId, since)
  cluster.change({ type: 'AGENT_UNREACHABLE', id: agentId })
  cluster.tally.count('slave_unreachable_completed')
  if (agent) {
    cluster.tally.count('slave_removals')
    cluster.tally.count('slave_removals/reason_unhealthy')
    forgetAgent(cluster, agent, true, {
      state: 'TASK_UNREACHABLE',
      reason: 'REASON_AGENT_REMOVED',
      message: 'health check timed out',
      since,
    })
  } else {
    cluster.recovered.delete(agentId)
    cluster.change({ type: 'AGENT_RECOVERED_GONE', id: agentId })
  }
  tellAll(cluster, agentId)
}

/** An agent leaves for good: it unregistered, another took its address, or its machine is down. */
export function removeAgent(cluster: Cluster, agent: Agent, why = 'Agent unregistered'): void {
  if (agent.leaving) return
  agent.leaving = true
  cluster.persist({ id: agent.id, entry: undefined }, { type: 'REMOVE', agentId: agent.id, why })
}

/** The registry no longer has the agent. */
export function removalWritten(cluster: Cluster, agentId: string, why: string): void {
  const agent = cluster.agents.get(agentId)
  if (!agent) return
  cluster.orders.delete(agentId)
  cluster.tally.count('slave_removals')
  forgetAgent(cluster, agent, false, {
    state: 'TASK_GONE',
    reason: 'REASON_AGENT_REMOVED',
    message: why,
  })
  tellAll(cluster, agentId)
}

export function tellAll(cluster: Cluster, agentId: string): void {
  for (const framework of cluster.frameworks.values())
    cluster.tell(framework, { type: 'FAILURE', failure: { agent_id: { value: agentId } } })
}

/** `recoverable`: it, and its tasks, may come back. */
export function forgetAgent(cluster: Cluster, agent: Agent, recoverable: boolean, loss: Loss): void {
  cluster.removals.delete(agent.id)
  rescindOffers(cluster, agent.offers)
  rescindInverseOffers(cluster, agent)
  cluster.unavailable.delete(agent)
  loseOperations(cluster, agent, recoverable)
  for (const task of [...cluster.tasks.ofAgent(agent.id)]) loseTask(cluster, task, loss, recoverable)
  for (const [frameworkId, executors] of [...agent.executors])
    for (const executorId of [...executors.keys()]) removeExecutor(cluster, agent, frameworkId, executorId)
  cluster.allocator.removeAgent(agent.id)
  cluster.liveness.unwatch(agent.slot)
  cluster.freeSlot(agent.slot)
  cluster.agents.delete(agent.id)
  cluster.disconnected.delete(agent)
  cluster.agentsByLink.delete(agent.link)
  cluster.change({ type: 'AGENT_REMOVED', id: agent.id })
  if (cluster.openLinks.has(agent.link))
    cluster.do({
      type: 'CLOSE_LINK',
      link: agent.link,
      reason: recoverable ? 'the agent was marked unreachable' : 'the agent was removed',
    })
}

/**
 * A task is out of reach or gone with its agent. `recoverable`: it may come back with the agent, and is remembered as
 * unreachable. A task that had ended before and only waited for its acknowledgement is complete.
 */
export function loseTask(cluster: Cluster, task: TaskRecord, loss: Loss, recoverable = true): void {
  if (isTerminal(task.state)) {
    endTask(cluster, task)
    return
  }
  const framework = cluster.frameworks.get(task.frameworkId)
  const status = masterStatus(cluster, framework, {
    taskId: task.id,
    agentId: task.agentId,
    executorId: task.executorId,
    state: loss.state,
    reason: loss.reason,
    message: loss.message,
    ...(loss.since === undefined ? {} : { unreachableSince: loss.since }),
  })
  if (framework) cluster.tellUpdate(framework, status)
  const known = framework && !isPartitionAware(framework) ? status.state : loss.state
  if (!recoverable) {
    updateTask(cluster, task, known, status)
    endTask(cluster, task)
    return
  }
  if (holdsResources(task.state) && holdsResources(known)) release(cluster, task)
  updateTask(cluster, task, known, status)
  const { id, frameworkId } = task
  const forgotten = cluster.tasks.makeUnreachable(task, loss.since ?? cluster.now.wall)
  cluster.change({ type: 'TASK_ENDED', frameworkId, taskId: id, fate: 'unreachable' })
  if (forgotten) cluster.change({ type: 'TASK_FORGOTTEN', frameworkId: forgotten.frameworkId, taskId: forgotten.id })
}
