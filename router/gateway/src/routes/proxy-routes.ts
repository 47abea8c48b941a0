import { METHODS } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Found } from '../services/find-service.ts'
import { type FixedRoute, fixedRoutes, type Origins } from './fixed-routes.ts'
import { type LeaderCache, passesCache } from './leader-cache.ts'
import { type SendContext, send } from './send.ts'
import { serviceAttempts } from './service-route.ts'

export interface ProxyContext extends SendContext {
  readonly origins: Origins
  readonly cache: LeaderCache
  find(path: string): Promise<Found>
  /** Path and query of a request, its escapes as they came. */
  targetOf(request: FastifyRequest): string
}

/** The largest bodies that are passed on, bytes (admin router contract, 2). */
const mostServiceBody = 32 * 2 ** 30
const mostBody = 2 ** 30

/** Adds every route that sends requests on. Bodies are not parsed here: they stream through. */
export async function addProxyRoutes(app: FastifyInstance, context: ProxyContext): Promise<void> {
  // Services may speak WebDAV and the like.
  const others = METHODS.filter(method => method !== 'CONNECT' && !app.supportedMethods.includes(method))
  for (const method of others) app.addHttpMethod(method, { hasBody: true })
  await app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const route = (url: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown) =>
      scope.route({
        method: [...scope.supportedMethods],
        url,
        config: { streamed: true },
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          await handler(request, reply)
          return reply
        },
      })

    for (const fixed of fixedRoutes) {
      const { prefix, exact } = fixed
      if (!exact) route(prefix.slice(0, -1), (request, reply) => redirect(reply, 301, `${prefix}${queryOf(request)}`))
      route(exact ? prefix : `${prefix}*`, (request, reply) => pass(context, request, reply, fixed))
    }
    route('/service', (request, reply) => redirect(reply, 301, `/service/${queryOf(request)}`))
    route('/service/*', (request, reply) => serve(context, request, reply, 'service'))
    route('/marathon', (request, reply) => redirect(reply, 307, `/marathon/${queryOf(request)}`))
    route('/marathon/*', (request, reply) => serve(context, request, reply, 'marathon'))
  })
}

const queryOf = ({ url }: FastifyRequest) => (url.includes('?') ? url.slice(url.indexOf('?')) : '')

/** Relative, so that a foreign Host header never comes back. */
function redirect(reply: FastifyReply, status: 301 | 307, location: string): FastifyReply {
  return reply.code(status).header('location', location).type('text/plain; charset=utf-8').send(`see ${location}\n`)
}

/** To one of the cluster's own components. */
async function pass(
  context: ProxyContext,
  request: FastifyRequest,
  reply: FastifyReply,
  fixed: FixedRoute,
): Promise<unknown> {
  const target = fixed.target(context.origins, context.targetOf(request))
  if (!fixed.cached) return send(context, request, reply, [{ target }], mostBody)
  const passes = passesCache(request)
  if (!passes && (await context.cache.serve(`${target.origin}${target.path}`, reply))) return reply
  const answer = [['x-cache-status', passes ? 'BYPASS' : 'MISS']] as const
  return send(context, request, reply, [{ target: { ...target, answer } }], mostBody)
}

/** `/service/<name>/…`, and `/marathon/…` as one of them. */
async function serve(
  context: ProxyContext,
  request: FastifyRequest,
  reply: FastifyReply,
  route: 'service' | 'marathon',
): Promise<unknown> {
  const query = queryOf(request)
  const target = context.targetOf(request)
  const path = target.slice(0, target.length - query.length)
  const name = route === 'marathon' ? path.slice(1) : path.slice('/service/'.length)
  if (name !== '' && !name.includes('/')) return redirect(reply, 301, `/service/${name}/${query}`)
  const found = await context.find(name)
  const { host, cookie } = request.headers
  const prefix = route === 'marathon' ? '/marathon' : `/service/${found.candidate.prefix}`
  const attempts = serviceAttempts(found, { prefix, query, host, cookies: cookie }, context.balance)
  return send(context, request, reply, attempts, mostServiceBody)
}
