import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { Liveness } from '../src/state/agents/liveness.ts'
import { HeartBench } from './support/heart-bench.ts'

const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }

t.test('silence is judged by what else is heard', async t => {
  const judge = (liveness: Liveness, now: number, hears = true) => {
    const verdicts: string[] = []
    liveness.scan(now, hears, (slot, verdict) => verdicts.push(`${slot} ${verdict}`))
    return verdicts
  }
  t.test('with another agent heard it is dead', async t => {
    const liveness = new Liveness(75_000)
    liveness.watch(0, 0)
    liveness.watch(1, 0)
    t.same(judge(liveness, 74_000), [])
    liveness.heard(1, 74_000)
    t.same(judge(liveness, 75_000), ['0 dead'])
  })
  t.test('alone it must fail a probe too', async t => {
    const liveness = new Liveness(75_000)
    liveness.watch(0, 0)
    t.same(judge(liveness, 80_000), ['0 probe'])
    t.same(judge(liveness, 81_000), [], 'one probe at a time')
    t.notOk(liveness.probed(0, true, 82_000))
    t.same(judge(liveness, 150_000), [], 'an answer starts its clock anew')
    t.same(judge(liveness, 157_000), ['0 probe'])
    t.ok(liveness.probed(0, false, 158_000))
  })
  t.test('time without the own echo does not count, and after it all begin anew', async t => {
    const liveness = new Liveness(75_000)
    liveness.watch(0, 0)
    liveness.watch(1, 0)
    for (let now = 0; now < 200_000; now += 1_000) t.same(judge(liveness, now, false), [])
    t.type(liveness.blindSince, 'number')
    liveness.heard(1, 200_000)
    t.same(judge(liveness, 200_000), [])
    liveness.heard(1, 270_000)
    t.same(judge(liveness, 270_000), [])
    t.same(judge(liveness, 275_000), ['0 dead'])
  })
})

t.test('an unreachable agent', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  bench.agent('l2', { pid: 'slave(1)@10.0.0.9:1' })
  const framework = bench.framework(aware)
  const old = bench.framework({ role: 'x' })
  const offers = () => [...bench.heart.cluster.offers.values()].filter(offer => offer.agentId === agentId)
  const offer = bench.offers(framework.stream).find(({ agent_id: id }) => id.value === agentId)!
  bench.launch(framework, offer, {}, { task_id: { value: 'done' } })
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  bench.update('l1', framework.id, 'done', 'TASK_FINISHED')
  bench.pass(2, ['l1', 'l2'])
  const other = offers()[0]!
  bench.holdsWrites = true
  bench.forgetEffects()
  bench.pass(80, ['l2'])
  t.test('is first written down', async t => {
    t.ok(bench.effects.some(({ type }) => type === 'PERSIST'))
    t.same(bench.updates(framework.stream), [])
    t.ok(bench.heart.cluster.agents.has(agentId))
  })
  bench.writeRegistry()
  bench.holdsWrites = false
  t.test('then everybody hears', async t => {
    t.match(bench.registry.get(agentId), { entry: { state: 'unreachable' } })
    t.match(bench.updates(framework.stream), [
      {
        task_id: { value: 't' },
        state: 'TASK_UNREACHABLE',
        reason: 'REASON_AGENT_REMOVED',
        source: 'SOURCE_MASTER',
        message: 'health check timed out',
        unreachable_time: {},
      },
    ])
    for (const { stream } of [framework, old])
      t.match(
        bench.events(stream).filter(({ type }) => type === 'FAILURE'),
        [{ failure: { agent_id: { value: agentId } } }],
      )
    const owner = bench.heart.cluster.frameworks.get(other.frameworkId)!
    t.ok(bench.events(owner.streamId!).some(({ rescind }) => rescind?.offer_id.value === other.id))
    t.ok(bench.effects.some(effect => effect.type === 'CLOSE_LINK' && effect.link === 'l1'))
    t.notOk(bench.tables.agents.has(agentId))
    t.match([...bench.tables.tasksOf(framework.id)], [{ fate: 'unreachable', task: { state: 'TASK_UNREACHABLE' } }])
    t.match([...bench.tables.completedOf(framework.id)], [{ task: { state: 'TASK_FINISHED' } }])
    t.ok(bench.tables.frameworks.get(framework.id)!.used.isEmpty)
  })
  t.test('is written only once, and its ids stay taken', async t => {
    const writes = bench.effects.filter(({ type }) => type === 'PERSIST').length
    t.equal(writes, 1)
    bench.forgetEffects()
    bench.call(framework, { type: 'RECONCILE', reconcile: { tasks: [{ task_id: { value: 't' } }] } })
    t.match(bench.updates(framework.stream), [{ state: 'TASK_UNREACHABLE' }])
  })
  t.test('comes back with its tasks', async t => {
    bench.forgetEffects()
    const info = bench.heart.cluster.frameworks.get(framework.id)!.info
    const task = {
      name: 'n',
      task_id: { value: 't' },
      framework_id: { value: framework.id },
      agent_id: { value: agentId },
      state: 'TASK_RUNNING' as const,
      resources: parseResources('cpus:1;mem:32').map(resource => ({ ...resource, allocation_info: { role: '*' } })),
    }
    bench.reregister('l1', agentId, { tasks: [task], frameworks: [info] })
    t.match(bench.sent('l1'), [{ reregistered: { agent_id: { value: agentId } } }])
    t.match(bench.updates(framework.stream), [{ state: 'TASK_RUNNING', reason: 'REASON_AGENT_REREGISTERED' }])
    t.match(bench.registry.get(agentId), { entry: { state: 'admitted' } })
    t.equal(bench.tables.frameworks.get(framework.id)!.used.scalar('cpus'), 1)
    t.equal(
      bench.heart.cluster.allocator.available(agentId).scalar('cpus') +
        bench.tables.agents.get(agentId)!.offered.scalar('cpus'),
      3,
    )
    t.notOk(bench.heart.cluster.tasks.unreachable(framework.id, 't'))
  })
})

