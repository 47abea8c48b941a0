import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Clock } from '@meseta/common/service/clock'
import { isReplyTo } from './reply.ts'
import type { Upstream } from './resolv-conf.ts'

const mostReplyBytes = 65_535

/**
 * Asks one server over UDP, from a port of the kernel's choosing that is used once and takes datagrams of that server only.
 * What is not the reply to this question is passed over. Fails after `limit` ms.
 */
export function exchangeUdp(server: Upstream, question: Buffer, clock: Clock, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    const settle = (result: Buffer | Error) => {
      timer.cancel()
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.close()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const timer = clock.after(limit, () => settle(timedOut(server, limit)))
    socket.on('error', settle)
    socket.on('message', reply => {
      if (isReplyTo(question, reply)) settle(reply)
    })
    // Without a callback of `connect`, which would get its failure, that is an error like any other.
    socket.once('connect', () => {
      socket.send(question, error => {
        if (error) settle(error)
      })
    })
    socket.connect(server.port, server.address)
  })
}

/** Asks one server over a TCP connection of its own. */
export function exchangeTcp(server: Upstream, question: Buffer, clock: Clock, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.address)
    let held: Buffer = Buffer.alloc(0)
    const settle = (result: Buffer | Error) => {
      timer.cancel()
      socket.destroy()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const timer = clock.after(limit, () => settle(timedOut(server, limit)))
    socket.on('error', settle)
    socket.on('close', () => settle(new Error(`${server.address} closed the connection`)))
    socket.on('connect', () => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(question.length)
      socket.write(Buffer.concat([length, question]))
    })
    socket.on('data', chunk => {
      held = Buffer.concat([held, chunk])
      if (held.length < 2 || held.length < held.readUInt16BE(0) + 2) {
        if (held.length > mostReplyBytes + 2) settle(new Error(`${server.address} sent more than one reply`))
        return
      }
      const reply = held.subarray(2, held.readUInt16BE(0) + 2)
      settle(isReplyTo(question, reply) ? reply : new Error(`${server.address} answered another question`))
    })
  })
}

const timedOut = (server: Upstream, limit: number): Error =>
  new Error(`${server.address}:${server.port} did not answer within ${limit} ms`)
