import { BadMessage } from '@meseta/common/protocol/errors'
import type { SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'
import type { Command } from '../state/commands.ts'
import type { Effect } from '../state/effects.ts'
import { isCallStream, messageType, readCalls } from './call-stream.ts'
import { checkCall } from './check-call.ts'
import { Heartbeats } from './heartbeats.ts'
import { acceptedMedia, contentType, type Media, notAcceptable, readMessage, writeRecord } from './media.ts'
import { type ApiReply, type ApiRequest, type ApiStream, empty, headerOf, refusal } from './transport.ts'

/** Above this many unsent bytes a framework gets no offers, below half of it it does again. */
const pressureBytes = 1024 * 1024

/** Below this many unsent bytes the next portion of a long answer is asked for at once, else when the stream has drained. */
const flowBytes = 256 * 1024

interface OpenStream {
  readonly stream: ApiStream
  readonly media: Media
  blocked: boolean
  /** More is to be said, once what was written has left. */
  moreFollows: boolean
}

/** Where the heart's answer to a call goes. */
interface Pending {
  answered(status: number, message: string | undefined): void
  /** A SUBSCRIBE's own. */
  readonly subscription?: { readonly reply: ApiReply; readonly media: Media; readonly streamId: string }
}

export interface SchedulerEndpointOptions {
  readonly clock: Clock
  readonly random: Random
  /** Gives the heart commands for one step; its effects come back through `carryOut` before or after this returns. */
  readonly dispatch: (...commands: Command[]) => void
}

/**
 * `POST /api/v1/scheduler` without its transport: request bytes in, an answer or a stream of records out (Mesos contract 2).
 * Leadership and recovery have been checked before.
 */
export class SchedulerEndpoint {
  readonly #options: SchedulerEndpointOptions
  readonly #pending = new Map<number, Pending>()
  readonly #streams = new Map<string, OpenStream>()
  readonly #beats: Heartbeats<string>
  #requests = 0

  constructor(options: SchedulerEndpointOptions) {
    this.#options = options
    this.#beats = new Heartbeats(options.clock, streamId => this.#write(streamId, { type: 'HEARTBEAT' }))
  }

  handle(request: ApiRequest, reply: ApiReply): void {
    if (request.method !== 'POST') {
      reply.answer(refusal(405, 'Expecting POST', { allow: 'POST' }))
      return
    }
    if (isCallStream(request)) {
      this.#handleStream(request, reply)
      return
    }
    const media = contentType(request)
    if (typeof media !== 'string') {
      reply.answer(media)
      return
    }
    let call: SchedulerCall
    try {
      call = readMessage('mesos.v1.scheduler.Call', media, request.body)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      reply.answer(refusal(400, `Failed to parse body into a Call: ${error.message}`))
      return
    }
    const problem = checkCall(call)
    if (problem !== undefined) {
      reply.answer(refusal(400, `Failed to validate the Call: ${problem}`))
      return
    }
    this.#handleCall(request, reply, call)
  }

  #handleCall(request: ApiRequest, reply: ApiReply, call: SchedulerCall): void {
    const given = headerOf(request, 'mesos-stream-id')
    let media: Media = 'application/json'
    if (call.type === 'SUBSCRIBE' || call.type === 'RECONCILE_OPERATIONS') {
      const accepted = acceptedMedia(request)
      if (accepted === undefined) {
        reply.answer(notAcceptable)
        return
      }
      media = accepted
    }
    if (call.type === 'SUBSCRIBE' && given !== undefined) {
      reply.answer(refusal(400, "SUBSCRIBE must not have the header 'Mesos-Stream-Id'"))
      return
    }
    const answered = (status: number, message: string | undefined) =>
      reply.answer(message === undefined ? empty(status) : refusal(status, message))
    if (call.type !== 'SUBSCRIBE') {
      this.#options.dispatch(this.#command(request, call, given, { answered }))
      return
    }
    const streamId = this.#options.random.uuid()
    this.#options.dispatch(
      this.#command(request, call, streamId, { answered, subscription: { reply, media, streamId } }),
    )
  }

  /** A stream of calls, each as if it came alone with the stream's headers; only refusals are answered, by number. */
  #handleStream(request: ApiRequest, reply: ApiReply): void {
    const media = messageType(request)
    if (typeof media !== 'string') {
      reply.answer(media)
      return
    }
    if (!request.source) {
      reply.answer(refusal(400, 'Expecting a RecordIO body'))
      return
    }
    const streamId = headerOf(request, 'mesos-stream-id')
    readCalls(request.source, media, reply, calls =>
      this.#options.dispatch(
        ...calls.map(({ call, answered }) => this.#command(request, call, streamId, { answered })),
      ),
    )
  }

  #command({ principal }: ApiRequest, call: SchedulerCall, streamId: string | undefined, pending: Pending): Command {
    const request = ++this.#requests
    this.#pending.set(request, pending)
    return { type: 'CALL', request, call, streamId, principal }
  }

  /** Calls that the heart has not answered yet. */
  get unanswered(): number {
    return this.#pending.size
  }

  /** Carries out what the heart says to schedulers. Answers whether the effect was one of those. */
  carryOut(effect: Effect): boolean {
    switch (effect.type) {
      case 'REPLY': {
        const pending = this.#take(effect.request)
        if (!pending) return false
        pending.answered(effect.status, effect.message)
        return true
      }
      case 'STREAM_OPENED':
        this.#open(effect.request, effect.streamId)
        return true
      case 'STREAM_REFUSED':
        this.#refuse(effect.request, effect.message)
        return true
      case 'EVENT':
        this.#write(effect.streamId, effect.event)
        return true
      case 'MORE_FOLLOWS':
        this.#moreFollows(effect.streamId)
        return true
      case 'STREAM_CLOSED': {
        const open = this.#streams.get(effect.streamId)
        this.#forget(effect.streamId)
        // After what else this step says: a client whose stream ends first takes its TEARDOWN for unanswered.
        if (open) this.#options.clock.after(0, () => open.stream.end())
        return true
      }
      default:
        return false
    }
  }

  /** Ends all streams: this master leads no longer, or stops. */
  stop(): void {
    this.#beats.stop()
    for (const { stream } of [...this.#streams.values()]) stream.end()
    this.#streams.clear()
  }

  get openStreams(): number {
    return this.#streams.size
  }

  #take(request: number): Pending | undefined {
    const pending = this.#pending.get(request)
    this.#pending.delete(request)
    return pending
  }

  #open(request: number, streamId: string): void {
    const { reply, media } = this.#take(request)!.subscription!
    const stream = reply.stream({ 'content-type': media, 'mesos-stream-id': streamId })
    this.#streams.set(streamId, { stream, media, blocked: false, moreFollows: false })
    this.#beats.begin(streamId)
    stream.onDrain(() => this.#drained(streamId))
    stream.onClose(() => {
      if (!this.#streams.has(streamId)) return
      this.#forget(streamId)
      this.#options.dispatch({ type: 'STREAM_BROKEN', streamId })
    })
  }

  /** Still 200: the stream holds the reason, and ends (Mesos contract 2.1). */
  #refuse(request: number, message: string): void {
    const { reply, media, streamId } = this.#take(request)!.subscription!
    const stream = reply.stream({ 'content-type': media, 'mesos-stream-id': streamId })
    stream.write(writeRecord('mesos.v1.scheduler.Event', media, { type: 'ERROR', error: { message } }))
    stream.end()
  }

  #write(streamId: string, event: SchedulerEvent): void {
    const open = this.#streams.get(streamId)
    if (!open) return
    open.stream.write(writeRecord('mesos.v1.scheduler.Event', open.media, event))
    if (open.blocked || open.stream.queuedBytes <= pressureBytes) return
    open.blocked = true
    this.#options.dispatch({ type: 'STREAM_PRESSURE', streamId, blocked: true })
  }

  #drained(streamId: string): void {
    const open = this.#streams.get(streamId)
    if (!open) return
    const { blocked, moreFollows } = open
    open.blocked = false
    open.moreFollows = false
    if (blocked) this.#options.dispatch({ type: 'STREAM_PRESSURE', streamId, blocked: false })
    if (moreFollows) this.#options.dispatch({ type: 'STREAM_READY', streamId })
  }

  #moreFollows(streamId: string): void {
    const open = this.#streams.get(streamId)
    if (!open) return
    if (open.stream.queuedBytes < flowBytes) this.#options.dispatch({ type: 'STREAM_READY', streamId })
    else open.moreFollows = true
  }

  #forget(streamId: string): void {
    this.#streams.delete(streamId)
    this.#beats.end(streamId)
  }
}
