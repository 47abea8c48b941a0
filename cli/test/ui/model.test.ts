import t from 'tap'
import { parseFilter, unknownKey } from '../../src/ui/model/filter.ts'
import { Model } from '../../src/ui/model/model.ts'
import { rowOf } from '../../src/ui/model/rows.ts'
import { Sorted } from '../../src/ui/model/sorted.ts'
import { appStatus, appWhy } from '../../src/ui/model/status.ts'
import { age, bar, cut, cutMiddle, fit, longAge, pad, plain, size, width, wrap } from '../../src/ui/text.ts'
import { agent, app, now, scripted, task } from './cluster.ts'

const keys = (model: Model, table: Parameters<Model['rows']>[0], filter = '') => {
  const rows = model.rows(table, filter)
  return Array.from({ length: rows.length }, (_, index) => rows.at(index))
}

t.test('an app in one word: the worst that holds', async t => {
  const status = (more: object, wait?: object) => appStatus(app('/x', more), wait as never)
  t.same(status({}), { word: 'running', mark: ' ' })
  t.same(status({ instances: 0, tasksRunning: 0 }).word, 'stopped')
  t.same(status({ tasksRunning: 1 }), { word: 'degraded', mark: '!' })
  t.same(status({ tasksUnhealthy: 1 }), { word: 'unhealthy', mark: '!' })
  t.same(status({ deployments: [{ id: 'd' }] }), { word: 'deploying', mark: '*' })
  t.same(status({ tasksRunning: 0 }, { code: 'BACKOFF', count: 1 }), { word: 'delayed', mark: 'x' })
  t.same(status({ tasksRunning: 0, deployments: [{}] }, { code: 'INSUFFICIENT_CPUS' }), { word: 'waiting', mark: 'x' })
  t.same(status({ tasksRunning: 1, deployments: [{}] }, { code: 'NOT_HEALTHY' }).word, 'deploying')
  const failed = app('/x', { tasksRunning: 1, lastTaskFailure: { state: 'TASK_FAILED', message: 'exit 7' } })
  t.equal(appWhy(failed, undefined), 'last task failed: exit 7')
  t.equal(appWhy(failed, { sentence: 'cpus: needs 8' }), 'cpus: needs 8')
  t.equal(appWhy(app('/x', { lastTaskFailure: { state: 'TASK_FAILED', message: 'old' } }), undefined), '')
})

t.test('tables follow each change: new rows in their place, gone rows away, counts right', async t => {
  const model = scripted()
  t.same(keys(model, 'apps'), ['/front', '/team/db', '/web'])
  model.put('app', '/item-10', app('/item-10'), now)
  model.put('app', '/item-9', app('/item-9'), now)
  model.del('app', '/web', now)
  t.same(keys(model, 'apps'), ['/front', '/item-9', '/item-10', '/team/db'], 'numbers in names count as numbers')
  t.equal(model.tasksOn('S0'), 1)
  model.put('task', 'F/web.1', task('web', 1, { state: 'TASK_FINISHED' }), now)
  t.equal(model.tasksOn('S0'), 0, 'a task that ended holds nothing')
  t.equal(model.tasksIn('finished'), 1)
  model.del('task', 'F/web.1', now)
  t.equal(model.tasksIn('finished'), 0)
  t.equal(model.tasksOfFramework('F'), 1)
  t.equal(model.installedOf('web-demo'), 1)
  model.del('installed', '/web', now)
  t.equal(model.installedOf('web-demo'), 0)
})

t.test('what somebody must look at follows apps and their waits', async t => {
  const model = scripted()
  t.same([...model.troubledApps()].sort(), ['/front', '/team/db'])
  model.put('app', '/team/db', app('/team/db', { instances: 3, tasksRunning: 3, tasksHealthy: 3 }), now)
  model.del('wait', '/team/db', now)
  t.same([...model.troubledApps()], ['/front'])
  model.del('app', '/front', now)
  t.same([...model.troubledApps()], [])
})

