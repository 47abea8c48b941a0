import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { decode, encode } from '@meseta/common/protocol/codec'
import type { MasterEvent, SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send, taskInfo } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const agent = new FakeAgent({
  bus: ground.bus,
  link: 'agent-1',
  attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'ä' } }],
})
t.teardown(() => agent.stop())
await agent.registered()

const json = { 'content-type': 'application/json' }
const scheduler = `${url}/api/v1/scheduler`
const operator = `${url}/api/v1`
const subscription = { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } }

t.test('the scheduler API refuses in the order of the contract', async t => {
  const refusals: [string, Promise<{ status: number; text: string; headers: object }>, number, RegExp?][] = [
    ['another method', send(scheduler, 'GET', {}), 405],
    ['no Content-Type', send(scheduler, 'POST', {}, '{}'), 400, /Content-Type/],
    ['another Content-Type', send(scheduler, 'POST', { 'content-type': 'text/plain' }, '{}'), 415],
    ['no JSON', send(scheduler, 'POST', json, '{'), 400, /JSON/],
    ['no type', send(scheduler, 'POST', json, '{}'), 400, /type/],
    ['an unknown type', send(scheduler, 'POST', json, '{"type":"NONSENSE"}'), 400],
    ['no protobuf', send(scheduler, 'POST', { 'content-type': 'application/x-protobuf' }, 'ÿÿÿ'), 400],
    ['SUBSCRIBE without its body', send(scheduler, 'POST', json, '{"type":"SUBSCRIBE"}'), 400, /subscribe/],
    [
      'a required field missing',
      send(scheduler, 'POST', json, '{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u"}}}'),
      400,
      /framework_info\.name/,
    ],
    [
      'two framework ids',
      send(scheduler, 'POST', json, JSON.stringify({ ...subscription, framework_id: { value: 'x' } })),
      400,
      /framework_id/,
    ],
    [
      'Accept that is neither',
      send(scheduler, 'POST', { ...json, accept: 'text/html' }, JSON.stringify(subscription)),
      406,
    ],
    [
      'a stream id on SUBSCRIBE',
      send(scheduler, 'POST', { ...json, 'mesos-stream-id': 'x' }, JSON.stringify(subscription)),
      400,
      /Mesos-Stream-Id/,
    ],
    ['no framework_id', send(scheduler, 'POST', json, '{"type":"REVIVE"}'), 400, /framework_id/],
    [
      'an unknown framework',
      send(scheduler, 'POST', json, '{"type":"REVIVE","framework_id":{"value":"x"}}'),
      400,
      /Framework cannot be found/,
    ],
    [
      'ACCEPT without its body',
      send(scheduler, 'POST', json, '{"type":"ACCEPT","framework_id":{"value":"x"}}'),
      400,
      /accept/,
    ],
    [
      'a uuid that is none',
      send(
        scheduler,
        'POST',
        json,
        '{"type":"ACKNOWLEDGE","framework_id":{"value":"x"},"acknowledge":{"agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":"AAAA"}}',
      ),
      400,
      /uuid/,
    ],
    [
      'a field of a wrong type',
      send(
        scheduler,
        'POST',
        json,
        '{"type":"DECLINE","framework_id":{"value":"x"},"decline":{"offer_ids":[{"value":7}]}}',
      ),
      400,
      /offer_ids\[0\]\.value/,
    ],
    ['a body over 16 MiB', send(scheduler, 'POST', json, Buffer.alloc(17 * 1024 * 1024, 32)), 413],
  ]
  for (const [what, answer, status, message] of refusals) {
    const { status: given, text, headers } = await answer
    t.equal(given, status, `${what}: ${text.slice(0, 100)}`)
    if (message) t.match(text, message, what)
    if (status === 405) t.match(headers, { allow: 'POST' })
  }
})

t.test('calls need a subscribed framework and its current stream', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  const revive = JSON.stringify({ type: 'REVIVE', framework_id: { value: framework.id } })
  t.match(await send(scheduler, 'POST', json, revive), { status: 400, text: /Mesos-Stream-Id/ })
  t.match(await send(scheduler, 'POST', { ...json, 'mesos-stream-id': 'other' }, revive), { status: 400 })
  t.match(await send(scheduler, 'POST', { ...json, 'mesos-stream-id': framework.streamId! }, revive), {
    status: 202,
    text: '',
  })
  t.equal((await framework.call({ type: 'UNKNOWN' })).status, 501)
  framework.break()
  await until(async () => (await framework.call({ type: 'REVIVE' })).status === 403, 'the broken stream to be noticed')
  t.match(await send(scheduler, 'POST', json, revive), { status: 403, text: /not subscribed/ })
  await framework.subscribe()
  await framework.call({ type: 'TEARDOWN' })
})

