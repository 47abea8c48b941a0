import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Forwarder, type Outcome, repeatable, type Target } from '../proxy/forwarder.ts'
import { locationBelow } from '../proxy/location.ts'
import { type Balance, cookieName, cookieValue, readCookie } from '../services/balance.ts'
import type { Found } from '../services/find-service.ts'
import type { Backend } from '../services/service-table.ts'
import { fixedRoutes, type Origins } from './fixed-routes.ts'

export interface ProxyContext {
  readonly origins: Origins
  readonly forwarder: Forwarder
  readonly balance: Balance
  find(path: string): Promise<Found>
}

/** The largest bodies that are passed on, by what their `Content-Length` announces (admin router contract, 2). */
const mostServiceBytes = 32 * 2 ** 30
const mostBytes = 2 ** 30

/** How many backends of a service are tried for one request that can be repeated. */
const mostTries = 3

/** Adds every route that sends requests on. Bodies are not parsed here: they stream through. */
export async function addProxyRoutes(app: FastifyInstance, context: ProxyContext): Promise<void> {
  await app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const route = (url: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) =>
      scope.route({
        method: [...scope.supportedMethods],
        url,
        config: { streamed: true },
        exposeHeadRoute: false,
        handler,
      })

    for (const fixed of fixedRoutes) {
      if (fixed.prefix.endsWith('/')) {
        const bare = fixed.prefix.slice(0, -1)
        route(bare, async (request, reply) => redirect(reply, fixed.redirect ?? 301, `${bare}/${queryOf(request)}`))
      }
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const path = request.raw.url ?? '/'
        await one(context, request, reply, fixed.target(context.origins, path))
      }
      route(fixed.exact ? fixed.prefix : `${fixed.prefix}*`, handler)
    }
    route('/service', async (_request, reply) => redirect(reply, 301, '/service/'))
    route('/service/*', async (request, reply) =>
      serve(context, request, reply, 'service', request.raw.url!.slice('/service/'.length)),
    )
    route('/marathon', async (request, reply) => redirect(reply, 307, `/marathon/${queryOf(request)}`))
    route('/marathon/*', async (request, reply) =>
      serve(context, request, reply, 'marathon', request.raw.url!.slice(1)),
    )
  })
}

const queryOf = (request: FastifyRequest) => /\?.*$/s.exec(request.raw.url ?? '')?.[0] ?? ''

/** Relative, so that a foreign Host header never comes back. */
function redirect(reply: FastifyReply, status: 301 | 307, location: string): FastifyReply {
  return reply.code(status).header('location', location).type('text/plain; charset=utf-8').send(`see ${location}\n`)
}

/** One upstream, one try: what belongs to the cluster itself has one address at a time. */
async function one(context: ProxyContext, request: FastifyRequest, reply: FastifyReply, target: Target): Promise<void> {
  limitBody(request.raw, mostBytes)
  reply.hijack()
  const outcome = await context.forwarder.forward(request.raw, reply.raw, withRequestId(target, request), request.id)
  if (outcome.kind === 'unanswered') refuse(reply.raw, request, target.origin, outcome)
}

/** `/service/<name>/…` and `/marathon/…`. `path` is what stands behind the route's own prefix, query included. */
async function serve(
  context: ProxyContext,
  request: FastifyRequest,
  reply: FastifyReply,
  route: 'service' | 'marathon',
  path: string,
): Promise<unknown> {
  limitBody(request.raw, mostServiceBytes)
  const query = queryOf(request)
  const bare = query === '' ? path : path.slice(0, -query.length)
  if (route === 'service' && bare !== '' && !bare.includes('/'))
    return redirect(reply, 301, `/service/${bare}/${query}`)
  const found = await context.find(bare)
  const { service, candidate } = found
  const prefix = route === 'marathon' ? '/marathon' : `/service/${candidate.prefix}`
  const upstreamPath = service.keepPath
    ? `/service/${candidate.prefix}${candidate.rest}${query}`
    : `${service.basePath}${candidate.rest}${query}`
  const sticky = service.sticky && service.backends.length > 1
  const cookie = sticky ? cookieName(candidate.normal) : ''
  const own = sticky ? readCookie(request.headers.cookie, cookie) : undefined
  const targetOf = (backend: Backend): Target => ({
    origin: `${service.scheme}://${hostPart(backend.host)}:${backend.port}`,
    path: upstreamPath,
    location: locationBelow(prefix, service.scheme, request.headers.host),
    silence: service.streaming ? 600_000 : 300_000,
    answer:
      sticky && own !== cookieValue(backend)
        ? [['set-cookie', `${cookie}=${cookieValue(backend)}; Path=${prefix}/; HttpOnly; SameSite=Lax`]]
        : [],
  })
  reply.hijack()
  let last: { backend: Backend; outcome: Outcome } | undefined
  for (const backend of context.balance.order(service.backends, own).slice(0, mostTries)) {
    context.balance.begin(backend)
    const outcome = await context.forwarder.forward(
      request.raw,
      reply.raw,
      withRequestId(targetOf(backend), request),
      request.id,
    )
    context.balance.end(backend)
    if (outcome.kind === 'answered') return reply
    last = { backend, outcome }
    if (!repeatable(request.raw, outcome)) break
  }
  refuse(reply.raw, request, last ? targetOf(last.backend).origin : 'no backend', last?.outcome)
  return reply
}

const hostPart = (host: string) => (host.includes(':') ? `[${host}]` : host)

const withRequestId = (target: Target, request: FastifyRequest): Target => ({
  ...target,
  answer: [...(target.answer ?? []), ['x-request-id', request.id]],
})

function limitBody(request: IncomingMessage, most: number): void {
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > most) throw new HttpError(413, `the body has ${length} bytes; at most ${most} are passed on here`)
}

/** Nothing has been written to the client yet: it gets 502, or 504 when the upstream was silent. */
function refuse(response: ServerResponse, request: FastifyRequest, origin: string, outcome: Outcome | undefined): void {
  const error = outcome?.kind === 'unanswered' ? outcome.error : undefined
  request.log.warn({ err: error?.message, upstream: origin, request_id: request.id }, 'upstream did not answer')
  if (response.destroyed) return
  const silent = (error as NodeJS.ErrnoException | undefined)?.code === 'UND_ERR_HEADERS_TIMEOUT'
  const text = silent
    ? `504 Gateway Timeout: ${origin} did not answer in time\n`
    : `502 Bad Gateway: ${origin} can not be reached (${(error as NodeJS.ErrnoException | undefined)?.code ?? error?.message ?? 'no backend'})\n`
  response.writeHead(silent ? 504 : 502, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-request-id': request.id,
  })
  response.end(text)
}
