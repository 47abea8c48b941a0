import { followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import { Failure } from '../output/failure.ts'

/** An app as the router's stream shows it, as far as progress needs it. */
export interface AppProgress {
  readonly id: string
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
  /** The deployment that must be over; without it, all of the app's. */
  readonly deploymentId?: string
  /** The app is expected to go away instead. */
  readonly gone?: boolean
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

/** Follows an app on the cluster's event stream until it is as wanted. Fails when that takes too long, with the last known reason. */
export function followApp(options: FollowAppOptions): Promise<void> {
  const { appId, deploymentId, gone, timeout, progress } = options
  let app: AppProgress | undefined
  let waits: string | undefined
  let synced = false
  let last = ''
  const deployments = new Set<string>()
  return new Promise((resolve, reject) => {
    const over = (settle: () => void) => {
      feed.stop()
      timer.cancel()
      settle()
    }
    const look = () => {
      if (!synced) return
      if (gone) {
        if (app === undefined) over(resolve)
        return
      }
      if (app === undefined) return
      const sentence = describeProgress(app, waits)
      if (sentence !== last) progress(sentence)
      last = sentence
      const deployed = deploymentId === undefined || !deployments.has(deploymentId)
      if (deployed && isSettled(app)) over(resolve)
    }
    const timer = systemClock.after(timeout, () =>
      over(() =>
        reject(
          new Failure(`${appId} is not ready after ${timeout / 1000} s${last ? ` (${last})` : ''}`, {
            exit: 'timeout',
            hint: 'it goes on; `meseta app show` and `meseta task log` tell more',
          }),
        ),
      ),
    )
    const feed = followFeed({
      url: `${options.router}/meseta/v1/events?topics=app,wait,deployment`,
      clock: systemClock,
      random: systemRandom,
      log: createLogger({ name: 'cli', level: 'silent' }),
      on: {
        put(kind, key, body) {
          if (kind === 'deployment') deployments.add(key)
          if (key !== appId) return
          if (kind === 'app') app = body as AppProgress
          else if (kind === 'wait') waits = (body as { sentence?: string }).sentence
          look()
        },
        del(kind, key) {
          if (kind === 'deployment') deployments.delete(key)
          if (key === appId && kind === 'app') app = undefined
          if (key === appId && kind === 'wait') waits = undefined
          look()
        },
        synced() {
          synced = true
          look()
        },
      },
    })
  })
}
