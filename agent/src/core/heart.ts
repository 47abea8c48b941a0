import type { MasterToAgent } from '@meseta/common/protocol/mesos'
import type { Recovered } from '../checkpoints/stored.ts'
import type { RecoveredContainer } from '../containers/launcher.ts'
import { everyLane } from '../lanes.ts'
import { type AgentConfig, Core } from './core.ts'
import { drain, endDrain } from './draining.ts'
import { escalate, killAll, killTask } from './killing.ts'
import { runTask, runTaskGroup } from './launching.ts'
import { completionExpired, launchFailed, taskExited, taskReaped, taskStarted } from './lifecycle.ts'
import type { Command, Effect, Now } from './messages.ts'
import { executorKey, taskKey } from './model.ts'
import { acknowledgeOperation, applyOperation, retryOperation } from './operations.ts'
import { probed, runProbe } from './probes.ts'
import { recover } from './recovery.ts'
import { linkEnded, linkOpened, register, registered, reregistered, unregister } from './registration.ts'
import { applyUpdateEffects, reportUnknown } from './statuses.ts'
import type { HeartTimer } from './timers.ts'

/**
 * The agent's heart: decides what becomes of tasks, their updates and the registration. Synchronous and deterministic: the
 * time and what happened go in, what is to be done comes out. The seed determines every id it makes.
 */
export class Heart {
  /** For readers (state queries, metrics); only the heart's own parts change it. */
  readonly core: Core

  constructor(config: AgentConfig, seed: string) {
    this.core = new Core(config, seed)
  }

  /** Takes over an earlier life's checkpoints and containers. Once, before the first step. */
  recover(now: Now, recovered: Recovered, containers: readonly RecoveredContainer[]): Effect[] {
    this.core.now = now
    recover(this.core, recovered, containers)
    return this.#takeEffects()
  }

  step(now: Now, commands: readonly Command[]): Effect[] {
    this.core.now = now
    for (const command of commands) this.#handle(command)
    this.#runTimers()
    endDrain(this.core)
    this.#endWhenEmpty()
    return this.#takeEffects()
  }

  /** The monotonic time at which a `tick` has something to do. */
  nextDeadline(): number | undefined {
    const retry = this.core.updates.nextRetry()
    const timer = this.core.timers.next()
    if (retry === undefined || timer === undefined) return retry ?? timer
    return Math.min(retry, timer)
  }

  /** Tasks whose processes, or whose launch, have not ended. */
  liveTasks(): number {
    let count = 0
    for (const task of this.core.tasks.values()) if (task.phase !== 'ended') count++
    return count
  }

