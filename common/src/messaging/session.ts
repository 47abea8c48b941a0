import type { LinkFrame } from './frames.ts'
import type { LinkEnd } from './link.ts'
import { batchesSince } from './link-version.ts'

/** Bytes of a message in one frame; longer messages travel in several. */
export const chunkBytes = 256 * 1024
/** Most chunks of one message: 8 MiB, what an outbox holds. */
const maxChunks = 33
/** At this many messages, or bytes, that wait for their acknowledgement the session ends. */
export const maxOutboxMessages = 1_000
export const maxOutboxBytes = 8 * 1024 * 1024
/** What may be on its way unacknowledged, once the first message has arrived; the rest waits in the outbox. */
const windowBytes = 1024 * 1024
const windowFrames = 256
/** Most messages in one frame. */
const maxBatch = 64
/** An unacknowledged frame is sent again after this time. Milliseconds. */
export const resendAfter = 1_000
/** Without any acknowledgement for this long, while the peer is heard, the session ends. Milliseconds. */
export const giveUpAfter = 30_000

interface Outgoing {
  readonly seq: number
  readonly chunk: number
  readonly chunks: number
  readonly payload: Uint8Array
  sentAt: number | undefined
}

/** What a received frame brought. */
export interface Receipt {
  /** Whole messages, in the order they were sent. */
  readonly messages: readonly Uint8Array[]
  /** The session can not go on. */
  readonly end?: LinkEnd
}

const nothing: Receipt = { messages: [] }
const broken = (detail: string): Receipt => ({ messages: [], end: { code: 'GAP', detail } })

/**
 * One end of a session: numbers what it sends, keeps it until acknowledged, sends it again, and takes what it receives in
 * order and once. It does nothing by itself: time comes in, frames to send come out of `take`.
 */
export class Session {
  readonly epoch: number
  readonly number: number
  /** Whether the peer takes several messages in one frame. */
  readonly #batches: boolean
  /** While the first message is under way only one frame is in flight: many agents begin at once after an election. */
  #slow: boolean
  #lastSeq = 0
  #outbox: Outgoing[] = []
  #outboxBytes = 0
  #outboxMessages = 0
  #inFlight = 0
  #inFlightBytes = 0
  #progressAt = 0
  #received = 0
  #parts: Uint8Array[] = []
  #owesAck = false

  constructor(epoch: number, number: number, options: { readonly slowStart: boolean; readonly format: number }) {
    this.epoch = epoch
    this.number = number
    this.#slow = options.slowStart
    this.#batches = options.format >= batchesSince
  }

  /** Whether something waits for an acknowledgement. */
  get unsettled(): boolean {
    return this.#outbox.length > 0
  }

  /** Whether the peer has not been told yet of something that arrived. */
  get owesAck(): boolean {
    return this.#owesAck
  }

