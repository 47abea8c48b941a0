import type { ConnectionState } from '../live/connection.ts'
import type { Source } from './objects.ts'

export interface Freshness {
  readonly mark: 'good' | 'busy' | 'warn' | 'bad'
  readonly word: string
  /** What is old, and why; empty when all is live. */
  readonly detail: string
  /** Since when, ms. */
  readonly since: number
}

const names: Readonly<Record<string, string>> = {
  master: 'the master',
  marathon: 'Marathon',
  universe: 'the package catalog',
  balancer: 'the balancer',
}

/** What people call a source of the router. */
export const sourceName = (name: string): string => names[name] ?? name

/** How fresh the page is: what its own connection says first, then the router's own sources. */
export function freshnessOf(connection: ConnectionState, sources: readonly Source[]): Freshness {
  const { state, since, detail } = connection
  if (state === 'connecting') return { mark: 'busy', word: 'connecting', detail, since }
  if (state === 'unreached')
    return {
      mark: 'bad',
      word: 'not connected',
      detail: `nothing is known of the cluster yet (${detail}); it is asked again by itself`,
      since,
    }
  if (state === 'lost')
    return {
      mark: 'bad',
      word: 'stale',
      detail: `no connection to the router (${detail}); this is its last state`,
      since,
    }
  const lost = sources.filter(source => source.state === 'lost').sort((a, b) => a.since - b.since)
  const [first] = lost
  if (!first) return { mark: 'good', word: 'live', detail: '', since }
  const who = lost.map(({ name }) => sourceName(name)).join(', ')
  return {
    mark: 'warn',
    word: 'partly stale',
    detail: `the router does not hear ${who} (${first.detail}); ${first.known ? 'what it last knew is shown' : 'nothing is known of it yet'}`,
    since: first.since,
  }
}

/** Whether what a source tells is of the past. */
export const isStale = (connection: ConnectionState, source: Source | undefined): boolean =>
  connection.state === 'lost' || source?.state === 'lost'
