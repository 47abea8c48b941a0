import { decode, encode } from '@meseta/common/protocol/codec'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }
const deactivate = (value: string) => ({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value } } }) as const
const reactivate = (value: string) => ({ type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id: { value } } }) as const
const drain = (value: string, more: object = {}) =>
  ({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value }, ...more } }) as const

/** A framework with one running task on one agent. */
function busy() {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  bench.pass(1, ['l1'])
  bench.forgetEffects()
  return { bench, agentId, framework }
}

function end({ bench, framework, agentId }: ReturnType<typeof busy>, state: 'TASK_KILLED' | 'TASK_FINISHED'): void {
  const uuid = bench.update('l1', framework.id, 't', state)
  const names = { agent_id: { value: agentId }, task_id: { value: 't' } }
  bench.call(framework, { type: 'ACKNOWLEDGE', acknowledge: { ...names, uuid } })
}

t.test('a deactivated agent is offered to nobody, and its tasks run on', async t => {
  const { bench, agentId, framework } = busy()
  const [offer] = bench.heart.cluster.offers.values()
  bench.holdsWrites = true
  t.equal(bench.operate(deactivate(agentId)), undefined)
  t.equal(bench.heart.cluster.offers.size, 1, 'not before it is durable')
  bench.writeRegistry()
  bench.holdsWrites = false
  t.match(bench.answered(), { status: 200 })
  t.match(bench.events(framework.stream), [{ rescind: { offer_id: { value: offer!.id } } }])
  bench.pass(3, ['l1'])
  t.same(bench.offers(framework.stream), [])
  t.match(bench.tables.agents.get(agentId)!.view, { active: false, connected: true, deactivated: true })
  t.same(bench.updates(framework.stream), [])

  t.test('also after it was away', async t => {
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    bench.reregister('l1', agentId)
    bench.pass(2, ['l1'])
    t.same(bench.offers(framework.stream), [])
  })
  t.test('and by a new leader, also when it comes back with another description', async t => {
    const next = bench.successor()
    const again = next.framework(aware)
    next.reregister('l1', agentId)
    next.pass(2, ['l1'])
    t.same(next.offers(again.stream), [])
    t.match(next.registry.get(agentId), { entry: { state: 'admitted', deactivated: true } })
  })
  t.test('until it is reactivated', async t => {
    bench.forgetEffects()
    t.match(bench.operate(reactivate(agentId)), { status: 200 })
    t.equal(bench.offers(framework.stream).length, 1)
    t.notMatch(bench.registry.get(agentId), { entry: { deactivated: true } })
    t.match(bench.operate(reactivate(agentId)), { status: 400 }, 'it is not deactivated')
  })
})

t.test('an agent drains: it is told so, is offered no more, and is drained when all ends are acknowledged', async t => {
  const cluster = busy()
  const { bench, agentId, framework } = cluster
  bench.holdsWrites = true
  t.equal(bench.operate(drain(agentId, { max_grace_period: { seconds: 7 } })), undefined)
  t.same(bench.sent('l1'), [], 'not before it is durable')
  bench.writeRegistry()
  bench.holdsWrites = false
  t.match(bench.answered(), { status: 200 })
  t.match(bench.sent('l1'), [{ drain: { config: { max_grace_period: { nanoseconds: 7e9 }, mark_gone: false } } }])
  t.ok(bench.events(framework.stream).some(({ rescind }) => rescind))
  t.match(bench.tables.agents.get(agentId)!.view, {
    active: false,
    deactivated: true,
    drain: { state: 'DRAINING', config: { max_grace_period: { nanoseconds: 7e9 } } },
    drainStartedAt: 1.7e12 + bench.now,
  })
  t.match(bench.operate(reactivate(agentId)), { status: 400, message: /draining/ })

  t.test('a new leader goes on with it', async t => {
    const next = bench.successor()
    next.reregister('l1', agentId)
    t.match(next.sent('l1'), [{ reregistered: {} }, { drain: { config: { max_grace_period: {} } } }])
    t.match(next.tables.agents.get(agentId)!.view, { drain: { state: 'DRAINING' } })
    next.pass(2, ['l1'])
    t.match(next.registry.get(agentId), { entry: { deactivated: true, drain: { state: 'DRAINED' } } })
  })

  bench.pass(2, ['l1'])
  t.match(bench.registry.get(agentId), { entry: { drain: { state: 'DRAINING' } } })
  bench.update('l1', framework.id, 't', 'TASK_KILLED')
  bench.pass(2, ['l1'])
  t.match(bench.registry.get(agentId), { entry: { drain: { state: 'DRAINING' } } }, 'its end is not acknowledged')
  end(cluster, 'TASK_KILLED')
  bench.pass(1, ['l1'])
  t.match(bench.registry.get(agentId), { entry: { deactivated: true, drain: { state: 'DRAINED' } } })
  t.match(bench.tables.agents.get(agentId)!.view, { deactivated: true, drain: { state: 'DRAINED' } })

  t.test('a new leader knows it as drained, and tells it nothing', async t => {
    const next = bench.successor()
    next.reregister('l1', agentId)
    t.match(next.sent('l1'), [{ reregistered: {} }])
    t.match(next.tables.agents.get(agentId)!.view, { deactivated: true, drain: { state: 'DRAINED' } })
  })
  t.test('it can be reactivated', async t => {
    bench.forgetEffects()
    t.match(bench.operate(reactivate(agentId)), { status: 200 })
    t.same(bench.tables.agents.get(agentId)!.view.drain, undefined)
    t.equal(bench.offers(framework.stream).length, 1)
  })
})