t.test('blindness is not death: a master cut off from the bus marks nobody', async t => {
  const bench = new HeartBench()
  bench.agent('l1')
  bench.agent('l2')
  bench.do({ type: 'LINK_ENDED', link: 'l2', restarted: false })
  bench.hearsItself = false
  bench.pass(2_000)
  t.equal(bench.heart.cluster.agents.size, 2)
  bench.hearsItself = true
  bench.pass(70)
  t.equal(bench.heart.cluster.agents.size, 2)
})

t.test('the only agent is asked directly before it is given up', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1', { pid: 'slave(1)@10.0.0.1:5051' })
  bench.pass(80)
  t.match(
    bench.effects.filter(({ type }) => type === 'PROBE'),
    [{ agentId, pid: 'slave(1)@10.0.0.1:5051' }],
  )
  bench.do({ type: 'PROBED', agentId, alive: true })
  bench.pass(1)
  t.ok(bench.heart.cluster.agents.has(agentId))
  bench.pass(80)
  bench.do({ type: 'PROBED', agentId, alive: false })
  t.match(bench.registry.get(agentId), { entry: { state: 'unreachable' } })
})

t.test('a disconnected agent has --agent_reregister_timeout', async t => {
  const bench = new HeartBench({ agentSilence: 1e9 })
  bench.agent('l1')
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  bench.pass(599)
  t.equal(bench.heart.cluster.agents.size, 1)
  bench.pass(2)
  t.equal(bench.heart.cluster.agents.size, 0)
})