  #takeEffects(): Effect[] {
    const { effects } = this.core
    this.core.effects = []
    return effects
  }

  #handle(command: Command): void {
    const { core } = this
    if (command.type === 'link-opened') linkOpened(core, command.epoch)
    else if (command.type === 'link-ended') linkEnded(core)
    else if (command.type === 'master') this.#handleMaster(command.message)
    else if (command.type === 'stop-tasks') this.#stopTasks()
    else if (command.type === 'unregister') unregister(core, command.reason)
    else if (command.type === 'probed') {
      const task = core.tasks.get(command.task)
      if (task !== undefined) probed(core, task, command.probe, command.result)
    } else if (command.type !== 'tick') this.#handleContainer(command)
  }

  #handleContainer(command: Extract<Command, { container: unknown }>): void {
    const { core } = this
    const task = core.owner(command.container)?.task
    if (task === undefined) return
    if (command.type === 'started') taskStarted(core, task, command.pid)
    else if (command.type === 'launch-failed') launchFailed(core, task, command.message, command.reason)
    else if (command.type === 'exited') taskExited(core, task, command.exit)
    else taskReaped(core, task)
  }

  #handleMaster(message: MasterToAgent): void {
    const { core } = this
    if (message.registered) registered(core, message.registered)
    if (message.reregistered) reregistered(core, message.reregistered)
    if (message.run_task) runTask(core, message.run_task)
    if (message.run_task_group) runTaskGroup(core, message.run_task_group)
    if (message.kill_task) this.#killTask(message.kill_task)
    if (message.acknowledge) this.#acknowledge(message.acknowledge)
    if (message.apply_operation) applyOperation(core, message.apply_operation)
    if (message.acknowledge_operation) acknowledgeOperation(core, message.acknowledge_operation)
    if (message.shutdown_framework) this.#shutdownFramework(message.shutdown_framework.framework_id.value)
    if (message.shutdown_executor) this.#shutdownExecutor(message.shutdown_executor)
    if (message.framework_message) core.count('invalid_framework_messages')
    if (message.update_framework) this.#updateFramework(message.update_framework)
    if (message.drain) drain(core, message.drain.config)
    if (message.shutdown) this.#shutdown(message.shutdown.message ?? 'the master gave no reason')
  }

  #killTask({ framework_id, task_id, kill_policy }: NonNullable<MasterToAgent['kill_task']>): void {
    const { core } = this
    const key = taskKey(framework_id.value, task_id.value)
    const task = core.tasks.get(key)
    if (task !== undefined) killTask(core, task, { policy: kill_policy })
    else if (core.updates.stream(key) === undefined)
      reportUnknown(
        core,
        core.frameworks.get(framework_id.value) ?? { id: framework_id.value },
        task_id.value,
        'REASON_EXECUTOR_TERMINATED',
        'The task to be killed is not on this agent',
      )
  }

  #acknowledge({ framework_id, task_id, uuid }: NonNullable<MasterToAgent['acknowledge']>): void {
    const { core } = this
    const key = taskKey(framework_id.value, task_id.value)
    const { result, effects } = core.updates.acknowledge(core.now.mono, key, uuid)
    if (result !== 'acknowledged') {
      core.log('info', 'an acknowledgement was ignored', { task_id: task_id.value, result })
      core.count('invalid_status_updates')
    }
    applyUpdateEffects(core, effects)
  }

  #shutdownFramework(id: string): void {
    const framework = this.core.frameworks.get(id)
    if (framework === undefined || framework.terminating) return
    framework.terminating = true
    for (const executor of [...framework.executors.values()]) {
      for (const task of [...executor.tasks.values()]) {
        if (task.phase !== 'ended') continue
        this.core.updates.forget(task.key)
        this.core.tasks.delete(task.key)
        executor.tasks.delete(task.id)
      }
      killAll(this.core, executor, this.core.config.shutdownGrace)
      if (executor.tasks.size === 0) this.core.forgetExecutor(executor)
    }
  }

  #shutdownExecutor({ framework_id, executor_id }: NonNullable<MasterToAgent['shutdown_executor']>): void {
    const executor = this.core.executors.get(executorKey(framework_id.value, executor_id.value))
    if (executor !== undefined) killAll(this.core, executor, this.core.config.shutdownGrace)
  }

  #updateFramework({ framework_info: info }: NonNullable<MasterToAgent['update_framework']>): void {
    const framework = this.core.frameworks.get(info.id?.value ?? '')
    if (framework !== undefined) this.core.updateFramework(framework, info)
  }

  /** Every task gets its own grace period, and no new one is taken. */
  #stopTasks(): void {
    this.core.stopping = true
    for (const task of [...this.core.tasks.values()]) killTask(this.core, task)
  }

  #shutdown(message: string): void {
    // A leader says so each time it is asked to take this agent.
    if (this.core.shutdownMessage === undefined)
      this.core.log('warn', 'the master told this agent to end', { reason: message, tasks: this.liveTasks() })
    this.core.shutdownMessage = message
    this.#stopTasks()
  }

  #endWhenEmpty(): void {
    const { core } = this
    if (core.shutdownMessage === undefined || this.liveTasks() > 0) return
    unregister(core, 'shut down by the master')
    core.effects.push({
      type: 'halt',
      lane: everyLane,
      message: `the master told this agent to end: ${core.shutdownMessage}`,
    })
    core.shutdownMessage = undefined
  }

  #runTimers(): void {
    const { core } = this
    for (let timer = core.timers.take(core.now.mono); timer; timer = core.timers.take(core.now.mono)) this.#fire(timer)
    applyUpdateEffects(core, core.updates.retry(core.now.mono))
  }

  #fire({ kind, subject }: HeartTimer): void {
    const { core } = this
    const task = core.tasks.get(subject)
    if (kind === 'register') register(core)
    if (kind === 'operation') retryOperation(core, subject)
    if (task === undefined) return
    if (kind === 'escalate') escalate(core, task)
    else if (kind === 'completion') completionExpired(core, task)
    else if (kind === 'health' || kind === 'check') runProbe(core, task, kind)
  }
}
