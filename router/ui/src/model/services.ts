import { type AppStatus, statusOfApp, statusOfPod, statusOrder } from './app-status.ts'
import { timeOf } from './format.ts'
import type { App, Framework, Pod, Wait } from './objects.ts'
import type { Store } from './store.ts'

/** An app or a pod as its row shows it. */
export interface Service {
  readonly id: string
  readonly kind: 'app' | 'pod'
  readonly status: AppStatus
  /** Why it is so, in words; empty when there is nothing to say. */
  readonly reason: string
  readonly wanted: number
  readonly running: number
  readonly healthy: number
  readonly unhealthy: number
  /** Whether anything checks its health. */
  readonly checked: boolean
  readonly cpus: number
  readonly mem: number
  /** When its definition last changed, ms; NaN when unknown. */
  readonly changedAt: number
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  readonly wait: Wait | undefined
  readonly link: string | undefined
}

/** All apps and pods, the worst first. */
export function servicesOf(store: Store): Service[] {
  const deploying = new Set(store.all('deployment').flatMap(({ affectedPods }) => affectedPods ?? []))
  const services = [
    ...store.all('app').map(app => serviceOfApp(app, store.get('wait', app.id))),
    ...store.all('pod').map(pod => serviceOfPod(pod, store.get('wait', pod.id), deploying.has(pod.id))),
  ]
  return services.sort(byStatusThenId)
}

/** One app or pod; undefined when there is none of this id. */
export function serviceOf(store: Store, id: string): Service | undefined {
  const app = store.get('app', id)
  if (app) return serviceOfApp(app, store.get('wait', id))
  const pod = store.get('pod', id)
  const deploying = store.all('deployment').some(({ affectedPods }) => affectedPods?.includes(id))
  return pod && serviceOfPod(pod, store.get('wait', id), deploying)
}

const byStatusThenId = (a: Service, b: Service) =>
  statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status) || (a.id < b.id ? -1 : 1)

export function serviceOfApp(app: App, wait: Wait | undefined): Service {
  const status = statusOfApp(app, wait)
  const labels = app.labels ?? {}
  return {
    id: app.id,
    kind: 'app',
    status,
    reason: wait?.sentence ?? reasonOf(app, status),
    wanted: app.instances ?? 0,
    running: app.tasksRunning ?? 0,
    healthy: app.tasksHealthy ?? 0,
    unhealthy: app.tasksUnhealthy ?? 0,
    checked: (app.healthChecks ?? 0) > 0,
    cpus: app.cpus ?? 0,
    mem: app.mem ?? 0,
    changedAt: timeOf(app.versionInfo?.lastConfigChangeAt ?? app.version),
    labels,
    image: app.image ?? '',
    wait,
    link: linkOf(labels),
  }
}

function reasonOf(app: App, status: AppStatus): string {
  const unhealthy = app.tasksUnhealthy ?? 0
  if (status === 'degraded' && unhealthy > 0)
    return `${unhealthy} of ${app.instances ?? 0} ${unhealthy === 1 ? 'fails its' : 'fail their'} health check`
  if (status !== 'degraded' && status !== 'recovering') return ''
  const missing = (app.instances ?? 0) - (app.tasksRunning ?? 0)
  const failure = app.lastTaskFailure?.message
  return `${missing} of ${app.instances ?? 0} not running${failure ? `; last failure: ${failure}` : ''}`
}

function serviceOfPod(pod: Pod, wait: Wait | undefined, deploying: boolean): Service {
  const instances = pod.instances ?? []
  const containers = pod.spec?.containers ?? []
  const sum = (name: 'cpus' | 'mem') => containers.reduce((total, { resources }) => total + (resources?.[name] ?? 0), 0)
  const ill = instances.find(({ message }) => message)
  const labels = pod.spec?.labels ?? {}
  return {
    id: pod.id,
    kind: 'pod',
    status: statusOfPod(pod, wait, deploying),
    reason: wait?.sentence ?? ill?.message ?? '',
    wanted: pod.spec?.scaling?.instances ?? instances.length,
    running: instances.filter(({ status }) => status === 'STABLE' || status === 'DEGRADED').length,
    healthy: 0,
    unhealthy: instances.filter(({ status }) => status === 'DEGRADED').length,
    checked: false,
    cpus: sum('cpus'),
    mem: sum('mem'),
    changedAt: timeOf(pod.spec?.version),
    labels,
    image: '',
    wait,
    link: linkOf(labels),
  }
}

/** Where the router serves it: what all three labels (admin router contract 2) give; undefined where it would not. */
export function linkOf(labels: Readonly<Record<string, string>>): string | undefined {
  const { DCOS_SERVICE_NAME: name = '', DCOS_SERVICE_SCHEME: scheme = '', DCOS_SERVICE_PORT_INDEX: index = '' } = labels
  return /^https?$/.test(scheme) && /^\d+$/.test(index) ? servicePath(name) : undefined
}

/** Where the router serves a framework's own page. */
export const linkOfFramework = (framework: Framework): string | undefined =>
  framework.webui_url && /^https?:\/\//.test(framework.webui_url) ? servicePath(framework.name) : undefined

/** Segment by segment. `.` and `..` would lead out of `/service/`: such a name has no place there. */
function servicePath(name: string): string | undefined {
  const segments = name.split('/').filter(segment => segment !== '')
  if (segments.length === 0 || segments.includes('.') || segments.includes('..')) return undefined
  return `/service/${segments.map(encodeURIComponent).join('/')}/`
}
