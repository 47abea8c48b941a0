import { type Body, moment, num, object, text, word } from '../model/body.ts'
import type { Model } from '../model/model.ts'
import { ofDeployments } from '../model/status.ts'
import { nameOf } from './plan.ts'

export type StepId = 'posted' | 'running' | 'healthy' | 'name' | 'page'

/** How far an installation is. Moments are milliseconds of the caller's clock. */
export interface Progress {
  /** The app; undefined for a package that runs nothing. */
  readonly appId: string | undefined
  readonly startedAt: number
  readonly times: Readonly<Partial<Record<StepId, number>>>
  /** What was last answered to those who asked for the name or the page in vain. */
  readonly answers: Readonly<Partial<Record<'name' | 'page', string>>>
  readonly asked: boolean
}

export interface Step {
  readonly id: StepId
  readonly state: 'done' | 'now' | 'later'
  readonly text: string
  /** Instances that are so far, of all, where that is counted. */
  readonly of?: readonly [number, number]
  /** Milliseconds from the beginning to when it was reached. */
  readonly took?: number | undefined
}

export const begun = (appId: string | undefined, startedAt: number, now: number): Progress => ({
  appId,
  startedAt,
  times: { posted: now },
  answers: {},
  asked: false,
})

const hasChecks = (app: Body): boolean => num(app.healthChecks) > 0

export const pageOf = (app: Body): string | undefined => {
  const name = text(object(app.labels).DCOS_SERVICE_NAME)
  return name === '' ? undefined : `/service/${name}/`
}

const stepsOf = (app: Body): readonly StepId[] => [
  'posted',
  'running',
  ...(hasChecks(app) ? (['healthy'] as const) : []),
  'name',
  ...(pageOf(app) ? (['page'] as const) : []),
]

/** What is reached now for the first time, with its moment. The same object when nothing is. */
export function advanced(progress: Progress, model: Model, now: number): Progress {
  const app = progress.appId === undefined ? undefined : model.get('app', progress.appId)
  if (!app) return progress
  const wanted = num(app.instances)
  const times = { ...progress.times }
  if (times.running === undefined && num(app.tasksRunning) >= wanted) times.running = now
  const isRunning = times.running !== undefined
  if (times.healthy === undefined && isRunning && hasChecks(app) && num(app.tasksHealthy) >= wanted) times.healthy = now
  return Object.keys(times).length === Object.keys(progress.times).length ? progress : { ...progress, times }
}

/** What is to be asked for, once instances serve: the app's name, and its page. */
export function questions(progress: Progress, model: Model): { name: string; page: string | undefined } | undefined {
  const app = progress.appId === undefined ? undefined : model.get('app', progress.appId)
  if (!app || progress.asked || num(app.instances) === 0) return undefined
  const ready = hasChecks(app) ? progress.times.healthy : progress.times.running
  return ready === undefined ? undefined : { name: nameOf(progress.appId!), page: pageOf(app) }
}

export function isOver(progress: Progress, model: Model): boolean {
  if (progress.appId === undefined) return true
  const app = model.get('app', progress.appId)
  return app !== undefined && stepsOf(app).every(id => progress.times[id] !== undefined)
}

export function steps(progress: Progress, model: Model): Step[] {
  const app = progress.appId === undefined ? undefined : model.get('app', progress.appId)
  const wanted = num(app?.instances)
  const texts: Readonly<Record<StepId, string>> = {
    posted: 'posted',
    running: 'deploying',
    healthy: 'healthy',
    name: `name ${progress.appId === undefined ? '' : nameOf(progress.appId)}`,
    page: `URL ${app ? (pageOf(app) ?? '') : ''}`,
  }
  let isNext = true
  return stepsOf(app ?? {}).map(id => {
    const at = progress.times[id]
    const state = at !== undefined ? 'done' : isNext ? 'now' : 'later'
    if (state === 'now') isNext = false
    const count = id === 'running' ? num(app?.tasksRunning) : id === 'healthy' ? num(app?.tasksHealthy) : undefined
    return {
      id,
      state,
      text: id === 'running' && at !== undefined ? 'deployed' : texts[id],
      ...(count === undefined ? {} : { of: [count, wanted] as const }),
      ...(at === undefined ? {} : { took: at - progress.startedAt }),
    }
  })
}

export interface Trouble {
  readonly text: string
  /** False for what comes by itself with time. */
  readonly bad: boolean
}

/** Why it does not go on, in a sentence: what it waits for, or how its last instance ended. */
export function trouble(progress: Progress, model: Model): Trouble | undefined {
  if (progress.appId === undefined || isOver(progress, model)) return undefined
  const wait = model.get('wait', progress.appId)
  const failure = object(model.get('app', progress.appId)?.lastTaskFailure)
  const failedAt = moment(failure.timestamp)
  if (failedAt !== undefined && failedAt >= progress.startedAt - 1_000)
    return { text: `an instance ended ${word(failure.state)}: ${text(failure.message) || 'no message'}`, bad: true }
  if (wait) return { text: `waits: ${text(wait.sentence)}`, bad: !ofDeployments.has(text(wait.code)) }
  const answers = [progress.answers.name, progress.answers.page].filter(Boolean)
  return answers.length > 0 ? { text: answers.join('; '), bad: false } : undefined
}
