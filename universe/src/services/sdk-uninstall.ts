import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Logger } from 'pino'
import { CatalogError } from '../problems.ts'
import { isObject, type JsonObject, member, sameJson } from '../render/json.ts'
import { label } from '../render/labels.ts'
import type { Marathon, MarathonApp } from './marathon.ts'
import type { Peer } from './peer.ts'

const interval = 10_000
const maxRounds = 10_000
/** Uninstalls that are waited for at a time; one more is refused. */
const maxWatched = 1_000

interface Watched {
  readonly app: MarathonApp
  readonly authorization: string | undefined
  readonly deploymentId: string
  /** What the scheduler called its frameworks when the uninstall began; undefined when it did not say. */
  readonly frameworkIds: string | undefined
  rounds: number
  timer: Timer | undefined
}

export interface SdkUninstallerOptions {
  readonly marathon: Marathon
  readonly router: Peer
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Schedulers that clean up after themselves (label DCOS_COMMONS_UNINSTALL; catalog contract 7): the app is started again with
 * SDK_UNINSTALL, and deleted when its plan says that it is done. The waiting lives in this process: after a restart of it the app
 * stays, cleaned up, until `uninstall` is asked again.
 */
export class SdkUninstaller {
  readonly #options: SdkUninstallerOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: SdkUninstallerOptions) {
    this.#options = options
  }

  async start(app: MarathonApp, authorization: string | undefined): Promise<void> {
    if (this.#watched.size >= maxWatched) {
      const explanation = `${maxWatched} uninstalls are running already; try again later`
      throw new CatalogError('FailedToStartUninstall', { appId: app.id, explanation })
    }
    const frameworkIds = await this.#frameworkIds(app, authorization)
    const { uris: _, version: __, ...definition } = app
    const env = member(app, 'env')
    const changed: JsonObject = { ...definition, env: { ...(isObject(env) ? env : {}), SDK_UNINSTALL: 'true' } }
    let deploymentId: string
    try {
      deploymentId = await this.#options.marathon.replace(app.id, changed, authorization)
    } catch (error) {
      throw new CatalogError('FailedToStartUninstall', { appId: app.id, explanation: (error as Error).message })
    }
    this.#watched.get(app.id)?.timer?.cancel()
    const watched: Watched = { app, authorization, deploymentId, frameworkIds, rounds: 0, timer: undefined }
    this.#watched.set(app.id, watched)
    this.#later(watched)
  }

  stop(): void {
    for (const { timer } of this.#watched.values()) timer?.cancel()
    this.#watched.clear()
  }

  #later(watched: Watched): void {
    watched.timer = this.#options.clock.after(interval, () => void this.#round(watched))
  }

  async #round(watched: Watched): Promise<void> {
    const { app } = watched
    watched.rounds += 1
    let done = false
    try {
      done = await this.#isDone(watched)
    } catch (error) {
      this.#options.log.info({ app_id: app.id, reason: (error as Error).message }, 'uninstall not finished yet')
    }
    if (this.#watched.get(app.id) !== watched) return
    if (!done && watched.rounds < maxRounds) return this.#later(watched)
    this.#watched.delete(app.id)
    if (!done) this.#options.log.warn({ app_id: app.id }, 'uninstall given up: its plan never ended')
  }

  /** True when there is nothing left to wait for: the app is deleted, or is not the one that is being removed. */
  async #isDone({ app, authorization, deploymentId, frameworkIds }: Watched): Promise<boolean> {
    const { marathon, router } = this.#options
    if (await marathon.isDeploying(deploymentId, authorization)) return false
    const now = await marathon.app(app.id, authorization)
    if (now === undefined || member(member(now, 'env'), 'SDK_UNINSTALL') !== 'true') return true
    const plan = await router.call({ method: 'GET', path: `${servicePath(app)}/plans/deploy`, authorization })
    if (plan.status !== 200 || !sameJson(await this.#frameworkIds(app, authorization), frameworkIds)) return false
    const status = await marathon.delete(app.id, 'apps', authorization)
    return status === 200 || (status >= 400 && status < 500)
  }

  async #frameworkIds(app: MarathonApp, authorization: string | undefined): Promise<string | undefined> {
    try {
      const path = `${servicePath(app)}/state/frameworkId`
      const answer = await this.#options.router.call({ method: 'GET', path, authorization })
      return answer.status === 200 ? answer.text : undefined
    } catch (error) {
      if (error instanceof CatalogError) return undefined
      throw error
    }
  }
}

function servicePath(app: MarathonApp): string {
  const version = app.labels[label.commonsVersion] ?? 'v1'
  const parts = [...app.id.split('/').filter(part => part !== ''), version]
  return `/service/${parts.map(encodeURIComponent).join('/')}`
}
