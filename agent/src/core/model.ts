import type {
  CheckStatusInfo,
  ContainerID,
  ExecutorInfo,
  FrameworkInfo,
  TaskInfo,
  TaskState,
  TaskStatus,
  TaskStatusReason,
} from '@meseta/common/protocol/mesos'
import type { Exit } from '../containers/launcher.ts'

/**
 * Who runs a task: `command`, the built-in executor of a single task; `default`, the built-in executor of task groups; `custom`,
 * a process of the framework that speaks the executor API, which this agent can not run yet.
 */
export type ExecutorKind = 'command' | 'default' | 'custom'

export interface FrameworkEntry {
  info: FrameworkInfo
  readonly id: string
  readonly executors: Map<string, ExecutorEntry>
  readonly completed: ExecutorEntry[]
  /** The master has removed it: its tasks are killed and their updates dropped. */
  terminating: boolean
}

export interface ExecutorEntry {
  readonly kind: ExecutorKind
  readonly info: ExecutorInfo
  readonly id: string
  readonly framework: FrameworkEntry
  /** The container of the executor; for a command task, of the task. */
  readonly container: ContainerID
  /** The sandbox of the executor. */
  readonly directory: string
  readonly tasks: Map<string, TaskEntry>
  readonly completed: TaskEntry[]
  phase: 'active' | 'terminated'
}

/** `launching`: fetching and starting; `reaping`: its process ended, others of its session may be left. */
export type TaskPhase = 'launching' | 'running' | 'reaping' | 'ended'

export interface TaskEntry {
  readonly info: TaskInfo
  readonly id: string
  /** `<framework id>/<task id>`: neither id holds a slash. */
  readonly key: string
  readonly executor: ExecutorEntry
  readonly container: ContainerID
  readonly directory: string
  /** Tasks launched together share it. */
  readonly group?: string | undefined
  phase: TaskPhase
  /** The latest state, which may not have been forwarded yet. */
  state: TaskState
  /** One status a state, in order; the newest of a state replaces an older one. */
  readonly statuses: TaskStatus[]
  pid?: number | undefined
  /** Wall time of TASK_RUNNING, ms. */
  startedAt?: number | undefined
  kill?: KillInProgress | undefined
  exit?: Exit | undefined
  health: HealthProgress | undefined
  healthy?: boolean | undefined
  checkStatus?: CheckStatusInfo | undefined
}

/** Why a task is being killed, and how its end will be told. What is stored about it is `StoredKill`. */
export interface KillInProgress extends StoredKill {
  /** Monotonic time of SIGKILL, ms: the wall's clock may jump. */
  readonly deadline: number
  /** SIGKILL was sent, or is. */
  forced: boolean
}

/** Stored beside the task, so that a kill goes on after a restart of the agent. */
export interface StoredKill {
  /** Wall time of SIGKILL, ms. */
  readonly graceEnds: number
  /** The whole grace period, ms: no more is left of it, whatever the clock says. Earlier agents did not store it. */
  readonly grace?: number | undefined
  readonly final: TaskState
  readonly reason?: TaskStatusReason | undefined
  readonly message?: string | undefined
  readonly healthy?: boolean | undefined
}

export interface HealthProgress {
  failures: number
  /** A success was seen: the grace period is over. */
  succeeded: boolean
  /** Monotonic time until which failures before the first success are invisible. */
  graceEnds: number
}

/** Bounds of what is remembered of the past (agent contract, section 4). */
export const history = { frameworks: 50, executors: 150, tasks: 200 }

export function taskKey(frameworkId: string, taskId: string): string {
  return `${frameworkId}/${taskId}`
}

export function executorKey(frameworkId: string, executorId: string): string {
  return `${frameworkId}/${executorId}`
}

/** As whom a task runs: what it says itself, else its executor, else its framework. */
export function userOf({ info, executor }: TaskEntry): string | undefined {
  return info.command?.user ?? executor.info.command?.user ?? executor.framework.info.user
}

/** Adds to a bounded memory of the past; the oldest goes. */
export function remember<T>(past: T[], item: T, limit: number): void {
  past.push(item)
  if (past.length > limit) past.shift()
}
