import type { Mark } from './marks.ts'
import type { App, Pod, Wait } from './objects.ts'

export type AppStatus =
  | 'degraded'
  | 'waiting'
  | 'delayed'
  | 'recovering'
  | 'deploying'
  | 'deleting'
  | 'running'
  | 'stopped'

/** Worst first: the order in which a person wants to see them. */
export const statusOrder: readonly AppStatus[] = [
  'degraded',
  'waiting',
  'delayed',
  'recovering',
  'deploying',
  'deleting',
  'running',
  'stopped',
]

const marks: Readonly<Record<AppStatus, Mark>> = {
  degraded: 'bad',
  waiting: 'warn',
  delayed: 'warn',
  recovering: 'busy',
  deploying: 'busy',
  deleting: 'busy',
  running: 'good',
  stopped: 'idle',
}

export const markOfStatus = (status: AppStatus): Mark => marks[status]

/** A service that starts its tasks again after a pause waits for the clock, not for resources. */
const isDelay = (wait: Wait) => /BACKOFF|BACKED_OFF|DELAY/i.test(wait.code)

/** The status of an app (dashboard contract 1.2, first match), with what it waits for beside it. */
export function statusOfApp(app: App, wait: Wait | undefined): AppStatus {
  const wanted = app.instances ?? 0
  const running = app.tasksRunning ?? 0
  const staged = app.tasksStaged ?? 0
  if (app.env_keys?.includes('SDK_UNINSTALL')) return 'deleting'
  if (wanted === 0 && running === 0 && staged === 0) return 'stopped'
  if (wait) return isDelay(wait) ? 'delayed' : 'waiting'
  if ((app.deployments?.length ?? 0) > 0) return 'deploying'
  if ((app.tasksUnhealthy ?? 0) > 0) return 'degraded'
  if (running >= wanted) return 'running'
  return staged > 0 || running === 0 ? 'recovering' : 'degraded'
}

/** The same for a pod, which says most of it itself. */
export function statusOfPod(pod: Pod, wait: Wait | undefined, deploying: boolean): AppStatus {
  if ((pod.spec?.scaling?.instances ?? 1) === 0 && (pod.instances?.length ?? 0) === 0) return 'stopped'
  if (wait) return isDelay(wait) ? 'delayed' : 'waiting'
  if (deploying) return 'deploying'
  if (pod.status === 'STABLE') return 'running'
  return pod.status === 'TERMINAL' ? 'stopped' : 'degraded'
}
