import { HostUsage } from '@meseta/common/service/host-usage'
import t from 'tap'
import { prometheusText } from '../src/metrics/prometheus.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

// The names of the contract (Mesos contract 3, 9).

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const follower = await ground.master()
const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
t.teardown(() => agent.stop())
await agent.registered()
const snapshot = (of = url) => getJson<Record<string, number>>(`${of}/metrics/snapshot`)

const each = (prefix: string, words: string): string[] => words.split(' ').map(word => `${prefix}${word}`)
const spread = (name: string): string[] =>
  ['', ...each('/', 'count min max p50 p90 p95 p99 p999 p9999')].map(end => name + end)

const gauges = [
  ...each('master/', 'uptime_secs elected outstanding_offers operator_event_stream_subscribers'),
  ...['cpus', 'gpus', 'mem', 'disk'].flatMap(name =>
    ['', '_revocable'].flatMap(suffix => each(`master/${name}${suffix}_`, 'total used percent')),
  ),
  ...each('master/slaves_', 'active inactive connected disconnected unreachable'),
  ...each('master/frameworks_', 'active inactive connected disconnected'),
  ...each('master/tasks_', 'staging starting running killing unreachable'),
  ...each('master/event_queue_', 'messages dispatches http_requests'),
  ...each('master/', 'cpus_utilization mem_utilization disk_utilization load_utilization'),
  ...each('system/', 'cpus_total load_1min load_5min load_15min mem_free_bytes mem_total_bytes'),
  ...each('registrar/', 'queued_operations registry_size_bytes state_fetch_ms log/recovered'),
  ...spread('registrar/state_store_ms'),
  ...each('allocator/', 'event_queue_dispatches mesos/allocation_runs'),
  ...spread('allocator/mesos/allocation_run_ms'),
  ...spread('allocator/mesos/allocation_run_latency_ms'),
  ...['cpus', 'mem', 'disk'].flatMap(name => each(`allocator/mesos/resources/${name}/`, 'total offered_or_allocated')),
]

const counters = [
  ...each('master/tasks_', 'finished failed killed lost error dropped gone gone_by_operator'),
  ...each('master/slave_', 'registrations reregistrations removals'),
  ...each('master/slave_removals/reason_', 'unhealthy unregistered registered'),
  ...each('master/slave_unreachable_', 'scheduled completed canceled'),
  'master/recovery_slave_removals',
  ...each('master/messages_', 'register_framework reregister_framework unregister_framework deactivate_framework'),
  ...each('master/messages_', 'kill_task status_update status_update_acknowledgement launch_tasks decline_offers'),
  ...each('master/messages_', 'revive_offers suppress_offers resource_request reconcile_tasks reconcile_operations'),
  ...each('master/messages_', 'framework_to_executor executor_to_framework register_slave reregister_slave'),
  ...each('master/messages_', 'unregister_slave update_slave exited_executor authenticate'),
  ...['valid_', 'invalid_'].flatMap(prefix =>
    each(`master/${prefix}`, 'status_updates status_update_acknowledgements framework_to_executor_messages'),
  ),
  ...each('master/', 'dropped_messages http_cache_hits'),
]

t.test('every name of the contract, as a number', async t => {
  const metrics = await snapshot()
  for (const name of [...gauges, ...counters]) t.type(metrics[name], 'number', name)
  for (const [name, value] of Object.entries(metrics)) t.ok(Number.isFinite(value), `${name} ${value}`)
  t.match(metrics, { 'master/elected': 1, 'master/slaves_connected': 1, 'registrar/log/recovered': 1 })
})

t.test('a master that does not lead tells of itself', async t => {
  const metrics = await snapshot(follower)
  t.match(metrics, { 'master/elected': 0, 'master/uptime_secs': Number, 'system/cpus_total': Number })
  t.notOk('master/slaves_active' in metrics)
})

