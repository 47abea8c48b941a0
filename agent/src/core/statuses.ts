import type {
  ContainerStatus,
  FrameworkInfo,
  NetworkInfo,
  TaskState,
  TaskStatus,
  TaskStatusReason,
  TaskStatusSource,
} from '@meseta/common/protocol/mesos'
import { isTerminal, stateFor } from '@meseta/common/protocol/task-state'
import type { UpdateEffect } from '../updates/manager.ts'
import { encodeRecord } from '../updates/record.ts'
import { type Core, hasCapability, isCheckpointed, laneOf } from './core.ts'
import type { Effect } from './messages.ts'
import { history, remember, type TaskEntry, taskKey } from './model.ts'

export interface StatusExtras {
  readonly source?: TaskStatusSource
  readonly reason?: TaskStatusReason | undefined
  readonly message?: string | undefined
}

/** Where a task can be reached: plain processes share the host's network, so always the agent's address. */
export function networkInfos(core: Core): NetworkInfo[] {
  return [{ ip_addresses: [{ protocol: core.config.ip.includes(':') ? 'IPv6' : 'IPv4', ip_address: core.config.ip }] }]
}

/** The container part that every update of an executor gets (agent contract, section 3). */
export function containerStatus(core: Core, task: TaskEntry): ContainerStatus {
  return {
    container_id: task.container,
    network_infos: networkInfos(core),
    ...(task.pid === undefined ? {} : { executor_pid: task.pid }),
  }
}

/** Makes the next status of a task and passes it on: into the checkpoints first, then to the master. */
export function report(core: Core, task: TaskEntry, state: TaskState, extras: StatusExtras = {}): void {
  const { framework } = task.executor
  const told = stateFor(hasCapability(framework, 'PARTITION_AWARE'), state)
  submit(core, task, {
    task_id: task.info.task_id,
    state: told,
    source: extras.source ?? 'SOURCE_EXECUTOR',
    ...(extras.reason === undefined ? {} : { reason: extras.reason }),
    ...(extras.message === undefined ? {} : { message: extras.message }),
    agent_id: { value: core.id },
    executor_id: { value: task.executor.id },
    timestamp: core.now.wall / 1000,
    uuid: core.ids.updateUuid(),
    ...(task.healthy === undefined ? {} : { healthy: task.healthy }),
    ...(task.checkStatus === undefined ? {} : { check_status: task.checkStatus }),
    container_status: containerStatus(core, task),
  })
}

/** Passes on a status that is complete: made here, or by a custom executor. False when it is none that changes anything. */
export function submit(core: Core, task: TaskEntry, status: TaskStatus): boolean {
  if (task.executor.framework.terminating) return false
  const { result, effects } = core.updates.update(core.now.mono, task.key, status)
  if (result !== 'new') return false
  noteStatus(task, status)
  if (isTerminal(status.state)) core.count(terminalCounter(status.state))
  core.count('valid_status_updates')
  applyUpdateEffects(core, effects)
  return true
}

/** Keeps the status in the task: the newest of each state (master contract, 2.6); `data` is not kept. */
export function noteStatus(task: TaskEntry, status: TaskStatus): void {
  task.state = status.state
  const { data: _, ...kept } = status
  const last = task.statuses.length - 1
  if (task.statuses[last]?.state === status.state) task.statuses[last] = kept
  else task.statuses.push(kept)
}

/** An update for a task that this agent does not hold: it is kept in memory until acknowledged. */
export function reportUnknown(
  core: Core,
  framework: { readonly id: string; readonly info?: FrameworkInfo },
  taskId: string,
  reason: TaskStatusReason,
  message: string,
): void {
  const status: TaskStatus = {
    task_id: { value: taskId },
    state: stateFor(hasCapability(framework, 'PARTITION_AWARE'), 'TASK_DROPPED'),
    source: 'SOURCE_AGENT',
    reason,
    message,
    agent_id: { value: core.id },
    timestamp: core.now.wall / 1000,
    uuid: core.ids.updateUuid(),
  }
  applyUpdateEffects(core, core.updates.update(core.now.mono, taskKey(framework.id, taskId), status).effects)
}

/** Turns what the update manager wants into effects: files for tasks that are checkpointed, messages to the master. */
export function applyUpdateEffects(core: Core, effects: readonly UpdateEffect[]): void {
  for (const effect of effects) {
    const task = core.tasks.get(effect.key)
    const lane = task === undefined ? effect.key.slice(0, effect.key.indexOf('/')) : laneOf(task.executor)
    if (effect.type === 'forward') core.effects.push(forward(effect.key, lane, effect.status, effect.latest))
    else if (effect.type === 'finished') taskFinished(core, effect.key)
    else if (task !== undefined && isCheckpointed(task.executor)) {
      const path = core.paths(task.executor).updates(task.id)
      if (effect.type === 'record') core.effects.push({ type: 'append', lane, path, text: encodeRecord(effect.record) })
      else core.effects.push({ type: 'replace', lane, path, text: effect.records.map(encodeRecord).join('') })
    }
  }
}

function forward(key: string, lane: string, status: TaskStatus, latest: TaskState): Effect {
  const framework = key.slice(0, key.indexOf('/'))
  return {
    type: 'send',
    lane,
    message: { status_update: { framework_id: { value: framework }, status, latest_state: latest } },
  }
}

/** The terminal update of a task was acknowledged. */
function taskFinished(core: Core, key: string): void {
  const task = core.tasks.get(key)
  if (task === undefined) return
  const { executor } = task
  core.tasks.delete(key)
  core.timers.cancelAll(key)
  executor.tasks.delete(task.id)
  remember(executor.completed, task, history.tasks)
  if (executor.tasks.size > 0) return
  if (executor.kind === 'command') core.forgetExecutor(executor)
  else endExecutor(core, task)
}

/** An executor of groups ends after its last task; the master gets its resources back. */
function endExecutor(core: Core, { executor }: TaskEntry): void {
  core.forgetExecutor(executor)
  core.effects.push({
    type: 'send',
    lane: laneOf(executor),
    message: {
      exited_executor: {
        framework_id: { value: executor.framework.id },
        executor_id: { value: executor.id },
        status: 0,
      },
    },
  })
}

/** The name of the metric that counts tasks which ended so. */
function terminalCounter(state: TaskState): string {
  return `tasks_${state.slice('TASK_'.length).toLowerCase()}`
}
