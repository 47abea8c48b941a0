import { isTerminal } from '@meseta/common/protocol/task-state'
import { executorFolder, sandboxOf } from '../checkpoints/layout.ts'
import type { Recovered, RecoveredExecutor, RecoveredTask } from '../checkpoints/stored.ts'
import { containerKey, type RecoveredContainer } from '../containers/launcher.ts'
import type { Core } from './core.ts'
import { goOnDraining } from './draining.ts'
import { killGroup, resumedKill, signalForKill } from './killing.ts'
import { addExecutor, trackTask } from './launching.ts'
import { launchFailed, limitCompletion, taskExited } from './lifecycle.ts'
import type { ExecutorEntry, FrameworkEntry, TaskEntry } from './model.ts'
import { recoverResources } from './operations.ts'
import { startProbes } from './probes.ts'
import { noteAgent } from './registration.ts'
import { noteStatus, report, type StatusExtras } from './statuses.ts'

/**
 * Takes over what an earlier life of the agent left (agent contract, section 4): its tasks with their updates, the containers
 * that run on, those that ended meanwhile. Containers that no checkpoint names are destroyed. Called once, before any step.
 */
export function recover(core: Core, recovered: Recovered, containers: readonly RecoveredContainer[]): void {
  const found = new Map(containers.map(container => [containerKey(container.id), container]))
  core.agentId = recovered.agentId
  if (recovered.agentId !== undefined && !recovered.isAgentNoted) noteAgent(core, recovered.agentId, 'agent')
  core.followed = recovered.followed
  recoverResources(core, recovered.resources)
  core.count('recovery_errors', recovered.errors.length)
  for (const { info, executors } of recovered.frameworks) {
    const framework: FrameworkEntry = {
      info,
      id: info.id?.value ?? '',
      executors: new Map(),
      completed: [],
      terminating: false,
    }
    core.frameworks.set(framework.id, framework)
    for (const executor of executors) recoverExecutor(core, framework, executor, found)
    forgetEmpty(core, framework)
  }
  // Only now that all of each group are known: the agent may have died between the end of one and the kill of the rest.
  for (const task of core.tasks.values()) if (task.phase === 'ended') killGroup(core, task)
  if (recovered.drain) goOnDraining(core, recovered.drain)
  for (const orphan of found.values()) destroyOrphan(core, orphan)
}

/**
 * Executors whose last task was acknowledged, or whose first one never stored, just before the agent died. Only when all of a
 * framework are there: the last one that is forgotten takes the framework along.
 */
function forgetEmpty(core: Core, framework: FrameworkEntry): void {
  for (const executor of [...framework.executors.values()]) if (executor.tasks.size === 0) core.forgetExecutor(executor)
  if (framework.executors.size === 0) core.frameworks.delete(framework.id)
}

function recoverExecutor(
  core: Core,
  framework: FrameworkEntry,
  stored: RecoveredExecutor,
  found: Map<string, RecoveredContainer>,
): void {
  const id = stored.info.executor_id.value
  const directory = sandboxOf(executorFolder(core.config.workDir, core.id, framework.id, id), stored.container)
  const executor: ExecutorEntry = {
    kind: stored.kind,
    info: stored.info,
    id,
    framework,
    container: stored.container,
    directory,
    tasks: new Map(),
    completed: [],
    phase: 'active',
  }
  addExecutor(core, executor)
  for (const task of stored.tasks) recoverTask(core, executor, task, found)
}

function recoverTask(
  core: Core,
  executor: ExecutorEntry,
  stored: RecoveredTask,
  found: Map<string, RecoveredContainer>,
): void {
  const { info, container, group, kill, records } = stored
  const isNested = container.parent !== undefined
  const task: TaskEntry = {
    info,
    id: info.task_id.value,
    key: `${executor.framework.id}/${info.task_id.value}`,
    executor,
    container,
    directory: isNested ? `${executor.directory}/containers/${container.value}` : executor.directory,
    group,
    phase: 'running',
    state: 'TASK_STAGING',
    statuses: [],
    kill: kill === undefined ? undefined : resumedKill(core, kill),
    health: undefined,
  }
  const stream = core.updates.restore(task.key, records)
  if (stream.finished) {
    core.updates.forget(task.key)
    return
  }
  trackTask(core, task)
  for (const record of records) if (record.type === 'UPDATE') noteRecovered(task, record.status)
  const key = containerKey(container)
  const process = found.get(key)
  found.delete(key)
  if (isTerminal(task.state)) endRecovered(core, task, process)
  else resume(core, task, process)
}

/** The task goes on where it was. */
function resume(core: Core, task: TaskEntry, process: RecoveredContainer | undefined): void {
  const { state } = process ?? { state: { kind: 'never-started' as const } }
  if (state.kind === 'never-started') {
    neverStarted(core, task)
    return
  }
  if (state.kind === 'ended') {
    taskExited(core, task, state.exit)
    return
  }
  task.pid = state.pid
  // The process was started, and the agent died before it could say so.
  if (task.state === 'TASK_STAGING' && task.kill === undefined) report(core, task, 'TASK_STARTING')
  if (task.startedAt === undefined) {
    task.startedAt = core.now.wall
    if (task.kill === undefined) report(core, task, 'TASK_RUNNING')
  }
  if (task.kill !== undefined) {
    signalForKill(core, task)
    return
  }
  limitCompletion(core, task)
  startProbes(core, task)
}

/** Its process never ran: it was being fetched, or about to be started, or its checkpoint was all there was. */
function neverStarted(core: Core, task: TaskEntry): void {
  task.phase = 'launching'
  if (task.kill !== undefined) launchFailed(core, task, '', 'REASON_TASK_KILLED_DURING_LAUNCH')
  else {
    const isStaging = task.state === 'TASK_STAGING' || task.state === 'TASK_STARTING'
    const extras: StatusExtras = isStaging
      ? { source: 'SOURCE_AGENT', reason: 'REASON_AGENT_RESTARTED', message: 'Task launched during agent restart' }
      : {
          source: 'SOURCE_AGENT',
          reason: 'REASON_EXECUTOR_TERMINATED',
          message: 'Abnormal executor termination: its container is unknown',
        }
    task.phase = 'ended'
    report(core, task, isStaging ? 'TASK_DROPPED' : 'TASK_FAILED', extras)
    core.effects.push({ type: 'remove', lane: task.executor.framework.id, container: task.container })
  }
}

/** Its end is stored and waits for acknowledgement; only the container may be left. */
function endRecovered(core: Core, task: TaskEntry, process: RecoveredContainer | undefined): void {
  task.phase = 'ended'
  core.containers.delete(containerKey(task.container))
  if (process !== undefined) destroyOrphan(core, process)
}

function noteRecovered(task: TaskEntry, status: Parameters<typeof noteStatus>[1]): void {
  noteStatus(task, status)
  if (status.healthy !== undefined) task.healthy = status.healthy
  if (status.check_status !== undefined) task.checkStatus = status.check_status
  if (status.state === 'TASK_RUNNING' && task.startedAt === undefined && status.timestamp !== undefined)
    task.startedAt = status.timestamp * 1000
}

/** Nothing but this container is known of it: it is killed, and forgotten. */
function destroyOrphan(core: Core, container: RecoveredContainer): void {
  const lane = `orphan ${containerKey(container.id)}`
  core.log('warn', 'a container that no checkpoint names is destroyed', { container_id: containerKey(container.id) })
  core.effects.push({ type: 'destroy', lane, container: container.id })
}
