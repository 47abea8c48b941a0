import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ScriptedCluster } from '@meseta/sdk/testing/scripted-agents'
import t, { type Test } from 'tap'
import { Client, EventStream } from './support/client.ts'
import { newServers, startMarathon } from './support/process.ts'

t.setTimeout(50_000)

const agents = [1, 2, 3].map(n => ({
  hostname: `127.0.0.${n}`,
  cpus: 4,
  mem: 4_000,
  ports: [31_000 + n * 100, 31_050 + n * 100] as const,
}))

async function start(t: Test, shape = agents, more: readonly string[] = []) {
  const cluster = await ScriptedCluster.start(shape)
  const marathon = await startMarathon(newServers(), cluster.master.url, more)
  t.teardown(async () => {
    await marathon.stop()
    await cluster.stop()
  })
  const client = new Client(marathon.url)
  await client.until('/v2/info', info => info.frameworkId !== null && info.frameworkId !== undefined)
  return { cluster, marathon, client }
}

t.test('apps: created, read, changed, scaled, restarted, deleted', async t => {
  const { client, cluster } = await start(t)
  const made = await client.post('/v2/apps/', {
    id: '/web',
    cmd: 'serve',
    cpus: 0.1,
    mem: 32,
    instances: 2,
    labels: { tier: 'web' },
  })
  t.match(made, { status: 201, body: { id: '/web', tasksRunning: 0, deployments: [{ id: String }], version: String } })
  t.equal(made.headers.get('location'), '/web')
  t.equal(made.headers.get('marathon-deployment-id'), made.body.deployments[0].id)
  t.match(made.headers.get('cache-control'), /no-store/)
  t.match(made.headers.get('x-marathon-leader'), /^http:\/\/127/)
  await client.deployed()
  const read = await client.get('/v2/apps//web/')
  t.match(read.body.app, {
    tasksRunning: 2,
    tasksStaged: 0,
    deployments: [],
    tasks: [{ appId: '/web', state: 'TASK_RUNNING', version: made.body.version }],
  })
  t.equal((await client.post('/v2/apps', { id: '/web', cmd: 'x2' })).status, 409)
  t.match(await client.get('/v2/apps/nothing'), { status: 404, body: { message: "App '/nothing' does not exist" } })
  t.same((await client.get('/v2/apps?label=tier==web')).body.apps.length, 1)
  t.same((await client.get('/v2/apps?label=tier!=web')).body.apps.length, 0)
  t.equal((await client.get('/v2/apps?label=tier==')).status, 422)
  t.match((await client.get('/v2/apps/web?embed=apps.taskStats')).body.app, {
    tasksStats: { totalSummary: { stats: { counts: { running: 2 } } } },
    taskStats: {},
  })

  const changed = await client.put('/v2/apps/web?force=false', { env: { V: '2' }, ports: null, dependencies: null })
  t.match(changed, { status: 200, body: { version: String, deploymentId: String } })
  await client.deployed()
  t.same(
    new Set((await client.get('/v2/apps/web/tasks')).body.tasks.map((task: { version: string }) => task.version)),
    new Set([changed.body.version]),
  )
  t.equal(cluster.running().length, 2)
  t.same((await client.get('/v2/apps/web/versions')).body.versions, [changed.body.version, made.body.version])
  t.match((await client.get(`/v2/apps/web/versions/${made.body.version}`)).body, { id: '/web', env: {} })
  await client.put('/v2/apps/web', { version: made.body.version })
  await client.deployed()
  t.same((await client.get('/v2/apps/web')).body.app.env, {}, 'back to a stored version')
  t.equal((await client.patch('/v2/apps/none', { cpus: 1 })).status, 404)
  t.match(await client.put('/v2/apps/fresh', { cmd: 'sleep 1', cpus: 0.1, mem: 32 }), { status: 201 })
  await client.deployed()

  const before = cluster.running().map(task => task.info.task_id.value)
  t.equal((await client.send('POST', '/v2/apps/web/restart', 'false')).status, 200)
  await client.deployed()
  t.notOk(cluster.running().some(task => task.info.name === 'web' && before.includes(task.info.task_id.value)))

  t.match(await client.delete('/v2/apps/web'), { status: 200, body: { deploymentId: String } })
  await client.deployed()
  t.equal((await client.get('/v2/apps/web')).status, 404)
  t.equal(cluster.running().length, 1)
  t.equal(
    (
      await client.put('/v2/apps', [
        { id: '/x', cmd: 'sleep 1', cpus: 0.1, mem: 32 },
        { id: '/y', cmd: 'sleep 1', cpus: 0.1, mem: 32 },
      ])
    ).status,
    200,
  )
  t.equal((await client.patch('/v2/apps', [{ id: '/zz', cpus: 1 }])).status, 404)
  await client.deployed()
  t.match((await client.get('/v2/apps/*')).body['*'].map((app: { id: string }) => app.id).sort(), [
    '/fresh',
    '/x',
    '/y',
  ])
})

