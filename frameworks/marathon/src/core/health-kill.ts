import type { HealthResult } from './health.ts'
import { noteHealth, orderKill, rememberFailure } from './lifecycle.ts'
import type { Millis } from './model.ts'
import type { State } from './state.ts'

/** The result of a check that Marathon itself has run (contract 4.4): kept, told, and at too many failures the task is killed. */
export function handleHealthResult(state: State, id: string, taskId: string, result: HealthResult, now: Millis): void {
  const instance = state.instances.get(id)
  const task = instance?.tasks.find(one => one.id === taskId)
  const service = instance && state.launchedWith(instance)
  if (instance === undefined || task === undefined || service?.kind !== 'app') return
  const check = service.spec.healthChecks[result.index]
  if (check === undefined || instance.condition !== 'Running') return
  const known = state.health.get(id)?.[result.index]
  const inGrace = now <= (instance.startedAt ?? instance.since) + check.gracePeriodSeconds * 1000
  noteHealth(state, instance, result.index, result, now, inGrace)
  if (result.alive) return
  if (known?.firstSuccess === undefined && inGrace) return
  state.event(now, 'failed_health_check_event', { appId: instance.service, taskId: id, healthCheck: check })
  const failuresBefore = known?.consecutiveFailures ?? 0
  const { maxConsecutiveFailures } = check
  if (maxConsecutiveFailures === 0 || failuresBefore < maxConsecutiveFailures || state.kills.has(id)) return
  const reason = result.cause ?? 'health check failed'
  state.event(now, 'unhealthy_instance_kill_event', {
    appId: instance.service,
    taskId,
    instanceId: id,
    version: instance.version,
    reason,
    host: instance.placement?.hostname ?? '',
    slaveId: instance.placement?.agentId ?? null,
  })
  rememberFailure(
    state,
    instance,
    task,
    'TASK_KILLED',
    `Task was killed since health check failed. Reason: ${reason}`,
    now,
  )
  orderKill(state, instance, now, 0)
}
