import { followFeed } from '@meseta/common/feed/reader'
import type { FeedWriter } from '@meseta/common/feed/writer'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Health } from '@meseta/common/service/health'
import { authorizationHeaders, type OwnCredential } from '@meseta/common/service/own-credential'
import type { Random } from '@meseta/common/service/random'
import type { Task } from '@meseta/ui/model/objects'
import type { Logger } from 'pino'
import { pointOf, pointsKept } from './events/history.ts'
import { carried, type SourceName, type SourceState } from './events/kinds.ts'
import type { TaskViews } from './events/task-views.ts'
import type { AgentEntry, ClusterEntry, Upstreams } from './routes/upstreams.ts'
import type { AppEntry, FrameworkEntry, InstanceEntry, ServiceTable } from './services/service-table.ts'

export interface SourcesOptions {
  readonly urls: Readonly<Record<SourceName, string | (() => Promise<string | undefined>)>>
  /** How the router proves to masters who it is. */
  readonly masterCredential?: OwnCredential | undefined
  readonly writer: FeedWriter
  readonly services: ServiceTable
  readonly tasks: TaskViews
  readonly upstreams: Upstreams
  readonly health: Health
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Points of the chart are taken this often, milliseconds. */
const sampleInterval = 2_000

/**
 * Follows the feeds of master, Marathon, catalog and balancer: one subscription each for the whole router. A change goes to the
 * routing tables and to the router's own stream. When a source is lost its objects stay as they were last seen.
 */
export class Sources {
  readonly #options: SourcesOptions
  readonly #states = new Map<SourceName, SourceState>()
  readonly #feeds: { stop(): unknown }[] = []
  readonly #sampler: Timer
  #samples = 0

  constructor(options: SourcesOptions) {
    this.#options = options
    for (const name of Object.keys(carried) as SourceName[]) this.#follow(name)
    this.#sampler = options.clock.every(sampleInterval, () => this.#sample())
  }

  /** Whether the objects of this source are known, however old. */
  knows(name: SourceName): boolean {
    return this.#states.get(name)?.known ?? false
  }

  /** Each source as `hello` shows it: how old what is known of it is, in ms; `null` when nothing is. */
  ages(): Record<SourceName, { age_ms: number | null; leader?: string }> {
    const { clock, upstreams } = this.#options
    const ageOf = ({ state, since, known }: SourceState) => (!known ? null : state === 'live' ? 0 : clock.now() - since)
    const ages = [...this.#states.values()].map(state => [
      state.name,
      { age_ms: ageOf(state), ...(state.name === 'master' && upstreams.leader ? { leader: upstreams.leader } : {}) },
    ])
    return Object.fromEntries(ages)
  }

  stop(): void {
    this.#sampler.cancel()
    for (const feed of this.#feeds) feed.stop()
  }

  #follow(name: SourceName): void {
    const { clock, random, log, urls, writer, masterCredential } = this.#options
    this.#setState(name, 'lost', 'not reached yet', false)
    const feed = followFeed({
      url: urls[name],
      clock,
      random,
      log: log.child({ source: name }),
      // What proves to masters who we are is shown to nobody else.
      headers: name === 'master' ? authorizationHeaders(masterCredential) : {},
      on: {
        put: (kind, key, body) => {
          if (carried[name].has(kind)) writer.put(kind, key, body)
          this.#put(kind, key, body)
        },
        del: (kind, key) => {
          if (carried[name].has(kind)) writer.del(kind, key)
          this.#delete(kind, key)
        },
        synced: () => this.#setState(name, 'live', 'following its feed', true),
        state: (state, detail) => this.#setState(name, state, detail, this.knows(name)),
      },
    })
    this.#feeds.push(feed)
  }

  #put(kind: string, key: string, body: unknown): void {
    const { services, tasks, upstreams } = this.#options
    if (kind === 'cluster') upstreams.putCluster(body as ClusterEntry)
    else if (kind === 'agent') upstreams.putAgent(body as AgentEntry)
    else if (kind === 'framework') services.putFramework(body as FrameworkEntry)
    else if (kind === 'app') services.putApp(body as AppEntry)
    else if (kind === 'instance') services.putInstance(body as InstanceEntry)
    else if (kind === 'task') tasks.put(key, body as Task)
  }

  #delete(kind: string, key: string): void {
    const { services, tasks, upstreams } = this.#options
    if (kind === 'agent') upstreams.deleteAgent(key)
    else if (kind === 'framework') services.deleteFramework(key)
    else if (kind === 'app') services.deleteApp(key)
    else if (kind === 'instance') services.deleteInstance(key)
    else if (kind === 'task') tasks.delete(key)
  }

  #setState(name: SourceName, state: SourceState['state'], detail: string, known: boolean): void {
    const { clock, health, writer } = this.#options
    const before = this.#states.get(name)
    const since = before?.state === state ? before.since : clock.now()
    const next: SourceState = { name, state, since, detail, known }
    this.#states.set(name, next)
    writer.put('source', name, next)
    const sentence =
      state === 'live'
        ? detail
        : `${detail}; ${known ? 'its last known objects are served' : 'nothing is known of it yet'}`
    health.set(name, state === 'live' ? 'ok' : 'degraded', sentence)
  }

  #sample(): void {
    const { clock, upstreams, writer } = this.#options
    if (!this.knows('master')) return
    writer.put('metric', `cluster-${this.#samples % pointsKept}`, pointOf(clock.now(), upstreams.cluster as object))
    this.#samples += 1
  }
}
