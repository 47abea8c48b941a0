import { cpus, freemem, loadavg, totalmem } from 'node:os'
import type { Master } from '../master.ts'
import type { ReadCounts } from '../replica/read-side.ts'

const resourceNames = ['cpus', 'gpus', 'mem', 'disk'] as const

/** Gauges of the machine, which every master has (Mesos contract 9). */
export function systemMetrics(): Record<string, number> {
  const [one = 0, five = 0, fifteen = 0] = loadavg()
  return {
    'system/cpus_total': cpus().length,
    'system/load_1min': one,
    'system/load_5min': five,
    'system/load_15min': fifteen,
    'system/mem_free_bytes': freemem(),
    'system/mem_total_bytes': totalmem(),
  }
}

/** What a master that does not lead says of itself. */
export function followerMetrics(uptimeSeconds: number): Record<string, number> {
  return { 'master/uptime_secs': uptimeSeconds, 'master/elected': 0, ...systemMetrics() }
}

/** The flat object of /metrics/snapshot: those names of the contract that apply. */
export function leaderMetrics(master: Master, read: ReadCounts, uptimeSeconds: number): Record<string, number> {
  const { cluster } = master.heart
  return {
    'master/uptime_secs': uptimeSeconds,
    'master/elected': 1,
    ...resourceMetrics(read),
    ...gauges(read),
    'master/outstanding_offers': cluster.offers.size,
    'master/event_queue_messages': 0,
    'master/event_queue_dispatches': 0,
    'master/event_queue_http_requests': 0,
    'master/operator_event_stream_subscribers': read.subscribers,
    ...Object.fromEntries(cluster.tally.counts),
    ...frameworkMetrics(master),
    ...master.throttle?.metrics,
    ...allocatorMetrics(master, read),
    'registrar/queued_operations': master.registrar.queued,
    'registrar/registry_size_bytes': master.registrar.sizeBytes,
    ...systemMetrics(),
  }
}

function resourceMetrics({ resources }: ReadCounts): Record<string, number> {
  const metrics: Record<string, number> = {}
  for (const name of resourceNames) {
    const { total, used, revocableTotal, revocableUsed } = resources[name]!
    for (const [suffix, all, taken] of [
      ['', total, used],
      ['_revocable', revocableTotal, revocableUsed],
    ] as const) {
      metrics[`master/${name}${suffix}_total`] = all
      metrics[`master/${name}${suffix}_used`] = taken
      metrics[`master/${name}${suffix}_percent`] = all === 0 ? 0 : taken / all
    }
  }
  return metrics
}

function gauges({ counts }: ReadCounts): Record<string, number> {
  const tasks = (state: string) => counts[state] ?? 0
  return {
    'master/slaves_active': counts.agents_active!,
    'master/slaves_inactive': counts.agents_inactive!,
    'master/slaves_connected': counts.agents_active!,
    'master/slaves_disconnected': counts.agents_inactive!,
    'master/slaves_unreachable': counts.agents_unreachable!,
    'master/frameworks_active': counts.frameworks_active!,
    'master/frameworks_inactive': counts.frameworks_inactive!,
    'master/frameworks_connected': counts.frameworks_active!,
    'master/frameworks_disconnected': counts.frameworks_inactive!,
    'master/tasks_staging': tasks('TASK_STAGING'),
    'master/tasks_starting': tasks('TASK_STARTING'),
    'master/tasks_running': tasks('TASK_RUNNING'),
    'master/tasks_killing': tasks('TASK_KILLING'),
    'master/tasks_unreachable': tasks('TASK_UNREACHABLE'),
  }
}

function frameworkMetrics({ heart: { cluster } }: Master): Record<string, number> {
  const metrics: Record<string, number> = {}
  for (const [id, { info, streamId, suppressed }] of cluster.frameworks) {
    const prefix = `frameworks/${encodeURIComponent(info.name)}/${id}/`
    for (const [name, value] of cluster.tally.ofFramework(id)) metrics[prefix + name] = value
    metrics[`${prefix}subscribed`] = streamId === undefined ? 0 : 1
    for (const role of suppressed) metrics[`${prefix}roles/${role}/suppressed`] = 1
  }
  return metrics
}

function allocatorMetrics(master: Master, { resources }: ReadCounts): Record<string, number> {
  const { allocator } = master.heart.cluster
  const metrics: Record<string, number> = {
    'allocator/event_queue_dispatches': 0,
    'allocator/mesos/allocation_runs': allocator.runs,
  }
  for (const name of ['cpus', 'mem', 'disk']) {
    const { total, used, offered, revocableTotal, revocableUsed } = resources[name]!
    metrics[`allocator/mesos/resources/${name}/total`] = total + revocableTotal
    metrics[`allocator/mesos/resources/${name}/offered_or_allocated`] = used + revocableUsed + offered
  }
  for (const { role, share, refusals } of allocator.roleMetrics()) {
    metrics[`allocator/mesos/roles/${role}/shares/dominant`] = share
    metrics[`allocator/mesos/offer_filters/roles/${role}/active`] = refusals
  }
  return metrics
}
