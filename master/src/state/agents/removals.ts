import type { Cluster } from '../cluster.ts'
import { markRecoveredUnreachable, markUnreachable } from './agent-removal.ts'

/**
 * An agent is to become unreachable: at once, or with `--agent_removal_rate_limit` when it has a permit. So a fault that silences many
 * at once, and is not theirs, costs few of them before somebody sees it (Mesos contract 7.5).
 */
export function scheduleRemoval(cluster: Cluster, agentId: string): void {
  const agent = cluster.agents.get(agentId)
  if (agent?.leaving || cluster.givenUp.has(agentId) || cluster.removals.has(agentId)) return
  if (agent) cluster.tally.count('slave_unreachable_scheduled')
  cluster.removals.add(agentId)
  grantRemovals(cluster)
}

/** Carries out what has its permit, the oldest first. */
export function grantRemovals(cluster: Cluster): void {
  const { agentRemovalInterval: interval } = cluster.config
  const { monotonic } = cluster.now
  for (const agentId of cluster.removals) {
    if (interval !== undefined && monotonic < cluster.nextRemovalAt) return
    cluster.nextRemovalAt = monotonic + (interval ?? 0)
    cluster.removals.delete(agentId)
    const agent = cluster.agents.get(agentId)
    if (agent) markUnreachable(cluster, agent)
    else markRecoveredUnreachable(cluster, agentId)
  }
}

/** It was heard, or came back: it lives. */
export function cancelRemoval(cluster: Cluster, agentId: string): void {
  if (cluster.removals.size > 0 && cluster.removals.delete(agentId)) cluster.tally.count('slave_unreachable_canceled')
}

/** This master heard nobody for a while: the silence of all begins anew. */
export function cancelRemovals(cluster: Cluster): void {
  for (const agentId of [...cluster.removals]) cancelRemoval(cluster, agentId)
}
