import type { Answerer, Asked, Reply } from './router.ts'

const app = (id: string, more: object = {}) => ({
  id,
  cmd: 'sleep 1000',
  instances: 4,
  cpus: 1,
  mem: 2,
  tasksRunning: 3,
  tasksHealthy: 2,
  role: '*',
  version: '2026-01-02T00:00:00.000Z',
  ...more,
})

export const apps = [
  app('/shop/web', { healthChecks: [{}], container: { type: 'MESOS' }, role: 'public', cmd: 'x'.repeat(40) }),
  app('/test-id', { instances: 1, tasksRunning: 0, env: { KEPT: '1' } }),
]

const task = (id: string, more: object = {}) => ({
  id,
  name: id.split('.')[0],
  framework_id: 'F1',
  executor_id: '',
  slave_id: 'S0',
  state: 'TASK_RUNNING',
  statuses: [],
  ...more,
})

export const state = {
  cluster: 'test',
  hostname: '127.0.0.1',
  leader_info: { hostname: '127.0.0.1', port: 5050 },
  slaves: [
    {
      id: 'S0',
      hostname: 'n1',
      pid: 'slave(1)@127.0.0.1:5051',
      active: true,
      attributes: {},
      resources: { cpus: 4, mem: 1024 },
      used_resources: { cpus: 1.5, mem: 64 },
    },
  ],
  frameworks: [
    {
      id: 'F1',
      name: 'marathon',
      hostname: 'h',
      active: true,
      used_resources: { cpus: 0.2, mem: 32, disk: 0 },
      tasks: [task('web.1', { user: 'root' }), task('web.2')],
      completed_tasks: [task('old.1', { state: 'TASK_FINISHED' })],
    },
    { id: 'F2', name: 'gone', hostname: 'h', active: false, tasks: [] },
  ],
  completed_frameworks: [],
}

const definition = {
  name: 'web-demo',
  version: '1.1.0',
  description: 'A <small> page',
  selected: true,
  config: { type: 'object' },
  marathon: { v2AppMustacheTemplate: Buffer.from('{"id":"{{service.name}}"}').toString('base64') },
}

const catalogError = (type: string, message: string, data: object = {}): Reply => ({
  status: 400,
  body: { type, message, data },
})

function describe({ body }: Asked): Reply {
  if (body.packageName === 'web-demo') return { body: { package: definition } }
  return catalogError('PackageNotFound', `Package [${body.packageName}] not found`)
}

const found = { name: 'web-demo', currentVersion: '1.1.0', description: 'A page', selected: true, framework: false }

