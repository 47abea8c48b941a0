import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { type Clock, systemClock, type Timer } from './clock.ts'

export interface StreamOptions {
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status?: number
  /** Unsent bytes at which the reader is cut off; 8 MiB unless said. */
  readonly maxQueuedBytes?: number
  /** How long not one byte may leave while some wait, ms; then the reader is cut off. 30 s unless said. */
  readonly stallTimeout?: number
  readonly clock?: Clock
}

/** An answer that goes on until someone ends it. */
export interface OutStream {
  /**
   * Sends one HTTP chunk, in order. False when it was not taken: the stream is closed, or has just been cut off because
   * its reader does not keep up.
   */
  write(bytes: Uint8Array | string): boolean
  /** Ends the answer in order, after what was written. Idempotent. */
  end(): void
  /** Breaks the connection at once. */
  destroy(): void
  /** Calls back once, when no more can be written: ended by us, closed by the reader, or cut off. At once if that was before. */
  onClose(listener: (reason: StreamEnd) => void): void
  /** Calls back each time that all written bytes have been handed to the network. */
  onDrain(listener: () => void): void
  /** Bytes written and not yet handed to the network. */
  readonly queuedBytes: number
  readonly closed: boolean
}

export type StreamEnd = 'ended' | 'closed by reader' | 'too slow' | 'stalled' | 'shutdown'

/** Where the open streams of a server are kept, so that closing it ends them. */
export const openStreams: unique symbol = Symbol('meseta.openStreams')
type StreamKeeper = { [openStreams]?: Set<Stream> }

/**
 * Turns a fastify reply into a raw stream of chunks, headers sent at once. Each `write` is one HTTP chunk: clients of
 * RecordIO streams depend on it (Mesos contract 1.6). A request's `Connection: close` ends the connection after the stream
 * and never the stream. Whatever hooks have put on the reply as headers is kept. For HEAD it has ended already.
 */
export function openStream(reply: FastifyReply, options: StreamOptions): OutStream {
  for (const [name, value] of Object.entries(options.headers ?? {})) reply.header(name, value)
  reply.hijack()
  const { raw } = reply
  raw.writeHead(options.status ?? 200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': options.contentType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  raw.socket?.setNoDelay(true)
  const stream = new Stream(raw, options)
  const keeper = (reply.server as StreamKeeper)[openStreams]
  keeper?.add(stream)
  stream.onClose(() => keeper?.delete(stream))
  if (reply.request.method === 'HEAD') stream.end()
  return stream
}

/** See OutStream; apart from fastify so that servers on `node:http` alone can use it. */
export class Stream implements OutStream {
  readonly #raw: ServerResponse
  readonly #clock: Clock
  readonly #maxQueuedBytes: number
  readonly #stallTimeout: number
  readonly #closing: ((reason: StreamEnd) => void)[] = []
  readonly #draining: (() => void)[] = []
  /** Written in this turn. */
  #chunks: Uint8Array[] = []
  #queued = 0
  #lastProgress = 0
  #watch: Timer | undefined
  #end: StreamEnd | undefined

  constructor(raw: ServerResponse, options: Pick<StreamOptions, 'maxQueuedBytes' | 'stallTimeout' | 'clock'> = {}) {
    this.#raw = raw
    this.#clock = options.clock ?? systemClock
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 8 * 1024 * 1024
    this.#stallTimeout = options.stallTimeout ?? 30_000
    raw.on('close', () => this.#close('closed by reader'))
    raw.on('error', () => this.#close('closed by reader'))
    if (raw.destroyed) this.#close('closed by reader')
  }

  get queuedBytes(): number {
    return this.#queued
  }

  get closed(): boolean {
    return this.#end !== undefined
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#end !== undefined) return false
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    if (chunk.length === 0) return true
    if (this.#queued > 0 && this.#queued + chunk.length > this.#maxQueuedBytes) {
      this.#cutOff('too slow')
      return false
    }
    if (this.#queued === 0) this.#lastProgress = this.#clock.monotonic()
    this.#queued += chunk.length
    if (this.#chunks.push(chunk) === 1) queueMicrotask(() => this.#flush())
    this.#watch ??= this.#clock.after(this.#stallTimeout, () => this.#checkProgress())
    return true
  }

  end(reason: StreamEnd = 'ended'): void {
    if (this.#end !== undefined) return
    this.#flush()
    this.#raw.end()
    this.#close(reason)
  }

  destroy(): void {
    this.#cutOff('ended')
  }

  onClose(listener: (reason: StreamEnd) => void): void {
    if (this.#end !== undefined) listener(this.#end)
    else this.#closing.push(listener)
  }

  onDrain(listener: () => void): void {
    this.#draining.push(listener)
  }

  /**
   * What one turn of the loop writes leaves with one write to the socket. Each chunk stays one: Node.js would make one of all that
   * is written while a response is corked.
   */
  #flush(): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    this.#chunks = []
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const sent = () => this.#sent(length)
    const { socket, chunkedEncoding } = this.#raw
    if (chunks.length > 1 && chunkedEncoding && socket) socket.write(framed(chunks), sent)
    else
      for (const [index, chunk] of chunks.entries())
        this.#raw.write(chunk, index < chunks.length - 1 ? undefined : sent)
  }

  #sent(length: number): void {
    this.#queued -= length
    this.#lastProgress = this.#clock.monotonic()
    if (this.#queued === 0 && this.#end === undefined) for (const listener of this.#draining) listener()
  }

  /** One timer while something is unsent, moved on only when it fires: nothing is armed and disarmed for each write. */
  #checkProgress(): void {
    this.#watch = undefined
    if (this.#end !== undefined || this.#queued === 0) return
    const still = this.#clock.monotonic() - this.#lastProgress
    if (still >= this.#stallTimeout) this.#cutOff('stalled')
    else this.#watch = this.#clock.after(this.#stallTimeout - still, () => this.#checkProgress())
  }

  #cutOff(reason: StreamEnd): void {
    if (this.#end !== undefined) return
    this.#close(reason)
    this.#raw.destroy()
  }

  #close(reason: StreamEnd): void {
    if (this.#end !== undefined) return
    this.#end = reason
    this.#watch?.cancel()
    this.#watch = undefined
    for (const listener of this.#closing.splice(0)) listener(reason)
  }
}

const crlf = Buffer.from('\r\n')

/** HTTP chunks (RFC 9112, section 7.1), one after the other. */
function framed(chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    chunks.flatMap(chunk => [Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, crlf]),
  )
}
