import type { MasterCall, MasterCallType, SchedulerCall } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'

/** What lives in the master that is fuzzed: valid calls name it. */
export interface Living {
  readonly streamId: string
  readonly frameworkId: string
  readonly agentId: string
  readonly offerId: string
}

const value = (text: string) => ({ value: text })
const uuid = Buffer.from('0123456789abcdef').toString('base64')
const scalar = (name: string, amount: number) => ({ name, type: 'SCALAR' as const, scalar: { value: amount } })
const reserved = {
  ...scalar('disk', 8),
  reservations: [{ type: 'DYNAMIC' as const, role: 'a', principal: 'p' }],
}
const volume = {
  ...reserved,
  disk: { persistence: { id: 'v1', principal: 'p' }, volume: { container_path: 'data', mode: 'RW' as const } },
}
const command = { value: 'sleep 1', environment: { variables: [{ name: 'A', value: 'b' }] } }
const filters = { refuse_seconds: 0 }

/** A valid call of every kind that schedulers make, but for TEARDOWN, which leaves no framework to talk about. */
export function schedulerCalls({ frameworkId, agentId, offerId }: Living, next: () => number): SchedulerCall[] {
  const agent_id = value(agentId)
  const offer_ids = [value(offerId)]
  const framework_info = { user: 'u', name: 'f', roles: ['a'], capabilities: [{ type: 'MULTI_ROLE' as const }] }
  const task = () => ({
    name: 't',
    task_id: value(`t${next()}`),
    agent_id,
    resources: parseResources('cpus:0.1;mem:16'),
    command,
  })
  const executor = { executor_id: value(`e${next()}`), type: 'DEFAULT' as const, framework_id: value(frameworkId) }
  const calls: Omit<SchedulerCall, 'framework_id'>[] = [
    {
      type: 'ACCEPT',
      accept: { offer_ids, filters, operations: [{ type: 'LAUNCH', launch: { task_infos: [task()] } }] },
    },
    {
      type: 'ACCEPT',
      accept: {
        offer_ids,
        filters,
        operations: [{ type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks: [task()] } } }],
      },
    },
    {
      type: 'ACCEPT',
      accept: {
        offer_ids,
        filters,
        operations: [
          { type: 'RESERVE', id: value(`o${next()}`), reserve: { resources: [reserved] } },
          { type: 'CREATE', create: { volumes: [volume] } },
          { type: 'GROW_VOLUME', grow_volume: { volume, addition: reserved } },
          { type: 'SHRINK_VOLUME', shrink_volume: { volume, subtract: { value: 1 } } },
          { type: 'DESTROY', destroy: { volumes: [volume] } },
          { type: 'UNRESERVE', unreserve: { resources: [reserved] } },
        ],
      },
    },
    { type: 'DECLINE', decline: { offer_ids, filters } },
    { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids: offer_ids, filters } },
    { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: { inverse_offer_ids: offer_ids, filters } },
    { type: 'REVIVE', revive: { roles: ['a'] } },
    { type: 'SUPPRESS', suppress: { roles: ['a'] } },
    { type: 'KILL', kill: { task_id: value('t1'), agent_id, kill_policy: { grace_period: { nanoseconds: 1 } } } },
    { type: 'SHUTDOWN', shutdown: { executor_id: value('e1'), agent_id } },
    { type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id: value('t1'), uuid } },
    {
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: { agent_id, uuid, operation_id: value('o1') },
    },
    { type: 'RECONCILE', reconcile: { tasks: [{ task_id: value('t1'), agent_id }] } },
    { type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations: [{ operation_id: value('o1'), agent_id }] } },
    { type: 'MESSAGE', message: { agent_id, executor_id: value('e1'), data: 'aGk=' } },
    { type: 'REQUEST', request: { requests: [{ agent_id, resources: parseResources('cpus:1') }] } },
    {
      type: 'UPDATE_FRAMEWORK',
      update_framework: {
        framework_info: { ...framework_info, id: value(frameworkId) },
        suppressed_roles: ['a'],
        offer_constraints: {
          role_constraints: {
            a: {
              groups: [
                {
                  attribute_constraints: [
                    { selector: { attribute_name: 'x' }, predicate: { text_matches: { regex: 'a+b' } } },
                  ],
                },
              ],
            },
          },
        },
      },
    },
  ]
  const framework_id = value(frameworkId)
  return [
    ...calls.map(call => ({ framework_id, ...call })),
    { type: 'SUBSCRIBE', subscribe: { framework_info, suppressed_roles: [] } },
  ]
}

const reads: readonly MasterCallType[] = [
  'GET_HEALTH',
  'GET_FLAGS',
  'GET_VERSION',
  'GET_LOGGING_LEVEL',
  'GET_STATE',
  'GET_AGENTS',
  'GET_FRAMEWORKS',
  'GET_EXECUTORS',
  'GET_OPERATIONS',
  'GET_TASKS',
  'GET_ROLES',
  'GET_WEIGHTS',
  'GET_MASTER',
  'GET_MAINTENANCE_STATUS',
  'GET_MAINTENANCE_SCHEDULE',
  'GET_QUOTA',
]

