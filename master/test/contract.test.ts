import { decode, encode, parseJson } from '@meseta/common/protocol/codec'
import type { MasterCall } from '@meseta/common/protocol/mesos'
import t from 'tap'
import type { OwnProcess } from '../src/api/own-process.ts'
import { type Leadership, Routes } from '../src/api/routes.ts'
import type { ApiAnswer, ReadReply } from '../src/api/transport.ts'
import { flagTexts } from '../src/flag-texts.ts'
import { masterFlags } from '../src/flags.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

// What holds for every endpoint (Mesos contract 1, 2.1), line by line.

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const follower = await ground.master()
const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
t.teardown(() => agent.stop())
await agent.registered()

const json = { 'content-type': 'application/json' }
const leaders = [
  '/state',
  '/state-summary',
  '/slaves',
  '/frameworks',
  '/tasks',
  '/roles',
  '/weights',
  '/quota',
  '/reserve',
  '/unreserve',
  '/create-volumes',
  '/destroy-volumes',
  '/teardown',
  '/maintenance/schedule',
  '/maintenance/status',
  '/machine/down',
  '/machine/up',
  '/api/v1',
  '/api/v1/scheduler',
  '/explain/task',
]
const everybodys = ['/health', '/flags', '/version', '/metrics/snapshot', '/logging/toggle', '/files/debug']

t.test('a master that does not lead points to the one that does, whatever the method, path and query', async t => {
  const location = (path: string) => `//${new URL(url).host}${path}`
  for (const route of leaders)
    for (const [method, path] of [
      ['GET', route],
      ['POST', `/master${route}?a=b&c=%20d`],
    ] as const)
      t.match(await send(follower + path, method, {}), { status: 307, headers: { location: location(path) } }, path)
  t.match(await send(`${follower}/redirect`, 'GET', {}), { status: 307, headers: { location: location('') } })
  t.equal((await send(`${follower}/redirect/x`, 'GET', {})).status, 404)
  for (const route of everybodys) t.equal((await send(follower + route, 'GET', {})).status, 200, route)
})

t.test('without a leader, and while it reads its registry', async t => {
  const ask = (leadership: Leadership, path: string): ApiAnswer => {
    const routes = new Routes({ leadership: () => leadership, own: {} as OwnProcess })
    const answers: ApiAnswer[] = []
    const reply = { answer: (answer: ApiAnswer) => answers.push(answer) } as unknown as ReadReply
    void routes.handle({ method: 'POST', path, query: '', headers: {}, body: new Uint8Array() }, reply)
    return answers[0]!
  }
  for (const route of leaders) {
    t.match(ask({ state: 'unknown' }, route), { status: 503, body: 'No leader elected\n' }, route)
    const reads = ask({ state: 'leading', api: undefined }, route)
    t.match(reads, { status: 503, body: 'Master has not finished recovery\n' }, route)
  }
})

t.test('the operator API refuses in the order of the contract', async t => {
  const operator = `${url}/api/v1`
  const cases: [string, Record<string, string>, string, number, RegExp][] = [
    ['GET', { accept: 'text/html' }, '', 405, /POST/],
    ['POST', { accept: 'text/html' }, '{', 400, /Content-Type/],
    ['POST', { 'content-type': 'text/json', accept: 'text/html' }, '{', 415, /Content-Type/],
    ['POST', { ...json, accept: 'text/html' }, '{', 400, /parse/],
    ['POST', { ...json, accept: 'text/html' }, '{}', 400, /validate/],
    ['POST', { ...json, accept: 'text/html' }, '{"type":"GET_HEALTH"}', 406, /Accept/],
    ['POST', { ...json, accept: 'text/html' }, '{"type":"GET_METRICS"}', 400, /get_metrics/],
    ['POST', { 'content-type': 'application/json; charset=utf-8' }, '{"type":"GET_HEALTH"}', 200, /healthy/],
  ]
  for (const [method, headers, body, status, text] of cases)
    t.match(await send(operator, method, headers, body), { status, text }, `${method} ${body} ${status}`)
})

t.test('Accept matters to two scheduler calls alone', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  const call = (body: object) =>
    send(
      `${url}/api/v1/scheduler`,
      'POST',
      { ...json, accept: 'text/html', 'mesos-stream-id': framework.streamId! },
      JSON.stringify({ framework_id: { value: framework.id }, ...body }),
    )
  t.equal((await call({ type: 'REVIVE' })).status, 202)
  t.equal((await call({ type: 'RECONCILE', reconcile: {} })).status, 202)
  t.equal((await call({ type: 'RECONCILE_OPERATIONS', reconcile_operations: {} })).status, 406)
  await framework.call({ type: 'TEARDOWN' })
})

