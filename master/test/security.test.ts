import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeScheduler } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
const all = ['--authenticate_http_readonly', '--authenticate_http_readwrite', '--authenticate_frameworks']
const any = { type: 'ANY' }
const none = { type: 'NONE' }

function ground(t: Test, files: Record<string, string> = {}): { ground: Ground; file: (name: string) => string } {
  const folder = t.testdir({ credentials: 'ops s1\nrobot s2\n', ...files })
  const ground = new Ground()
  t.teardown(() => ground.close())
  return { ground, file: name => join(folder, name) }
}

/** A request whose path is sent as it is. */
function ask(
  url: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const { hostname, port } = new URL(url)
  const { method = 'GET', headers = {}, body } = options
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers, agent: false }, response => {
      let text = ''
      response.on('data', chunk => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}
const post = (body: object, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

t.test('each realm asks who calls, by every path that leads there', async t => {
  const { ground: g, file } = ground(t)
  const url = await g.master(...all, `--credentials=${file('credentials')}`)
  const realms: [string, string][] = [
    ['/api/v1/scheduler', 'scheduler'],
    ['/master/api/v1/scheduler', 'scheduler'],
    ['/api/v1/scheduler/x', 'scheduler'],
    ['/api/v1', 'readwrite'],
    ['/master/api/v1.json', 'readwrite'],
    ['/teardown', 'readwrite'],
    ['/weights', 'readwrite'],
    ['/quota/a', 'readwrite'],
    ['/state', 'readonly'],
    ['/master/state.json', 'readonly'],
    ['/master/slaves/x', 'readonly'],
    ['/metrics', 'readonly'],
    ['/metrics/snapshot', 'readonly'],
    ['/flags', 'readonly'],
    ['/meseta/v1/feed', 'readonly'],
    ['/meseta/v1/%66eed', 'readonly'],
    ['/%73tate', 'readonly'],
    ['/files/read?path=/master/log', 'readonly'],
    ['/nowhere', 'readonly'],
    ['//state', 'readonly'],
  ]
  for (const [path, realm] of realms) {
    for (const headers of [{}, basic('ops:wrong'), basic('nobody:s1')]) {
      const answer = await ask(url, path, { headers: headers as Record<string, string> })
      t.equal(answer.status, 401, path)
      t.equal(answer.headers['www-authenticate'], `Basic realm="mesos-master-${realm}"`, path)
    }
    // The feed goes on for ever.
    if (!path.endsWith('eed')) t.not((await ask(url, path, { headers: basic('ops:s1') })).status, 401, path)
  }
  for (const path of ['/health', '/version', '/redirect', '/', '/master/health'])
    t.not((await ask(url, path, { headers: basic('x:y') })).status, 401, path)
})

t.test('a realm that does not ask looks at no credentials', async t => {
  const { ground: g, file } = ground(t)
  const url = await g.leader('--authenticate_http_readwrite', `--credentials=${file('credentials')}`)
  t.equal((await ask(url, '/state', { headers: { authorization: 'Basic Og==' } })).status, 200)
  t.equal((await ask(url, '/api/v1', post({ type: 'GET_HEALTH' }, { authorization: 'Basic Og==' }))).status, 401)
  t.equal((await ask(url, '/api/v1', post({ type: 'GET_HEALTH' }, basic('ops:s1')))).status, 200)
})

t.test('no spelling of a path leads past the realm of what answers it', async t => {
  const { ground: g, file } = ground(t)
  const url = await g.leader('--authenticate_http_readwrite', `--credentials=${file('credentials')}`)
  const call = post({ type: 'GET_HEALTH' })
  for (const path of [
    '/api/v1',
    '/api/v1/',
    '/api/v1/x',
    '/api/v1/%73cheduler',
    '/master/api/v1/%73cheduler',
    '/api/v1/scheduler%2f',
  ])
    t.equal((await ask(url, path, call)).status, 401, path)
  for (const path of ['/%61pi/v1', '//api/v1', '/./api/v1', '/master/master/api/v1', `${url}/api/v1`])
    t.match((await ask(url, path, call)).status, 404, path)
})

t.test('no secret is shown, and files of secrets that can not be used are named without what they hold', async t => {
  const { ground: g, file } = ground(t, { broken: '{"credentials":[{"principal":"p","secret":"hush"', acls: '{}' })
  const url = await g.leader('--authenticate_http_readwrite', `--credentials=${file('credentials')}`, '--acls={}')
  const flags = (await ask(url, '/flags')).text
  t.match(flags, /"credentials":"[^"]*\/credentials"/)
  t.notMatch(flags + (await ask(url, '/state')).text, /s1|s2/)
  const fails = (message: RegExp, ...argv: string[]) => t.rejects(g.master(...argv), { message }, argv.join(' '))
  await fails(/^--credentials: .*broken: is not valid JSON$/, `--credentials=${file('broken')}`, ...all)
  await fails(/^--credentials: .*none: ENOENT/, `--credentials=${file('none')}`, ...all)
  await fails(/need something to prove it by/, ...all)
  await fails(/^--jwt-keys: .*: holds a secret of 15 bytes/, `--jwt_keys=${file('credentials')}`, ...all)
  await fails(/^--acls: run_task: is no action/, '--acls={"run_task":[]}')
  await fails(/^--firewall-rules: disabled_endpoints\.paths: must be/, '--firewall_rules={"disabled_endpoints":{}}')
})

t.test('it listens elsewhere only where everybody must say who they are', async t => {
  const { ground: g, file } = ground(t)
  const everywhere = ['--ip=0.0.0.0', '--advertise_ip=127.0.0.1']
  await t.rejects(g.master(...everywhere), /loopback addresses only where there is no authentication/)
  await t.rejects(
    g.master(...everywhere, '--authenticate_http_readwrite', `--credentials=${file('credentials')}`),
    /not everybody must authenticate/,
  )
  const secured = [...all, `--credentials=${file('credentials')}`]
  await t.rejects(g.master(...secured, '--ip=0.0.0.0'), /--ip=0\.0\.0\.0 needs --advertise-ip/)
  t.match(await g.master(...everywhere, ...secured), /^http:\/\/0\.0\.0\.0:/)
})

t.test('endpoints that the firewall disables answer 403 by every path', async t => {
  const { ground: g } = ground(t)
  const rules = { disabled_endpoints: { paths: ['/master/state', '/flags', '/meseta/v1/feed', '/metrics'] } }
  const url = await g.leader(`--firewall_rules=${JSON.stringify(rules)}`)
  for (const path of [
    '/state',
    '/master/state.json',
    '/state/x',
    '/flags',
    '/meseta/v1/feed',
    '/meseta/v1/%66eed',
    '/metrics',
  ])
    t.match(await ask(url, path), { status: 403, text: /is disabled by --firewall_rules/ }, path)
  for (const path of ['/slaves', '/state-summary', '/metrics/snapshot'])
    t.equal((await ask(url, path)).status, 200, path)
})

t.test('endpoints are refused to principals that may not see what they show', async t => {
  const { ground: g, file } = ground(t)
  const acls = {
    view_flags: [
      { principals: { values: ['ops'] }, flags: any },
      { principals: any, flags: none },
    ],
    get_endpoints: [
      { principals: { values: ['robot'] }, paths: { values: ['/metrics/snapshot'] } },
      { principals: { values: ['robot'] }, paths: none },
    ],
    view_tasks: [{ principals: { values: ['robot'] }, users: none }],
    get_maintenance_schedules: [{ principals: { values: ['robot'] }, machines: none }],
    set_log_level: [{ principals: any, level: none }],
    access_mesos_logs: [{ principals: { values: ['robot'] }, logs: none }],
  }
  const url = await g.leader(...all, `--credentials=${file('credentials')}`, `--acls=${JSON.stringify(acls)}`)
  const status = async (path: string, who: string) => (await ask(url, path, { headers: basic(who) })).status
  const cases: [string, boolean, boolean][] = [
    ['/flags', true, false],
    ['/metrics/snapshot', true, true],
    ['/metrics', true, false],
    ['/maintenance/schedule', true, false],
    ['/meseta/v1/feed', true, false],
    ['/explain/offers', true, false],
    ['/api/v1/explain', true, false],
    ['/new/endpoint', true, false],
    ['/explain/task?task_id=t', true, true],
    ['/files/read?path=/master/log', true, false],
    ['/logging/toggle?level=3', false, false],
    ['/state', true, true],
  ]
  for (const [path, ops, robot] of cases) {
    if (path !== '/meseta/v1/feed') t.equal((await status(path, 'ops:s1')) !== 403, ops, `${path} for ops`)
    t.equal((await status(path, 'robot:s2')) !== 403, robot, `${path} for robot`)
  }
  const call = async (type: string, who: string) => (await ask(url, '/api/v1', post({ type }, basic(who)))).status
  t.same([await call('GET_FLAGS', 'ops:s1'), await call('GET_FLAGS', 'robot:s2')], [200, 403])
  t.same(
    [await call('GET_MAINTENANCE_SCHEDULE', 'ops:s1'), await call('GET_MAINTENANCE_SCHEDULE', 'robot:s2')],
    [200, 403],
  )
})

t.test(
  'a viewer is shown the frameworks that it may see, by the older endpoints, in calls and on the stream',
  async t => {
    const { ground: g, file } = ground(t)
    const acls = {
      view_frameworks: [
        { principals: { values: ['robot'] }, users: { values: ['me'] } },
        { principals: { values: ['robot'] }, users: none },
      ],
    }
    const url = await g.leader(
      '--authenticate_http_readonly',
      '--authenticate_http_readwrite',
      `--credentials=${file('credentials')}`,
      `--acls=${JSON.stringify(acls)}`,
    )
    await new FakeScheduler(url, { name: 'mine', user: 'me' }).subscribe()
    await new FakeScheduler(url, { name: 'yours', user: 'you' }).subscribe()
    const names = (text: string) =>
      [...new Set([...text.matchAll(/"name":"(mine|yours)"/g)].map(match => match[1]))].sort()
    const look = async (who: string) => {
      const headers = basic(who)
      const seen = []
      for (const path of ['/state', '/state-summary', '/frameworks'])
        seen.push(names((await ask(url, path, { headers })).text))
      for (const type of ['GET_STATE', 'GET_FRAMEWORKS'])
        seen.push(names((await ask(url, '/api/v1', post({ type }, headers))).text))
      seen.push(names(await firstOf(url, headers)))
      return seen
    }
    t.same(await look('ops:s1'), Array(6).fill(['mine', 'yours']))
    t.same(await look('robot:s2'), Array(6).fill(['mine']))
  },
)

/** What an operator's stream begins with. */
async function firstOf(url: string, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(`${url}/api/v1`, post({ type: 'SUBSCRIBE' }, headers))
  let text = ''
  for await (const chunk of answer.body!) {
    text += Buffer.from(chunk).toString()
    if (text.includes('HEARTBEAT')) break
  }
  return text
}
