import { createServer, type IncomingMessage, type RequestOptions, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import createApp from 'fastify'
import t, { type Test } from 'tap'
import { LeaderProxy } from '../src/shell/follower.ts'

interface Answered {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A follower in front of a leader that does as told. */
async function follower(t: Test, leader: Server) {
  await new Promise<void>(resolve => leader.listen(0, '127.0.0.1', resolve))
  const proxy = new LeaderProxy(() => 'follower:1')
  const app = createApp()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.addHook('onRequest', (request, reply) =>
    proxy.forward(request, reply, `127.0.0.1:${(leader.address() as AddressInfo).port}`),
  )
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await app.close()
    await proxy.close()
    leader.closeAllConnections()
    leader.close()
  })
  return async (options: RequestOptions, body: string): Promise<Answered> => {
    const sent = request(`${url}/v2/apps`, options)
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject)
    })
    if (options.headers && 'Expect' in options.headers) sent.once('continue', () => sent.end(body)).flushHeaders()
    else sent.end(body)
    const got = await answer
    return { status: got.statusCode, headers: got.headers, body: await text(got) }
  }
}

t.test('a body that waits for its word arrives at the leader', async t => {
  const ask = await follower(
    t,
    createServer((request, response) => void text(request).then(body => response.end(`got ${body}`))),
  )
  const answer = await ask({ method: 'POST', headers: { Expect: '100-continue', 'Content-Type': 'text/plain' } }, 'it')
  t.match(answer, { status: 200, body: 'got it' })
})

t.test('headers of one connection go no further, in either direction', async t => {
  let seen: IncomingMessage['headers'] = {}
  const ask = await follower(
    t,
    createServer((request, response) => {
      seen = request.headers
      response.writeHead(200, { Connection: 'keep-alive, X-Theirs', 'X-Theirs': '1', 'X-Whole': '2' }).end()
    }),
  )
  const answer = await ask({ method: 'GET', headers: { Connection: 'X-Mine, close', 'X-Mine': '1', 'X-All': '2' } }, '')
  t.match(answer, { status: 200, headers: { 'x-whole': '2', 'x-theirs': undefined } })
  t.match(seen, { 'x-all': '2', 'x-mine': undefined, 'x-marathon-via': '1.1 follower:1' })
})
