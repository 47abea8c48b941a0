import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Clock, systemClock, type Timer } from '../service/clock.ts'
import { HttpError } from '../service/errors.ts'
import { type OutStream, openStream } from '../service/stream.ts'
import { encodeFrame, formatPosition, parsePosition } from './frame.ts'
import type { FeedWriter, Kinds, Snapshot } from './writer.ts'

/** A logger, or what stands for one. */
export interface FeedLog {
  warn(fields: object, message: string): void
}

export interface ServeFeedOptions {
  readonly log: FeedLog
  readonly clock?: Clock
  /** Readers at a time; 2,000 unless said. One more gets 503 with Retry-After. */
  readonly maxReaders?: number
  /** Bytes of changes a reader may be behind; 8 MiB unless said. Over it, it is disconnected and comes back. */
  readonly maxBehind?: number
  /** How long not a byte may leave, ms; 30 s unless said. */
  readonly stallTimeout?: number
  /** Between two comments that keep the connection alive, ms; 10 s unless said. */
  readonly heartbeat?: number
  /** Who looks after a reader that has named these topics beside kinds. Throws a 400 for those it does not know; without it none are known. */
  readonly host?: (topics: readonly string[]) => FeedHost
}

/** What a server adds to the stream of one reader. */
export interface FeedHost {
  /** Called once, after the first `hello`. */
  welcome(reader: FeedReader): void
  /** What `hello` says to a reader of these kinds beside epoch and number. */
  hello(kinds: Kinds | undefined): object
}

/** One reader of a feed, for the host that adds to its stream. */
export interface FeedReader {
  /** The kinds that it is sent; all when undefined. */
  readonly kinds: Kinds | undefined
  /** Changes them: another `hello`, the state of the kinds that are new, `synced`, and the changes of all from there. */
  choose(kinds: Kinds | undefined): void
  /** Writes frames of the host's own, without an id. False when the reader is slow: the host keeps only the newest, and tries again when told. */
  tell(frames: Uint8Array): boolean
  /** Calls back when it may be told more. */
  onReady(listener: () => void): void
  onLeave(listener: () => void): void
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
  const { maxQueuedBytes, stallTimeout, clock } = audience
  app.get(path, (request, reply) =>
    audience.admit(feedQuery(request), request.ip, () =>
      openStream(reply, { contentType: feedType, maxQueuedBytes, stallTimeout, clock }),
    ),
  )
  return audience
}

export const feedType = 'text/event-stream; charset=utf-8'

/** What a reader asks for. */
export interface FeedQuery {
  /** Its place, as it says. */
  readonly after: string | undefined
  readonly kinds: Kinds | undefined
  /** Topics that are no kinds. */
  readonly others: readonly string[]
}

/** Throws an HttpError 400 for a query with two places. */
export const feedQuery = (request: FastifyRequest): FeedQuery => ({
  after: placeAsked(request),
  ...topicsAsked(request),
})

/** All readers of one feed, whatever carries it to them: they are woken together, and one timer keeps their connections alive. */
export class Audience implements ServedFeed {
  readonly #path: string
  readonly #writer: FeedWriter
  readonly #log: FeedLog
  readonly #clock: Clock
  readonly #maxReaders: number
  readonly #maxBehind: number
  readonly #stallTimeout: number
  readonly #heartbeat: number
  readonly #host: ServeFeedOptions['host']
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
    this.#host = options.host
    writer.onChange(() => this.#wake())
  }

  get readers(): number {
    return this.#readers.size
  }

  get clock(): Clock {
    return this.#clock
  }

  /** How many bytes unsent the stream of a reader must take. */
  get maxQueuedBytes(): number {
    return this.#maxBehind + 4 * batchBytes
  }

  get stallTimeout(): number {
    return this.#stallTimeout
  }

