import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import fc from 'fast-check'
import t from 'tap'
import { Names } from '../src/state/tasks/names.ts'
import { Slab } from '../src/state/tasks/slab.ts'
import { type NewTask, TaskTable } from '../src/state/tasks/tasks.ts'

t.test('a slab gives back what was put, whatever is freed and used again meanwhile', async () => {
  const sizes = fc.oneof(fc.nat(100), fc.nat(40_000), fc.constantFrom(0, 11, 12, 13, 28, 32_768, 32_769))
  const actions = fc.array(fc.record({ size: sizes, free: fc.nat() }), { maxLength: 200 })
  fc.assert(
    fc.property(actions, all => {
      const slab = new Slab()
      const kept = new Map<number, Buffer>()
      let fill = 0
      for (const { size, free } of all) {
        fill += 1
        const record = Buffer.alloc(size, fill)
        const place = slab.put(record)
        if (kept.has(place)) throw new Error(`place ${place} was given twice`)
        kept.set(place, record)
        if (free % 3 === 0) continue
        const victim = [...kept.keys()][free % kept.size]!
        slab.free(victim)
        kept.delete(victim)
      }
      for (const [place, record] of kept) if (!record.equals(slab.get(place))) throw new Error(`place ${place} changed`)
      for (const place of kept.keys()) slab.free(place)
      return slab.bytes === 0
    }),
    { numRuns: 200 },
  )
})

t.test('a freed place is used again: a slab in steady use does not grow', async t => {
  const slab = new Slab()
  const places = new Set(Array.from({ length: 1_000 }, () => slab.put(new Uint8Array(100))))
  for (let round = 0; round < 100; round += 1) {
    for (const place of [...places]) slab.free(place)
    for (let i = 0; i < 1_000; i += 1) if (!places.has(slab.put(new Uint8Array(101)))) t.fail('a new place was taken')
  }
  t.equal(places.size, 1_000)
})

t.test('a name has one number while it is used', async t => {
  const names = new Names()
  const a = names.use('a')
  t.equal(names.use('a'), a)
  t.not(names.use('b'), a)
  names.release(a)
  t.equal(names.find('a'), a)
  names.release(a)
  t.equal(names.find('a'), undefined)
  t.equal(names.use('c'), a, 'and then its number means another one')
  t.equal(names.text(a), 'c')
})

const resources = Resources.from(parseResources('cpus:0.5;ports:[31000-31001]')).allocateTo('web')
const uuid = (byte: number) => Buffer.alloc(16, byte).toString('base64')
const task = (id: string, more: Partial<NewTask> = {}): NewTask => ({
  id,
  frameworkId: 'F1',
  agentId: 'A1',
  executorId: '',
  role: 'web',
  resources: resources.toArray(),
  state: 'TASK_STAGING',
  status: undefined,
  forwarded: undefined,
  ...more,
})
const ids = (tasks: Iterable<{ readonly id: string }>) => [...tasks].map(({ id }) => id)

t.test('a task comes out of the table as it went in, and as it was changed', async t => {
  const table = new TaskTable(10)
  table.add(task('t1', { executorId: 'e', status: { task_id: { value: 't1' }, state: 'TASK_RUNNING', healthy: true } }))
  const record = table.get('F1', 't1')!
  t.match(record, { id: 't1', frameworkId: 'F1', agentId: 'A1', executorId: 'e', role: 'web', state: 'TASK_STAGING' })
  t.ok(record.resources.equals(resources))
  t.same(record.condition, { healthy: true })
  t.equal(record.forwarded, undefined)
  t.equal(record.killGrace, undefined)
  record.state = 'TASK_GONE_BY_OPERATOR'
  record.forwarded = { state: 'TASK_RUNNING', uuid: uuid(7) }
  record.condition = { container_status: { container_id: { value: 'c' } } }
  record.killGrace = { nanoseconds: 5 }
  const again = table.get('F1', 't1')!
  t.equal(again.state, 'TASK_GONE_BY_OPERATOR')
  t.same(again.forwarded, { state: 'TASK_RUNNING', uuid: uuid(7) })
  t.same(again.condition, { container_status: { container_id: { value: 'c' } } })
  t.same(again.killGrace, { nanoseconds: 5 })
})

