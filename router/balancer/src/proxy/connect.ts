import { connect, type Socket } from 'node:net'
import type { Clock } from '@meseta/common/service/clock'
import type { ProxyLimits } from './limits.ts'
import type { Member, Pool } from './pool.ts'

/** A connection to a backend, counted there; whoever closes it counts it off. */
export interface Connected {
  readonly member: Member
  readonly socket: Socket
}

/**
 * Connects to a backend; when one refuses or does not answer, to the next: no byte of the client has been taken yet, so it never
 * notices. `undefined` when nobody accepts in time.
 */
export async function connectBackend(pool: Pool, clock: Clock, limits: ProxyLimits): Promise<Connected | undefined> {
  const tried = new Set<Member>()
  const deadline = clock.monotonic() + limits.connectDeadline
  for (;;) {
    const now = clock.monotonic()
    const member = now < deadline ? pool.choose(tried, now) : undefined
    if (member === undefined) return undefined
    tried.add(member)
    member.active += 1
    const socket = await tryConnect(member, clock, Math.min(limits.connectTimeout, deadline - now))
    if (socket !== undefined) {
      member.suspectUntil = 0
      return { member, socket }
    }
    member.active -= 1
    member.suspectUntil = clock.monotonic() + limits.suspicion
  }
}

function tryConnect({ ip, port }: Member, clock: Clock, limit: number): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host: ip, port, allowHalfOpen: true, noDelay: true })
    const settle = (result: Socket | undefined) => {
      timer.cancel()
      socket.removeListener('connect', connected)
      socket.removeListener('error', failed)
      if (result === undefined) {
        socket.on('error', () => undefined)
        socket.destroy()
      }
      resolve(result)
    }
    const connected = () => settle(socket)
    const failed = () => settle(undefined)
    const timer = clock.after(limit, failed)
    socket.once('connect', connected)
    socket.once('error', failed)
  })
}
