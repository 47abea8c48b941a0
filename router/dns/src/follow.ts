import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { parsePid } from '@meseta/common/discovery/agent'
import { asBody, asPort, asText, field } from '@meseta/common/discovery/reading'
import { type Kept, Retention } from '@meseta/common/discovery/retention'
import { type FollowedFeed, followFeed } from '@meseta/common/feed/reader'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import type { Health } from '@meseta/common/service/health'
import type { Random } from '@meseta/common/service/random'
import type { Masters } from './records/cluster-records.ts'
import type { RecordGenerator } from './records/generator.ts'

export interface FollowContext {
  readonly clock: Clock
  readonly random: Random
  readonly log: Context<unknown>['log']
  readonly health: Health
  readonly generator: RecordGenerator
}

/** A source of records that is followed. */
export interface Source {
  /** Whether it has ever been complete: before, its zones are answered with SERVFAIL. */
  readonly ready: boolean
  stop(): void
}

const feedPath = '/meseta/v1/feed'
/** How often stale entries are looked at while there are some, and the age in `/health` is renewed, ms. */
const tick = 1_000
/** After this a host name that could not be resolved is tried again, ms. */
const lookupAgain = 30_000

/** Says in `/health` how old what a feed gave is, while it is away. */
function tellAge({ health, clock }: FollowContext, name: string, what: string) {
  let timer: Timer | undefined
  let since = clock.monotonic()
  let complete = false
  health.set(name, 'degraded', `${what} has not been reached yet: names that depend on it get SERVFAIL`)
  const away = (detail: string) => {
    const age = Math.round((clock.monotonic() - since) / 1000)
    const served = complete ? `names are as they were ${age} s ago` : 'names that depend on it get SERVFAIL'
    health.set(name, 'degraded', `${what} is away (${detail}): ${served}`)
  }
  return {
    live() {
      timer?.cancel()
      timer = undefined
      complete = true
      health.set(name, 'ok', `${what} is followed`)
    },
    lost(detail: string) {
      since = clock.monotonic()
      timer?.cancel()
      timer = clock.every(5 * tick, () => away(detail))
      away(detail)
    },
    stop: () => timer?.cancel(),
  }
}

/** Follows the leading master and keeps its records. `changed` is called after each change. */
export function followMaster(context: FollowContext, masters: readonly URL[], changed: () => void): Source {
  const { clock, random, log, generator } = context
  const retention = new Retention()
  const hosts = new HostNames(context)
  const age = tellAge(context, 'master', 'the leading master')
  let attempt = 0
  let ready = false
  const forget = (kind: Kept, key: string) => {
    if (kind === 'agent') generator.delAgent(key)
    else if (kind === 'task') generator.delTask(key)
    else generator.delFramework(key)
  }
  const expire = () => {
    const gone = retention.expire(clock.monotonic())
    for (const { kind, key } of gone) forget(kind, key)
    if (gone.length > 0) changed()
  }
  const put = (kind: string, key: string, body: unknown) => {
    if (kind === 'cluster') {
      const cluster = readCluster(body, masters)
      retention.leader(cluster.identity)
      generator.putMasters(cluster.masters)
    } else if (kind === 'agent') {
      retention.put('agent', key, undefined, clock.monotonic())
      generator.putAgent(key, body)
    } else if (kind === 'framework') {
      retention.put('framework', key, undefined, clock.monotonic())
      hosts.want(generator.putFramework(key, body))
    } else if (kind === 'task') {
      retention.put('task', key, asText(field(asBody(body), 'slave_id')), clock.monotonic())
      generator.putTask(key, body)
    } else return
    changed()
  }
  const feed: FollowedFeed = followFeed({
    url: async () => {
      const master = masters[attempt % masters.length]
      attempt += 1
      return master && new URL(feedPath, master).href
    },
    clock,
    random,
    log,
    on: {
      put,
      del(kind, key) {
        if (kind !== 'agent' && kind !== 'framework' && kind !== 'task') return
        if (retention.del(kind, key)) forget(kind, key)
        changed()
      },
      reset: () => retention.reset(),
      synced() {
        retention.synced(clock.monotonic())
        ready = true
        expire()
        changed()
      },
      state: (state, detail) => (state === 'live' ? age.live() : age.lost(detail)),
    },
  })
  const expiry = clock.every(tick, expire)
  return {
    get ready() {
      return ready
    },
    stop() {
      feed.stop()
      expiry.cancel()
      age.stop()
      hosts.stop()
    },
  }
}

