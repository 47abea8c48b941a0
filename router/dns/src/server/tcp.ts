import { createServer, type Socket } from 'node:net'
import type { Handler } from './handler.ts'

export interface TcpLimits {
  /** Connections at a time; at one more the one is closed that has asked nothing for the longest time. */
  readonly connections: number
  /** Questions in work on one connection; reading pauses at it. */
  readonly inFlight: number
  /** Longest question, bytes; a longer one ends the connection. */
  readonly questionBytes: number
  /** Silence after which a connection is closed, ms. */
  readonly idle: number
  /** Unsent bytes at which reading pauses. */
  readonly unsentBytes: number
}

export const tcpLimits: TcpLimits = {
  connections: 1024,
  inFlight: 64,
  questionBytes: 4096,
  idle: 30_000,
  unsentBytes: 256 * 1024,
}

export interface TcpServer {
  readonly port: number
  close(): Promise<void>
}

/** Answers questions over TCP, any number on one connection, each reply as soon as it is there (RFC 7766). */
export async function serveTcp(
  address: string,
  port: number,
  ask: Handler,
  limits: TcpLimits = tcpLimits,
): Promise<TcpServer> {
  /** The one that asked last is the last. */
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    const [silent] = sockets
    if (silent !== undefined && sockets.size >= limits.connections) {
      sockets.delete(silent)
      silent.destroy()
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const asked: Handler = (message, transport, reply) => {
      sockets.delete(socket)
      sockets.add(socket)
      ask(message, transport, reply)
    }
    new Connection(socket, asked, limits).start()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** One client: questions come in with their length before them, and go out so. */
class Connection {
  readonly #socket: Socket
  readonly #ask: Handler
  readonly #limits: TcpLimits
  #held: Buffer = Buffer.alloc(0)
  #inFlight = 0
  #ended = false

  constructor(socket: Socket, ask: Handler, limits: TcpLimits) {
    this.#socket = socket
    this.#ask = ask
    this.#limits = limits
  }

  start(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.setTimeout(this.#limits.idle, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => this.#take(chunk))
    socket.on('drain', () => this.#proceed())
    socket.on('end', () => {
      this.#ended = true
      this.#finish()
    })
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#proceed()
  }

  #proceed(): void {
    const { inFlight, questionBytes, unsentBytes } = this.#limits
    while (this.#held.length >= 2 && !this.#socket.destroyed) {
      const length = this.#held.readUInt16BE(0)
      if (length > questionBytes) return void this.#socket.destroy()
      if (this.#held.length < length + 2) break
      if (this.#inFlight >= inFlight || this.#socket.writableLength > unsentBytes) return void this.#socket.pause()
      const message = this.#held.subarray(2, length + 2)
      this.#held = this.#held.subarray(length + 2)
      this.#inFlight += 1
      this.#ask(message, 'tcp', reply => this.#answer(reply))
    }
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #answer(reply: Buffer | undefined): void {
    this.#inFlight -= 1
    if (this.#socket.destroyed) return
    if (reply !== undefined) {
      const framed = Buffer.allocUnsafe(reply.length + 2)
      framed.writeUInt16BE(reply.length, 0)
      reply.copy(framed, 2)
      this.#socket.write(framed)
    }
    if (this.#socket.isPaused()) this.#proceed()
    this.#finish()
  }

  /** A client that has said all still gets what it asked for. */
  #finish(): void {
    if (this.#ended && this.#inFlight === 0) this.#socket.end()
  }
}
