import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
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
import type { Test } from 'tap'
import { component } from '../../src/component.ts'

const log = pino({ level: 'silent' })

/** A server that keeps what it was sent and answers by a function. */
export async function backend(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  host = '127.0.0.1',
) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body })
    answer(request, response, body)
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => closeServer(server))
  const { port } = server.address() as AddressInfo
  return { seen, server, port, url: `http://127.0.0.1:${port}` }
}

export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

/** A component that only has a feed. */
export async function feed(t: Test) {
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

export async function cluster(t: Test) {
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

export async function until(holds: () => Promise<boolean>, limit = 10_000): Promise<void> {
  const deadline = Date.now() + limit
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come true in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export function putService(marathon: { writer: FeedWriter }, name: string, ports: readonly number[], labels = {}) {
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

export const reachable = (gateway: Handle, path: string) =>
  until(async () => {
    const answer = await fetch(`${gateway.url}${path}`)
    await answer.arrayBuffer()
    return answer.status !== 404 && answer.status !== 503
  })

/** A request as it is on the wire: `fetch` would tidy the path and refuse some headers. */
export function raw(
  gateway: Handle,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
) {
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

/** Sends these bytes on a connection of its own. Answers all that came until its end. */
export async function wire(gateway: Handle, text: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.write(text.replaceAll('HOST', `${hostname}:${port}`), 'latin1')
  let answer = ''
  for await (const chunk of socket) answer += (chunk as Buffer).toString('latin1')
  return answer
}

/** An upstream that answers each request with these bytes, whatever they are. */
export async function rawBackend(t: Test, answer: string): Promise<number> {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer, 'latin1'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}
