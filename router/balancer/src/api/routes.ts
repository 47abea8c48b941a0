import { createHash } from 'node:crypto'
import type { Clock } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import { HttpError } from '@meseta/common/service/errors'
import { mesetaVersion } from '@meseta/common/service/version'
import type { FastifyInstance } from 'fastify'
import type { Plane, VipBody } from '../plane.ts'
import type { VipTable } from '../table/vip-table.ts'

export interface Api {
  readonly plane: Plane
  readonly table: VipTable
  readonly metrics: Context<unknown>['metrics']
  readonly clock: Clock
  /** Whether the master's state has ever been complete. */
  readonly isReady: () => boolean
}

/** The HTTP API of the DC/OS dispatcher as far as the balancer knows (discovery contract 2.4): virtual IPs and their names. */
export function serveApi(app: FastifyInstance, api: Api): void {
  const { plane, table, metrics, clock } = api
  app.get('/v1/version', async () => ({ Service: 'dcos-dns', Version: mesetaVersion }))
  app.get('/v1/vips', (request, reply) => {
    requireReady(api)
    const text = JSON.stringify(plane.shown().map(shownVip))
    const tag = `"${createHash('sha1').update(text).digest('base64url')}"`
    reply.header('etag', tag)
    if (request.headers['if-none-match'] === tag) return reply.code(304).send()
    return reply.type('application/json; charset=utf-8').send(text)
  })
  app.get('/v1/records', async () => {
    requireReady(api)
    return addresses(plane).map(({ host, ip }) => ({ name: host, host: ip, rtype: 'A' }))
  })
  app.get<{ Params: { host: string } }>('/v1/hosts/:host', async ({ params }) => {
    requireReady(api)
    const asked = params.host.toLowerCase().replace(/\.$/, '')
    return addresses(plane).filter(({ host }) => host === asked)
  })
  app.get('/v1/nodes', async () => {
    requireReady(api)
    const updated = new Date(clock.now()).toISOString()
    return table
      .agents()
      .map(({ address, hostname }) => ({ private_ip: address ?? '', public_ips: [], hostname, updated }))
  })
  app.get('/v1/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
  for (const path of ['/v1/services/:service', '/v1/config', '/v1/enumerate'])
    app.get(path, async () => {
      throw new HttpError(
        501,
        'not supported here: the balancer knows only the names of virtual IPs; ask the DNS for others',
      )
    })
}

/** Answers nothing from a table that has never been complete. */
export function requireReady({ isReady }: Pick<Api, 'isReady'>): void {
  if (!isReady())
    throw new HttpError(503, 'the master has not been reached yet, so no virtual IP is known', {
      headers: { 'retry-after': '1' },
    })
}

/** The contract's three fields, and where it is really reached. */
function shownVip({ vip, protocol, backends, address, listen, error }: VipBody) {
  return {
    vip,
    protocol,
    backend: backends.map(({ ip, port, weight }) => ({ ip, port, weight })),
    address,
    listen,
    ...(error === undefined ? {} : { error }),
  }
}

/** Each named virtual IP's address, once. */
function addresses(plane: Plane): { host: string; ip: string }[] {
  const named = new Map(
    plane.shown().flatMap(({ name, address }) => (name && address ? [[name, address] as const] : [])),
  )
  return [...named].map(([host, ip]) => ({ host, ip }))
}
