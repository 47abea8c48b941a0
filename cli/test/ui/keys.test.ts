import t from 'tap'
import { plainOverview } from '../../src/ui/frame/frame.ts'
import { fieldsOf, read } from '../../src/ui/install/fields.ts'
import { plannedApps } from '../../src/ui/install/plan.ts'
import type { Press } from '../../src/ui/keys/press.ts'
import type { Model } from '../../src/ui/model/model.ts'
import { Session } from '../../src/ui/session.ts'
import type { Action } from '../../src/ui/state.ts'
import { plain, width } from '../../src/ui/text.ts'
import { errorsOf } from '../../src/ui/work.ts'
import { agent, app, config, now, scripted, task } from './cluster.ts'

interface Person {
  readonly session: Session
  readonly model: Model
  /** Presses keys one after the other: names in angle brackets, all else as typed text. Answers what was asked for by them. */
  type(keys: string): Action[]
  /** The screen as text. */
  screen(): string
  lines(): string[]
}

function person(options: { model?: Model; quitEndsCluster?: boolean; columns?: number; rows?: number } = {}): Person {
  const { model = scripted(), quitEndsCluster = false, columns = 80, rows = 24 } = options
  let actions: Action[] = []
  const session = new Session({
    model,
    router: 'http://127.0.0.1:8080',
    quitEndsCluster,
    size: { columns, rows },
    now: () => now,
    perform: action => actions.push(action),
  })
  const lines = () => session.frame().map(plain)
  return {
    session,
    model,
    lines,
    screen: () => lines().join('\n'),
    type(keys) {
      actions = []
      for (const [, name, letter] of keys.matchAll(/<([a-z-]+)>|([\s\S])/g)) {
        const key: Press = name ? { name: name as Press['name'], text: '' } : { name: 'text', text: letter! }
        session.press(key)
      }
      return actions
    },
  }
}

/** Somebody in the form of `web-demo`. */
function inForm(more: Parameters<typeof person>[0] = {}): Person {
  const some = person(more)
  some.type(':cat<tab><return><down><return>')
  some.session.hear({
    type: 'described',
    name: 'web-demo',
    version: '1.1.0',
    versions: ['1.1.0', '1.0.0'],
    config,
    notes: 'Small.',
  })
  return some
}