/** The raw chunks of a stream's first events. */
function chunks(
  body: string | Uint8Array,
  headers: Record<string, string>,
  wanted: number,
): Promise<{ head: string; chunks: Buffer[] }> {
  return new Promise((done, failed) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const fields = { host: `${hostname}:${port}`, 'content-length': String(Buffer.byteLength(body)), ...headers }
    socket.write(
      `POST /api/v1/scheduler HTTP/1.1\r\n${Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    )
    socket.write(body)
    let received = Buffer.alloc(0)
    socket.on('error', failed)
    socket.on('data', data => {
      received = Buffer.concat([received, data])
      const at = received.indexOf('\r\n\r\n')
      if (at < 0) return
      const found: Buffer[] = []
      let rest = received.subarray(at + 4)
      for (;;) {
        const line = rest.indexOf('\r\n')
        if (line < 0) break
        const length = Number.parseInt(rest.subarray(0, line).toString('latin1'), 16)
        if (rest.length < line + 2 + length + 2) break
        found.push(Buffer.from(rest.subarray(line + 2, line + 2 + length)))
        rest = rest.subarray(line + 2 + length + 2)
      }
      if (found.length < wanted) return
      socket.destroy()
      done({ head: received.subarray(0, at).toString('latin1'), chunks: found })
    })
  })
}

t.test('a stream has exactly one record in a chunk, compact and in ASCII', async t => {
  const body = JSON.stringify({ type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'ü', name: 'näme ☃' } } })
  const { head, chunks: found } = await chunks(body, { ...json, connection: 'close' }, 3)
  t.match(head, /^HTTP\/1\.1 200/)
  t.match(head, /\r\ntransfer-encoding: chunked/i)
  t.match(head, /\r\nmesos-stream-id: [0-9a-f-]{36}/i)
  t.match(head, /\r\ncontent-type: application\/json\r?/i)
  const events = found.slice(0, 3).map(chunk => {
    const text = chunk.toString('latin1')
    const [, length, record] = /^(\d+)\n(.*)$/s.exec(text)!
    t.equal(record!.length, Number(length), 'the length and its record are the chunk')
    t.notMatch(record!, /[\n\u0080-\uffff]/)
    return JSON.parse(record!) as SchedulerEvent
  })
  t.match(events[0], {
    type: 'SUBSCRIBED',
    subscribed: { heartbeat_interval_seconds: 15, master_info: { port: Number(new URL(url).port) } },
  })
  t.match(events[1], { type: 'HEARTBEAT' })
  t.match(events[2], { type: 'OFFERS' })
  t.equal(events[2]!.offers!.offers![0]!.attributes![0]!.text!.value, 'ä')
})

t.test('protobuf both ways', async t => {
  const call: SchedulerCall = { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } }
  const { head, chunks: found } = await chunks(
    Buffer.from(encode('mesos.v1.scheduler.Call', call)),
    { 'content-type': 'application/x-protobuf', accept: 'application/x-protobuf' },
    2,
  )
  t.match(head, /content-type: application\/x-protobuf/i)
  const decoder = new RecordDecoder()
  const [subscribed] = found
    .flatMap(chunk => decoder.push(chunk))
    .map(record => decode('mesos.v1.scheduler.Event', record))
  t.match(subscribed, { type: 'SUBSCRIBED', subscribed: { framework_id: { value: String } } })
})

t.test('what clients send that is not quite the protocol', async t => {
  const lenient = {
    type: 'SUBSCRIBE',
    framework_id: null,
    subscribe: {
      framework_info: {
        user: 'u',
        name: 'n',
        failover_timeout: '5.5',
        checkpoint: 'true',
        roles: 'a',
        capabilities: { type: 'MULTI_ROLE' },
        id: null,
        webui_url: null,
      },
      unknown: 1,
    },
  }
  const answer = await new Promise<{ status: number; first: SchedulerEvent }>((done, failed) => {
    const request = httpRequest(scheduler, { method: 'POST', headers: json }, response => {
      response.once('data', (chunk: Buffer) => {
        request.destroy()
        done({ status: response.statusCode!, first: JSON.parse(chunk.toString().replace(/^\d+\n/, '')) })
      })
    })
    request.on('error', error => (error.message.includes('hang up') ? undefined : failed(error)))
    request.end(JSON.stringify(lenient))
  })
  t.match(answer, { status: 200, first: { type: 'SUBSCRIBED' } })
  const id = answer.first.subscribed!.framework_id.value
  const { frameworks } = await getJson<{ frameworks: object[] }>(`${url}/frameworks?framework_id=${id}`)
  t.match(frameworks, [{ id, roles: ['a'], failover_timeout: 5.5, checkpoint: true }])
  t.notOk('role' in frameworks[0]!)
})

t.test('subscriptions that are refused still get a stream, with one ERROR', async t => {
  const refused = async (info: object, more: object = {}) => {
    const framework = new FakeScheduler(url, info)
    await framework.subscribe(more)
    t.equal(framework.id, (info as { id?: { value: string } }).id?.value)
    await framework.isClosed()
    t.same(framework.events, [], 'nothing follows')
  }
  await refused({ roles: ['a'] })
  await refused({ role: 'a', roles: ['b'], capabilities: [{ type: 'MULTI_ROLE' }] })
  await refused({ roles: ['a', 'a'], capabilities: [{ type: 'MULTI_ROLE' }] })
  await refused({ role: '/a' })
  await refused({ id: { value: '../etc' } })
  await refused({ failover_timeout: -1 })
  await refused({ role: 'a' }, { suppressed_roles: ['b'] })
  await refused({ role: 'a' }, { offer_constraints: { role_constraints: { b: { groups: [] } } } })
  await refused({ role: '__proto__/..' })
})

t.test('the older endpoints', async t => {
  for (const path of ['/state', '/master/state', '/state.json', '/master/state.json', '/state/', '/state/what/ever'])
    t.equal((await getJson(url + path)).leader, `master@127.0.0.1:${new URL(url).port}`, path)
  t.equal((await fetch(`${url}/stateful`)).status, 404)
  t.match(await send(`${url}/slaves/${agent.id}`, 'POST', {}), { status: 200, text: new RegExp(agent.id!) })
  t.match(await send(`${url}/tasks/`, 'POST', {}), { status: 200 })
  t.match(await send(`${url}/flags`, 'POST', {}), { status: 405 })
  t.match(await getJson(`${url}/flags`), { flags: { agent_ping_timeout: '15secs', port: '0' } })
  t.match(await send(`${url}/health`, 'GET', {}), { status: 200, text: '' })
  t.match(await getJson(`${url}/version`), { version: /^\d+\.\d+\.\d+$/ })
  t.match(await send(`${url}/redirect`, 'GET', {}), {
    status: 307,
    headers: { location: `//127.0.0.1:${new URL(url).port}` },
  })
  t.match(await send(`${url}/redirect/x`, 'GET', {}), { status: 404 })
  t.match(await send(`${url}/`, 'GET', {}), { status: 200 })
  const jsonp = await send(`${url}/master/state?jsonp=angular.callbacks._0`, 'GET', {})
  t.match(jsonp.headers['content-type'], /^text\/javascript/)
  t.match(jsonp.text, /^angular\.callbacks\._0\(\{.*\}\);$/s)
  t.equal((await send(`${url}/state?jsonp=alert(1)//`, 'GET', {})).status, 400)
  t.equal((await send(`${url}/state?jsonp=${'f'.repeat(201)}`, 'GET', {})).status, 400)
  t.match(await getJson(`${url}/roles`), { roles: Array })
  t.match(await getJson(`${url}/metrics/snapshot`), {
    'master/elected': 1,
    'master/slaves_active': 1,
    'master/cpus_total': 4,
    'master/tasks_running': Number,
    'allocator/mesos/allocation_runs': Number,
    'system/cpus_total': Number,
  })
  const { slaves } = await getJson<{ slaves: object[] }>(`${url}/slaves`)
  t.match(slaves, [
    {
      id: agent.id,
      pid: 'slave(1)@127.0.0.1:5051',
      resources: { cpus: 4, gpus: 0, ports: '[31000-31100]' },
      attributes: { rack: 'ä' },
      unreserved_resources_full: [{ name: 'cpus', role: '*' }, {}, {}, {}],
      active: true,
      deactivated: false,
    },
  ])
})

