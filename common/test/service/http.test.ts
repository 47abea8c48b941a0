import { connect } from 'node:net'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { systemClock } from '../../src/service/clock.ts'
import { isLoopback, refusalAtDoor } from '../../src/service/door.ts'
import { HttpError } from '../../src/service/errors.ts'
import { defineFlags } from '../../src/service/flags.ts'
import { Health } from '../../src/service/health.ts'
import { createHttp } from '../../src/service/http.ts'
import { createRegistry } from '../../src/service/metrics.ts'
import { type OutStream, openStream } from '../../src/service/stream.ts'
import { ask, quiet, raw, serve, until } from './support.ts'

const json = { 'content-type': 'application/json' }

t.test('it listens on loopback addresses only', async t => {
  const at = (ip: string) =>
    createHttp(
      { flags: { ip, port: 0 }, log: quiet, metrics: createRegistry(), clock: systemClock },
      { name: 'tested', health: new Health() },
    )
  for (const ip of ['0.0.0.0', '10.0.0.1', '::', '192.168.1.1', 'example.com'])
    t.throws(() => at(ip), /loopback addresses only where there is no authentication; use --ip=127\.0\.0\.1/, ip)
  const other = await serve(undefined, {}, { ip: '127.0.0.7' })
  t.match(other.url, /^http:\/\/127\.0\.0\.7:\d+$/)
  t.equal((await ask(`${other.url}/health`)).status, 200)
  const taken = createHttp(
    { flags: { ip: '127.0.0.7', port: other.port }, log: quiet, metrics: createRegistry(), clock: systemClock },
    { name: 'second', health: new Health() },
  )
  await t.rejects(taken.listen(), { code: 'EADDRINUSE', message: /second can not listen on 127\.0\.0\.7.*--port/ })
  await taken.close()
  await other.http.close()
})