/** A small cluster: what a router of it answers. */
export const world: Readonly<Record<string, Answerer | Reply>> = {
  'GET /marathon/v2/apps': { body: { apps } },
  'GET /marathon/v2/queue': { body: { queue: [{ app: { id: '/test-id' }, delay: { overdue: true } }] } },
  'GET /marathon/v2/deployments': {
    body: [
      {
        id: 'D1',
        version: 'v',
        affectedApps: ['/shop/web'],
        affectedPods: [],
        currentStep: 1,
        totalSteps: 2,
        currentActions: [{ action: 'ScaleApplication', app: '/shop/web' }],
      },
    ],
  },
  'GET /marathon/v2/apps/shop/web': { body: { app: apps[0] } },
  'GET /marathon/v2/apps/test-id': { body: { app: apps[1] } },
  'GET /marathon/v2/apps/test-id/versions': { body: { versions: ['v3', 'v2', 'v1'] } },
  'GET /marathon/v2/apps/test-id/versions/v2': { body: { id: '/test-id', version: 'v2' } },
  'PUT /marathon/v2/apps/test-id': { body: { version: 'v4', deploymentId: 'D2' } },
  'POST /marathon/v2/apps/test-id/restart': { body: { version: 'v4', deploymentId: 'D3' } },
  'DELETE /marathon/v2/apps/test-id': { body: { version: 'v5', deploymentId: 'D4' } },
  'DELETE /marathon/v2/apps/test-id/tasks': ({ query }) => ({
    body: query.scale ? { version: 'v', deploymentId: 'D5' } : { tasks: [{ id: 'test-id.1' }] },
  }),
  'POST /marathon/v2/apps': ({ body }) => ({
    status: 201,
    headers: { 'marathon-deployment-id': 'D6' },
    // What it does not know it leaves out.
    body: { ...body, cmmd: undefined, deployments: [{ id: 'D6' }], version: 'v1' },
  }),
  'DELETE /marathon/v2/deployments/D1': ({ query }) =>
    query.force ? { status: 202, body: '' } : { body: { deploymentId: 'D7', version: 'v6' } },
  'GET /marathon/v2/groups': {
    body: { id: '/', groups: [{ id: '/shop', apps: [{}], groups: [{ id: '/shop/x', apps: [{}, {}] }] }] },
  },
  'GET /marathon/v2/groups/shop': { body: { id: '/shop' } },
  'POST /marathon/v2/groups': { status: 201, body: { deploymentId: 'D8', version: 'v' } },
  'DELETE /marathon/v2/groups/shop': { body: { deploymentId: 'D9', version: 'v' } },
  'GET /marathon/v2/pods/::status': {
    body: [{ id: '/pair', status: 'STABLE', statusSince: 's', instances: [{}], spec: { version: 'v' } }],
  },
  'GET /marathon/v2/pods/pair': { body: { id: '/pair' } },
  'POST /marathon/v2/pods': { status: 201, headers: { 'marathon-deployment-id': 'D10' }, body: { id: '/pair' } },
  'DELETE /marathon/v2/pods/pair': { status: 202, headers: { 'marathon-deployment-id': 'D11' }, body: '' },
  'GET /mesos/master/state': { body: state },
  'GET /mesos/master/tasks': { body: { tasks: state.frameworks[0]!.tasks } },
  'GET /mesos/master/state-summary': {
    body: {
      cluster: 'test',
      hostname: '127.0.0.1',
      slaves: [{ active: true, resources: { cpus: 4, mem: 10, disk: 5 }, used_resources: { cpus: 1 } }],
      frameworks: [{ name: 'marathon', active: true, TASK_RUNNING: 2 }],
    },
  },
  'GET /system/health/v1': { body: { units: [{ name: 'master', health: 0, output: 'ok' }] } },
  'POST /package/search': ({ body }) => ({
    body: { packages: body.query === undefined || 'web-demo'.includes(body.query) ? [found] : [] },
  }),
  'POST /package/describe': describe,
  'POST /package/list-versions': { body: { results: { '1.0.0': '0', '1.1.0': '10', '1.0.1': '9' } } },
  'POST /package/render': { body: { marathonJson: { id: '/web-demo', cmd: 'a && b > c' } } },
  'POST /package/list': {
    body: { packages: [{ appId: '/web-demo', packageInformation: { packageDefinition: definition } }] },
  },
  'POST /package/install': {
    body: { packageName: 'web-demo', packageVersion: '1.1.0', appId: '/web-demo', postInstallNotes: 'Have fun.' },
  },
  'POST /package/uninstall': ({ body }) =>
    body.packageName === 'web-demo'
      ? { body: { results: [{ packageName: 'web-demo', appId: '/web-demo', packageVersion: '1.1.0' }] } }
      : catalogError('PackageNotInstalled', `Package [${body.packageName}] is not installed`),
  'POST /package/repository/list': { body: { repositories: [{ name: 'Meseta', uri: 'builtin:' }] } },
  'POST /package/repository/add': ({ body }) => ({ body: { repositories: [{ name: body.name, uri: body.uri }] } }),
  'POST /package/repository/delete': ({ body }) =>
    body.name === 'none'
      ? catalogError('RepositoryNotPresent', 'No repository with name [none]')
      : { body: { repositories: [] } },
}
