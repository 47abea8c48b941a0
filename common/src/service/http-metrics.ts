import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { gauge, histogram } from './metrics.ts'

/**
 * Times each answer by method, route pattern (never the path: ids would make a series each) and status, and counts connections.
 * Streams are not timed: they last as long as their reader.
 */
export function countRequests(app: FastifyInstance, registry: Registry): void {
  const duration = histogram(registry, {
    name: 'meseta_http_request_seconds',
    help: 'Time from the request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
  })
  const connections = gauge(registry, { name: 'meseta_http_connections', help: 'Open HTTP connections' })
  app.server.on('connection', socket => {
    connections.inc()
    socket.once('close', () => connections.dec())
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    duration.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
    done()
  })
}
