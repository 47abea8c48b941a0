import type { KillPolicy, TaskState, TaskStatusReason } from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { checkpointVersion } from '../checkpoints/stored.ts'
import { type Core, hasCapability, isCheckpointed, laneOf } from './core.ts'
import type { ExecutorEntry, KillInProgress, StoredKill, TaskEntry } from './model.ts'
import { report } from './statuses.ts'

const sigterm = 15
const sigkill = 9
/** Grace between SIGTERM and SIGKILL where neither the call nor the task says one (agent contract, section 3), ms. */
export const defaultGrace = 3_000
/** SIGKILL is sent again so often while the container does not end, ms. */
const killAgain = 1_000

export interface KillWish {
  /** The kill policy of the call. */
  readonly policy?: KillPolicy | undefined
  /** Grace to give in place of any policy, ms. */
  readonly grace?: number | undefined
  readonly final?: TaskState
  readonly reason?: TaskStatusReason | undefined
  readonly message?: string | undefined
  readonly healthy?: boolean | undefined
  /** No TASK_KILLING is told. */
  readonly quiet?: boolean
}

/** The grace a task's own kill policy gives, ms. */
export function ownGrace(task: TaskEntry): number {
  return policyGrace(task.info.kill_policy) ?? defaultGrace
}

/**
 * Ends a task of a built-in executor: SIGTERM to its whole process tree, SIGKILL after the grace period. A later shorter grace
 * reschedules, a longer one is ignored (agent contract, section 3).
 */
export function killTask(core: Core, task: TaskEntry, wish: KillWish = {}): void {
  if (task.phase === 'ended' || task.phase === 'reaping') return
  const grace = wish.grace ?? policyGrace(wish.policy) ?? ownGrace(task)
  if (task.kill !== undefined) {
    if (core.now.mono + grace < task.kill.deadline) beginKill(core, task, task.kill, grace)
    return
  }
  if (task.phase === 'launching') killDuringLaunch(core, task, wish, grace)
  else {
    const { final = 'TASK_KILLED', reason, message, healthy } = wish
    beginKill(core, task, { final, reason, message, healthy }, grace)
    if (wish.quiet !== true && hasCapability(task.executor.framework, 'TASK_KILLING_STATE'))
      report(core, task, 'TASK_KILLING', { reason })
    signalForKill(core, task)
  }
}

/** Goes on with a kill that was begun: signals, and sets the deadline of the next signal. */
export function signalForKill(core: Core, task: TaskEntry): void {
  const { kill } = task
  if (kill === undefined || task.phase !== 'running') return
  stopProbes(core, task)
  const signal = kill.forced ? sigkill : sigterm
  core.effects.push({ type: 'kill', lane: laneOf(task.executor), container: task.container, signal })
  const { mono } = core.now
  core.timers.set({ kind: 'escalate', subject: task.key }, kill.forced ? mono + killAgain : kill.deadline)
}

/** The grace period is over, or SIGKILL has not worked yet. */
export function escalate(core: Core, task: TaskEntry): void {
  if (task.kill === undefined) return
  task.kill.forced = true
  signalForKill(core, task)
}

/** The rest of a group goes with any of its tasks that ended without success. */
export function killGroup(core: Core, task: TaskEntry): void {
  if (task.group === undefined || !isTerminal(task.state) || task.state === 'TASK_FINISHED') return
  for (const other of task.executor.tasks.values())
    if (other !== task && other.group === task.group) killTask(core, other)
}

/** Kills all tasks of an executor and ends it; each task keeps at most `grace`. */
export function killAll(core: Core, executor: ExecutorEntry, grace: number): void {
  for (const task of [...executor.tasks.values()]) killTask(core, task, { grace: Math.min(grace, ownGrace(task)) })
}

export function stopProbes(core: Core, task: TaskEntry): void {
  for (const kind of ['health', 'check', 'completion'] as const) core.timers.cancel({ kind, subject: task.key })
}

/** A kill of an earlier life of the agent, with what is left of its grace period. */
export function resumedKill(core: Core, stored: StoredKill): KillInProgress {
  const { wall, mono } = core.now
  const left = Math.max(0, Math.min(stored.graceEnds - wall, stored.grace ?? Number.POSITIVE_INFINITY))
  return { ...stored, deadline: mono + left, forced: false }
}

type End = Pick<StoredKill, 'final' | 'reason' | 'message' | 'healthy'>

function beginKill(core: Core, task: TaskEntry, { final, reason, message, healthy }: End, grace: number): void {
  const { kill: earlier } = task
  const { wall, mono } = core.now
  const stored: StoredKill = { graceEnds: wall + grace, grace, final, reason, message, healthy }
  const kill = { ...stored, deadline: mono + grace, forced: earlier?.forced ?? false }
  task.kill = kill
  if (isCheckpointed(task.executor))
    core.effects.push({
      type: 'write',
      lane: laneOf(task.executor),
      path: core.paths(task.executor).kill(task.id),
      value: { version: checkpointVersion, ...stored },
    })
  if (earlier?.forced === false) core.timers.set({ kind: 'escalate', subject: task.key }, kill.deadline)
}

function killDuringLaunch(core: Core, task: TaskEntry, wish: KillWish, grace: number): void {
  const peers = [...task.executor.tasks.values()].filter(
    other => other === task || (other.group !== undefined && other.group === task.group && other.phase === 'launching'),
  )
  for (const peer of peers) {
    if (peer.kill !== undefined) continue
    const end: End = {
      final: wish.final ?? 'TASK_KILLED',
      reason: wish.reason ?? 'REASON_TASK_KILLED_DURING_LAUNCH',
      message: wish.message ?? 'Killed before delivery to the executor',
    }
    beginKill(core, peer, end, grace)
    // Aborts fetching; a process that has started all the same is signalled when that is known.
    core.effects.push({ type: 'kill', lane: laneOf(peer.executor), container: peer.container, signal: sigterm })
  }
}

/** The grace that a policy gives, ms; undefined where it says nothing of it. */
export function policyGrace(policy: KillPolicy | undefined): number | undefined {
  const nanoseconds = policy?.grace_period?.nanoseconds
  return nanoseconds === undefined ? undefined : Math.max(0, nanoseconds / 1e6)
}
