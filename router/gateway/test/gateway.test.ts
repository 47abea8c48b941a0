import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { backend, closeServer, cluster, putService, raw, reachable, until } from './support/start.ts'

t.test('services: path, query, body and headers arrive; answers and locations come back', async t => {
  const { gateway, marathon } = await cluster(t)
  const web = await backend(t, (request, response, body) => {
    if (request.url!.startsWith('/go')) return response.writeHead(302, { location: '/there' }).end()
    response
      .writeHead(200, { 'content-type': 'text/x-echo', 'x-own': 'yes', connection: 'x-hop', 'x-hop': '1' })
      .end(`got ${body}`)
  })
  putService(marathon, 'team/web', [web.port])
  await reachable(gateway, '/service/team/web/')
  const answer = await raw(
    gateway,
    '/service/team/web/a%20b%3F%23?q=%2F&x',
    { 'content-type': 'text/plain' },
    'POST',
    'hello',
  )
  t.equal(answer.status, 200)
  t.equal(answer.body, 'got hello')
  t.equal(answer.headers['x-own'], 'yes')
  t.equal(answer.headers['x-hop'], undefined)
  const seen = web.seen.at(-1)!
  t.equal(seen.url, '/a%20b%3F%23?q=%2F&x')
  t.equal(seen.headers['x-forwarded-proto'], 'http')
  t.equal(seen.headers.host, new URL(gateway.url).host)
  t.equal((await raw(gateway, '/service/team/web/go')).headers.location, '/service/team/web/there')
  t.match(await raw(gateway, '/service/web'), { status: 301, headers: { location: '/service/web/' } })
  t.match(await raw(gateway, '/service/nothing/'), { status: 404, body: /^404 Not Found: service not found\./ })
  await raw(gateway, '/service/web.team/x?y')
  t.equal(web.seen.at(-1)!.url, '/x?y')
})

t.test('DCOS_SERVICE_REWRITE_REQUEST_URLS=false keeps the whole path', async t => {
  const { gateway, marathon } = await cluster(t)
  const web = await backend(t, (_request, response) => response.end('ok'))
  putService(marathon, 'whole', [web.port], { DCOS_SERVICE_REWRITE_REQUEST_URLS: 'false' })
  await reachable(gateway, '/service/whole/')
  await raw(gateway, '/service/whole/x?y')
  t.equal(web.seen.at(-1)!.url, '/service/whole/x?y')
})

t.test('streams pass as they come, and a client that leaves ends its upstream', async t => {
  const { gateway, marathon } = await cluster(t)
  let closed = false
  const server = await backend(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    response.on('close', () => {
      closed = true
    })
  })
  putService(marathon, 'sse', [server.port])
  await until(async () => (await raw(gateway, '/service/other/')).status === 404)
  const leave = new AbortController()
  await until(async () => {
    const probe = await fetch(`${gateway.url}/service/sse/`, { signal: leave.signal })
    if (probe.status !== 200) return false
    const { value } = await probe.body!.getReader().read()
    t.equal(Buffer.from(value!).toString(), 'data: 1\n\n')
    return true
  })
  leave.abort()
  await until(async () => closed)
})

t.test('no request without a body fails while its backends come and go', async t => {
  const { gateway, marathon } = await cluster(t)
  const answer = (_request: IncomingMessage, response: ServerResponse) => response.end('ok')
  let current = await backend(t, answer)
  putService(marathon, 'roll', [current.port])
  await reachable(gateway, '/service/roll/')
  let done = false
  const statuses = new Map<number, number>()
  const clients = Array.from({ length: 8 }, async () => {
    while (!done) {
      const { status } = await raw(gateway, '/service/roll/')
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  for (let round = 0; round < 5; round += 1) {
    const next = await backend(t, answer)
    putService(marathon, 'roll', [next.port])
    await until(async () => next.seen.length > 3)
    // The old one dies without a word: refused connections and cut answers are tried on the other.
    const gone = `roll.${current.port}`
    await closeServer(current.server)
    marathon.writer.del('instance', gone)
    current = next
  }
  done = true
  await Promise.all(clients)
  t.same([...statuses.keys()], [200])
  t.ok(statuses.get(200)! > 50)
})

t.test('the cluster itself: leader, agents, redirects, and what is not here yet', async t => {
  const { gateway, master } = await cluster(t)
  const agent = await backend(t, (request, response) => response.end(request.url))
  master.writer.put('agent', 'A-S0', { id: 'A-S0', pid: `slave(1)@127.0.0.1:${agent.port}` })
  t.same(JSON.parse((await raw(gateway, '/mesos/master/state')).body), { from: 'master' })
  await until(async () => (await raw(gateway, '/agent/A-S0/slave(1)/state?x')).body === '/slave(1)/state?x')
  t.equal((await raw(gateway, '/agent/A-S0')).body, '/')
  t.match(await raw(gateway, '/agent/B/x'), { status: 404, body: '404 Not Found: agent `B` unknown.\n' })
  t.match(await raw(gateway, '/mesos'), { status: 301, headers: { location: '/mesos/' } })
  t.match(await raw(gateway, '/marathon?a=b'), { status: 307, headers: { location: '/marathon/?a=b' } })
  t.match(JSON.parse((await raw(gateway, '/metadata')).body), { CLUSTER_ID: 'c-1' })
  t.match(await raw(gateway, '/system/v1/logs/x'), { status: 501, body: /not supported yet/ })
  t.match(await raw(gateway, '/nothing/here'), { status: 404 })
  const health = JSON.parse((await raw(gateway, '/system/health/v1')).body)
  t.ok(health.units.some(({ name, health: code }: { name: string; health: number }) => name === 'Master' && code === 0))
})

t.test("the router's stream carries every source, and keeps objects of a lost one", async t => {
  const { gateway, master } = await cluster(t)
  master.writer.put('task', 'F/T', { id: 'T', state: 'TASK_RUNNING' })
  const answer = await fetch(`${gateway.url}/meseta/v1/events`)
  t.match(answer.headers.get('content-type'), 'text/event-stream')
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.includes('event: synced') && text.includes('"key":"F/T"')) break
  }
  t.match(text, /event: hello/)
  t.match(text, /event: cluster/)
  t.match(text, /event: source/)
})

t.test('hostile requests get a 4xx and do no harm', async t => {
  const { gateway } = await cluster(t)
  t.match(await raw(gateway, '/', { host: 'evil.example' }), { status: 403 })
  t.match(await raw(gateway, '/mesos/master/state', { origin: 'http://evil.example' }), { status: 403 })
  for (const path of [
    '/service/%zz/',
    '/service/../../etc/passwd',
    `/service/${'a/'.repeat(3000)}`,
    '/agent/..%2f..%2f/x',
    '/service/%00/',
  ]) {
    const { status } = await raw(gateway, path)
    t.ok(status >= 400 && status < 500, `${path.slice(0, 30)} -> ${status}`)
  }
  t.equal((await raw(gateway, '/health')).status, 200)
})
