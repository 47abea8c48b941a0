import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A TCP socket of this machine that listens; `socket` names it for ever, as the links of descriptors do (proc(5)). */
export interface Listener {
  readonly socket: string
  /** Address and port as the kernel's table writes them, in hexadecimal. */
  readonly local: string
}

/** The state of a socket that listens, in the kernel's tables. */
const listening = '0A'

export function listeners(): Listener[] {
  return ['tcp', 'tcp6'].flatMap(table =>
    read(`/proc/net/${table}`)
      .split('\n')
      .map(row => row.trim().split(/\s+/))
      .filter(fields => fields[3] === listening)
      .map(fields => ({ socket: `socket:[${fields[9]}]`, local: fields[1]! })),
  )
}

/** The sockets that a process holds; of one that has ended, or is another user's, none. */
export function socketsOf(pid: number): ReadonlySet<string> {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`))
    return new Set(links.filter(link => link.startsWith('socket:')))
  } catch {
    return new Set()
  }
}

/**
 * Whether the process itself listens on the TCP port. An answer from a port alone does not tell whose it is: while one process
 * starts, another one may have been quicker.
 */
export function listensOn(pid: number, port: number): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const held = socketsOf(pid)
  return listeners().some(({ socket, local }) => local.endsWith(end) && held.has(socket))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