t.test('a filter looks at words, columns and whole values, and is kept up to date', async t => {
  const model = scripted()
  t.same(keys(model, 'apps', 'cpus'), ['/team/db'], 'the reason of a wait is found')
  t.same(keys(model, 'apps', 'status:degraded'), ['/front'])
  t.same(keys(model, 'apps', '-team FRONT'), ['/front'])
  t.same(keys(model, 'apps', 'label:owner=ann'), ['/web'])
  t.same(keys(model, 'tasks', 'app=/we'), [])
  t.same(keys(model, 'tasks', 'app=/web node:agent-2'), ['F/web.2'])
  model.put('task', 'F/web.3', task('web', 3, { slave_id: 'S1' }), now)
  t.same(keys(model, 'tasks', 'app=/web node:agent-2'), ['F/web.2', 'F/web.3'], 'a new row that matches appears')
  model.put('task', 'F/web.2', task('web', 2, { slave_id: 'S0' }), now)
  t.same(keys(model, 'tasks', 'app=/web node:agent-2'), ['F/web.3'], 'one that no longer does goes')
  model.del('task', 'F/web.3', now)
  t.same(keys(model, 'tasks', 'app=/web node:agent-2'), [])
  for (const [number, state] of [
    [5, 'TASK_FAILED'],
    [6, 'TASK_FAILED'],
    [7, 'TASK_RUNNING'],
  ] as const)
    model.put('task', `F/web.${number}`, task('web', number, { state }), now)
  const order = ['F/web.1', 'F/web.2', 'F/web.7', 'F/web.6', 'F/web.5']
  t.same(keys(model, 'tasks'), order, 'those that are there come first, then the ended, newest first')
  t.same(keys(model, 'apps', 'status:waiting'), ['/team/db'])
  model.del('wait', '/team/db', now)
  t.same(keys(model, 'apps', 'status:waiting'), [], 'the end of a wait counts too')
  t.equal(unknownKey(parseFilter('name:a colour:red'), ['name']), 'colour')
})

t.test('the timeline tells what changed, once and only since the state was whole', async t => {
  const model = scripted()
  t.equal(model.timeline.length, 0)
  const told = (kind: string, key: string, body: object | undefined) => {
    const before = model.timeline.length
    if (body) model.put(kind, key, body, now)
    else model.del(kind, key, now)
    return model.timeline.length > before
      ? model.timeline.latest(1).map(one => `${one.subject} ${one.text}`)[0]
      : undefined
  }
  const failed = task('web', 1, { state: 'TASK_FAILED', message: 'exit 7' })
  t.equal(told('task', 'F/web.1', failed), '/web task failed: exit 7')
  t.equal(told('task', 'F/web.1', failed), undefined)
  t.equal(told('instance', 'web.2', { id: 'web.2', appId: '/web', healthy: false }), '/web instance not healthy')
  t.equal(told('app', '/web', app('/web', { instances: 5 })), '/web scaled from 2 to 5')
  t.equal(told('app', '/web', app('/web', { instances: 5, tasksRunning: 4 })), undefined)
  t.equal(told('deployment', 'D', { affectedApps: ['/web'] }), '/web deployment begins')
  t.equal(told('deployment', 'D', undefined), '/web deployment over')
  t.equal(told('agent', 'S1', agent('S1', 'agent-2', { active: false })), 'agent-2 agent disconnected')
  t.equal(told('agent', 'S1', agent('S1', 'agent-2')), 'agent-2 agent is back')
  const drain = (state: string) => ({ active: false, deactivated: true, drain_info: { state } })
  t.equal(told('agent', 'S1', agent('S1', 'agent-2', drain('DRAINING'))), 'agent-2 agent is draining')
  t.equal(told('agent', 'S1', agent('S1', 'agent-2', drain('DRAINED'))), 'agent-2 agent is drained')
  t.equal(told('agent', 'S1', agent('S1', 'agent-2')), 'agent-2 agent takes tasks again')
  const deactivated = agent('S1', 'agent-2', { active: false, deactivated: true })
  t.equal(told('agent', 'S1', deactivated), 'agent-2 agent is deactivated')
  t.match(rowOf(model, 'agents', 'S1', 0), { mark: ' ', cells: ['agent-2', 'deactivated'] })
  t.equal(told('agent', 'S1', undefined), 'agent-2 agent gone')
  t.equal(told('wait', '/web', { code: 'ROLE', sentence: 'role: needs a' }), '/web waits: role: needs a')
  t.equal(told('wait', '/web', { code: 'NO_OFFERS', sentence: 'no offers' }), undefined, 'each launch begins with that')
  t.equal(told('task', 'F/web.5', task('web', 5, { state: 'TASK_STAGING' })), undefined)
  t.equal(told('source', 'master', { state: 'lost', detail: 'refused' }), 'master not heard: refused')
  const cluster = { ...model.cluster(), leader_info: { id: 'M2', hostname: 'm2', port: 5050 } }
  t.equal(told('cluster', 'cluster', cluster), 'master leader is m2:5050')
  for (let index = 0; index < 2_000; index += 1) told('deployment', `D${index}`, { affectedApps: ['/web'] })
  t.equal(model.timeline.length, 500, 'it has a bound')
})

