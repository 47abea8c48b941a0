import { Failure } from '../output/failure.ts'
import { didYouMean } from '../output/nearest.ts'
import { failureOf, parse, type Router } from './router.ts'

export interface MarathonApp {
  readonly id: string
  readonly cmd?: string | null
  readonly args?: readonly string[]
  readonly instances: number
  readonly cpus: number
  readonly mem: number
  readonly role?: string
  readonly version?: string
  readonly container?: { readonly type?: string }
  readonly healthChecks?: readonly unknown[]
  readonly tasksRunning?: number
  readonly tasksHealthy?: number
  readonly deployments?: readonly { readonly id: string }[]
  readonly [field: string]: unknown
}

export interface MarathonTask {
  readonly id: string
  readonly appId: string
  readonly host: string
  readonly state: string
  readonly startedAt?: string
  readonly role?: string
  readonly healthCheckResults?: readonly { readonly alive: boolean }[]
}

export interface MarathonDeployment {
  readonly id: string
  readonly version: string
  readonly affectedApps: readonly string[]
  readonly affectedPods?: readonly string[]
  readonly currentStep: number
  readonly totalSteps: number
  readonly currentActions: readonly { readonly action: string; readonly app?: string; readonly pod?: string }[]
}

export interface QueueItem {
  readonly app?: { readonly id: string }
  readonly pod?: { readonly id: string }
  readonly count: number
  readonly delay: { readonly overdue: boolean; readonly timeLeftSeconds: number }
}

/** Started by a call that changes something. */
export interface Started {
  readonly deploymentId?: string
  readonly version?: string
}

/** Ids in paths: with one leading slash, each segment encoded. `.` and `..` are no ids: addresses read them as folders. */
export function idPath(id: string): string {
  const segments = id.split('/').filter(segment => segment !== '')
  if (segments.some(segment => segment === '.' || segment === '..')) {
    throw new Failure(`"${id}" is no id`, { exit: 'usage', hint: 'ids are like /shop/web' })
  }
  return `/${segments.map(encodeURIComponent).join('/')}`
}

/** The service framework's API (Marathon contract) through the router. */
export class Marathon {
  readonly #router: Router

  constructor(router: Router) {
    this.#router = router
  }

  get<Body>(path: string): Promise<Body> {
    return this.#router.json<Body>(`/marathon${path}`)
  }

  /** A call that changes something; answers the body and the deployment it started. */
  async change(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Started & Record<string, unknown>> {
    const answer = await this.#router.ask(`/marathon${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
      timeout: 60_000,
    })
    if (answer.status >= 400) throw failureOf(answer)
    const content = answer.text.trim() === '' ? {} : parse<Started & Record<string, unknown>>(answer)
    const deploymentId = answer.headers.get('marathon-deployment-id') ?? content.deploymentId
    return { ...content, ...(deploymentId ? { deploymentId } : {}) }
  }

  /** An app, or the failure of the command line that names it. */
  async app(id: string): Promise<MarathonApp> {
    const path = idPath(id)
    if (path === '/') throw new Failure(`"${id}" is no id of an app`, { exit: 'usage', hint: 'ids are like /shop/web' })
    try {
      return (await this.get<{ app: MarathonApp }>(`/v2/apps${path}`)).app
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== 'notFound') throw error
      const known = await this.apps().then(
        ({ apps }) => apps.map(app => app.id),
        () => [],
      )
      throw new Failure(`app '${path}' does not exist`, {
        exit: 'notFound',
        hint: didYouMean(path, known) ?? '`meseta app list` shows all',
      })
    }
  }

  apps(): Promise<{ apps: MarathonApp[] }> {
    return this.get('/v2/apps?embed=apps.counts&embed=apps.deployments')
  }

  queue(): Promise<{ queue: QueueItem[] }> {
    return this.get('/v2/queue')
  }

  deployments(): Promise<MarathonDeployment[]> {
    return this.get('/v2/deployments')
  }
}
