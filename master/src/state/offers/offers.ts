import type { Offer, Resource, URL } from '@meseta/common/protocol/mesos'
import type { Allocation } from '../../allocator/allocator.ts'
import type { Cluster } from '../cluster.ts'
import type { Agent, Framework, OfferRecord } from '../records.ts'
import { formatFor } from './offer-format.ts'

/** An OFFERS event stays below this, by estimate (1 MB, design of the allocator). */
const maxEventBytes = 800_000

/** Makes offers of what the allocator gave and sends them. */
export function makeOffers(cluster: Cluster, allocations: readonly Allocation[]): void {
  const byFramework = new Map<Framework, Offer[]>()
  for (const allocation of allocations) {
    const framework = cluster.frameworks.get(allocation.frameworkId)
    const agent = cluster.agents.get(allocation.agentId)
    if (!framework?.streamId || !agent?.connected) {
      cluster.allocator.recover(allocation.frameworkId, allocation.agentId, allocation.role, allocation.resources)
      continue
    }
    const offer = makeOffer(cluster, framework, agent, allocation)
    const offers = byFramework.get(framework)
    if (offers) offers.push(offer)
    else byFramework.set(framework, [offer])
  }
  for (const [framework, offers] of byFramework) sendOffers(cluster, framework, offers)
}

function makeOffer(cluster: Cluster, framework: Framework, agent: Agent, allocation: Allocation): Offer {
  const record: OfferRecord = {
    id: cluster.newOfferId(),
    frameworkId: framework.id,
    agentId: agent.id,
    role: allocation.role,
    resources: allocation.resources,
    madeAt: cluster.now.monotonic,
  }
  cluster.offers.set(record.id, record)
  framework.offers.add(record)
  agent.offers.add(record)
  const offer = describe(framework, agent, record)
  cluster.change({ type: 'OFFER', offer })
  return formatFor(framework.capabilities, offer)
}

/** The offer in full; what an older framework does not understand is taken out when it is sent. */
function describe(framework: Framework, agent: Agent, record: OfferRecord): Offer {
  const offer: Offer = {
    id: { value: record.id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: agent.info.hostname,
    url: agentUrl(agent),
    resources: record.resources.toArray() as Resource[],
    allocation_info: { role: record.role },
  }
  if (agent.unavailability) offer.unavailability = agent.unavailability
  if (agent.info.domain) offer.domain = agent.info.domain
  if (agent.info.attributes?.length) offer.attributes = agent.info.attributes
  const executors = agent.executors.get(framework.id)
  if (executors?.size) offer.executor_ids = [...executors.keys()].map(value => ({ value }))
  return offer
}

/** Where the agent answers HTTP. Clients read address.ip and port unguarded (Mesos contract 2.5). */
export function agentUrl(agent: Agent): URL {
  const { ip, port } = addressOf(agent.pid) ?? { ip: agent.info.hostname, port: agent.info.port ?? 5051 }
  return { scheme: 'http', address: { hostname: agent.info.hostname, ip, port }, path: '/slave(1)', query: [] }
}

/** The address in a pid `slave(1)@ip:port`, or undefined when it is none. */
export function addressOf(pid: string): { readonly ip: string; readonly port: number } | undefined {
  const match = /@(.+):(\d{1,5})$/.exec(pid)
  return match ? { ip: match[1]!, port: Number(match[2]) } : undefined
}

function sendOffers(cluster: Cluster, framework: Framework, offers: readonly Offer[]): void {
  cluster.tally.framework(framework.id, 'offers/sent', offers.length)
  let event: Offer[] = []
  let bytes = 0
  for (const offer of offers) {
    const size = estimate(offer)
    if (event.length > 0 && bytes + size > maxEventBytes) {
      cluster.tell(framework, { type: 'OFFERS', offers: { offers: event } })
      event = []
      bytes = 0
    }
    event.push(offer)
    bytes += size
  }
  if (event.length > 0) cluster.tell(framework, { type: 'OFFERS', offers: { offers: event } })
}

/** About how many bytes of JSON an offer takes, without making them. */
function estimate(offer: Offer): number {
  let bytes = 800 + offer.hostname.length * 2
  for (const resource of offer.resources ?? [])
    bytes += 250 + (resource.ranges?.range?.length ?? 0) * 32 + (resource.set?.item?.length ?? 0) * 32
  for (const attribute of offer.attributes ?? [])
    bytes +=
      120 + attribute.name.length + (attribute.text?.value.length ?? 0) + (attribute.ranges?.range?.length ?? 0) * 32
  return bytes
}

/** Takes an offer out of the books; what becomes of its resources is the caller's to say. */
export function removeOffer(cluster: Cluster, offer: OfferRecord): void {
  cluster.offers.delete(offer.id)
  cluster.frameworks.get(offer.frameworkId)?.offers.delete(offer)
  cluster.agents.get(offer.agentId)?.offers.delete(offer)
  cluster.allocator.offerClosed(offer.frameworkId)
  cluster.change({ type: 'OFFER_REMOVED', id: offer.id })
}

/** Gives the resources of an offer back; with `refuseSeconds` they are withheld from the framework for so long. */
export function returnOffer(cluster: Cluster, offer: OfferRecord, refuseSeconds?: number): void {
  removeOffer(cluster, offer)
  cluster.allocator.recover(offer.frameworkId, offer.agentId, offer.role, offer.resources, refuseSeconds)
}

/** Drops all offers of a framework that can not or need not hear of it. */
export function discardOffers(cluster: Cluster, framework: Framework): void {
  for (const offer of [...framework.offers]) returnOffer(cluster, offer)
}

/** Takes offers back and says so. */
export function rescindOffers(cluster: Cluster, offers: Iterable<OfferRecord>): void {
  for (const offer of [...offers]) {
    const framework = cluster.frameworks.get(offer.frameworkId)
    if (framework) {
      cluster.tally.framework(framework.id, 'offers/rescinded')
      cluster.tell(framework, { type: 'RESCIND', rescind: { offer_id: { value: offer.id } } })
    }
    returnOffer(cluster, offer)
  }
}

/** Rescinds offers that nobody answered within `--offer_timeout`. */
export function rescindExpired(cluster: Cluster): void {
  const { offerTimeout } = cluster.config
  if (offerTimeout === undefined) return
  // Offers lie in the order in which they were made.
  for (const offer of cluster.offers.values()) {
    if (cluster.now.monotonic - offer.madeAt < offerTimeout) return
    rescindOffers(cluster, [offer])
  }
}
