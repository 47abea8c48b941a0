import { type FollowedFeed, followFeed } from '@meseta/common/feed/reader'
import { FeedWriter } from '@meseta/common/feed/writer'
import type { Clock } from '@meseta/common/service/clock'
import type { Health } from '@meseta/common/service/health'
import type { Random } from '@meseta/common/service/random'
import type { Logger } from 'pino'
import { rewriteImages } from './api/rewrite.ts'
import { searchEntry } from './catalog/search.ts'
import { isObject, type Json, member } from './render/json.ts'
import { label } from './render/labels.ts'
import type { Repositories } from './repositories/repositories.ts'
import { toInstallation } from './services/installed.ts'
import type { MarathonApp } from './services/marathon.ts'

export interface CatalogFeedOptions {
  readonly repositories: Repositories
  /** Marathon's address; without one nothing is said of installed packages. */
  readonly marathon: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly health: Health
}

/** The universe's feed: kinds `repository`, `package` and `installed` (docs/architecture.md). */
export class CatalogFeed {
  readonly writer: FeedWriter
  readonly #options: CatalogFeedOptions
  readonly #keys = new Map<string, Set<string>>([
    ['repository', new Set()],
    ['package', new Set()],
  ])
  /** Which installation each app of Marathon belongs to: those of a group share one. */
  readonly #installationOf = new Map<string, string>()
  #followed: FollowedFeed | undefined
  #update: Promise<void> = Promise.resolve()

  constructor(options: CatalogFeedOptions) {
    this.#options = options
    this.writer = new FeedWriter({ epoch: options.random.uuid(), clock: options.clock })
  }

  start(): void {
    const { marathon, clock, random, log, health } = this.#options
    if (marathon === undefined) return
    this.#followed = followFeed({
      url: `${marathon}/meseta/v1/feed`,
      clock,
      random,
      log,
      on: {
        put: (kind, key, body) => {
          if (kind === 'app') this.#app(key, body)
        },
        del: (kind, key) => {
          if (kind === 'app') this.#forget(key)
        },
        state: (state, detail) => {
          if (state === 'live') health.set('marathon', 'ok', 'the apps of Marathon are followed')
          else health.set('marathon', 'degraded', `what is installed is of the past: ${detail}`)
        },
      },
    })
  }

  stop(): void {
    this.#followed?.stop()
  }

  /** Brings `repository` and `package` up to date. Calls are worked off one after the other. */
  update(): Promise<void> {
    this.#update = this.#update
      .then(() => this.#updateCatalog())
      .catch(error => {
        this.#options.log.warn({ reason: (error as Error).message }, 'the feed of packages is not up to date')
      })
    return this.#update
  }

  async #updateCatalog(): Promise<void> {
    const { repositories } = this.#options
    const list = await repositories.list()
    this.#replace(
      'repository',
      list.map((repository, index) => [repository.name, { ...repository, index }]),
    )
    const collection = await repositories.collection()
    this.#replace(
      'package',
      collection.names.map(name => {
        const { versions: _, ...entry } = searchEntry(collection.versionsOf(name))
        return [name, { ...entry, images: rewriteImages(entry.images, '') }]
      }),
    )
  }

  #replace(kind: 'repository' | 'package', entries: readonly (readonly [string, object])[]): void {
    const old = this.#keys.get(kind)!
    const now = new Set(entries.map(([key]) => key))
    for (const key of old) if (!now.has(key)) this.writer.del(kind, key)
    for (const [key, body] of entries) this.writer.put(kind, key, body)
    this.#keys.set(kind, now)
  }

  #app(id: string, body: unknown): void {
    const labels = member(body, 'labels')
    if (!isObject(labels) || typeof labels[label.name] !== 'string') {
      this.#forget(id)
      return
    }
    const found = toInstallation({ ...(body as Record<string, Json>), id, labels } as MarathonApp)
    if (this.#installationOf.get(id) !== found.id) this.#forget(id)
    this.#installationOf.set(id, found.id)
    const { id: appId, packageName, packageVersion, source } = found
    this.writer.put('installed', appId, { appId, packageName, packageVersion, repository: source })
  }

  #forget(id: string): void {
    const installation = this.#installationOf.get(id)
    if (installation === undefined) return
    this.#installationOf.delete(id)
    if (![...this.#installationOf.values()].includes(installation)) this.writer.del('installed', installation)
  }
}
