import { cpus, freemem, loadavg, totalmem } from 'node:os'
import type { HostUsage } from '@meseta/common/service/host-usage'
import type { Master } from '../master.ts'
import type { ReadCounts } from '../replica/read-side.ts'
import type { Cluster } from '../state/cluster.ts'
import { allocatorMetrics } from './allocator.ts'
import { frameworkMetrics } from './frameworks.ts'

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

/** What every master says of its process. */
export function ownMetrics(uptimeSeconds: number, host: HostUsage): Record<string, number> {
  return { 'master/uptime_secs': uptimeSeconds, 'master/elected': 0, ...systemMetrics(), ...host.metrics('master/') }
}

/** What a leader says beside. `byFramework`: whether also of each framework. */
export function leaderMetrics(master: Master, read: ReadCounts, byFramework: boolean): Record<string, number> {
  const { cluster } = master.heart
  const { messages, commands, requests } = master.waiting
  return {
    'master/elected': 1,
    ...resourceMetrics(read),
    ...taskMetrics(read),
    ...agentMetrics(cluster, read),
    ...connections(cluster),
    'master/outstanding_offers': cluster.offers.size,
    'master/event_queue_messages': messages,
    'master/event_queue_dispatches': commands,
    'master/event_queue_http_requests': requests,
    'master/operator_event_stream_subscribers': read.subscribers,
    ...Object.fromEntries(cluster.tally.counts),
    ...(byFramework ? frameworkMetrics(cluster) : {}),
    ...master.throttle?.metrics,
    ...allocatorMetrics(cluster, read),
    'registrar/queued_operations': master.registrar.queued,
    'registrar/registry_size_bytes': master.registrar.sizeBytes,
    ...master.timings.metrics(),
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

function taskMetrics({ counts }: ReadCounts): Record<string, number> {
  const words = ['staging', 'starting', 'running', 'killing', 'unreachable']
  return Object.fromEntries(words.map(word => [`master/tasks_${word}`, counts[`TASK_${word.toUpperCase()}`] ?? 0]))
}

function agentMetrics({ agents, orders }: Cluster, { counts }: ReadCounts): Record<string, number> {
  let connected = 0
  let active = 0
  for (const agent of agents.values()) {
    if (!agent.connected) continue
    connected++
    if (!orders.get(agent.id)?.deactivated) active++
  }
  return {
    'master/slaves_active': active,
    'master/slaves_inactive': agents.size - active,
    'master/slaves_connected': connected,
    'master/slaves_disconnected': agents.size - connected,
    'master/slaves_unreachable': counts.agents_unreachable!,
  }
}

/** A framework that is connected is active. */
function connections({ frameworks }: Cluster): Record<string, number> {
  const connected = [...frameworks.values()].filter(({ streamId }) => streamId !== undefined).length
  const away = frameworks.size - connected
  return {
    'master/frameworks_active': connected,
    'master/frameworks_inactive': away,
    'master/frameworks_connected': connected,
    'master/frameworks_disconnected': away,
  }
}
