import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { processFlags } from '@meseta/common/service/run'
import t from 'tap'
import { advertisedBy } from '../src/advertised.ts'
import { component } from '../src/component.ts'
import { heartConfig } from '../src/flags.ts'
import { masterInfoOf } from '../src/master-info.ts'
import { parseWhitelist } from '../src/whitelist.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

// The flags of Mesos's master (Mesos contract 9).

const parsed = (argv: string[], env: Record<string, string> = {}) =>
  parseFlags(component.flags, { argv, env, ...(component.envPrefixes ? { envPrefixes: component.envPrefixes } : {}) })

/** Every flag of the contract with the default that it has there, undefined for none. */
const contract: Readonly<Record<string, unknown>> = {
  port: 5050,
  ip: '127.0.0.1',
  advertise_ip: undefined,
  advertise_port: undefined,
  hostname: undefined,
  hostname_lookup: true,
  work_dir: undefined,
  cluster: undefined,
  registry: 'replicated_log',
  quorum: undefined,
  zk: undefined,
  registry_fetch_timeout: 60_000,
  registry_store_timeout: 20_000,
  zk_session_timeout: 10_000,
  agent_reregister_timeout: 600_000,
  agent_removal_rate_limit: undefined,
  recovery_agent_removal_limit: '100%',
  agent_ping_timeout: 15_000,
  max_agent_ping_timeouts: 5,
  allocation_interval: 1_000,
  offer_timeout: undefined,
  role_sorter: 'drf',
  framework_sorter: 'drf',
  min_allocatable_resources: 'cpus:0.01|mem:32',
  fair_sharing_excluded_resource_names: [],
  filter_gpu_resources: true,
  allocator_agent_recovery_factor: 0.8,
  allocator_recovery_timeout: 600_000,
  roles: undefined,
  weights: '',
  whitelist: undefined,
  root_submissions: true,
  authenticate_frameworks: false,
  authenticate_agents: false,
  authenticate_http_readonly: false,
  authenticate_http_readwrite: false,
  authenticate_http_frameworks: false,
  credentials: undefined,
  acls: undefined,
  rate_limits: undefined,
  firewall_rules: undefined,
  max_completed_frameworks: 50,
  max_completed_tasks_per_framework: 1_000,
  max_unreachable_tasks_per_framework: 1_000,
  max_operator_event_stream_subscribers: 1_000,
  registry_gc_interval: 900_000,
  registry_max_agent_age: 1_209_600_000,
  registry_max_agent_count: 102_400,
  domain: undefined,
  require_agent_domain: false,
  publish_per_framework_metrics: true,
  offer_constraints_re2_max_mem: 4_096,
  offer_constraints_re2_max_program_size: 100,
}

t.test('every flag of the contract is there, with its default', async t => {
  // Those of the store are the process shell's.
  const all = processFlags(component)
  const flags = parseFlags(all, { argv: [], env: {} }) as Record<string, unknown>
  for (const [name, value] of Object.entries(contract)) {
    t.ok(name in all, name)
    t.same(flags[name], value, name)
  }
})

t.test('as arguments, as MESOS_ variables, and switched off', async t => {
  t.equal(parsed(['--no-root_submissions']).root_submissions, false)
  t.equal(parsed(['--no-filter-gpu-resources']).filter_gpu_resources, false)
  t.equal(parsed([], { MESOS_OFFER_TIMEOUT: '5mins' }).offer_timeout, 300_000)
  t.equal(parsed(['--offer_timeout=1hrs'], { MESOS_OFFER_TIMEOUT: '5mins' }).offer_timeout, 3_600_000)
  t.equal(parsed([], { MESETA_PORT: '1', MESOS_PORT: '2' }).port, 1)
  t.equal(parsed([], { MESOS_ROOT_SUBMISSIONS: 'false' }).root_submissions, false)
  t.equal(parsed(['--offer_constraints_re2_max_mem=8KB']).offer_constraints_re2_max_mem, 8_192)
})

t.test('durations in all units of Mesos', async t => {
  for (const [text, milliseconds] of [
    ['1000000000ns', 1_000],
    ['1000000us', 1_000],
    ['2500ms', 2_500],
    ['10secs', 10_000],
    ['1.5mins', 90_000],
    ['2hrs', 7_200_000],
    ['3days', 259_200_000],
    ['2weeks', 1_209_600_000],
  ] as const)
    t.equal(parsed([`--agent_reregister_timeout=${text}`]).agent_reregister_timeout, milliseconds, text)
  t.throws(() => parsed(['--allocation_interval=5']), /allocation-interval/)
})

t.test('what is out of range names its flag', async t => {
  const info = masterInfoOf({ id: 'm', ip: '10.0.0.1', port: 5050, hostname: 'h', domain: undefined })
  for (const [argument, reason] of [
    ['--min_allocatable_resources=cpus', /min-allocatable-resources/],
    ['--weights=a=0', /weights/],
    ['--recovery_agent_removal_limit=150%', /recovery-agent-removal-limit/],
  ] as const)
    t.throws(() => heartConfig(parsed([argument]), info), reason, argument)
  t.same(
    heartConfig(parsed(['--min_allocatable_resources=cpus:1;mem:64|gpus:1']), info).minAllocatable.map(set => [...set]),
    [
      [
        ['cpus', 1_000],
        ['mem', 64_000],
      ],
      [['gpus', 1_000]],
    ],
  )
})