  /** Queues a message. Answers why the session ended instead, at its bound. */
  queue(now: number, message: Uint8Array): LinkEnd | undefined {
    if (this.#outboxMessages >= maxOutboxMessages || this.#outboxBytes + message.length > maxOutboxBytes)
      return {
        code: 'OUTBOX_FULL',
        detail: `${this.#outboxMessages} messages of ${this.#outboxBytes} bytes wait for the peer (bounds: ${maxOutboxMessages} and ${maxOutboxBytes})`,
      }
    if (!this.unsettled) this.#progressAt = now
    const chunks = Math.max(1, Math.ceil(message.length / chunkBytes))
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      this.#lastSeq += 1
      const payload = message.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)
      this.#outbox.push({ seq: this.#lastSeq, chunk, chunks, payload, sentAt: undefined })
    }
    this.#outboxMessages += 1
    this.#outboxBytes += message.length
    return undefined
  }

  /** Takes in a frame of this session. */
  receive(now: number, frame: LinkFrame): Receipt {
    const ack = frame.ack ?? 0
    if (ack > (this.#outbox[this.#inFlight - 1]?.seq ?? this.#ackedSeq()))
      return broken(`the peer acknowledged message ${ack}, which was not sent`)
    this.#acknowledged(now, ack)
    if (frame.kind !== 'DATA') return nothing
    // A repeated frame, or one after a lost one: the peer hears what has arrived, and sends the rest again.
    this.#owesAck = true
    const payloads = frame.payload ?? [new Uint8Array(0)]
    const known = this.#received + 1 - (frame.seq ?? 0)
    if (known < 0 || known >= payloads.length) return nothing
    this.#received = (frame.seq ?? 0) + payloads.length - 1
    if (payloads.length === 1) return this.#assemble(frame, payloads[0]!)
    if (this.#parts.length > 0 || frame.chunks !== undefined)
      return broken(`frame ${frame.seq} holds several messages, where a chunk was due`)
    return { messages: payloads.slice(known) }
  }

  /** Frames to send now: what fits into the window, and what is due again. Each says what has been received. */
  take(now: number): LinkFrame[] {
    const oldest = this.#outbox[0]
    const again = oldest?.sentAt !== undefined && now - oldest.sentAt >= resendAfter
    const begin = again ? 0 : this.#inFlight
    for (let next = this.#outbox[this.#inFlight]; next && this.#fits(next); next = this.#outbox[this.#inFlight]) {
      this.#inFlight += 1
      this.#inFlightBytes += next.payload.length
    }
    const frames: LinkFrame[] = []
    for (let at = begin; at < this.#inFlight; ) {
      const end = this.#batchEnd(at)
      frames.push(this.#frame(now, this.#outbox.slice(at, end)))
      at = end
    }
    return frames
  }

  /** Up to where messages from there on go into one frame. */
  #batchEnd(begin: number): number {
    let end = begin + 1
    if (!this.#batches || this.#outbox[begin]!.chunks > 1) return end
    let bytes = this.#outbox[begin]!.payload.length
    for (; end < this.#inFlight && end - begin < maxBatch; end += 1) {
      const { chunks, payload } = this.#outbox[end]!
      bytes += payload.length
      if (chunks > 1 || bytes > chunkBytes) break
    }
    return end
  }

  /** A frame that only says what has been received. */
  ack(kind: 'ACK' | 'HEARTBEAT' | 'OPEN'): LinkFrame {
    this.#owesAck = false
    return { epoch: this.epoch, session: this.number, kind, ack: this.#received }
  }

  /** The connection returned: what was on its way is due at once. */
  resendNow(now: number): void {
    for (const outgoing of this.#outbox.slice(0, this.#inFlight)) outgoing.sentAt = now - resendAfter
    this.#progressAt = now
  }

  /** While nothing is heard of the peer its missing acknowledgements prove nothing: the wait for them starts anew. */
  excuse(now: number): void {
    this.#progressAt = now
  }

  /** Why the session must end, when the peer is heard and acknowledges nothing. */
  stalled(now: number): LinkEnd | undefined {
    if (!this.unsettled || now - this.#progressAt < giveUpAfter) return undefined
    return { code: 'GAP', detail: `message ${this.#outbox[0]!.seq} was not acknowledged for ${giveUpAfter / 1000} s` }
  }

  #ackedSeq(): number {
    return this.#outbox.length > 0 ? this.#outbox[0]!.seq - 1 : this.#lastSeq
  }

  #fits(next: Outgoing): boolean {
    if (this.#slow) return this.#inFlight === 0
    return this.#inFlight < windowFrames && this.#inFlightBytes + next.payload.length <= windowBytes
  }

  #frame(now: number, batch: readonly Outgoing[]): LinkFrame {
    for (const outgoing of batch) outgoing.sentAt = now
    this.#owesAck = false
    const { seq, chunk, chunks } = batch[0]!
    const payload = batch.map(outgoing => outgoing.payload)
    const head: LinkFrame = { epoch: this.epoch, session: this.number, kind: 'DATA', seq, ack: this.#received, payload }
    return chunks === 1 ? head : { ...head, chunk, chunks }
  }

  #acknowledged(now: number, ack: number): void {
    let count = 0
    for (const outgoing of this.#outbox) {
      if (outgoing.seq > ack) break
      count += 1
      this.#inFlightBytes -= outgoing.payload.length
      this.#outboxBytes -= outgoing.payload.length
      if (outgoing.chunk === outgoing.chunks - 1) {
        this.#outboxMessages -= 1
        this.#slow = false
      }
    }
    if (count === 0) return
    this.#outbox.splice(0, count)
    this.#inFlight -= count
    this.#progressAt = now
  }

  #assemble(frame: LinkFrame, payload: Uint8Array): Receipt {
    const chunks = frame.chunks ?? 1
    if (chunks < 1 || chunks > maxChunks || (frame.chunk ?? 0) !== this.#parts.length)
      return broken(`frame ${frame.seq} is chunk ${frame.chunk ?? 0} of ${chunks}, where ${this.#parts.length} was due`)
    if (chunks === 1) return { messages: [payload] }
    this.#parts.push(payload)
    if (this.#parts.length < chunks) return nothing
    const message = Buffer.concat(this.#parts)
    this.#parts = []
    return { messages: [message] }
  }
}
