import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The state of a socket that listens, in the tables of proc(5). */
const listening = '0A'

/**
 * Whether the process itself listens on the TCP port. An answer from a port alone does not tell whose it is: while one process
 * starts, another one may have been quicker.
 */
export function listensOn(pid: number, port: number): boolean {
  try {
    const sockets = new Set(listenersOf(pid, port))
    return sockets.size > 0 && readdirSync(`/proc/${pid}/fd`).some(fd => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

/** Every socket of the machine that listens on the port, as a descriptor's link names it. */
function listenersOf(pid: number, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return ['tcp', 'tcp6'].flatMap(table =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map(row => row.trim().split(/\s+/))
      .filter(([, local, , state]) => state === listening && local?.endsWith(`:${wanted}`))
      .map(fields => `socket:[${fields[9]}]`),
  )
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
