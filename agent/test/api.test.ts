import { truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { decode, encode } from '@meseta/common/protocol/codec'
import type { HealthCheck } from '@meseta/common/protocol/mesos'
import t, { type Test } from 'tap'
import { FakeMaster, newBus, tempFolder, until } from './harness.ts'
import { startComponent } from './running-component.ts'

async function setUp(test: Test, given: Record<string, unknown> = {}) {
  const folder = await tempFolder(test)
  const bus = newBus()
  const master = new FakeMaster(bus, 'meseta')
  const fatal: string[] = []
  const handle = await startComponent(
    bus,
    {
      work_dir: folder,
      resources: 'cpus:2;mem:1024;gpus:0',
      attributes: 'rack:2;zone:a',
      switch_user: false,
      ...given,
    },
    error => fatal.push(error.message),
  )
  test.teardown(async () => {
    await fetch(`${handle.url}/meseta/v1/stop-tasks`, { method: 'POST' })
    await handle.stop()
    await master.stop()
    await bus.close()
  })
  await master.registered()
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(handle.url + path, init)
    return { status: answer.status, text: await answer.text(), headers: answer.headers }
  }
  const json = async (path: string) => JSON.parse((await get(path)).text)
  const call = async (body: object, headers: Record<string, string> = {}) =>
    get('/api/v1', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    })
  const file = (path: string) => `path=${encodeURIComponent(path)}`
  return { folder, master, handle, get, json, call, file, fatal }
}

const sandbox = '/frameworks/fw-1/executors/web/runs/latest'

t.test('the agent registers with what it has, and the machine fills in what no flag names', async test => {
  const { master, json } = await setUp(test)
  const info = master.received.find(message => message.register)?.register?.agent_info
  test.match(info, {
    hostname: '127.0.0.1',
    attributes: [
      { name: 'rack', type: 'SCALAR' },
      { name: 'zone', type: 'TEXT' },
    ],
  })
  test.strictSame(info?.resources?.map(resource => resource.name).sort(), ['cpus', 'disk', 'mem', 'ports'])
  test.match(info?.resources?.find(resource => resource.name === 'ports')?.ranges, {
    range: [{ begin: 31000, end: 32000 }],
  })
  test.match(await json('/state'), {
    id: 'agent-1',
    pid: /^slave\(1\)@127\.0\.0\.1:\d+$/,
    version: '1.11.0',
    resources: { cpus: 2, mem: 1024, gpus: 0, ports: '[31000-32000]' },
    attributes: { rack: 2, zone: 'a' },
    frameworks: [],
  })
})

t.test('state, containers, statistics and metrics show a running task under every name of the routes', async test => {
  const { master, json, get, call } = await setUp(test)
  master.run('web', 'sleep 1000', { labels: { labels: [{ key: 'a', value: 'b' }] } })
  await master.status('web', 'TASK_RUNNING')
  for (const path of ['/state', '/slave(1)/state', '/slave%281%29/state.json', '/state/', '/state.json?x=1']) {
    const task = (await json(path)).frameworks[0].executors[0].tasks[0]
    test.match(task, {
      id: 'web',
      executor_id: '',
      slave_id: 'agent-1',
      state: 'TASK_RUNNING',
      role: '*',
      labels: [{ key: 'a', value: 'b' }],
      statuses: [
        { state: 'TASK_STARTING' },
        { container_status: { network_infos: [{ ip_addresses: [{ ip_address: '127.0.0.1' }] }] } },
      ],
    })
  }
  test.match(await json('/containers'), [
    {
      framework_id: 'fw-1',
      executor_id: 'web',
      container_id: String,
      status: { executor_pid: Number },
      statistics: { processes: Number, mem_rss_bytes: Number },
    },
  ])
  test.strictSame(await json('/containers?framework_id=other'), [])
  test.equal((await get('/containers?executor_id=web')).status, 400)
  test.match(await json('/monitor/statistics'), [{ source: 'web', statistics: { timestamp: Number } }])
  test.match(await json('/metrics/snapshot'), {
    'slave/cpus_utilization': Number,
    'slave/mem_utilization': Number,
    'slave/disk_utilization': Number,
    'slave/load_utilization': Number,
    'slave/tasks_running': 1,
    'slave/registered': 1,
    'slave/cpus_total': 2,
  })
  test.equal((await get('/version?jsonp=f')).text.slice(0, 12), 'f({"version"')
  test.equal((await get('/health')).text, '')
  test.match(JSON.parse((await call({ type: 'GET_TASKS' })).text), {
    get_tasks: { launched_tasks: [{ name: 'web', state: 'TASK_RUNNING' }] },
  })
  test.match(JSON.parse((await call({ type: 'GET_CONTAINERS' })).text), {
    get_containers: { containers: [{ executor_name: /^Command Executor/ }] },
  })
  test.match(JSON.parse((await call({ type: 'GET_AGENT' })).text), {
    get_agent: { agent_info: { id: { value: 'agent-1' } } },
  })
  for (const type of ['GET_HEALTH', 'GET_VERSION', 'GET_FLAGS', 'GET_STATE', 'GET_EXECUTORS', 'GET_FRAMEWORKS'])
    test.match(JSON.parse((await call({ type })).text), { type, [type.toLowerCase()]: Object }, type)
})

