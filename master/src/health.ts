import type { LinkState } from '@meseta/common/coordination/store'
import type { BusState } from '@meseta/common/messaging/bus'
import type { Clock } from '@meseta/common/service/clock'
import { type HealthCheck, type HealthReport, reportOf } from '@meseta/common/service/health'
import type { Leadership } from './api/routes.ts'

/** A state and since when it lasts, milliseconds since 1970. */
interface Lasting<State> {
  readonly state: State
  readonly since: number
}

/** What a master is asked about when it is asked for its health. */
export interface HealthFacts {
  readonly store: Lasting<LinkState>
  readonly bus: Lasting<BusState>
  readonly leadership: Leadership
  readonly leadershipSince: number
  /** Since when a leader does not hear its own echo, though it is connected to the bus. */
  readonly blindSince: number | undefined
  /** Changes to the registry that are not stored yet. */
  readonly unwritten: number
}

/** What works, and what this master waits for since when: it says when it is blind, and then judges nobody. */
export function healthOf(facts: HealthFacts): HealthReport {
  return reportOf({ election: election(facts), store: store(facts), bus: bus(facts) })
}

const time = (since: number): string => new Date(since).toISOString()

function waiting(
  status: 'degraded' | 'down',
  waits_for: string,
  since: number,
  what: string,
  meaning: string,
): HealthCheck {
  return { status, sentence: `${what} since ${time(since)}: ${meaning}`, waits_for, since: time(since) }
}

function election({ leadership, leadershipSince }: HealthFacts): HealthCheck {
  if (leadership.state === 'following') return { status: 'ok', sentence: `follows ${leadership.leader}, which leads` }
  if (leadership.state === 'unknown')
    return waiting('down', 'election', leadershipSince, 'no leader is known', 'it waits for the election')
  if (leadership.api) return { status: 'ok', sentence: 'leads' }
  return waiting('down', 'registry', leadershipSince, 'it is elected and reads the registry', 'it answers when it has')
}

function store({ store: { state, since }, unwritten, leadership }: HealthFacts): HealthCheck {
  if (state === 'connected') return { status: 'ok', sentence: 'connected' }
  if (state === 'lost')
    return {
      status: 'down',
      sentence: `the session is lost since ${time(since)}: this process ends`,
      since: time(since),
    }
  const meaning =
    leadership.state === 'leading'
      ? `agents that come and go wait for it, ${unwritten} changes are unwritten`
      : 'another leader would not be seen'
  return waiting('degraded', 'store', since, 'the store can not be reached', meaning)
}

function bus({ bus: { state, since }, leadership, blindSince }: HealthFacts): HealthCheck {
  const meaning =
    leadership.state === 'leading'
      ? 'agents are not heard, and no agent is judged by its silence'
      : 'it is not needed yet'
  if (state !== 'connected') return waiting('degraded', 'bus', since, 'the bus is disconnected', meaning)
  if (blindSince !== undefined)
    return waiting('degraded', 'echo', blindSince, 'its own echo over the bus does not return', meaning)
  return { status: 'ok', sentence: 'connected' }
}

interface Stateful<State> {
  readonly state: State
  onState(listener: (state: State) => void): () => void
}

/** Follows a state, so as to know since when it lasts. */
export class Since<State> {
  readonly #source: Stateful<State>
  #since: number
  readonly stop: () => void

  constructor(source: Stateful<State>, clock: Clock) {
    this.#source = source
    this.#since = clock.now()
    this.stop = source.onState(() => {
      this.#since = clock.now()
    })
  }

  get lasting(): Lasting<State> {
    return { state: this.#source.state, since: this.#since }
  }
}
