import type { Offer } from '@meseta/common/protocol/mesos'
import type { Millis } from '../model.ts'
import type { PathId } from '../paths.ts'
import { type OfferRejection, type Reject, type RejectReason, rejectReasons } from './reason.ts'

/** What happened to offers while a service waited (contract 6.4). */
export interface QueueEntry {
  readonly since: Millis
  processed: number
  unused: number
  lastUnused?: Millis
  lastUsed?: Millis
  /** By reason, over the whole wait. */
  readonly attempts: Map<RejectReason, number>
  /** The newest refused offer of each agent. */
  readonly last: Map<string, OfferRejection & { readonly at: Millis }>
}

/** Agents whose newest refusal is kept for one service: at the bound the oldest leaves. */
const maxAgents = 1000

/** The books of the services that wait. */
export class QueueBook {
  readonly #entries = new Map<PathId, QueueEntry>()

  get(id: PathId): QueueEntry | undefined {
    return this.#entries.get(id)
  }

  open(id: PathId, now: Millis): QueueEntry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const entry: QueueEntry = { since: now, processed: 0, unused: 0, attempts: new Map(), last: new Map() }
    this.#entries.set(id, entry)
    return entry
  }

  close(id: PathId): boolean {
    return this.#entries.delete(id)
  }

  ids(): PathId[] {
    return [...this.#entries.keys()]
  }

  refused(id: PathId, offer: Offer, rejects: readonly Reject[], now: Millis): void {
    const entry = this.open(id, now)
    entry.processed += 1
    entry.unused += 1
    entry.lastUnused = now
    const first = firstReason(rejects)
    if (first !== undefined) entry.attempts.set(first, (entry.attempts.get(first) ?? 0) + 1)
    const agent = offer.agent_id.value
    entry.last.delete(agent)
    entry.last.set(agent, { offer, rejects, at: now })
    if (entry.last.size > maxAgents) entry.last.delete(entry.last.keys().next().value as string)
  }

  used(id: PathId, now: Millis): void {
    const entry = this.open(id, now)
    entry.processed += 1
    entry.lastUsed = now
  }
}

/** An offer counts once, at its first reason in the order of the funnel. */
export const firstReason = (rejects: readonly Reject[]): RejectReason | undefined =>
  rejectReasons.find(reason => rejects.some(reject => reject.reason === reason))
