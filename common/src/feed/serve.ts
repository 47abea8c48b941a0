import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { type Clock, systemClock, type Timer } from '../service/clock.ts'
import { HttpError } from '../service/errors.ts'
import { type OutStream, openStream } from '../service/stream.ts'
import { encodeFrame, formatPosition, parsePosition } from './frame.ts'
import type { FeedWriter, Kinds, Snapshot } from './writer.ts'

export interface ServeFeedOptions {
  readonly log: Logger
  readonly clock?: Clock
  /** Readers at a time; 2,000 unless said. One more gets 503 with Retry-After. */
  readonly maxReaders?: number
  /** Bytes of changes a reader may be behind; 8 MiB unless said. Over it, it is disconnected and comes back. */
  readonly maxBehind?: number
  /** How long not a byte may leave, ms; 30 s unless said. */
  readonly stallTimeout?: number
  /** Between two comments that keep the connection alive, ms; 10 s unless said. */
  readonly heartbeat?: number
}

/** A feed that is served. */
export interface ServedFeed {
  readonly readers: number
}

/** A reader's socket is given this much at a time: what is written is what a slow reader costs. */
const batchBytes = 256 * 1024
const heartbeatFrame = Buffer.from(': alive\n\n')

/** Serves the feed at `GET <path>[?after=<epoch>.<seq>]` as `text/event-stream` (docs/architecture.md, "Feeds"). */
export function serveFeed(
  app: FastifyInstance,
  path: string,
  writer: FeedWriter,
  options: ServeFeedOptions,
): ServedFeed {
  const audience = new Audience(path, writer, options)
  app.get(path, (request, reply) => audience.admit(request, reply))
  return audience
}

/** All readers of one feed: they are woken together, and one timer keeps their connections alive. */
class Audience implements ServedFeed {
  readonly #path: string
  readonly #writer: FeedWriter
  readonly #log: Logger
  readonly #clock: Clock
  readonly #maxReaders: number
  readonly #maxBehind: number
  readonly #stallTimeout: number
  readonly #heartbeat: number
  readonly #readers = new Set<Reader>()
  #beating: Timer | undefined
  #waking = false

