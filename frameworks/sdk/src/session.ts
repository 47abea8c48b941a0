import type { FrameworkInfo, MasterInfo, SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import type { Clock, Timer } from '@meseta/common/service/clock'
import { CallQueue } from './call-queue.ts'
import { type Call, CallError } from './scheduler.ts'
import type { Connect, Connection, OpenedStream } from './transport.ts'
import { type CodecName, type Wire, wires } from './wire.ts'

export interface SessionOptions {
  readonly url: string
  readonly connect: Connect
  readonly codec: CodecName
  readonly framework: FrameworkInfo
  readonly clock: Clock
  readonly maxCalls: number
  /** Whether calls leave on one stream, where the master takes it, or each as a request of its own. */
  readonly calls: 'stream' | 'classic'
  readonly missedHeartbeats: number
  subscribed(frameworkId: string, master: MasterInfo | undefined): void
  event(event: SchedulerEvent): void
  /** The master's ERROR event. */
  refused(message: string): void
  /** A call that was handed over on the stream was refused afterwards. */
  callRefused(error: CallError): void
  redirected(origin: string): void
  /** Told once, at the end, unless it was closed or redirected. */
  lost(reason: string, wasLive: boolean): void
}

const apiPath = '/api/v1/scheduler'
const defaultHeartbeat = 15

/** One subscription with one master, from the first byte to the last. */
export class Session {
  readonly #options: SessionOptions
  readonly #wire: Wire
  readonly #connection: Connection
  readonly #records = new RecordDecoder()
  /** Bytes that came before the head of the answer was looked at: the stream id is in it. */
  #early: Uint8Array[] | undefined = []
  #streamId: string | undefined
  #frameworkId: string | undefined
  #pending = 0
  readonly #callQueue: CallQueue
  #over = false
  #watchdog: Timer | undefined
  #lastHeard = 0

  constructor(options: SessionOptions) {
    this.#options = options
    this.#wire = wires[options.codec]
    const base = new URL(options.url)
    const prefix = base.pathname.replace(/\/+$/, '')
    this.#connection = options.connect(base.origin, prefix.endsWith(apiPath) ? prefix : `${prefix}${apiPath}`)
    this.#callQueue = new CallQueue(error => {
      options.callRefused(error)
      if (error.status === 403) this.lose(error.message)
    })
  }

  /** Whether calls may be sent. */
  get live(): boolean {
    return !this.#over && this.#frameworkId !== undefined
  }

  open(): void {
    const { framework } = this.#options
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: framework },
      ...(framework.id && { framework_id: framework.id }),
    }
    this.#subscribe(call).catch(error => this.lose(error instanceof Error ? error.message : String(error)))
  }

  async #subscribe(call: SchedulerCall): Promise<void> {
    const { contentType } = this.#wire
    const headers = { 'content-type': contentType, accept: contentType, 'accept-encoding': 'identity' }
    const stream = await this.#connection.openStream(this.#wire.encodeCall(call), headers, {
      chunk: bytes => this.#chunk(bytes),
      closed: reason => this.lose(reason),
    })
    if (stream.status === 200) this.#opened(stream)
    else if (stream.status === 307 || stream.status === 302) this.#redirect(stream)
    else this.lose(`the master answered ${stream.status}: ${stream.body.slice(0, 300)}`)
  }

  #opened(stream: OpenedStream): void {
    this.#streamId = stream.headers['mesos-stream-id']
    if (this.#over) return
    this.#watch(defaultHeartbeat)
    const early = this.#early ?? []
    this.#early = undefined
    for (const bytes of early) this.#chunk(bytes)
  }

  #redirect(stream: OpenedStream): void {
    const location = stream.headers.location
    if (location === undefined || !URL.canParse(location, this.#options.url)) {
      this.lose('the master sent a redirect to nowhere')
      return
    }
    this.close()
    this.#options.redirected(new URL(location, this.#options.url).origin)
  }

  /** A silent master is a lost one: looked at each heartbeat. */
  #watch(heartbeat: number): void {
    const { clock, missedHeartbeats } = this.#options
    this.#lastHeard = clock.monotonic()
    this.#watchdog?.cancel()
    this.#watchdog = clock.every(heartbeat * 1000, () => {
      if (clock.monotonic() - this.#lastHeard >= heartbeat * 1000 * missedHeartbeats)
        this.lose(`the master was silent for ${missedHeartbeats} heartbeats`)
    })
  }

  #chunk(bytes: Uint8Array): void {
    if (this.#over) return
    if (this.#early !== undefined) {
      this.#early.push(bytes)
      return
    }
    this.#lastHeard = this.#options.clock.monotonic()
    try {
      for (const record of this.#records.push(bytes)) this.#event(this.#wire.decodeEvent(record))
    } catch (error) {
      this.lose(`the master's stream is broken: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #event(event: SchedulerEvent): void {
    if (this.#over) return
    switch (event.type) {
      case 'SUBSCRIBED': {
        const { framework_id, heartbeat_interval_seconds, master_info } = event.subscribed ?? {}
        if (framework_id === undefined) return
        this.#frameworkId = framework_id.value
        this.#watch(heartbeat_interval_seconds ?? defaultHeartbeat)
        this.#openCalls()
        this.#options.subscribed(framework_id.value, master_info)
        break
      }
      case 'HEARTBEAT':
        break
      case 'ERROR':
        this.#options.refused(event.error?.message ?? 'the master gave no reason')
        this.lose(`the master refused: ${event.error?.message ?? 'no reason given'}`)
        break
      default:
        this.#options.event(event)
    }
  }

  /** Calls wait in their order until it is known whether the master takes a stream of them. */
  #openCalls(): void {
    const { openCalls } = this.#connection
    if (this.#options.calls === 'classic' || openCalls === undefined) return
    const headers = {
      ...this.#callHeaders(),
      'content-type': 'application/recordio',
      'message-content-type': this.#wire.contentType,
    }
    const opening = openCalls.call(this.#connection, headers, {
      refused: (call, status, message) => this.#callQueue.refused(call, status, message),
      closed: reason => this.lose(reason),
    })
    this.#callQueue.opening(opening).catch(error => this.lose(error instanceof Error ? error.message : String(error)))
  }

  #callHeaders(): Record<string, string> {
    const headers: Record<string, string> = { 'content-type': this.#wire.contentType, accept: 'application/json' }
    if (this.#streamId !== undefined) headers['mesos-stream-id'] = this.#streamId
    return headers
  }

  async call(call: Call): Promise<void> {
    const full: SchedulerCall = { ...call, framework_id: { value: this.#frameworkId ?? '' } }
    const bytes = this.#wire.encodeCall(full)
    // It ends the stream of calls, on which nobody could say that it was taken.
    if (call.type === 'TEARDOWN') return this.#post(call, bytes)
    const queued = this.#callQueue.take(call.type ?? 'UNKNOWN', bytes)
    if (queued === 'taken') return
    if (queued !== undefined && (await queued)) return
    await this.#post(call, bytes)
  }

  async #post(call: Call, bytes: Uint8Array): Promise<void> {
    const { maxCalls } = this.#options
    if (this.#pending >= maxCalls) throw new CallError(`${maxCalls} calls wait for an answer already`)
    const headers = this.#callHeaders()
    this.#pending += 1
    try {
      const reply = await this.#connection.post(bytes, headers)
      if (reply.status === 202 || reply.status === 200) return
      if (reply.status === 403 || reply.status === 307)
        this.lose(`a call was answered ${reply.status}: ${reply.body.slice(0, 200)}`)
      throw new CallError(`the master refused ${call.type}: ${reply.status} ${reply.body.slice(0, 300)}`, reply.status)
    } catch (error) {
      if (error instanceof CallError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      this.lose(`a call failed: ${reason}`)
      throw new CallError(`${call.type} was not answered: ${reason}`)
    } finally {
      this.#pending -= 1
    }
  }

  /** Ends the session and says so; what was not answered fails. */
  lose(reason: string): void {
    if (this.#over) return
    const wasLive = this.live
    this.close()
    this.#options.lost(reason, wasLive)
  }

  /** Ends it without a word. Idempotent. */
  close(): void {
    this.#over = true
    this.#watchdog?.cancel()
    this.#connection.destroy()
  }
}