t.test('the end of a session', async t => {
  t.test('rescinds offers, and a kill waits for the return', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework()
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.pass(1)
    const info = bench.heart.cluster.frameworks.get(framework.id)!.info
    const [offerId] = bench.heart.cluster.offers.keys()
    bench.forgetEffects()
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
    t.match(bench.events(framework.stream), [{ type: 'RESCIND', rescind: { offer_id: { value: offerId } } }])
    t.equal(
      bench.call(framework, {
        type: 'KILL',
        kill: { task_id: { value: 't' }, kill_policy: { grace_period: { nanoseconds: 7 } } },
      }),
      202,
    )
    t.same(bench.sent('l1'), [])
    bench.pass(3)
    t.same(bench.offers(framework.stream), [], 'nothing of it is offered')
    bench.reregister('l1', agentId, { frameworks: [info] })
    t.match(bench.sent('l1'), [
      { reregistered: { reconciliations: [{ framework_id: { value: framework.id }, task_id: { value: 't' } }] } },
      { kill_task: { task_id: { value: 't' }, kill_policy: { grace_period: { nanoseconds: 7 } } } },
    ])
    t.equal(bench.offers(framework.stream).length, 1)
  })
  t.test('where the agent began anew loses tasks of frameworks without checkpoints, until they come back', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework({ checkpoint: false })
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    const task = { ...bench.tables.task(framework.id, 't')!.task, state: 'TASK_RUNNING' as const }
    const info = bench.heart.cluster.frameworks.get(framework.id)!.info
    bench.forgetEffects()
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
    t.match(bench.updates(framework.stream), [{ state: 'TASK_LOST', reason: 'REASON_AGENT_DISCONNECTED' }])
    bench.reregister('l1', agentId, { tasks: [task], frameworks: [info] })
    t.match(bench.updates(framework.stream), [{}, { state: 'TASK_RUNNING', reason: 'REASON_AGENT_REREGISTERED' }])
  })
  t.test('brings each task back in the state that was forwarded: updates go on from there', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework({ checkpoint: false })
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    const known = bench.tables.task(framework.id, 't')!.task
    const task = { ...known, state: 'TASK_FAILED' as const, status_update_state: 'TASK_STARTING' as const }
    const info = bench.heart.cluster.frameworks.get(framework.id)!.info
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
    bench.forgetEffects()
    bench.reregister('l1', agentId, { tasks: [task], frameworks: [info] })
    t.match(bench.updates(framework.stream), [{ state: 'TASK_STARTING', reason: 'REASON_AGENT_REREGISTERED' }])
  })
})

t.test('an agent that unregisters is removed for good', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.forgetEffects()
  bench.fromAgent('l1', { unregister: {} })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_GONE', reason: 'REASON_AGENT_REMOVED' }])
  t.notOk(bench.registry.has(agentId))
  t.same([...bench.tables.agents], [])
  t.match(bench.heart.cluster.tally.counts.get('master/dropped_messages'), 0)
  t.match([...bench.tables.completedOf(framework.id)], [{ task: { state: 'TASK_GONE' } }])
})