t.test('tasks: listed, killed and launched again, killed with scale', async t => {
  const { client, cluster } = await start(t)
  await client.post('/v2/apps', { id: '/a', cmd: 'serve', cpus: 0.1, mem: 32, instances: 3 })
  await client.deployed()
  const { tasks } = (await client.get('/v2/tasks?status=running')).body
  t.equal(tasks.length, 3)
  t.match(tasks[0], {
    servicePorts: [Number],
    ports: [Number],
    host: String,
    slaveId: String,
    stagedAt: String,
    startedAt: String,
    ipAddresses: [],
    role: '*',
  })
  t.equal((await client.get('/v2/tasks?status=staging')).body.tasks.length, 0)
  t.equal((await client.send('GET', '/v2/tasks', undefined, { accept: 'text/plain' })).status, 406)
  const id = tasks[0].id as string
  t.match(await client.delete(`/v2/apps/a/tasks/${id}`), { status: 200, body: { task: { id } } })
  const again = id.replace(/\.1$/, '.2')
  await client.until('/v2/apps/a/tasks', body =>
    body.tasks.some((task: { id: string; state: string }) => task.id === again && task.state === 'TASK_RUNNING'),
  )
  t.equal((await client.delete('/v2/apps/a/tasks?scale=true&wipe=true')).status, 400)
  t.equal((await client.delete('/v2/apps/a/tasks/nothing')).status, 400)
  t.match(await client.post('/v2/tasks/delete?scale=True', { ids: [again] }), {
    status: 200,
    body: { deploymentId: String },
  })
  await client.deployed()
  t.equal((await client.get('/v2/apps/a')).body.app.instances, 2)
  t.equal(cluster.running().length, 2)
  const host = cluster.running()[0]?.agent
  const killed = await client.delete(`/v2/apps/a/tasks?host=${agents[host as number]?.hostname}`)
  t.ok(killed.body.tasks.length >= 1)
  await client.until('/v2/apps/a', body => body.app.tasksRunning === 2)
})

