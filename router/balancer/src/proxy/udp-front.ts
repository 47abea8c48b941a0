import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Timer } from '@meseta/common/service/clock'
import type { Backend } from '../table/backends.ts'
import { type Front, type FrontOptions, listenAgain, portsToTry, refusalToListen } from './front.ts'
import { type Member, Pool } from './pool.ts'

/** A client whose datagrams go to one backend, over a socket of its own, so that the answers find back. */
interface Session {
  readonly member: Member
  readonly socket: Socket
  /** Datagrams that came before the socket was connected. */
  waiting: Buffer[] | undefined
  lastUsed: number
}

/** Datagrams held while a session's socket is being connected; more are dropped. */
const mostWaiting = 16
const sweep = 5_000

/** UDP: a client keeps its backend while it talks, or until that backend is gone. */
export class UdpFront implements Front {
  readonly #options: FrontOptions
  readonly #pool = new Pool()
  /** By client, the longest silent first. */
  readonly #sessions = new Map<string, Session>()
  readonly #sweep: Timer
  #socket: Socket | undefined
  #isBound = false
  #wanted = false
  #again: Timer | undefined
  #port: number | undefined
  #closed = false

  constructor(options: FrontOptions) {
    this.#options = options
    this.#port = options.secondPort
    this.#sweep = options.clock.every(sweep, () => this.#forgetSilent())
  }

  get connections(): number {
    return this.#sessions.size
  }

  update(backends: readonly Backend[]): void {
    this.#pool.update(backends)
    for (const [client, session] of this.#sessions) if (!session.member.present) this.#forget(client, session)
    if (this.#closed) return
    if (this.#pool.isOpen || this.#sessions.size > 0) this.#open()
    else this.#shut()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#sweep.cancel()
    this.#shut()
    for (const [client, session] of this.#sessions) this.#forget(client, session)
  }

  #open(): void {
    this.#again?.cancel()
    this.#wanted = true
    if (this.#socket !== undefined) return
    const { place } = this.#options
    this.#bind([...portsToTry(place, this.#port)], undefined)
  }

  #bind(ports: number[], refused: NodeJS.ErrnoException | undefined): void {
    const { place, events } = this.#options
    const socket = createSocket(isIPv6(place.address) ? 'udp6' : 'udp4')
    this.#socket = socket
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      this.#socket = undefined
      const first = refused ?? error
      if (ports.length > 0) return this.#bind(ports, first)
      events.listening({ port: undefined, error: refusalToListen(place, first, undefined) })
      if (this.#wanted) this.#again = this.#options.clock.after(listenAgain, () => this.#open())
    })
    socket.bind({ address: place.address, port: ports.shift() ?? 0, exclusive: true }, () => {
      this.#isBound = true
      if (!this.#wanted) return this.#shut()
      socket.removeAllListeners('error')
      socket.on('error', () => undefined)
      const { port } = socket.address()
      if (port !== place.port) this.#port = port
      events.listening({ port, error: refused && refusalToListen(place, refused, port) })
    })
    socket.on('message', (message, client) => this.#take(message, client))
  }

  #shut(): void {
    this.#again?.cancel()
    this.#wanted = false
    // One that is still being bound is shut when it is.
    if (!this.#isBound) return
    this.#isBound = false
    this.#socket?.close()
    this.#socket = undefined
  }

  #take(message: Buffer, client: RemoteInfo): void {
    const key = `${client.address} ${client.port}`
    const session = this.#sessions.get(key) ?? this.#begin(key, client)
    if (session === undefined) return
    session.lastUsed = this.#options.clock.monotonic()
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    if (session.waiting === undefined) session.socket.send(message)
    else if (session.waiting.length < mostWaiting) session.waiting.push(message)
  }

  #begin(key: string, client: RemoteInfo): Session | undefined {
    const { clock, limits } = this.#options
    const member = this.#pool.choose(new Set(), clock.monotonic())
    if (member === undefined) return undefined
    if (this.#sessions.size >= limits.sessions) {
      const [oldest] = this.#sessions
      if (oldest !== undefined) this.#forget(...oldest)
    }
    const socket = createSocket(isIPv6(member.ip) ? 'udp6' : 'udp4')
    const session: Session = { member, socket, waiting: [], lastUsed: clock.monotonic() }
    member.active += 1
    this.#sessions.set(key, session)
    this.#options.events.connections(this.#sessions.size)
    socket.on('error', () => {
      member.suspectUntil = clock.monotonic() + limits.suspicion
      this.#forget(key, session)
    })
    socket.on('message', answer => {
      session.lastUsed = clock.monotonic()
      this.#socket?.send(answer, client.port, client.address)
    })
    // Without a callback of `connect`, which would get its failure, that is an error like any other.
    socket.once('connect', () => {
      const { waiting = [] } = session
      session.waiting = undefined
      if (this.#sessions.get(key) === session) for (const message of waiting) socket.send(message)
    })
    socket.connect(member.port, member.ip)
    return session
  }

  #forget(key: string, session: Session): void {
    if (this.#sessions.get(key) !== session) return
    this.#sessions.delete(key)
    session.member.active -= 1
    session.socket.removeAllListeners('error')
    session.socket.on('error', () => undefined)
    session.socket.close()
    this.#options.events.connections(this.#sessions.size)
  }

  #forgetSilent(): void {
    const limit = this.#options.clock.monotonic() - this.#options.limits.sessionIdle
    for (const [client, session] of this.#sessions) {
      if (session.lastUsed <= limit) this.#forget(client, session)
    }
    if (!this.#pool.isOpen && this.#sessions.size === 0) this.#shut()
  }
}
