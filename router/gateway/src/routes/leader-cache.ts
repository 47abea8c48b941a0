import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '@meseta/common/service/clock'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { request } from 'undici'
import { firstBytes } from '../first-bytes.ts'
import { isOfConnection } from '../proxy/headers.ts'

/** Times of the contract (admin router, 1): answers of 200 are kept for 5 s. */
const kept = 5_000
const patience = 60_000
/** What is larger than `mostEach` bytes is passed on and not kept; all together are at most `mostTogether`. */
const mostEach = 16 * 1024 * 1024
const mostTogether = 64 * 1024 * 1024
/** Answers that are on their way into memory at a time; what is asked beyond them is passed on as any other. */
const mostAsked = 16

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Buffer
  readonly at: number
}

/** What the leading master answered lately. Those who ask for the same at the same time are answered by one question. */
export class LeaderCache {
  readonly #clock: Clock
  readonly #answers = new LRUCache<string, Answer>({
    maxSize: mostTogether,
    sizeCalculation: ({ body }, url) => body.length + url.length + 100,
  })
  readonly #asking = new Map<string, Promise<Answer | undefined>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Answers a GET from what is kept, or after asking. False when it could not: the request is to be passed on as any other. */
  async serve(url: string, reply: FastifyReply): Promise<boolean> {
    const known = this.#answers.get(url)
    const fresh = known && this.#clock.monotonic() - known.at < kept ? known : undefined
    const answer = fresh ?? (await this.#ask(url))
    if (!answer) return false
    await reply
      .code(answer.status)
      .headers({ ...answer.headers, 'x-cache-status': fresh ? 'HIT' : 'MISS' })
      .send(answer.body)
    return true
  }

  #ask(url: string): Promise<Answer | undefined> {
    const known = this.#asking.get(url)
    if (!known && this.#asking.size >= mostAsked) return Promise.resolve(undefined)
    const asking = known ?? this.#fetch(url).finally(() => this.#asking.delete(url))
    this.#asking.set(url, asking)
    return asking
  }

  async #fetch(url: string): Promise<Answer | undefined> {
    try {
      const { statusCode, headers, body } = await request(url, { signal: AbortSignal.timeout(patience) })
      const bytes = await firstBytes(body, mostEach + 1)
      if (bytes.length > mostEach) return undefined
      const answer = { status: statusCode, headers: keptOf(headers), body: bytes, at: this.#clock.monotonic() }
      if (statusCode === 200) this.#answers.set(url, answer)
      return answer
    } catch {
      // Whoever asked gets the reason from the request that is passed on instead.
      return undefined
    }
  }
}

/** The length is that of the body, and each request has an id of its own. */
function keptOf(headers: IncomingHttpHeaders): Answer['headers'] {
  const kept: [string, string | string[]][] = []
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && name !== 'content-length' && name !== 'x-request-id' && !isOfConnection(name))
      kept.push([name, value])
  return Object.fromEntries(kept)
}

/** How a request for something that is kept stands to the cache: what a client does not want from it, or sends, goes past it. */
export const passesCache = ({ method, headers }: FastifyRequest): boolean =>
  method !== 'GET' || headers['cache-control'] !== undefined || headers.upgrade !== undefined
