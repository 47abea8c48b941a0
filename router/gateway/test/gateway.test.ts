import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import type { Context, Handle } from '@meseta/common/service/component'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { component } from '../src/component.ts'

const log = pino({ level: 'silent' })

/** A server that keeps what it was sent and answers by a function. */
async function backend(t: Test, answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body })
    answer(request, response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => closeServer(server))
  const { port } = server.address() as AddressInfo
  return { seen, server, port, url: `http://127.0.0.1:${port}` }
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

/** A component that only has a feed. */
async function feed(t: Test) {
  const writer = new FeedWriter({ epoch: systemRandom.uuid(), clock: systemClock })
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: new Registry(), clock: systemClock },
    { name: 'scripted', health: new Health() },
  )
  serveFeed(http.app, '/meseta/v1/feed', writer, { log })
  http.app.get('/master/state', async () => ({ from: 'master' }))
  const url = await http.listen()
  t.teardown(() => http.close())
  return { writer, url }
}

async function cluster(t: Test) {
  const master = await feed(t)
  const marathon = await feed(t)
  const other = await feed(t)
  const flags = parseFlags(component.flags, {
    argv: [
      '--port=0',
      `--master=${master.url}`,
      `--marathon=${marathon.url}`,
      `--universe=${other.url}`,
      `--balancer=${other.url}`,
    ],
    env: {},
  })
  const context = {
    flags,
    clock: systemClock,
    random: systemRandom,
    log,
    metrics: new Registry(),
    fatal: t.fail,
  } as unknown as Context<typeof flags>
  const gateway: Handle = await component.start(context)
  t.teardown(() => gateway.stop())
  const port = new URL(master.url).port
  master.writer.put('cluster', 'cluster', {
    name: 'test',
    cluster_id: 'c-1',
    leader_info: { pid: `master@127.0.0.1:${port}`, hostname: '127.0.0.1', port: Number(port) },
    resources: { cpus: 4, mem: 100 },
    used_resources: { cpus: 1 },
  })
  await until(async () => {
    const answer = await fetch(`${gateway.url}/health`)
    const { checks } = (await answer.json()) as { checks: Record<string, { status: string }> }
    return Object.values(checks).every(({ status }) => status === 'ok')
  })
  return { master, marathon, gateway }
}

async function until(holds: () => Promise<boolean>, limit = 10_000): Promise<void> {
  const deadline = Date.now() + limit
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come true in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function putService(marathon: { writer: FeedWriter }, name: string, ports: readonly number[], labels = {}) {
  marathon.writer.put('app', `/${name}`, {
    id: `/${name}`,
    labels: { DCOS_SERVICE_NAME: name, DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0', ...labels },
  })
  for (const port of ports) {
    marathon.writer.put('instance', `${name}.${port}`, {
      id: `${name}.${port}`,
      appId: `/${name}`,
      host: '127.0.0.1',
      ports: [port],
      state: 'TASK_RUNNING',
      healthy: true,
      killing: false,
    })
  }
}

const reachable = (gateway: Handle, path: string) =>
  until(async () => {
    const answer = await fetch(`${gateway.url}${path}`)
    await answer.arrayBuffer()
    return answer.status !== 404 && answer.status !== 503
  })

/** A request as it is on the wire: `fetch` would tidy the path and refuse some headers. */
function raw(gateway: Handle, path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) {
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url)
    const sent = httpRequest({ hostname, port, path, method, headers }, async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode!, headers: response.headers, body: text })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

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

t.test('WebSockets reach services, and foreign origins do not', async t => {
  const { gateway, marathon } = await cluster(t)
  const echo = await backend(t, (_request, response) => response.end('plain'))
  echo.server.on('upgrade', (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Path: ${request.url}\r\n\r\n`,
    )
    socket.pipe(socket)
  })
  putService(marathon, 'ws', [echo.port])
  await reachable(gateway, '/service/ws/')
  const open = async (headers: string) => {
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET /service/ws/chat?x HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
    )
    const [first] = (await once(socket, 'data')) as [Buffer]
    return { socket, first: first.toString() }
  }
  const good = await open('')
  t.match(good.first, /^HTTP\/1\.1 101/)
  t.match(good.first.toLowerCase(), /x-path: \/chat\?x/)
  good.socket.write('ping')
  t.equal(String((await once(good.socket, 'data'))[0]), 'ping')
  good.socket.destroy()
  const foreign = await open('Origin: http://evil.example\r\n')
  t.match(foreign.first, /^HTTP\/1\.1 403/)
  foreign.socket.destroy()
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
