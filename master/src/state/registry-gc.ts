import type { Cluster } from './cluster.ts'

/** Drops entries of unreachable and of gone agents that are too old, or the oldest where there are too many (Mesos contract 7.1). */
export function collectRegistry(cluster: Cluster): void {
  const { registryGcInterval: interval } = cluster.config
  if (cluster.now.monotonic - cluster.lastGcAt < interval) return
  cluster.lastGcAt = cluster.now.monotonic
  const unreachable = [...cluster.unreachable].map(([id, since]) => ({ id, since }))
  const gone = [...cluster.gone].map(([id, since]) => ({ id, since }))
  for (const id of [...outdated(cluster, unreachable), ...outdated(cluster, gone)])
    cluster.persist({ id, entry: undefined }, { type: 'FORGET', agentId: id })
}

function outdated(cluster: Cluster, entries: { readonly id: string; readonly since: number }[]): string[] {
  const { registryMaxAgentAge: age, registryMaxAgentCount: count } = cluster.config
  entries.sort((a, b) => a.since - b.since)
  const tooMany = entries.length - count
  return entries.filter(({ since }, index) => index < tooMany || cluster.now.wall - since > age).map(({ id }) => id)
}

/** The registry no longer has the entry. An agent that came back meanwhile has written itself anew, and stays. */
export function forgotten(cluster: Cluster, agentId: string): void {
  cluster.gone.delete(agentId)
  if (cluster.unreachable.delete(agentId)) cluster.change({ type: 'AGENT_UNREACHABLE_FORGOTTEN', id: agentId })
}