t.test('a key that does nothing says so, and where there is no row which would', async t => {
  const { type, screen, lines } = person()
  type('z')
  t.match(lines().at(-1), /^"z" is no key here; \? shows them/)
  type(':agents<return>r')
  t.match(lines().at(-1), /^r does nothing in agents; \? shows the keys/)
  type(':tsks<return>')
  t.match(lines().at(-1), /^there is no view "tsks"\. Did you mean "tasks"\?/)
  type('/nothing<return>')
  t.match(lines().at(-1), /^\? help {2}: view {2}\/ filter {2}i install {2}q quit/, 'no keys of rows without rows')
  type('l')
  t.match(lines().at(-1), /^there is nothing here that l could act on/)
  type('?')
  t.match(screen(), /The page of this cluster: http:\/\/127\.0\.0\.1:8080\//)
})

t.test('a virtual IP that had to move says first where it listens', async t => {
  const { model, type, screen } = person()
  const vip = model.get('vip', 'web.marathon.l4lb.thisdcos.directory:80/tcp')!
  const error = '11.0.0.1:80 can not be opened'
  model.put('vip', 'a', { ...vip, error }, now)
  model.put('vip', 'b', { ...vip, listen: undefined, error }, now)
  type(':vips<return>')
  t.match(screen(), /^ *>?! web\..*\n *x web\./m, 'one is reached elsewhere, the other not at all')
  t.match(screen(), /^ {3}listens on 127\.0\.0\.1:8080; 11\.0\.0\.1:80 can not be opened$/m)
})

t.test('in the catalog those come first that have the word in their name', async t => {
  const { model, type, screen } = person()
  model.put('package', 'a-clock', { name: 'a-clock', currentVersion: '1', description: 'On the web.', tags: [] }, now)
  type(':cat<return>/web')
  t.match(screen(), /Catalog 2 of 3[\s\S]*> {2}web-demo[^\n]*\n {3}a-clock/)
})

t.test('ctrl-n sets what is being typed and goes on to the plan, unless that is wrong', async t => {
  const { type, screen } = inForm()
  t.same(type('<down><return><ctrl-u>many<ctrl-n>'), [])
  t.match(screen(), /\[many_ +\] {2}! a whole number/)
  t.match(type('<ctrl-u>3<ctrl-n>'), [{ type: 'render', request: { options: { service: { instances: 3 } } } }])
})

t.test('a form that is left keeps what was set, and forgets what was not', async t => {
  const { type, screen, lines } = inForm()
  type('<down><return><ctrl-u>3<return><escape>')
  t.match(screen(), /Catalog/)
  t.match(lines().at(-1), /^the options of web-demo are kept/)
  t.same(type('<return>'), [], 'nothing is asked again')
  t.match(screen(), /instances \* \[3 +\] {2}changed, default 2/)
  type('<ctrl-r><escape>')
  t.match(type('<return>'), [{ type: 'describe', name: 'web-demo' }])
})

t.test('the overview shows resources, what needs somebody with its reason, apps and events', async t => {
  const { model, screen, lines } = person({ columns: 100 })
  model.put('task', 'F/web.1', task('web', 1, { state: 'TASK_FAILED', message: 'exit 7' }), now)
  t.match(lines()[0], /^meseta {2}demo {3}2 agents {3}leader 127\.0\.0\.1:5050 .* live$/)
  t.match(screen(), /CPU \[####\.{12}\] 2\/8 .*MEM \[####\.{12}\] 4Gi\/16Gi/)
  t.match(screen(), /Needs you \(2\)/)
  t.match(
    screen(),
    / x \/team\/db +WAITING 4m12s +cpus: needs 8, the best of 2 agents has 3\n ! \/front +DEGRADED 5\/6 +last task failed/,
  )
  t.match(screen(), />! \/front +degraded +5\/6/)
  t.match(screen(), /- Events -[\s\S]*\d\d:\d\d:\d\d {2}\/web {2}task failed: exit 7/)
})

t.test('every frame fits: one line fewer than the screen, none wider; too small a screen says so', async t => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
    [57, 13],
  ] as const) {
    const long = { labels: { DCOS_SERVICE_NAME: 'x'.repeat(300) }, cmd: '\u65e5\u672c\u8a9e '.repeat(99) }
    for (const keys of [
      '',
      ':tasks<return>',
      ':agents<return>',
      ':vips<return>',
      'd',
      'dy',
      '?',
      'i',
      '/web',
      'l',
      '<ctrl-d>',
      '++',
      'q',
      ':x',
      'o',
    ]) {
      const some = person({ columns, rows, quitEndsCluster: true })
      some.model.put('app', `/${'long'.repeat(80)}`, app(`/${'long'.repeat(80)}`, long), now)
      some.type(`<end>${keys}`)
      const lines = some.lines()
      t.equal(lines.length, rows - 1, `${keys || 'overview'} at ${columns}x${rows}`)
      t.ok(
        lines.every(one => width(one) <= columns),
        `${keys || 'overview'} is not wider than ${columns}`,
      )
    }
    const some = inForm({ columns, rows })
    for (const keys of ['', '<return>', '<ctrl-n>']) {
      some.type(keys)
      t.equal(some.lines().length, rows - 1)
      t.ok(some.lines().every(one => width(one) <= columns))
    }
  }
  t.match(person({ columns: 39 }).screen(), /39 x 24 is too small: at least/)
  t.match(person({ columns: 80, rows: 9 }).screen(), /80 x 9 is too small: at least 40 x 10 is needed/)
})

