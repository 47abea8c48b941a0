import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { systemRandom } from '@meseta/common/service/random'
import { addPage } from '@meseta/gateway/routes/page'
import { pageFolder } from '@meseta/ui/assets'
import type { FastifyReply } from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { agent, app, instance, metric, packageEntry, task } from './objects.ts'

/** What the page asked beside its files: method, path and body. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly body: unknown
}

export interface ScriptedCluster {
  readonly url: string
  readonly writer: FeedWriter
  readonly asked: Asked[]
  /** Text of the logs that the agents' files answer with. */
  log: string
  /** The next changes of Marathon are refused so; undefined for accepting them. */
  refusal: { readonly status: number; readonly body: unknown } | undefined
  close(): Promise<void>
}

const locked = `App is locked by one or more deployments. Override with the option '?force=true'.`

export const lockedRefusal = { status: 409, body: { message: locked, deployments: [{ id: 'd-1' }] } }

/** The router as the page sees it: its files, its event stream, and the few calls that the page makes; no cluster behind it. */
export async function startScriptedCluster(): Promise<ScriptedCluster> {
  const log = pino({ level: 'silent' })
  const writer = new FeedWriter({ epoch: systemRandom.uuid(), clock: systemClock })
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: new Registry(), clock: systemClock },
    { name: 'scripted', health: new Health() },
  )
  addPage(http.app, pageFolder)
  serveFeed(http.app, '/meseta/v1/events', writer, { log })
  const asked: Asked[] = []
  http.app.addHook('preHandler', async ({ method, url, body }) => {
    if (url !== '/' && !url.startsWith('/assets/')) asked.push({ method, url, body })
  })
  const cluster = { writer, asked, log: '', refusal: undefined as ScriptedCluster['refusal'] }

  const change = async (_request: unknown, reply: FastifyReply) => {
    const { refusal } = cluster
    if (refusal) return reply.code(refusal.status).send(refusal.body)
    return { version: new Date().toISOString(), deploymentId: '5f1c9a1e-8a52-4d0f-9a2c-0f1d2c3b4a59' }
  }
  http.app.route({ method: ['POST', 'PUT', 'DELETE'], url: '/marathon/v2/*', handler: change })
  http.app.get('/marathon/v2/apps/*', async () => ({
    app: { ...app('/shop/web'), cmd: 'node server.mjs', version: 'v' },
  }))
  http.app.get('/agent/:id/files/read', async request => {
    const { offset, length } = request.query as { offset?: string; length?: string }
    if (offset === undefined) return { data: '', offset: Buffer.byteLength(cluster.log) }
    const bytes = Buffer.from(cluster.log).subarray(Number(offset), Number(offset) + Number(length))
    return { data: bytes.toString(), offset: Number(offset) }
  })
  http.app.post('/package/describe', async () => ({ package: describedPackage }))
  http.app.post('/package/install', async () => {
    writer.put(
      'app',
      '/web-demo',
      app('/web-demo', { instances: 2, tasksStaged: 2, deployments: [{ id: 'd-2' }], healthChecks: 1 }),
    )
    return { packageName: 'web-demo', packageVersion: '1.2.0', appId: '/web-demo', postInstallNotes: 'Open its page.' }
  })
  http.app.post('/package/uninstall', async request => {
    const { packageName, appId } = request.body as { packageName: string; appId: string }
    return { results: [{ packageName, appId, postUninstallNotes: 'It is gone.' }] }
  })
  const url = await http.listen()
  return Object.assign(cluster, { url, close: () => http.close() })
}

const describedPackage = {
  ...packageEntry('web-demo', 'A page that shows which instance answered.', true),
  version: '1.2.0',
  maintainer: 'the Meseta project',
  preInstallNotes: 'It runs on any node.',
  marathon: { v2AppMustacheTemplate: '' },
  config: {
    type: 'object',
    properties: {
      service: {
        type: 'object',
        description: 'How it runs.',
        properties: {
          name: { type: 'string', default: '/web-demo', description: 'The id of its app.' },
          instances: { type: 'integer', default: 2, minimum: 1, maximum: 20, description: 'How many of it.' },
          cpus: { type: 'number', default: 0.1, minimum: 0.01 },
          greeting: { type: 'string', default: 'Hello', description: 'What the page says.' },
          color: { type: 'string', enum: ['teal', 'purple', 'orange'], default: 'teal' },
          debug: { type: 'boolean', default: false, description: 'Whether it writes each request to its log.' },
        },
      },
    },
  },
}

