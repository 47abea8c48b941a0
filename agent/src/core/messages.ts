import type {
  AgentToMaster,
  CheckStatusInfo,
  ContainerID,
  MasterToAgent,
  TaskStatusReason,
} from '@meseta/common/protocol/mesos'
import type { CheckTarget } from '../checks/target.ts'
import type { ContainerSpec, Exit } from '../containers/launcher.ts'

/** The time of a step, in milliseconds: the wall's, for what people read and what is stored; and one that never goes back. */
export interface Now {
  readonly wall: number
  readonly mono: number
}

/** What the shell tells the heart. */
export type Command =
  | { readonly type: 'link-opened'; readonly epoch: number }
  | { readonly type: 'link-ended' }
  | { readonly type: 'master'; readonly message: MasterToAgent }
  | { readonly type: 'started'; readonly container: ContainerID; readonly pid: number }
  | {
      readonly type: 'launch-failed'
      readonly container: ContainerID
      readonly message: string
      readonly reason: TaskStatusReason
    }
  | { readonly type: 'exited'; readonly container: ContainerID; readonly exit: Exit }
  | { readonly type: 'reaped'; readonly container: ContainerID }
  | { readonly type: 'probed'; readonly task: string; readonly probe: 'health' | 'check'; readonly result: ProbeResult }
  | { readonly type: 'stop-tasks' }
  | { readonly type: 'unregister'; readonly reason: string }
  /** Time has passed: a deadline of `nextDeadline` is due. */
  | { readonly type: 'tick' }

/** What one run of a check found. */
export interface ProbeResult {
  readonly passed: boolean
  /** Why it did not pass, in a sentence. */
  readonly detail?: string | undefined
  /** What a CheckInfo reports; an empty typed object when there was no result in time. */
  readonly status?: CheckStatusInfo | undefined
}

/** One run of a health check or check of a task. Durations in milliseconds. */
export interface Probe {
  readonly task: string
  readonly probe: 'health' | 'check'
  readonly target: CheckTarget
  readonly timeout: number
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** As whom a command runs, where the agent may switch users. */
  readonly user: string | undefined
}

/**
 * What the shell has to do. Effects of one lane are done in order, each when the one before is complete (a write when it is
 * durable); those of the lane `*` wait for all lanes, and all for them; `launch`, `reap` and `probe` are only begun, and answer by a command later. Lanes do not wait for each other.
 */
export type Effect = { readonly lane: string } & (
  | { readonly type: 'write'; readonly path: string; readonly value: unknown }
  | { readonly type: 'append'; readonly path: string; readonly text: string }
  | { readonly type: 'replace'; readonly path: string; readonly text: string }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  | { readonly type: 'sandbox-link'; readonly path: string; readonly target: string }
  | { readonly type: 'forget'; readonly path: string }
  | { readonly type: 'launch'; readonly spec: ContainerSpec }
  | { readonly type: 'kill'; readonly container: ContainerID; readonly signal: number }
  | { readonly type: 'reap'; readonly container: ContainerID; readonly grace: number }
  | { readonly type: 'remove'; readonly container: ContainerID }
  | { readonly type: 'destroy'; readonly container: ContainerID }
  | { readonly type: 'probe'; readonly run: Probe }
  | { readonly type: 'send'; readonly message: AgentToMaster }
  | { readonly type: 'collect'; readonly path: string }
  | { readonly type: 'make-volume'; readonly path: string }
  | { readonly type: 'drop-volume'; readonly path: string }
  | {
      readonly type: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly text: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly type: 'halt'; readonly message: string }
)