t.test('the v1 call endpoint refuses what its contract refuses, in JSON and protobuf', async test => {
  const { get, call } = await setUp(test)
  const post = (body: string | Uint8Array, headers: Record<string, string>) =>
    get('/api/v1', { method: 'POST', body: body as BodyInit, headers })
  test.equal((await get('/api/v1')).status, 405)
  test.equal((await post(new Uint8Array(), {})).status, 400)
  test.equal((await post('{}', { 'content-type': 'text/plain' })).status, 415)
  test.equal((await post('{', { 'content-type': 'application/json' })).status, 400)
  test.equal((await post('{}', { 'content-type': 'application/recordio' })).status, 400)
  test.equal((await call({ type: 'GET_HEALTH' }, { accept: 'text/html' })).status, 406)
  test.equal((await call({ type: 'GET_METRICS' })).status, 400)
  const refused = await call({ type: 'LAUNCH_CONTAINER', launch_container: { container_id: { value: 'x' } } })
  test.match(refused, { status: 501, text: /LAUNCH_CONTAINER is not supported yet/ })
  test.match(await call({ type: 'READ_FILE', read_file: { path: 7 } }), { status: 400, text: /read_file/ })
  const answer = await fetch(`${(await setUp(test)).handle.url}/api/v1`, {
    method: 'POST',
    body: encode('mesos.v1.agent.Call', { type: 'GET_HEALTH' }) as BodyInit,
    headers: { 'content-type': 'application/x-protobuf', accept: 'application/x-protobuf' },
  })
  test.match(decode('mesos.v1.agent.Response', new Uint8Array(await answer.arrayBuffer())), {
    get_health: { healthy: true },
  })
})

