import type { Socket } from 'node:net'
import t from 'tap'
import { requestHeaders } from '../src/proxy/headers.ts'
import { locationBelow } from '../src/proxy/location.ts'
import { originOfPid } from '../src/routes/upstreams.ts'
import { Balance, cookieValue } from '../src/services/balance.ts'
import { findService } from '../src/services/find-service.ts'
import { candidates, normalName } from '../src/services/names.ts'
import { ServiceTable } from '../src/services/service-table.ts'

const notFound: { readonly name: string } = Object.freeze({ name: 'HttpError', status: 404 })

const all = { apps: true, frameworks: true }
const noDns = async () => undefined
const labels = (name: string, more: Record<string, string> = {}) => ({
  DCOS_SERVICE_NAME: name,
  DCOS_SERVICE_SCHEME: 'http',
  DCOS_SERVICE_PORT_INDEX: '0',
  ...more,
})
const running = (id: string, appId: string, port: number, more = {}) => ({
  id,
  appId,
  host: '127.0.0.2',
  state: 'TASK_RUNNING',
  ports: [port],
  healthy: null,
  killing: false,
  ...more,
})

t.test('a name has one normal form, however it is written', async t => {
  for (const name of ['group/team/db', '/group/team/db', '//group//team/db/'])
    t.equal(normalName(name), 'db.team.group')
  t.equal(normalName('db.team.group'), 'db.team.group')
  t.same(
    [...candidates('a//b/c')].map(({ prefix, normal, rest }) => [prefix, normal, rest]),
    [
      ['a', 'a', '//b/c'],
      ['a//b', 'b.a', '/c'],
      ['a//b/c', 'c.b.a', '/'],
    ],
  )
  t.equal([...candidates('1/2/3/4/5/6/7/8/9/10/11/12')].length, 10)
  t.same(
    [...candidates('a%2Fb/c')].map(({ normal }) => normal),
    ['b.a', 'c.b.a'],
    'an escaped slash',
  )
  t.same([...candidates('%zz/x')], [])
})

t.test('the shortest prefix that resolves wins, apps before frameworks, ids before names', async t => {
  const table = new ServiceTable()
  table.putApp({ id: '/nest/db', labels: labels('nest/db') })
  table.putInstance(running('i1', '/nest/db', 31000))
  table.putFramework({ id: 'F-1', name: 'spark', webui_url: 'http://127.0.0.3:4040/ui/', active: true })
  table.putFramework({ id: 'spark', name: 'other', webui_url: 'http://127.0.0.4:1/', active: true })
  const find = (path: string) => findService(path, table, all, noDns)
  t.equal((await find('nest/db/x/y')).candidate.rest, '/x/y')
  t.equal((await find('db.nest')).candidate.rest, '/')
  t.equal((await find('F-1/')).service.basePath, '/ui')
  t.equal((await find('spark/')).service.backends[0]!.host, '127.0.0.4')
  await t.rejects(find('nope/x'), { status: 404, message: /service not found/ })
  await t.rejects(find('////'), notFound)
})

t.test('missing sources answer 503, and only where they matter', async t => {
  const table = new ServiceTable()
  table.putFramework({ id: 'F-1', name: 'marathon', webui_url: 'http://127.0.0.1:8080', active: true })
  const find = (path: string, known = all) => findService(path, table, known, noDns)
  await t.rejects(find('web', { apps: false, frameworks: true }), { status: 503, message: /svcapps/ })
  t.equal((await find('marathon', { apps: false, frameworks: true })).service.backends[0]!.port, 8080)
  table.putApp({ id: '/web', labels: labels('web') })
  table.putInstance(running('w', '/web', 31001))
  t.equal((await find('web', { apps: true, frameworks: false })).service.backends[0]!.port, 31001)
  await t.rejects(find('spark', { apps: true, frameworks: false }), { status: 503, message: /Mesos state/ })
})

t.test('an app that can not be reached says why, and spoils no other', async t => {
  const table = new ServiceTable()
  table.putApp({ id: '/bad', labels: { ...labels('bad'), DCOS_SERVICE_PORT_INDEX: 'x' } })
  table.putApp({ id: '/none', labels: labels('none') })
  table.putApp({ id: '/far', labels: { ...labels('far'), DCOS_SERVICE_PORT_INDEX: '5' } })
  table.putInstance(running('f', '/far', 31000))
  table.putApp({ id: '/good', labels: labels('good') })
  table.putInstance(running('g', '/good', 31002))
  const find = (path: string) => findService(path, table, all, noDns)
  await t.rejects(find('bad'), { message: /DCOS_SERVICE_PORT_INDEX/ })
  await t.rejects(find('none'), { message: /no running instance/ })
  await t.rejects(find('far'), { message: /index 5/ })
  t.equal((await find('good')).service.backends[0]!.port, 31002)
})

t.test('healthy instances that stay are preferred; some instance beats none', async t => {
  const table = new ServiceTable()
  table.putApp({ id: '/w', labels: labels('w') })
  const ids = async () => (await findService('w', table, all, noDns)).service.backends.map(({ id }) => id).sort()
  table.putInstance(running('a', '/w', 1, { healthy: true }))
  table.putInstance(running('b', '/w', 2, { healthy: false }))
  table.putInstance(running('c', '/w', 3, { healthy: null }))
  t.same(await ids(), ['a'])
  table.putInstance(running('a', '/w', 1, { healthy: true, killing: true }))
  t.same(await ids(), ['c'])
  table.deleteInstance('c')
  t.same(await ids(), ['b'])
  table.deleteInstance('b')
  t.same(await ids(), ['a'])
  table.deleteApp('/w')
  await t.rejects(ids())
})

