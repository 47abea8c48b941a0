import { constants } from 'node:os'
import type { TaskStatusReason } from '@meseta/common/protocol/mesos'
import { containerKey, type Exit } from '../containers/launcher.ts'
import { type Core, laneOf } from './core.ts'
import { killGroup, killTask, signalForKill, stopProbes } from './killing.ts'
import type { TaskEntry } from './model.ts'
import { startProbes } from './probes.ts'
import { report } from './statuses.ts'

/** The process of a task runs. */
export function taskStarted(core: Core, task: TaskEntry, pid: number): void {
  if (task.phase !== 'launching') return
  task.phase = 'running'
  task.pid = pid
  if (task.kill !== undefined) {
    signalForKill(core, task)
    return
  }
  if (task.executor.kind === 'command') report(core, task, 'TASK_STARTING')
  task.startedAt = core.now.wall
  if (task.info.check !== undefined) task.checkStatus = emptyCheckStatus(task)
  report(core, task, 'TASK_RUNNING')
  limitCompletion(core, task)
  startProbes(core, task)
}

/** Fetching or starting failed. */
export function launchFailed(core: Core, task: TaskEntry, message: string, reason: TaskStatusReason): void {
  if (task.phase !== 'launching') return
  if (task.kill !== undefined) {
    finish(core, task)
    return
  }
  core.count('container_launch_errors')
  endTask(core, task)
  report(core, task, 'TASK_FAILED', { source: 'SOURCE_AGENT', reason, message })
  afterEnd(core, task)
}

/** The process of a task ended: what it left in its session goes too, within the grace period if the task is being killed. */
export function taskExited(core: Core, task: TaskEntry, exit: Exit): void {
  if (task.phase === 'ended' || task.phase === 'reaping') return
  task.phase = 'reaping'
  task.exit = exit
  stopProbes(core, task)
  core.timers.cancel({ kind: 'escalate', subject: task.key })
  const { kill } = task
  const grace = kill === undefined || kill.forced ? 0 : Math.max(0, kill.deadline - core.now.mono)
  core.effects.push({ type: 'reap', lane: laneOf(task.executor), container: task.container, grace })
}

/** Nothing of the task is left: its end can be told. */
export function taskReaped(core: Core, task: TaskEntry): void {
  if (task.phase === 'reaping') finish(core, task)
}

/** The time a task may take at most is over. */
export function completionExpired(core: Core, task: TaskEntry): void {
  killTask(core, task, {
    grace: 0,
    final: 'TASK_FAILED',
    reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
    quiet: true,
  })
}

/** Starts the clock of `max_completion_time`, counted from TASK_RUNNING also across restarts of the agent. */
export function limitCompletion(core: Core, task: TaskEntry): void {
  const limit = task.info.max_completion_time?.nanoseconds
  if (limit === undefined || task.startedAt === undefined) return
  const left = Math.max(0, task.startedAt + limit / 1e6 - core.now.wall)
  core.timers.set({ kind: 'completion', subject: task.key }, core.now.mono + left)
}

function finish(core: Core, task: TaskEntry): void {
  const { kill, exit } = task
  endTask(core, task)
  if (kill !== undefined) {
    if (kill.healthy !== undefined) task.healthy = kill.healthy
    report(core, task, kill.final, { reason: kill.reason, message: kill.message ?? exitMessage(exit) })
  } else if (exit?.kind === 'lost')
    report(core, task, 'TASK_FAILED', {
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: exitMessage(exit),
    })
  else {
    const isSuccess = exit?.kind === 'exited' && exit.code === 0
    report(core, task, isSuccess ? 'TASK_FINISHED' : 'TASK_FAILED', { message: exitMessage(exit) })
  }
  afterEnd(core, task)
}

function endTask(core: Core, task: TaskEntry): void {
  task.phase = 'ended'
  core.timers.cancelAll(task.key)
  core.containers.delete(containerKey(task.container))
}

/** After the terminal update is durable the container can be forgotten; the others of its group follow it. */
function afterEnd(core: Core, task: TaskEntry): void {
  core.effects.push({ type: 'remove', lane: laneOf(task.executor), container: task.container })
  killGroup(core, task)
  if (!task.executor.framework.terminating) return
  // Nobody will acknowledge: the framework is gone.
  core.updates.forget(task.key)
  core.tasks.delete(task.key)
  task.executor.tasks.delete(task.id)
  if (task.executor.tasks.size === 0) core.forgetExecutor(task.executor)
}

/** How a command ended, in the words that clients know. */
export function exitMessage(exit: Exit | undefined): string | undefined {
  if (exit === undefined) return undefined
  if (exit.kind === 'exited') return `Command exited with status ${exit.code}`
  if (exit.kind === 'signalled') return `Command terminated with signal ${signalName(exit.signal)}`
  return `Abnormal executor termination: ${exit.detail}`
}

/** Names of signals as the C library words them, for those a task commonly meets. */
const signalWords: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  4: 'Illegal instruction',
  6: 'Aborted',
  7: 'Bus error',
  8: 'Floating point exception',
  9: 'Killed',
  10: 'User defined signal 1',
  11: 'Segmentation fault',
  12: 'User defined signal 2',
  13: 'Broken pipe',
  14: 'Alarm clock',
  15: 'Terminated',
  24: 'CPU time limit exceeded',
  25: 'File size limit exceeded',
  31: 'Bad system call',
}

function signalName(signal: number): string {
  const code = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0]
  return signalWords[signal] ?? code ?? `${signal}`
}

function emptyCheckStatus(task: TaskEntry) {
  const type = task.info.check?.type ?? 'COMMAND'
  if (type === 'HTTP') return { type, http: {} }
  return type === 'TCP' ? { type, tcp: {} } : { type, command: {} }
}
