import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Handler } from './handler.ts'

/** Kernel buffers asked for, bytes: a burst waits there and is not lost. */
const bufferBytes = 4 * 1024 * 1024

export interface UdpServer {
  readonly port: number
  close(): Promise<void>
}

/** Answers questions over UDP. Peers are addresses already: the look-up that `send` makes of them is left out. `ask` gives the reply at once, or later for what is asked outside. */
export async function serveUdp(address: string, port: number, ask: Handler): Promise<UdpServer> {
  const family = isIPv6(address) ? 6 : 4
  const socket = createSocket({ type: `udp${family}`, lookup: (peer, _options, found) => found(null, peer, family) })
  await bind(socket, address, port)
  socket.setRecvBufferSize(bufferBytes)
  socket.setSendBufferSize(bufferBytes)
  let closed = false
  const send = (reply: Buffer | undefined, peer: RemoteInfo) => {
    // A reply that the network refuses is lost like any datagram (an `error` event, passed over): the client asks again.
    if (reply !== undefined && !closed) socket.send(reply, peer.port, peer.address)
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
