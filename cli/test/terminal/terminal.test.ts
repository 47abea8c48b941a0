import t from 'tap'
import { changedOptions, type Field, fieldsOf, read } from '../../src/terminal/fields.ts'
import { age, bar, frame, plainOverview, table } from '../../src/terminal/frame.ts'
import { type Press, press } from '../../src/terminal/keys.ts'
import { Model } from '../../src/terminal/model.ts'
import { type Action, type Event, firstState, hear, type UiState } from '../../src/terminal/state.ts'

const screen = { columns: 80, rows: 24, now: 1_000_000 }

const app = (id: string, more: object = {}) => ({
  id,
  instances: 2,
  tasksRunning: 2,
  tasksHealthy: 2,
  tasksUnhealthy: 0,
  healthChecks: 1,
  cpus: 0.5,
  mem: 256,
  deployments: [],
  ...more,
})

function cluster(): Model {
  const model = new Model()
  const put = (kind: string, key: string, body: object) => model.put(kind, key, body, 0)
  put('cluster', 'cluster', {
    name: 'demo',
    leader_info: { hostname: '127.0.0.1', port: 5050 },
    resources: { cpus: 4, mem: 8192, disk: 1000 },
    used_resources: { cpus: 1, mem: 4096 },
  })
  put('agent', 'S0', {
    id: 'S0',
    hostname: '127.0.0.1',
    active: true,
    resources: { cpus: 4, mem: 8192 },
    used_resources: { cpus: 1 },
  })
  put('app', '/web', app('/web'))
  put('app', '/db', app('/db', { tasksRunning: 0, tasksHealthy: 0 }))
  put('wait', '/db', { code: 'INSUFFICIENT_CPUS', sentence: 'cpus: needs 8, the only agent has 3' })
  put('task', 'F/web.1', {
    id: 'web.1',
    name: 'web',
    state: 'TASK_RUNNING',
    slave_id: 'S0',
    healthy: true,
    timestamp: 5,
  })
  put('package', 'web-demo', { name: 'web-demo', currentVersion: '1.0.0', description: 'a page' })
  put('installed', '/web', { appId: '/web', packageName: 'web-demo', packageVersion: '1.0.0' })
  model.synced = true
  model.live = true
  model.heardAt = screen.now
  return model
}

const text = (state: UiState, model: Model, size = screen) => frame(state, model, size).map(line => line.text)
const shown = (state: UiState, model: Model) => text(state, model).join('\n')

/** Presses keys one after the other: names in angle brackets, all else as typed text. */
function keys(state: UiState, model: Model, typed: string): { state: UiState; actions: Action[] } {
  const actions: Action[] = []
  let now = state
  for (const [, name, letter] of typed.matchAll(/<([a-z-]+)>|([\s\S])/g)) {
    const key: Press = name ? { name: name as Press['name'], text: '' } : { name: 'text', text: letter! }
    const outcome = press(now, key, model)
    now = outcome.state
    if (outcome.action) actions.push(outcome.action)
  }
  return { state: now, actions }
}

t.test('the overview shows resources, what needs somebody with its reason, apps and events', async t => {
  const model = cluster()
  model.put(
    'task',
    'F/web.1',
    { id: 'web.1', name: 'web', state: 'TASK_FAILED', message: 'exit 7', slave_id: 'S0' },
    3_600_000,
  )
  const state = firstState(false)
  const all = shown(state, model)
  t.match(all, /meseta {2}demo {3}leader 127\.0\.0\.1:5050 {3}1 agent .*live/)
  t.match(all, /CPU \[####\.{12}\] 1\/4/)
  t.match(all, /Needs you \(1\)/)
  t.match(all, /x \/db .*waiting 0\/2 .*cpus: needs 8, the only agent has 3/)
  t.match(all, /01:00:00 web failed \(exit 7\)/)
  t.match(plainOverview(model), /\/db/)
})

t.test('every frame fits: one line fewer than the screen, none wider; too small a screen says so', async t => {
  const model = cluster()
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
    [57, 13],
  ] as const) {
    for (const typed of ['', ':tasks<return>', 'd', '?', 'i', '/web', 'l', ':catalog<return><return>']) {
      const { state } = keys(firstState(false), model, typed)
      const lines = text(state, model, { ...screen, columns, rows })
      t.equal(lines.length, rows - 1, `${typed || 'overview'} at ${columns}x${rows}`)
      t.ok(lines.every(line => [...line].length <= columns))
    }
  }
  t.match(text(firstState(false), model, { ...screen, columns: 39, rows: 24 })[0], /at least 40 x 10/)
})

