import type { Cluster } from '../cluster.ts'
import type { Agent, Framework } from '../records.ts'

/** Agents that run something of a framework learn its new description: the newest, at most once a tick however often it changes. */
export function tellDescriptions(cluster: Cluster): void {
  for (const framework of cluster.untold)
    for (const agent of agentsOf(cluster, framework)) tellAgent(cluster, agent, framework)
  cluster.untold.clear()
}

export function tellAgent(cluster: Cluster, agent: Agent, { info }: Framework): void {
  cluster.send(agent, { update_framework: { framework_info: info } })
}

/** The agents that have tasks or executors of it. */
export function agentsOf(cluster: Cluster, framework: Framework): Set<Agent> {
  const agents = new Set(framework.hosts)
  for (const { agentId } of cluster.tasks.ofFramework(framework.id)) {
    const agent = cluster.agents.get(agentId)
    if (agent) agents.add(agent)
  }
  return agents
}
