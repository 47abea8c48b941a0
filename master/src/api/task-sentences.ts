import type { TaskStatus } from '@meseta/common/protocol/mesos'
import type { TaskStep } from '../state/changes.ts'

/** One step of a task's way. */
export interface Step {
  /** Seconds since 1970. */
  readonly timestamp: number
  /** A state, or what was asked for. */
  readonly code: string
  /** Who said it. */
  readonly by: string
  readonly sentence: string
  readonly [detail: string]: unknown
}

/** What statuses do not tell, in words. */
export function stepSentence({ code, offers = [], graceNanoseconds }: TaskStep): string {
  switch (code) {
    case 'LAUNCHED':
      return `The framework launched it with ${offers.length === 1 ? 'offer' : 'offers'} ${offers.join(', ')}, and its agent was told.`
    case 'UNREACHABLE':
      return 'The master lost its agent out of reach, and it with it.'
    case 'RETURNED':
      return 'Its agent came back to the master, and told of it.'
    case 'KILL_ASKED':
      return graceNanoseconds === undefined
        ? 'The framework asked to kill it.'
        : `The framework asked to kill it, with ${graceNanoseconds / 1e9} s to end by itself.`
  }
}

const states: Readonly<Partial<Record<TaskStatus['state'], string>>> = {
  TASK_STAGING: 'is on its way to the agent',
  TASK_STARTING: 'starts',
  TASK_RUNNING: 'runs',
  TASK_KILLING: 'is being killed',
  TASK_FINISHED: 'finished',
  TASK_FAILED: 'failed',
  TASK_KILLED: 'was killed',
  TASK_ERROR: 'was refused',
  TASK_LOST: 'was lost',
  TASK_DROPPED: 'was dropped before it was launched',
  TASK_UNREACHABLE: 'is out of reach with its agent',
  TASK_GONE: 'is gone',
  TASK_GONE_BY_OPERATOR: 'is gone with its agent, which an operator gave up',
  TASK_UNKNOWN: 'is not known',
}

const sources = { SOURCE_MASTER: 'The master', SOURCE_AGENT: 'The agent', SOURCE_EXECUTOR: 'The executor' } as const

/** A status in words. */
export function statusSentence({ state, source, reason, message, healthy }: TaskStatus, hostname?: string): string {
  const who = (source && sources[source]) ?? 'Somebody'
  const where = hostname === undefined || source === 'SOURCE_MASTER' ? '' : ` on ${hostname}`
  const health = healthy === undefined ? '' : healthy ? ', healthy' : ', not healthy'
  const why = reason === undefined ? '' : ` (${reason.replace('REASON_', '').toLowerCase().replaceAll('_', ' ')})`
  const words = message ? `: ${message}` : '.'
  return `${who}${where} said that it ${states[state] ?? state}${health}${why}${words}`
}

const agentStates: Readonly<Record<string, string>> = {
  connected: 'Its agent is connected.',
  disconnected: 'Its agent has lost the connection and may return.',
  recovered: 'Its agent has not returned to this master yet.',
  unreachable: 'Its agent is unreachable.',
  unknown: 'Its agent is not registered any more.',
}

export const agentSentence = (state: string): string => agentStates[state] ?? state
