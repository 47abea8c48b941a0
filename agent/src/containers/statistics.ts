import type { ResourceStatistics } from '@meseta/common/protocol/mesos'
import { type ProcessId, type ProcessStat, pageBytes, ticksPerSecond } from './proc.ts'
import type { Processes } from './process-table.ts'

/** What the processes of a container use (agent contract, section 10). The supervisor itself is not counted. */
export function processStatistics(supervisor: ProcessId, processes: Processes): ResourceStatistics {
  const members = processes.membersOf(supervisor)
  const sum = (of: (stat: ProcessStat) => number) => members.reduce((total, stat) => total + of(stat), 0)
  return {
    timestamp: processes.wall / 1000,
    processes: members.length,
    threads: sum(stat => stat.threads),
    cpus_user_time_secs: sum(stat => stat.userTicks) / ticksPerSecond,
    cpus_system_time_secs: sum(stat => stat.systemTicks) / ticksPerSecond,
    mem_rss_bytes: sum(stat => stat.residentPages) * pageBytes,
    mem_total_bytes: sum(stat => stat.residentPages) * pageBytes,
  }
}