t.test('by which address and name others are told to come', async t => {
  const lookUp = async (ip: string) => [`${ip.replaceAll('.', '-')}.example`]
  const unknown = async () => {
    throw new Error('not found')
  }
  const of = (argv: string[], find = lookUp) => advertisedBy(parsed(argv), find)
  t.same(await of([]), { ip: '127.0.0.1', hostname: '127.0.0.1', port: undefined }, 'this machine has no other name')
  t.match(await of(['--ip=10.0.0.1']), { ip: '10.0.0.1', hostname: '10-0-0-1.example' })
  t.match(await of(['--ip=10.0.0.1'], unknown), { hostname: '10.0.0.1' })
  t.match(await of(['--ip=10.0.0.1', '--no-hostname_lookup']), { hostname: '10.0.0.1' })
  t.match(await of(['--ip=10.0.0.1', '--hostname=h']), { hostname: 'h' })
  t.match(await of(['--advertise_ip=192.0.2.7', '--advertise_port=80']), {
    ip: '192.0.2.7',
    hostname: '192-0-2-7.example',
    port: 80,
  })
})

t.test('on the wire: what is advertised, and where followers lead', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const own = ['--advertise_ip=192.0.2.7', '--advertise_port=1234', '--hostname=leader.example']
  const url = await ground.master(...own)
  await until(async () => (await send(`${url}/state`, 'GET', {})).status === 200, 'the master to lead')
  t.match(await getJson(`${url}/state`), {
    pid: 'master@192.0.2.7:1234',
    leader: 'master@192.0.2.7:1234',
    hostname: 'leader.example',
    leader_info: { port: 1234 },
  })
  t.match(await send(`${url}/version`, 'GET', { host: 'leader.example:1234' }), { status: 200 })
  t.match(await send(`${url}/version`, 'GET', { host: '192.0.2.7:1234' }), { status: 200 })
  const follower = await ground.master()
  const redirected = await send(`${follower}/state?x=1`, 'GET', {})
  t.match(redirected, { status: 307, headers: { location: '//leader.example:1234/state?x=1' } })
})

t.test('agents on hosts of the whitelist are offered, others are not', async t => {
  t.same(parseWhitelist(' a \n\nb\na\n'), ['a', 'b'])
  t.equal(parseWhitelist('a\n*\n'), undefined)
  t.same(parseWhitelist(''), [])
  const folder = await mkdtemp(join(tmpdir(), 'meseta-whitelist-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, hostnames, offered] of [
    ['all', '127.0.0.1\n', true],
    ['none', 'elsewhere\n', false],
  ] as const) {
    const path = join(folder, name)
    await writeFile(path, hostnames)
    const other = new Ground()
    t.teardown(() => other.close())
    const url = await other.leader(`--whitelist=${path}`, '--allocation_interval=20ms')
    const agent = new FakeAgent({ bus: other.bus, link: 'agent-1' })
    t.teardown(() => agent.stop())
    await agent.registered()
    const framework = await new FakeScheduler(url).subscribe()
    if (offered) t.equal((await framework.offers()).length, 1)
    else {
      const metrics = () => getJson<Record<string, number>>(`${url}/metrics/snapshot`)
      const runs = (await metrics())['allocator/mesos/allocation_runs']!
      await until(async () => (await metrics())['allocator/mesos/allocation_runs']! > runs + 2, 'more allocations')
      t.equal((await metrics())['master/outstanding_offers'], 0)
    }
    await framework.call({ type: 'TEARDOWN' })
  }
})

t.test('who may run frameworks, and in which roles', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader('--no-root_submissions', '--roles=web,batch')
  const subscribes = async (info: object) => {
    const framework = await new FakeScheduler(url, info).subscribe()
    const isIn = framework.id !== undefined
    if (isIn) await framework.call({ type: 'TEARDOWN' })
    else await framework.isClosed()
    return isIn
  }
  t.ok(await subscribes({ role: 'web' }))
  t.ok(await subscribes({ role: '*' }))
  t.notOk(await subscribes({ role: 'other' }))
  t.notOk(await subscribes({ roles: ['web', 'web/sub'], capabilities: [{ type: 'MULTI_ROLE' }] }))
  t.notOk(await subscribes({ user: 'root' }))
})

t.test("one operators' stream more than there may be ends the oldest", async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader('--max_operator_event_stream_subscribers=1')
  const subscribe = () =>
    fetch(`${url}/api/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"type":"SUBSCRIBE"}',
    })
  const first = await subscribe()
  const second = await subscribe()
  await first.text()
  t.pass('the first has ended')
  await second.body?.cancel()
})