t.test('what Accept refuses is not sent, the more specific of two deciding', async t => {
  for (const [accept, type] of [
    ['application/json;q=0, application/x-protobuf', 'application/x-protobuf'],
    ['application/json;q=0, */*', 'application/x-protobuf'],
    ['application/*;q=0, application/json', 'application/json'],
    ['*/*;q=0.1', 'application/json'],
  ] as const) {
    const answer = await send(operator, 'POST', { ...json, accept }, '{"type":"GET_HEALTH"}')
    t.match(answer, { status: 200, headers: { 'content-type': type } }, accept)
  }
  t.equal((await send(operator, 'POST', { ...json, accept: '*/*;q=0' }, '{"type":"GET_HEALTH"}')).status, 406)
})

t.test('the metrics follow what a framework suppresses and revives', async t => {
  const framework = await new FakeScheduler(url, { name: 'a b', role: 'r' }).subscribe()
  const suppressed = async () =>
    (await getJson(`${url}/metrics/snapshot`))[`frameworks/a%20b/${framework.id}/roles/r/suppressed`]
  t.equal(await suppressed(), 0)
  await framework.call({ type: 'SUPPRESS' })
  t.equal(await suppressed(), 1)
  await framework.call({ type: 'REVIVE' })
  t.equal(await suppressed(), 0)
  await framework.call({ type: 'TEARDOWN' })
})

