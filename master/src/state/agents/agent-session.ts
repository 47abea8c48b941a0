import type { Cluster } from '../cluster.ts'
import { rescindInverseOffers } from '../maintenance/inverse-offers.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { Agent } from '../records.ts'
import { loseTask } from './agent-removal.ts'
import { cancelRemoval } from './removals.ts'

/** A registered agent has a session again. */
export function joinSession(cluster: Cluster, agent: Agent): void {
  agent.connected = true
  agent.disconnectedAt = undefined
  cluster.disconnected.delete(agent)
  cancelRemoval(cluster, agent.id)
  cluster.liveness.watch(agent.slot, cluster.now.monotonic)
  refreshActivity(cluster, agent)
  cluster.showAgent(agent, false)
  cluster.wantAllocation()
}

/** An agent is offered while it has a session and no operator has taken it out. */
export function refreshActivity(cluster: Cluster, agent: Agent): void {
  cluster.allocator.setAgentActive(agent.id, agent.connected && !cluster.orders.get(agent.id)?.deactivated)
}

/**
 * The session with an agent ended: it is disconnected and inactive, its offers are rescinded. Where the agent began anew,
 * tasks of frameworks that do not checkpoint are lost at once (Mesos contract 7.4); if they live on, they come back.
 */
export function leaveSession(cluster: Cluster, agent: Agent, restarted: boolean): void {
  agent.connected = false
  agent.session++
  agent.disconnectedAt = cluster.now.monotonic
  cluster.disconnected.add(agent)
  refreshActivity(cluster, agent)
  rescindOffers(cluster, agent.offers)
  rescindInverseOffers(cluster, agent)
  cluster.showAgent(agent, false)
  if (!restarted) return
  for (const task of [...cluster.tasks.ofAgent(agent.id)]) {
    const framework = cluster.frameworks.get(task.frameworkId)
    if (framework && framework.info.checkpoint !== true)
      loseTask(cluster, task, {
        state: 'TASK_LOST',
        reason: 'REASON_AGENT_DISCONNECTED',
        message: 'Agent disconnected, and the framework does not checkpoint',
      })
  }
}

export function linkEnded(cluster: Cluster, link: string, restarted: boolean): void {
  cluster.openLinks.delete(link)
  const agent = cluster.agentsByLink.get(link)
  if (agent?.connected) leaveSession(cluster, agent, restarted)
}
