import type { ResourceStatistics } from '@meseta/common/protocol/mesos'
import { membersOf, type ProcessId, type ProcessStat, pageBytes, readAllStats, ticksPerSecond } from './proc.ts'

/** What the processes of a container use now (agent contract, section 10). The supervisor itself is not counted. */
export function processStatistics(supervisor: ProcessId, wall: number): ResourceStatistics {
  const members = membersOf(supervisor, readAllStats())
  const sum = (of: (stat: ProcessStat) => number) => members.reduce((total, stat) => total + of(stat), 0)
  return {
    timestamp: wall / 1000,
    processes: members.length,
    threads: sum(stat => stat.threads),
    cpus_user_time_secs: sum(stat => stat.userTicks) / ticksPerSecond,
    cpus_system_time_secs: sum(stat => stat.systemTicks) / ticksPerSecond,
    mem_rss_bytes: sum(stat => stat.residentPages) * pageBytes,
    mem_total_bytes: sum(stat => stat.residentPages) * pageBytes,
  }
}