t.test('every read of the operator API says the same as JSON and as protobuf', async t => {
  const calls: MasterCall[] = (
    [
      'GET_HEALTH',
      'GET_VERSION',
      'GET_FLAGS',
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
      'GET_QUOTA',
      'GET_MAINTENANCE_STATUS',
      'GET_MAINTENANCE_SCHEDULE',
    ] as const
  ).map(type => ({ type }))
  const framework = await new FakeScheduler(url).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'shown' } })
  await framework.acknowledge(await framework.update('shown', 'TASK_RUNNING'))
  await framework.call({ type: 'SUPPRESS' })
  for (const call of calls) {
    const asJson = await send(`${url}/api/v1`, 'POST', json, JSON.stringify(call))
    const media = 'application/x-protobuf'
    const response = await fetch(`${url}/api/v1`, {
      method: 'POST',
      headers: { 'content-type': media, accept: media },
      body: Buffer.from(encode('mesos.v1.master.Call', call)),
    })
    t.equal(response.headers.get('content-type'), media)
    const message = decode('mesos.v1.master.Response', new Uint8Array(await response.arrayBuffer()))
    t.same(parseJson('mesos.v1.master.Response', asJson.text), message, call.type!)
  }
  await framework.call({ type: 'TEARDOWN' })
})

t.test('what tools find of the candidates, and the leader says of the others', async t => {
  let records: string[] = []
  const off = ground.election.watch('/', 'json.info_', members => {
    records = members.map(({ data }) => Buffer.from(data).toString())
  })
  t.teardown(off)
  await until(() => records.length === 2, 'both candidates')
  const masters = records.map(record => JSON.parse(record))
  for (const [index, at] of [url, follower].entries()) {
    const port = Number(new URL(at).port)
    t.equal(records[index], JSON.stringify(masters[index]), 'compact')
    t.match(masters[index], {
      id: /^[0-9a-f-]{36}$/,
      address: { hostname: '127.0.0.1', ip: '127.0.0.1', port },
      hostname: '127.0.0.1',
      ip: 16_777_343,
      pid: `master@127.0.0.1:${port}`,
      port,
      version: String,
      capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
    })
  }
  const { leader_info, followers } = await getJson<{ leader_info: object; followers: object[] }>(`${url}/state`)
  const shown = ({ id, pid, port, hostname }: Record<string, unknown>) => ({ id, pid, port, hostname })
  t.match(leader_info, shown(masters[0]))
  t.match(followers, [shown(masters[1])])
  t.equal(followers.length, 1)
})

t.test('a word about who calls is passed over where nobody is asked', async t => {
  for (const authorization of ['Basic Og==', 'Bearer x', 'nonsense'])
    t.equal((await send(`${url}/state`, 'GET', { authorization })).status, 200, authorization)
})

t.test('ids are made of the master, and what they name', async t => {
  const { id } = await getJson<{ id: string }>(`${url}/state`)
  t.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.equal(agent.id, `${id}-S0`)
  const framework = await new FakeScheduler(url).subscribe()
  t.match(framework.id, new RegExp(`^${id}-\\d{4}$`))
  t.match((await framework.offers())[0]!.id.value, new RegExp(`^${id}-O\\d+$`))
  await framework.call({ type: 'TEARDOWN' })
})

t.test('what is null is unset, and an enum name that is not known too unless it is required', async t => {
  const call = (body: object) => send(`${url}/api/v1`, 'POST', json, JSON.stringify(body))
  t.equal((await call({ type: 'GET_HEALTH', get_metrics: null, reserve_resources: null, more: { x: 1 } })).status, 200)
  t.match(await call({ type: 'GET_METRICS', get_metrics: null }), { status: 400, text: /get_metrics/ })
  const constraint = { selector: { pseudoattribute_type: 'PLANET' }, predicate: { exists: {} } }
  const framework = new FakeScheduler(url, { role: 'r' })
  await framework.subscribe({
    offer_constraints: { role_constraints: { r: { groups: [{ attribute_constraints: [constraint as never] }] } } },
  })
  await framework.isClosed()
  t.equal(framework.id, undefined, 'a selector of nothing is refused')
})

t.test('the names of versions, that clients split into three numbers', async t => {
  const plain = /^\d+\.\d+\.\d+$/
  t.match((await getJson<{ version: string }>(`${url}/version`)).version, plain)
  const { version, slaves } = await getJson<{ version: string; slaves: { version: string }[] }>(`${url}/state`)
  t.match([version, slaves[0]!.version], [plain, plain])
})

t.test('flags are shown as the original writes them', async t => {
  const shown = flagTexts(masterFlags, {
    port: 5050,
    agent_ping_timeout: 15_000,
    agent_reregister_timeout: 600_000,
    registry_max_agent_age: 1_209_600_000,
    allocation_interval: 1_500,
    http_cors_allowed_origins: ['http://a', 'http://b'],
    fair_sharing_excluded_resource_names: [],
    root_submissions: true,
    zk: 'zk://user:secret@h:2181/mesos',
  })
  t.same(shown, {
    port: '5050',
    agent_ping_timeout: '15secs',
    agent_reregister_timeout: '10mins',
    registry_max_agent_age: '2weeks',
    allocation_interval: '1500ms',
    http_cors_allowed_origins: 'http://a,http://b',
    root_submissions: 'true',
    zk: 'zk://[hidden]@h:2181/mesos',
  })
  t.same(ground.fatal, [])
})
