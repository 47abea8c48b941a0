// Objects of the router's event stream as their owners make them (docs/architecture.md, "Feeds").

export const app = (id: string, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  id,
  version: '2026-01-02T03:04:05.678Z',
  versionInfo: { lastScalingAt: '2026-01-02T03:04:05.678Z', lastConfigChangeAt: '2026-01-02T03:04:05.678Z' },
  instances: 1,
  cpus: 0.5,
  mem: 256,
  disk: 0,
  gpus: 0,
  cmd: 'exec node server.mjs --port $PORT0',
  labels: {},
  networks: [{ mode: 'host' }],
  portDefinitions: [],
  env_keys: [],
  healthChecks: 0,
  deployments: [],
  tasksStaged: 0,
  tasksRunning: 0,
  tasksHealthy: 0,
  tasksUnhealthy: 0,
  ...changes,
})

export interface ScriptedTask {
  readonly id: string
  readonly slave_id: string
  readonly [name: string]: unknown
}

export function task(appId: string, index: number, state: string, now: number): ScriptedTask {
  const safe = appId.slice(1).replaceAll('/', '_')
  const id = `${safe}.instance-4cd7b3a1-0000-4000-8000-${String(index).padStart(12, '0')}._app.1`
  const at = now / 1000 - 30 * index
  return {
    id,
    name: appId.slice(1).split('/').reverse().join('.'),
    framework_id: 'fw-1',
    framework_name: 'marathon',
    executor_id: '',
    slave_id: `agent-${(index % 3) + 1}`,
    state,
    resources: { cpus: 0.5, mem: 256, disk: 0, gpus: 0, ports: `[${31_000 + index}-${31_000 + index}]` },
    role: '*',
    user: 'root',
    statuses: [
      { state: 'TASK_STARTING', timestamp: at - 1 },
      { state: 'TASK_RUNNING', timestamp: at },
      ...(state === 'TASK_RUNNING' ? [] : [{ state, timestamp: at + 20 }]),
    ],
    timestamp: state === 'TASK_RUNNING' ? at : at + 20,
    ...(appId === '/shop/web' ? { healthy: true } : {}),
  }
}

export const instance = (appId: string, made: ScriptedTask, now: number): Record<string, unknown> => ({
  id: made.id,
  appId,
  host: '127.0.0.1',
  slaveId: made.slave_id,
  state: made.state,
  ports: [31_001],
  startedAt: new Date(now - 30_000).toISOString(),
  app_version: '2026-01-02T03:04:05.678Z',
  healthy: appId === '/shop/web' ? true : null,
  killing: false,
})

export const agent = (index: number, active: boolean, now: number): Record<string, unknown> => ({
  id: `agent-${index}`,
  hostname: `127.0.0.${index}`,
  port: 5051,
  attributes: index === 1 ? { rack: 'a', public_ip: 'true' } : { rack: 'b' },
  domain: { fault_domain: { region: { name: 'local' }, zone: { name: index < 3 ? 'a' : 'b' } } },
  pid: `slave(1)@127.0.0.${index}:5051`,
  registered_time: now / 1000 - 3_600,
  resources: { cpus: 4, mem: 12_288, disk: 102_400, gpus: 0, ports: '[31000-32000]' },
  used_resources: { cpus: 0.5 + index * 0.6, mem: 2_048 + index * 500, disk: 0, gpus: 0 },
  active,
  deactivated: false,
  version: '1.11.0',
})

export const packageEntry = (name: string, description: string, selected = false): Record<string, unknown> => ({
  name,
  currentVersion: '1.0.0',
  description,
  framework: false,
  tags: ['demo', name.split('-')[0]!],
  selected,
})

/** A point each two seconds, the newest now. */
export function metric(index: number, now: number): Record<string, number> {
  const wave = Math.sin(index / 9)
  return {
    at: now - (120 - index) * 2_000,
    cpus: 16,
    mem: 49_152,
    disk: 409_600,
    gpus: 0,
    cpus_used: 5 + 1.5 * wave + (index > 70 ? 2 : 0),
    mem_used: 12_000 + 2_000 * Math.cos(index / 14),
    disk_used: 10_240,
    gpus_used: 0,
    tasks_running: 9,
  }
}