t.test('a new task in the place of another has nothing of it', async t => {
  const table = new TaskTable(10)
  const old = table.add(task('old', { forwarded: { state: 'TASK_RUNNING', uuid: uuid(1) } }))
  old.condition = { healthy: false }
  old.killGrace = { nanoseconds: 1 }
  table.remove(old)
  const next = table.add(task('new'))
  t.equal(next.slot, old.slot)
  t.equal(next.forwarded, undefined)
  t.same(next.condition, {})
  t.equal(next.killGrace, undefined)
  t.equal(table.get('F1', 'old'), undefined)
})

t.test('tasks are found by framework and by agent, whatever comes and goes', async () => {
  const action = fc.record({ id: fc.nat(30), framework: fc.nat(2), agent: fc.nat(3), removes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), actions => {
      const table = new TaskTable(10)
      const model = new Map<string, NewTask>()
      for (const { id, framework, agent, removes } of actions) {
        const one = task(`t${id}`, { frameworkId: `F${framework}`, agentId: `A${agent}` })
        const key = `${one.frameworkId}/${one.id}`
        const known = table.get(one.frameworkId, one.id)
        if ((known !== undefined) !== model.has(key)) throw new Error(`${key} is ${known ? '' : 'not '}there`)
        if (known && removes) {
          table.remove(known)
          model.delete(key)
        } else if (!known) {
          table.add(one)
          model.set(key, one)
        }
      }
      const wanted = (test: (one: NewTask) => boolean) => ids([...model.values()].filter(test)).join()
      for (const name of ['F0', 'F1', 'F2'])
        if (ids(table.ofFramework(name)).join() !== wanted(one => one.frameworkId === name)) throw new Error(name)
      for (const name of ['A0', 'A1', 'A2', 'A3']) {
        const frameworks = new Set([...table.ofAgent(name)].map(one => one.frameworkId))
        if ([...table.frameworksOn(name)].sort().join() !== [...frameworks].sort().join()) throw new Error(name)
        if (ids(table.ofAgent(name)).join() !== wanted(one => one.agentId === name)) throw new Error(name)
      }
      return table.size === model.size
    }),
    { numRuns: 200 },
  )
})

t.test('unreachable tasks are bounded by framework: the oldest goes', async t => {
  const table = new TaskTable(2)
  const lose = (id: string) => table.makeUnreachable(table.add(task(id)), 5)
  t.equal(lose('a'), undefined)
  t.equal(lose('b'), undefined)
  t.same(lose('c'), { id: 'a', frameworkId: 'F1', agentId: 'A1' })
  t.same(
    [...table.unreachableOf('F1')].map(({ record, since }) => [record.id, since]),
    [
      ['b', 5],
      ['c', 5],
    ],
  )
  t.equal(table.size, 0)
})

t.test('how many tasks of a framework are in which state, whatever came and went', async t => {
  const steps = fc.array(
    fc.record({
      act: fc.constantFrom('add', 'change', 'remove', 'lose'),
      framework: fc.constantFrom('F1', 'F2', 'F3'),
      id: fc.nat(5),
      state: fc.constantFrom(...(['TASK_STAGING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_FAILED'] as const)),
    }),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(steps, all => {
      const table = new TaskTable(3)
      for (const { act, framework, id: number, state } of all) {
        const id = `t${number}`
        const record = table.get(framework, id)
        if (act === 'add' && !record) table.add(task(id, { frameworkId: framework, state }))
        if (act === 'change' && record) record.state = state
        if (act === 'remove' && record) table.remove(record)
        if (act === 'lose' && record) table.makeUnreachable(record, 1)
      }
      for (const framework of ['F1', 'F2', 'F3']) {
        const counted: Record<string, number> = {}
        for (const { state } of table.ofFramework(framework)) counted[state] = (counted[state] ?? 0) + 1
        const kept = Object.fromEntries([...table.statesOf(framework)].filter(([, count]) => count !== 0))
        t.same(kept, counted)
      }
    }),
    { numRuns: 50 },
  )
})
