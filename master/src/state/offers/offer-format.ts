import type { Offer, Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'

/**
 * An offer as a framework with these capabilities reads it: without MULTI_ROLE there is no allocation, without
 * RESERVATION_REFINEMENT reservations are in the old format (Mesos contract 2.5).
 */
export function formatFor(capabilities: ReadonlySet<string>, offer: Offer): Offer {
  let resources: Resource[] = offer.resources ?? []
  if (!capabilities.has('RESERVATION_REFINEMENT')) resources = Resources.from(resources).inOldFormat()
  if (capabilities.has('MULTI_ROLE')) return { ...offer, resources }
  const { allocation_info: _, ...rest } = offer
  return { ...rest, resources: resources.map(({ allocation_info: _role, ...resource }) => resource) }
}