t.test('an app is resolved anew when it or one of its instances changes, and not for each request', async t => {
  const table = new ServiceTable()
  table.putApp({ id: '/w', labels: labels('w') })
  table.putApp({ id: '/other', labels: labels('other') })
  table.putInstance(running('a', '/w', 1))
  const changes: [what: string, change: () => void, ports: number[] | undefined][] = [
    ['an instance comes', () => table.putInstance(running('b', '/w', 2)), [1, 2]],
    ['one changes', () => table.putInstance(running('b', '/w', 3)), [1, 3]],
    ['one goes', () => table.deleteInstance('a'), [3]],
    [
      'the app changes',
      () => table.putApp({ id: '/w', labels: labels('w', { DCOS_SERVICE_PORT_INDEX: '1' }) }),
      undefined,
    ],
    ['it changes back', () => table.putApp({ id: '/w', labels: labels('w') }), [3]],
  ]
  for (const [what, change, ports] of changes) {
    table.app('w')
    change()
    const found = table.app('w')
    t.same(found.kind === 'found' ? found.service.backends.map(({ port }) => port) : undefined, ports, what)
    table.putInstance(running('x', '/other', 9))
    t.equal(table.app('w'), found, 'what concerns others changes nothing')
  }
})

t.test('a framework with an empty web address is found by DNS', async t => {
  const table = new ServiceTable()
  table.putFramework({ id: 'F', name: 'group/kafka', webui_url: '' })
  table.putFramework({ id: 'G', name: 'null', webui_url: null })
  const asked: string[] = []
  const found = await findService('group/kafka/x', table, all, async name => {
    asked.push(name)
    return { host: '127.0.0.9', port: 9 }
  })
  t.equal(found.service.backends[0]!.port, 9)
  t.same(asked, ['kafka.group'])
  await t.rejects(findService('null', table, all, noDns), notFound)
  await t.rejects(
    findService('kafka.group', table, all, async () => {
      throw new Error('down')
    }),
    { status: 503, message: /MesosDNS/ },
  )
})

t.test('requests go where the fewest are in hand, and a cookie keeps a client on its backend', async t => {
  const balance = new Balance()
  const [a, b, c] = ['a', 'b', 'c'].map(id => ({ id, host: 'h', port: 1 }))
  const backends = [a!, b!, c!]
  balance.begin(a!)
  balance.begin(b!)
  t.equal(balance.order(backends, undefined, 3)[0], c)
  t.equal(balance.order(backends, cookieValue(b!), 3)[0], b)
  balance.end(a!)
  balance.begin(c!)
  t.equal(balance.order(backends, 'unknown', 3)[0], a)
  const counted = new Balance()
  for (const backend of [a!, a!, b!, c!]) counted.begin(backend)
  counted.end(a!)
  counted.end(b!)
  t.same(
    [1, 2, 3].map(() => counted.order(backends, undefined, 3)[0]!.id),
    ['b', 'b', 'b'],
    'of two requests in hand one is left',
  )
  const first = new Set(
    Array.from({ length: 6 }, () => new Balance()).flatMap(fresh =>
      [1, 2, 3].map(() => fresh.order(backends, undefined, 3)[0]!.id),
    ),
  )
  t.equal(first.size, 3, 'equals take turns')
})

t.test('locations of upstreams are put below the prefix', async t => {
  const below = locationBelow('/service/web', 'http', 'router:80')
  t.equal(below('/x'), '/service/web/x')
  t.equal(below('http://router:80/x'), '/service/web/x')
  t.equal(below('http://router:80/service/web/x'), '/service/web/x')
  t.equal(below('/service/webx'), '/service/web/service/webx')
  t.equal(below('http://router:80'), '/service/web/')
  t.equal(below('http://router:8080/x'), 'http://router:8080/x')
  t.equal(below('http://router:80.evil.example/x'), 'http://router:80.evil.example/x')
  t.equal(below('https://router:80/x'), 'https://router:80/x')
  t.equal(below('http://elsewhere/x'), 'http://elsewhere/x')
  t.equal(below('//elsewhere/x'), '//elsewhere/x')
  t.equal(below('x?y'), 'x?y')
})

t.test('pids name addresses, and nothing else does', async t => {
  t.equal(originOfPid('slave(1)@127.0.0.2:5051'), 'http://127.0.0.2:5051')
  t.equal(originOfPid('master@[::1]:5050'), 'http://[::1]:5050')
  for (const bad of ['', 'x', 'slave(1)@host:5051', 'a@1.2.3.4', undefined]) t.equal(originOfPid(bad), undefined)
})

t.test('headers: hop-by-hop and claimed forwarding are dropped, own cookies stay here', async t => {
  const headers = requestHeaders(
    {
      headers: {
        host: 'router',
        connection: 'close, x-secret',
        'x-secret': '1',
        'transfer-encoding': 'chunked',
        'x-forwarded-for': '6.6.6.6',
        cookie: 'a=1; dcos-acs-auth-cookie=t; b=2',
        authorization: 'Basic x',
        accept: '*/*',
      },
      socket: { remoteAddress: '127.0.0.1' } as Socket,
    },
    'r1',
    new Set(['authorization']),
  )
  t.same(headers, {
    host: 'router',
    cookie: 'a=1; b=2',
    accept: '*/*',
    'x-real-ip': '127.0.0.1',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'router',
    'x-request-id': 'r1',
  })
})
