import { endDrains } from './agents/drain.ts'
import { releaseOffers } from './agents/recovery-hold.ts'
import { collectRegistry } from './agents/registry-gc.ts'
import { cancelRemoval, cancelRemovals, grantRemovals, scheduleRemoval } from './agents/removals.ts'
import type { Cluster } from './cluster.ts'
import { removeExpired } from './frameworks/framework-end.ts'
import { tellDescriptions } from './frameworks/framework-hosts.ts'
import { makeInverseOffers } from './maintenance/inverse-offers.ts'
import { makeOffers, rescindExpired } from './offers/offers.ts'

/** What time brings, each second, or each allocation interval where that is shorter. `hearsItself`: whether silence of others says anything. */
export function tick(cluster: Cluster, hearsItself: boolean): void {
  scanAgents(cluster, hearsItself)
  if (hearsItself) {
    giveUpMissing(cluster)
    grantRemovals(cluster)
  }
  removeExpired(cluster)
  tellDescriptions(cluster)
  rescindExpired(cluster)
  collectRegistry(cluster)
  endDrains(cluster)
  releaseOffers(cluster)
  const { monotonic } = cluster.now
  if (monotonic - cluster.lastCycleAt < cluster.config.allocationInterval) return
  cluster.lastCycleAt = monotonic
  makeInverseOffers(cluster)
  makeOffers(cluster, cluster.allocator.tick())
}

function scanAgents(cluster: Cluster, hearsItself: boolean): void {
  const judged: { slot: number; verdict: string }[] = []
  const wasBlind = cluster.liveness.blindSince !== undefined
  cluster.liveness.scan(cluster.now.monotonic, hearsItself, (slot, verdict) => judged.push({ slot, verdict }))
  if (wasBlind === hearsItself) {
    cluster.note({ code: hearsItself ? 'HEARS_AGAIN' : 'BLIND' })
    cancelRemovals(cluster)
  }
  if (judged.length === 0) return
  const bySlot = new Map([...cluster.agents.values()].map(agent => [agent.slot, agent]))
  for (const { slot, verdict } of judged) {
    const agent = bySlot.get(slot)
    if (!agent || agent.leaving) continue
    if (verdict === 'dead') scheduleRemoval(cluster, agent.id)
    else cluster.do({ type: 'PROBE', agentId: agent.id, pid: agent.pid })
  }
}

/** The answer to a direct question to an agent that nobody else could vouch for. */
export function probed(cluster: Cluster, agentId: string, alive: boolean): void {
  const agent = cluster.agents.get(agentId)
  if (!agent) return
  if (cluster.liveness.probed(agent.slot, alive, cluster.now.monotonic)) scheduleRemoval(cluster, agentId)
  else if (alive) cancelRemoval(cluster, agentId)
}

/** Disconnected and recovered agents have `--agent_reregister_timeout` to come back, counted while this master hears. */
function giveUpMissing(cluster: Cluster): void {
  const { agentReregisterTimeout: timeout, recoveryAgentRemovalLimit: limit } = cluster.config
  const { monotonic } = cluster.now
  const since = (at: number) => monotonic - Math.max(at, cluster.liveness.hearingSince)
  for (const agent of cluster.disconnected) {
    if (agent.disconnectedAt !== undefined && since(agent.disconnectedAt) >= timeout) scheduleRemoval(cluster, agent.id)
  }
  if (cluster.recovered.size === 0 || since(cluster.recoveredAt) < timeout) return
  const share = cluster.recovered.size / cluster.recoveredCount
  if (share > limit) {
    cluster.do({
      type: 'ABDICATE',
      reason: `${cluster.recovered.size} of ${cluster.recoveredCount} agents did not come back to the new leader, more than --recovery_agent_removal_limit allows`,
    })
    return
  }
  for (const agentId of [...cluster.recovered.keys()]) scheduleRemoval(cluster, agentId)
}
