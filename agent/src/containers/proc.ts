import { readdirSync, readFileSync } from 'node:fs'
import { markName } from './launcher.ts'

/** What `/proc/<pid>/stat` says about a process. Times are in clock ticks. */
export interface ProcessStat {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly userTicks: number
  readonly systemTicks: number
  readonly threads: number
  /** When it started, in ticks since boot: with the pid, it names one process of this boot. */
  readonly startTime: number
  readonly residentPages: number
}

/** Ticks a second of `/proc`: the kernel's USER_HZ, 100 on every Linux that Node.js runs on. */
export const ticksPerSecond = 100
export const pageBytes = 4096

/** Parses a line of `/proc/<pid>/stat`; the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(line: string): ProcessStat | undefined {
  const close = line.lastIndexOf(')')
  const pid = Number.parseInt(line, 10)
  if (close < 0 || !Number.isInteger(pid)) return undefined
  const fields = line.slice(close + 2).split(' ')
  const number = (field: number) => Number(fields[field - 3])
  const stat = {
    pid,
    state: fields[0] ?? '',
    parent: number(4),
    group: number(5),
    session: number(6),
    userTicks: number(14),
    systemTicks: number(15),
    threads: number(20),
    startTime: number(22),
    residentPages: number(24),
  }
  return Number.isFinite(stat.startTime) ? stat : undefined
}

/** The process with this pid, if there is one. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** All processes that can be seen. One reading of /proc: some ms for some hundred processes. */
export function readAllStats(): ProcessStat[] {
  const stats: ProcessStat[] = []
  for (const name of readdirSync('/proc')) {
    if (name.charCodeAt(0) > 57 || name.charCodeAt(0) < 48) continue
    const stat = readStat(Number(name))
    if (stat !== undefined) stats.push(stat)
  }
  return stats
}

/** Whether the process runs (a zombie does not). */
export function isAlive(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X'
}

/** A process that is identified beyond the reuse of its pid. */
export interface ProcessId {
  readonly pid: number
  readonly startTime: number
}

/**
 * The processes that belong to a supervisor, without itself: those of its session, and the descendants of all of these.
 * What left the session and lost its parent is found by `processesOf` alone.
 */
export function membersOf(supervisor: ProcessId, all: readonly ProcessStat[]): ProcessStat[] {
  const leader = all.find(stat => stat.pid === supervisor.pid)
  // While a session has members its number is not given to a new process: another start time means that none is left.
  if (leader !== undefined && leader.startTime !== supervisor.startTime) return []
  const children = Map.groupBy(all, stat => stat.parent)
  const members = new Map<number, ProcessStat>()
  const open = all.filter(stat => stat.session === supervisor.pid || stat.pid === supervisor.pid)
  for (let stat = open.pop(); stat !== undefined; stat = open.pop()) {
    if (members.has(stat.pid)) continue
    members.set(stat.pid, stat)
    open.push(...(children.get(stat.pid) ?? []))
  }
  members.delete(supervisor.pid)
  return [...members.values()].filter(isAlive)
}

/** All that belongs to a container: the members of its supervisor, and what carries its mark wherever it went. */
export function processesOf(supervisor: ProcessId, mark: string, all: readonly ProcessStat[]): ProcessStat[] {
  const members = membersOf(supervisor, all)
  const known = new Set([supervisor.pid, ...members.map(member => member.pid)])
  const variable = Buffer.from(`\0${markName}=${mark}\0`)
  const escaped = all.filter(stat => !known.has(stat.pid) && isAlive(stat) && hasVariable(stat.pid, variable))
  return [...members, ...escaped]
}

function hasVariable(pid: number, variable: Buffer): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`)
    return Buffer.concat([Buffer.of(0), environment]).includes(variable)
  } catch {
    // It has just ended, or is another user's.
    return false
  }
}

/** This boot of the machine; pids of another one mean nothing. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
