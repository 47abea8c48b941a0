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

/** Errors that tell of this process, which may open no more files, and nothing of the one that was asked for. */
const ownErrors = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/**
 * The process with this pid, if there is one.
 * @throws {Error} when that can not be known now
 */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    if (ownErrors.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return undefined
  }
}

/**
 * All processes that can be seen. One reading of /proc: some ms for some hundred processes.
 * @throws {Error} when that can not be known now
 */
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

/** The containers that a process carries the marks of, in its environment: one, unless it was made to have others, too. */
export function readMarks(pid: number): ReadonlySet<string> {
  const marks = new Set<string>()
  let environment: Buffer
  try {
    environment = readFileSync(`/proc/${pid}/environ`)
  } catch {
    // It has just ended, or is another user's.
    return marks
  }
  const variable = `${markName}=`
  for (let at = environment.indexOf(variable); at >= 0; at = environment.indexOf(variable, at + 1)) {
    const end = environment.indexOf(0, at)
    const isWhole = end >= 0 && (at === 0 || environment[at - 1] === 0)
    if (isWhole) marks.add(environment.toString('utf8', at + variable.length, end))
  }
  return marks
}

/** This boot of the machine; pids of another one mean nothing. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