/** Follows the balancer's feed for the names of virtual IPs. */
export function followBalancer(context: FollowContext, balancer: URL, changed: () => void): Source {
  const { clock, random, log, generator } = context
  const age = tellAge(context, 'balancer', 'the balancer')
  let ready = false
  const feed = followFeed({
    url: new URL(feedPath, balancer).href,
    clock,
    random,
    log,
    on: {
      put(kind, key, body) {
        if (kind === 'vip') generator.putVip(key, body)
        changed()
      },
      del(kind, key) {
        if (kind === 'vip') generator.delVip(key)
        changed()
      },
      synced() {
        ready = true
        changed()
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

/** Where a master is, of a pid, a URL, `host:port`, or an object that holds one of them. */
function masterPlace(value: unknown): { address: string; port: number } | undefined {
  const body = asBody(value)
  const text = asText(value) ?? asText(field(body, 'pid')) ?? asText(field(body, 'url'))
  const place = text === undefined ? undefined : parsePid(text.replace(/^(https?:\/\/|[^@]*@)?/, '@'))
  const address = place?.host ?? asText(field(body, 'ip')) ?? asText(field(body, 'hostname'))
  if (address === undefined || isIP(address) === 0) return undefined
  return { address, port: place?.port ?? asPort(field(body, 'port')) ?? 5050 }
}

/** The `cluster` of the master's feed. Masters are numbered in the order of `--master`, then in that of the feed. */
export function readCluster(value: unknown, configured: readonly URL[]): { masters: Masters; identity: string } {
  const body = asBody(value)
  const info = asBody(field(body, 'leader_info'))
  const known = field(body, 'masters')
  const listed = [
    ...configured.map(url => url.hostname.replace(/^\[|\]$/g, '')),
    ...(Array.isArray(known) ? known : []),
  ]
  const addresses = listed.flatMap(item => (isIP(String(item)) ? String(item) : (masterPlace(item)?.address ?? [])))
  const started = field(body, 'elected_time') ?? field(body, 'start_time') ?? ''
  return {
    masters: { leader: masterPlace(info), configured: [...new Set(addresses)] },
    identity: `${asText(field(info, 'id')) ?? ''} ${String(started)}`,
  }
}

/** Resolves the host names of schedulers, each once, again after a while when that failed. */
class HostNames {
  readonly #context: FollowContext
  readonly #asked = new Set<string>()
  readonly #timers = new Set<Timer>()
  #stopped = false

  constructor(context: FollowContext) {
    this.#context = context
  }

  want(host: string | undefined): void {
    if (host === undefined || this.#asked.has(host) || this.#asked.size >= mostLookups || this.#stopped) return
    this.#asked.add(host)
    void lookup(host, { all: true }).then(
      found =>
        this.#resolved(
          host,
          found.map(({ address }) => address),
        ),
      error => this.#failed(host, error as Error),
    )
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
  }

  #resolved(host: string, addresses: readonly string[]): void {
    this.#asked.delete(host)
    if (!this.#stopped) this.#context.generator.putHost(host, addresses)
  }

  #failed(host: string, error: Error): void {
    if (this.#stopped) return
    this.#context.log.info({ host, err: error }, 'the host name of a framework can not be resolved')
    const timer = this.#context.clock.after(lookupAgain, () => {
      this.#timers.delete(timer)
      this.#asked.delete(host)
      if (this.#context.generator.needsHost(host)) this.want(host)
    })
    this.#timers.add(timer)
  }
}

/** Host names in work at a time; more wait for the framework's next change. */
const mostLookups = 256