/** A valid call of every kind that operators make, but for those that would leave nothing to talk about. */
export function operatorCalls({ frameworkId, agentId }: Living): MasterCall[] {
  const agent_id = value(agentId)
  const machine = { hostname: 'm1', ip: '10.0.0.1' }
  const unavailability = { start: { nanoseconds: 1e18 }, duration: { nanoseconds: 1e9 } }
  return [
    ...reads.map(type => ({ type })),
    { type: 'GET_METRICS', get_metrics: { timeout: { nanoseconds: 1e9 } } },
    { type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1, duration: { nanoseconds: 1e9 } } },
    { type: 'LIST_FILES', list_files: { path: '/master/log' } },
    { type: 'READ_FILE', read_file: { path: '/master/log', offset: 0, length: 10 } },
    { type: 'SUBSCRIBE' },
    { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role: 'a', weight: 2 }] } },
    { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources: [reserved] } },
    { type: 'UNRESERVE_RESOURCES', unreserve_resources: { agent_id, resources: [reserved] } },
    { type: 'CREATE_VOLUMES', create_volumes: { agent_id, volumes: [volume] } },
    { type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes: [volume] } },
    { type: 'GROW_VOLUME', grow_volume: { agent_id, volume, addition: reserved } },
    { type: 'SHRINK_VOLUME', shrink_volume: { agent_id, volume, subtract: { value: 1 } } },
    {
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows: [{ machine_ids: [machine], unavailability }] } },
    },
    { type: 'START_MAINTENANCE', start_maintenance: { machines: [machine] } },
    { type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [machine] } },
    { type: 'DRAIN_AGENT', drain_agent: { agent_id, max_grace_period: { seconds: 1 } as never, mark_gone: false } },
    { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id } },
    { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } },
    {
      type: 'UPDATE_QUOTA',
      update_quota: { quota_configs: [{ role: 'b', guarantees: {}, limits: { cpus: { value: 2 } } }] },
    },
    { type: 'SET_QUOTA', set_quota: { quota_request: { role: 'b', guarantee: [scalar('cpus', 1)] } } },
    { type: 'REMOVE_QUOTA', remove_quota: { role: 'b' } },
    { type: 'TEARDOWN', teardown: { framework_id: value(`${frameworkId}x`) } },
    { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: value(`${agentId}x`) } },
    { type: 'READ_LOG', read_log: {} as never },
  ]
}

/** The paths of the older endpoints, with a query and, for those that change something, a form. */
export function olderRequests({ frameworkId, agentId }: Living): OlderRequest[] {
  const get = (path: string, query = '') => ({ method: 'GET', path, query, form: '' })
  const post = (path: string, form: string) => ({ method: 'POST', path, query: '', form })
  const json = (body: unknown) => encodeURIComponent(JSON.stringify(body))
  return [
    get('/state'),
    get('/master/state.json', 'jsonp=f'),
    get('/state-summary'),
    get('/slaves', `slave_id=${agentId}`),
    get('/frameworks', `framework_id=${frameworkId}`),
    get('/tasks', 'limit=10&offset=1&order=asc&task_id=t1'),
    get('/roles'),
    get('/weights'),
    get('/quota'),
    get('/maintenance/schedule'),
    get('/maintenance/status'),
    get('/health'),
    get('/version'),
    get('/flags'),
    get('/redirect'),
    get('/metrics/snapshot', 'timeout=1secs'),
    get('/metrics'),
    get('/files/browse', 'path=/master/log'),
    get('/files/read', 'path=/master/log&offset=0&length=10'),
    get('/files/download', 'path=/master/log'),
    get('/files/debug'),
    get('/explain/offers', `framework_id=${frameworkId}&role=a&agent_id=${agentId}`),
    get('/explain/task', 'task_id=t1'),
    get('/meseta/v1/feed', 'after=a.1&kinds=task'),
    get('/master/api/v1'),
    post('/logging/toggle', 'level=1&duration=1secs'),
    post('/teardown', `frameworkId=${frameworkId}x`),
    post('/reserve', `slaveId=${agentId}&resources=${json([reserved])}`),
    post('/unreserve', `slaveId=${agentId}&resources=${json([reserved])}`),
    post('/create-volumes', `slaveId=${agentId}&volumes=${json([volume])}`),
    post('/destroy-volumes', `slaveId=${agentId}&volumes=${json([volume])}`),
    post('/machine/down', JSON.stringify([{ hostname: 'm1', ip: '10.0.0.1' }])),
    post('/machine/up', JSON.stringify([{ hostname: 'm1', ip: '10.0.0.1' }])),
    post('/maintenance/schedule', JSON.stringify({ windows: [] })),
    { ...post('/weights', JSON.stringify([{ role: 'a', weight: 2 }])), method: 'PUT' },
    post('/quota', JSON.stringify({ role: 'b', guarantee: [scalar('cpus', 1)] })),
    { ...get('/quota/b'), method: 'DELETE' },
  ]
}

export interface OlderRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly form: string
}
