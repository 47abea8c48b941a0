import { createServer, type Server, type Socket } from 'node:net'
import type { Timer } from '@meseta/common/service/clock'
import type { Backend } from '../table/backends.ts'
import { connectBackend } from './connect.ts'
import { type Front, type FrontOptions, listenAgain, portsToTry, refusalToListen } from './front.ts'
import { joinSockets } from './join.ts'
import { Pool } from './pool.ts'

/** TCP: each connection goes to the open backend with the fewest; bytes are passed on as they come, each side ends for itself. */
export class TcpFront implements Front {
  readonly #options: FrontOptions
  readonly #pool = new Pool()
  readonly #clients = new Set<Socket>()
  #server: Server | undefined
  #wanted = false
  #again: Timer | undefined
  #port: number | undefined
  #closed = false
  #drained: (() => void) | undefined

  constructor(options: FrontOptions) {
    this.#options = options
    this.#port = options.secondPort
  }

  get connections(): number {
    return this.#clients.size
  }

  update(backends: readonly Backend[]): void {
    this.#pool.update(backends)
    if (this.#closed) return
    if (this.#pool.isOpen) this.#open()
    else this.#shut()
  }

  async close(grace: number): Promise<void> {
    this.#closed = true
    this.#shut()
    if (this.#clients.size === 0) return
    await new Promise<void>(resolve => {
      const timer = this.#options.clock.after(grace, resolve)
      this.#drained = () => {
        timer.cancel()
        resolve()
      }
    })
    for (const client of this.#clients) client.destroy()
  }

  #open(): void {
    this.#again?.cancel()
    this.#wanted = true
    if (this.#server !== undefined) return
    const { place } = this.#options
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, client => {
      void this.#accept(client)
    })
    this.#server = server
    const [...ports] = portsToTry(place, this.#port)
    let refused: NodeJS.ErrnoException | undefined
    const listen = () => server.listen({ host: place.address, port: ports.shift(), backlog: 1024, exclusive: true })
    server.on('error', (error: NodeJS.ErrnoException) => {
      // Once it listens, an error is of one connection that could not be taken.
      if (server.listening) return
      refused ??= error
      if (ports.length > 0) listen()
      else {
        this.#server = undefined
        this.#tell(undefined, refusalToListen(place, refused, undefined))
        if (this.#wanted) this.#again = this.#options.clock.after(listenAgain, () => this.#open())
      }
    })
    server.on('listening', () => {
      if (!this.#wanted) return this.#shut()
      const bound = server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : place.port
      if (port !== place.port) this.#port = port
      this.#tell(port, refused === undefined ? undefined : refusalToListen(place, refused, port))
    })
    listen()
  }

  /** A closed port refuses at once: nobody waits for a virtual IP that no one serves. */
  #shut(): void {
    this.#again?.cancel()
    this.#wanted = false
    // One that is still being bound is shut when it listens.
    if (!this.#server?.listening) return
    this.#server.close()
    this.#server = undefined
  }

  #tell(port: number | undefined, error: string | undefined): void {
    this.#options.events.listening({ port, error })
  }

  async #accept(client: Socket): Promise<void> {
    const { limits, clock } = this.#options
    client.on('error', () => client.destroy())
    if (this.#clients.size >= limits.connections) return void client.resetAndDestroy()
    this.#clients.add(client)
    this.#options.events.connections(this.#clients.size)
    client.once('close', () => this.#left(client))
    const connected = await connectBackend(this.#pool, clock, limits)
    if (connected === undefined) return void client.resetAndDestroy()
    const { member, socket } = connected
    socket.once('close', () => {
      member.active -= 1
    })
    if (client.destroyed) return void socket.destroy()
    joinSockets(client, socket, limits.halfOpenIdle)
  }

  #left(client: Socket): void {
    this.#clients.delete(client)
    this.#options.events.connections(this.#clients.size)
    if (this.#clients.size === 0) this.#drained?.()
  }
}
