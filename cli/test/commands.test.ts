import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { check, checkAll } from './support/check.ts'
import { meseta } from './support/command.ts'
import { scriptedRouter } from './support/router.ts'
import { apps, state, world } from './support/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'meseta-commands-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

t.test('what is read is printed as the contract says', async t => {
  const router = await scriptedRouter(t, world)
  await checkAll(t, router, [
    {
      args: 'app list',
      stdout: [
        '     ID      MEM  CPUS  TASKS  HEALTH  DEPLOYMENT  WAITING  CONTAINER               CMD                 ROLE   ',
        '  /shop/web  2    1     3/4    2/3     scale       false    MESOS      xxxxxxxxxxxxxxxxxxxxxxxxxxx...  public  ',
        '  /test-id   2    1     0/1    ---     ---         true     mesos      sleep 1000                      *       ',
        '',
      ].join('\n'),
    },
    { args: 'app list --quiet', stdout: '/shop/web\n/test-id\n' },
    { args: 'app list --json', stdout: apps },
    { args: 'marathon app list -q', stdout: '/shop/web\n/test-id\n' },
    { args: 'app show shop/web', stdout: apps[0] },
    { args: 'app show /shop/web --json', stdout: apps[0] },
    { args: 'app show test-id --app-version=-1', stdout: { id: '/test-id', version: 'v2' } },
    { args: 'app show test-id --app-version v2', stdout: { id: '/test-id', version: 'v2' } },
    { args: 'app version list test-id --max-count 2', stdout: '[\n  "v3",\n  "v2"\n]\n' },
    {
      args: 'marathon deployment list',
      stdout: '     APP     POD  ACTION  PROGRESS  ID  \n  /shop/web  -    scale   1/2       D1  \n',
    },
    { args: 'marathon deployment list -q', stdout: 'D1\n' },
    { args: 'marathon group list', stdout: '   ID    APPS  ENFORCE ROLE  \n  /shop     3  False         \n' },
    { args: 'marathon group show shop', stdout: { id: '/shop' } },
    { args: 'marathon pod list', stdout: /\n {2}\/pair {10}1 {2}v {8}STABLE {2}s {13}\* {5}\n$/ },
    { args: 'marathon pod show pair', stdout: { id: '/pair' } },
    {
      args: 'task list',
      stdout: [
        '  NAME  HOST  USER     STATE       ID    AGENT ID  REGION  ZONE  ',
        '  web   n1    root  TASK_RUNNING  web.1  S0        N/A     N/A   ',
        '  web   n1    N/A   TASK_RUNNING  web.2  S0        N/A     N/A   ',
        '',
      ].join('\n'),
    },
    { args: 'task list web.? -q', stdout: 'web.1\nweb.2\n' },
    { args: 'task list --completed -q', stdout: 'old.1\n' },
    { args: 'task list --all -q', stdout: 'web.1\nweb.2\nold.1\n' },
    { args: 'task list --agent-id S9 --json', stdout: [] },
    { args: 'task list nothing --json', stdout: [] },
    { args: 'task list web.1 --json', stdout: [state.frameworks[0]!.tasks[0]!] },
    { args: 'task show web.2', stdout: state.frameworks[0]!.tasks[1]! },
    {
      args: 'node list',
      stdout: /\n {2}n1 {9}127\.0\.0\.1 {2}S0 {3}agent {12}ACTIVE {2}N\/A {5}N\/A {3}1\.5\/4 {2}64\/1024 {2}\n$/,
    },
    { args: 'node list --json', stdout: /"type": "master \(leader\)"/ },
    {
      args: 'service list',
      stdout: [
        '    NAME    HOST  ACTIVE  TASKS  CPU  MEM  DISK  ID  ',
        '  marathon  h     True        2  0.2   32     0  F1  ',
        '  gone      h     False       0    0    0     0  F2  ',
        '',
      ].join('\n'),
    },
    { args: 'service list --inactive --json', stdout: [state.frameworks[1]!] },
    {
      args: 'package search web',
      stdout:
        '    NAME    VERSION  CERTIFIED  FRAMEWORK  DESCRIPTION  \n  web-demo  1.1.0    true       false      A page       \n',
    },
    { args: 'package search nothing', code: 1, stderr: 'Error: no packages found\nhint: nothing matches "nothing"\n' },
    { args: 'package search nothing --json', stdout: { packages: [] } },
    { args: 'package describe web-demo', stdout: /^\{\n {2}"package": \{\n[\s\S]*"A \\u003csmall\\u003e page"/ },
    { args: 'package describe web-demo --config --json', stdout: { type: 'object' } },
    { args: 'package describe web-demo --app', stdout: '{"id":"{{service.name}}"}' },
    { args: 'package describe web-demo --app --render', stdout: /"a \\u0026\\u0026 b \\u003e c"/ },
    { args: 'package describe web-demo --package-versions', stdout: '[\n  "1.1.0",\n  "1.0.1",\n  "1.0.0"\n]\n' },
    {
      args: 'package list',
      stdout: /\n {2}web-demo {2}1\.1\.0 {4}true {7}\/web-demo {2}--- {6}A <small> page {2}\n$/,
    },
    { args: 'package list zzz', code: 1, stderr: 'Error: cannot find packages matching the provided filter\n' },
    { args: 'package list zzz --json', stdout: [] },
    { args: 'package repo list', stdout: 'Meseta: builtin:\n' },
    {
      args: 'status',
      stdout: /^cluster test at http:.*\n1 agent; used: 1 of 4 cpus.*2 tasks running\n[\s\S]*master {5}good/,
    },
    { args: 'status --json', stdout: /"router": "http/ },
  ])
})

t.test('what is changed is sent as it was said, and the answer names the deployment', async t => {
  const router = await scriptedRouter(t, world)
  const created = (id: string) => `Created deployment ${id}\n`
  await checkAll(t, router, [
    { args: `app add ${file('new.json', { id: 'new', cmd: 'true' })}`, stdout: created('D6') },
    { args: 'app add', input: '{"id":"/piped","cmmd":"true"}', stdout: created('D6'), stderr: /no field "cmmd"/ },
    { args: 'app add --json', input: '{"id":"/piped"}', stdout: { deploymentId: 'D6', version: 'v1' } },
    { args: 'app update test-id instances=2 env.A=b', stdout: created('D2') },
    { args: 'app update test-id', input: '{"cpus":2}', stdout: created('D2') },
    { args: 'app update test-id cpuss=2', stdout: created('D2'), stderr: /knows no field "cpuss".*"cpus"/ },
    { args: 'app scale test-id 5 --force', stdout: created('D2') },
    { args: 'app stop test-id', stdout: created('D2') },
    { args: 'app restart test-id', stdout: created('D3') },
    { args: 'app kill test-id', stdout: 'Killed tasks: [{"id":"test-id.1"}]\n' },
    { args: 'app kill test-id --scale --host n1', stdout: 'Started deployment: D5\n' },
    { args: 'app remove test-id', stdout: '' },
    { args: 'app remove test-id --force', stdout: '' },
    { args: 'app remove test-id --json', stdout: { version: 'v5', deploymentId: 'D4' } },
    { args: 'marathon deployment rollback D1', stdout: { deploymentId: 'D7', version: 'v6' } },
    { args: 'marathon deployment stop D1', stdout: '' },
    { args: `marathon group add ${file('group.json', { id: '/shop' })}`, stdout: created('D8') },
    { args: 'marathon group remove shop', stdout: '' },
    { args: `marathon pod add ${file('pod.json', { id: '/pair' })}`, stdout: created('D10') },
    { args: 'marathon pod remove pair --json', stdout: { deploymentId: 'D11' } },
    { args: 'package repo add mine /srv/r --index 0', stdout: '' },
    { args: 'package repo remove mine --json', stdout: { repositories: [] } },
  ])
  const sent = (route: string) =>
    router.asked.filter(one => one.route === route).map(({ body, query }) => ({ body, query }))
  t.same(
    sent('PUT /marathon/v2/apps/test-id').sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    [
      { body: { cpus: 2 }, query: {} },
      { body: { cpuss: 2 }, query: {} },
      { body: { instances: 0 }, query: {} },
      { body: { instances: 2, env: { KEPT: '1', A: 'b' } }, query: {} },
      { body: { instances: 5 }, query: { force: 'true' } },
    ],
  )
  t.same(
    sent('DELETE /marathon/v2/apps/test-id')
      .map(({ query }) => query.force)
      .sort(),
    ['false', 'false', 'true'],
    'a deployment that holds an app is not run over unasked',
  )
  t.same(
    sent('DELETE /marathon/v2/apps/test-id/tasks')
      .map(({ query }) => query)
      .filter(({ scale }) => scale),
    [{ scale: 'true', host: 'n1' }],
  )
  t.match(sent('POST /package/repository/add'), [{ body: { name: 'mine', uri: '/srv/r', index: 0 } }])
})

t.test('-v tells each request on stderr, -vv what is in it too; results stay as they are', async t => {
  const router = await scriptedRouter(t, world)
  const env = { MESETA_CLUSTER: router.url }
  const plain = await meseta(['app', 'list', '--quiet'], { env })
  t.equal(plain.stderr, '')
  const verbose = await meseta(['-v', 'app', 'list', '--quiet'], { env })
  t.equal(verbose.stdout, plain.stdout)
  t.match(verbose.stderr, /^GET http:\S+\/marathon\/v2\/apps\?\S+: 200$/m)
  t.notMatch(verbose.stderr, /[<>] /)
  const debug = await meseta(['-vv', 'app', 'scale', 'test-id', '2'], { env })
  t.match(debug.stderr, /^PUT http:\S+\/marathon\/v2\/apps\/test-id: 200\n> \{"instances":2\}\n< \{.*"deploymentId"/m)
  t.match(await meseta(['app', 'list', '-v'], { env }), { code: 2 }, 'only before the first other word')
})

t.test('failures say what, where and what to do, with the exit code of their kind', async t => {
  const router = await scriptedRouter(t, {
    ...world,
    'POST /marathon/v2/apps': ({ body }) => {
      if (body.id === '/there') return { status: 409, body: { message: 'An app with id [/there] already exists.' } }
      return {
        status: 422,
        body: {
          message: 'Object is not valid',
          details: [{ path: '/cpus', errors: ['must be > 0', 'error.expected.jsnumber'] }],
        },
      }
    },
    'PUT /marathon/v2/apps/test-id': {
      status: 409,
      body: { message: 'App is locked by one or more deployments.', deployments: [{ id: 'D1' }] },
    },
    'POST /package/install': {
      status: 400,
      body: {
        type: 'JsonSchemaMismatch',
        message: 'Options JSON failed validation',
        data: { errors: [{ instance: { pointer: '/service/cpus' }, message: 'must be a number' }] },
      },
    },
    'GET /marathon/v2/groups/secret': { status: 403, body: { message: 'not yours' } },
    'GET /marathon/v2/groups/login': { status: 401, body: '' },
    'GET /marathon/v2/groups/page': { body: '<html>hello</html>' },
    'GET /marathon/v2/groups/broken': { status: 500, body: '<html>oh</html>' },
    'GET /system/health/v1': { body: { units: [{ name: 'dns', health: 1, output: 'no' }] } },
  })
  await checkAll(t, router, [
    {
      args: 'app show /shop/wbe',
      code: 3,
      stderr: `Error: app '/shop/wbe' does not exist\nDid you mean "/shop/web"?\n`,
    },
    { args: 'app show zzzzzz', code: 3, stderr: /does not exist\nhint: `meseta app list` shows all\n$/ },
    { args: 'app show ../deployments', code: 2, stderr: /is no id/ },
    { args: 'app remove /', code: 2, stderr: /is no id of an app/ },
    { args: 'marathon group remove /', code: 2, stderr: /holds everything/ },
    { args: 'app show test-id --app-version=-9', code: 3, stderr: /only has 3 version\(s\)/ },
    { args: 'app show test-id --app-version 2', code: 2, stderr: /relative versions must be negative: 2/ },
    {
      args: 'app add',
      input: '{"id":"/there"}',
      code: 6,
      stderr: /^Error: Application '\/there' already exists\nhint: /,
    },
    {
      args: 'app add',
      input: '{"id":"/x","cpus":-1}',
      code: 1,
      stderr: 'Error: Object is not valid\nhint: /cpus: must be > 0; a number is expected\n',
    },
    {
      args: 'app add',
      input: '{',
      code: 1,
      stderr: /^Error: error loading JSON: [\s\S]*hint: it was read from standard input\n$/,
    },
    { args: 'app add', input: '[]', code: 1, stderr: /an object is wanted/ },
    { args: 'app add /does/not/exist', code: 3, stderr: /can't read from resource: \/does\/not\/exist/ },
    { args: 'app scale test-id 3', code: 6, stderr: /locked by[\s\S]*hint: deployment D1 holds it: .*--force\n$/ },
    { args: 'app scale test-id many', code: 2, stderr: /<instances> takes a whole number from 0, not "many"/ },
    { args: 'app scale test-id 3 --wait --timeout soon', code: 2, stderr: /--timeout takes seconds/ },
    { args: 'app update test-id __proto__.x=1', code: 2, stderr: /is no assignment/ },
    { args: 'app start shop/web', code: 1, stderr: /already started: 4 instances/ },
    { args: 'marathon group show secret', code: 5, stderr: 'Error: not yours\n' },
    { args: 'marathon group show login', code: 4, stderr: /answered HTTP 401/ },
    {
      args: 'marathon group show page',
      code: 1,
      stderr: /^Error: http:.*\/page sent something that is no JSON: <html>hello<\/html>\nhint/,
    },
    { args: 'marathon group show broken', code: 7, stderr: /answered HTTP 500\n$/ },
    { args: 'task list webb', code: 3, stderr: /^Error: no task ID found containing 'webb'\nDid you mean "web"\?\n$/ },
    { args: 'task log nothing', code: 3, stderr: /no task ID found/ },
    { args: 'task log web.1', code: 3, stderr: /task web\.1 has no file stdout, or its sandbox has been removed/ },
    { args: 'task log web.1 --lines ten', code: 2, stderr: /--lines takes/ },
    {
      args: 'package describe web-dmeo',
      code: 3,
      stderr: 'Error: Package [web-dmeo] not found\nDid you mean "web-demo"?\n',
    },
    {
      args: 'package install web-demo',
      code: 2,
      stderr: /no terminal to ask on\nhint: --yes installs without asking\n$/,
    },
    { args: 'package uninstall web-demo', code: 2, stderr: /WARNING: [\s\S]*hint: --yes uninstalls without asking\n$/ },
    {
      args: 'package install web-demo --yes --set service.cpus=x',
      code: 1,
      stderr: /\nError: Options JSON failed validation\nhint: \/service\/cpus: must be a number\n$/,
    },
    { args: 'package install web-demo --yes --timeout 0', code: 2, stderr: /--timeout takes seconds/ },
    {
      args: `package install web-demo --yes --options ${file('list.json', '[]')}`,
      code: 1,
      stderr: /an object is wanted/,
    },
    { args: 'package uninstall other --yes', code: 3, stderr: /Package \[other\] is not installed/ },
    { args: 'package repo remove none', code: 3, stderr: /No repository with name/ },
    { args: 'package repo add a b --index=-1', code: 2, stderr: /--index takes a whole number/ },
    { args: 'status', code: 1, stdout: /dns {8}bad/, stderr: /^Error: 1 of 1 components are not well: dns\n$/ },
    { args: 'app list --cluster ftp://x', code: 2, stderr: /"ftp:\/\/x" is no address of a cluster/ },
    { args: `app list --work-dir ${folder}`, code: 7, stderr: /^Error: no cluster runs in .*\nhint: start one with/ },
    { args: 'app list --work-dir /does/not/exist', code: 7, stderr: /there is no cluster in \/does\/not\/exist/ },
    { args: `down --work-dir ${folder} --timeout x`, code: 2, stderr: /--timeout takes seconds/ },
    { args: `down --work-dir ${folder} --json`, stdout: { ended: false, keepTasks: false, workDir: folder } },
    { args: 'up --agents many', code: 2, stderr: /--agents takes a whole number from 1 to 100, not "many"/ },
    { args: 'up --masters 3', code: 2, stderr: /--masters needs --processes/ },
    { args: 'run mastr', code: 2, stderr: /there is no component "mastr"\nDid you mean "master"\?/ },
  ])
  t.notOk(
    router.asked.some(({ route, body }) => route === 'POST /package/install' && body.options === undefined),
    'nothing was installed before the options were known to be right',
  )
})

t.test('a cluster that can not be reached, or does not answer in time', async t => {
  const silent = createServer(socket => socket.on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as { port: number }
  const timeout = await meseta(['app', 'list', '--cluster', `127.0.0.1:${port}`], { env: { MESETA_TIMEOUT: '0.3' } })
  check(t, { args: 'timeout', code: 8, stderr: /did not answer in time\nhint: `meseta status`/ }, timeout)

  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const gone = (closed.address() as { port: number }).port
  await new Promise(done => closed.close(done))
  const refused = await meseta(['app', 'list'], { env: { MESETA_CLUSTER: `http://127.0.0.1:${gone}/` } })
  check(t, { args: 'refused', code: 7, stderr: /can not be reached: .*ECONNREFUSED.*\nhint/ }, refused)
})

t.test('a read is tried again while the router is away, a write is not', async t => {
  let reads = 0
  const router = await scriptedRouter(t, {
    ...world,
    'GET /marathon/v2/groups/shop': () => {
      reads += 1
      return reads < 3 ? { status: 503, body: '' } : { body: { id: '/shop' } }
    },
    'DELETE /marathon/v2/groups/shop': { status: 503, body: { message: 'not now' } },
  })
  await checkAll(t, router, [{ args: 'marathon group show shop', stdout: { id: '/shop' } }])
  await checkAll(t, router, [{ args: 'marathon group remove shop', code: 7, stderr: 'Error: not now\n' }])
  t.equal(router.asked.filter(({ route }) => route.startsWith('DELETE')).length, 1)
})

t.test('nothing that the cluster says speaks to the terminal', async t => {
  const bad = 'a\u001b]0;owned\u0007\u009b2J'
  const router = await scriptedRouter(t, {
    ...world,
    'GET /marathon/v2/apps': { body: { apps: [{ ...apps[1], id: bad }] } },
    'POST /package/describe': {
      status: 400,
      body: { type: 'Other', message: `${bad}\nsecond`, data: { errors: [{ message: bad }] } },
    },
    'POST /marathon/v2/apps': { status: 201, body: { id: '/x', deployments: [] } },
  })
  await checkAll(t, router, [
    { args: 'app list --quiet', stdout: 'a ]0;owned 2J\n' },
    { args: 'app list', stdout: /^[^\p{Cc}]*\n[^\p{Cc}]*\n$/u },
    { args: 'app list --json', stdout: /"id": "a\\u001b\]0;owned\\u0007\\u009b2J"/ },
    { args: 'package describe x', code: 1, stderr: 'Error: a ]0;owned 2J\nsecond\nhint: /: a ]0;owned 2J\n' },
    { args: 'app add', input: JSON.stringify({ id: '/x', [bad]: 1 }), stdout: '', stderr: /no field "a \]0;owned 2J"/ },
  ])
})

t.test('no more than fifty logs are followed at once', async t => {
  const tasks = Array.from({ length: 51 }, (_, index) => ({ ...state.frameworks[0]!.tasks[0]!, id: `many.${index}` }))
  const router = await scriptedRouter(t, {
    ...world,
    'GET /mesos/master/state': { body: { ...state, frameworks: [{ ...state.frameworks[0]!, tasks }] } },
  })
  await checkAll(t, router, [
    { args: 'task log many --follow', code: 2, stderr: /51 tasks match; at most 50 logs are followed at once\nhint: / },
  ])
  t.notOk(
    router.asked.some(({ route }) => route.includes('/files/read')),
    'none of them is read',
  )
})

t.test('nodes say why they get no new tasks', async t => {
  const agent = (id: string, more: object) => ({ ...state.slaves[0]!, id, ...more })
  const slaves = [
    agent('well', { attributes: { public_ip: 'false' } }),
    agent('away', { active: false }),
    agent('off', { active: false, deactivated: true }),
    agent('leaving', { active: false, deactivated: true, drain_info: { state: 'DRAINING' } }),
    agent('front', { attributes: { public_ip: 'true' } }),
  ]
  const router = await scriptedRouter(t, { ...world, 'GET /mesos/master/state': { body: { ...state, slaves } } })
  await checkAll(t, router, [
    { args: 'node list', stdout: /well +agent +ACTIVE .*\n.*away +agent +UNREACHABLE .*\n.*off +agent +DEACTIVATED / },
    { args: 'node list', stdout: /leaving +agent +DRAINING .*\n.*front +agent \(public\) +ACTIVE / },
  ])
})

t.test('installed packages are found by a part of their name or of their app', async t => {
  const installed = (appId: string, name: string) => ({
    appId,
    packageInformation: { packageDefinition: { name, version: '1', description: '' } },
  })
  const packages = [installed('/team/front', 'web-demo'), installed('/kv', 'kv-store')]
  const router = await scriptedRouter(t, { ...world, 'POST /package/list': { body: { packages } } })
  const found = (...names: string[]) => names.map(name => ({ name }))
  for (const [part, names] of [
    ['team', ['web-demo']],
    ['store', ['kv-store']],
    ['e', ['web-demo', 'kv-store']],
  ] as const) {
    const { stdout } = await meseta(['package', 'list', part, '--json'], { env: { MESETA_CLUSTER: router.url } })
    t.match(JSON.parse(stdout), found(...names), part)
    t.equal(JSON.parse(stdout).length, names.length, part)
  }
})
