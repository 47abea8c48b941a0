import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }
const markGone = (value: string) => ({ type: 'MARK_AGENT_GONE' as const, mark_agent_gone: { agent_id: { value } } })

t.test('an agent is marked gone: the registry first, then everybody hears, and it is told to end', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  const other = bench.framework({ role: 'x' })
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  bench.pass(1, ['l1'])
  const [offer] = bench.heart.cluster.offers.values()
  t.ok(offer)
  bench.forgetEffects()
  bench.holdsWrites = true
  t.equal(bench.operate(markGone(agentId)), undefined, 'waits for the registry')
  t.same(bench.updates(framework.stream), [])
  t.match(bench.operate(markGone(agentId)), { status: 503 })
  bench.writeRegistry()
  t.match(bench.registry.get(agentId), { entry: { state: 'gone' } })
  t.match(
    bench.effects.filter(effect => effect.type === 'REPLY'),
    [{ status: 503 }, { status: 200 }],
  )
  t.match(bench.updates(framework.stream), [
    {
      state: 'TASK_GONE_BY_OPERATOR',
      source: 'SOURCE_MASTER',
      reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
      agent_id: { value: agentId },
    },
  ])
  for (const { stream } of [framework, other])
    t.match(
      bench.events(stream).filter(({ type }) => type === 'FAILURE'),
      [{ failure: { agent_id: { value: agentId } } }],
    )
  const owner = bench.heart.cluster.frameworks.get(offer!.frameworkId)!
  t.ok(bench.events(owner.streamId!).some(({ rescind }) => rescind?.offer_id.value === offer!.id))
  t.match(bench.sent('l1'), [{ shutdown: { message: 'Agent has been marked gone' } }])
  t.notOk(bench.tables.agents.has(agentId))
  t.match([...bench.tables.completedOf(framework.id)], [{ task: { state: 'TASK_GONE_BY_OPERATOR' } }])
  t.match(bench.operate(markGone(agentId)), { status: 200 }, 'gone already')
  t.equal(bench.heart.cluster.tally.counts.get('master/tasks_gone_by_operator'), 1)

  t.test('and can not come back, also not to a new leader', async t => {
    for (const leader of [bench, bench.successor()]) {
      leader.forgetEffects()
      leader.reregister('l9', agentId)
      t.match(leader.sent('l9'), [{ shutdown: {} }])
      t.notOk(leader.heart.cluster.agents.has(agentId))
    }
  })
})

t.test('frameworks that do not know of partitions hear of lost tasks', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework()
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  bench.forgetEffects()
  t.match(bench.operate(markGone(agentId)), { status: 200 })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_LOST', reason: 'REASON_AGENT_REMOVED_BY_OPERATOR' }])
})

t.test('an unreachable agent is marked gone, and its tasks with it', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  bench.agent('l2', { pid: 'slave(1)@10.0.0.9:1' })
  const framework = bench.framework(aware)
  const offer = bench.offers(framework.stream).find(({ agent_id: id }) => id.value === agentId)!
  bench.launch(framework, offer, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  bench.holdsWrites = true
  bench.pass(80, ['l2'])
  t.match(bench.operate(markGone(agentId)), { status: 503 }, 'while it is being marked unreachable')
  bench.writeRegistry()
  bench.holdsWrites = false
  bench.forgetEffects()
  t.match(bench.operate(markGone(agentId)), { status: 200 })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_GONE_BY_OPERATOR' }])
  t.match(bench.events(framework.stream).at(-1), { failure: { agent_id: { value: agentId } } })
  t.equal(bench.tables.unreachableAgents.size, 0)
  t.match([...bench.tables.completedOf(framework.id)], [{ task: { state: 'TASK_GONE_BY_OPERATOR' } }])
  bench.forgetEffects()
  bench.call(framework, {
    type: 'RECONCILE',
    reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: agentId } }] },
  })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_GONE_BY_OPERATOR' }])
})

t.test('an agent that has not come back to a new leader is marked gone', async t => {
  const first = new HeartBench()
  const agentId = first.agent('l1')
  const bench = first.successor()
  const framework = bench.framework(aware)
  bench.holdsWrites = true
  bench.operate(markGone(agentId))
  bench.reregister('l1', agentId)
  t.same(bench.sent('l1'), [], 'it is neither admitted nor refused before the registry says so')
  bench.writeRegistry()
  t.match(bench.answered(), { status: 200 })
  t.notOk(bench.tables.recoveredAgents.has(agentId))
  t.match(bench.events(framework.stream).at(-1), { failure: { agent_id: { value: agentId } } })
  bench.reregister('l1', agentId)
  t.match(bench.sent('l1'), [{ shutdown: {} }])
})

t.test('an agent that comes back while that is being written is marked gone all the same', async t => {
  const first = new HeartBench()
  const agentId = first.agent('l1')
  first.agent('l2', { pid: 'slave(1)@10.0.0.9:1' })
  first.pass(80, ['l2'])
  t.match(first.registry.get(agentId), { entry: { state: 'unreachable' } })
  first.holdsWrites = true
  first.reregister('l1', agentId)
  first.operate(markGone(agentId))
  first.writeRegistry()
  t.match(first.registry.get(agentId), { entry: { state: 'gone' } })
  t.notOk(first.heart.cluster.agents.has(agentId))
})

t.test('an unknown agent is not found', async t => {
  t.match(new HeartBench().operate(markGone('nobody')), { status: 404 })
})
