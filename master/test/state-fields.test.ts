import type { Offer, Resource } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import t, { type Test } from 'tap'
import type { Change } from '../src/state/changes.ts'
import { changes, facts, KeptReply, newReadModel } from './support/reads.ts'

// Every field that consumers read, and no other (Mesos contract 4.1).

const domain = { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } }
const allocatedTo = (role: string, resources: Resource[]): Resource[] =>
  resources.map(resource => ({ ...resource, allocation_info: { role } }))

const read = newReadModel({
  facts: { ...facts, masterInfo: { ...facts.masterInfo, domain, capabilities: [{ type: 'AGENT_DRAINING' }] } },
})
t.teardown(() => read.stop())

/** A cluster in which every optional field has a value. */
function everything(): Change[] {
  const agent = changes.agent('M-S0') as Change & { type: 'AGENT' }
  const framework = changes.framework('F') as Change & { type: 'FRAMEWORK' }
  const task = changes.task('F', 't', 'M-S0') as Change & { type: 'TASK' }
  const status = changes.status('F', 't', 'TASK_RUNNING', 2) as Change & { type: 'TASK_STATUS' }
  const total = parseResources('cpus:8;mem:4096;disk:1000;cpus(r):2;ports:[31000-32000];disks:{a,b};gpus:1')
  const offer: Offer = {
    id: { value: 'M-O0' },
    framework_id: { value: 'F' },
    agent_id: { value: 'M-S0' },
    hostname: '127.0.0.1',
    allocation_info: { role: 'r' },
    resources: allocatedTo('r', parseResources('cpus(r):2;ports:[31500-31500,31600-31610]')),
  }
  return [
    {
      ...agent,
      agent: {
        ...agent.agent,
        info: {
          ...agent.agent.info,
          domain,
          port: 5051,
          attributes: [
            { name: 'rack', type: 'TEXT', text: { value: 'a' } },
            { name: 'units', type: 'SCALAR', scalar: { value: 2 } },
          ],
        },
        total,
        reregisteredAt: 2_000,
        deactivated: true,
        drain: { state: 'DRAINING', config: { max_grace_period: { nanoseconds: 5e9 } } },
        drainStartedAt: 3_000,
      },
    },
    { type: 'AGENT_RECOVERED', info: { id: { value: 'M-S9' }, hostname: 'h9' } },
    {
      ...framework,
      framework: {
        ...framework.framework,
        info: {
          ...framework.framework.info,
          principal: 'p',
          hostname: 'fh',
          webui_url: 'http://fh',
          failover_timeout: 60,
          checkpoint: true,
          labels: { labels: [{ key: 'k', value: 'v' }] },
        },
        reregisteredAt: 4_000,
        constraints: { role_constraints: { r: { groups: [] } } },
      },
    },
    {
      type: 'EXECUTOR',
      agentId: 'M-S0',
      frameworkId: 'F',
      info: {
        type: 'CUSTOM',
        executor_id: { value: 'e' },
        name: 'executor',
        command: {
          value: 'run',
          arguments: ['a'],
          environment: { variables: [{ name: 'A', value: 'b' }] },
          uris: [{ value: 'http://x' }],
        },
        resources: allocatedTo('r', parseResources('cpus:0.1;mem:32')),
        labels: { labels: [{ key: 'k', value: 'v' }] },
      },
    },
    {
      ...task,
      task: {
        ...task.task,
        executor_id: { value: 'e' },
        resources: allocatedTo('r', parseResources('cpus:0.5;mem:64;ports:[31001-31001]')),
        user: 'root',
        limits: { cpus: { value: Number.POSITIVE_INFINITY } },
        discovery: {
          visibility: 'FRAMEWORK',
          labels: { labels: [{ key: 'd' }] },
          ports: { ports: [{ number: 31_001, name: 'http', protocol: 'tcp' }] },
        },
        container: { type: 'MESOS' },
        health_check: { type: 'TCP', tcp: { port: 31_001 } },
      },
    },
    changes.status('F', 't', 'TASK_STAGING', 1),
    {
      ...status,
      status: {
        ...status.status,
        healthy: true,
        labels: { labels: [{ key: 's' }] },
        container_status: {
          container_id: { value: 'c' },
          network_infos: [{ ip_addresses: [{ ip_address: '10.0.0.1' }] }],
        },
      },
    },
    changes.task('F', 'done', 'M-S0', 'TASK_FINISHED'),
    changes.ended('F', 'done'),
    changes.task('F', 'away', 'M-S0', 'TASK_UNREACHABLE'),
    { type: 'TASK_ENDED', frameworkId: 'F', taskId: 'away', fate: 'unreachable' },
    changes.framework('G'),
    { type: 'FRAMEWORK_COMPLETED', id: 'G', at: 9_000 },
    { type: 'OFFER', offer },
  ]
}
read.apply(1, everything())

