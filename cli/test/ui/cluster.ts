import { Model } from '../../src/ui/model/model.ts'

/** An object of the stream. */
export type Change = readonly [kind: string, key: string, body: object]

export const app = (id: string, more: object = {}) => ({
  id,
  version: '2026-03-01T11:00:00.000Z',
  instances: 2,
  tasksRunning: 2,
  tasksHealthy: 2,
  tasksUnhealthy: 0,
  healthChecks: 1,
  cpus: 0.5,
  mem: 256,
  deployments: [],
  labels: {},
  ...more,
})

export const task = (name: string, number: number, more: object = {}) => ({
  id: `${name}.${number}`,
  name,
  framework_id: 'F',
  framework_name: 'marathon',
  executor_id: '',
  slave_id: 'S0',
  state: 'TASK_RUNNING',
  healthy: true,
  timestamp: Date.parse('2026-03-01T11:30:00Z') / 1000 + number,
  ...more,
})

export const agent = (id: string, hostname: string, more: object = {}) => ({
  id,
  hostname,
  active: true,
  resources: { cpus: 4, mem: 8192, disk: 102_400, gpus: 0 },
  used_resources: { cpus: 1, mem: 2048, disk: 0, gpus: 0 },
  ...more,
})

/** A small cluster: two agents, an app that runs, one that waits, one that is fewer than wanted. */
export const cluster: readonly Change[] = [
  [
    'cluster',
    'cluster',
    {
      name: 'demo',
      leader_info: { id: 'M1', hostname: '127.0.0.1', port: 5050 },
      resources: { cpus: 8, mem: 16_384, disk: 204_800, gpus: 0 },
      used_resources: { cpus: 2, mem: 4096, disk: 0, gpus: 0 },
      counts: { agents_active: 2, agents_unreachable: 0 },
    },
  ],
  ['source', 'master', { name: 'master', state: 'live', since: 0, detail: '', known: true }],
  ['framework', 'F', { id: 'F', name: 'marathon', active: true, role: '*', used_resources: { cpus: 2, mem: 4096 } }],
  ['agent', 'S0', agent('S0', 'agent-1')],
  ['agent', 'S1', agent('S1', 'agent-2')],
  ['app', '/web', app('/web', { labels: { DCOS_SERVICE_NAME: 'web', owner: 'ann' } })],
  ['app', '/team/db', app('/team/db', { tasksRunning: 0, tasksHealthy: 0, instances: 3, cpus: 8, mem: 32_768 })],
  [
    'app',
    '/front',
    app('/front', {
      instances: 6,
      tasksRunning: 5,
      tasksHealthy: 5,
      lastTaskFailure: {
        state: 'TASK_FAILED',
        message: 'Command exited with status 137',
        host: 'agent-1',
        timestamp: '2026-03-01T11:59:48.000Z',
      },
    }),
  ],
  [
    'wait',
    '/team/db',
    {
      code: 'INSUFFICIENT_CPUS',
      sentence: 'cpus: needs 8, the best of 2 agents has 3',
      since: '2026-03-01T11:55:48.000Z',
      count: 3,
      agents: [{ reason: 'InsufficientCpus', count: 2, numbers: { needs: 8, best: 3 } }],
    },
  ],
  ['task', 'F/web.1', task('web', 1)],
  ['task', 'F/web.2', task('web', 2, { slave_id: 'S1' })],
  ['instance', 'web.1', { id: 'web.1', appId: '/web', healthy: true }],
  ['instance', 'web.2', { id: 'web.2', appId: '/web', healthy: true }],
  [
    'vip',
    'web.marathon.l4lb.thisdcos.directory:80/tcp',
    {
      name: 'web.marathon.l4lb.thisdcos.directory',
      address: '11.0.0.1',
      port: 80,
      protocol: 'tcp',
      listen: { address: '127.0.0.1', port: 8080 },
      backends: [
        { ip: '127.0.0.1', port: 31000, weight: 1, task_id: 'web.1' },
        { ip: '127.0.0.1', port: 31001, weight: 0, task_id: 'web.2' },
      ],
      connections: 3,
    },
  ],
  ['package', 'kv-store', { name: 'kv-store', currentVersion: '1.0.0', description: 'Keys and values.', tags: [] }],
  [
    'package',
    'web-demo',
    {
      name: 'web-demo',
      currentVersion: '1.1.0',
      description: 'A page that shows which instance answers.',
      tags: ['web'],
    },
  ],
  ['installed', '/web', { appId: '/web', packageName: 'web-demo', packageVersion: '1.0.0' }],
]

export const now = Date.parse('2026-03-01T12:00:00Z')

export function scripted(changes: readonly Change[] = cluster): Model {
  const model = new Model()
  for (const [kind, key, body] of changes) model.put(kind, key, body, now)
  model.synced = true
  model.hearing = { live: true, detail: '', at: now }
  return model
}

/** The options of `web-demo`. */
export const config = {
  type: 'object',
  properties: {
    service: {
      type: 'object',
      properties: {
        name: { type: 'string', title: 'Name', description: 'Unique name of the service.', default: 'web-demo' },
        instances: { type: 'integer', description: 'How many run.', default: 2, minimum: 1, maximum: 50 },
        mem: { type: 'number', description: 'Memory of each instance, MiB.', default: 64, minimum: 48 },
      },
      required: ['name', 'instances', 'mem'],
    },
    demo: {
      type: 'object',
      properties: {
        message: { type: 'string', description: 'What the page says.', default: 'Hello' },
        loud: { type: 'boolean', description: 'Whether it shouts.', default: false },
        level: { type: 'string', enum: ['debug', 'info', 'warn'], description: 'What it logs.', default: 'info' },
      },
    },
  },
} as const
