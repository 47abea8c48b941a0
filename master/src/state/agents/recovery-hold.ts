import type { Cluster } from '../cluster.ts'

/**
 * A new leader that has quotas offers nothing before most agents are back (Mesos contract 5.4): with few of them all that is
 * there would be held back for guarantees, or given beyond limits that tasks not yet heard of have reached.
 */
export function holdOffers(cluster: Cluster): void {
  if (cluster.settings.quotas.length === 0 || expected(cluster) === 0) return
  cluster.offersHeld = true
  cluster.allocator.setPaused(true)
}

/** Ends it when enough agents are there, the time is over, or no quota is left. */
export function releaseOffers(cluster: Cluster): void {
  if (!cluster.offersHeld) return
  const isOver = cluster.now.monotonic - cluster.recoveredAt >= cluster.config.allocatorRecoveryTimeout
  const hasQuotas = cluster.settings.quotas.length > 0
  if (hasQuotas && cluster.agents.size < expected(cluster) && !isOver) return
  cluster.offersHeld = false
  cluster.allocator.setPaused(false)
  cluster.note({ code: 'OFFERS_AGAIN', detail: `${cluster.agents.size} of ${cluster.recoveredCount} agents are back` })
  cluster.wantAllocation()
}

const expected = ({ config, recoveredCount }: Cluster): number =>
  Math.floor(config.allocatorAgentRecoveryFactor * recoveredCount)
