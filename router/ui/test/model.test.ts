import t from 'tap'
import { fieldOfPointer, readRefusal } from '../src/model/answers.ts'
import { statusOfApp, statusOfPod } from '../src/model/app-status.ts'
import { compileFilter, type Readable } from '../src/model/filter.ts'
import { ago, cores, duration, memory, percent, plural, reasonWord, shortened, stateWord } from '../src/model/format.ts'
import { freshnessOf } from '../src/model/freshness.ts'
import { columnsOf } from '../src/model/history.ts'
import { progressOf } from '../src/model/install.ts'
import { needsOf } from '../src/model/needs.ts'
import { statusOfAgent } from '../src/model/nodes.ts'
import type { App, Metric, Task } from '../src/model/objects.ts'
import { formatRoute, parseRoute } from '../src/model/route.ts'
import { linkOf, linkOfFramework, servicesOf } from '../src/model/services.ts'
import { Store } from '../src/model/store.ts'
import { activeBy, appOfTaskId, countByState, sandboxOf, taskRowsOf } from '../src/model/tasks.ts'

const wait = { code: 'INSUFFICIENT_CPUS', sentence: 'cpus: needs 8, best of 4 nodes has 3.5', since: 1_000 }
const app = (changes: Partial<App> = {}): App => ({ id: '/a', instances: 3, tasksRunning: 3, ...changes })
const task = (changes: Partial<Task> = {}): Task => ({
  id: 'a',
  name: 'a',
  framework_id: 'f',
  slave_id: 's',
  state: 'TASK_RUNNING',
  ...changes,
})

t.test('the status of an app is the first that holds', async t => {
  const cases: [string, Partial<App>, typeof wait | undefined][] = [
    ['running', {}, undefined],
    ['stopped', { instances: 0, tasksRunning: 0 }, undefined],
    ['waiting', { tasksRunning: 0, deployments: [{ id: 'd' }] }, wait],
    ['delayed', { tasksRunning: 2 }, { ...wait, code: 'BACKOFF' }],
    ['deploying', { tasksRunning: 1, deployments: [{ id: 'd' }] }, undefined],
    ['deploying', { instances: 0, tasksRunning: 2, deployments: [{ id: 'd' }] }, undefined],
    ['degraded', { tasksUnhealthy: 1 }, undefined],
    ['degraded', { tasksRunning: 2 }, undefined],
    ['recovering', { tasksRunning: 2, tasksStaged: 1 }, undefined],
    ['recovering', { tasksRunning: 0 }, undefined],
    ['deleting', { env_keys: ['SDK_UNINSTALL'] }, undefined],
  ]
  for (const [status, changes, waits] of cases)
    t.equal(statusOfApp(app(changes), waits), status, JSON.stringify(changes))
  t.equal(statusOfPod({ id: '/p', status: 'STABLE' }, undefined, false), 'running')
  t.equal(statusOfPod({ id: '/p', status: 'DEGRADED' }, undefined, true), 'deploying')
  t.equal(statusOfPod({ id: '/p', status: 'DEGRADED' }, wait, true), 'waiting')
  t.equal(statusOfPod({ id: '/p', status: 'STABLE', spec: { scaling: { instances: 0 } } }, undefined, false), 'stopped')
})

