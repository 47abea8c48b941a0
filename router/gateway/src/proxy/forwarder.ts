import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { requestHeaders } from './headers.ts'
import { Relay } from './relay.ts'
import { type Outcome, type Target, unanswered } from './target.ts'

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
  forward(
    request: IncomingMessage,
    body: Readable | null,
    response: ServerResponse,
    target: Target,
    requestId: string,
  ): Promise<Outcome> {
    return new Promise(resolve => {
      const options: Dispatcher.DispatchOptions = {
        origin: target.origin,
        path: target.path,
        method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
        headers: requestHeaders(request, requestId, target.drop),
        body,
        headersTimeout: target.silence ?? 300_000,
        bodyTimeout: target.silence ?? 300_000,
      }
      try {
        this.#agent.dispatch(options, new Relay(response, target, requestId, resolve))
      } catch (error) {
        resolve({ ...unanswered(error), sent: false })
      }
    })
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}
