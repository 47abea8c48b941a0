import { EventEmitter, once } from 'node:events'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { systemRandom } from '@meseta/common/service/random'
import Fastify from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { addEventRoutes } from '../src/events/event-routes.ts'
import { TaskViews } from '../src/events/task-views.ts'
import { bodyOf } from '../src/proxy/body.ts'
import { Forwarder } from '../src/proxy/forwarder.ts'
import { Relay } from '../src/proxy/relay.ts'
import type { Outcome } from '../src/proxy/target.ts'
import { LeaderCache } from '../src/routes/leader-cache.ts'
import { backend, cluster, putService, raw, reachable, until } from './support/start.ts'

const tooLarge: { readonly name: string } = Object.freeze({ name: 'HttpError', status: 413 })

t.test('a body without a length ends with a 413 where it passes the bound', async t => {
  const read = new Map<string, Promise<string>>()
  const server = createServer((request, response) => {
    const body = bodyOf(request, 10)
    const text = async () => {
      let all = ''
      for await (const chunk of body ?? []) all += chunk
      return all
    }
    read.set(request.url!, text())
    read.get(request.url!)!.then(
      () => response.end(),
      () => response.end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  for (const [path, body] of [
    ['/least', ''],
    ['/most', 'x'.repeat(10)],
    ['/over', 'x'.repeat(11)],
  ] as const) {
    const sent = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: { 'transfer-encoding': 'chunked' },
      agent: false,
    })
    sent.on('error', () => undefined)
    sent.end(body)
    const [response] = await once(sent, 'response')
    response.resume()
    if (path === '/over') await t.rejects(read.get(path)!, tooLarge)
    else t.equal(await read.get(path), body)
  }
})

t.test('an answer comes at the pace of its client', async t => {
  const written: string[] = []
  let takes = false
  const response = Object.assign(new EventEmitter(), {
    writeHead: () => undefined,
    flushHeaders: () => undefined,
    write: (chunk: Buffer) => {
      written.push(String(chunk))
      return takes
    },
  })
  const calls: string[] = []
  const controller = {
    rawHeaders: [],
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  }
  const relay = new Relay(response as never as ServerResponse, { origin: '', path: '' }, 'r', () => undefined)
  relay.onRequestStart(controller as never)
  relay.onResponseStart(controller as never, 200, {})
  // The end of this turn: what is written from now on is not held back.
  await new Promise(resolve => setImmediate(resolve))
  relay.onResponseData(controller as never, Buffer.from('a'))
  t.same([written, calls], [['a'], ['pause']])
  takes = true
  response.emit('drain')
  relay.onResponseData(controller as never, Buffer.from('b'))
  t.same(
    [written, calls],
    [
      ['a', 'b'],
      ['pause', 'resume'],
    ],
  )
})

t.test('an answer of the leader is kept for 5 s and no longer', async t => {
  let now = 0
  let answers = 0
  const leader = await backend(t, (_request, response) => {
    answers += 1
    response.end(`${answers}`)
  })
  const cache = new LeaderCache({ monotonic: () => now } as never)
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/', async (_request, reply) => {
    await cache.serve(`${leader.url}/x`, reply)
    return reply
  })
  const get = async () => (await app.inject('/')).body
  t.equal(await get(), '1')
  now = 4_999
  t.equal(await get(), '1')
  now = 5_000
  t.equal(await get(), '2')
})

t.test('of the answers of the leader sixteen at most are on their way into memory; more are passed on', async t => {
  const held: ServerResponse[] = []
  const leader = await backend(t, (_request, response) => void held.push(response))
  const cache = new LeaderCache(systemClock)
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/:path', async (request, reply) => {
    const { path } = request.params as { path: string }
    if (!(await cache.serve(`${leader.url}/${path}`, reply))) reply.send('passed on')
    return reply
  })
  const get = async (path: number) => (await app.inject(`/${path}`)).body
  const kept = Array.from({ length: 16 }, (_, path) => get(path))
  t.equal(await get(16), 'passed on')
  const joins = get(15)
  while (held.length < 16) await new Promise(resolve => setImmediate(resolve))
  for (const response of held) response.end('kept')
  t.same(new Set(await Promise.all([...kept, joins])), new Set(['kept']))
  t.equal(held.length, 16)
})