t.test('groups, and dry runs', async t => {
  const { client } = await start(t)
  const app = (id: string, more = {}) => ({ id, cmd: 'serve', cpus: 0.1, mem: 32, ...more })
  const made = await client.post('/v2/groups', {
    id: '/g',
    apps: [app('a'), app('b', { dependencies: ['a'] })],
    groups: [{ id: 'h', apps: [app('c')] }],
  })
  t.match(made, { status: 201, body: { deploymentId: String } })
  t.equal(made.headers.get('location'), '/g')
  await client.deployed()
  t.match((await client.get('/v2/groups/g')).body, {
    id: '/g',
    apps: [{ id: '/g/a' }, { id: '/g/b' }],
    groups: [{ id: '/g/h', apps: [{ id: '/g/h/c' }] }],
    enforceRole: false,
  })
  t.match((await client.get('/v2/groups?embed=group.groups&embed=group.apps&embed=group.apps.counts')).body, {
    id: '/',
    groups: [{ apps: [{ tasksRunning: 1 }, {}] }],
  })
  t.match((await client.put('/v2/groups/g?dryRun=true', { apps: [] })).body, {
    steps: [
      {
        actions: [
          { action: 'StopApplication', app: '/g/a' },
          { action: 'StopApplication', app: '/g/b' },
        ],
      },
    ],
  })
  t.equal((await client.get('/v2/groups/g/apps')).body.length, 3)
  t.equal((await client.post('/v2/groups', { id: '/g' })).status, 409)
  await client.put('/v2/groups/g', { scaleBy: 2 })
  await client.deployed()
  t.equal(
    (await client.get('/v2/apps/g/*')).body['*'].reduce(
      (sum: number, one: { tasksRunning: number }) => sum + one.tasksRunning,
      0,
    ),
    6,
  )
  const versions = (await client.get('/v2/groups/versions')).body
  t.equal(versions.length, 2)
  t.match((await client.get(`/v2/groups/versions/${versions[1]}`)).body.groups[0].apps[0], { instances: 1 })
  await client.put('/v2/groups/g', { version: versions[1] })
  await client.deployed()
  t.equal((await client.get('/v2/apps/g/a')).body.app.instances, 1)
  t.equal((await client.put('/v2/groups/g', { version: '2020-01-01T00:00:00.000Z' })).status, 422)
  t.match(await client.patch('/v2/groups/g', { enforceRole: true }), { status: 200 })
  t.equal((await client.get('/v2/groups/g')).body.enforceRole, true)
  t.equal((await client.patch('/v2/groups/g/h', { enforceRole: true })).status, 422)
  await client.delete('/v2/groups/g')
  await client.deployed()
  t.equal((await client.get('/v2/groups/g')).status, 404)
})

t.test('pods', async t => {
  const { client, cluster } = await start(t)
  const pod = {
    id: '/p',
    containers: [
      {
        name: 'web',
        exec: { command: { shell: 'serve' } },
        resources: { cpus: 0.1, mem: 32 },
        endpoints: [{ name: 'http', hostPort: 0 }],
      },
      { name: 'log', exec: { command: { shell: 'tail' } }, resources: { cpus: 0.1, mem: 32 } },
    ],
  }
  t.equal((await client.send('HEAD', '/v2/pods')).status, 200)
  t.match(await client.post('/v2/pods', pod), { status: 201, body: { id: '/p', version: String } })
  await client.deployed()
  t.equal(cluster.running().length, 2)
  const status = (await client.get('/v2/pods/p::status')).body
  t.match(status, {
    id: '/p',
    status: 'STABLE',
    instances: [
      {
        status: 'STABLE',
        containers: [
          { name: 'web', status: 'TASK_RUNNING', endpoints: [{ name: 'http', allocatedHostPort: Number }] },
          { name: 'log' },
        ],
      },
    ],
  })
  t.match((await client.get('/v2/pods::status')).body, [{ id: '/p' }])
  t.match(await client.put('/v2/pods/p', { ...pod, environment: { V: '2' } }), { status: 200 })
  await client.deployed()
  t.equal((await client.get('/v2/pods/p::versions')).body.length, 2)
  const [instance] = (await client.get('/v2/pods/p::status')).body.instances
  t.match(await client.delete(`/v2/pods/p::instances/${instance.id}`), { status: 200, body: { id: instance.id } })
  t.equal((await client.put('/v2/pods/q', pod)).status, 400)
  const gone = await client.delete('/v2/pods/p')
  t.equal(gone.status, 202)
  t.equal(gone.headers.get('location'), gone.headers.get('marathon-deployment-id'))
  await client.deployed()
  t.equal((await client.get('/v2/pods/p')).status, 404)
})

