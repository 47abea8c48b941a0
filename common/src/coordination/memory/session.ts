import type { Timer } from '../../service/clock.ts'
import { Listeners, Watches } from '../listeners.ts'
import { type LinkState, StoreError, type Versioned } from '../store.ts'
import { type Change, checkOperation, isWrite, type Operation, perform } from '../tree.ts'
import type { MemoryServers } from './servers.ts'

export type Answer = Versioned | undefined | string[] | number
type Outcome = { readonly answer: Answer } | { readonly error: unknown }

/** An operation on its way. */
interface Pending {
  readonly operation: Operation
  /** What the servers answered; undefined until they have done it. */
  outcome: Outcome | undefined
  timer: Timer | undefined
  readonly settle: (outcome: Outcome) => void
}

const defaultTimeout = 20_000

/** A connection to servers in memory: delays, breaks and doubts are made here, for the Store and the Election over it. */
export class MemorySession {
  readonly servers: MemoryServers
  readonly watches: Watches
  readonly #states: Listeners<[LinkState]>
  readonly #pending = new Set<Pending>()
  /** What arrives while the connection is lost, to be taken up when it returns. */
  #held: (() => void)[] = []
  #state: LinkState = 'connected'
  #expired = false
  /** The changes that this session has seen: it reads nothing older. */
  #seen = 0
  /** Requests reach the servers, and tidings the session, in their order. */
  #lastRequest = 0
  #lastTidings = 0

  constructor(servers: MemoryServers) {
    this.servers = servers
    this.watches = new Watches(servers.options.failed)
    this.#states = new Listeners(servers.options.failed)
  }

  get state(): LinkState {
    return this.#state
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.add(listener)
  }