t.test('an agent that drains to be gone is gone at the end', async t => {
  const cluster = busy()
  const { bench, agentId } = cluster
  bench.operate(drain(agentId, { mark_gone: true }))
  t.match(bench.sent('l1'), [{ drain: { config: { mark_gone: true } } }])
  bench.holdsWrites = true
  end(cluster, 'TASK_KILLED')
  bench.pass(1, ['l1'])
  t.match(bench.operate(drain(agentId)), { status: 409 })
  bench.writeRegistry()
  t.match(bench.registry.get(agentId), { entry: { state: 'gone' } })
  t.match(bench.sent('l1').at(-1), { shutdown: {} })
  t.match(bench.operate(drain(agentId)), { status: 400 })
})

t.test('an agent that is away drains when it returns', async t => {
  const { bench, agentId } = busy()
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  bench.forgetEffects()
  t.match(bench.operate(drain(agentId)), { status: 200 })
  bench.pass(3)
  t.same(bench.sent('l1'), [])
  t.match(bench.registry.get(agentId), { entry: { drain: { state: 'DRAINING' } } })
  bench.reregister('l1', agentId)
  t.match(bench.sent('l1').at(-1), { drain: {} })

  t.test('also when it has become unreachable meanwhile', async t => {
    bench.agent('l2', { pid: 'slave(1)@10.0.0.9:1' })
    bench.pass(80, ['l2'])
    t.match(bench.registry.get(agentId), { entry: { state: 'unreachable', deactivated: true, drain: {} } })
    bench.forgetEffects()
    bench.reregister('l1', agentId)
    t.match(bench.sent('l1').at(-1), { drain: {} })
    t.match(bench.tables.agents.get(agentId)!.view, { deactivated: true, active: false })
  })
})

t.test('an agent that did not hear that it was registered is told to drain', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  bench.operate(drain(agentId))
  bench.forgetEffects()
  bench.agent('l1')
  t.match(bench.sent('l1'), [{ registered: { agent_id: { value: agentId } } }, { drain: {} }])
})

t.test('a grace period longer than anything can be sent', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  t.match(bench.operate(drain(agentId, { max_grace_period: { seconds: 315_576_000_000 } })), { status: 200 })
  const message = bench.sent('l1').at(-1)!
  t.same(decode('meseta.v1.MasterToAgent', encode('meseta.v1.MasterToAgent', message)), message)
})

t.test('what is refused', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1', { capabilities: [{ type: 'MULTI_ROLE' }] })
  t.match(bench.operate(drain(agentId)), { status: 400, message: /AGENT_DRAINING/ })
  for (const call of [drain('nobody'), deactivate('nobody'), reactivate('nobody')])
    t.match(bench.operate(call), { status: 400, message: /no agent nobody/ })
  t.match(bench.operate(reactivate(agentId)), { status: 400 })
  t.match(bench.operate(drain(agentId, { max_grace_period: { seconds: -1 } })), { status: 400 })
})
