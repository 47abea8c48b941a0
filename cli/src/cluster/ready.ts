import { type FollowedFeed, followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'

/** What is followed of a cluster from its router's stream. */
export interface ClusterWatch {
  /** Resolves when every component is followed by the router, the agents have registered and Marathon is connected. */
  readonly ready: Promise<void>
  /** What is still missing, as a sentence; undefined when nothing is. */
  missing(): string | undefined
  stop(): void
}

interface LeaderInfo {
  readonly leader_info?: { readonly pid?: string }
}

/** Follows the cluster until and after it is ready. `leader` is told the leading master's address each time it changes. */
export function watchCluster(router: string, agents: number, leader: (url: string) => void): ClusterWatch {
  const sources = new Map<string, boolean>()
  const active = new Set<string>()
  let connected = false
  let last: string | undefined
  const ready = Promise.withResolvers<void>()
  const missing = () => {
    const lost = [...sources].filter(([, live]) => !live).map(([name]) => name)
    if (sources.size === 0) return 'the router does not answer yet'
    if (lost.length > 0) return `the router does not hear ${lost.join(', ')} yet`
    if (active.size < agents) return `${active.size} of ${agents} agents have registered`
    return connected ? undefined : 'Marathon is not connected to the master yet'
  }
  const look = () => {
    if (missing() === undefined) ready.resolve()
  }
  const feed: FollowedFeed = followFeed({
    url: `${router}/meseta/v1/events?topics=source,cluster,agent,info`,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'cli', level: 'silent' }),
    retry: { first: 50, longest: 2_000 },
    on: {
      put(kind, key, body) {
        if (kind === 'source') sources.set(key, (body as { state: string }).state === 'live')
        else if (kind === 'agent') {
          // One that an operator has deactivated is there all the same.
          const { active: isActive, deactivated } = body as { active: boolean; deactivated?: boolean }
          if (isActive || deactivated) active.add(key)
          else active.delete(key)
        } else if (kind === 'info') connected = (body as { connected?: boolean }).connected === true
        else if (kind === 'cluster') {
          const address = /@(.+)$/.exec((body as LeaderInfo).leader_info?.pid ?? '')?.[1]
          if (address && address !== last) leader(`http://${address}`)
          last = address ?? last
        }
        look()
      },
      del(kind, key) {
        if (kind === 'agent') active.delete(key)
      },
      synced: look,
    },
  })
  return { ready: ready.promise, missing, stop: () => feed.stop() }
}

/** Waits for `ready`; after the limit the sentence says what was missing. */
export async function untilReady(watch: ClusterWatch, limit: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = systemClock.after(limit, () =>
    late.reject(
      new Error(`the cluster is not ready after ${limit / 1000} s: ${watch.missing() ?? 'it just became ready'}`),
    ),
  )
  try {
    await Promise.race([watch.ready, late.promise])
  } finally {
    timer.cancel()
  }
}
