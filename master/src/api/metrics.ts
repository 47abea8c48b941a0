import { cpus, freemem, loadavg, totalmem } from 'node:os'
import type { Master } from '../master.ts'
import type { Replica } from '../replica/replica.ts'

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
export function leaderMetrics(
  master: Master,
  replica: Replica,
  uptimeSeconds: number,
  subscribers: number,
): Record<string, number> {
  const { cluster } = master.heart
  return {
    'master/uptime_secs': uptimeSeconds,
    'master/elected': 1,
    ...resourceMetrics(replica),
    ...gauges(replica),
    'master/outstanding_offers': cluster.offers.size,
    'master/event_queue_messages': 0,
    'master/event_queue_dispatches': 0,
    'master/event_queue_http_requests': 0,
    'master/operator_event_stream_subscribers': subscribers,
    ...Object.fromEntries(cluster.tally.counts),
    ...frameworkMetrics(master, replica),
    ...allocatorMetrics(master, replica),
    'registrar/queued_operations': master.registrar.queued,
    'registrar/registry_size_bytes': master.registrar.sizeBytes,
    ...systemMetrics(),
  }
}

function resourceMetrics({ tables }: Replica): Record<string, number> {
  const metrics: Record<string, number> = {}
  for (const [suffix, total, used] of [
    ['', tables.total.nonRevocable(), tables.used.nonRevocable()],
    ['_revocable', tables.total.revocable(), tables.used.revocable()],
  ] as const) {
    for (const name of resourceNames) {
      const all = total.scalar(name)
      metrics[`master/${name}${suffix}_total`] = all
      metrics[`master/${name}${suffix}_used`] = used.scalar(name)
      metrics[`master/${name}${suffix}_percent`] = all === 0 ? 0 : used.scalar(name) / all
    }
  }
  return metrics
}

function gauges(replica: Replica): Record<string, number> {
  const counts = replica.counts()
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

function frameworkMetrics(master: Master, replica: Replica): Record<string, number> {
  const metrics: Record<string, number> = {}
  for (const [id, row] of replica.tables.frameworks) {
    const prefix = `frameworks/${encodeURIComponent(row.view.info.name)}/${id}/`
    for (const [name, value] of master.heart.cluster.tally.ofFramework(id)) metrics[prefix + name] = value
    metrics[`${prefix}subscribed`] = row.view.connected ? 1 : 0
    for (const role of master.heart.cluster.frameworks.get(id)?.suppressed ?? [])
      metrics[`${prefix}roles/${role}/suppressed`] = 1
  }
  return metrics
}

function allocatorMetrics(master: Master, { tables }: Replica): Record<string, number> {
  const { allocator } = master.heart.cluster
  const metrics: Record<string, number> = {
    'allocator/event_queue_dispatches': 0,
    'allocator/mesos/allocation_runs': allocator.runs,
  }
  for (const name of ['cpus', 'mem', 'disk']) {
    metrics[`allocator/mesos/resources/${name}/total`] = tables.total.scalar(name)
    metrics[`allocator/mesos/resources/${name}/offered_or_allocated`] =
      tables.used.scalar(name) + tables.offered.scalar(name)
  }
  for (const { role, share, refusals } of allocator.roleMetrics()) {
    metrics[`allocator/mesos/roles/${role}/shares/dominant`] = share
    metrics[`allocator/mesos/offer_filters/roles/${role}/active`] = refusals
  }
  return metrics
}
