import type { HostAgent } from '../host-agent.ts'
import { usedResources } from './state.ts'

const terminal = ['finished', 'failed', 'killed', 'lost', 'gone'] as const

/** The flat numbers of `/metrics/snapshot` (agent contract, section 11). `uptime` in ms. */
export function metricsBody(host: HostAgent, uptime: number): Record<string, number> {
  const { core } = host.agent.heart
  const counter = (name: string) => core.counters.get(name) ?? 0
  const tasks = [...core.tasks.values()]
  const inState = (state: string) => tasks.filter(task => task.phase !== 'ended' && task.state === state).length
  return {
    'slave/uptime_secs': uptime / 1000,
    'slave/registered': core.registration === 'registered' ? 1 : 0,
    'slave/recovery_errors': counter('recovery_errors'),
    'slave/frameworks_active': core.frameworks.size,
    'slave/container_launch_errors': counter('container_launch_errors'),
    'slave/tasks_staging': inState('TASK_STAGING'),
    'slave/tasks_starting': inState('TASK_STARTING'),
    'slave/tasks_running': inState('TASK_RUNNING'),
    'slave/tasks_killing': inState('TASK_KILLING'),
    ...Object.fromEntries(terminal.map(state => [`slave/tasks_${state}`, counter(`tasks_${state}`)])),
    'slave/executors_registering': 0,
    'slave/executors_running': core.executors.size,
    'slave/executors_terminating': 0,
    'slave/executors_terminated': counter('executors_terminated'),
    'slave/executors_preempted': 0,
    'slave/valid_status_updates': counter('valid_status_updates'),
    'slave/invalid_status_updates': counter('invalid_status_updates'),
    'slave/valid_framework_messages': counter('valid_framework_messages'),
    'slave/invalid_framework_messages': counter('invalid_framework_messages'),
    ...resourceMetrics(host),
    'gc/path_removals_pending': host.sandboxes.pending,
    'gc/path_removals_succeeded': host.sandboxes.counts.succeeded,
    'gc/path_removals_failed': host.sandboxes.counts.failed,
    'containerizer/fetcher/task_fetches_succeeded': host.fetcher.counts.succeeded,
    'containerizer/fetcher/task_fetches_failed': host.fetcher.counts.failed,
    'containerizer/fetcher/cache_size_total_bytes': 0,
    'containerizer/fetcher/cache_size_used_bytes': 0,
    'containerizer/mesos/container_destroy_errors': 0,
  }
}

function resourceMetrics(host: HostAgent): Record<string, number> {
  const { core } = host.agent.heart
  const { total } = core
  const used = usedResources(core)
  const metrics: Record<string, number> = {}
  for (const [suffix, part] of [
    ['', 'nonRevocable'],
    ['revocable_', 'revocable'],
  ] as const)
    for (const name of ['cpus', 'gpus', 'mem', 'disk']) {
      const all = total[part]().scalar(name)
      const held = used[part]().scalar(name)
      metrics[`slave/${name}_${suffix}total`] = all
      metrics[`slave/${name}_${suffix}used`] = held
      metrics[`slave/${name}_${suffix}percent`] = all > 0 ? held / all : 0
    }
  return metrics
}
