import type { Tone } from '../text.ts'
import { type Body, num, object, text, word } from './body.ts'

/** The letter that leads a row: `x` bad, `!` look at it, `*` under way. */
export type Mark = 'x' | '!' | '*' | ' '

export interface Status {
  readonly word: string
  readonly mark: Mark
}

export const toneOf: Readonly<Record<Mark, Tone | undefined>> = { x: 'bad', '!': 'warn', '*': 'busy', ' ': undefined }

/** Worst first. */
export const badness = (mark: Mark): number => 'x!* '.indexOf(mark)

/** An app in one word: the worst that holds (dashboard contract, 1.2). */
export function appStatus(app: Body, wait: Body | undefined): Status {
  const instances = num(app.instances)
  const running = num(app.tasksRunning)
  const deploying = Array.isArray(app.deployments) && app.deployments.length > 0
  if (wait && running < instances) {
    if (text(wait.code) === 'BACKOFF') return { word: 'delayed', mark: 'x' }
    if (!ofDeployments.has(text(wait.code))) return { word: 'waiting', mark: 'x' }
  }
  if (deploying) return { word: 'deploying', mark: '*' }
  if (instances === 0 && running === 0) return { word: 'stopped', mark: ' ' }
  if (running < instances) return { word: 'degraded', mark: '!' }
  if (num(app.tasksUnhealthy) > 0) return { word: 'unhealthy', mark: '!' }
  return { word: 'running', mark: ' ' }
}

/** Waits that are part of a deployment which goes on (codes of Marathon's `wait` objects). */
export const ofDeployments: ReadonlySet<string> = new Set([
  'DEPENDENCY',
  'NOT_HEALTHY',
  'NOT_READY',
  'ENDING',
  'RESIDENT',
])

/** Why an app is not as wanted, in one sentence; empty when there is nothing to say. */
export function appWhy(app: Body, wait: Body | undefined): string {
  if (wait) return text(wait.sentence)
  const failure = app.lastTaskFailure as Body | undefined
  if (!failure || appStatus(app, wait).mark === ' ') return ''
  const message = text(failure.message)
  return `last task ${word(failure.state)}${message ? `: ${message}` : ''}`
}

export function taskMark(task: Body, healthy: unknown): Mark {
  const state = word(task.state)
  if (/^(failed|error|lost|dropped|gone|gone_by_operator)$/.test(state)) return 'x'
  if (state === 'unreachable') return '!'
  if (/^(staging|starting|killing)$/.test(state)) return '*'
  return state === 'running' && healthy === false ? '!' : ' '
}

/** Whether a task holds resources. */
export const isActive = (state: string): boolean => /^(staging|starting|running|killing|unreachable)$/.test(state)

/** How an agent stands: one that an operator has taken out of offers is not one that is not heard. */
export function agentStatus(agent: Body): 'active' | 'deactivated' | 'draining' | 'drained' | 'disconnected' {
  const drain = text(object(agent.drain_info).state)
  if (drain === 'DRAINING' || drain === 'DRAINED') return drain === 'DRAINING' ? 'draining' : 'drained'
  if (agent.deactivated === true) return 'deactivated'
  return agent.active === true ? 'active' : 'disconnected'
}