t.test('what the pollers of /state break on is never sent', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  const offer = (await framework.offers())[0]!
  const ports = [{ name: 'ports', type: 'RANGES' as const, ranges: { range: [{ begin: 31_050, end: 31_050 }] } }]
  const discovery = {
    visibility: 'CLUSTER' as const,
    name: 'web',
    ports: { ports: [{ number: 31_050, protocol: 'tcp' }] },
    labels: { labels: [{ key: 'k' }] },
  }
  await framework.launch(offer, {
    task_id: { value: 'polled' },
    resources: [...taskInfo(offer, {}).resources!, ...ports],
    discovery,
    labels: { labels: [{ key: 'a', value: 'b' }] },
  })
  await framework.acknowledge(await framework.update('polled', 'TASK_RUNNING'))
  interface Shown {
    id: string
    tasks: { resources: object; discovery: object; labels: object; executor_id: string; statuses: object[] }[]
  }
  const state = await getJson<{ frameworks: Shown[] }>(`${url}/state`)
  const shown = state.frameworks.find(({ id }) => id === framework.id)!
  t.notOk('pid' in shown)
  const task = shown.tasks[0]!
  t.match(task.resources, { ports: '[31050-31050]' })
  t.match(task.discovery, { ports: { ports: [{ number: 31_050 }] }, labels: { labels: [{ key: 'k' }] } })
  t.same(task.labels, [{ key: 'a', value: 'b' }])
  t.equal(task.executor_id, '')
  t.match(task.statuses, [
    {
      state: 'TASK_RUNNING',
      container_status: {
        container_id: { value: 'container-polled' },
        network_infos: [{ ip_addresses: [{ ip_address: '127.0.0.1', protocol: 'IPv4' }] }],
      },
    },
  ])
  t.equal(task.statuses.length, 1, 'and STAGING is none of them')
  t.match(await getJson(`${url}/tasks?task_id=polled`), { tasks: [{ id: 'polled' }] })
  t.match(await getJson(`${url}/state-summary`), {
    slaves: [{ TASK_RUNNING: 1, framework_ids: [framework.id] }],
  })
  await framework.call({ type: 'TEARDOWN' })
  await framework.isClosed()
  t.match(await getJson(`${url}/tasks?task_id=polled&limit=-1`), { tasks: [{ state: 'TASK_KILLED' }] })
})

t.test('the operator API', async t => {
  const call = async (body: object, headers: Record<string, string> = json) =>
    send(operator, 'POST', headers, JSON.stringify(body))
  t.match(JSON.parse((await call({ type: 'GET_HEALTH' })).text), { type: 'GET_HEALTH', get_health: { healthy: true } })
  t.match(JSON.parse((await call({ type: 'GET_AGENTS' })).text), {
    get_agents: {
      agents: [
        {
          agent_info: { id: { value: agent.id } },
          active: true,
          total_resources: [{ name: 'cpus', role: '*' }, {}, {}, {}],
        },
      ],
    },
  })
  for (const type of [
    'GET_VERSION',
    'GET_FLAGS',
    'GET_STATE',
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
    'GET_LOGGING_LEVEL',
  ]) {
    const answer = JSON.parse((await call({ type })).text)
    t.equal(answer.type, type)
    t.type(answer[type.toLowerCase()], 'object', type)
  }
  t.match(await call({ type: 'GET_METRICS' }), { status: 400, text: /get_metrics/ })
  t.match(JSON.parse((await call({ type: 'GET_METRICS', get_metrics: {} })).text), { get_metrics: { metrics: Array } })
  t.match(await call({ type: 'TEARDOWN', teardown: { framework_id: { value: 'x' } } }), { status: 400 })
  t.match(await call({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: 'x' } } }), {
    status: 404,
    text: /There is no agent x/,
  })
  t.match(await call({ type: 'READ_LOG' }), { status: 400, text: /read_log/ })
  t.match(await call({ type: 'UNKNOWN' }), { status: 501, text: /UNKNOWN/ })
  t.match(await call({}), { status: 400, text: /type/ })
  t.match(await call({ type: 'GET_STATE' }, { ...json, accept: 'image/png' }), { status: 406 })
  t.match(await call({ type: 'NOPE' }), { status: 400 })
  const raw = await fetch(operator, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/x-protobuf' },
    body: '{"type":"GET_MASTER"}',
  })
  t.match(decode('mesos.v1.master.Response', new Uint8Array(await raw.arrayBuffer())), {
    type: 'GET_MASTER',
    get_master: { master_info: { hostname: '127.0.0.1' } },
  })
})

