import { EventEmitter, once } from 'node:events'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { bodyOf } from '../src/proxy/body.ts'
import { Relay } from '../src/proxy/relay.ts'
import { LeaderCache } from '../src/routes/leader-cache.ts'
import { backend } from './support/start.ts'

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
