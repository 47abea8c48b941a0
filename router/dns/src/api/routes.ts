import { createHash } from 'node:crypto'
import type { Clock } from '@meseta/common/service/clock'
import { HttpError } from '@meseta/common/service/errors'
import { openStream } from '@meseta/common/service/stream'
import { mesetaVersion } from '@meseta/common/service/version'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RecordGenerator } from '../records/generator.ts'
import type { Zones } from '../records/zones.ts'
import type { DnsFlags, Settings } from '../settings.ts'
import { shownConfig } from './config.ts'
import { axfr, enumerate } from './dumps.ts'
import { Lookups } from './lookups.ts'
import type { Watchers } from './watch.ts'

export interface Api {
  readonly flags: DnsFlags
  readonly settings: Settings
  readonly zones: Zones
  readonly generator: RecordGenerator
  readonly watchers: Watchers
  readonly clock: Clock
}

const longestName = 255
const heartbeat = 10_000

/** The HTTP API of mesos-dns (contract 1.6), and `/v1/watch`. */
export function serveApi(app: FastifyInstance, api: Api): void {
  const { flags, settings, zones, generator } = api
  const lookups = new Lookups(zones)
  app.get('/v1/version', async () => ({
    Service: 'Mesos-DNS',
    URL: 'https://github.com/mesosphere/mesos-dns',
    Version: mesetaVersion,
  }))
  app.get('/v1/config', async () => shownConfig(flags, settings, zones.mesos.serial))
  app.get<{ Params: { host: string } }>('/v1/hosts/:host', async ({ params }) => lookups.hosts(params.host))
  app.get('/v1/hosts/:host/ports', async () => {
    throw new HttpError(501, 'To be implemented...')
  })
  app.get<{ Params: { service: string } }>('/v1/services/:service', async ({ params }) =>
    lookups.services(params.service),
  )
  if (flags.enumeration) {
    app.get('/v1/enumerate', (request, reply) => sendTagged(request, reply, enumerate(generator)))
    app.get('/v1/axfr', (request, reply) => sendTagged(request, reply, axfr(zones.mesos)))
  }
  serveWatch(app, api, lookups)
}

function serveWatch(app: FastifyInstance, { watchers, clock }: Api, lookups: Lookups): void {
  watchers.describeWith(name => lookups.records(name))
  const beat = clock.every(heartbeat, () => watchers.beat())
  app.addHook('onClose', async () => beat.cancel())
  app.get<{ Querystring: { name?: unknown } }>('/v1/watch', (request, reply) => {
    const { name } = request.query
    if (typeof name !== 'string' || name === '' || name.length > longestName)
      throw new HttpError(400, `the query needs 'name', a DNS name of at most ${longestName} characters`)
    if (watchers.isFull)
      throw new HttpError(503, 'too many names are watched; try again later', { headers: { 'retry-after': '5' } })
    const stream = openStream(reply, { contentType: 'text/event-stream; charset=utf-8', clock })
    const asked = lookups.fullName(name)
    watchers.add(asked, lookups.knownName(asked), stream)
  })
}

/** JSON with an ETag of its bytes; 304 when the client has them. */
function sendTagged(request: FastifyRequest, reply: FastifyReply, body: unknown): FastifyReply {
  const text = JSON.stringify(body)
  const tag = `"${createHash('sha1').update(text).digest('base64url')}"`
  reply.header('etag', tag)
  if (request.headers['if-none-match'] === tag) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(text)
}
