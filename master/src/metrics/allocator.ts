import type { ReadCounts } from '../replica/read-side.ts'
import type { Cluster } from '../state/cluster.ts'

/** Of the allocator, with roles and quotas (Mesos contract 9). */
export function allocatorMetrics(
  { allocator, allocationWanted }: Cluster,
  { resources }: ReadCounts,
): Record<string, number> {
  const metrics: Record<string, number> = {
    'allocator/event_queue_dispatches': allocationWanted ? 1 : 0,
    'allocator/mesos/allocation_runs': allocator.runs,
  }
  for (const name of ['cpus', 'mem', 'disk']) {
    const { total, used, offered, revocableTotal, revocableUsed } = resources[name]!
    metrics[`allocator/mesos/resources/${name}/total`] = total + revocableTotal
    metrics[`allocator/mesos/resources/${name}/offered_or_allocated`] = used + revocableUsed + offered
  }
  for (const { role, share, refusals } of allocator.roleMetrics()) {
    metrics[`allocator/mesos/roles/${role}/shares/dominant`] = share
    metrics[`allocator/mesos/offer_filters/roles/${role}/active`] = refusals
  }
  for (const { role, guarantees, limits, consumed } of allocator.quotaMetrics())
    for (const name of new Set([...guarantees.keys(), ...limits.keys()])) {
      const prefix = `allocator/mesos/quota/roles/${role}/resources/${name}/`
      metrics[`${prefix}guarantee`] = (guarantees.get(name) ?? 0) / 1_000
      const limit = limits.get(name)
      if (limit !== undefined) metrics[`${prefix}limit`] = limit / 1_000
      metrics[`${prefix}offered_or_allocated`] = (consumed.get(name) ?? 0) / 1_000
    }
  return metrics
}