t.test('only its own names and pages enter', async t => {
  const { http, url, port } = await serve(
    undefined,
    { extraHosts: ['edge.example', '.cluster.test'] },
    { hostname: 'node-1' },
  )
  const status = async (headers: Record<string, string>) => (await ask(`${url}/version`, { headers })).status
  const own = [
    `127.0.0.1:${port}`,
    '127.0.0.1',
    '127.0.0.3:1',
    'localhost:8000',
    'LOCALHOST',
    '[::1]:80',
    'node-1:5050',
    'leader.mesos:5050',
    'master.mesos.',
    'edge.example',
    'a.b.cluster.test',
  ]
  for (const host of own) t.equal(await status({ host }), 200, `Host: ${host}`)
  const foreign = [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'leader.mesos.evil.example',
    'evilmesos',
    'mesos',
    '10.0.0.1',
    '0.0.0.0:5050',
    '127.0.0.1:80:80',
    '127.0.0.1@evil.example',
    'node-1.evil.example',
    '[::2]',
    '127.1',
    'x'.repeat(400),
  ]
  t.match(
    await raw(port, 'GET /version HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 403/,
    'an empty Host',
  )
  for (const host of foreign) t.equal(await status({ host }), 403, `Host: ${host.slice(0, 40)}`)

  const host = 'localhost:8000'
  for (const origin of ['http://localhost:8000', 'http://edge.example', 'https://edge.example:8443'])
    t.equal(await status({ host, origin }), 200, `Origin: ${origin}`)
  t.equal(
    await status({ host: '127.0.0.1:9', 'x-forwarded-host': host, origin: `http://${host}` }),
    200,
    'through the gateway',
  )
  for (const origin of [
    'http://evil.example',
    'null',
    'http://localhost:3000',
    'https://localhost',
    'file://',
    'http://',
    'localhost:8000',
  ])
    t.equal(await status({ host, origin }), 403, `Origin: ${origin}`)
  const site = { host, 'sec-fetch-site': 'cross-site' }
  t.equal(
    await status({ ...site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }),
    403,
    'a script of another site',
  )
  t.equal(
    await status({ ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }),
    403,
    'a frame of another site',
  )
  t.equal(await status({ ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }), 200, 'a link')
  const refused = await ask(`${url}/nowhere`, { headers: { host: 'evil.example' } })
  t.equal(refused.status, 403, 'also where there is no route')
  t.match(JSON.parse(refused.text).message, /'evil\.example'/)
  t.match(refusalAtDoor(http.door, { host, origin: 'http://evil.example' }), /web pages/, 'also for upgrades')
  await http.close()
})

t.test('loopback is told from what only looks like it', async t => {
  for (const host of [
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'x.localhost',
  ])
    t.equal(isLoopback(host), true, host)
  for (const host of ['128.0.0.1', '127.0.0.1.x', '::', '::2', '::10', 'local', '', '1', '1::1', '::ffff:10.0.0.1'])
    t.equal(isLoopback(host), false, host)
})

t.test('the standard routes answer', async t => {
  const flagDefinitions = defineFlags({
    ip: { type: 'string', help: '' },
    port: { type: 'number', help: '', secret: true },
  })
  const { http, url, health } = await serve(undefined, { flagDefinitions })
  const get = async (path: string) => ask(url + path)
  t.same(JSON.parse((await get('/health')).text), { status: 'ok', checks: {} })
  health.set('bus', 'degraded', 'the bus is gone; waiting')
  const degraded = await get('/health')
  t.equal(degraded.status, 200)
  t.same(JSON.parse(degraded.text), {
    status: 'degraded',
    checks: { bus: { status: 'degraded', sentence: 'the bus is gone; waiting' } },
  })
  health.set('store', 'down', 'the disk is full')
  t.equal((await get('/health')).status, 503)
  health.set('store', 'ok', 'serves')
  health.remove('bus')
  t.equal((await get('/health')).status, 200)
  t.match(JSON.parse((await get('/version')).text), { name: 'tested', version: /^\d+\.\d+\.\d+/ })
  t.same(JSON.parse((await get('/flags')).text), { flags: { ip: '127.0.0.1', port: '[hidden]' } })
  const metrics = await get('/metrics')
  t.match(metrics.headers['content-type'], /^text\/plain/)
  t.match(metrics.text, /meseta_http_request_seconds_count\{method="GET",route="\/health",status="503"\} 1/)
  t.equal(metrics.headers['x-powered-by'], undefined)
  t.equal(metrics.headers.server, undefined)
  await http.close()

  const mesosLike = await serve(({ app }) => app.get('/health', (_request, reply) => reply.send('')), {
    own: ['health', 'flags'],
  })
  t.match(await ask(`${mesosLike.url}/health`), { status: 200, text: '' })
  await mesosLike.http.close()
})

t.test('errors become answers in one place', async t => {
  const { http, url } = await serve(({ app }) => {
    app.get('/known', () => {
      throw new HttpError(409, 'the app is locked', {
        details: { deployments: ['d1'] },
        code: 'LOCKED',
        headers: { 'retry-after': '3' },
      })
    })
    app.get('/broken', () => {
      throw new Error('password=hunter2')
    })
    app.post(
      '/checked',
      { schema: { body: { type: 'object', properties: { count: { type: 'integer' } } } } },
      () => 'ok',
    )
  })
  t.match(await ask(`${url}/known`), {
    status: 409,
    text: '{"message":"the app is locked","code":"LOCKED","details":{"deployments":["d1"]}}',
    headers: { 'retry-after': '3', 'content-type': /json/ },
  })
  const broken = await ask(`${url}/broken`, { headers: { 'x-request-id': 'abc-1' } })
  t.equal(broken.status, 500)
  t.notMatch(broken.text, /hunter2/)
  t.equal(broken.headers['x-request-id'], 'abc-1')
  const odd = await ask(`${url}/known`, { headers: { 'x-request-id': 'a b"{}' } })
  t.match(odd.headers['x-request-id'], /^[\w-]+$/)
  t.match(await ask(`${url}/none?secret=1`), { status: 404, text: '{"message":"there is no GET /none here"}' })
  const typed = await ask(`${url}/checked`, { method: 'POST', headers: json, body: '{"count":"3"}' })
  t.equal(typed.status, 400)
  t.match(JSON.parse(typed.text).details, [{ path: 'body/count', reason: /integer/ }])
  await http.close()

  const plain = await serve(
    ({ app }) =>
      app.get('/x', () => {
        throw new HttpError(400, 'plainly')
      }),
    {
      formatError: error => error.message,
    },
  )
  t.match(await ask(`${plain.url}/x`), { status: 400, text: 'plainly', headers: { 'content-type': /^text\/plain/ } })
  await plain.http.close()
})

t.test('bodies are parsed, bounded and never poison', async t => {
  const { http, url, port } = await serve(
    ({ app }) => {
      app.post('/echo', request => ({ got: request.body ?? null }))
      app.route({
        method: ['GET', 'POST'],
        url: '/slow',
        handler: (_request, reply) => void systemClock.after(300, () => reply.send('late')),
      })
      const config = { streamed: ({ headers }: { headers: object }) => 'x-stream' in headers }
      app.post('/some', { config }, request => ({ got: request.body ?? null }))
    },
    {
      bodyTimeout: 150,
    },
  )
  const post = (body: string | Uint8Array, headers: Record<string, string> = json) =>
    ask(`${url}/echo`, { method: 'POST', headers, body })
  t.same(JSON.parse((await post('{"a":[1]}')).text), { got: { a: [1] } })
  t.same(JSON.parse((await post('{"a":1}', { 'content-type': 'application/merge-patch+json; charset=utf-8' })).text), {
    got: { a: 1 },
  })
  t.same(JSON.parse((await post('')).text), { got: null })
  const refused: [string | Uint8Array, RegExp][] = [
    ['{"a":1,}', /not valid JSON: unexpected text at position 7/],
    ['{"a":', /ends too early/],
    ['nope', /not valid JSON/],
    [new Uint8Array([0x22, 0xff, 0x22]), /not UTF-8/],
    ['{"a":{"__proto__":{"x":1}}}', /the field \/a\/__proto__ is not allowed/],
    ['{"\\u005f_proto__":1}', /__proto__/],
  ]
  for (const [body, message] of refused) {
    const answer = await post(body)
    t.equal(answer.status, 400, String(body))
    t.match(JSON.parse(answer.text).message, message)
  }
  t.equal((await post('{"__proto":1,"a":"__proto__"}')).status, 200)
  t.equal((await post('x', { 'content-type': 'text/plain' })).status, 415)
  for (const depth of [201, 5_000, 400_000]) {
    const nested = await post(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    t.match(nested, { status: 400, text: /nests deeper than 200/ }, `${depth} levels`)
  }
  t.equal((await post(`${'['.repeat(200)}"\\"[[[["${']'.repeat(200)}`)).status, 200, '200 levels')
  t.equal((await post(`"${'x'.repeat(1024 * 1024)}"`).catch(() => ({ status: 413 }))).status, 413)
  t.match(
    await raw(
      port,
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n"a',
    ),
    /408 .*did not arrive within 0\.15 s/s,
  )
  const half = (header: string) =>
    `POST /some HTTP/1.1\r\nHost: localhost\r\n${header}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{`
  t.match(await raw(port, half('')), /408 /, 'of a route that takes streams only streams may take for ever')
  const stream = connect(port, '127.0.0.1')
  stream.write(half('X-Stream: 1\r\n'))
  await new Promise(resolve => systemClock.after(400, () => resolve(stream.write('}'))))
  t.match(String(await new Promise(resolve => stream.once('data', resolve))), /200 OK/)
  stream.destroy()
  t.equal((await ask(`${url}/health`)).status, 200, 'it goes on')
  const slow = await ask(`${url}/slow`, { method: 'POST', headers: json, body: '{}' })
  t.match(slow, { status: 200, text: 'late' }, 'an answer may take longer than a body')
  t.match(await ask(`${url}/slow`), { status: 200, text: 'late' })
  await http.close()
})

t.test('what is not HTTP is answered and closed', async t => {
  const { http, port } = await serve()
  t.match(
    await raw(port, 'nonsense\r\n\r\n'),
    /^HTTP\/1\.1 400 .*\{"message":"this is not a valid HTTP\/1\.1 request"\}$/s,
  )
  t.match(await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431/)
  t.match(
    await raw(
      port,
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ),
    /^HTTP\/1\.1 400/,
  )
  await http.close()
})

t.test('connections stay open, and their number is bounded', async t => {
  const { http, port } = await serve(undefined, { maxConnections: 1 })
  t.equal(http.app.server.keepAliveTimeout, 600_000)
  const kept = connect(port, '127.0.0.1')
  const answers: string[] = []
  kept.on('data', chunk => answers.push(String(chunk)))
  kept.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('the first answer', () => answers.length === 1)
  const surplus = connect(port, '127.0.0.1')
  surplus.on('error', () => undefined)
  await new Promise(resolve => surplus.once('close', resolve))
  kept.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('the second answer', () => answers.length === 2)
  kept.destroy()
  await http.close()
})

t.test('a stream is a chunk a write, in order, and outlives Connection: close', async t => {
  const opened: OutStream[] = []
  const { http, port } = await serve(({ app }) =>
    app.get('/stream', (_request, reply: FastifyReply) => {
      const stream = openStream(reply, { contentType: 'application/json', headers: { 'mesos-stream-id': 'abc' } })
      opened.push(stream)
      stream.write('first')
    }),
  )
  const got: string[] = []
  const socket = connect(port, '127.0.0.1', () =>
    socket.write('GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
  )
  socket.on('data', chunk => got.push(String(chunk)))
  const text = () => got.join('')
  await until('the first chunk', () => text().includes('5\r\nfirst\r\n'))
  t.match(text(), /mesos-stream-id: abc/)
  t.match(text(), /x-request-id: /)
  for (const word of ['one', 'three', 'five!']) t.equal(opened[0]!.write(word), true)
  await until('all chunks', () => text().includes('3\r\none\r\n5\r\nthree\r\n5\r\nfive!\r\n'))
  const reasons: string[] = []
  opened[0]!.onClose(reason => reasons.push(reason))
  const ended = new Promise(resolve => socket.once('close', resolve))
  const started = performance.now()
  await http.close()
  await ended
  t.ok(performance.now() - started < 3000, 'closing ends the streams')
  t.match(text(), /0\r\n\r\n$/, 'and ends them properly')
  t.same(reasons, ['shutdown'])
  t.equal(opened[0]!.write('late'), false)
})

t.test('a reader that does not read is cut off at the bound, and after the stall', async t => {
  const opened: OutStream[] = []
  const options = { contentType: 'text/plain', maxQueuedBytes: 1024 * 1024, stallTimeout: 200 }
  const { http, port } = await serve(({ app }) =>
    app.get('/stream', (_request, reply: FastifyReply) => {
      opened.push(openStream(reply, options))
    }),
  )
  const lazy = () => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    socket.pause()
    socket.on('error', () => undefined)
    return socket
  }
  const sockets = [lazy(), lazy()]
  await until('both streams', () => opened.length === 2)
  const [flooded, stalled] = opened as [OutStream, OutStream]
  const reasons: string[] = []
  flooded.onClose(reason => reasons.push(reason))
  const block = new Uint8Array(256 * 1024)
  let taken = 0
  while (flooded.write(block)) {
    taken += 1
    if (taken > 1000) break
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(taken < 100, `cut off after ${taken} blocks`)
  t.same(reasons, ['too slow'])
  stalled.onClose(reason => reasons.push(reason))
  while (stalled.queuedBytes < 512 * 1024) {
    stalled.write(block)
    await new Promise(resolve => setImmediate(resolve))
  }
  await until('the stall', () => stalled.closed)
  t.same(reasons, ['too slow', 'stalled'])
  for (const socket of sockets) socket.destroy()
  await http.close()
})