type Shown = Record<string, unknown>

async function get(route: string): Promise<Shown> {
  const reply = new KeptReply()
  read.handle({ type: 'OLDER', route, query: '', viewer: undefined }, reply)
  await reply.done
  return JSON.parse(reply.text) as Shown
}

/** That an object has these fields and no other. */
const fields = (t: Test, object: unknown, names: string) =>
  t.same(Object.keys(object as Shown).sort(), names.split(/\s+/).sort())

const list = (object: Shown, name: string): Shown[] => object[name] as Shown[]

const slaveFields =
  'id hostname port attributes domain pid registered_time reregistered_time resources used_resources offered_resources reserved_resources unreserved_resources active deactivated version capabilities drain_info estimated_drain_start_time_seconds'
const frameworkFields =
  'id name used_resources offered_resources capabilities hostname webui_url active connected recovered user failover_timeout checkpoint registered_time unregistered_time principal resources reregistered_time roles tasks unreachable_tasks completed_tasks offers executors labels offer_constraints'
const counters =
  'TASK_STAGING TASK_STARTING TASK_RUNNING TASK_KILLING TASK_FINISHED TASK_KILLED TASK_FAILED TASK_LOST TASK_ERROR TASK_UNREACHABLE'

t.test('/state', async t => {
  const state = await get('/state')
  fields(
    t,
    state,
    'version build_date build_time build_user start_time elected_time id pid hostname capabilities activated_slaves deactivated_slaves unreachable_slaves domain leader leader_info followers cluster flags slaves recovered_slaves frameworks completed_frameworks orphan_tasks unregistered_frameworks',
  )
  t.match(state, {
    leader: 'master@127.0.0.1:5050',
    leader_info: { id: 'M', pid: 'master@127.0.0.1:5050', port: 5050, hostname: '127.0.0.1', domain },
    capabilities: ['AGENT_DRAINING'],
    orphan_tasks: [],
    unregistered_frameworks: [],
  })
})

t.test('an agent', async t => {
  const state = await get('/state')
  const [slave] = list(state, 'slaves') as [Shown]
  fields(t, slave, slaveFields)
  t.match(slave, {
    port: 5051,
    pid: 'slave(1)@127.0.0.1:5051',
    attributes: { rack: 'a', units: 2 },
    resources: { cpus: 10, gpus: 1, mem: 4096, disk: 1000, ports: '[31000-32000]', disks: '{a, b}' },
    used_resources: { cpus: 0.6, gpus: 0, mem: 96, disk: 0, ports: '[31001-31001]' },
    offered_resources: { cpus: 2, ports: '[31500-31500, 31600-31610]' },
    reserved_resources: { r: { cpus: 2, gpus: 0, mem: 0, disk: 0 } },
    unreserved_resources: { cpus: 8 },
    deactivated: true,
    drain_info: { state: 'DRAINING', config: { max_grace_period: { nanoseconds: 5e9 }, mark_gone: false } },
    estimated_drain_start_time_seconds: 3,
    registered_time: 1,
    reregistered_time: 2,
  })
  fields(t, list(state, 'recovered_slaves')[0], 'id hostname port attributes')
  const [full] = list(await get('/slaves'), 'slaves') as [Shown]
  fields(
    t,
    full,
    `${slaveFields} reserved_resources_full unreserved_resources_full used_resources_full offered_resources_full`,
  )
  t.match(full.reserved_resources_full, { r: [{ name: 'cpus', role: 'r', reservations: [{ role: 'r' }] }] })
})

