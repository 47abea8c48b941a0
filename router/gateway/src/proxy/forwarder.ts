import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { HttpError } from '@meseta/common/service/errors'
import { Agent, type Dispatcher } from 'undici'
import { requestHeaders } from './headers.ts'
import { Relay } from './relay.ts'
import { type Outcome, type Target, unanswered } from './target.ts'

/** Requests of an upstream that are in hand at a time; one more gets 503. Streams count as long as they last. */
const mostInHand = 4_096

/** Sends requests on, streaming both ways, over kept connections, of which each carries one request at a time. */
export class Forwarder {
  readonly #most: number
  readonly #inHand = new Map<string, number>()
  readonly #agent: Agent

  constructor(most = mostInHand) {
    this.#most = most
    this.#agent = new Agent({
      connections: most,
      connect: { timeout: 5_000, rejectUnauthorized: false },
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 600_000,
      pipelining: 1,
    })
  }

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
    const { origin } = target
    const inHand = this.#inHand.get(origin) ?? 0
    if (inHand >= this.#most) return Promise.resolve({ ...unanswered(tooMany(origin, inHand)), sent: false })
    const options: Dispatcher.DispatchOptions = {
      origin,
      path: target.path,
      method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: requestHeaders(request, requestId, target.drop),
      body,
      headersTimeout: target.silence ?? 300_000,
      bodyTimeout: target.silence ?? 300_000,
    }
    this.#inHand.set(origin, inHand + 1)
    return new Promise(resolve => {
      let over = false
      const settle = (outcome: Outcome) => {
        if (over) return
        over = true
        this.#letGo(origin)
        resolve(outcome)
      }
      try {
        this.#agent.dispatch(options, new Relay(response, target, requestId, settle))
      } catch (error) {
        settle({ ...unanswered(error), sent: false })
      }
    })
  }

  #letGo(origin: string): void {
    const left = this.#inHand.get(origin)! - 1
    if (left > 0) this.#inHand.set(origin, left)
    else this.#inHand.delete(origin)
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

/** Waiting instead would have no end: what is in hand may be streams. */
const tooMany = (origin: string, inHand: number) =>
  new HttpError(503, `503 Service Unavailable: ${origin} has ${inHand} requests in hand; try again later`, {
    headers: { 'retry-after': '5' },
  })