t.test('the tasks of an app are found, newest first, also when they ended', async t => {
  const model = scripted()
  model.put('task', 'F/web.9', task('web', 9, { state: 'TASK_FAILED' }), now)
  model.put('task', 'G/web.1', task('web', 99, { framework_name: 'other', id: 'web.99' }), now)
  t.same(model.tasksOfApp('/web'), ['F/web.9', 'F/web.2', 'F/web.1'])
  t.same(model.tasksOfApp('/nothing'), [])
})

t.test('ten thousand rows are in order, and none of them is made', async t => {
  const sorted = new Sorted()
  const count = 10_000
  for (let index = 0; index < count; index += 1)
    sorted.put(`k${(index * 7919) % count}`, String((index * 7919) % count).padStart(6, '0'))
  t.equal(sorted.at(5_000), 'k5000')
  t.equal(sorted.indexOf('k7'), 7)
  sorted.del('k0')
  t.equal(sorted.at(0), 'k1')
  sorted.put('k1', '999999')
  t.equal(sorted.at(sorted.length - 1), 'k1')
})

t.test('bodies with the wrong types, or with names of the language, break nothing', async t => {
  const model = new Model()
  for (const body of [null, 7, 'x', [], { instances: 'many', deployments: 4, labels: [], lastTaskFailure: 3 }]) {
    for (const kind of [
      'app',
      'task',
      'agent',
      'framework',
      'deployment',
      'vip',
      'package',
      'installed',
      'wait',
      'cluster',
      'toString',
    ]) {
      model.put(kind, '__proto__', body, now)
      model.put(kind, 'constructor', body, now)
    }
  }
  for (const table of [
    'apps',
    'tasks',
    'agents',
    'frameworks',
    'deployments',
    'vips',
    'catalog',
    'packages',
  ] as const) {
    t.equal(model.rows(table).length, 2)
    t.ok(rowOf(model, table, '__proto__', now).cells.every(cell => typeof cell === 'string'))
    t.doesNotThrow(() => keys(model, table, 'constructor:x'))
  }
})

t.test('texts: cells, not characters, are counted, and control characters are not shown', async t => {
  t.equal(width('\u65e5\u672c'), 4)
  t.equal(width('e\u0301'), 1)
  t.equal(cut('\u65e5\u672c\u8a9e', 4), '\u65e5~')
  t.equal(pad('ab', 4, true), '  ab')
  t.equal(plain(fit([{ text: 'abc' }, { text: 'def' }], 5)), 'abcd~')
  t.equal(cut('\u001b[31mred\u001b[0m\u0007', 10), 'red\u00b7')
  t.equal(cut('a\u202eb', 10), 'a\u00b7b', 'nothing turns the direction of a line')
  t.equal(cutMiddle('task.1234567.9', 9), 'task~67.9')
  t.same(wrap('one two three', 8), ['one two', 'three'])
  t.same(wrap('abcdefghij', 4), ['abcd', 'efgh', 'ij'])
  t.equal(bar(3, 4, 8), '[######..]')
  t.equal(bar(0.01, 4, 8), '[#.......]', 'what is used at all shows')
  t.equal(bar(3.99, 4, 8), '[#######.]', 'only what is full is full')
  t.equal(bar(0, 0, 4), '[....]')
  t.same([age(59_000), age(3_700_000), longAge(252_000)], ['59s', '1h', '4m12s'])
  t.same([size(512), size(1536), size(6 * 1024 * 1024)], ['512Mi', '1.5Gi', '6Ti'])
})
