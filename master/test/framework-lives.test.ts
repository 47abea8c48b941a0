import type { FrameworkInfo } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

/** A new leader to which an agent has told of a framework with a task. */
function told(failover_timeout: number): { bench: HeartBench; info: FrameworkInfo; agentId: string } {
  const first = new HeartBench()
  const agentId = first.agent('l1')
  const bench = first.successor()
  const info = { user: 'u', name: 'f', id: { value: 'old-0000' }, failover_timeout, checkpoint: true }
  const task = {
    name: 'n',
    task_id: { value: 't' },
    framework_id: info.id,
    agent_id: { value: agentId },
    state: 'TASK_RUNNING' as const,
    resources: parseResources('cpus:1;mem:32'),
  }
  bench.pass(5)
  bench.reregister('l1', agentId, { tasks: [task], frameworks: [info] })
  bench.forgetEffects()
  return { bench, info, agentId }
}

t.test('a framework that never comes to a new leader is removed after its time, counted from the election', async t => {
  const { bench, info } = told(1_000)
  bench.pass(994, ['l1'])
  t.ok(bench.tables.frameworks.has(info.id!.value))
  bench.pass(1, ['l1'])
  t.notOk(bench.tables.frameworks.has(info.id!.value))
  t.match([...bench.tables.completedOf(info.id!.value)], [{ task: { state: 'TASK_KILLED', task_id: { value: 't' } } }])
  t.match(bench.sent('l1'), [{ shutdown_framework: { framework_id: info.id } }])
  t.equal(bench.framework({ id: info.id! }).id, '', 'and its id is spent')
})

t.test('one that wants no time to fail over has that of agents', async t => {
  const { bench, info } = told(0)
  bench.pass(594, ['l1'])
  t.ok(bench.tables.frameworks.has(info.id!.value))
  bench.pass(1, ['l1'])
  t.notOk(bench.tables.frameworks.has(info.id!.value))
})

t.test('one that comes in time stays', async t => {
  const { bench, info } = told(0)
  const framework = bench.framework({ id: info.id!, failover_timeout: 10 })
  t.equal(framework.id, info.id!.value)
  bench.pass(2_000, ['l1'])
  t.ok(bench.tables.frameworks.has(framework.id))
  bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
  bench.pass(9, ['l1'])
  t.ok(bench.tables.frameworks.has(framework.id))
  bench.pass(1, ['l1'])
  t.notOk(bench.tables.frameworks.has(framework.id))
})

t.test('roles: suppressed ones get nothing, also after a failover, until they are revived', async t => {
  const roles: Partial<FrameworkInfo> = { roles: ['a', 'b'], capabilities: [{ type: 'MULTI_ROLE' }] }
  const bench = new HeartBench()
  const framework = bench.framework(roles, { suppressed_roles: ['a', 'b'] })
  bench.agent('l1')
  bench.pass(2, ['l1'])
  t.same(bench.offers(framework.stream), [])
  const again = bench.framework({ ...roles, id: { value: framework.id } }, { suppressed_roles: ['a'] })
  t.match(
    bench.offers(again.stream).map(({ allocation_info: info }) => info?.role),
    ['b'],
  )
  t.equal(bench.call(again, { type: 'SUPPRESS', suppress: { roles: ['b'] } }), 202)
  t.equal(bench.heart.cluster.offers.size, 1, 'what is offered stays')
  const offer_ids = bench.offers(again.stream).map(({ id }) => id)
  bench.call(again, { type: 'DECLINE', decline: { offer_ids, filters: { refuse_seconds: 0 } } })
  bench.forgetEffects()
  bench.pass(3, ['l1'])
  t.same(bench.offers(again.stream), [])
  bench.call(again, { type: 'REVIVE', revive: { roles: ['a'] } })
  t.match(
    bench.offers(again.stream).map(({ allocation_info: info }) => info?.role),
    ['a'],
  )

  t.test(
    'UPDATE_FRAMEWORK takes back what is offered to roles that are left, and not to those that are suppressed',
    async t => {
      const info = { user: 'u', name: 'f', failover_timeout: 100, checkpoint: true, ...roles }
      bench.forgetEffects()
      const update = (framework_info: FrameworkInfo, suppressed_roles: string[] = []) =>
        bench.call(again, { type: 'UPDATE_FRAMEWORK', update_framework: { framework_info, suppressed_roles } })
      t.equal(update(info, ['a', 'b']), 200)
      t.equal(bench.heart.cluster.offers.size, 1)
      t.equal(update({ ...info, roles: ['b'] }, ['b']), 200)
      t.equal(bench.heart.cluster.offers.size, 0)
      t.match(bench.events(again.stream), [{ type: 'RESCIND' }])
      t.equal(update({ ...info, roles: ['b'] }), 200)
      t.match(
        bench.offers(again.stream).map(({ allocation_info: given }) => given?.role),
        ['b'],
      )
      for (const change of [{ user: 'x' }, { checkpoint: false }, { principal: 'p' }, { roles: ['-'] }])
        t.equal(update({ ...info, ...change }), 400, JSON.stringify(change))
      t.equal(update({ ...info, failover_timeout: 7, name: 'other', webui_url: 'http://x' }, ['unknown']), 400)
      t.equal(update({ ...info, failover_timeout: 7, name: 'other', webui_url: 'http://x' }), 200)
      t.match(bench.tables.frameworks.get(again.id)!.view.info, { name: 'other', failover_timeout: 7 })
    },
  )
})