/** A cluster as one sees it on a working day: most is well, something waits, something has failed. */
export function populate(writer: FeedWriter, now: number): void {
  writer.put('cluster', 'cluster', {
    name: 'demo',
    cluster_id: 'c-1',
    version: '0.1.0',
    leader_info: { hostname: '127.0.0.1', port: 5050 },
    resources: { cpus: 16, mem: 49_152, disk: 409_600, gpus: 0 },
    used_resources: { cpus: 5.4, mem: 12_544, disk: 10_240, gpus: 0 },
  })
  for (const name of ['master', 'marathon', 'universe', 'balancer'])
    writer.put('source', name, { name, state: 'live', since: now - 90_000, detail: 'following its feed', known: true })
  for (const index of [1, 2, 3, 4]) writer.put('agent', `agent-${index}`, agent(index, index !== 4, now))
  writer.put('framework', 'fw-1', {
    id: 'fw-1',
    name: 'marathon',
    active: true,
    connected: true,
    recovered: false,
    webui_url: 'http://127.0.0.1:8080',
    hostname: '127.0.0.1',
    used_resources: { cpus: 5.4, mem: 12_544 },
    roles: ['*'],
    user: 'root',
  })
  populateApps(writer, now)
  populateCatalog(writer)
  writer.put('vip', '10.0.0.1:80/tcp', {
    name: 'shop-web.marathon.l4lb.thisdcos.directory:80',
    vip: 'shop-web:80',
    address: '127.11.0.2',
    port: 80,
    protocol: 'tcp',
    listen: { address: '127.11.0.2', port: 20_080 },
    backends: [1, 2, 3].map(index => ({
      ip: `127.0.0.${index}`,
      port: 31_000 + index,
      weight: 1,
      task_id: `t-${index}`,
    })),
    connections: 3,
  })
  for (let index = 0; index < 120; index += 1) writer.put('metric', `cluster-${index}`, metric(index, now))
}

function populateApps(writer: FeedWriter, now: number): void {
  const service = { DCOS_SERVICE_NAME: 'shop', DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' }
  const healthy = { tasksRunning: 3, tasksHealthy: 3, healthChecks: 1 }
  writer.put('app', '/shop/web', app('/shop/web', { instances: 3, ...healthy, labels: service }))
  writer.put('app', '/shop/cart', app('/shop/cart', { instances: 2, tasksRunning: 2, mem: 512 }))
  writer.put(
    'app',
    '/shop/search',
    app('/shop/search', { instances: 4, tasksRunning: 2, tasksStaged: 2, deployments: [{ id: 'd-1' }] }),
  )
  writer.put('app', '/team/db', app('/team/db', { instances: 3, cpus: 8, mem: 32_768, deployments: [{ id: 'd-3' }] }))
  writer.put('app', '/night-report', app('/night-report', { instances: 0 }))
  const failure = {
    message: 'Command exited with status 137; out of memory at 256 MiB',
    state: 'TASK_FAILED',
    taskId: 'shop_mail.instance-4cd7b3a1-0000-4000-8000-000000000009._app.1',
    host: '127.0.0.2',
    timestamp: new Date(now - 12_000).toISOString(),
  }
  writer.put('app', '/shop/mail', app('/shop/mail', { instances: 3, tasksRunning: 2, lastTaskFailure: failure }))
  writer.put('wait', '/team/db', {
    code: 'INSUFFICIENT_CPUS',
    sentence: 'cpus: needs 8, best of 4 nodes has 3.5',
    since: new Date(now - 252_000).toISOString(),
    count: 3,
    agents: [{ reason: 'not enough cpus', count: 4, numbers: { wanted: 8, best: 3.5 } }],
  })
  writer.put('deployment', 'd-1', {
    id: 'd-1',
    version: new Date(now - 60_000).toISOString(),
    affectedApps: ['/shop/search'],
    affectedPods: [],
    currentActions: [{ action: 'RestartApplication', app: '/shop/search' }],
    currentStep: 2,
    totalSteps: 3,
  })
  const running: [string, number][] = [
    ['/shop/web', 3],
    ['/shop/cart', 2],
    ['/shop/search', 2],
    ['/shop/mail', 2],
  ]
  for (const [id, count] of running) {
    for (let index = 1; index <= count; index += 1) {
      const made = task(id, index, 'TASK_RUNNING', now)
      writer.put('task', `fw-1/${made.id}`, made)
      writer.put('instance', made.id, instance(id, made, now))
    }
  }
  for (const index of [8, 9]) {
    const failed = {
      ...task('/shop/mail', index, 'TASK_FAILED', now),
      message: failure.message,
      reason: 'REASON_COMMAND_EXECUTOR_FAILED',
    }
    writer.put('task', `fw-1/${failed.id}`, failed)
  }
  const finished = task('/night-report', 1, 'TASK_FINISHED', now)
  writer.put('task', `fw-1/${finished.id}`, finished)
}

function populateCatalog(writer: FeedWriter): void {
  const packages: [string, string][] = [
    ['web-demo', 'A page that shows which instance answered.'],
    ['kv-store', 'A small key-value store with an HTTP API.'],
    ['work-queue', 'A queue with a producer and consumers to watch.'],
    ['guestbook', 'Visitors leave their names; they stay.'],
    ['cluster-clock', 'Every instance tells its time.'],
    ['echo-tcp', 'Says back what it hears, over TCP.'],
  ]
  for (const [name, description] of packages)
    writer.put('package', name, packageEntry(name, description, name === 'web-demo'))
  writer.put('repository', 'built-in', { name: 'built-in', uri: 'builtin:', index: 0 })
  writer.put('installed', '/shop/cart', {
    appId: '/shop/cart',
    packageName: 'kv-store',
    packageVersion: '1.0.0',
    repository: 'built-in',
  })
}