t.test('statuses: the worst that holds, in one word', async t => {
  const model = cluster()
  const status = (more: object) => model.statusOf(app('/x', more)).word
  t.equal(status({}), 'running')
  t.equal(status({ instances: 0, tasksRunning: 0 }), 'stopped')
  t.equal(status({ tasksRunning: 1 }), 'degraded')
  t.equal(status({ tasksUnhealthy: 1 }), 'degraded')
  t.equal(status({ deployments: [{ id: 'd' }] }), 'deploying')
  model.put('wait', '/x', { code: 'BACKOFF', sentence: 's' }, 0)
  t.equal(status({ tasksRunning: 0 }), 'delayed')
})

t.test('a package is installed by keys alone, and only what was changed is sent', async t => {
  const model = cluster()
  let { state, actions } = keys(firstState(false), model, ':cat<tab><return><return>')
  t.same(actions, [{ type: 'describe', name: 'web-demo' }])
  const tell = (event: Event) => {
    state = hear(state, event, fieldsOf)
  }
  const config = {
    properties: {
      service: {
        properties: {
          name: { type: 'string', default: 'web-demo', description: 'its name' },
          instances: { type: 'integer', default: 2, minimum: 1 },
          loud: { type: 'boolean', default: false },
        },
        required: ['name'],
      },
    },
  }
  tell({ type: 'described', name: 'web-demo', version: '1.0.0', config, notes: '' })
  t.match(shown(state, model), /service\.name +\* \[web-demo\]/)
  ;({ state, actions } = keys(state, model, '<down><return><backspace>0<return>'))
  t.match(shown(state, model), /! at least 1/)
  ;({ state, actions } = keys(state, model, '<backspace>5<return><down> <ctrl-n>'))
  t.match(shown(state, model), /\[5\] {2}changed, default 2/)
  const options = { service: { instances: 5, loud: true } }
  t.same(actions, [{ type: 'render', name: 'web-demo', version: '1.0.0', options }])
  tell({ type: 'rendered', lines: ['app /web-demo', '  5 instances'] })
  t.match(shown(state, model), /3 PLAN/)
  ;({ state, actions } = keys(state, model, '<return>'))
  t.same(actions, [{ type: 'install', name: 'web-demo', version: '1.0.0', options }])
  tell({ type: 'installed', appId: '/web-demo', at: screen.now - 3_000 })
  model.put(
    'app',
    '/web-demo',
    app('/web-demo', { instances: 5, tasksRunning: 2, tasksHealthy: 1, deployments: [{ id: 'd' }] }),
    0,
  )
  t.match(shown(state, model), /\/web-demo {3}3s/)
  t.match(shown(state, model), /> running {2}\[########\.{12}\] 2\/5/)
  model.put(
    'app',
    '/web-demo',
    app('/web-demo', { instances: 5, tasksRunning: 5, tasksHealthy: 5, labels: { DCOS_SERVICE_NAME: 'web-demo' } }),
    0,
  )
  t.match(shown(state, model), /\+ deployed[\s\S]*\/service\/web-demo\//)
})

t.test('what the catalog refuses is shown where the person is', async t => {
  const model = cluster()
  let { state } = keys(firstState(false), model, ':catalog<return><return>')
  state = hear(state, { type: 'described', name: 'web-demo', version: '1', config: {}, notes: '' }, fieldsOf)
  state = hear(
    state,
    { type: 'failed', message: 'Options JSON failed validation', hint: '/service/cpus: must be number' },
    fieldsOf,
  )
  t.match(shown(state, model), /Options JSON failed validation\n +\/service\/cpus: must be number/)
})

t.test('nothing is deleted but by typing its name; scaling is confirmed', async t => {
  const model = cluster()
  const at = (id: string) => (id === '/db' ? '' : '<down>')
  const wrong = keys(firstState(false), model, `${at('/db')}<ctrl-d>/dx<return>`)
  t.same(wrong.actions, [])
  t.match(shown(wrong.state, model), /"\/dx" is not \/db: nothing was done/)
  t.same(keys(firstState(false), model, '<ctrl-d>/db<return>').actions, [{ type: 'remove', id: '/db' }])
  t.same(keys(firstState(false), model, '<down><ctrl-d>web-demo<return>').actions, [
    { type: 'uninstall', name: 'web-demo', appId: '/web' },
  ])
  t.same(keys(firstState(false), model, '<down>+y').actions, [{ type: 'scale', id: '/web', instances: 3 }])
  t.same(keys(firstState(false), model, '<down>+n').actions, [])
  t.same(keys(firstState(false), model, '<down>ry').actions, [{ type: 'restart', id: '/web' }])
})

t.test('leaving a cluster of this process is asked once; elsewhere it is not', async t => {
  const model = cluster()
  t.same(keys(firstState(false), model, 'q').actions, [{ type: 'quit' }])
  t.same(keys(firstState(true), model, 'q').actions, [])
  t.same(keys(firstState(true), model, 'qy').actions, [{ type: 'quit' }])
  t.same(keys(firstState(true), model, '<ctrl-c><ctrl-c>').actions, [{ type: 'quit' }])
})

t.test('filter, views, back: row and filter are kept', async t => {
  const model = cluster()
  const filtered = keys(firstState(false), model, '/web<return>')
  t.match(shown(filtered.state, model), /Apps 1 {2}\/web/)
  const inTasks = keys(filtered.state, model, '<return>')
  t.equal(inTasks.state.view, 'tasks')
  const again = keys(inTasks.state, model, '<escape><escape>')
  t.equal(again.state.view, 'overview')
  t.equal(again.state.filters.overview, 'web')
  t.match(shown(keys(firstState(false), model, ':nothing<return>').state, model), /there is no view "nothing"/)
})

t.test('a log is followed, scrolled and closed', async t => {
  const model = cluster()
  let { state, actions } = keys(firstState(false), model, '<down>l')
  t.same(actions, [{ type: 'open-log', key: 'F/web.1', file: 'stdout' }])
  for (const part of ['one\ntw', 'o\nthree\n']) state = hear(state, { type: 'log', text: part }, fieldsOf)
  t.match(shown(state, model), /one\ntwo\nthree/)
  ;({ state, actions } = keys(state, model, '<escape>'))
  t.same(actions, [{ type: 'close-log' }])
})

t.test('names and logs with escape codes reach the terminal as plain text', async t => {
  const model = cluster()
  model.put(
    'app',
    '/e',
    app('/e', { lastTaskFailure: { message: '\u001b[2J\u001b]0;title\u0007\u0000bad' }, tasksRunning: 0 }),
    0,
  )
  const lines = text(firstState(false), model)
  t.notOk(lines.some(line => /\p{Cc}/u.test(line)))
})

t.test('a stale cluster says so and since when', async t => {
  const model = cluster()
  model.live = false
  model.detail = 'connect ECONNREFUSED'
  const lines = text(firstState(false), model, { ...screen, now: screen.now + 65_000 })
  t.match(lines[0], /STALE 1m: connect/)
  t.match(lines.at(-1), /what is shown is of before/)
})

t.test('of ten thousand rows only those that are seen are made', async t => {
  const model = new Model()
  for (let i = 0; i < 10_000; i += 1)
    model.put('task', `F/${i}`, { id: `t${i}`, name: `n${String(i).padStart(5, '0')}`, state: 'TASK_RUNNING' }, 0)
  const rows = model.rows('tasks')
  const lines = table(['name', 'state'], rows, 5_000, 80, 20)
  t.equal(lines.length, 20)
  t.ok(lines.some(({ text: line, selected }) => selected && line.includes('n05000')))
})

t.test('fields: types, limits, choices, defaults', async t => {
  const field = (more: Partial<Field>): Field => ({
    path: ['a'],
    type: 'string',
    description: '',
    required: false,
    fallback: undefined,
    ...more,
  })
  t.same(read(field({ type: 'integer' }), '1.5'), { problem: 'a whole number' })
  t.same(read(field({ type: 'number', maximum: 2 }), '3'), { problem: 'at most 2' })
  t.same(read(field({ choices: ['x', 'y'] }), 'z'), { problem: 'one of x, y' })
  t.same(read(field({ type: 'json' }), '[1,'), { problem: 'JSON is needed' })
  t.same(read(field({ type: 'number' }), ''), { value: undefined })
  t.same(changedOptions([field({ path: ['a', 'b'], fallback: 1 })], new Map([['a.b', 1]])), {})
  t.same(changedOptions([field({ path: ['a', 'b'], fallback: 1 })], new Map([['a.b', 2]])), { a: { b: 2 } })
  t.equal(bar(3, 4, 8), '[######..]')
  t.equal(bar(0, 0, 4), '[....]')
  t.equal(age(3_700_000), '1h')
})
