import type { AllocatorInverseOfferStatusStatus, Filters, InverseOffer, OfferID } from '@meseta/common/protocol/mesos'
import type { Cluster } from '../cluster.ts'
import { refuseSeconds } from '../offers/accept.ts'
import { agentUrl } from '../offers/offers.ts'
import type { Agent, Framework, Invitation } from '../records.ts'

/** An event with inverse offers holds so many at most: some 500 kB. */
const portion = 1_000

/**
 * Asks frameworks that have something on agents whose machines are to go whether they mind (Mesos contract 8.4): each once, and
 * again when what it answered with is over. What they answer binds nobody. Costs the tasks on those agents.
 */
export function makeInverseOffers(cluster: Cluster): void {
  const byFramework = new Map<Framework, InverseOffer[]>()
  for (const agent of cluster.unavailable) {
    if (!agent.connected || agent.leaving) continue
    for (const framework of guestsOf(cluster, agent)) {
      const offer = invite(cluster, agent, framework)
      if (!offer) continue
      const offers = byFramework.get(framework)
      if (offers) offers.push(offer)
      else byFramework.set(framework, [offer])
    }
  }
  for (const [framework, offers] of byFramework)
    for (let from = 0; from < offers.length; from += portion)
      cluster.tell(framework, {
        type: 'INVERSE_OFFERS',
        inverse_offers: { inverse_offers: offers.slice(from, from + portion) },
      })
}

/** Frameworks that listen and have tasks or executors on an agent. */
function guestsOf(cluster: Cluster, agent: Agent): Set<Framework> {
  const guests = new Set<Framework>()
  const add = (id: string) => {
    const framework = cluster.frameworks.get(id)
    if (framework?.streamId !== undefined) guests.add(framework)
  }
  for (const frameworkId of cluster.tasks.frameworksOn(agent.id)) add(frameworkId)
  for (const frameworkId of agent.executors.keys()) add(frameworkId)
  return guests
}

function invite(cluster: Cluster, agent: Agent, framework: Framework): InverseOffer | undefined {
  const known = agent.invitations.get(framework.id)
  if (known && (known.offerId !== undefined || known.quietUntil > cluster.now.monotonic)) return undefined
  const offerId = cluster.newOfferId()
  agent.invitations.set(framework.id, { quietUntil: 0, status: known?.status, offerId })
  cluster.inverseOffers.set(offerId, { agentId: agent.id, frameworkId: framework.id })
  const offer: InverseOffer = {
    id: { value: offerId },
    url: agentUrl(agent),
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    unavailability: agent.unavailability!,
  }
  cluster.change({ type: 'INVERSE_OFFER', offer })
  return offer
}

/** ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS: noted for `/maintenance/status`. Ids that are not there are passed over. */
export function answerInverseOffers(
  cluster: Cluster,
  framework: Framework,
  status: AllocatorInverseOfferStatusStatus,
  call: { readonly inverse_offer_ids?: OfferID[]; readonly filters?: Filters },
): void {
  const seconds = refuseSeconds(call.filters)
  for (const { value } of call.inverse_offer_ids ?? []) {
    const place = cluster.inverseOffers.get(value)
    const agent = place?.frameworkId === framework.id ? cluster.agents.get(place.agentId) : undefined
    if (!agent) continue
    remove(cluster, value, framework.id)
    agent.invitations.set(framework.id, {
      offerId: undefined,
      quietUntil: cluster.now.monotonic + seconds * 1000,
      status: {
        status,
        framework_id: { value: framework.id },
        timestamp: { nanoseconds: Math.round(cluster.now.wall * 1e6) },
      },
    })
    cluster.showAgent(agent, false)
  }
}

/** An agent is away, or what was said of its machine holds no more: what is outstanding is taken back. */
export function rescindInverseOffers(cluster: Cluster, agent: Agent): void {
  for (const [frameworkId, invitation] of agent.invitations) {
    const { offerId } = invitation
    if (offerId === undefined) continue
    close(cluster, invitation, frameworkId)
    const framework = cluster.frameworks.get(frameworkId)
    if (framework)
      cluster.tell(framework, {
        type: 'RESCIND_INVERSE_OFFER',
        rescind_inverse_offer: { inverse_offer_id: { value: offerId } },
      })
  }
}

/** A framework can not or need not hear of them any more: it is asked again when it is back. */
export function discardInverseOffers(cluster: Cluster, framework: Framework): void {
  for (const agent of cluster.unavailable) {
    const invitation = agent.invitations.get(framework.id)
    if (invitation) close(cluster, invitation, framework.id)
  }
}

/** What a framework that is no more has answered. */
export function forgetInvitations(cluster: Cluster, framework: Framework): void {
  discardInverseOffers(cluster, framework)
  for (const agent of cluster.unavailable) if (agent.invitations.delete(framework.id)) cluster.showAgent(agent, false)
}

function close(cluster: Cluster, invitation: Invitation, frameworkId: string): void {
  if (invitation.offerId !== undefined) remove(cluster, invitation.offerId, frameworkId)
  invitation.offerId = undefined
}

function remove(cluster: Cluster, id: string, frameworkId: string): void {
  cluster.inverseOffers.delete(id)
  cluster.change({ type: 'INVERSE_OFFER_REMOVED', id, frameworkId })
}
