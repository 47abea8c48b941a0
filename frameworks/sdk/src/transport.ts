import { authorizationHeaders, type OwnCredential } from '@meseta/common/service/own-credential'
import { Client, type Dispatcher } from 'undici'
import { type CallStream, type CallStreamListener, openCallStream } from './call-stream.ts'

/** What came back to a call. */
export interface Reply {
  readonly status: number
  /** At most 64 KiB of it. */
  readonly body: string
}

/** What a subscription tells. Exactly one of `closed` and `failed`… is called, once, at the end. */
export interface StreamListener {
  chunk(bytes: Uint8Array): void
  closed(reason: string): void
}

export interface OpenedStream {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body of an answer that is no stream (status other than 200). */
  readonly body: string
  close(): void
}

/** The way to one master, replaceable for simulations. Calls leave in the order in which they were given. */
export interface Connection {
  /** Posts and keeps reading the answer; resolves with its head. Rejects when there is no answer. */
  openStream(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    listener: StreamListener,
  ): Promise<OpenedStream>
  post(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Reply>
  /** A stream of calls, where the transport and the master have them; `undefined` when the master takes none. */
  openCalls?(headers: Readonly<Record<string, string>>, listener: CallStreamListener): Promise<CallStream | undefined>
  /** Breaks everything that is under way. Idempotent. */
  destroy(): void
}

/** Opens the way to `http://host:port` with the path of the API. */
export type Connect = (origin: string, path: string) => Connection

const maxReplyBytes = 64 * 1024
const headersTimeout = 15_000
/** Calls on the wire that have no answer yet. */
const pipelining = 64

/** Connections over HTTP: one for the stream, one that is kept for the calls, which keeps their order. */
export const connectHttp: Connect = (origin, path) => new HttpConnection(origin, path)

/** The same way, on which each request says who it is from. */
export function authorized(connect: Connect, credential: OwnCredential): Connect {
  const proof = authorizationHeaders(credential)
  return (origin, path) => {
    const connection = connect(origin, path)
    const { openCalls } = connection
    return {
      openStream: (body, headers, listener) => connection.openStream(body, { ...headers, ...proof }, listener),
      post: (body, headers) => connection.post(body, { ...headers, ...proof }),
      ...(openCalls && {
        openCalls: (headers, listener) => openCalls.call(connection, { ...headers, ...proof }, listener),
      }),
      destroy: () => connection.destroy(),
    }
  }
}

class HttpConnection implements Connection {
  readonly #origin: string
  readonly #path: string
  readonly #stream: Client
  readonly #calls: Client
  #callStream: CallStream | undefined
  #destroyed = false

  constructor(origin: string, path: string) {
    this.#origin = origin
    this.#path = path
    this.#stream = new Client(origin, { headersTimeout, bodyTimeout: 0, connect: { timeout: 5_000 } })
    this.#calls = new Client(origin, {
      headersTimeout,
      bodyTimeout: headersTimeout,
      pipelining,
      keepAliveTimeout: 300_000,
      connect: { timeout: 5_000 },
    })
  }

  async openStream(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    listener: StreamListener,
  ): Promise<OpenedStream> {
    const answer = await this.#stream.request({ path: this.#path, method: 'POST', body, headers: { ...headers } })
    const head = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    )
    if (answer.statusCode !== 200) {
      const text = await readText(answer.body)
      return { status: answer.statusCode, headers: head, body: text, close: () => this.destroy() }
    }
    let over = false
    const close = (reason: string): void => {
      if (over) return
      over = true
      listener.closed(reason)
    }
    answer.body.on('data', (chunk: Uint8Array) => {
      if (!over) listener.chunk(chunk)
    })
    answer.body.on('end', () => close('the master ended the stream'))
    answer.body.on('error', error => close(error.message))
    answer.body.on('close', () => close('the connection was closed'))
    return { status: 200, headers: head, body: '', close: () => this.destroy() }
  }

  /**
   * Marked idempotent so that it may be pipelined. When one fails, the caller destroys the connection before undici could
   * send those behind it a second time: a call is sent at most once.
   */
  async post(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Reply> {
    try {
      const answer = await this.#calls.request({
        path: this.#path,
        method: 'POST',
        body,
        headers: { ...headers },
        idempotent: true,
        blocking: false,
      })
      return { status: answer.statusCode, body: await readText(answer.body) }
    } catch (error) {
      this.destroy()
      throw error
    }
  }

  async openCalls(
    headers: Readonly<Record<string, string>>,
    listener: CallStreamListener,
  ): Promise<CallStream | undefined> {
    const stream = await openCallStream(new URL(this.#path, this.#origin), headers, listener)
    if (this.#destroyed) stream?.close()
    else this.#callStream = stream
    return stream
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#callStream?.close()
    void this.#stream.destroy()
    void this.#calls.destroy()
  }
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    if (length < maxReplyBytes) parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts).subarray(0, maxReplyBytes).toString('utf8')
}
