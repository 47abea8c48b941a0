import type { Cluster } from '../cluster.ts'
import { tellAll } from './agent-removal.ts'

/** Drops entries of unreachable and of gone agents that are too old, or the oldest where there are too many (Mesos contract 7.1). */
export function collectRegistry(cluster: Cluster): void {
  const { registryGcInterval: interval } = cluster.config
  if (cluster.now.monotonic - cluster.lastGcAt < interval) return
  cluster.lastGcAt = cluster.now.monotonic
  for (const id of [...outdated(cluster, 'unreachable'), ...outdated(cluster, 'gone')])
    cluster.persist({ id, entry: undefined }, { type: 'FORGET', agentId: id })
}

function outdated(cluster: Cluster, state: 'unreachable' | 'gone'): string[] {
  const entries = [...cluster[state]]
    .map(([id, since]) => ({ id, since }))
    // Not one that something else is being written of: it comes back, or is gone.
    .filter(({ id }) => cluster.entries.get(id)?.state === state)
  const { registryMaxAgentAge: age, registryMaxAgentCount: count } = cluster.config
  entries.sort((a, b) => a.since - b.since)
  const tooMany = entries.length - count
  return entries.filter(({ since }, index) => index < tooMany || cluster.now.wall - since > age).map(({ id }) => id)
}

/** An agent that this master has not, or not any more, is not to come back. */
export function forgetAbsent(cluster: Cluster, agentId: string): void {
  const entry = cluster.entries.get(agentId)
  if (!entry || entry.state === 'gone' || cluster.agents.has(agentId)) return
  cluster.persist({ id: agentId, entry: undefined }, { type: 'FORGET', agentId })
}

/** The registry no longer has the entry. An agent that came back meanwhile writes itself anew, without what was ordered of it. */
export function forgotten(cluster: Cluster, agentId: string): void {
  cluster.gone.delete(agentId)
  cluster.orders.delete(agentId)
  if (cluster.recovered.delete(agentId)) {
    cluster.change({ type: 'AGENT_RECOVERED_GONE', id: agentId })
    tellAll(cluster, agentId)
  }
  if (cluster.unreachable.delete(agentId)) cluster.change({ type: 'AGENT_UNREACHABLE_FORGOTTEN', id: agentId })
}
