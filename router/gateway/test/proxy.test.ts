import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { Forwarder } from '../src/proxy/forwarder.ts'
import { LeaderCache } from '../src/routes/leader-cache.ts'
import { addProxyRoutes } from '../src/routes/proxy-routes.ts'
import { Upgrades } from '../src/routes/upgrade.ts'
import { Balance } from '../src/services/balance.ts'
import { backend, closeServer, cluster, putService, raw, rawBackend, reachable, until, wire } from './support/start.ts'

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`

t.test('whatever an upstream writes, the client gets an answer', async t => {
  const { gateway, marathon } = await cluster(t)
  const end = 'Content-Length: 2\r\n\r\nok'
  const cases: [name: string, answer: string, expected: RegExp][] = [
    ['own', `HTTP/1.1 200 Very Well\r\n${end}`, /^HTTP\/1\.1 200 Very Well\r\n.*ok$/s],
    ['latin', `HTTP/1.1 200 \xe9t\xe9\r\n${end}`, /^HTTP\/1\.1 200 OK\r\n.*ok$/s],
    ['utf8', `HTTP/1.1 404 \xe4\xb8\x8d\r\n${end}`, /^HTTP\/1\.1 404 Not Found\r\n.*ok$/s],
    ['none', `HTTP/1.1 200\r\n${end}`, /^HTTP\/1\.1 200 OK\r\n.*ok$/s],
    ['header', `HTTP/1.1 200 OK\r\nX-Own: \xe9\r\n${end}`, /^HTTP\/1\.1 200 OK\r\n.*X-Own: \xe9\r\n.*ok$/s],
    ['twice', `HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\n${end}`, /^(?!.*theirs).*x-request-id.*ok$/s],
    ['garbage', 'nothing of HTTP', /^HTTP\/1\.1 502 Bad Gateway\r\n/],
    ['silent', '', /^HTTP\/1\.1 502 Bad Gateway\r\n/],
    ['cut', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', /^HTTP\/1\.1 (200 OK\r\n.*ok|502 .*)$/s],
  ]
  for (const [name, answer] of cases) putService(marathon, name, [await rawBackend(t, answer)])
  await until(async () => (await wire(gateway, ask('/service/cut/'))).startsWith('HTTP/1.1 404') === false)
  for (const [name, , expected] of cases) t.match(await wire(gateway, ask(`/service/${name}/`)), expected, name)
})

t.test('a failure of our own after the answer was taken over ends the request, and is no wait', async t => {
  const http = createHttp(
    {
      flags: { ip: '127.0.0.1', port: 0 },
      log: pino({ level: 'silent' }),
      metrics: new Registry(),
      clock: systemClock,
    },
    { name: 'gateway', health: new Health() },
  )
  const forwarder = new Forwarder()
  const upgrades = new Upgrades(http.app)
  const service = { scheme: 'http', basePath: '', keepPath: false, streaming: false, sticky: false } as const
  const candidate = { prefix: 'x', normal: 'x', rest: '/' }
  const balance = new Balance()
  balance.begin = () => {
    throw new Error('broken')
  }
  await addProxyRoutes(http.app, {
    origins: { leader: undefined, universe: '', dns: '', balancer: '', agent: () => undefined },
    cache: new LeaderCache(systemClock),
    forwarder,
    upgrades,
    balance,
    find: async () => ({ candidate, service: { ...service, backends: [{ id: 'b', host: '127.0.0.1', port: 1 }] } }),
    targetOf: request => request.url,
  })
  const url = await http.listen()
  t.teardown(async () => {
    await http.close()
    await forwarder.close()
  })
  t.match(await wire({ url } as never, ask('/service/x/')), /^HTTP\/1\.1 502 /)
})

t.test('one path for route and upstream, however it is written', async t => {
  const { gateway, marathon, master } = await cluster(t)
  const service = await backend(t, (request, response) => response.end(`at ${request.url}`))
  master.writer.put('agent', 'A', { id: 'A', pid: `slave(1)@127.0.0.1:${service.port}` })
  putService(marathon, 'web', [service.port])
  await reachable(gateway, '/service/web/')
  await reachable(gateway, '/agent/A/')
  const got = async (path: string) =>
    /\r\n\r\n(?:[0-9a-f]+\r\n)?(.*?)[\r\n]/s.exec(`${await wire(gateway, ask(path))}\n`)![1]
  t.equal(await got('/%61gent/A/x%2Fy'), 'at /x%2Fy')
  t.equal(await got('http://HOST/agent/A/x?q=http://y'), 'at /x?q=http://y')
  t.equal(await got('/serv%69ce/w%65b/x%20%3F%23'), 'at /x%20%3F%23')
  t.equal(await got('/mesos%2Fmaster/state'), '{"message":"there is no GET /mesos%2Fmaster/state here"}')
  t.equal(await got('/m%65sos/master/state'), '{"from":"master"}')
  t.equal(await got('http://HOST/mesos/master/state'), '{"from":"master"}')
  t.equal(await got('/agent/A///evil.example/x'), 'at /evil.example/x', 'no upstream is sent a path that names a host')
  t.equal(await got('/service/web//evil.example/x'), 'at /evil.example/x')
  t.equal(await got('/agent/A?x'), 'at /?x')
  for (const path of ['/agent/A/../B', '/agent/A/%2e%2e/x', '/service/web/..%2f..%2fx', '/agent/A/..\\x', '/x#y'])
    t.match(await wire(gateway, ask(path)), /^HTTP\/1\.1 400 /, path)
  t.match(await wire(gateway, ask('http://elsewhere.example/metadata')), /^HTTP\/1\.1 400 /)
})

t.test('a body is bounded, sent once, and goes on to another backend when it was not', async t => {
  const { gateway, marathon } = await cluster(t)
  const web = await backend(t, (_request, response, body) => response.end(`got ${body}`))
  putService(marathon, 'web', [web.port, 1])
  await reachable(gateway, '/service/web/')
  for (let i = 0; i < 6; i += 1)
    t.match(await raw(gateway, '/service/web/', { 'content-length': '5' }, 'POST', 'hello'), {
      status: 200,
      body: 'got hello',
    })
  for (let i = 0; i < 6; i += 1)
    t.match(await raw(gateway, '/service/web/', {}, 'PUT', 'hello'), { status: 200, body: 'got hello' })
  const asked = 'PUT /mesos/x HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n'
  t.match(await wire(gateway, `${asked}Content-Length: 1073741825\r\n\r\n`), /^HTTP\/1\.1 413 /)
})

t.test('what may have been seen is sent again only when it is harmless', async t => {
  const { gateway, marathon } = await cluster(t)
  const cuts = await Promise.all([1, 2].map(() => backend(t, request => void request.socket.destroy())))
  putService(
    marathon,
    'cut',
    cuts.map(({ port }) => port),
  )
  await until(async () => (await raw(gateway, '/service/cut/')).status === 502)
  const seen = () => cuts.map(({ seen: requests }) => requests.length).reduce((a, b) => a + b)
  const times = async (method: string, body?: string) => {
    const before = seen()
    const { status } = await raw(gateway, '/service/cut/', {}, method, body)
    return [status, seen() - before]
  }
  t.same(await times('GET'), [502, 2])
  t.same(await times('POST'), [502, 1])
  t.same(await times('DELETE'), [502, 1])
  t.same(await times('PUT', 'body'), [502, 1])
})

t.test('any method of HTTP reaches a service, with its body and without', async t => {
  const { gateway, marathon } = await cluster(t)
  const upstream = await backend(t, (_request, response) => response.end('ok'))
  putService(marathon, 'files', [upstream.port])
  await reachable(gateway, '/service/files/')
  upstream.seen.length = 0
  for (const method of ['PROPFIND', 'MKCOL', 'REPORT', 'M-SEARCH']) {
    t.match(await raw(gateway, '/service/files/a', { 'content-type': 'text/xml' }, method, '<x/>'), { body: 'ok' })
    t.match(await raw(gateway, '/service/files/a', {}, method), { body: 'ok' })
    t.match(upstream.seen.splice(0), [
      { method, url: '/a', body: '<x/>' },
      { method, url: '/a', body: '' },
    ])
  }
})

t.test('escapes arrive as they came, also those that are no UTF-8', async t => {
  const { gateway, marathon } = await cluster(t)
  const upstream = await backend(t, (_request, response) => response.end('ok'))
  putService(marathon, 'files', [upstream.port])
  await reachable(gateway, '/service/files/')
  for (const path of ['/caf%E9', '/%FF%20%3F%2Fx?a=%FF', '/%C3%A9%23']) {
    upstream.seen.length = 0
    t.match(await raw(gateway, `/service/files${path}`), { status: 200, body: 'ok' }, path)
    t.match(upstream.seen, [{ url: path }])
  }
  t.equal((await raw(gateway, '/%FF')).status, 404)
})

t.test('an upstream that answers before it has read the body leaves the connection of the client whole', async t => {
  const { gateway, marathon } = await cluster(t)
  const early = createServer((_request, response) => response.end('early'))
  early.listen(0, '127.0.0.1')
  await once(early, 'listening')
  t.teardown(() => closeServer(early))
  putService(marathon, 'early', [(early.address() as AddressInfo).port])
  await reachable(gateway, '/service/early/')
  const { hostname, port } = new URL(gateway.url)
  const part = 'x'.repeat(500_000)
  const chunk = `${part.length.toString(16)}\r\n${part}\r\n`
  for (const [framing, first, rest] of [
    ['Content-Length: 1000000', part, part],
    ['Transfer-Encoding: chunked', chunk, `${chunk}0\r\n\r\n`],
  ] as const) {
    const socket = connect(Number(port), hostname)
    let answers = ''
    socket.on('data', data => {
      answers += data
    })
    socket.write(`POST /service/early/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${framing}\r\n\r\n${first}`)
    await until(async () => answers.includes('early'))
    socket.write(`${rest}GET /service/early/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    t.equal(answers.split('early').length, 3, framing)
  }
})
