import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import { requestHeaders, responseHeaders } from './headers.ts'

/** Where a request goes. */
export interface Target {
  /** `http://host:port` */
  readonly origin: string
  /** Path and query, escapes as they came. */
  readonly path: string
  /** Request headers that are not passed on, in lower case. */
  readonly drop?: ReadonlySet<string>
  /** Headers added to the answer. */
  readonly answer?: readonly (readonly [string, string])[]
  /** Puts an upstream's `Location` into terms of this router. */
  readonly location?: (location: string) => string
  /** Longest silence before and within an answer, in milliseconds; 0 for streams that may be silent. */
  readonly silence?: number
}

/** Why nothing came of a try. `sent`: the upstream may have seen the request. */
export interface Unanswered {
  readonly kind: 'unanswered'
  readonly sent: boolean
  readonly error: Error
}
export type Outcome = { readonly kind: 'answered' } | Unanswered

/** A first chunk up to this size waits for the end of its answer, at most until the next turn of the event loop. */
const mostHeld = 16 * 1024

const refused = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Sends requests on, streaming both ways, over kept connections. At most 256 connections for each upstream; further requests wait. */
export class Forwarder {
  readonly #agent = new Agent({
    connections: 256,
    connect: { timeout: 5_000, rejectUnauthorized: false },
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 600_000,
    pipelining: 1,
  })

  /**
   * One try. Resolves `answered` once an answer has begun and ended or was broken off, and `unanswered` when nothing has been
   * written to the client, who can still be served otherwise.
   */
  forward(request: IncomingMessage, response: ServerResponse, target: Target, requestId: string): Promise<Outcome> {
    return new Promise(resolve => {
      const hasBody = carriesBody(request)
      const handler = new Relay(request, response, target, hasBody, resolve)
      const options: Dispatcher.DispatchOptions = {
        origin: target.origin,
        path: target.path,
        method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
        headers: requestHeaders(
          request.headers,
          { address: request.socket.remoteAddress ?? '', requestId },
          target.drop,
        ),
        body: hasBody ? request : null,
        headersTimeout: target.silence ?? 300_000,
        bodyTimeout: target.silence ?? 300_000,
      }
      try {
        this.#agent.dispatch(options, handler)
      } catch (error) {
        resolve({ kind: 'unanswered', sent: false, error: error instanceof Error ? error : new Error(String(error)) })
      }
    })
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

/** Whether a request has a body: what has none can be sent again to another backend. */
export function carriesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether a request that may have been seen can be sent again all the same. */
export function repeatable(request: IncomingMessage, outcome: Unanswered): boolean {
  if (carriesBody(request)) return false
  return !outcome.sent || request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS'
}

/** Carries one answer from the upstream to the client, at the pace of the slower one. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #target: Target
  readonly #hasBody: boolean
  readonly #settle: (outcome: Outcome) => void
  #gone: (() => void) | undefined
  /** The first, small chunk of an answer, until it is known whether it is the whole of it. */
  #held: Buffer | undefined
  #flushed = false

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    hasBody: boolean,
    settle: (outcome: Outcome) => void,
  ) {
    this.#request = request
    this.#response = response
    this.#target = target
    this.#hasBody = hasBody
    this.#settle = settle
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#gone = () => {
      if (!this.#response.writableFinished) controller.abort(new Error('the client went away'))
    }
    this.#response.once('close', this.#gone)
    if (this.#response.destroyed) controller.abort(new Error('the client went away'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, text?: string): void {
    // Answers of the 1xx kind are between the upstream and us.
    if (status < 200) return
    const raw = Array.isArray(controller.rawHeaders) ? (controller.rawHeaders as (Buffer | string)[]) : []
    const flat: string[] = []
    for (const [name, value] of responseHeaders(raw)) {
      const isLocation = this.#target.location && name.toLowerCase() === 'location'
      flat.push(name, isLocation ? this.#target.location!(value) : value)
    }
    for (const [name, value] of this.#target.answer ?? []) flat.push(name, value)
    this.#response.writeHead(status, text ?? '', flat)
    // Streams show their headers before their first event; most answers are whole by then.
    setImmediate(() => this.#flush())
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#flushed && this.#held === undefined && chunk.length <= mostHeld) {
      this.#held = chunk
      return
    }
    this.#flush()
    if (this.#response.write(chunk)) return
    controller.pause()
    this.#response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    const held = this.#held
    this.#flushed = true
    // A small answer leaves with its headers in one write. As a string of the same bytes it costs half of what a buffer does.
    if (held) this.#response.end(held.toString('latin1'), 'latin1')
    else this.#response.end()
    this.#finish({ kind: 'answered' })
  }

  #flush(): void {
    if (this.#flushed) return
    this.#flushed = true
    if (this.#held) this.#response.write(this.#held)
    else this.#response.flushHeaders()
    this.#held = undefined
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#response.headersSent || this.#response.destroyed) {
      // An answer cut short must look cut short.
      this.#response.destroy()
      this.#finish({ kind: 'answered' })
      return
    }
    const code = (error as NodeJS.ErrnoException).code ?? ''
    this.#finish({ kind: 'unanswered', sent: !refused.has(code), error })
  }

  #finish(outcome: Outcome): void {
    if (this.#gone) this.#response.removeListener('close', this.#gone)
    if (this.#hasBody && outcome.kind === 'unanswered') this.#request.resume()
    this.#settle(outcome)
  }
}