  /** Opens a stream for one more reader and serves it. Throws an HttpError, and opens none, where there are too many or its topics are unknown. */
  admit({ after, kinds, others }: FeedQuery, peer: string, open: () => OutStream): void {
    if (this.#readers.size >= this.#maxReaders)
      throw new HttpError(503, `this feed already has ${this.#maxReaders} readers; try again later`, {
        headers: { 'retry-after': '5' },
      })
    if (others.length > 0 && !this.#host) throw unknownTopic(others[0]!)
    const host = this.#host?.(others)
    const stream = open()
    const reader = new Reader(this.#writer, stream, this.#maxBehind, kinds, host)
    this.#readers.add(reader)
    this.#beating ??= this.#clock.every(this.#heartbeat, () => this.#beat())
    stream.onClose(reason => this.#leave(reader, reader.overrun ? 'too far behind' : reason, peer))
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

/**
 * `topics=app,task`: the kinds that are wanted, all when no topic is named; and topics that are no kinds, which a host may know. A topic with a
 * question mark has commas of its own and stands alone; the parameter may be given again.
 */
export function topicsAsked(request: FastifyRequest): { kinds: Kinds | undefined; others: string[] } {
  const { topics } = request.query as { topics?: string | string[] }
  if (topics === undefined || topics === '') return { kinds: undefined, others: [] }
  return parseTopics([topics].flat().flatMap(part => (part.includes('?') ? [part] : part.split(','))))
}

/** Parts topics into kinds and others. */
export function parseTopics(topics: readonly string[]): { kinds: Kinds; others: string[] } {
  const isKind = (topic: string) => /^[a-z][a-z0-9_-]{0,63}$/.test(topic)
  return { kinds: new Set(topics.filter(isKind)), others: topics.filter(topic => !isKind(topic)) }
}

export const unknownTopic = (topic: string): HttpError =>
  new HttpError(
    400,
    `the topics name '${topic.slice(0, 64)}', which is no kind of object; name kinds, with commas between them`,
  )

/** One reader: first the snapshot or what it missed, then each change. It holds no queue: it walks the shared ring. */
class Reader implements FeedReader {
  readonly #writer: FeedWriter
  readonly #stream: OutStream
  readonly #maxBehind: number
  readonly #host: FeedHost | undefined
  #kinds: Kinds | undefined
  #snapshot: Snapshot | undefined
  /** Its place: all changes up to this one are written. */
  #seq = 0
  /** Where `synced` is said; undefined once it was. */
  #syncAt: number | undefined
  overrun = false

  constructor(
    writer: FeedWriter,
    stream: OutStream,
    maxBehind: number,
    kinds: Kinds | undefined,
    host: FeedHost | undefined,
  ) {
    this.#writer = writer
    this.#stream = stream
    this.#maxBehind = maxBehind
    this.#kinds = kinds
    this.#host = host
    stream.onDrain(() => this.pump())
    stream.onClose(() => this.#snapshot?.end())
  }

  get kinds(): Kinds | undefined {
    return this.#kinds
  }

  begin(after: string | undefined): void {
    const { seq } = this.#writer
    this.#hello()
    this.#host?.welcome(this)
    const position = after === undefined ? undefined : parsePosition(after)
    if (position && this.#writer.canResume(position)) this.#seq = position.seq
    else {
      if (after !== undefined) this.#stream.write(encodeFrame('reset', '{}'))
      this.#snapshot = this.#begun(this.#kinds)
      this.#seq = seq
    }
    this.#syncAt = seq
    this.pump()
  }

  choose(kinds: Kinds | undefined): void {
    const known = this.#kinds
    this.#kinds = kinds
    const added = new Set([...(kinds ?? [])].filter(kind => known && !known.has(kind)))
    this.#snapshot?.end()
    // A state that is still on its way begins anew. Changes up to now come again after it, in order: the last one counts.
    if (this.#snapshot || (known && !kinds)) this.#snapshot = this.#begun(kinds)
    else if (added.size > 0) this.#snapshot = this.#begun(added)
    this.#hello()
    this.#syncAt = this.#writer.seq
    this.pump()
  }

  tell(frames: Uint8Array): boolean {
    return this.#stream.queuedBytes < batchBytes && this.#stream.write(frames)
  }

  onReady(listener: () => void): void {
    this.#stream.onDrain(listener)
  }

  onLeave(listener: () => void): void {
    this.#stream.onClose(listener)
  }

  #hello(): void {
    const { epoch, seq } = this.#writer
    this.#stream.write(encodeFrame('hello', JSON.stringify({ epoch, seq, ...this.#host?.hello(this.#kinds) })))
  }

  beat(): void {
    if (this.#stream.queuedBytes === 0) this.#stream.write(heartbeatFrame)
  }

  /** Writes as much as the socket takes at a time; called again when that has left, and when something changed. */
  pump(): void {
    if (this.#stream.closed) {
      this.#snapshot?.end()
      return
    }
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

  #begun(kinds: Kinds | undefined): Snapshot {
    return this.#writer.snapshot(kinds, () => this.#cutOff())
  }

  #cutOff(): void {
    this.overrun = true
    this.#stream.destroy()
  }
}
