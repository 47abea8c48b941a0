import type { FrameworkInfo, MasterInfo, SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { type Clock, systemClock } from '@meseta/common/service/clock'
import type { OwnCredential } from '@meseta/common/service/own-credential'
import { type Random, systemRandom } from '@meseta/common/service/random'
import { Backoff } from './backoff.ts'
import { type MasterSource, mastersOf } from './leader.ts'
import { Session } from './session.ts'
import { authorized, type Connect, connectHttp } from './transport.ts'
import type { CodecName } from './wire.ts'

/** Where the scheduler says what it does; a pino logger will do. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a scheduler is told. */
export interface SchedulerListener {
  /** A session began: reconcile, and ask for offers. `again` when the framework had an id before. */
  subscribed(session: { frameworkId: string; master: MasterInfo | undefined; again: boolean }): void
  /** Every event but SUBSCRIBED, HEARTBEAT and ERROR, in order. */
  event(event: SchedulerEvent): void
  /** A call that `call` had taken was refused by the master afterwards. */
  callRefused?(error: CallError): void
  /** The session is lost; tasks go on. A new one is being sought. */
  disconnected(reason: string): void
  /** There will be no session any more: the framework was removed, or another process took its place. */
  ended(reason: string): void
}

export interface SchedulerOptions {
  /** `http://a:5050,http://b:5050`, or a source of addresses such as `electedMaster`. */
  readonly master: string | MasterSource
  /** With `id` when the framework had one before. */
  readonly framework: FrameworkInfo
  readonly events: SchedulerListener
  /** The form of messages on the wire; protobuf unless said. */
  readonly codec?: CodecName
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  readonly connect?: Connect
  /** How the framework proves to masters who it is; also to those that a master redirects to. */
  readonly credential?: OwnCredential | undefined
  /** `stream` (unless said): calls leave on one stream where the master takes it, and are taken when they have left. `classic`: each is a request. */
  readonly calls?: 'stream' | 'classic'
  /** Calls that may wait for an answer; one more is refused. 10,000 unless said. */
  readonly maxCalls?: number
}

/** A call to the master, without what the scheduler fills in itself. */
export type Call = Omit<SchedulerCall, 'framework_id'>

/** A call that was not taken: refused by the master (`status`), or not sent or not answered, with no way to know (`status` undefined). */
export class CallError extends Error {
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.name = 'CallError'
    this.status = status
  }
}

/** A master that is silent for so many of its heartbeats is lost. */
const missedHeartbeats = 5

