import type { Logger } from 'pino'
import type { Clock, Timer } from '../../service/clock.ts'
import { Listeners, Watches } from '../listeners.ts'
import { type LinkState, StoreError } from '../store.ts'
import type { ZookeeperAddress } from './address.ts'
import { type Client, code, connectedState } from './client.ts'

/** Requests that are with the client at once; further ones wait here. */
const maxInFlight = 500
/** Requests that wait; one more is refused with UNAVAILABLE. */
const maxWaiting = 50_000

/**
 * The client tells that its connection broke when it has opened the next one; where servers accept and close at once it
 * never does. So its state is looked at as well. Milliseconds.
 */
const lookEvery = 500

/** What came of a request: its code and answers. */
export interface Outcome<Answers extends unknown[]> {
  readonly code: number
  readonly answers: Answers
}

export interface SessionOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly operationTimeout: number
  readonly sessionTimeout: number
}

interface Waiting {
  start(): void
  fail(error: StoreError): void
}

const unclear: ReadonlySet<number> = new Set([
  code.connectionLoss,
  code.operationTimeout,
  code.sessionMoved,
  // An answer that the client could not match: it breaks the connection and seeks another.
  code.runtimeInconsistency,
  code.dataInconsistency,
])

/** Whether a request that ended so may have been done, or not. */
export const isUnclear = (result: number): boolean => unclear.has(result)

const isLost = (result: number): boolean =>
  result === code.sessionExpired ||
  result === code.authFailed ||
  result === code.invalidState ||
  result === code.closing

/**
 * One ZooKeeper session: its state, its requests in order and bounded, its watches. When it is lost it is lost for ever,
 * and everything that waits fails with LOST.
 */
export class ZookeeperSession {
  readonly #client: Client
  readonly #root: string
  readonly #options: SessionOptions
  readonly #look: Timer
  readonly #states: Listeners<[LinkState]>
  readonly #watches: Watches
  readonly #waiting: Waiting[] = []
  readonly #fails = new Set<(error: StoreError) => void>()
  #inFlight = 0
  #state: LinkState = 'suspended'
  #lostBecause = ''
  #connects = 0

