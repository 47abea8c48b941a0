import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Handler } from './handler.ts'

/** Kernel buffers asked for, bytes: a burst waits there and is not lost. */
const bufferBytes = 4 * 1024 * 1024

export interface UdpServer {
  readonly port: number
  close(): Promise<void>
}

/** Answers questions over UDP. `ask` gives the reply at once, or later for what is asked outside. */
export async function serveUdp(address: string, port: number, ask: Handler): Promise<UdpServer> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' })
  await bind(socket, address, port)
  socket.setRecvBufferSize(bufferBytes)
  socket.setSendBufferSize(bufferBytes)
  let closed = false
  const send = (reply: Buffer | undefined, peer: RemoteInfo) => {
    // A reply that the network refuses is lost like any datagram: the client asks again.
    if (reply !== undefined && !closed) socket.send(reply, peer.port, peer.address, ignore)
  }
  socket.on('message', (message, peer) => {
    if (peer.port === 0) return
    ask(message, 'udp', reply => send(reply, peer))
  })
  socket.on('error', ignore)
  return {
    port: socket.address().port,
    close: () => {
      closed = true
      return new Promise(resolve => socket.close(() => resolve()))
    },
  }
}

const ignore = (): void => undefined

function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address, port }, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
}
