import type { Resources } from '@meseta/common/resources/resources'
import { add, type Quantities, quantitiesOf } from '../allocator/quantities.ts'
import { topOf } from '../allocator/roles.ts'
import { quotasOf } from './check-quota.ts'
import type { Cluster } from './cluster.ts'
import { rescindOffers } from './offers.ts'
import type { OfferRecord } from './records.ts'

/** What is neither reserved nor revocable: the part that quotas limit by what is allocated. */
const plainIn = (resources: Resources): Quantities =>
  quantitiesOf(resources.filter(({ reservations, revocable }) => !reservations?.length && !revocable))

/** What is offered to a top-level role and all below it, of what counts as consumed only because it is offered. */
export function offeredTo(cluster: Cluster, role: string): Quantities {
  const offered = new Map<string, number>()
  for (const offer of cluster.offers.values()) if (topOf(offer.role) === role) add(offered, plainIn(offer.resources))
  return offered
}

/** Takes offers of a role back, the newest first, until it is within its limits (Mesos contract 5.4). */
export function rescindOverLimits(cluster: Cluster, role: string): void {
  const limits = quotasOf(cluster.settings.quotas).get(role)?.limits
  if (!limits) return
  const exceeded = () => namesAbove(cluster.allocator.quotaConsumption(role), limits, Number.POSITIVE_INFINITY)
  rescindWhile(cluster, exceeded, offer => topOf(offer.role) === role)
}

/** Takes offers of other roles back, the newest first, until what is free could meet the guarantees of a role. */
export function rescindForGuarantees(cluster: Cluster, role: string): void {
  const guarantees = quotasOf(cluster.settings.quotas).get(role)?.guarantees
  if (!guarantees?.size) return
  const consumed = cluster.allocator.quotaConsumption(role)
  const missing = new Map([...guarantees].map(([name, amount]) => [name, amount - (consumed.get(name) ?? 0)]))
  const free = new Map<string, number>()
  for (const { id, connected } of cluster.agents.values())
    if (connected) add(free, plainIn(cluster.allocator.available(id)))
  rescindWhile(
    cluster,
    () => namesAbove(missing, free, 0),
    offer => topOf(offer.role) !== role,
    offer => add(free, plainIn(offer.resources)),
  )
}

/** Names of which there is more than `others` have; `absent`: what they have of a name that is not there. */
const namesAbove = (amounts: Quantities, others: Quantities, absent: number): string[] =>
  [...amounts].flatMap(([name, amount]) => (amount > (others.get(name) ?? absent) ? name : []))

function rescindWhile(
  cluster: Cluster,
  lacking: () => readonly string[],
  isCandidate: (offer: OfferRecord) => boolean,
  rescinded: (offer: OfferRecord) => void = () => undefined,
): void {
  let names = lacking()
  for (const offer of [...cluster.offers.values()].reverse()) {
    if (names.length === 0) return
    if (!isCandidate(offer)) continue
    const plain = plainIn(offer.resources)
    if (!names.some(name => (plain.get(name) ?? 0) > 0)) continue
    rescindOffers(cluster, [offer])
    rescinded(offer)
    names = lacking()
  }
}