t.test('hundreds of open streams of one upstream keep nobody else from it', async t => {
  const { gateway, marathon } = await cluster(t)
  const upstream = await backend(t, (request, response) => {
    if (request.url === '/stream') response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    else response.end('ok')
  })
  putService(marathon, 'live', [upstream.port])
  await reachable(gateway, '/service/live/')
  const streams = Array.from({ length: 300 }, () => {
    const { hostname, port } = new URL(gateway.url)
    return httpRequest({ hostname, port, path: '/service/live/stream', agent: false }).on('error', () => undefined)
  })
  t.teardown(() => {
    for (const stream of streams) stream.destroy()
  })
  await Promise.all(streams.map(stream => once(stream.end(), 'response')))
  t.equal((await raw(gateway, '/service/live/')).body, 'ok')
})

t.test('an upstream that has all the requests it may have gets no further one, and the client hears so', async t => {
  const upstream = await backend(t, (request, response) => {
    if (request.url === '/end') response.end()
    else response.writeHead(200).flushHeaders()
  })
  const forwarder = new Forwarder(2)
  const outcomes: Promise<Outcome>[] = []
  const server = createServer((request, response) => {
    const target = { origin: upstream.url, path: request.url! }
    const outcome = forwarder.forward(request, null, response, target, 'r')
    outcomes.push(outcome)
    void outcome.then(({ kind }) => kind === 'unanswered' && response.end('refused'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await forwarder.close()
  })
  const { port } = server.address() as AddressInfo
  const open = async (path: string) => {
    const sent = httpRequest({ port, host: '127.0.0.1', path, agent: false }).on('error', () => undefined)
    sent.end()
    const [response] = await once(sent, 'response')
    return { sent, response }
  }
  const first = await open('/stay')
  await open('/stay')
  await open('/end')
  t.match(await outcomes[2], { kind: 'unanswered', sent: false, error: { status: 503 } })
  first.sent.destroy()
  t.match(await outcomes[0], { kind: 'answered' })
  await open('/end')
  t.match(await outcomes[3], { kind: 'answered' })
})

t.test('a snapshot that its client does not read is given up in time, and makes room', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock: systemClock })
  for (let n = 0; n < 300; n += 1) writer.put('app', `/${n}`, 'x'.repeat(100_000))
  const log = pino({ level: 'silent' })
  /** A server of snapshots, of which 100 are asked for and not read. */
  const stuck = async (stallTimeout?: number) => {
    const http = createHttp(
      { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: new Registry(), clock: systemClock },
      { name: 'gateway', health: new Health() },
    )
    const end = addEventRoutes(http.app, {
      writer,
      tasks: new TaskViews({ nodeOf: () => undefined, appOf: () => undefined }),
      now: () => 0,
      sources: () => ({}),
      clock: systemClock,
      random: systemRandom,
      log,
      ...(stallTimeout === undefined ? {} : { stallTimeout }),
    })
    const url = `${await http.listen()}/meseta/v1/snapshot`
    const asked = Array.from({ length: 100 }, () =>
      httpRequest(url, { agent: false })
        .on('error', () => undefined)
        .on('response', response => response.pause())
        .end(),
    )
    t.teardown(async () => {
      for (const sent of asked) sent.destroy()
      end()
      await http.close()
    })
    await Promise.all(asked.map(sent => once(sent, 'response')))
    return url
  }
  const refused = await fetch(await stuck())
  t.same([refused.status, refused.headers.get('retry-after')], [503, '5'])
  const url = await stuck(150)
  await until(async () => (await fetch(url, { method: 'HEAD' })).status === 200)
  const whole = (await (await fetch(url)).json()) as unknown[]
  t.equal(whole.length, 302)
})
