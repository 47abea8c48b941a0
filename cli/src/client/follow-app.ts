import { followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import { Failure } from '../output/failure.ts'
import { Marathon, type Started } from './marathon.ts'
import { Router } from './router.ts'

/** An app as the router's stream shows it, as far as progress needs it. */
export interface AppProgress {
  readonly id: string
  readonly version?: string
  readonly instances: number
  readonly healthChecks?: number
  readonly tasksStaged?: number
  readonly tasksRunning?: number
  readonly tasksHealthy?: number
  readonly deployments?: readonly { readonly id: string }[]
  readonly lastTaskFailure?: { readonly message?: string; readonly state?: string }
}

export interface FollowAppOptions {
  readonly router: string
  readonly appId: string
  /** The change that must be over; without it, all deployments of the app. */
  readonly change?: Started
  /** The app is expected to go away instead. */
  readonly gone?: boolean
  /** Milliseconds. */
  readonly timeout: number
  /** Called with one sentence each time the progress changed. */
  readonly progress: (sentence: string) => void
}

/** Whether an app is as its definition wants it. */
export function isSettled(app: AppProgress): boolean {
  const running = (app.tasksRunning ?? 0) >= app.instances
  const healthy = !app.healthChecks || (app.tasksHealthy ?? 0) >= app.instances
  return running && healthy && (app.deployments?.length ?? 0) === 0
}

/** One sentence on how far an app is. */
export function describeProgress(app: AppProgress, waits: string | undefined): string {
  const health = app.healthChecks ? `, ${app.tasksHealthy ?? 0} healthy` : ''
  const failure = app.lastTaskFailure?.message ? `; last failure: ${app.lastTaskFailure.message}` : ''
  return `${app.id}: ${app.tasksRunning ?? 0} of ${app.instances} running${health}${waits ? `; waits: ${waits}` : failure}`
}

/**
 * Follows an app on the cluster's event stream until it is as wanted. Fails when that takes too long, with the last known
 * reason, and when the deployment was undone.
 */
export async function followApp(options: FollowAppOptions): Promise<void> {
  const follower = new Follower(options)
  const feed = followFeed({
    url: `${options.router}/meseta/v1/events?topics=app,wait,deployment`,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'cli', level: 'silent' }),
    on: follower,
  })
  const timer = systemClock.after(options.timeout, () => follower.giveUp())
  try {
    await follower.over
  } finally {
    timer.cancel()
    feed.stop()
  }
}

interface Deployment {
  readonly affectedApps?: readonly string[]
}

class Follower {
  readonly #options: FollowAppOptions
  readonly #over = Promise.withResolvers<void>()
  readonly over = this.#over.promise
  /** The deployments that hold up the end: the change's, or without it those of the app. */
  readonly #deployments = new Set<string>()
  #app: AppProgress | undefined
  #waits: string | undefined
  #synced = false
  /** Whether the change was seen on the stream, or Marathon says that it is over: the stream may show what was before. */
  #isKnown: boolean
  #asking = false
  /** Whether the stream showed the deployment: one without steps is never shown, and changes no version. */
  #wasSeen = false
  #last = ''

  constructor(options: FollowAppOptions) {
    this.#options = options
    this.#isKnown = options.change?.deploymentId === undefined && !options.gone
  }

  put(kind: string, key: string, body: unknown): void {
    if (kind === 'deployment' && this.#concerns(key, body as Deployment)) {
      this.#deployments.add(key)
      this.#isKnown = true
      this.#wasSeen = true
    }
    if (key !== this.#options.appId) return
    if (kind === 'app') this.#app = body as AppProgress
    else if (kind === 'wait') this.#waits = (body as { sentence?: string }).sentence
    this.#look()
  }

  del(kind: string, key: string): void {
    if (kind === 'deployment') this.#deployments.delete(key)
    if (kind === 'app' && key === this.#options.appId) this.#app = undefined
    if (kind === 'wait' && key === this.#options.appId) this.#waits = undefined
    this.#look()
  }

  synced(): void {
    this.#synced = true
    this.#look()
  }

  giveUp(): void {
    const { appId, gone, timeout } = this.#options
    const failure = new Failure(
      `${appId} is not ${gone ? 'gone' : 'ready'} after ${timeout / 1000} s${this.#last ? ` (${this.#last})` : ''}`,
      { exit: 'timeout', hint: 'it goes on; `meseta app show` and `meseta task log` tell more' },
    )
    this.#over.reject(failure)
  }

  #look(): void {
    if (!this.#synced) return
    const { gone, progress } = this.#options
    const app = this.#app
    if (app && !gone) {
      const sentence = describeProgress(app, this.#waits)
      if (sentence !== this.#last) progress(sentence)
      this.#last = sentence
    }
    if (!this.#isKnown) void this.#ask()
    else if (this.#deployments.size > 0) return
    else if (this.#isUndone(app)) this.#over.reject(this.#undone())
    else if (gone ? app === undefined : app && isSettled(app)) this.#over.resolve()
  }

  #concerns(id: string, { affectedApps }: Deployment): boolean {
    const { change, appId } = this.#options
    return change?.deploymentId === undefined ? (affectedApps?.includes(appId) ?? false) : id === change.deploymentId
  }

  /** An app with another version than the change whose deployment has ended: older where it was stopped, newer where it was rolled back. */
  #isUndone(app: AppProgress | undefined): boolean {
    const { change, gone } = this.#options
    // Without a change of its own (a package that ends in steps) the deployment of one step says nothing of the next.
    if (!this.#wasSeen || app === undefined || change?.deploymentId === undefined) return false
    return (
      gone === true || (change.version !== undefined && app.version !== undefined && app.version !== change.version)
    )
  }

  #undone(): Failure {
    const { appId, change } = this.#options
    return new Failure(
      `deployment ${change?.deploymentId} of ${appId} has ended without effect: it was stopped, rolled back or overtaken by another change`,
      {
        exit: 'deploymentFailed',
        hint: `it is now version ${this.#app?.version}; \`meseta app show ${appId}\` shows it`,
      },
    )
  }

  /** The stream does not show the change: it is already over, or not there yet. Marathon knows. */
  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const { router, appId } = this.#options
    try {
      const marathon = new Marathon(new Router(router))
      const running = await marathon.deployments()
      if (running.some(deployment => this.#concerns(deployment.id, deployment))) return
      // Over before it was seen, or nothing was to be done: the app as Marathon has it counts.
      const app = await marathon.app(appId).catch(() => undefined)
      if (app) this.#app = { ...(this.#app ?? { id: appId }), ...app, healthChecks: app.healthChecks?.length ?? 0 }
      this.#isKnown = true
    } catch {
      // It is asked again at the next change; the time limit ends it.
    } finally {
      this.#asking = false
    }
    this.#look()
  }
}
