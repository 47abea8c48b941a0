import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Agent } from 'undici'

/** Headers that are of one connection only, or say which host was asked (contract 1.2). */
const notForwarded = new Set([
  'host',
  // Its 100 was said here already.
  'expect',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
])

type Headers = Record<string, string | string[]>

/** Those that go further: not the above, nor what `Connection` names as its own. */
function endToEnd(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const own = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map(name => name.trim()),
  )
  const further: Headers = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !notForwarded.has(name) && !own.has(name)) further[name] = value
  return further
}

/** Sends requests on to the leader (contract 1.2). */
export class LeaderProxy {
  readonly #agent = new Agent({
    connections: 64,
    connect: { timeout: 5_000 },
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  })
  /** `1.1 host:port` of this process, by which a circle is noticed. */
  readonly #via: () => string

  constructor(self: () => string) {
    this.#via = () => `1.1 ${self()}`
  }

  /** Whether the request has been here already. */
  isLoop(request: FastifyRequest): boolean {
    return String(request.headers['x-marathon-via'] ?? '')
      .split(',')
      .some(one => one.trim() === this.#via())
  }

  /** Streams request and answer through; 502 when the leader can not be reached. */
  async forward(request: FastifyRequest, reply: FastifyReply, leader: string): Promise<void> {
    const { raw } = reply
    reply.hijack()
    try {
      const hasBody =
        request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
      const answer = await this.#agent.request({
        origin: `http://${leader}`,
        path: request.raw.url ?? '/',
        method: request.method as 'GET',
        headers: this.#headers(request),
        ...(hasBody && { body: request.raw }),
      })
      raw.writeHead(answer.statusCode, { 'X-Marathon-Via': this.#via(), ...endToEnd(answer.headers) })
      await pipeline(answer.body, raw)
    } catch (error) {
      request.log.warn({ leader, err: error }, 'a request could not be sent on to the leader')
      if (raw.headersSent) raw.destroy()
      else {
        raw.writeHead(502, { 'content-type': 'application/json' })
        raw.end(JSON.stringify({ message: `the leading Marathon at ${leader} can not be reached` }))
      }
    }
  }

  #headers(request: FastifyRequest): Headers {
    const headers = endToEnd(request.headers)
    const before = request.headers['x-forwarded-for']
    headers['x-forwarded-for'] = before === undefined ? request.ip : `${String(before)}, ${request.ip}`
    const via = request.headers['x-marathon-via']
    headers['x-marathon-via'] = via === undefined ? this.#via() : `${String(via)}, ${this.#via()}`
    return headers
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}