t.test('deployments: locked, rolled back, cancelled; what waits says why', async t => {
  const { client, marathon } = await start(t)
  await client.post('/v2/apps', { id: '/a', cmd: 'serve', cpus: 0.1, mem: 32 })
  await client.deployed()
  const feed = new EventStream()
  t.teardown(() => feed.close())
  await feed.open(`${marathon.url}/meseta/v1/feed`)
  const big = await client.put('/v2/apps/a', { cpus: 100 })
  const wait = await feed.until(
    frame => frame.event === 'wait' && frame.data.key === '/a' && frame.data.body?.code === 'INSUFFICIENT_CPUS',
  )
  t.match(wait.data.body, {
    sentence: 'cpus: needs 100, the best of 3 agents has 4',
    count: 1,
    agents: [{ reason: 'InsufficientCpus', count: 3 }],
  })
  t.match((await client.get('/v2/queue?embed=lastUnusedOffers')).body.queue, [
    {
      app: { id: '/a' },
      count: 1,
      delay: { overdue: true },
      processedOffersSummary: {
        rejectSummaryLastOffers: [
          { reason: 'UnfulfilledRole', declined: 0, processed: 3 },
          {},
          {},
          {},
          { reason: 'InsufficientCpus', declined: 3, processed: 3 },
        ],
      },
      lastUnusedOffers: [{ reason: ['InsufficientCpus'] }],
    },
  ])
  t.match(await client.put('/v2/apps/a', { cpus: 0.2 }), {
    status: 409,
    body: { message: /force=true/, deployments: [{ id: big.body.deploymentId }] },
  })
  t.match((await client.get('/v2/deployments')).body, [
    {
      id: big.body.deploymentId,
      affectedApps: ['/a'],
      currentStep: 1,
      totalSteps: 1,
      currentActions: [{ action: 'RestartApplication', app: '/a' }],
    },
  ])
  t.match(await client.delete(`/v2/deployments/${big.body.deploymentId}`), {
    status: 200,
    body: { deploymentId: String },
  })
  await client.deployed()
  t.equal((await client.get('/v2/apps/a')).body.app.cpus, 0.1)
  const again = await client.put('/v2/apps/a', { cpus: 100 })
  t.match(await client.delete(`/v2/deployments/${again.body.deploymentId}?force=true`), { status: 202, body: '' })
  await client.deployed()
  t.equal((await client.get('/v2/apps/a')).body.app.cpus, 100, 'just ended')
  t.equal((await client.delete('/v2/deployments/none')).status, 404)
  t.equal((await client.delete('/v2/queue/none/delay')).status, 404)
})

