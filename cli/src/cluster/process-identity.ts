import { readFileSync } from 'node:fs'

/**
 * When the process with this pid started, in clock ticks since boot (proc(5), stat field 22); undefined when there is none.
 * Pid and start time together name a process for ever: pids are used again.
 */
export function startTime(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid < 1) return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether the very process that was remembered still runs, and not another one that got its pid. */
export function lives(known: { readonly pid: number; readonly startTime: string }): boolean {
  return startTime(known.pid) === known.startTime && typeof known.startTime === 'string'
}
