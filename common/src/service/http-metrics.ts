import type { FastifyInstance } from 'fastify'
import { Histogram, type Registry } from 'prom-client'

const labelNames = ['method', 'route', 'status'] as const

/**
 * Times each answer by method, route pattern (never the path: ids would make a series each) and status.
 * Streams are not timed: they last as long as their reader.
 */
export function countRequests(app: FastifyInstance, registry: Registry): void {
  const name = 'meseta_http_request_seconds'
  const duration =
    (registry.getSingleMetric(name) as Histogram<(typeof labelNames)[number]> | undefined) ??
    new Histogram({
      name,
      help: 'Time from the request to the end of its answer',
      labelNames,
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [registry],
    })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    duration.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
  })
}
