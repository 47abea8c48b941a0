import t from 'tap'
import { mostViews, type TaskView, TaskViews } from '../src/events/task-views.ts'
import { parseWindow } from '../src/events/window.ts'

const views = () => new TaskViews({ nodeOf: id => `host-${id}`, appOf: () => '/web' })
const task = (id: string, state: string, cpus: number, timestamp = 0) => ({
  id,
  name: id,
  framework_id: 'F',
  slave_id: 'A',
  state,
  resources: { cpus, mem: 32 },
  timestamp,
})
const shown = ({ rows }: TaskView) => rows.slice(0, rows.length).map(({ key }) => key)

t.test('a list stays what filtering and sorting all tasks would make it, through any changes', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const asked: [q: string, sort: string][] = [
    ['', ''],
    ['is:active', '-cpus'],
    ['cpus>2', 'state'],
    ['-is:failed node:host-a', '-updated'],
  ]
  const kept = views()
  const lists = asked.map(([q, sort]) => kept.acquire(q, sort)!)
  const tasks = new Map<string, ReturnType<typeof task>>()
  const states = ['TASK_RUNNING', 'TASK_FAILED', 'TASK_STAGING']
  for (let step = 0; step < 2_000; step += 1) {
    const key = `F/${random(60)}`
    if (random(4) === 0) {
      tasks.delete(key)
      kept.delete(key)
    } else {
      const changed = task(key, states[random(3)]!, random(6), random(50))
      tasks.set(key, changed)
      kept.put(key, changed)
    }
    if (step % 50 > 0) continue
    const fresh = views()
    for (const [name, one] of tasks) fresh.put(name, one)
    for (const [i, [q, sort]] of asked.entries()) {
      const expected = shown(fresh.acquire(q, sort)!)
      if (!t.same(shown(lists[i]!), expected, `seed ${seed} step ${step} '${q}' ${sort}`)) return
    }
    t.equal(kept.total, tasks.size)
    t.same(JSON.parse(kept.statesJson), JSON.parse(fresh.statesJson))
  }
})

t.test('a change that a list does not show leaves it alone', async t => {
  const kept = views()
  const failed = kept.acquire('is:failed', '')!
  const page = failed.page(0, 10)
  kept.put('F/a', task('a', 'TASK_RUNNING', 1))
  kept.delete('F/none')
  t.equal(failed.page(0, 10), page)
  kept.put('F/a', task('a', 'TASK_FAILED', 1))
  t.same([...failed.page(0, 10).rows.keys()], ['F/a'])
})

t.test('lists are shared, given back, and bounded', async t => {
  const kept = views()
  const first = kept.acquire('a', 'id')
  t.equal(kept.acquire('a', 'id'), first)
  for (let i = 1; i < mostViews; i += 1) t.ok(kept.acquire(`b${i}`, ''))
  t.equal(kept.acquire('one more', ''), undefined)
  t.equal(kept.acquire('one more', '', first!), undefined, 'others look at what is given back')
  kept.release(first!)
  t.equal(kept.acquire('one more', ''), undefined)
  const instead = kept.acquire('instead', '', first!)!
  t.ok(instead, 'a window may move to another list')
  kept.release(first!)
  t.equal(kept.acquire('one more', ''), undefined)
  kept.release(instead)
  t.ok(kept.acquire('one more', ''))
})

t.test('windows are read strictly', async t => {
  t.same(parseWindow('tasks?q=is:failed app:/a%26b&sort=-cpus&from=200&n=500'), {
    q: 'is:failed app:/a&b',
    sort: '-cpus',
    from: 200,
    n: 500,
  })
  t.same(parseWindow('tasks?'), { q: '', sort: '', from: 0, n: 100 })
  for (const bad of [
    'n=501',
    'n=-1',
    'n=x',
    'from=1e3',
    'from=',
    'sort=age',
    'sort=constructor',
    'where=x',
    `q=${'x'.repeat(1000)}`,
  ])
    t.throws(() => parseWindow(`tasks?${bad}`), /the window of tasks/, bad)
})
