import { type FollowedFeed, followFeed } from '../feed/reader.ts'
import type { Clock, Timer } from '../service/clock.ts'
import type { Context } from '../service/component.ts'
import type { Health } from '../service/health.ts'
import { authorizationHeaders, type OwnCredential } from '../service/own-credential.ts'
import type { Random } from '../service/random.ts'
import { asBody, asText, field } from './reading.ts'
import { type Kept, Retention } from './retention.ts'

export interface FollowContext {
  readonly clock: Clock
  readonly random: Pick<Random, 'next'>
  readonly log: Context<unknown>['log']
  readonly health: Health
}

/** A source of state that is followed. */
export interface Source {
  /** Whether it has ever been complete. What it gave stays valid while it is away. */
  readonly ready: boolean
  stop(): void
}

/** What is told of a feed. */
export interface SourceListener {
  put(kind: string, key: string, body: unknown): void
  del(kind: string, key: string): void
  synced?(): void
  reset?(): void
}

/** How a source shows in `/health`. */
export interface SourceName {
  /** Of the check: `master`. */
  readonly check: string
  /** In its sentence: `the leading master`. */
  readonly title: string
  /** What is the case before it was ever reached: `names get SERVFAIL`. */
  readonly without: string
}

/** Where every feed is served. */
export const feedPath = '/meseta/v1/feed'
/** How often the age in `/health` is renewed while a source is away, ms. */
const ageTick = 5_000
/** How often stale entries are looked at while there are some, ms. */
const expiryTick = 1_000

/** Follows the feed of one of several servers, in turn until one answers; `credential` says to them who asks. `/health` says how old what it gave is while it is away. */
export function followSource(
  context: FollowContext,
  name: SourceName,
  servers: readonly URL[],
  on: SourceListener,
  credential?: OwnCredential,
): Source {
  const age = new SourceAge(context, name)
  let attempt = 0
  let ready = false
  const feed: FollowedFeed = followFeed({
    url: async () => {
      const server = servers[attempt % servers.length]
      attempt += 1
      return server && new URL(feedPath, server).href
    },
    clock: context.clock,
    random: context.random,
    log: context.log.child({ source: name.check }),
    headers: authorizationHeaders(credential),
    on: {
      put: (kind, key, body) => on.put(kind, key, body),
      del: (kind, key) => on.del(kind, key),
      reset: () => on.reset?.(),
      synced() {
        ready = true
        on.synced?.()
      },
      state: (state, detail) => (state === 'live' ? age.live() : age.lost(detail)),
    },
  })
  return {
    get ready() {
      return ready
    },
    stop() {
      feed.stop()
      age.stop()
    },
  }
}

/**
 * Follows the leading master's feed. Agents, frameworks and tasks that a new leader has not yet spoken of are kept as `Retention`
 * says; their `del` comes when they have outlived their grace.
 */
export function followCluster(
  context: FollowContext,
  name: SourceName,
  masters: readonly URL[],
  on: SourceListener,
  credential?: OwnCredential,
): Source {
  const { clock } = context
  const retention = new Retention()
  const expire = () => {
    for (const { kind, key } of retention.expire(clock.monotonic())) on.del(kind, key)
  }
  const source = followSource(
    context,
    name,
    masters,
    {
      put(kind, key, body) {
        if (isKept(kind)) {
          const agent = kind === 'task' ? asText(field(asBody(body), 'slave_id')) : undefined
          retention.put(kind, key, agent, clock.monotonic())
        } else if (kind === 'cluster') retention.leader(leaderIdentity(body))
        on.put(kind, key, body)
      },
      del(kind, key) {
        if (!isKept(kind) || retention.del(kind, key)) on.del(kind, key)
      },
      reset() {
        retention.reset()
        on.reset?.()
      },
      synced() {
        retention.synced(clock.monotonic())
        expire()
        on.synced?.()
      },
    },
    credential,
  )
  const expiry = clock.every(expiryTick, expire)
  return {
    get ready() {
      return source.ready
    },
    stop() {
      source.stop()
      expiry.cancel()
    },
  }
}

const isKept = (kind: string): kind is Kept => kind === 'agent' || kind === 'framework' || kind === 'task'

/** Differs with each leader and each start of one. */
function leaderIdentity(cluster: unknown): string {
  const body = asBody(cluster)
  const since = field(body, 'elected_time') ?? field(body, 'start_time') ?? ''
  return `${asText(field(asBody(field(body, 'leader_info')), 'id')) ?? ''} ${String(since)}`
}

/** Says in `/health` how old what a source gave is, while it is away. */
class SourceAge {
  readonly #context: FollowContext
  readonly #name: SourceName
  #timer: Timer | undefined
  #since = 0
  #complete = false

  constructor(context: FollowContext, name: SourceName) {
    this.#context = context
    this.#name = name
    context.health.set(name.check, 'degraded', `${name.title} has not been reached yet: ${name.without}`)
  }

  live(): void {
    this.stop()
    this.#complete = true
    this.#context.health.set(this.#name.check, 'ok', `${this.#name.title} is followed`)
  }

  lost(detail: string): void {
    const { clock } = this.#context
    this.stop()
    this.#since = clock.monotonic()
    this.#timer = clock.every(ageTick, () => this.#tell(detail))
    this.#tell(detail)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #tell(detail: string): void {
    const { check, title, without } = this.#name
    const age = Math.round((this.#context.clock.monotonic() - this.#since) / 1000)
    const served = this.#complete ? `what it said is served as it was ${age} s ago` : without
    this.#context.health.set(check, 'degraded', `${title} is away (${detail}): ${served}`)
  }
}
