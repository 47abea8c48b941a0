import { readFileSync } from 'node:fs'

/** Which process of which boot: a pid alone is given again to others. */
export interface ProcessIdentity {
  readonly pid: number
  /** Its start in clock ticks since boot (field 22 of /proc/<pid>/stat); absent where there is no /proc. */
  readonly start?: string
  /** The kernel's boot id; absent where there is no /proc. */
  readonly boot?: string
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** State letter and start time; the command name before them may hold spaces and parentheses. */
function statOf(pid: number): { state: string; start: string } | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', start: fields[19] ?? '' }
}

const bootId = (): string | undefined => read('/proc/sys/kernel/random/boot_id')?.trim()

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const start = statOf(process.pid)?.start
  const boot = bootId()
  return { pid: process.pid, ...(start !== undefined && { start }), ...(boot !== undefined && { boot }) }
}

/** Whether that very process still runs; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.start !== undefined) {
    if (identity.boot !== undefined && identity.boot !== bootId()) return false
    const stat = statOf(identity.pid)
    return stat !== undefined && stat.start === identity.start && stat.state !== 'Z' && stat.state !== 'X'
  }
  try {
    process.kill(identity.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