t.test('a package is installed by keys alone; only what was changed is sent; each step has its time', async t => {
  const some = inForm()
  const { session, model, type, screen } = some
  t.match(screen(), /2 of 4: options/)
  t.match(screen(), /> service +\| > Name +\* \[web-demo +\]/)
  t.match(screen(), /service\.name .*\n {2}string, required, default web-demo\n {2}Unique name of the service\./)
  type('<down><return><backspace>0<return>')
  t.match(screen(), /\[0_ +\] {2}! at least 1/)
  t.match(screen(), /> service +!1 \|/)
  type('<backspace>5<return>')
  t.match(screen(), /instances \* \[5 +\] {2}changed, default 2/)
  t.match(screen(), /> service +\+1 \|/)
  type('<tab><down> ')
  t.match(screen(), /loud +\[x\] yes {2}changed, default false/)
  type('<down> ')
  t.match(screen(), /level +\( \) debug {2}\( \) info {2}\(o\) warn/)
  type('<ctrl-r>')
  t.match(screen(), /level +\( \) debug {2}\(o\) info {2}\( \) warn\n/)
  const request = {
    packageName: 'web-demo',
    packageVersion: '1.1.0',
    options: { service: { instances: 5 }, demo: { loud: true } },
  }
  t.same(type('<ctrl-n>'), [{ type: 'render', request }])
  const rendered = {
    id: 'web-demo',
    instances: 5,
    cpus: 0.1,
    mem: 64,
    labels: { DCOS_SERVICE_NAME: 'web-demo' },
    portDefinitions: [{ port: 0, name: 'http', labels: { VIP_0: '/web-demo:9080' } }],
  }
  session.hear({ type: 'rendered', name: 'web-demo', apps: plannedApps(rendered) })
  t.match(screen(), /3 of 4: plan/)
  t.match(screen(), /instances +5, each with 0\.1 cpus, 64Mi memory; together 0\.5 cpus, 320Mi\n +memory/)
  t.match(screen(), /room +one instance fits on 2 of 2 agents now/)
  t.match(screen(), /ports +http any\/tcp\n +name +web-demo\.marathon\.mesos\n +virtual IP +web-demo\.marathon\.l4lb/)
  t.match(screen(), /service\.instances +5\n +demo\.loud +true/)
  t.same(type('<return>'), [{ type: 'install', request }])
  session.hear({ type: 'installed', name: 'web-demo', appId: '/web-demo', notes: 'Ready.', at: now })
  model.put(
    'app',
    '/web-demo',
    app('/web-demo', { instances: 5, tasksRunning: 2, tasksHealthy: 1, deployments: [{}] }),
    now,
  )
  t.match(screen(), / \+ posted +0\.0 s\n \* deploying {2}\[########\.{12}\] 2\/5/)
  const labels = { DCOS_SERVICE_NAME: 'web-demo' }
  model.put('app', '/web-demo', app('/web-demo', { instances: 5, tasksRunning: 5, tasksHealthy: 5, labels }), now)
  session.changed()
  await until(() => /healthy {4}\[#{20}\] 5\/5 +0\.0 s/.test(screen()))
  t.match(screen(), / \+ deployed[\s\S]* \* name web-demo\.marathon\.mesos/)
  for (const what of ['name', 'page'] as const)
    session.hear({ type: 'answered', of: 'web-demo.marathon.mesos', what, at: now + 1_500 })
  t.match(screen(), / \+ URL http:\/\/127\.0\.0\.1:8080\/service\/web-demo\/ +1\.5 s/)
  t.match(screen(), /installed[\s\S]*Ready\./)
  type('<return>')
  t.equal(session.state.view, 'packages')
})

t.test(
  'what is wrong with options is shown at them; a failed installation says why and can be tried again',
  async t => {
    const { session, type, screen } = inForm()
    t.same(type('<ctrl-n>').length, 1)
    const errors = errorsOf('/service/mem: must be >= 48\n      /other: is not known')
    session.hear({
      type: 'refused',
      name: 'web-demo',
      asked: 'render',
      message: 'Options JSON failed validation',
      errors,
    })
    t.match(screen(), /x Options JSON failed validation\n {2}\/other: is not known/)
    t.match(screen(), /> mem +\* \[64 +\] {2}! must be >= 48/, 'the cursor is at the first one')
    session.hear({ type: 'refused', name: 'other', asked: 'render', message: 'of another', errors: [] })
    t.notMatch(screen(), /of another/)
    type('<ctrl-n>')
    session.hear({ type: 'rendered', name: 'web-demo', apps: [] })
    type('<return>')
    session.hear({ type: 'refused', name: 'web-demo', asked: 'install', message: 'already installed', errors: [] })
    t.match(screen(), /x already installed\n- Nothing was installed/)
    t.equal(type('<escape><return>').length, 1, 'it can be posted again')
  },
)

t.test('a package that can not be described leads back to the catalog, and says why', async t => {
  const some = person()
  some.type(':catalog<return><return>')
  some.session.hear({ type: 'refused', name: 'kv-store', asked: 'describe', message: 'no such package', errors: [] })
  t.match(some.screen(), /Catalog 2[\s\S]*kv-store: no such package$/)
})

t.test('an installation goes on without being watched, and its troubles are told', async t => {
  const { session, model, type, screen } = inForm()
  type('<ctrl-n>')
  session.hear({ type: 'rendered', name: 'web-demo', apps: [] })
  type('<return>')
  session.hear({ type: 'installed', name: 'web-demo', appId: '/web-demo', notes: '', at: now })
  model.put('app', '/web-demo', app('/web-demo', { tasksRunning: 0, tasksHealthy: 0, deployments: [{}] }), now)
  model.put('wait', '/web-demo', { code: 'INSUFFICIENT_MEM', sentence: 'mem: needs 64, the only agent has 3' }, now)
  t.match(screen(), / ! waits: mem: needs 64, the only agent has 3/)
  const failure = { state: 'TASK_FAILED', message: 'exit 1', timestamp: new Date(now).toISOString() }
  model.put('app', '/web-demo', app('/web-demo', { tasksRunning: 0, tasksHealthy: 0, lastTaskFailure: failure }), now)
  t.match(screen(), / ! an instance ended failed: exit 1/)
  type('<escape>')
  t.match(screen(), /installing web-demo 0\/2 {3}live/)
  type(':apps<return>i')
  t.match(screen(), /4 of 4: install/, 'i leads back to it')
})

t.test('a required option without a value is asked for before anything is sent', async t => {
  const some = person()
  some.type(':catalog<return><return>')
  const schema = {
    properties: {
      a: { type: 'string' },
      deep: { properties: { pass_word: { type: 'string' }, password: { type: 'string' } }, required: ['password'] },
    },
  }
  some.session.hear({ type: 'described', name: 'kv-store', version: '1.0.0', versions: [], config: schema, notes: '' })
  t.match(some.screen(), /general/, 'options at the top have a section too')
  t.same(some.type('<ctrl-n>'), [])
  t.match(some.screen(), /> password +\* \[.*\] {2}! a value is needed/)
  some.type('<return>hunter2<return>')
  t.notMatch(some.screen(), /hunter2/, 'a secret is not shown')
  const [action] = some.type('<ctrl-n>')
  t.match(action, { request: { options: { deep: { password: 'hunter2' } } } })
})

t.test('nothing is deleted but by typing its name; scaling and restarting are confirmed', async t => {
  const some = person()
  t.same(some.type('<down><ctrl-d>/dx<return>'), [])
  t.match(some.screen(), /"\/dx" is not \/team\/db: nothing is done/)
  t.same(some.type('<ctrl-d><return>'), [])
  t.match(some.screen(), /nothing was typed: nothing is done/)
  t.same(some.type('<ctrl-d>/team/db<return>'), [{ type: 'remove', id: '/team/db' }])
  const uninstall = { type: 'uninstall', name: 'web-demo', appId: '/web' }
  t.same(some.type('<end><ctrl-d>web-demo<return>'), [uninstall], 'what a package installed is uninstalled')
  t.same(some.type('++'), [])
  t.match(some.screen(), /\/web: 2 -> 4 instances\?/)
  t.same(some.type('-<return>'), [{ type: 'scale', id: '/web', instances: 3 }])
  t.same(some.type('+<escape>'), [])
  t.same(some.type('-----<return>'), [{ type: 'scale', id: '/web', instances: 0 }])
  t.same(some.type('rn'), [])
  t.same(some.type('ry'), [{ type: 'restart', id: '/web' }])
  t.same(some.type(':packages<return>uweb-demo<return>'), [uninstall])
  some.type('o')
  t.match(some.screen(), /http:\/\/127\.0\.0\.1:8080\/service\/web\//)
})

t.test('while the cluster is not heard the last data stays with its age, and nothing is sent', async t => {
  const some = person()
  some.model.hearing = { live: false, detail: 'connect ECONNREFUSED', at: now - 65_000 }
  t.match(some.lines()[0], /STALE 1m$/)
  t.match(some.screen(), /! not heard: connect ECONNREFUSED; acting keys are off/)
  t.same(some.type('<end>+<return>'), [])
  t.match(some.screen(), /not heard, so nothing was sent/)
  t.same(some.type('ry'), [])
  t.same(some.type('<ctrl-d>web-demo<return>'), [])
  t.match(some.screen(), /\/web +running/)
  const form = inForm()
  form.type('<ctrl-n>')
  form.session.hear({ type: 'rendered', name: 'web-demo', apps: [] })
  form.model.hearing = { live: false, detail: 'gone', at: now }
  t.same(form.type('<return>'), [])
  t.match(form.screen(), /3 of 4: plan/, 'the form is kept')
})

t.test('views by their beginning, filters, and back to row and filter', async t => {
  const some = person()
  some.type('/status:run<return>')
  t.match(some.screen(), /Apps 1 of 3 .* \/status:run -/)
  some.type('<return>')
  t.match(some.screen(), /Tasks 2 of 2 .* \/app=\/web -\n.*\n> {2}web/)
  some.type('<down>d<escape><escape>')
  t.equal(some.session.state.view, 'overview')
  t.match(some.screen(), /Apps 1 of 3 .* \/status:run -/)
  some.type('<escape>:age<tab>')
  t.match(some.screen(), /^:agents_/m)
  some.type('<return><down>')
  some.model.put('agent', 'S9', agent('S9', 'agent-0'), now)
  t.match(some.screen(), /> {2}agent-2/, 'the row stays, also when others come before it')
  some.type(':nothing<return>')
  t.match(some.screen(), /there is no view "nothing"\. There are overview, apps/)
  some.type(':apps colour:red<return>')
  t.match(some.screen(), /"colour:" is no column here; there are name, status/)
  some.type(':nodes<return>')
  t.equal(some.session.state.view, 'agents', 'other words for a view')
})

t.test('an object is described with why it waits, by reason, and as JSON', async t => {
  const some = person()
  some.type('<down>d')
  t.match(
    some.screen(),
    /why +cpus: needs 8, the best of 2 agents has 3\n +2 of the agents: InsufficientCpus: needs 8, the best has 3/,
  )
  some.type('y')
  t.match(some.screen(), /"id": "\/team\/db"/)
  some.model.del('app', '/team/db', now)
  t.match(some.screen(), /It is gone\./)
})

t.test('a log is followed, scrolled, wrapped and closed; pieces of lines are joined', async t => {
  const some = person()
  t.same(some.type('<end>l'), [{ type: 'open-log', task: 'F/web.2', file: 'stdout' }], 'of the newest task')
  const log = (text: string) => some.session.hear({ type: 'log', task: 'F/web.2', file: 'stdout', text })
  for (const part of ['one\ntw', 'o\n', 'three\n\nfour']) log(part)
  t.match(some.screen(), /one\ntwo\nthree\n\nfour/)
  some.session.hear({ type: 'log', task: 'F/web.1', file: 'stdout', text: 'of another' })
  t.notMatch(some.screen(), /of another/)
  log(`\n${Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join('')}`)
  t.match(some.screen(), /following -[\s\S]*line 99\n/)
  some.type('kk')
  log('more\n')
  t.match(some.screen(), /line 103 of 106 -[\s\S]*line 97\n/, 'it stays where somebody reads')
  some.type('G')
  t.match(some.screen(), /following -[\s\S]*more\n/)
  log(`${'x'.repeat(100)}END\n`)
  t.notMatch(some.screen(), /xEND/)
  some.type('w')
  t.match(some.screen(), /xEND/)
  t.match(some.type('<tab>'), [{ type: 'open-log', file: 'stderr' }])
  t.same(some.type('<escape>'), [{ type: 'close-log' }])
  t.equal(some.session.state.view, 'overview')
})

t.test('leaving a cluster of this process is asked once; elsewhere it is not', async t => {
  t.same(person().type('q'), [{ type: 'quit' }])
  t.same(person().type('<ctrl-c>'), [{ type: 'quit' }])
  const owner = person({ quitEndsCluster: true })
  t.same(owner.type('q'), [])
  t.match(owner.screen(), /End the cluster and its tasks\? y \/ n/)
  t.same(owner.type('n'), [])
  t.same(owner.type('qy'), [{ type: 'quit' }])
  t.same(owner.type('<ctrl-c><ctrl-c>'), [{ type: 'quit' }])
  const form = inForm({ quitEndsCluster: true })
  form.type('<ctrl-c>n')
  t.match(form.screen(), /2 of 4: options/, 'a form is not lost by the question')
})

t.test('names and messages with escape codes reach the screen as plain text', async t => {
  const some = person()
  const message = '\u001b[2J\u001b]0;title\u0007\u0000bad\r\n'
  some.model.put(
    'app',
    '/e\u001b[31m',
    app('/e', { tasksRunning: 0, lastTaskFailure: { state: 'TASK_FAILED', message } }),
    now,
  )
  for (const keys of ['', ':apps<return>', 'd']) {
    some.type(keys)
    t.notOk(
      some.lines().some(one => /\p{Cc}/u.test(one)),
      keys,
    )
  }
})

t.test('without a terminal the overview is plain text with whole reasons', async t => {
  const text = plainOverview(person().session.state, scripted(), now)
  t.match(text, /\/team\/db +waiting +0\/3 .*cpus: needs 8, the best of 2 agents has 3\n/)
  t.notMatch(text, /\p{Cc}(?<!\n)/u)
})

t.test('fields: types, limits, choices, defaults; schemas of any shape', async t => {
  const [field] = fieldsOf({ properties: { a: { type: 'integer', minimum: 2, maximum: 4, default: 3 } } })
  t.same(read(field!, '1.5'), { problem: 'a whole number' })
  t.same(read(field!, '1'), { problem: 'at least 2' })
  t.same(read(field!, '5'), { problem: 'at most 4' })
  t.same(read(field!, ''), { value: undefined }, 'emptied, it goes back to its default')
  const [choice] = fieldsOf({ properties: { a: { enum: [1, 2] } } })
  t.same(read(choice!, '2'), { value: 2 }, 'what is chosen keeps its type')
  t.same(read(choice!, '3'), { problem: 'one of 1, 2' })
  t.same(fieldsOf(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}')), [])
  for (const schema of [
    undefined,
    null,
    7,
    [],
    { properties: null },
    { properties: { a: null, b: { type: ['string'] } } },
  ])
    t.doesNotThrow(() => fieldsOf(schema))
  let deep: object = { type: 'string' }
  for (let depth = 0; depth < 50; depth += 1) deep = { properties: { a: deep } }
  t.equal(fieldsOf(deep).length, 1)
})

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come to that')
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