t.test('a framework, its offers and executors', async t => {
  const [framework] = list(await get('/frameworks'), 'frameworks') as [Shown]
  fields(t, framework, frameworkFields)
  t.match(framework, { unregistered_time: 0, registered_time: 0, reregistered_time: 4, roles: ['r'] })
  const [offer] = list(framework, 'offers') as [Shown]
  fields(t, offer, 'id framework_id allocation_info slave_id resources')
  t.match(offer, { allocation_info: { role: 'r' }, resources: { cpus: 2, mem: 0 } })
  const [executor] = list(framework, 'executors') as [Shown]
  fields(t, executor, 'executor_id name framework_id command resources role labels type slave_id')
  t.same(executor.command, {
    shell: true,
    value: 'run',
    argv: ['a'],
    environment: { variables: [{ name: 'A', type: 'VALUE', value: 'b' }] },
    uris: [{ value: 'http://x', executable: false }],
  })
  t.same(
    ['tasks', 'unreachable_tasks', 'completed_tasks'].map(name => list(framework, name).map(({ id }) => id)),
    [['t'], ['away'], ['done']],
  )
  t.match(list(await get('/state'), 'completed_frameworks'), [{ id: 'G', active: false, unregistered_time: 9 }])
})

t.test('a task', async t => {
  const tasks = list(await get('/tasks'), 'tasks')
  t.same(tasks.map(({ id }) => id).sort(), ['away', 'done', 't'], 'active, unreachable and completed')
  const task = tasks.find(({ id }) => id === 't')!
  fields(
    t,
    task,
    'id name framework_id executor_id slave_id state resources limits role statuses user labels discovery container health_check',
  )
  t.match(task, {
    executor_id: 'e',
    role: 'r',
    resources: { cpus: 0.5, ports: '[31001-31001]' },
    limits: { cpus: 'Infinity' },
    labels: [{ key: 'of', value: 'F' }],
    discovery: { labels: { labels: [{ key: 'd' }] }, ports: { ports: [{ number: 31_001 }] } },
    health_check: { delay_seconds: 15 },
  })
  const [status, ...others] = list(task, 'statuses') as [Shown]
  t.same(others, [], 'none is STAGING')
  fields(t, status, 'state timestamp labels container_status healthy')
  t.match(status.container_status, {
    container_id: { value: 'c' },
    network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '10.0.0.1' }] }],
  })
})

t.test('/state-summary', async t => {
  const summary = await get('/state-summary')
  fields(t, summary, 'hostname cluster slaves frameworks')
  const [slave] = list(summary, 'slaves') as [Shown]
  fields(t, slave, `${slaveFields} ${counters} framework_ids`)
  const [framework] = list(summary, 'frameworks') as [Shown]
  fields(
    t,
    framework,
    `id name used_resources offered_resources capabilities hostname webui_url active connected recovered ${counters} slave_ids`,
  )
  t.match(framework, { TASK_RUNNING: 1, TASK_FINISHED: 1, TASK_UNREACHABLE: 1, slave_ids: ['M-S0'] })
})

t.test('/roles', async t => {
  const [role] = list(await get('/roles'), 'roles') as [Shown]
  fields(t, role, 'name weight quota resources allocated offered reserved frameworks')
  fields(t, role.quota, 'role guarantee limit consumed')
  t.match(role, {
    name: 'r',
    weight: 1,
    frameworks: ['F'],
    allocated: { cpus: 0.6 },
    offered: { cpus: 2 },
    reserved: { cpus: 2 },
  })
})
