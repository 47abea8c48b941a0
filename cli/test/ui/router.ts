import { randomUUID } from 'node:crypto'
import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { app, type Change, cluster, config, task } from './cluster.ts'

/** A router that tells of a small cluster, and installs `web-demo` as far as a test lets it. */
export interface ScriptedRouter {
  readonly url: string
  readonly feed: FeedWriter
  /** Bodies of calls that changed something, by path. */
  readonly calls: readonly { readonly path: string; readonly body: unknown }[]
  /** So many instances of the installed app run, and so many are healthy. */
  progress(running: number, healthy: number): void
  close(): Promise<void>
}

interface Request {
  readonly packageName: string
  readonly options?: {
    readonly service?: { readonly name?: string; readonly instances?: number; readonly mem?: number }
  }
}

export async function scriptedRouter(port = 0, changes: readonly Change[] = cluster): Promise<ScriptedRouter> {
  const log = createLogger({ name: 'router', level: 'silent' })
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port }, log, metrics: createRegistry(), clock: systemClock },
    { name: 'router', health: new Health(), closeGrace: 100 },
  )
  const feed = new FeedWriter({ epoch: randomUUID(), clock: systemClock })
  for (const change of changes) feed.put(...change)
  serveFeed(http.app, '/meseta/v1/events', feed, { log })
  const calls: { path: string; body: unknown }[] = []
  let installed = { id: '/web-demo', instances: 2, named: false }
  const rendered = ({ options }: Request) => ({
    id: options?.service?.name ?? 'web-demo',
    instances: options?.service?.instances ?? 2,
    cpus: 0.1,
    mem: options?.service?.mem ?? 64,
    labels: { DCOS_SERVICE_NAME: options?.service?.name ?? 'web-demo' },
    portDefinitions: [{ port: 0, name: 'http', protocol: 'tcp', labels: { VIP_0: '/web-demo:9080' } }],
    healthChecks: [{ protocol: 'MESOS_HTTP' }],
  })
  const progress = (running: number, healthy: number) => {
    const { id, instances } = installed
    const isDone = healthy >= instances
    installed.named = isDone
    const name = id.slice(1)
    for (let number = 1; number <= running; number += 1) {
      const key = `${name}.${number}`
      feed.put('task', `F/${key}`, task(name, number, { healthy: number <= healthy, slave_id: `S${number % 2}` }))
      feed.put('instance', key, { id: key, appId: id, healthy: number <= healthy })
    }
    const deployments = isDone ? [] : [{ id: 'D1' }]
    const labels = { DCOS_SERVICE_NAME: name }
    feed.put(
      'app',
      id,
      app(id, {
        instances,
        tasksRunning: running,
        tasksHealthy: healthy,
        deployments,
        labels,
        cpus: 0.1,
        mem: 64,
        version: new Date().toISOString(),
      }),
    )
    if (isDone) feed.del('deployment', 'D1')
  }
  const post = (path: string, answer: (body: Request) => unknown) =>
    http.app.post(path, async request => answer(request.body as Request))
  post('/package/describe', ({ packageName }) => ({
    package: {
      name: packageName,
      version: '1.1.0',
      description: '',
      config,
      preInstallNotes: 'Two small instances of a web page.',
    },
  }))
  post('/package/list-versions', () => ({ results: { '1.0.0': '0', '1.1.0': '1' } }))
  http.app.post('/package/render', async (request, reply) => {
    const body = request.body as Request
    if (body.options?.service?.name === 'taken') {
      const errors = [{ instance: { pointer: '/service/name' }, message: 'is taken' }]
      return reply
        .code(400)
        .send({ type: 'JsonSchemaMismatch', message: 'Options JSON failed validation', data: { errors } })
    }
    return { marathonJson: rendered(body) }
  })
  post('/package/install', body => {
    const { id, instances } = rendered(body)
    calls.push({ path: '/package/install', body })
    installed = { id: `/${id}`, instances, named: false }
    const step = { currentStep: 1, totalSteps: 2, affectedApps: [installed.id], affectedPods: [] }
    const currentActions = [{ action: 'ScaleApplication', app: installed.id }]
    feed.put('deployment', 'D1', { id: 'D1', version: new Date().toISOString(), ...step, currentActions })
    feed.put('installed', installed.id, { appId: installed.id, packageName: body.packageName, packageVersion: '1.1.0' })
    progress(0, 0)
    return {
      packageName: body.packageName,
      packageVersion: '1.1.0',
      appId: installed.id,
      postInstallNotes: 'web-demo is starting.',
    }
  })
  post('/package/uninstall', body => {
    calls.push({ path: '/package/uninstall', body })
    const { appId } = body as unknown as { appId: string }
    feed.del('installed', appId)
    feed.del('app', appId)
    return { results: [] }
  })
  http.app.put('/marathon/v2/apps/*', async request => {
    const id = `/${(request.params as { '*': string })['*']}`
    calls.push({ path: request.url, body: request.body })
    feed.put('app', id, app(id, { ...(request.body as object) }))
    return { deploymentId: 'D2', version: '' }
  })
  http.app.get('/mesos_dns/v1/hosts/*', async () =>
    installed.named ? [{ host: 'x', ip: '127.0.0.1' }] : [{ host: '', ip: '' }],
  )
  http.app.get('/service/*', async (_request, reply) => reply.code(installed.named ? 200 : 503).send('ok'))
  http.app.get('/agent/*', async request => {
    const { offset } = request.query as { offset?: string }
    const text = Array.from({ length: 60 }, (_, index) => `line ${index + 1} of the log\n`).join('')
    const from = offset === undefined ? text.length : Number(offset)
    return { data: offset === undefined ? '' : text.slice(from), offset: from }
  })
  const url = await http.listen()
  return { url, feed, calls, progress, close: () => http.close() }
}