  suspend(): void {
    if (this.#state !== 'connected') return
    this.#become('suspended')
    for (const pending of [...this.#pending]) {
      // What was on its way to the servers has reached them, or has not and is sent again.
      if (!pending.outcome && this.servers.chance(0.5)) this.#perform(pending)
      this.#request(pending)
    }
  }

  resume(): void {
    if (this.#state !== 'suspended') return
    if (this.#expired) {
      this.#end('it has expired')
      return
    }
    this.#become('connected')
    for (const arrive of this.#held.splice(0)) arrive()
    for (const path of this.watches.paths())
      for (const what of ['data', 'children'] as const) this.watches.tell({ path, what })
    for (const pending of [...this.#pending]) this.#request(pending)
  }

  /** The servers end the session; this side notices now if it is connected. */
  expire(): void {
    this.#leave('the session has expired')
    if (this.#state === 'connected') this.#end('it has expired')
  }

  close(): void {
    this.#leave('the session was closed')
    this.#end('it was closed')
  }

  #leave(reason: string): void {
    if (this.#expired) return
    this.#expired = true
    this.servers.sessions.delete(this)
    this.servers.races.leave(this, reason)
  }

  #end(reason: string): void {
    if (this.#state === 'lost') return
    for (const { settle } of [...this.#pending]) settle({ error: lost('/', reason) })
    this.#held = []
    this.#become('lost')
    this.watches.clear()
  }

  /** Sends an operation to the servers, and answers what they answer, or why that is not known. */
  submit(operation: Operation): Promise<Answer> {
    checkOperation(operation)
    if (this.#state === 'lost') return Promise.reject(lost(operation.path, 'it was closed or has expired'))
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        operation,
        outcome: undefined,
        timer: undefined,
        settle: outcome => {
          if (!this.#pending.delete(pending)) return
          pending.timer?.cancel()
          if ('error' in outcome) reject(outcome.error)
          else resolve(outcome.answer)
        },
      }
      this.#pending.add(pending)
      if (!this.#fails(pending)) this.#request(pending)
    })
  }

  /** Does something when its tidings have reached this session: after a delay, in order, and not while the connection is lost. */
  hear(tidings: () => void): void {
    const arrive = () => {
      if (this.#state === 'lost') return
      if (this.#state === 'suspended') this.#held.push(arrive)
      else tidings()
    }
    this.#lastTidings = this.#after(this.servers.draw(this.servers.faults.watchDelay), this.#lastTidings, arrive)
  }

  /** Something has changed on the servers; `at` is the number of changes with it. */
  changed(changes: readonly Change[], at: number): void {
    const watched = changes.filter(change => this.watches.has(change.path))
    if (watched.length === 0) return
    this.hear(() => {
      this.#seen = Math.max(this.#seen, at)
      for (const change of watched) this.watches.tell(change)
    })
  }

  /** A write that fails by the faults' dice: it is not done, or done now, or a little later. */
  #fails(pending: Pending): boolean {
    const { faults, options } = this.servers
    if (!isWrite(pending.operation) || this.#state !== 'connected') return false
    const before = this.servers.chance(faults.unavailableBefore)
    if (!before && !this.servers.chance(faults.unavailableAfter)) return false
    const late = !before && this.servers.chance(0.5)
    if (!before && !late) this.#perform(pending)
    options.clock.after(this.servers.draw(faults.delay), () => {
      pending.settle({ error: unavailable(pending.operation.path) })
      if (late) options.clock.after(this.servers.draw(faults.delay), () => this.#perform(pending))
    })
    return true
  }

  #request(pending: Pending): void {
    const { clock, operationTimeout = defaultTimeout } = this.servers.options
    const { delay } = this.servers.faults
    if (this.#state === 'suspended') {
      pending.timer ??= clock.after(operationTimeout, () =>
        pending.settle({ error: unavailable(pending.operation.path) }),
      )
      return
    }
    if (pending.outcome) {
      pending.settle(pending.outcome)
      return
    }
    this.#lastRequest = this.#after(this.servers.draw(delay), this.#lastRequest, () => {
      if (!this.#pending.has(pending) || this.#state !== 'connected') return
      this.#perform(pending)
      this.#after(this.servers.draw(delay), 0, () => {
        if (this.#state === 'connected') pending.settle(pending.outcome!)
        else this.#request(pending)
      })
    })
  }

  /** The servers do it, once, unless the session has ended for them. */
  #perform(pending: Pending): void {
    if (pending.outcome || this.#expired) return
    const { records } = this.servers
    const changes: Change[] = []
    try {
      pending.outcome = {
        answer: isWrite(pending.operation)
          ? perform(records, pending.operation, changes)
          : this.#read(pending.operation),
      }
    } catch (error) {
      pending.outcome = { error }
    }
    if (isWrite(pending.operation)) this.#seen = records.now
    if (changes.length > 0) this.servers.changed(changes)
  }

  /** A read is done by a server that may be behind, but not behind this session. */
  #read({ kind, path }: Operation): Answer {
    const { records, faults, options } = this.servers
    const oldest = Math.max(this.#seen, records.oldest)
    const behind = this.servers.chance(faults.staleRead)
    this.#seen = behind ? oldest + Math.floor(options.random.next() * (records.now - oldest + 1)) : records.now
    const view = records.asOf(this.#seen)
    return kind === 'list' ? view.names(path).sort() : view.get(path)
  }

  /** Without a delay it happens after this turn, and no clock is used. Answers the time when it happens. */
  #after(delay: number, notBefore: number, action: () => void): number {
    const { clock } = this.servers.options
    if (delay === 0 && (notBefore === 0 || notBefore < clock.monotonic())) {
      queueMicrotask(action)
      return 0
    }
    const now = clock.monotonic()
    const at = Math.max(now + delay, notBefore)
    clock.after(at - now, action)
    return at
  }

  #become(state: LinkState): void {
    this.#state = state
    this.#states.tell(state)
  }
}

const lost = (path: string, reason: string): StoreError =>
  new StoreError('LOST', path, `the session is gone: ${reason}`)

const unavailable = (path: string): StoreError =>
  new StoreError('UNAVAILABLE', path, `no answer: it is not known whether the operation on ${path} was done`)