  constructor(client: Client, address: ZookeeperAddress, options: SessionOptions) {
    this.#client = client
    this.#root = address.root
    this.#options = options
    const failed = (error: unknown) => options.log.error({ err: error }, 'a listener of the store failed')
    this.#states = new Listeners(failed)
    this.#watches = new Watches(failed)
    this.#look = options.clock.every(lookEvery, () => {
      if (this.#state === 'connected' && client.state !== connectedState) this.#become('suspended')
    })
    client.on('connect', () => this.#connected())
    client.on('connecting', () => this.#become('suspended'))
    client.on('close', (_, reason) => this.#lose(reasonOf(reason)))
    for (const event of ['created', 'deleted', 'changed', 'child'] as const)
      client.on(event, (_, path) => this.#fired(event, path))
  }

  get state(): LinkState {
    return this.#state
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get log(): Logger {
    return this.#options.log
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.add(listener)
  }

  /** The deadline of an operation that begins now, on the monotonic clock. */
  deadline(): number {
    return this.#options.clock.monotonic() + this.#options.operationTimeout
  }

  /** A path of ours as ZooKeeper has it. */
  full(path: string): string {
    return path === '/' ? this.#root || '/' : `${this.#root}${path}`
  }

  /**
   * Makes one request when there is a connection and room. Answers its outcome, clear or not; throws UNAVAILABLE when it
   * was not made before the deadline or did not end, and LOST.
   */
  request<Answers extends unknown[]>(
    path: string,
    deadline: number,
    make: (client: Client, done: (result: number, message: string, ...answers: Answers) => void) => number,
  ): Promise<Outcome<Answers>> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'lost') return reject(this.#lost(path))
      if (this.#waiting.length >= maxWaiting)
        return reject(new StoreError('UNAVAILABLE', path, `${maxWaiting} operations wait for ZooKeeper already`))
      let made = false
      const finish = (settle: () => void) => {
        if (!this.#fails.delete(fail)) return
        timer?.cancel()
        settle()
      }
      const fail = (error: StoreError) => finish(() => reject(error))
      // Without a deadline it waits for the connection, or for the end of the session.
      const rest = deadline - this.#options.clock.monotonic()
      const timer = Number.isFinite(rest)
        ? this.#options.clock.after(Math.max(0, rest), () => fail(this.#late(path, made)))
        : undefined
      this.#fails.add(fail)
      this.#waiting.push({
        fail,
        start: () => {
          if (!this.#fails.has(fail)) return
          made = true
          this.#inFlight += 1
          const done = (result: number, _: string, ...answers: Answers) => {
            this.#inFlight -= 1
            finish(() => (isLost(result) ? reject(this.#lost(path)) : resolve({ code: result, answers })))
            this.#pump()
          }
          const taken = make(this.#client, done)
          if (taken !== code.ok) done(taken, '', ...([] as unknown as Answers))
        },
      })
      this.#pump()
    })
  }

  /** Waits until there is a connection, as long as it takes. Throws LOST. */
  async connected(): Promise<void> {
    while (this.#state === 'suspended') {
      const changed = Promise.withResolvers<void>()
      const off = this.onState(() => changed.resolve())
      await changed.promise
      off()
    }
    if (this.#state === 'lost') throw this.#lost('/')
  }

  /** Calls back after each change of the record or of its children, and after a reconnection. */
  watch(path: string, changed: (what: 'data' | 'children') => void): () => void {
    const known = this.#watches.has(path)
    const off = this.#watches.add(path, changed)
    if (!known) void this.#arm(path, ['data', 'children'], [])
    return off
  }

  close(): void {
    if (this.#state === 'lost') return
    this.#lose('it was closed')
    this.#client.close()
  }

  #pump(): void {
    while (this.#state === 'connected' && this.#inFlight < maxInFlight && this.#waiting.length > 0)
      this.#waiting.shift()!.start()
  }

  #connected(): void {
    this.#connects += 1
    this.#become('connected')
    if (this.#connects > 1)
      for (const path of this.#watches.paths()) void this.#arm(path, ['data', 'children'], ['data', 'children'])
  }

  #fired(event: 'created' | 'deleted' | 'changed' | 'child', fullPath: string): void {
    const path = fullPath === this.#root ? '/' : fullPath.slice(this.#root.length)
    if (!this.#watches.has(path)) return
    if (event === 'changed') void this.#arm(path, ['data'], ['data'])
    else if (event === 'child') void this.#arm(path, ['children'], ['children'])
    else void this.#arm(path, ['data', 'children'], ['data', 'children'])
  }

  /** Sets the watches, and only then tells: whoever reads after being told misses nothing. A set watch is not set twice by ZooKeeper. */
  async #arm(
    path: string,
    kinds: readonly ('data' | 'children')[],
    tell: readonly ('data' | 'children')[],
  ): Promise<void> {
    let told: readonly ('data' | 'children')[] = tell
    for (;;) {
      const connects = this.#connects
      const results = await Promise.all(kinds.map(kind => this.#armOne(path, kind))).catch(() => undefined)
      if (this.#state === 'lost' || !this.#watches.has(path)) return
      if (results && this.#connects === connects && results.every(result => !isUnclear(result))) break
      // What changed while it was not armed is not known.
      told = ['data', 'children']
    }
    for (const what of told) this.#watches.tell({ path, what })
  }

  async #armOne(path: string, kind: 'data' | 'children'): Promise<number> {
    const full = this.full(path)
    const { code: result } = await this.request<unknown[]>(path, this.deadline(), (client, done) =>
      kind === 'data' ? client.a_exists(full, true, done) : client.a_get_children(full, true, done),
    )
    return result
  }

  #become(state: LinkState): void {
    if (this.#state === state || this.#state === 'lost') return
    this.#state = state
    this.#options.log.info(`ZooKeeper: ${state}`)
    this.#states.tell(state)
    this.#pump()
  }

  #lose(reason: string): void {
    if (this.#state === 'lost') return
    this.#lostBecause = reason
    this.#look.cancel()
    this.#become('lost')
    this.#waiting.length = 0
    for (const fail of [...this.#fails]) fail(this.#lost('/'))
    this.#watches.clear()
    this.#states.clear()
  }

  #lost(path: string): StoreError {
    return new StoreError(
      'LOST',
      path,
      `the ZooKeeper session is gone: ${this.#lostBecause}; this process has to start again`,
    )
  }

  #late(path: string, made: boolean): StoreError {
    const seconds = this.#options.operationTimeout / 1_000
    return new StoreError(
      'UNAVAILABLE',
      path,
      made
        ? `ZooKeeper has not answered within ${seconds} s: it is not known whether the operation on ${path} was done`
        : `there was no connection to ZooKeeper for ${seconds} s: the operation on ${path} was not done`,
    )
  }
}

function reasonOf(result: number): string {
  if (result === code.sessionExpired) return 'it has expired'
  if (result === code.authFailed || result === -113) return 'the user or password is wrong'
  return `it was closed (${result})`
}
