import { firstReason, type QueueEntry } from '../launch/queue.ts'
import { rejectReasons } from '../launch/reason.ts'
import type { Millis } from '../model.ts'
import type { State } from '../state.ts'
import { plainApp } from './app.ts'
import { podView } from './pod.ts'
import { iso } from './task.ts'

/** The launch queue of contract 6.4. */
export function queueView(state: State, withOffers: boolean, now: Millis): { queue: Record<string, unknown>[] } {
  const queue = state.queue.ids().flatMap(id => {
    const service = state.root.services.get(id)
    const entry = state.queue.get(id)
    const count = state.pending.get(id)?.size ?? 0
    if (service === undefined || entry === undefined || count === 0) return []
    const until = state.backoff.until(service, now)
    return [
      {
        [service.kind]: service.kind === 'app' ? plainApp(service) : podView(service),
        count,
        role: service.spec.role,
        delay: {
          timeLeftSeconds: until === undefined ? 0 : Math.ceil((until - now) / 1000),
          overdue: until === undefined,
        },
        since: iso(entry.since),
        processedOffersSummary: summaryOf(entry),
        ...(withOffers && { lastUnusedOffers: lastOffers(entry) }),
      },
    ]
  })
  return { queue }
}

function summaryOf(entry: QueueEntry): Record<string, unknown> {
  const last = [...entry.last.values()].map(one => firstReason(one.rejects))
  return {
    processedOffersCount: entry.processed,
    unusedOffersCount: entry.unused,
    ...(entry.lastUnused !== undefined && { lastUnusedOfferAt: iso(entry.lastUnused) }),
    ...(entry.lastUsed !== undefined && { lastUsedOfferAt: iso(entry.lastUsed) }),
    rejectSummaryLastOffers: funnel(reason => last.filter(one => one === reason).length, last.length),
    rejectSummaryLaunchAttempt: funnel(reason => entry.attempts.get(reason) ?? 0, entry.processed),
  }
}

/** Each reason sees only the offers that the ones before it have let through. */
function funnel(
  declinedBy: (reason: (typeof rejectReasons)[number]) => number,
  total: number,
): Record<string, unknown>[] {
  let processed = total
  return rejectReasons.map(reason => {
    const declined = declinedBy(reason)
    const line = { reason, declined, processed }
    processed -= declined
    return line
  })
}

const lastOffers = (entry: QueueEntry): Record<string, unknown>[] =>
  [...entry.last.values()].map(({ offer, rejects, at }) => ({
    offer: {
      id: offer.id.value,
      hostname: offer.hostname,
      agentId: offer.agent_id.value,
      resources: (offer.resources ?? []).map(resource => ({
        name: resource.name,
        role: resource.reservations?.at(-1)?.role ?? resource.role ?? '*',
        ...(resource.scalar && { scalar: resource.scalar.value }),
        ...(resource.ranges && { ranges: resource.ranges.range ?? [] }),
        ...(resource.set && { set: resource.set.item ?? [] }),
      })),
      attributes: (offer.attributes ?? []).map(attribute => ({
        name: attribute.name,
        ...(attribute.text && { text: attribute.text.value }),
        ...(attribute.scalar && { scalar: attribute.scalar.value }),
        ...(attribute.ranges && { ranges: attribute.ranges.range ?? [] }),
        ...(attribute.set && { set: attribute.set.item ?? [] }),
      })),
    },
    reason: rejects.map(reject => reject.reason),
    timestamp: iso(at),
  }))