t.test('an upgrade behind health checks of Marathon’s own: events, feed, and the mark before the end', async t => {
  const up = createServer((_request, response) => response.end('ok'))
  await new Promise<void>(resolve => up.listen(0, '127.0.0.1', resolve))
  t.teardown(() => up.close())
  const { port } = up.address() as AddressInfo
  const { client, marathon, cluster } = await start(t, [
    { hostname: '127.0.0.1', cpus: 4, mem: 4_000, ports: [31_000, 31_050] },
  ])
  const events = new EventStream()
  const feed = new EventStream()
  t.teardown(() => {
    events.close()
    feed.close()
  })
  t.equal((await client.get('/v2/events')).status, 405)
  await events.open(`${marathon.url}/v2/events`)
  await feed.open(`${marathon.url}/meseta/v1/feed`)
  const check = { protocol: 'HTTP', port, path: '/', intervalSeconds: 1, timeoutSeconds: 1 }
  await client.post('/v2/apps', { id: '/web', cmd: 'serve', cpus: 0.1, mem: 32, healthChecks: [check] })
  await client.deployed()
  const [old] = cluster.running()
  const upgrade = await client.put('/v2/apps/web', { env: { V: '2' } })
  await events.until(frame => frame.event === 'deployment_success' && frame.data.id === upgrade.body.deploymentId)
  const types = events.frames.map(frame => frame.event)
  for (const type of [
    'event_stream_attached',
    'api_post_event',
    'group_change_success',
    'deployment_info',
    'status_update_event',
    'instance_changed_event',
    'health_status_changed_event',
    'instance_health_changed_event',
    'deployment_step_success',
    'deployment_success',
  ])
    t.ok(types.includes(type), type)
  t.match(events.frames.find(frame => frame.event === 'status_update_event')?.data, {
    eventType: 'status_update_event',
    timestamp: /Z$/,
    taskStatus: 'TASK_RUNNING',
    appId: '/web',
    host: '127.0.0.1',
    ports: [Number],
  })
  await feed.until(frame => frame.data.key === old?.info.task_id.value && frame.data.op === 'del')
  const told = feed.frames.filter(frame => frame.event === 'instance')
  const healthyNew = told.findIndex(
    frame => frame.data.body?.version === upgrade.body.version && frame.data.body.healthy === true,
  )
  const killingOld = told.findIndex(
    frame => frame.data.key === old?.info.task_id.value && frame.data.body?.killing === true,
  )
  const goneOld = told.findIndex(frame => frame.data.key === old?.info.task_id.value && frame.data.op === 'del')
  t.ok(
    healthyNew >= 0 && healthyNew < killingOld && killingOld < goneOld,
    `new healthy ${healthyNew}, old marked ${killingOld}, old gone ${goneOld}`,
  )
  t.match((await client.get('/v2/apps/web')).body.app, {
    tasksHealthy: 1,
    tasks: [{ healthCheckResults: [{ alive: true }] }],
  })
})

t.test('a deployment is done when the readiness check is passed', async t => {
  let status = 503
  const service = createServer((_request, response) =>
    response.writeHead(status, { 'content-type': 'text/plain' }).end('plan'),
  )
  await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
  t.teardown(() => service.close())
  const { port } = service.address() as AddressInfo
  const { client, marathon } = await start(t, [{ hostname: '127.0.0.1', cpus: 4, mem: 4_000, ports: [port, port] }])
  const feed = new EventStream()
  t.teardown(() => feed.close())
  await feed.open(`${marathon.url}/meseta/v1/feed`)
  const readiness = {
    portName: 'api',
    path: '/v1/plan',
    intervalSeconds: 1,
    timeoutSeconds: 0,
    preserveLastResponse: true,
  }
  const refused = await client.post('/v2/apps', {
    id: '/r',
    cmd: 'serve',
    readinessChecks: [{ ...readiness, portName: 'none' }],
  })
  t.match(refused, { status: 422, body: { details: [{ path: '/readinessChecks(0)/portName' }] } })
  const checks = [{ ...readiness, intervalSeconds: 2, timeoutSeconds: 1 }]
  await client.post('/v2/apps', {
    id: '/r',
    cmd: 'serve',
    cpus: 0.1,
    mem: 32,
    portDefinitions: [{ port: 0, name: 'api' }],
    readinessChecks: checks,
  })
  await client.until('/v2/apps/r?embed=app.readiness', body => body.app.readinessCheckResults?.length === 1)
  t.match((await client.get('/v2/apps/r?embed=app.readiness')).body.app.readinessCheckResults, [
    {
      name: 'readinessCheck',
      ready: false,
      taskId: /_app\.1$/,
      lastResponse: { status: 503, contentType: 'text/plain', body: 'plan' },
    },
  ])
  t.equal((await client.get('/v2/deployments')).body.length, 1)
  await feed.until(frame => frame.event === 'wait' && frame.data.body?.code === 'NOT_READY')
  status = 200
  await client.deployed()
  t.match((await client.get('/v2/apps/r?embed=readiness')).body.app.readinessCheckResults, [{ ready: true }])
})

