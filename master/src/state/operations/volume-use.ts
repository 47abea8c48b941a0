import { holdsResources } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import type { Cluster } from '../cluster.ts'
import type { Agent, OfferRecord } from '../records.ts'

/** Whether a task or an executor has the volume, which is without its allocation. */
export function isVolumeUsed(cluster: Cluster, agent: Agent, volume: Resources): boolean {
  for (const task of cluster.tasks.ofAgent(agent.id))
    if (holdsResources(task.state) && task.resources.unallocated().contains(volume)) return true
  for (const executors of agent.executors.values())
    for (const { resources } of executors.values())
      if (Resources.from(resources).unallocated().contains(volume)) return true
  return false
}

/** The offers that hold something of these, which are without their allocation. */
export function offersHolding(agent: Agent, resources: Resources): OfferRecord[] {
  return [...agent.offers].filter(offer => !offer.resources.unallocated().intersect(resources).isEmpty)
}
