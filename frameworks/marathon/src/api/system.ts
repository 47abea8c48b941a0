import type { Clock } from '@meseta/common/service/clock'
import { openStream } from '@meseta/common/service/stream'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { notFound, notYet, Refusal } from '../core/errors.ts'
import { deploymentView } from '../core/view/deployment.ts'
import { queueView } from '../core/view/queue.ts'
import { type EventHub, maxConsumers } from '../shell/event-hub.ts'
import type { Leader } from '../shell/leader.ts'
import { allOf, flagOf, idOf } from './query.ts'
import { sendResult } from './result.ts'

export interface SystemContext {
  readonly leader: () => Leader
  readonly events: EventHub
  readonly clock: Clock
  readonly metrics: Registry
  readonly version: string
  /** `host:port` of the leader, as the election tells. */
  leaderAddress(): string | undefined
  info(): Record<string, unknown>
  config(): Record<string, unknown>
  abdicate(): void
}

/** Deployments, queue, events, leader, info and the rest (contract 2). */
export function addSystemRoutes(app: FastifyInstance, context: SystemContext): void {
  const { leader } = context
  app.get('/v2/deployments', () =>
    [...leader().state.deployments.values()].map(one => deploymentView(leader().state, one)),
  )
  app.delete('/v2/deployments/:id', async (request, reply) => {
    const force = flagOf(request, 'force')
    const done = await leader().cancelDeployment((request.params as { id: string }).id, force)
    return force ? reply.code(202).send() : sendResult(reply, done)
  })
  app.get('/v2/queue', request =>
    queueView(leader().state, allOf(request, 'embed').includes('lastUnusedOffers'), leader().now),
  )
  app.delete('/v2/queue/*', async (request, reply) => {
    const path = (request.params as Record<string, string>)['*'] ?? ''
    const id = /^(.+)\/delay\/?$/.exec(path)?.[1]
    if (id === undefined) throw new Refusal(404, 'URI not found')
    await leader().resetDelay(idOf(id))
    return reply.code(204).send()
  })
  addEventRoute(app, context)
  app.get('/v2/info', () => context.info())
  app.get('/v2/leader', () => {
    const address = context.leaderAddress()
    if (address === undefined) throw new Refusal(404, 'There is no leader')
    return { leader: address }
  })
  app.delete('/v2/leader', request => {
    const query = request.query as Record<string, unknown>
    if (query.backup !== undefined || query.restore !== undefined)
      throw notYet('backup and restore by DELETE /v2/leader')
    context.abdicate()
    return { message: 'Leadership abdicated' }
  })
  app.get('/v2/plugins', () => ({ plugins: [] }))
  app.all('/v2/plugins/*', () => {
    throw notFound('App', 'plugin')
  })
  app.get('/config', () => context.config())
  app.all('/logging', () => {
    throw notYet('changing log levels at /logging')
  })
  app.get('/', (_request, reply) => reply.redirect('/ui/', 302))
  addPing(app)
  addMetrics(app, context)
}

function addEventRoute(app: FastifyInstance, { events, clock, leader }: SystemContext): void {
  app.get('/v2/events', (request, reply) => {
    leader()
    if (!(request.headers.accept ?? '').includes('text/event-stream'))
      throw new Refusal(405, 'events are a stream: ask with Accept: text/event-stream')
    if (events.size >= maxConsumers) throw new Refusal(503, `there are ${maxConsumers} consumers of events already`)
    const types = allOf(request, 'event_type')
    const remoteAddress = request.ip
    const stream = openStream(reply, { contentType: 'text/event-stream', clock })
    const tell = (eventType: string): void =>
      events.publish({ eventType, timestamp: new Date(clock.now()).toISOString(), remoteAddress } as {
        eventType: string
      })
    events.add(stream, types, () => tell('event_stream_detached'))
    tell('event_stream_attached')
  })
}

function addPing(app: FastifyInstance): void {
  app.get('/ping', (request, reply) => {
    const accept = request.headers.accept ?? '*/*'
    if (/text\/plain|text\/\*|\*\/\*/.test(accept)) return reply.type('text/plain').send('pong')
    if (/application\/(json|\*)/.test(accept)) return reply.type('application/json').send('"pong"')
    return reply.code(204).send()
  })
}

/** JSON as Marathon wrote it; Prometheus text under its own path, and for those who ask for text. */
function addMetrics(app: FastifyInstance, { metrics, version }: SystemContext): void {
  const text = async () => metrics.metrics()
  app.get('/metrics/prometheus', async (_request, reply) => reply.type(metrics.contentType).send(await text()))
  app.get('/metrics', async (request, reply) => {
    const accept = request.headers.accept ?? ''
    if (/text\/plain|openmetrics/.test(accept)) return reply.type(metrics.contentType).send(await text())
    const gauges: Record<string, unknown> = {}
    const counters: Record<string, unknown> = {}
    for (const metric of await metrics.getMetricsAsJSON()) {
      const target = metric.type.toString() === 'counter' ? counters : gauges
      for (const { labels, value } of metric.values) {
        const suffix = Object.values(labels ?? {}).join('.')
        const name = suffix === '' ? metric.name : `${metric.name}.${suffix}`
        target[name] = target === counters ? { count: value } : { value }
      }
    }
    return { version, counters, gauges, histograms: {}, meters: {}, timers: {} }
  })
}
