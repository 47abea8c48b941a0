import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy on loopback that cuts, refuses, freezes and delays. */
export class FaultyProxy {
  readonly port: number
  /** Milliseconds added to each piece of data, in each direction. */
  delay = 0
  /** Accepts nobody. */
  refusing = false
  /** Forwards nothing, in either direction, and keeps the connections. */
  frozen = false
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    server.on('connection', client => this.#join(client, target))
  }

  static async start(target: number): Promise<FaultyProxy> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new FaultyProxy(server, (server.address() as { port: number }).port, target)
  }

  /** Ends the connections that there are. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    this.#pairs.clear()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(client: Socket, target: number): void {
    if (this.refusing) {
      client.destroy()
      return
    }
    const server = connect({ port: target, host: '127.0.0.1' })
    const pair = [client, server] as const
    this.#pairs.add(pair)
    const end = () => {
      client.destroy()
      server.destroy()
      this.#pairs.delete(pair)
    }
    for (const [from, to] of [pair, [server, client] as const]) {
      const queue: Buffer[] = []
      from.on('data', data => this.#forward(to, data, queue))
      from.on('error', end)
      from.on('close', end)
    }
  }

  /** Delayed data keep their order, also when the delay becomes shorter. */
  #forward(to: Socket, data: Buffer, queue: Buffer[]): void {
    if (this.frozen) return
    if (this.delay === 0 && queue.length === 0) {
      to.write(data)
      return
    }
    queue.push(data)
    setTimeout(() => {
      const next = queue.shift()
      if (next && to.writable) to.write(next)
    }, this.delay)
  }
}