t.test("the operator's stream: snapshot and events give GET_STATE", async t => {
  const events: MasterEvent[] = []
  const request = httpRequest(operator, { method: 'POST', headers: json }, response => {
    const decoder = new RecordDecoder()
    response.on('error', () => undefined)
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) events.push(JSON.parse(Buffer.from(record).toString()))
    })
  })
  request.on('error', () => undefined)
  request.end('{"type":"SUBSCRIBE"}')
  t.teardown(() => request.destroy())
  await until(() => events.length >= 2, 'the snapshot')
  t.match(events.slice(0, 2), [
    { type: 'SUBSCRIBED', subscribed: { heartbeat_interval_seconds: 15 } },
    { type: 'HEARTBEAT' },
  ])
  const framework = await new FakeScheduler(url).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'watched' } })
  await framework.acknowledge(await framework.update('watched', 'TASK_RUNNING'))
  agent.update('watched', 'TASK_RUNNING', { healthy: true })
  await framework.acknowledge(await framework.update('watched'))
  await framework.call({ type: 'TEARDOWN' })
  await framework.isClosed()
  await until(() => events.some(({ type }) => type === 'FRAMEWORK_REMOVED'), 'the end')
  t.match(
    events
      .slice(2)
      .map(({ type, task_updated: update }) =>
        update ? `${type} ${update.state} ${update.status.healthy ?? ''}`.trim() : type,
      ),
    [
      'FRAMEWORK_ADDED',
      'TASK_ADDED',
      'TASK_UPDATED TASK_RUNNING',
      'TASK_UPDATED TASK_RUNNING true',
      'TASK_UPDATED TASK_KILLED',
      'FRAMEWORK_REMOVED',
    ],
  )
})

t.test('a script says what JSON says, also with the line ends that only scripts know', async t => {
  const framework = await new FakeScheduler(url, { name: 'a\u2028b\u2029c' }).subscribe()
  const { text } = await send(`${url}/frameworks?jsonp=f`, 'GET', {})
  t.match(text, 'a\\u2028b\\u2029c')
  t.notMatch(text, /[\u2028\u2029]/)
  await framework.call({ type: 'TEARDOWN' })
})

t.test('capabilities that this master does not know have a name all the same', async t => {
  const capabilities = [{ type: 'LATER' as 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' as const }]
  const framework = await new FakeScheduler(url, { capabilities }).subscribe()
  const { frameworks } = await getJson<{ frameworks: { id: string; capabilities: string[] }[] }>(`${url}/state-summary`)
  t.same(frameworks.find(({ id }) => id === framework.id)!.capabilities, ['UNKNOWN', 'PARTITION_AWARE'])
  await framework.call({ type: 'TEARDOWN' })
})

t.test('hostile ids and names change nothing else', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  const bad = ['../up', 'a/b', '.', '..', 'x'.repeat(10_000), 'a\u0000b', '']
  for (const value of bad) {
    const offer = (await framework.offers())[0]!
    await framework.launch(offer, { task_id: { value } })
    t.match(
      await framework.update(value),
      { state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', message: /task_id/ },
      JSON.stringify(value.slice(0, 20)),
    )
    await framework.call({ type: 'REVIVE' })
  }
  // Cut in the middle of a character a name is text that protobuf can not carry: the message must be made whole again.
  const odd = `${'x'.repeat(254)}\u{1f600}`
  const again = (await framework.offers())[0]!
  await framework.launch(again, { task_id: { value: 'odd' }, agent_id: { value: odd } })
  t.ok((await framework.update('odd')).message!.isWellFormed())
  await framework.call({ type: 'REVIVE' })
  const offer = (await framework.offers())[0]!
  await framework.launch(offer, { task_id: { value: '__proto__' } })
  await framework.acknowledge(await framework.update('__proto__', 'TASK_RUNNING'))
  t.match(await getJson(`${url}/tasks?task_id=__proto__`), { tasks: [{ id: '__proto__' }] })
  await framework.call({ type: 'TEARDOWN' })
  t.same(ground.fatal, [])
})