t.test('files are read by their virtual and real paths, and the follow idiom sees a live log', async test => {
  const { folder, master, get, json, file } = await setUp(test)
  master.run(
    'web',
    'mkdir sub; echo deep > sub/file.txt; printf "héllo\\nworld\\n"; until [ -f more ]; do sleep 0.02; done; echo more; sleep 1000',
  )
  await master.status('web', 'TASK_RUNNING')
  const real = `${folder}/slaves/agent-1${sandbox}`
  await until('the output', async () => (await json(`/files/read?${file(`${sandbox}/stdout`)}`)).offset === 13)
  for (const path of [sandbox, real]) {
    test.strictSame(await json(`/files/read?${file(`${path}/stdout`)}&offset=0`), { data: 'héllo\nworld\n', offset: 0 })
    const listed = await json(`/files/browse?${file(path)}`)
    test.match(
      listed.find((entry: { path: string }) => entry.path === `${path}/sub`),
      { mode: /^drwx/, uid: 'root', nlink: Number },
    )
  }
  test.strictSame(
    await json(`/files/read?${file(`${sandbox}/stdout`)}&offset=0&length=2`),
    { data: 'h', offset: 0 },
    'no half character',
  )
  test.strictSame(await json(`/files/read?${file(`${sandbox}/stdout`)}&offset=99`), { data: '', offset: 99 })
  await writeFile(join(real, 'more'), '')
  const more = await until('the live log to go on', async () => {
    const { data } = await json(`/files/read?${file(`${sandbox}/stdout`)}&offset=13`)
    return data !== '' && data
  })
  test.equal(more, 'more\n')
  const download = await get(`/files/download?${file(`${sandbox}/sub/file.txt`)}`)
  test.match([download.text, download.headers.get('content-type')], ['deep\n', 'text/plain'])
  test.match((await json(`/files/read?path=/slave/log&offset=0`)).data, /^\{"level":|^$/)
  test.equal((await json('/files/debug'))[sandbox]?.startsWith(`${folder}/slaves/agent-1/frameworks/fw-1`), true)
})

t.test('a file that is cut short while it is sent ends the answer, which does not wait for the rest', async test => {
  const { folder, master, handle, file } = await setUp(test)
  master.run('web', 'sleep 1000')
  await master.status('web', 'TASK_RUNNING')
  const big = `${folder}/slaves/agent-1${sandbox}/big`
  await writeFile(big, '')
  await truncate(big, 256 * 1024 * 1024)
  const answer = await fetch(`${handle.url}/files/download?${file(`${sandbox}/big`)}`)
  const reader = answer.body!.getReader()
  await reader.read()
  await truncate(big, 0)
  const rest = async () => {
    while (!(await reader.read()).done);
  }
  await test.rejects(rest(), { message: 'terminated' })
})

t.test('nothing outside a sandbox is shown, and errors have the words of the contract', async test => {
  const { folder, master, get, file } = await setUp(test)
  await writeFile(join(folder, 'secret'), 'secret')
  master.run('web', `ln -s ${folder}/secret leak; ln -s / root; mkfifo pipe; mkdir sub; echo ready; sleep 1000`)
  await master.status('web', 'TASK_RUNNING')
  await until('the sandbox', async () =>
    (await get(`/files/read?${file(`${sandbox}/stdout`)}&offset=0`)).text.includes('ready'),
  )
  const read = (path: string, rest = '&offset=0') => get(`/files/read?${file(path)}${rest}`)
  const answers: [Promise<{ status: number; text: string }>, number, RegExp | string][] = [
    [get('/files/read'), 400, "Expecting 'path=value' in query.\n"],
    [read(`${sandbox}/stdout`, '&offset=hello'), 400, "Failed to parse offset: Failed to convert 'hello' to number.\n"],
    [read(`${sandbox}/stdout`, '&offset=-2'), 400, 'Negative offset provided: -2.\n'],
    [read(`${sandbox}/stdout`, '&offset=0&length=-2'), 400, 'Negative length provided: -2.\n'],
    [read(`${sandbox}/sub`), 400, 'Cannot read a directory.\n'],
    [get(`/files/download?${file(`${sandbox}/sub`)}`), 400, 'Cannot download a directory.\n'],
    [read(`${sandbox}/leak`), 400, `'${sandbox}/leak' is inaccessible\n`],
    [read(`${sandbox}/root/etc/passwd`), 400, /is inaccessible\n$/],
    [read(`${sandbox}/../../../../../../../../secret`), 400, /is inaccessible\n$/],
    [read(`${sandbox}/pipe`), 400, /no regular file/],
    [read(`${sandbox}/nothing`), 404, /./],
    [read(`${folder}/secret`), 404, /./],
    [read('/frameworks/../executors/web/runs/latest/stdout'), 404, /./],
    [read('/etc/passwd'), 404, /./],
    [read(`${sandbox}/a\0b`), 404, /./],
    [read(`${sandbox}/${'x'.repeat(9_000)}`), 404, /./],
  ]
  for (const [answer, status, text] of answers) {
    const got = await answer
    test.equal(got.status, status, got.text)
    test.match(got.text, text)
  }
  test.equal((await get('/state', { headers: { origin: 'http://evil.example' } })).status, 403)
})

t.test('health checks of three kinds tell of success, failure and recovery, and kill at the limit', async test => {
  const { master } = await setUp(test)
  const web = createServer((_request, response) => response.writeHead(204).end()).listen(0, '127.0.0.1')
  const tcp = createTcpServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  test.teardown(() => {
    web.close()
    tcp.close()
  })
  await until('both to listen', () => web.listening && tcp.listening)
  const port = (server: typeof tcp | typeof web) => (server.address() as AddressInfo).port
  const quick = { delay_seconds: 0, interval_seconds: 0.1, timeout_seconds: 5, grace_period_seconds: 0 }
  const check = (rest: HealthCheck): { health_check: HealthCheck } => ({ health_check: { ...quick, ...rest } })
  master.run('http', 'sleep 1000', check({ type: 'HTTP', http: { port: port(web), path: '/x' } }))
  master.run('tcp', 'sleep 1000', check({ type: 'TCP', tcp: { port: port(tcp) } }))
  master.run(
    'toggle',
    'sleep 1000',
    check({
      type: 'COMMAND',
      consecutive_failures: 1_000,
      command: { value: '[ -f ok ] && [ "$MESOS_FRAMEWORK_ID" = fw-1 ] || { touch ok; exit 1; }' },
    }),
  )
  master.run('sick', 'sleep 1000', check({ type: 'COMMAND', consecutive_failures: 2, command: { value: 'exit 3' } }))
  master.run(
    'early',
    'sleep 1000',
    check({ type: 'COMMAND', consecutive_failures: 1, grace_period_seconds: 1_000, command: { value: 'exit 3' } }),
  )
  for (const id of ['http', 'tcp', 'toggle'])
    await until(`health of ${id}`, () =>
      master
        .of(id)
        .some(status => status.healthy === true && status.reason === 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED'),
    )
  test.strictSame(
    master
      .of('toggle')
      .map(status => status.healthy)
      .slice(-2),
    [false, true],
  )
  test.match(await master.status('sick', 'TASK_KILLED'), {
    healthy: false,
    message: /failed 2 times in a row: the command ended with status 3/,
  })
  test.strictSame(
    master
      .of('sick')
      .filter(status => status.state === 'TASK_RUNNING')
      .map(status => status.healthy),
    [undefined, false, false],
  )
  test.notOk(
    master.of('early').some(status => status.healthy !== undefined),
    'failures within the grace period are invisible',
  )
})

t.test('a check tells its result only when it changes', async test => {
  const { master } = await setUp(test)
  master.run('checked', 'sleep 1000', {
    check: {
      type: 'COMMAND',
      delay_seconds: 0,
      interval_seconds: 0.05,
      command: { command: { value: 'echo x >> runs; exit $(( $(wc -l < runs) > 5 ))' } },
    },
  })
  await until('the second result', () =>
    master.of('checked').some(status => status.check_status?.command?.exit_code === 1),
  )
  const results = master
    .of('checked')
    .filter(status => status.state === 'TASK_RUNNING')
    .map(status => status.check_status)
  test.strictSame(results, [
    { type: 'COMMAND', command: {} },
    { type: 'COMMAND', command: { exit_code: 0 } },
    { type: 'COMMAND', command: { exit_code: 1 } },
  ])
})

t.test('the agent stops with its tasks running on, and unregisters when it is told', async test => {
  const { master, get, fatal } = await setUp(test)
  master.run('web', 'sleep 1000')
  await master.status('web', 'TASK_RUNNING')
  test.match(JSON.parse((await get('/meseta/v1/stop-tasks', { method: 'POST' })).text), { tasks: 1 })
  await master.status('web', 'TASK_KILLED')
  master.run('more', 'sleep 1000')
  await until('the refusal', () => master.of('more')[0])
  test.match(master.of('more')[0], { reason: 'REASON_AGENT_DRAINING', message: /takes no new ones/ })
  test.equal((await get('/meseta/v1/unregister', { method: 'POST' })).status, 200)
  await until('the leave', () => master.received.some(message => message.unregister))
  test.strictSame(fatal, [])
})

t.test('the master shuts the agent down: tasks end first', async test => {
  const { master, fatal } = await setUp(test)
  master.run('web', 'sleep 1000')
  await master.status('web', 'TASK_RUNNING')
  master.send({ shutdown: { message: 'you are gone' } })
  await until('the end', () => fatal[0])
  test.match(fatal[0], /told this agent to end: you are gone/)
  await until('the leave', () => master.received.some(message => message.unregister))
  const told = master.received.map(({ unregister, status_update }) => unregister ?? status_update?.status.state)
  test.ok(told.indexOf('TASK_KILLED') !== -1, 'its end was told before the agent took its leave')
  test.ok(told.indexOf('TASK_KILLED') < told.findIndex(one => typeof one === 'object'))
})