t.test('what a framework does is counted, by itself and in all', async t => {
  const before = await snapshot()
  const framework = await new FakeScheduler(url, { name: 'a/b c', role: 'x/y' }).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'one' } })
  await framework.acknowledge(await framework.update('one', 'TASK_RUNNING'))
  const prefix = `frameworks/a%2Fb%20c/${framework.id}/`
  const of = async () =>
    Object.fromEntries(
      Object.entries(await snapshot())
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    )
  await until(async () => (await of())['calls/acknowledge'] === 1, 'the acknowledgement')
  t.match(await of(), {
    subscribed: 1,
    calls: 3,
    'calls/subscribe': 1,
    'calls/accept': 1,
    'events/subscribed': 1,
    'events/offers': 1,
    'events/update': 1,
    'offers/sent': 1,
    'offers/accepted': 1,
    operations: 1,
    'operations/launch': 1,
    'tasks/active/task_running': 1,
    'tasks/active/task_staging': 0,
    'roles/x/y/suppressed': 0,
  })
  agent.update('one', 'TASK_FAILED', { source: 'SOURCE_EXECUTOR', reason: 'REASON_COMMAND_EXECUTOR_FAILED' })
  const failed = await framework.update('one', 'TASK_FAILED')
  t.notOk('tasks/active/task_failed' in (await of()), 'what has ended is not active')
  await framework.acknowledge(failed)
  t.match(await of(), { 'tasks/terminal/task_failed': 1 })
  await until(async () => (await of())['tasks/active/task_running'] !== 1, 'the task to be gone')
  const after = await snapshot()
  const grew = (name: string) => after[name]! - (before[name] ?? 0)
  t.equal(grew('master/tasks_failed'), 1)
  t.equal(grew('master/task_failed/source_executor/reason_command_executor_failed'), 1)
  t.equal(grew('master/messages_register_framework'), 1)
  t.match(after, { 'allocator/mesos/roles/x/y/shares/dominant': Number })
  t.match(after, { 'allocator/mesos/offer_filters/roles/x/y/active': Number })

  const { text, headers } = await send(`${url}/metrics`, 'GET', {})
  t.match(headers, { 'content-type': /^text\/plain; version=0\.0\.4/ })
  t.match(text, `meseta_framework_calls_subscribe{framework_name="a/b c",framework_id="${framework.id}"} 1\n`)
  t.match(
    text,
    `meseta_framework_role_suppressed{framework_name="a/b c",framework_id="${framework.id}",role="x/y"} 0\n`,
  )
  t.match(text, /^meseta_allocator_role_dominant_share\{role="x\/y"\} [\d.]+$/m)
  t.match(text, /^meseta_master_slaves_active 1$/m)
  t.match(
    text,
    'meseta_master_tasks_ended_total{state="failed",source="executor",reason="command_executor_failed"} 1\n',
  )
  t.match(text, /^meseta_http_connections /m, 'beside those of the process')
  await framework.call({ type: 'TEARDOWN' })
  await framework.isClosed()
  t.same(await of(), {}, 'and forgotten with it')
})

t.test('an agent that operators have taken out of offers is connected and not active', async t => {
  const operate = (type: string) => {
    const body = JSON.stringify({ type, [type.toLowerCase()]: { agent_id: { value: agent.id } } })
    return send(`${url}/api/v1`, 'POST', { 'content-type': 'application/json' }, body)
  }
  t.equal((await operate('DEACTIVATE_AGENT')).status, 200)
  t.match(await snapshot(), { 'master/slaves_connected': 1, 'master/slaves_active': 0, 'master/slaves_inactive': 1 })
  t.equal((await operate('REACTIVATE_AGENT')).status, 200)
  t.match(await snapshot(), { 'master/slaves_active': 1, 'master/slaves_inactive': 0 })
})

t.test('a time to wait is taken, and a wrong one refused', async t => {
  t.match(await getJson(`${url}/metrics/snapshot?timeout=5secs`), { 'master/elected': 1 })
  t.equal((await send(`${url}/metrics/snapshot?timeout=soon`, 'GET', {})).status, 400)
  const json = { 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'GET_METRICS', get_metrics: { timeout: { nanoseconds: 5e9 } } })
  const { metrics } = JSON.parse((await send(`${url}/api/v1`, 'POST', json, body)).text).get_metrics
  t.match(
    metrics.find(({ name }: { name: string }) => name === 'master/elected'),
    { value: 1 },
  )
})

t.test('of frameworks by themselves only where it is wanted', async t => {
  const other = new Ground()
  t.teardown(() => other.close())
  const quiet = await other.leader('--no-publish_per_framework_metrics')
  const framework = await new FakeScheduler(quiet).subscribe()
  const names = Object.keys(await snapshot(quiet))
  t.notOk(names.some(name => name.startsWith('frameworks/')))
  await framework.call({ type: 'TEARDOWN' })
})

t.test('the machine in percent', async t => {
  const readings = {
    cpu: { idle: 100, total: 200 },
    cores: 4,
    load: 1,
    memory: { free: 25, total: 100 },
    disk: { free: 90, total: 100 },
    hasGpus: false,
  }
  let now = readings
  const host = new HostUsage(() => now)
  now = { ...readings, cpu: { idle: 130, total: 240 } }
  const metrics = host.metrics('master/')
  t.same(Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Math.round(value)])), {
    'master/cpus_utilization': 25,
    'master/mem_utilization': 75,
    'master/load_utilization': 25,
    'master/disk_utilization': 10,
    'master/gpus_utilization': 0,
  })
  now = { ...now, hasGpus: true, load: 12, cpu: { idle: 130, total: 240 } }
  const later = host.metrics('slave/')
  t.notOk('slave/gpus_utilization' in later)
  t.equal(later['slave/load_utilization'], 100)
  t.equal(later['slave/cpus_utilization'], 25, 'as it was, while no time has passed')
})

t.test('the text format of Prometheus', async t => {
  t.equal(
    prometheusText({
      'master/a-b': 1,
      'frameworks/n%22%0A/f-0000/tasks/active/task_running': 2,
      'allocator/mesos/quota/roles/r/resources/cpus/limit': 3,
      'frameworks/p/messages_received': 4,
    }),
    [
      '# TYPE meseta_master_a_b untyped',
      'meseta_master_a_b 1',
      '# TYPE meseta_framework_tasks_active_task_running untyped',
      'meseta_framework_tasks_active_task_running{framework_name="n\\"\\n",framework_id="f-0000"} 2',
      '# TYPE meseta_allocator_quota_limit untyped',
      'meseta_allocator_quota_limit{role="r",resource="cpus"} 3',
      '# TYPE meseta_principal_messages_received untyped',
      'meseta_principal_messages_received{principal="p"} 4',
      '',
    ].join('\n'),
  )
  t.equal(prometheusText({}), '')
})