t.test('a new leader', async t => {
  const info = (id: string) => ({ hostname: 'h', id: { value: id } })
  const before = ['A', 'B'].map(id => ({ id, entry: { state: 'admitted' as const, info: info(id) } }))
  t.test('shows recovered agents, and takes over what those that return run', async t => {
    const bench = new HeartBench({}, before)
    t.same([...bench.tables.recoveredAgents.keys()], ['A', 'B'])
    const framework = { user: 'u', name: 'f', id: { value: 'old-0000' }, failover_timeout: 100 }
    const task = {
      name: 'n',
      task_id: { value: 't' },
      framework_id: framework.id,
      agent_id: { value: 'A' },
      state: 'TASK_RUNNING' as const,
      resources: parseResources('cpus:1;mem:32').map(resource => ({ ...resource, allocation_info: { role: '*' } })),
    }
    bench.reregister('l1', 'A', { tasks: [task], frameworks: [framework] })
    t.same([...bench.tables.recoveredAgents.keys()], ['B'])
    t.match(bench.tables.frameworks.get('old-0000'), { view: { recovered: true, active: false, connected: false } })
    const back = bench.framework({ ...framework, checkpoint: true })
    t.equal(back.id, 'old-0000')
    t.match(bench.tables.frameworks.get('old-0000'), { view: { recovered: false, active: true } })
    t.equal(bench.offers(back.stream)[0]!.resources!.find(({ name }) => name === 'cpus')!.scalar!.value, 3)
    bench.forgetEffects()
    bench.call(back, { type: 'RECONCILE', reconcile: {} })
    t.match(bench.updates(back.stream), [{ state: 'TASK_RUNNING' }])
  })
  t.test('gives agents ten minutes, then marks those that are missing', async t => {
    const bench = new HeartBench({}, before)
    bench.reregister('l1', 'A')
    bench.pass(599, ['l1'])
    t.same(
      [...bench.registry.values()].filter(({ entry }) => entry.state === 'unreachable'),
      [],
    )
    bench.pass(2, ['l1'])
    t.match(bench.registry.get('B'), { entry: { state: 'unreachable' } })
    t.same([...bench.tables.recoveredAgents], [])
    t.same([...bench.tables.unreachableAgents], ['B'])
    const next = new HeartBench({}, [...bench.registry.values()])
    t.same([...next.tables.unreachableAgents], ['B'], 'the next leader shows it too')
  })
  t.test('does not count the time in which it was blind', async t => {
    const bench = new HeartBench({}, before)
    bench.hearsItself = false
    bench.pass(700)
    bench.hearsItself = true
    bench.pass(500)
    t.equal(bench.heart.cluster.recovered.size, 2)
    bench.pass(101)
    t.equal(bench.heart.cluster.recovered.size, 0)
  })
  t.test('ends when more are missing than --recovery_agent_removal_limit', async t => {
    const bench = new HeartBench({ recoveryAgentRemovalLimit: 0.5 }, before)
    bench.pass(601)
    t.ok(bench.effects.some(({ type }) => type === 'ABDICATE'))
    t.same([...bench.registry.values()], before)
  })
  t.test('turns away agents that are gone', async t => {
    const bench = new HeartBench({}, [{ id: 'G', entry: { state: 'gone', since: 1 } }])
    bench.reregister('l1', 'G')
    t.match(bench.sent('l1'), [{ shutdown: { message: /gone/ } }])
    t.equal(bench.heart.cluster.agents.size, 0)
  })
})

t.test('old entries of unreachable and gone agents are dropped', async t => {
  const day = 24 * 3_600_000
  const wall = 1.7e12
  const away = (id: string, days: number) => ({
    id,
    entry: { state: 'unreachable' as const, since: wall - days * day },
  })
  const bench = new HeartBench({ registryMaxAgentCount: 2 }, [
    away('old', 15),
    away('third', 3),
    away('second', 2),
    away('first', 1),
    { id: 'G', entry: { state: 'gone', since: wall - 20 * day } },
  ])
  bench.pass(899)
  t.notOk(bench.effects.some(({ type }) => type === 'PERSIST'))
  bench.pass(2)
  t.same([...bench.heart.cluster.unreachable.keys()].sort(), ['first', 'second'])
  t.same([...bench.heart.cluster.gone], [])
})

t.test('a framework that knows nothing of partitions is told, and shown, that its tasks are lost', async t => {
  const bench = new HeartBench()
  bench.agent('l1')
  bench.agent('l2')
  const framework = bench.framework()
  const offer = bench.offers(framework.stream).find(({ agent_id }) => agent_id.value === 'M-S0')!
  bench.launch(framework, offer, {})
  bench.pass(80, ['l2'])
  t.match(bench.updates(framework.stream), [{ state: 'TASK_LOST', reason: 'REASON_AGENT_REMOVED' }])
  t.match([...bench.tables.tasksOf(framework.id)], [{ fate: 'unreachable', task: { state: 'TASK_LOST' } }])
})

t.test('two with the same id that return at once are one agent: the later one', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  bench.agent('l2', { pid: 'slave(1)@10.0.0.9:1' })
  bench.pass(80, ['l2'])
  bench.holdsWrites = true
  bench.reregister('l1', agentId)
  bench.reregister('l7', agentId)
  bench.writeRegistry()
  t.equal(bench.heart.cluster.agents.size, 2)
  t.equal(bench.heart.cluster.agents.get(agentId)!.link, 'l7')
  t.match(bench.sent('l7'), [{ reregistered: {} }])
  t.ok(bench.effects.some(effect => effect.type === 'CLOSE_LINK' && effect.link === 'l1'))
})
