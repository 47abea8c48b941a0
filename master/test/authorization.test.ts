import t from 'tap'
import { authorizerOf, readAcls } from '../src/security/acls.ts'
import { HeartBench } from './support/heart-bench.ts'

const any = { type: 'ANY' }
const none = { type: 'NONE' }
const some = (...values: string[]) => ({ values })
const under = (acls: unknown) => new HeartBench({ authorizer: authorizerOf(readAcls(acls)) })

const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }] }
const info = { name: 'f', user: 'alice' }
let requests = 1_000

/** Subscribes as a principal that was authenticated; answers what the heart said to that. */
function subscribe(bench: HeartBench, principal: string | undefined, framework_info: object) {
  const request = ++requests
  const id = (framework_info as { id?: { value: string } }).id
  const effects = bench.do({
    type: 'CALL',
    request,
    call: {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { ...info, ...framework_info } },
      ...(id ? { framework_id: id } : {}),
    },
    streamId: `s${request}`,
    principal,
  })
  return effects.find(effect => 'request' in effect && effect.request === request)
}

function operate(bench: HeartBench, principal: string | undefined, call: object) {
  const request = --requests
  const effects = bench.do({ type: 'OPERATE', request, call, principal })
  return effects.find(effect => effect.type === 'REPLY' && effect.request === request)
}

t.test('a framework gets the principal that it proved to be, and may not say another', async t => {
  const bench = new HeartBench()
  t.match(subscribe(bench, 'p', {}), { type: 'STREAM_OPENED' })
  t.equal([...bench.heart.cluster.frameworks.values()][0]!.info.principal, 'p')
  t.match(subscribe(bench, 'p', { principal: 'p' }), { type: 'STREAM_OPENED' })
  t.match(subscribe(bench, 'p', { principal: 'q' }), {
    type: 'REPLY',
    status: 400,
    message: /framework_info\.principal/,
  })
})

t.test('nobody takes over the framework of another principal, nor calls in its name', async t => {
  const bench = new HeartBench()
  const opened = subscribe(bench, 'p', { failover_timeout: 60 })
  if (opened?.type !== 'STREAM_OPENED') throw new Error('not opened')
  const id = { value: opened.frameworkId }
  t.match(subscribe(bench, 'q', { id }), { type: 'STREAM_REFUSED', message: /principal is not allowed/ })
  const call = (principal: string) =>
    bench
      .do({
        type: 'CALL',
        request: ++requests,
        call: { type: 'TEARDOWN', framework_id: id },
        streamId: opened.streamId,
        principal,
      })
      .find(effect => effect.type === 'REPLY')
  t.match(call('q'), { status: 400, message: /'q' is not that of the framework/ })
  t.match(call('p'), { status: 202 })
})

t.test('nobody takes over a framework that agents know to be of another principal', async t => {
  const recovered = { info: { hostname: 'h', id: { value: 'S1' } }, state: 'admitted' as const }
  const bench = new HeartBench({}, [{ id: 'S1', entry: recovered }])
  bench.reregister('l1', 'S1', { frameworks: [{ ...info, id: { value: 'f1' }, principal: 'p' }] })
  const id = { value: 'f1' }
  t.match(subscribe(bench, 'q', { id }), { type: 'STREAM_REFUSED', message: /principal is not allowed/ })
  t.match(subscribe(bench, 'p', { id }), { type: 'STREAM_OPENED' })
})

t.test('a framework must be allowed each of its roles', async t => {
  const bench = under({ permissive: false, register_frameworks: [{ principals: some('p'), roles: some('a', 'b') }] })
  t.match(subscribe(bench, 'p', { ...multi, roles: ['a', 'b'] }), { type: 'STREAM_OPENED' })
  t.match(subscribe(bench, 'p', { ...multi, roles: ['a', 'c'] }), {
    type: 'STREAM_REFUSED',
    message: /Not authorized: principal 'p' may not register_frameworks of 'c'/,
  })
  t.match(subscribe(bench, undefined, { role: 'a' }), { type: 'STREAM_REFUSED', message: /without a principal/ })
})

t.test('a framework may not move to a role that it is not allowed', async t => {
  const bench = under({ permissive: false, register_frameworks: [{ principals: some('p'), roles: some('a') }] })
  const opened = subscribe(bench, 'p', { ...multi, roles: ['a'] })
  if (opened?.type !== 'STREAM_OPENED') throw new Error('not opened')
  const update = (roles: string[]) =>
    bench
      .do({
        type: 'CALL',
        request: ++requests,
        call: {
          type: 'UPDATE_FRAMEWORK',
          framework_id: { value: opened.frameworkId },
          update_framework: { framework_info: { ...info, ...multi, roles, id: { value: opened.frameworkId } } },
        },
        streamId: opened.streamId,
        principal: 'p',
      })
      .find(effect => effect.type === 'REPLY')
  t.match(update(['a', 'b']), { status: 403, message: /register_frameworks of 'b'/ })
  t.match(update(['a']), { status: 200 })
  t.same(bench.heart.cluster.frameworks.get(opened.frameworkId)!.roles, ['a'])
})

const rootIsDenied = {
  run_tasks: [
    { principals: any, users: some('alice') },
    { principals: any, users: none },
  ],
}

