import type { ConnectionOptions, NatsConnection, Subscription as NatsSubscription } from 'nats'
import { Listeners } from '../../coordination/listeners.ts'
import { type Bus, BusDownError, type BusState, checkPayload, type Subscription } from '../bus.ts'
import type { BusOptions } from '../open.ts'
import { checkPattern, checkSubject } from '../subjects.ts'
import { natsTls } from './tls.ts'

/** Where the servers are, and who we are to them. */
export interface NatsAddress {
  readonly servers: readonly string[]
  readonly user?: string
  readonly password?: string
}

/** Bytes handed to the client that the server has not confirmed; at more, `publish` throws BusDownError: the server is frozen or too slow. */
const maxUnconfirmed = 64 * 1024 * 1024
/** A confirmation is asked for after this many bytes. */
const confirmEach = 1024 * 1024
/** The first wait before a reconnection is up to this; each further one up to twice as long, to `reconnectJitter`. Milliseconds. */
const firstJitter = 250

interface Receiver {
  readonly subject: string
  readonly received: (payload: Uint8Array, subject: string) => void
  live: NatsSubscription | undefined
}

/**
 * A Bus over NATS servers: it seeks them for ever, notices a frozen link within three ping intervals, and refuses to
 * publish while it has none. A subscription outlives any connection.
 */
export class NatsBus implements Bus {
  readonly #address: NatsAddress
  readonly #options: BusOptions
  readonly #nats: typeof import('nats')
  readonly #states: Listeners<[BusState]>
  readonly #receivers = new Set<Receiver>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  #connection: NatsConnection | undefined
  #state: BusState = 'disconnected'
  #attempts = 0
  #unconfirmed = 0
  #confirming = false

  constructor(nats: typeof import('nats'), address: NatsAddress, options: BusOptions) {
    this.#nats = nats
    this.#address = address
    this.#options = options
    this.#states = new Listeners(error => options.log.error({ err: error }, 'a listener of the bus failed'))
    this.#running = this.#run()
  }

  get state(): BusState {
    return this.#state
  }