t.test('services are sorted with the worst first, each with its reason and link', async t => {
  const store = new Store()
  store.put(
    'app',
    '/ok',
    app({
      id: '/ok',
      labels: { DCOS_SERVICE_NAME: 'web/ü', DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' },
    }),
  )
  store.put('app', '/big', app({ id: '/big', tasksRunning: 0 }))
  store.put('app', '/ill', app({ id: '/ill', tasksUnhealthy: 2 }))
  store.put('app', '/bare', { id: '/bare' })
  store.put('wait', '/big', wait)
  const services = servicesOf(store)
  t.strictSame(
    services.map(({ id, status }) => [id, status]),
    [
      ['/ill', 'degraded'],
      ['/big', 'waiting'],
      ['/ok', 'running'],
      ['/bare', 'stopped'],
    ],
  )
  t.equal(services[0]!.reason, '2 of 3 fail their health check')
  t.equal(services[1]!.reason, wait.sentence)
  t.equal(services[2]!.link, '/service/web/%C3%BC/')
  const served = (name: string, scheme = 'http', index = '0') =>
    linkOf({ DCOS_SERVICE_NAME: name, DCOS_SERVICE_SCHEME: scheme, DCOS_SERVICE_PORT_INDEX: index })
  t.equal(served('/team//db/', 'https'), '/service/team/db/')
  t.equal(linkOf({ DCOS_SERVICE_NAME: 'x', DCOS_SERVICE_SCHEME: 'http' }), undefined, 'without a port there is no page')
  t.equal(linkOf({ DCOS_SERVICE_NAME: 'x', DCOS_SERVICE_PORT_INDEX: '0' }), undefined, 'nor without a scheme')
  for (const bad of [
    served('x', 'javascript'),
    served('x', 'http', 'one'),
    served('../../x'),
    served('a/./b'),
    served('/'),
  ])
    t.equal(bad, undefined)
  t.equal(linkOfFramework({ id: 'f', name: '..', webui_url: 'http://h:1/' }), undefined)
  t.equal(linkOfFramework({ id: 'f', name: 'm', webui_url: 'javascript:alert(1)' }), undefined)
  t.equal(linkOfFramework({ id: 'f', name: 'm', webui_url: 'http://h:1/' }), '/service/m/')
})

t.test(
  'what needs a person: unreachable nodes, waiting and degraded apps, recent failures in one line each',
  async t => {
    const now = 10_000_000
    const store = new Store()
    t.strictSame(needsOf(store, now), [])
    store.put('agent', 's', { id: 's', hostname: 'node-1', active: false })
    store.put('agent', 's2', { id: 's2', hostname: 'node-2', active: false, deactivated: true })
    store.put('app', '/big', app({ id: '/big', tasksRunning: 0 }))
    store.put('wait', '/big', wait)
    store.put('task', 'f/t0', task({ id: 't0' }))
    for (const index of [1, 2]) {
      const failed = { state: 'TASK_FAILED', message: `exit ${index}`, timestamp: now / 1000 - 60 + index }
      store.put('task', `f/m${index}`, task({ id: `m${index}`, name: 'mail', ...failed }))
    }
    store.put('task', 'f/old', task({ name: 'old', state: 'TASK_FAILED', timestamp: now / 1000 - 3_600 }))
    t.strictSame(
      needsOf(store, now).map(({ name, word, sentence }) => [name, word, sentence]),
      [
        ['node-1', 'unreachable', 'the master does not hear this node; 1 task on it'],
        ['/big', 'waiting 0/3', wait.sentence],
        ['mail', 'failed 2 times', 'exit 2'],
      ],
    )
  },
)

t.test('tasks: rows, counts, the app of an id, the folder of the files', async t => {
  const id = 'shop_web.instance-4cd7b3a1-0000-4000-8000-000000000001._app.1'
  t.equal(appOfTaskId(id), '/shop/web')
  t.equal(appOfTaskId('something-else'), '')
  const store = new Store()
  store.put('task', 'f/1', task({ id, timestamp: 5, healthy: false }))
  store.put('task', 'f/2', task({ id: '2', state: 'TASK_FAILED', timestamp: 9, healthy: true }))
  store.put('task', 'f/3', task({ id: '3', state: 'TASK_STAGING', timestamp: 7 }))
  t.strictSame(
    taskRowsOf(store).map(({ key }) => key),
    ['f/3', 'f/1', 'f/2'],
  )
  t.strictSame(
    taskRowsOf(store).map(({ health }) => health),
    ['', 'unhealthy', ''],
    'what has ended is not called healthy',
  )
  t.strictSame(countByState(store.all('task')), [
    ['TASK_RUNNING', 1],
    ['TASK_STAGING', 1],
    ['TASK_FAILED', 1],
  ])
  t.equal(activeBy(store.all('task'), 'slave_id').get('s'), 2)
  t.equal(sandboxOf(task({ id: 't' })), '/frameworks/f/executors/t/runs/latest')
  const nested = [{ container_status: { container_id: { parent: {} } } }]
  t.equal(
    sandboxOf(task({ id: 't', executor_id: 'e', statuses: nested })),
    '/frameworks/f/executors/e/runs/latest/tasks/t',
  )
})

t.test('the filter language', async t => {
  interface Row {
    readonly id: string
    readonly cpus: number
  }
  const readable: Readable<Row> = {
    text: ({ id }) => id,
    words: {
      is: ({ id }) => (id.startsWith('w') ? ['running', 'web', 'unhealthy'] : ['stopped', 'healthy']),
      id: ({ id }) => id,
    },
    numbers: { cpus: ({ cpus }) => cpus },
  }
  const rows: Row[] = [
    { id: 'web one', cpus: 1 },
    { id: 'web two', cpus: 2 },
    { id: 'db', cpus: 4 },
  ]
  const found = (text: string) => rows.filter(compileFilter(text, readable).matches).map(({ id }) => id)
  t.equal(found('').length, 3)
  t.strictSame(found('WEB two'), ['web two'])
  t.strictSame(found('"web one"'), ['web one'])
  t.strictSame(found('-web'), ['db'])
  t.strictSame(found('is:stopped,running cpus>=2'), ['web two', 'db'])
  t.strictSame(found('-is:running'), ['db'])
  t.strictSame(found('cpus<2'), ['web one'])
  t.strictSame(found('is:'), ['web one', 'web two', 'db'], 'a key that is being typed hides nothing')
  t.strictSame(found('is:healthy'), ['db'], 'what is unhealthy is not')
  t.strictSame(found('is:unheal'), ['web one', 'web two'])
  t.strictSame(found('is:,'), ['web one', 'web two', 'db'])
  t.strictSame(found('id:web'), ['web one', 'web two'])
  t.strictSame(found('id="web one"'), ['web one'], '= is all of it')
  t.strictSame(found('id=web'), [])
  t.strictSame(found('one, cpus>3'), ['web one', 'db'], 'or')
  t.strictSame(found('is:running, '), ['web one', 'web two'], 'an alternative that is being typed')
  t.strictSame(found('web (one, two) cpus<2'), ['web one'])
  t.strictSame(found('-(one, db)'), ['web two'])
  t.strictSame(found('((one), (db'), ['web one', 'db'], 'what is not closed ends with the text')
  t.strictSame(found('lable:x, one'), ['web one'])
  t.strictSame(found('()'), ['web one', 'web two', 'db'])
  t.strictSame(found('"one)"'), [])
  t.strictSame(found('one)'), [], 'a parenthesis that closes nothing is text')
  t.strictSame(found(`${'('.repeat(50_000)}one`), [], 'groups have a bound')
  const unknown = compileFilter('lable:x constructor:y', readable)
  t.equal(rows.filter(unknown.matches).length, 3, 'an unknown key hides nothing')
  t.equal(unknown.problems.length, 2)
  t.match(unknown.problems[0], /lable.*is:, id:, cpus>/)
  t.match(compileFilter('cpus>many', readable).problems, [/compares with no number/])
})

t.test('numbers, times and words', async t => {
  t.equal(cores(0.1), '0.1')
  t.equal(memory(128), '128 MiB')
  t.equal(memory(1_536), '1.5 GiB')
  t.equal(memory(2 * 1024 * 1024), '2 TiB')
  t.equal(duration(252_000), '4 min 12 s')
  t.equal(duration(90_000_000), '1 d 1 h')
  t.equal(duration(-5), '0 s')
  t.equal(ago(500), 'just now')
  t.equal(ago(252_000), '4 min ago')
  t.equal(percent(1, 0), 0)
  t.equal(percent(3, 2), 100)
  t.equal(plural(1, 'task'), '1 task')
  t.equal(plural(2, 'task'), '2 tasks')
  t.equal(stateWord('TASK_GONE_BY_OPERATOR'), 'gone by operator')
  t.equal(reasonWord('REASON_SLAVE_REMOVED'), 'slave removed')
  t.equal(shortened('x'.repeat(90)).length, 36)
  t.equal(shortened('short'), 'short')
})

t.test('freshness: the own connection first, then what the router does not hear', async t => {
  const live = { state: 'live', since: 1, detail: '' } as const
  const source = { name: 'master', state: 'live', since: 5, detail: '', known: true } as const
  t.match(freshnessOf({ state: 'lost', since: 2, detail: 'x' }, [source]), { word: 'stale', since: 2 })
  t.match(freshnessOf({ state: 'connecting', since: 2, detail: 'x' }, []), { mark: 'busy', word: 'connecting' })
  const unreached = freshnessOf({ state: 'unreached', since: 2, detail: 'the router answered 503' }, [])
  t.match(unreached, { mark: 'bad', word: 'not connected', since: 2, detail: /\(the router answered 503\)/ })
  t.match(freshnessOf(live, [source]), { word: 'live', detail: '' })
  const lost = freshnessOf(live, [source, { ...source, name: 'marathon', state: 'lost', detail: 'refused' }])
  t.match(lost, { word: 'partly stale', since: 5, detail: /Marathon \(refused\); what it last knew/ })
})

t.test('nodes, routes, the chart, progress', async t => {
  const agent = { id: 'a', hostname: 'h' }
  t.equal(statusOfAgent({ ...agent, active: true }).word, 'active')
  t.equal(statusOfAgent({ ...agent, active: false }).word, 'unreachable')
  t.equal(statusOfAgent({ ...agent, active: false, deactivated: true }).word, 'deactivated')
  t.equal(statusOfAgent({ ...agent, active: true, drain_info: { state: 'DRAINING' } }).word, 'draining')
  t.strictSame(parseRoute(''), { section: 'overview', item: undefined, query: {} })
  const route = formatRoute('apps', '/a b/ü?', { q: 'is:x', page: '' })
  t.strictSame(parseRoute(route), { section: 'apps', item: '/a b/ü?', query: { q: 'is:x' } })
  t.match(parseRoute('#/constructor/%E0%A4%A'), { section: undefined, item: '%E0%A4%A' })
  const point = (at: number): Metric => ({
    at,
    cpus: 4,
    cpus_used: 1,
    mem: 10,
    mem_used: 5,
    disk: 0,
    disk_used: 0,
    tasks_running: 0,
  })
  t.strictSame(columnsOf([point(2_000), point(1_000)]), [
    [1, 2],
    [25, 25],
    [50, 50],
    [0, 0],
  ])
  const store = new Store()
  t.match(progressOf(store, '/a'), { done: false })
  store.put('app', '/a', app({ tasksRunning: 1, healthChecks: 1, deployments: [{ id: 'd' }] }))
  store.put('wait', '/a', wait)
  const names = (state: string) => progressOf(store, '/a').steps.filter(step => step.state === state)
  t.match(names('now'), [{ name: 'Instances running', detail: `1 of 3; ${wait.sentence}` }])
  store.del('wait', '/a')
  store.put('app', '/a', app({ tasksHealthy: 3, healthChecks: 1 }))
  t.equal(progressOf(store, '/a').done, true)
})

t.test('a list is the same array until its kind changes', async t => {
  const store = new Store()
  store.put('app', '/a', app())
  const list = store.all('app')
  store.put('task', 't', task())
  t.equal(store.all('app'), list)
  store.put('app', '/a', app({ instances: 9 }))
  t.not(store.all('app'), list)
  t.equal(list[0]!.instances, 3)
})

t.test('refusals in the words of whoever answered', async t => {
  const details = [{ path: '/cmd', errors: ['must not be empty', 'or else'] }]
  t.strictSame(readRefusal(422, JSON.stringify({ message: 'Object is not valid', details })), {
    message: 'Object is not valid',
    details: [{ path: '/cmd', text: 'must not be empty; or else' }],
    locked: false,
  })
  t.equal(readRefusal(409, JSON.stringify({ message: `locked: '?force=true'` })).locked, true)
  t.equal(readRefusal(409, JSON.stringify({ message: 'already exists' })).locked, false)
  t.equal(readRefusal(502, '502 Bad Gateway: nobody\n').message, '502 Bad Gateway: nobody')
  t.match(readRefusal(500, ''), { message: /500/ })
  t.match(readRefusal(500, 'null'), { message: 'null' })
  const errors = [{ message: 'too small', instance: { pointer: '/service/a~1b' } }]
  t.match(readRefusal(400, JSON.stringify({ type: 'JsonSchemaMismatch', message: 'no', data: { errors } })), {
    details: [{ path: '/service/a~1b', text: 'too small' }],
  })
  t.equal(fieldOfPointer('/service/a~1b'), 'service.a/b')
})
