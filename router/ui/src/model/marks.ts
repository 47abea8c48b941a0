/** How a state is drawn: each has a shape of its own beside its colour, and its word is always written. */
export type Mark = 'good' | 'busy' | 'warn' | 'bad' | 'idle'

const marksOfTasks: Readonly<Record<string, Mark>> = {
  TASK_RUNNING: 'good',
  TASK_STAGING: 'busy',
  TASK_STARTING: 'busy',
  TASK_KILLING: 'busy',
  TASK_FINISHED: 'idle',
  TASK_KILLED: 'idle',
  TASK_UNREACHABLE: 'warn',
  TASK_UNKNOWN: 'warn',
}

/** What has gone wrong is `bad`: failed, error, lost, dropped, gone. */
export const markOfTask = (state: string): Mark => marksOfTasks[state] ?? 'bad'

const active = new Set(['TASK_RUNNING', 'TASK_STAGING', 'TASK_STARTING', 'TASK_KILLING', 'TASK_UNREACHABLE'])

export const isActive = (state: string): boolean => active.has(state)

const failed = new Set(['TASK_FAILED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR'])

export const isFailed = (state: string): boolean => failed.has(state)