  get identity(): string | undefined {
    const { proof } = this.#options
    const name = !proof
      ? this.#address.user
      : 'user' in proof
        ? proof.user
        : 'seed' in proof
          ? this.#publicKey(proof)
          : undefined
    return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name) ? name : undefined
  }

  #publicKey({ seed }: { readonly seed: string }): string {
    return this.#nats.nkeys.fromSeed(Buffer.from(seed)).getPublicKey()
  }

  #proof(): ConnectionOptions {
    const { proof } = this.#options
    const { user, password } = this.#address
    if (!proof) return user === undefined ? {} : { user, pass: password ?? '' }
    if ('seed' in proof) return { authenticator: this.#nats.nkeyAuthenticator(Buffer.from(proof.seed)) }
    return 'token' in proof ? { token: proof.token } : { user: proof.user, pass: proof.password }
  }

  publish(subject: string, payload: Uint8Array): void {
    checkSubject(subject)
    checkPayload(subject, payload)
    const connection = this.#connection
    if (this.#state !== 'connected' || !connection) throw new BusDownError()
    if (this.#unconfirmed + payload.length > maxUnconfirmed)
      throw new BusDownError(`the NATS server has not taken ${this.#unconfirmed} bytes yet; the message was not sent`)
    connection.publish(subject, payload)
    this.#unconfirmed += payload.length
    if (this.#unconfirmed >= confirmEach && !this.#confirming) void this.#confirm(connection)
  }

  subscribe(subject: string, received: Receiver['received']): Subscription {
    checkPattern(subject)
    const receiver: Receiver = { subject, received, live: undefined }
    this.#receivers.add(receiver)
    if (this.#connection && !this.#connection.isClosed()) this.#listen(this.#connection, receiver)
    return {
      unsubscribe: () => {
        this.#receivers.delete(receiver)
        receiver.live?.unsubscribe()
        receiver.live = undefined
      },
    }
  }

  onState(listener: (state: BusState) => void): () => void {
    return this.#states.add(listener)
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return this.#running
    this.#receivers.clear()
    this.#become('closed')
    this.#stopped.resolve()
    await this.#connection?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#state !== 'closed') {
      const connection = await this.#connect()
      if (connection) await this.#serve(connection)
      else await this.#pause()
    }
  }

  async #connect(): Promise<NatsConnection | undefined> {
    const { servers } = this.#address
    const { pingInterval = 5_000, ca } = this.#options
    try {
      return await this.#nats.connect({
        servers: [...servers],
        ...this.#proof(),
        ...(ca !== undefined && { tls: natsTls(ca, servers) }),
        pingInterval,
        maxPingOut: 2,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: () => this.#delay(),
        ignoreAuthErrorAbort: true,
        timeout: 5_000,
      })
    } catch (error) {
      if (this.#attempts <= 1)
        this.#options.log.warn({ err: error, servers }, 'NATS can not be reached; trying for ever')
      return undefined
    }
  }

  /** Until the connection is given up, which happens only when we close it or the library does. */
  async #serve(connection: NatsConnection): Promise<void> {
    if (this.#state === 'closed') return connection.close()
    this.#connection = connection
    for (const receiver of this.#receivers) this.#listen(connection, receiver)
    void this.#follow(connection)
    this.#connected()
    const error = await connection.closed()
    this.#connection = undefined
    this.#disconnected()
    if (error && this.#state === 'disconnected')
      this.#options.log.warn({ err: error }, 'the NATS connection was closed')
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type, data } of connection.status()) {
      if (type === 'disconnect') this.#disconnected()
      else if (type === 'reconnect') this.#connected()
      else if (type === 'error') this.#options.log.warn({ reason: String(data) }, 'the NATS server refuses something')
    }
  }

  #connected(): void {
    this.#attempts = 0
    this.#unconfirmed = 0
    this.#confirming = false
    this.#become('connected')
  }

  #disconnected(): void {
    if (this.#state === 'connected') this.#become('disconnected')
  }

  #listen(connection: NatsConnection, receiver: Receiver): void {
    receiver.live = connection.subscribe(receiver.subject, {
      callback: (error, message) => {
        if (error) {
          this.#options.log.warn({ err: error, subject: receiver.subject }, 'a subscription was refused')
          return
        }
        try {
          receiver.received(message.data, message.subject)
        } catch (failure) {
          this.#options.log.error({ err: failure, subject: message.subject }, 'a receiver of the bus failed')
        }
      },
    })
  }

  /** The server has taken everything up to here when it answers. A connection that breaks meanwhile starts the count anew. */
  async #confirm(connection: NatsConnection): Promise<void> {
    this.#confirming = true
    const bytes = this.#unconfirmed
    const answered = await connection.flush().then(
      () => true,
      () => false,
    )
    if (!answered || !this.#confirming) return
    this.#confirming = false
    this.#unconfirmed = Math.max(0, this.#unconfirmed - bytes)
  }

  #delay(): number {
    const { random, reconnectJitter = 5_000 } = this.#options
    this.#attempts += 1
    return random.next() * Math.min(reconnectJitter, firstJitter * 2 ** Math.min(this.#attempts, 20))
  }

  async #pause(): Promise<void> {
    const pause = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(this.#delay(), pause.resolve)
    await Promise.race([pause.promise, this.#stopped.promise])
    timer.cancel()
  }

  #become(state: BusState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    if (state !== 'closed') this.#options.log.info({ servers: this.#address.servers }, `NATS: ${state}`)
    this.#states.tell(state)
  }
}

/** Opens a Bus over NATS. The client library is loaded here, and only then. */
export async function openNats(address: NatsAddress, options: BusOptions): Promise<Bus> {
  return new NatsBus(await import('nats'), address, options)
}