  constructor(path: string, writer: FeedWriter, options: ServeFeedOptions) {
    this.#path = path
    this.#writer = writer
    this.#log = options.log
    this.#clock = options.clock ?? systemClock
    this.#maxReaders = options.maxReaders ?? 2_000
    this.#maxBehind = options.maxBehind ?? 8 * 1024 * 1024
    this.#stallTimeout = options.stallTimeout ?? 30_000
    this.#heartbeat = options.heartbeat ?? 10_000
    writer.onChange(() => this.#wake())
  }

  get readers(): number {
    return this.#readers.size
  }

  admit(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#readers.size >= this.#maxReaders)
      throw new HttpError(503, `this feed already has ${this.#maxReaders} readers; try again later`, {
        headers: { 'retry-after': '5' },
      })
    const after = placeAsked(request)
    const kinds = kindsAsked(request)
    const stream = openStream(reply, {
      contentType: 'text/event-stream; charset=utf-8',
      maxQueuedBytes: this.#maxBehind + 4 * batchBytes,
      stallTimeout: this.#stallTimeout,
      clock: this.#clock,
    })
    const reader = new Reader(this.#writer, stream, this.#maxBehind, kinds)
    this.#readers.add(reader)
    this.#beating ??= this.#clock.every(this.#heartbeat, () => this.#beat())
    stream.onClose(reason => this.#leave(reader, reader.overrun ? 'too far behind' : reason, request.ip))
    reader.begin(after)
  }

  #leave(reader: Reader, reason: string, peer: string): void {
    this.#readers.delete(reader)
    if (reader.overrun || reason === 'too slow' || reason === 'stalled')
      this.#log.warn({ path: this.#path, reason, peer }, 'feed reader cut off')
    if (this.#readers.size > 0) return
    this.#beating?.cancel()
    this.#beating = undefined
  }

  /** Changes of one turn of the event loop go out together. */
  #wake(): void {
    if (this.#waking || this.#readers.size === 0) return
    this.#waking = true
    setImmediate(() => {
      this.#waking = false
      for (const reader of [...this.#readers]) reader.pump()
    })
  }

  #beat(): void {
    for (const reader of [...this.#readers]) reader.beat()
  }
}

/** `after` counts before `Last-Event-ID`; an empty one is none. */
function placeAsked(request: FastifyRequest): string | undefined {
  const { after } = request.query as { after?: string | string[] }
  if (Array.isArray(after)) throw new HttpError(400, "the query has more than one 'after'")
  const header = request.headers['last-event-id']
  return after || (Array.isArray(header) ? header[0] : header) || undefined
}

/** `topics=app,task`: the kinds that are wanted, all when none is named. */
function kindsAsked(request: FastifyRequest): Kinds | undefined {
  const { topics } = request.query as { topics?: string | string[] }
  if (topics === undefined || topics === '') return undefined
  const kinds = [topics].flat().flatMap(part => part.split(','))
  const strange = kinds.find(kind => !/^[a-z][a-z0-9_-]{0,63}$/.test(kind))
  if (strange !== undefined)
    throw new HttpError(
      400,
      `the query's topics name '${strange.slice(0, 64)}', which is no kind of object; name kinds, with commas between them`,
    )
  return new Set(kinds)
}

/** One reader: first the snapshot or what it missed, then each change. It holds no queue: it walks the shared ring. */
class Reader {
  readonly #writer: FeedWriter
  readonly #stream: OutStream
  readonly #maxBehind: number
  readonly #kinds: Kinds | undefined
  #snapshot: Snapshot | undefined
  /** Its place: all changes up to this one are written. */
  #seq = 0
  /** Where `synced` is said; undefined once it was. */
  #syncAt: number | undefined
  overrun = false

  constructor(writer: FeedWriter, stream: OutStream, maxBehind: number, kinds: Kinds | undefined) {
    this.#writer = writer
    this.#stream = stream
    this.#maxBehind = maxBehind
    this.#kinds = kinds
    stream.onDrain(() => this.pump())
  }

  begin(after: string | undefined): void {
    const { epoch, seq } = this.#writer
    this.#stream.write(encodeFrame('hello', JSON.stringify({ epoch, seq })))
    const position = after === undefined ? undefined : parsePosition(after)
    if (position && this.#writer.canResume(position)) this.#seq = position.seq
    else {
      if (after !== undefined) this.#stream.write(encodeFrame('reset', '{}'))
      this.#snapshot = this.#writer.snapshot(this.#kinds)
      this.#seq = seq
    }
    this.#syncAt = seq
    this.pump()
  }

  beat(): void {
    if (this.#stream.queuedBytes === 0) this.#stream.write(heartbeatFrame)
  }

  /** Writes as much as the socket takes at a time; called again when that has left, and when something changed. */
  pump(): void {
    if (this.#stream.closed) return
    const behind = this.#writer.bytesAfter(this.#seq)
    // A reader that still catches up may be far behind; the ring's end and the stall timeout are its bounds.
    const limit = this.#syncAt === undefined ? this.#maxBehind : Number.MAX_SAFE_INTEGER
    if (behind > limit && this.#stream.queuedBytes > 0) this.#cutOff()
    while (!this.#stream.closed && this.#stream.queuedBytes < batchBytes) {
      if (this.#writer.bytesAfter(this.#seq) === Number.POSITIVE_INFINITY) this.#cutOff()
      const bytes = this.#next()
      if (bytes === undefined || !this.#stream.write(bytes)) return
    }
  }

  #next(): Uint8Array | undefined {
    const state = this.#snapshot?.next(batchBytes)
    if (state) return state
    this.#snapshot = undefined
    if (this.#syncAt !== undefined && this.#seq >= this.#syncAt) {
      this.#syncAt = undefined
      return encodeFrame('synced', '{}', formatPosition({ epoch: this.#writer.epoch, seq: this.#seq }))
    }
    const batch = this.#writer.changesAfter(this.#seq, batchBytes, this.#kinds)
    if (batch) this.#seq = batch.seq
    return batch?.bytes
  }

  #cutOff(): void {
    this.overrun = true
    this.#stream.destroy()
  }
}