t.test('a task as a user that its framework may not be is an error; the others launch', async t => {
  const bench = under(rootIsDenied)
  bench.agent('l1')
  const framework = bench.framework(info)
  bench.launch(
    framework,
    bench.offers(framework.stream)[0]!,
    { task_id: { value: 'bad' }, command: { value: 'id', user: 'root' } },
    { task_id: { value: 'good' }, command: { value: 'id' } },
  )
  t.match(bench.updates(framework.stream), [
    { task_id: { value: 'bad' }, state: 'TASK_ERROR', reason: 'REASON_TASK_UNAUTHORIZED' },
  ])
  t.ok(bench.heart.cluster.tasks.get(framework.id, 'good'))
  t.notOk(bench.heart.cluster.tasks.get(framework.id, 'bad'))
})

t.test('operators change only what they may: 403 before anything is done', async t => {
  const bench = under({
    permissive: false,
    register_frameworks: [{ principals: any, roles: any }],
    teardown_frameworks: [{ principals: some('ops'), framework_principals: some('p') }],
  })
  const opened = subscribe(bench, 'p', {})
  if (opened?.type !== 'STREAM_OPENED') throw new Error('not opened')
  const teardown = { type: 'TEARDOWN', teardown: { framework_id: { value: opened.frameworkId } } }
  t.match(operate(bench, 'other', teardown), { status: 403, message: /may not teardown_frameworks of 'p'/ })
  t.match(operate(bench, undefined, teardown), { status: 403 })
  t.equal(bench.heart.cluster.frameworks.size, 1)
  t.match(operate(bench, 'ops', teardown), { status: 200 })
  const agent_id = { value: 'S0' }
  const calls = [
    { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role: 'a', weight: 2 }] } },
    { type: 'UPDATE_QUOTA', update_quota: { quota_configs: [{ role: 'a' }] } },
    { type: 'SET_QUOTA', set_quota: { quota_request: { role: 'a' } } },
    { type: 'REMOVE_QUOTA', remove_quota: { role: 'a' } },
    { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: {} } },
    { type: 'START_MAINTENANCE', start_maintenance: {} },
    { type: 'STOP_MAINTENANCE', stop_maintenance: {} },
    { type: 'DRAIN_AGENT', drain_agent: { agent_id } },
    { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id } },
    { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } },
    { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } },
    { type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1, duration: {} } },
    { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources: [{ name: 'cpus', role: 'a' }] } },
    { type: 'UNRESERVE_RESOURCES', unreserve_resources: { agent_id, resources: [{ name: 'cpus', role: 'a' }] } },
    { type: 'CREATE_VOLUMES', create_volumes: { agent_id, volumes: [{ name: 'disk' }] } },
    { type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes: [{ name: 'disk' }] } },
    { type: 'GROW_VOLUME', grow_volume: { agent_id, volume: { name: 'disk' }, addition: { name: 'disk' } } },
    { type: 'SHRINK_VOLUME', shrink_volume: { agent_id, volume: { name: 'disk' }, subtract: { value: 1 } } },
  ]
  for (const call of calls) t.match(operate(bench, 'ops', call), { status: 403 }, call.type)
})

t.test('to drain an agent and to mark it gone then needs both', async t => {
  const bench = under({ mark_agents_gone: [{ principals: any, agents: none }] })
  const drain = (mark_gone: boolean) => ({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: 'S9' }, mark_gone } })
  t.match(operate(bench, 'ops', drain(true)), { status: 403, message: /mark_agents_gone/ })
  t.not((operate(bench, 'ops', drain(false)) as { status: number }).status, 403)
})

t.test("an agent's id belongs to who registered it, also with a new leader and when it was unreachable", async t => {
  const config = { authenticateAgents: true, agentSilence: 2_000 }
  const bench = new HeartBench(config)
  const id = bench.agent('l1')
  const impostor = (bench: HeartBench) => {
    bench.forgetEffects()
    bench.reregister('l2', id)
    return bench.sent('l2')
  }
  const refusal = [{ shutdown: { message: /belongs to another one than 'l2'/ } }]
  t.match(impostor(bench), refusal, 'while it is there')
  t.equal(bench.heart.cluster.agents.get(id)!.link, 'l1')
  const next = new HeartBench(config, [...bench.registry.values()])
  t.match(impostor(next), refusal, 'with a new leader')
  next.reregister('l1', id)
  t.match(next.sent('l1'), [{ reregistered: { agent_id: { value: id } } }])
  bench.agent('l3')
  bench.pass(5, ['l3'])
  t.equal(bench.registry.get(id)!.entry.state, 'unreachable')
  t.match(impostor(bench), refusal, 'when it is unreachable')
  bench.reregister('l1', id)
  t.equal(bench.heart.cluster.agents.get(id)!.link, 'l1')
})

t.test('an agent that registered before links counted is taken for that of the next link that comes', async t => {
  const before = new HeartBench()
  const id = before.agent('l1')
  const bench = new HeartBench({ authenticateAgents: true }, [...before.registry.values()])
  bench.reregister('l1', id)
  t.match(bench.registry.get(id)!.entry, { state: 'admitted', link: 'l1' }, 'and that is written')
  bench.reregister('l2', id)
  t.match(bench.sent('l2'), [{ shutdown: {} }])
})

t.test('agents must be allowed to register', async t => {
  const bench = under({ permissive: false, register_agents: [{ principals: some('l1'), agents: any }] })
  t.not(bench.agent('l1'), '')
  t.equal(bench.agent('l2'), '')
  t.match(bench.sent('l2'), [{ shutdown: { message: /principal 'l2' may not register_agents/ } }])
})