t.test('a task that fails its health checks is killed and replaced', async t => {
  const { client, cluster } = await start(t, [{ hostname: '127.0.0.1', cpus: 4, mem: 4_000, ports: [31_000, 31_050] }])
  const check = {
    protocol: 'TCP',
    port: 1,
    intervalSeconds: 1,
    timeoutSeconds: 1,
    gracePeriodSeconds: 0,
    maxConsecutiveFailures: 1,
  }
  await client.post('/v2/apps', { id: '/sick', cmd: 'serve', cpus: 0.1, mem: 32, healthChecks: [check] })
  await client.until('/v2/apps/sick', body => body.app.lastTaskFailure !== undefined)
  t.match((await client.get('/v2/apps/sick')).body.app.lastTaskFailure, {
    state: 'TASK_KILLED',
    message: /health check failed/,
  })
  await client.until('/v2/apps/sick/tasks', body =>
    body.tasks.some((task: { id: string }) => task.id.endsWith('._app.2')),
  )
  t.ok(cluster.acknowledged.size > 0)
})

t.test('bad input gets a 4xx that names what is wrong', async t => {
  const { client, marathon } = await start(t)
  t.match(await client.post('/v2/apps', '{"id":'), {
    status: 400,
    body: { message: 'Invalid JSON', details: [String] },
  })
  t.match(await client.post('/v2/apps', {}), {
    status: 422,
    body: { message: 'Invalid JSON', details: [{ path: '/id', errors: ['error.path.missing'] }] },
  })
  t.match(await client.post('/v2/apps', { id: '/../x', cmd: 'ls' }), { status: 422 })
  t.match(await client.post('/v2/apps', '{"id":"/a","cmd":"ls","labels":{"__proto__":"x"}}'), { status: 400 })
  t.match(await client.post('/v2/apps', { id: '/a', cmd: 'ls', upgradeStrategy: { minimumHealthCapacity: 7 } }), {
    status: 422,
    body: { message: 'Object is not valid', details: [{ path: '/upgradeStrategy/minimumHealthCapacity' }] },
  })
  t.match(
    await client.put('/v2/apps', [
      { id: '/a', cmd: 'ls' },
      { id: '/b', cmd: 'x' },
    ]),
    { status: 422, body: { details: [{ path: '(1)/cmd' }] } },
  )
  t.same((await client.get('/v2/apps')).body.apps, [], 'nothing is half applied')
  t.equal((await client.post('/v2/apps')).status, 400)
  t.match(await client.get('/v2/nothing'), { status: 404, body: { message: 'URI not found' } })
  t.equal((await client.get(`/v2/apps/${'a'.repeat(10_000)}`)).status, 422)
  t.ok([404, 422].includes((await client.get('/v2/apps/%2e%2e%2f%2e%2e%2fetc')).status))
  const foreign = await fetch(`${marathon.url}/v2/apps`, { headers: { origin: 'http://evil.example' } })
  t.equal(foreign.status, 403)
})

t.test('the rest: info, leader, ping, metrics, plugins, what is not there yet', async t => {
  const { client } = await start(t)
  t.match((await client.get('/v2/info')).body, {
    name: 'marathon',
    elected: true,
    frameworkId: String,
    leader: /^127/,
    marathon_config: { framework_name: 'marathon', failover_timeout: 604_800, mesos_leader_ui_url: /^http/ },
  })
  t.match((await client.get('/v2/leader')).body, { leader: /^127\.0\.0\.1:\d+$/ })
  t.same((await client.get('/ping')).body, 'pong')
  t.equal((await client.send('GET', '/ping', undefined, { accept: 'application/json' })).body, 'pong')
  t.equal((await client.send('GET', '/ping', undefined, { accept: 'image/png' })).status, 204)
  t.match((await client.get('/metrics')).body, { version: String, counters: {}, gauges: {} })
  t.match((await client.get('/metrics/prometheus')).body, /# HELP/)
  t.same((await client.get('/v2/plugins')).body, { plugins: [] })
  t.equal((await client.get('/logging')).status, 501)
  t.match(await client.get('/'), { status: 302 })
  t.match((await client.get('/health')).body, { status: 'ok' })
})
