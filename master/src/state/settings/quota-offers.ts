import type { Quota } from '../../allocator/model.ts'
import { add, type Quantities, shift } from '../../allocator/quantities.ts'
import { topOf } from '../../allocator/roles.ts'
import { plainOf } from '../../allocator/view.ts'
import type { Cluster } from '../cluster.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { OfferRecord } from '../records.ts'

/** A quota and whose it is. */
interface RoleQuota extends Quota {
  readonly role: string
}

/** What is offered to each top-level role and all below it, of what counts as consumed only because it is offered. */
export function offeredByTop(cluster: Cluster): ReadonlyMap<string, Quantities> {
  const offered = new Map<string, Map<string, number>>()
  for (const { role, resources } of cluster.offers.values()) {
    const top = topOf(role)
    const amounts = offered.get(top) ?? new Map<string, number>()
    add(amounts, plainOf(resources))
    offered.set(top, amounts)
  }
  return offered
}

/** Takes offers of roles back, the newest first, until each is within its limits (Mesos contract 5.4). */
export function rescindOverLimits(cluster: Cluster, quotas: readonly RoleQuota[]): void {
  for (const { role, limits } of quotas) {
    const exceeded = () => namesAbove(cluster.allocator.quotaConsumption(role), limits, Number.POSITIVE_INFINITY)
    rescindWhile(cluster, exceeded, offer => topOf(offer.role) === role)
  }
}

/** Takes offers of other roles back, the newest first, until what is free could meet the guarantees of each. */
export function rescindForGuarantees(cluster: Cluster, quotas: readonly RoleQuota[]): void {
  const guaranteed = quotas.filter(({ guarantees }) => guarantees.size > 0)
  if (guaranteed.length === 0) return
  const free = new Map<string, number>()
  for (const { id, connected } of cluster.agents.values())
    if (connected && !cluster.orders.get(id)?.deactivated) add(free, plainOf(cluster.allocator.available(id)))
  for (const { role, guarantees } of guaranteed) {
    const consumed = cluster.allocator.quotaConsumption(role)
    const missing = new Map([...guarantees].map(([name, amount]) => [name, amount - (consumed.get(name) ?? 0)]))
    rescindWhile(
      cluster,
      () => namesAbove(missing, free, 0),
      offer => topOf(offer.role) !== role,
      offer => add(free, plainOf(offer.resources)),
    )
    // What one is to have, the next can not.
    for (const [name, amount] of missing) if (amount > 0) shift(free, name, -amount)
  }
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
  if (names.length === 0) return
  for (const offer of [...cluster.offers.values()].reverse()) {
    if (names.length === 0) return
    if (!isCandidate(offer)) continue
    const plain = plainOf(offer.resources)
    if (!names.some(name => (plain.get(name) ?? 0) > 0)) continue
    rescindOffers(cluster, [offer])
    rescinded(offer)
    names = lacking()
  }
}
