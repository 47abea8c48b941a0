import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { feedQuery, unknownTopic } from '@meseta/common/feed/serve'
import type { Clock } from '@meseta/common/service/clock'
import { HttpError } from '@meseta/common/service/errors'
import { type OutStream, openStream } from '@meseta/common/service/stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Leadership, Routes } from './api/routes.ts'
import type { ApiAnswer, ApiRequest, ApiSource, ReadReply } from './api/transport.ts'
import { feedPath } from './replica/read-model.ts'

/** Unsent bytes at which a scheduler or operator that does not read is cut off; it subscribes again. */
const maxQueuedBytes = 64 * 1024 * 1024

/** Puts the master's routes behind a fastify server: any method, bodies as they come, request streams as streams. */
export function serveRoutes(app: FastifyInstance, routes: Routes, clock: Clock): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addContentTypeParser(/^application\/recordio/i, (_request, payload, done) => done(null, payload))
  // Requests that arrived in the same turn are answered together: they share a step of the master, and who waits for several
  // answers wakes once.
  let arrived: { readonly request: FastifyRequest; readonly reply: FastifyReply }[] = []
  const answerAll = () => {
    const all = arrived
    arrived = []
    routes.together(() => {
      for (const { request, reply } of all) {
        // It is this request that failed, not those beside it, and not the master.
        const failed = (error: unknown) => {
          if (!reply.sent) reply.send(error)
        }
        try {
          routes.handle(toApi(request), new HttpReply(reply, clock))?.catch(failed)
        } catch (error) {
          failed(error)
        }
      }
    })
  }
  const handle = (request: FastifyRequest, reply: FastifyReply) => {
    if (arrived.push({ request, reply }) === 1) setImmediate(answerAll)
    return reply
  }
  // A stream of calls may take for ever.
  const streamed = { config: { streamed: isRecordIo } }
  for (const path of ['/api/v1/scheduler', '/master/api/v1/scheduler']) app.all(path, streamed, handle)
  app.all('/*', handle)
}

const isRecordIo = (request: FastifyRequest): boolean =>
  /^application\/recordio/i.test(request.headers['content-type'] ?? '')

function toApi(request: FastifyRequest): ApiRequest {
  const at = request.url.indexOf('?')
  const { body } = request
  return {
    method: request.method,
    path: at < 0 ? request.url : request.url.slice(0, at),
    query: at < 0 ? '' : request.url.slice(at + 1),
    headers: request.headers,
    principal: request.principal,
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    source: body instanceof Readable ? sourceOf(body) : undefined,
  }
}

function sourceOf(body: Readable): ApiSource {
  return {
    onData: listener => body.on('data', listener),
    onEnd: listener => {
      body.once('close', listener)
      body.once('end', listener)
      body.once('error', listener)
    },
    // What still comes is read and thrown away, so that the connection can go on.
    stop: () => body.removeAllListeners('data').resume(),
  }
}

/** Serves the leader's feed (docs/architecture.md, "Feeds"). */
export function serveFeed(app: FastifyInstance, leadership: () => Leadership, clock: Clock): void {
  app.get(feedPath, (request, reply) => {
    const now = leadership()
    if (now.state === 'following') return reply.code(307).header('location', `//${now.leader}${request.url}`).send()
    if (now.state === 'unknown') throw new HttpError(503, 'No leader elected')
    if (!now.api) throw new HttpError(503, 'Master has not finished recovery')
    const { after, kinds, others } = feedQuery(request)
    if (others.length > 0) throw unknownTopic(others[0]!)
    now.api.read.handle(
      { type: 'FEED', viewer: undefined, after, kinds: kinds && [...kinds], peer: request.ip },
      new HttpReply(reply, clock),
    )
    return reply
  })
}

class HttpReply implements ReadReply {
  readonly #reply: FastifyReply
  readonly #clock: Clock

  constructor(reply: FastifyReply, clock: Clock) {
    this.#reply = reply
    this.#clock = clock
  }

  answer({ status, headers, body }: ApiAnswer): void {
    this.#reply.code(status)
    for (const name in headers) this.#reply.header(name, headers[name])
    // Most answers are a 202 without a body: with none at all fastify makes one write of it, and no content type.
    if (body instanceof Readable) this.#reply.send(body)
    else if (body.length === 0) this.#reply.send()
    // Text as bytes: fastify adds nothing to the content type of these.
    else this.#reply.send(typeof body === 'string' ? Buffer.from(body) : body)
  }

  stream(headers: Readonly<Record<string, string>>): OutStream {
    const { 'content-type': contentType = 'application/json', ...others } = headers
    return openStream(this.#reply, { contentType, headers: others, maxQueuedBytes, clock: this.#clock })
  }
}
