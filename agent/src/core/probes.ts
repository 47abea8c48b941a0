import { checkTarget, healthTarget } from '../checks/target.ts'
import { taskEnvironment, variablesOf } from '../executors/environment.ts'
import { type Core, laneOf } from './core.ts'
import { killTask } from './killing.ts'
import type { ProbeResult } from './messages.ts'
import { type TaskEntry, userOf } from './model.ts'
import { report } from './statuses.ts'

/** Defaults of HealthCheck and CheckInfo, seconds (agent contract, section 9). */
const defaults = { delay: 15, interval: 10, timeout: 20, failures: 3, grace: 10 }

/** The longest time that is waited for, in seconds: what 64 bits of nanoseconds hold. */
const longest = 9_223_372_036

/** Starts the health check and the check of a running task; also after the agent was restarted, from the beginning. */
export function startProbes(core: Core, task: TaskEntry): void {
  const { health_check: health, check } = task.info
  if (health !== undefined) {
    const grace = milliseconds(health.grace_period_seconds ?? defaults.grace)
    task.health = { failures: 0, succeeded: task.healthy === true, graceEnds: core.now.mono + grace }
    schedule(core, task, 'health', health.delay_seconds ?? defaults.delay)
  }
  if (check !== undefined) schedule(core, task, 'check', check.delay_seconds ?? defaults.delay)
}

/** A check is due. */
export function runProbe(core: Core, task: TaskEntry, probe: 'health' | 'check'): void {
  const what = probe === 'health' ? task.info.health_check : task.info.check
  const target = probe === 'health' ? healthTarget(task.info.health_check ?? {}) : checkTarget(task.info.check ?? {})
  if (what === undefined || target === undefined || task.phase !== 'running' || task.kill !== undefined) return
  const environment = taskEnvironment(core, task)
  if (target.type === 'COMMAND') Object.assign(environment, variablesOf(target.command.environment))
  core.effects.push({
    type: 'probe',
    // Beside all else: a check reads nothing that other effects write.
    lane: `${laneOf(task.executor)} probes`,
    run: {
      task: task.key,
      probe,
      target,
      timeout: milliseconds(what.timeout_seconds ?? defaults.timeout),
      directory: task.directory,
      environment,
      user: (target.type === 'COMMAND' ? target.command.user : undefined) ?? userOf(task),
    },
  })
}

/** A check has ended; the next one comes an interval later. */
export function probed(core: Core, task: TaskEntry, probe: 'health' | 'check', result: ProbeResult): void {
  if (task.phase !== 'running' || task.kill !== undefined) return
  const what = probe === 'health' ? task.info.health_check : task.info.check
  schedule(core, task, probe, what?.interval_seconds ?? defaults.interval)
  if (probe === 'check') noteCheck(core, task, result)
  else if (result.passed) noteHealthy(core, task)
  else noteUnhealthy(core, task, result)
}

function noteHealthy(core: Core, task: TaskEntry): void {
  const { health } = task
  if (health === undefined) return
  const isNews = health.failures > 0 || !health.succeeded
  health.failures = 0
  health.succeeded = true
  if (!isNews && task.healthy === true) return
  task.healthy = true
  report(core, task, 'TASK_RUNNING', { reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' })
}

function noteUnhealthy(core: Core, task: TaskEntry, result: ProbeResult): void {
  const { health, info } = task
  if (health === undefined) return
  if (!health.succeeded && core.now.mono < health.graceEnds) return
  health.failures++
  task.healthy = false
  report(core, task, 'TASK_RUNNING', {
    reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
    message: result.detail,
  })
  const limit = info.health_check?.consecutive_failures ?? defaults.failures
  if (health.failures < limit) return
  killTask(core, task, {
    healthy: false,
    message: `The health check failed ${health.failures} times in a row: ${result.detail ?? 'no detail'}`,
  })
}

function noteCheck(core: Core, task: TaskEntry, result: ProbeResult): void {
  if (result.status === undefined || JSON.stringify(result.status) === JSON.stringify(task.checkStatus)) return
  task.checkStatus = result.status
  report(core, task, 'TASK_RUNNING', { reason: 'REASON_TASK_CHECK_STATUS_UPDATED' })
}

function schedule(core: Core, task: TaskEntry, kind: 'health' | 'check', seconds: number): void {
  core.timers.set({ kind, subject: task.key }, core.now.mono + milliseconds(seconds))
}

function milliseconds(seconds: number): number {
  return Math.min(Math.max(0, seconds), longest) * 1000
}