/**
 * The v1 scheduler API (Mesos contract 2): finds the leading master, subscribes, and after each loss subscribes again under the
 * same framework id. A call is sent at most once: after a loss the framework reconciles.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #clock: Clock
  readonly #source: MasterSource
  readonly #backoff: Backoff
  #framework: FrameworkInfo
  #session: Session | undefined
  #candidate = 0
  #stopped = false
  /** A teardown that has begun: until its end is known nothing else is done or told. */
  #teardown: PromiseWithResolvers<void> | undefined
  #unwatch: () => void

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#source = typeof options.master === 'string' ? mastersOf(options.master) : options.master
    this.#backoff = new Backoff(this.#clock, options.random ?? systemRandom)
    this.#framework = options.framework
    this.#unwatch = this.#source.onChange(() => this.#session?.lose('another master leads'))
    this.#tryNext()
  }

  get frameworkId(): string | undefined {
    return this.#framework.id?.value
  }

  get connected(): boolean {
    return this.#session?.live ?? false
  }

  /**
   * Sends a call in its turn. Resolves when the master took it (202), on a stream when it has left (a refusal comes to
   * `callRefused`); rejects with CallError when it refused, or when there is
   * no session, or it was lost meanwhile. Taking is not doing: see the README.
   */
  call(call: Call): Promise<void> {
    const session = this.#session
    if (session === undefined || !session.live)
      return Promise.reject(new CallError('there is no session with a master'))
    return session.call(call)
  }

  /** Changes what the master knows of the framework; falls back to subscribing anew where it can not be changed in place. */
  async update(framework: FrameworkInfo): Promise<void> {
    const { id } = this.#framework
    this.#framework = id === undefined ? framework : { ...framework, id }
    if (!this.connected) return
    try {
      await this.call({ type: 'UPDATE_FRAMEWORK', update_framework: { framework_info: this.#framework } })
    } catch {
      this.#session?.lose('the framework has changed')
    }
  }

  /**
   * Ends the framework and all of its tasks. Resolves when the master has said so: by taking the call or, where the session
   * broke before the answer, by refusing to subscribe a framework that was removed; one that it still knows is torn down again.
   * Rejects with CallError when there is no session, the master refuses, or `stop` comes first.
   */
  teardown(): Promise<void> {
    if (this.#teardown) return this.#teardown.promise
    if (!this.connected) return Promise.reject(new CallError('there is no session with a master'))
    this.#teardown = Promise.withResolvers()
    this.#sendTeardown()
    return this.#teardown.promise
  }

  #sendTeardown(): void {
    this.call({ type: 'TEARDOWN' }).then(
      () => this.#endTeardown(),
      (error: CallError) => {
        // Without a session there will be another one, and with it an answer.
        if (this.connected || (error.status !== undefined && error.status !== 307)) this.#endTeardown(error)
      },
    )
  }

  #endTeardown(error?: CallError): void {
    const teardown = this.#teardown
    this.#teardown = undefined
    if (error) teardown?.reject(error)
    else {
      this.stop()
      teardown?.resolve()
    }
  }

  /** Leaves without ending anything: the tasks go on. Idempotent. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#unwatch()
    this.#backoff.stop()
    this.#session?.close()
    this.#teardown?.reject(new CallError('stopped before the master had answered TEARDOWN'))
  }

  #tryNext(location?: string): void {
    if (this.#stopped) return
    const candidates = this.#source.candidates()
    const url = location ?? candidates[this.#candidate % Math.max(1, candidates.length)]
    if (url === undefined) {
      this.#backoff.again(() => this.#tryNext())
      return
    }
    if (location === undefined) this.#candidate += 1
    const { connect, credential, maxCalls, codec, events, log } = this.#options
    const session = new Session({
      url,
      connect: credential ? authorized(connect ?? connectHttp, credential) : (connect ?? connectHttp),
      codec: codec ?? 'protobuf',
      framework: this.#framework,
      clock: this.#clock,
      maxCalls: maxCalls ?? 10_000,
      calls: this.#options.calls ?? 'stream',
      callRefused: error => {
        log?.warn({ status: error.status }, error.message)
        events.callRefused?.(error)
      },
      missedHeartbeats,
      subscribed: (id, master) => {
        this.#backoff.reset()
        const again = this.#framework.id !== undefined
        this.#framework = { ...this.#framework, id: { value: id } }
        log?.info({ master: url, framework_id: id }, 'subscribed')
        if (this.#teardown) this.#sendTeardown()
        else events.subscribed({ frameworkId: id, master, again })
      },
      event: event => {
        if (!this.#teardown) events.event(event)
      },
      refused: message => this.#refused(message),
      redirected: target => this.#moveOn(session, () => this.#backoff.soon(() => this.#tryNext(target))),
      lost: (reason, wasLive) => {
        log?.warn({ master: url, reason }, wasLive ? 'session lost' : 'no session')
        this.#moveOn(session, () => {
          if (wasLive && !this.#teardown) events.disconnected(reason)
          this.#backoff.again(() => this.#tryNext())
        })
      },
    })
    this.#session = session
    session.open()
  }

  #moveOn(session: Session, next: () => void): void {
    if (this.#session !== session) return
    this.#session = undefined
    if (!this.#stopped) next()
  }

  /** Two refusals are final: going on would only fight with whoever has the id now. */
  #refused(message: string): void {
    this.#options.log?.error({ reason: message }, 'the master refused the framework')
    if (!/failed over|has been removed/i.test(message)) return
    if (this.#teardown && /has been removed/i.test(message)) {
      this.#endTeardown()
      return
    }
    this.stop()
    this.#options.events.ended(message)
  }
}

/** Starts a scheduler; see Scheduler. */
export const createScheduler = (options: SchedulerOptions): Scheduler => new Scheduler(options)
