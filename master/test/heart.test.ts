import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const of = (text: string) => Resources.from(parseResources(text))
const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }

t.test('registration', async t => {
  t.test('an agent is usable only when the registry has it', async t => {
    const bench = new HeartBench()
    bench.holdsWrites = true
    const framework = bench.framework()
    t.equal(bench.agent('l1'), '')
    t.same(bench.offers(framework.stream), [])
    bench.writeRegistry()
    t.match(bench.sent('l1'), [{ registered: { agent_id: { value: 'M-S0' }, total_ping_timeout_seconds: 75 } }])
    t.equal(bench.offers(framework.stream).length, 1)
    t.match(bench.registry.get('M-S0'), { entry: { state: 'admitted', info: { id: { value: 'M-S0' } } } })
  })
  t.test('said twice it gives the same id', async t => {
    const bench = new HeartBench()
    const id = bench.agent('l1')
    bench.forgetEffects()
    t.equal(bench.agent('l1'), id)
    t.equal(bench.heart.cluster.agents.size, 1)
  })
  t.test('a session that ends during the write leaves a disconnected agent', async t => {
    const bench = new HeartBench()
    bench.holdsWrites = true
    bench.agent('l1')
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    bench.writeRegistry()
    t.match([...bench.heart.cluster.agents.values()], [{ connected: false }])
    bench.agent('l1')
    t.match([...bench.heart.cluster.agents.values()], [{ connected: true }])
  })
  t.test('is refused with a reason', async t => {
    const bench = new HeartBench()
    const domain = { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } }
    bench.agent('l1', { version: '0.28.1' })
    bench.agent('l2', { agent_info: { hostname: 'h', domain } })
    bench.agent('l3', {
      agent_info: { hostname: 'h', resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: -1 } }] },
    })
    const value = 'x'.repeat(64 * 1024)
    bench.agent('l4', { agent_info: { hostname: 'h', attributes: [{ name: 'a', type: 'TEXT', text: { value } }] } })
    bench.reregister('l5', '../etc')
    for (const link of ['l1', 'l2', 'l3', 'l4', 'l5']) t.match(bench.sent(link), [{ shutdown: { message: String } }])
    t.equal(bench.heart.cluster.agents.size, 0)
    t.equal(bench.registry.size, 0, 'a description that no record holds is refused before it is written')
  })
  t.test('again brings what has changed about it', async t => {
    const bench = new HeartBench()
    const id = bench.agent('l1')
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
    const attributes = [{ name: 'rack', type: 'TEXT' as const, text: { value: '2' } }]
    const message = bench.registration()
    bench.do({ type: 'LINK_OPENED', link: 'l1', agentId: id })
    bench.fromAgent('l1', {
      reregister: {
        ...message,
        version: '1.12.0',
        agent_info: { ...message.agent_info, attributes, id: { value: id } },
      },
    })
    t.match(bench.tables.agents.get(id), { view: { version: '1.12.0', info: { attributes } } })
    t.match(bench.offers(bench.framework().stream), [{ attributes }])
  })
  t.test('over another link with less than was offered rescinds the offers', async t => {
    const bench = new HeartBench()
    const id = bench.agent('l1', { resources: 'cpus:4;mem:1024' })
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.do({ type: 'LINK_OPENED', link: 'l2', agentId: id })
    const message = bench.registration({ resources: 'cpus:1;mem:1024' })
    bench.fromAgent('l2', { reregister: { ...message, agent_info: { ...message.agent_info, id: { value: id } } } })
    t.match(
      bench.events(framework.stream).filter(({ type }) => type === 'RESCIND'),
      [{ rescind: { offer_id: offer!.id } }],
    )
    bench.pass(1)
    t.equal(bench.heart.cluster.allocator.allocated(id).scalar('cpus'), 1)
  })
  t.test('of a new agent at the address of a disconnected one removes that one', async t => {
    const bench = new HeartBench()
    const old = bench.agent('l1', { pid: 'slave(1)@10.0.0.1:5051' })
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    const young = bench.agent('l2', { pid: 'slave(1)@10.0.0.1:5051' })
    t.not(young, old)
    t.same([...bench.heart.cluster.agents.keys()], [young])
    t.same([...bench.registry.keys()], [young])
  })
  t.test('gives no id that somebody else brought along', async t => {
    const bench = new HeartBench()
    bench.reregister('l1', 'M-S0')
    t.equal(bench.agent('l2'), 'M-S1')
    bench.framework({ id: { value: 'M-0000' } })
    t.equal(bench.framework().id, 'M-0001')
  })
  t.test('said again while it is being written is one registration', async t => {
    const bench = new HeartBench()
    bench.holdsWrites = true
    bench.agent('l1')
    bench.fromAgent('l1', { register: bench.registration() })
    t.equal(bench.effects.filter(({ type }) => type === 'PERSIST').length, 1)
    bench.writeRegistry()
    t.equal(bench.heart.cluster.agents.size, 1)
  })
  t.test('without a domain is refused where one is asked for', async t => {
    const domain = { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } }
    const bench = new HeartBench({ domain, requireAgentDomain: true })
    bench.agent('l1')
    t.match(bench.sent('l1'), [{ shutdown: { message: /require_agent_domain/ } }])
    t.not(bench.agent('l2', { agent_info: { hostname: 'h', domain } }), '')
  })
  t.test('is needed in each session: what an agent says before it counts for nothing', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework()
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    bench.do({ type: 'LINK_OPENED', link: 'l1', agentId })
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.same(bench.updates(framework.stream), [])
    t.equal(bench.heart.cluster.tasks.get(framework.id, 't')!.state, 'TASK_STAGING')
  })
  t.test('messages before it count for nothing', async t => {
    const bench = new HeartBench()
    const framework = bench.framework()
    bench.do({ type: 'LINK_OPENED', link: 'l1', agentId: undefined })
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.same(bench.updates(framework.stream), [])
  })
})

t.test('an agent that returns with a task which has begun elsewhere meanwhile is told to kill it', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  const { task } = bench.tables.task(framework.id, 't')!
  bench.agent('l2')
  bench.forgetEffects()
  bench.reregister('l2', 'M-S1', { tasks: [{ ...task, state: 'TASK_RUNNING' }] })
  t.match(
    bench.sent('l2').filter(message => message.kill_task),
    [{ kill_task: { framework_id: { value: framework.id }, task_id: { value: 't' } } }],
  )
  t.equal(bench.heart.cluster.tasks.get(framework.id, 't')!.agentId, agentId)
  bench.forgetEffects()
  bench.reregister('l1', agentId, { tasks: [{ ...task, state: 'TASK_RUNNING' }] })
  t.same(
    bench.sent('l1').filter(message => message.kill_task),
    [],
    'its own goes on',
  )
})

t.test(
  'what a framework refused is forgotten when it subscribes anew, after a break and in place of a live one',
  async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const first = bench.framework()
    const decline = (framework: { stream: string; id: string }) => {
      const [offer] = bench.offers(framework.stream)
      bench.call(framework, { type: 'DECLINE', decline: { offer_ids: [offer!.id], filters: { refuse_seconds: 1e6 } } })
      bench.forgetEffects()
      bench.pass(5)
      t.same(bench.offers(framework.stream), [], 'it holds')
    }
    decline(first)
    bench.do({ type: 'STREAM_BROKEN', streamId: first.stream })
    const second = bench.framework({ id: { value: first.id } })
    decline(second)
    const third = bench.framework({ id: { value: first.id } })
    t.equal(bench.offers(third.stream).length, 1)
  },
)

t.test('status updates', async t => {
  const launched = (info: object = {}) => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework(info)
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.pass(1)
    bench.forgetEffects()
    return { bench, framework, agentId }
  }
  t.test('of the end give the resources back before the acknowledgement, which completes the task', async t => {
    const { bench, framework, agentId } = launched()
    const uuid = bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    t.match(bench.updates(framework.stream), [{ state: 'TASK_FINISHED', uuid, agent_id: { value: agentId } }])
    bench.pass(1)
    t.ok(bench.offers(framework.stream).some(({ resources }) => Resources.from(resources!).equals(of('cpus:1;mem:32'))))
    t.ok(bench.heart.cluster.tasks.get(framework.id, 't'))
    bench.forgetEffects()
    bench.call(framework, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid },
    })
    t.match(bench.sent('l1'), [{ acknowledge: { uuid } }])
    t.notOk(bench.heart.cluster.tasks.get(framework.id, 't'))
    t.match([...bench.tables.completedOf(framework.id)], [{ task: { state: 'TASK_FINISHED' } }])
  })
  t.test('of the end are complete when they are acknowledged, and not with one that came before', async t => {
    const { bench, framework, agentId } = launched()
    const acknowledge = (uuid: string) =>
      bench.call(framework, {
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid },
      })
    const running = bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    const finished = bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    acknowledge(running)
    t.ok(bench.heart.cluster.tasks.get(framework.id, 't'))
    acknowledge(finished)
    t.notOk(bench.heart.cluster.tasks.get(framework.id, 't'))
  })
  t.test('are not acknowledged to an agent that is away', async t => {
    const { bench, framework, agentId } = launched({ checkpoint: true })
    const uuid = bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    bench.call(framework, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid },
    })
    t.ok(bench.heart.cluster.tasks.get(framework.id, 't'), 'the agent would tell of it again')
  })
  t.test('of the end are counted once, by state, source and reason', async t => {
    const { bench, framework } = launched()
    const counted = () =>
      [...bench.heart.cluster.tally.counts].filter(([name, count]) => /task_|tasks_/.test(name) && count > 0)
    t.same(counted(), [])
    for (let time = 0; time < 2; time++)
      bench.update('l1', framework.id, 't', 'TASK_FAILED', { reason: 'REASON_COMMAND_EXECUTOR_FAILED' })
    t.same(counted(), [
      ['master/tasks_failed', 1],
      ['master/task_failed/source_executor/reason_command_executor_failed', 1],
    ])
  })
  t.test('acknowledging what was not forwarded is dropped', async t => {
    const { bench, framework, agentId } = launched()
    bench.call(framework, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid: 'AAAAAAAAAAAAAAAAAAAAAA==' },
    })
    t.same(bench.sent('l1'), [])
  })
  t.test('of the same state replace each other', async t => {
    const { bench, framework } = launched()
    for (const timestamp of [1, 2, 3]) bench.update('l1', framework.id, 't', 'TASK_RUNNING', { timestamp })
    const { statuses } = bench.tables.task(framework.id, 't')!.task
    t.match(statuses, [{ state: 'TASK_RUNNING', timestamp: 3 }])
    t.equal(statuses!.length, 1)
  })
  t.test('of an executor that wavers are kept as the first and the newest', async t => {
    const { bench, framework } = launched()
    for (let i = 0; i < 100; i++)
      bench.update('l1', framework.id, 't', i % 2 === 0 ? 'TASK_STARTING' : 'TASK_RUNNING', { timestamp: i })
    const { statuses } = bench.tables.task(framework.id, 't')!.task
    t.match(statuses, { length: 32, 0: { timestamp: 0 }, 1: { timestamp: 69 }, 31: { timestamp: 99 } })
  })
  t.test('once terminal, the state never changes', async t => {
    const { bench, framework } = launched()
    bench.update('l1', framework.id, 't', 'TASK_FAILED')
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.equal(bench.heart.cluster.tasks.get(framework.id, 't')!.state, 'TASK_FAILED')
  })
  t.test('the state shown is the latest, the forwarded one stands beside it', async t => {
    const { bench, framework } = launched()
    bench.fromAgent('l1', {
      status_update: {
        framework_id: { value: framework.id },
        status: { task_id: { value: 't' }, state: 'TASK_STARTING', uuid: 'AAAAAAAAAAAAAAAAAAAAAA==', data: 'AAAA' },
        latest_state: 'TASK_RUNNING',
      },
    })
    t.match(bench.tables.task(framework.id, 't'), {
      task: { state: 'TASK_RUNNING', status_update_state: 'TASK_STARTING' },
    })
    t.equal(bench.updates(framework.stream)[0]!.data, 'AAAA', 'data reaches the framework')
    t.notOk('data' in bench.tables.task(framework.id, 't')!.task.statuses![0]!, 'and is not kept')
  })
  t.test('are not queued for a framework that does not listen', async t => {
    const { bench, framework } = launched()
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    const again = bench.framework({ id: { value: framework.id } })
    t.same(bench.updates(again.stream), [])
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.equal(bench.updates(again.stream).length, 1)
  })
  t.test('come from the agent of their link, whatever agent they name', async t => {
    const { bench, framework, agentId } = launched()
    bench.update('l1', framework.id, 't', 'TASK_RUNNING', { agent_id: { value: 'M-S77' } })
    t.match(bench.updates(framework.stream), [{ state: 'TASK_RUNNING', agent_id: { value: agentId } }])
  })
  t.test("of another agent's task reach nobody, and the agent need not repeat them", async t => {
    const { bench, framework, agentId } = launched()
    bench.agent('l2')
    bench.forgetEffects()
    for (const agent_id of [{ value: agentId }, undefined]) {
      const uuid = bench.update('l2', framework.id, 't', 'TASK_FINISHED', agent_id ? { agent_id } : {})
      t.match(bench.sent('l2').at(-1), { acknowledge: { task_id: { value: 't' }, uuid } })
    }
    t.same(bench.updates(framework.stream), [])
    t.equal(bench.heart.cluster.tasks.get(framework.id, 't')!.state, 'TASK_STAGING')
  })
  t.test('of a task that nobody knows reach the framework, which may kill it', async t => {
    const { bench, framework, agentId } = launched()
    bench.update('l1', framework.id, 'stray', 'TASK_RUNNING')
    t.match(bench.updates(framework.stream), [{ task_id: { value: 'stray' }, agent_id: { value: agentId } }])
  })
  t.test('of a framework that is gone tell the agent so', async t => {
    const { bench, framework } = launched()
    bench.call(framework, { type: 'TEARDOWN' })
    bench.forgetEffects()
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.match(bench.sent('l1'), [{ shutdown_framework: { framework_id: { value: framework.id } } }])
  })
})

t.test('reconciliation of many tasks', async t => {
  const many = () => {
    const bench = new HeartBench()
    bench.agent('l1', { resources: 'cpus:1000;mem:100000' })
    const framework = bench.framework()
    const launch = (first: number, count: number) => {
      bench.pass(1, ['l1'])
      const tasks = Array.from({ length: count }, (_, index) => ({ task_id: { value: `t${first + index}` } }))
      bench.launch(framework, bench.offers(framework.stream).at(-1)!, ...tasks)
    }
    launch(0, 150)
    bench.holdsStreams = true
    bench.forgetEffects()
    return { bench, framework, launch }
  }
  const answers = (bench: HeartBench, stream: string) =>
    bench.updates(stream).filter(({ reason }) => reason === 'REASON_RECONCILIATION')
  t.test('goes on when the stream takes more, with what is known then, and not with what began later', async t => {
    const { bench, framework, launch } = many()
    bench.call(framework, { type: 'RECONCILE', reconcile: {} })
    t.equal(answers(bench, framework.stream).length, 100)
    bench.update('l1', framework.id, 't149', 'TASK_RUNNING')
    launch(150, 20)
    bench.do({ type: 'STREAM_READY', streamId: framework.stream })
    const all = answers(bench, framework.stream)
    t.equal(all.length, 150)
    t.match(all.at(-1), { task_id: { value: 't149' }, state: 'TASK_RUNNING' })
    t.notOk(bench.effects.at(-1)!.type === 'MORE_FOLLOWS')
  })
  t.test('by name is bounded where the framework does not read: its stream ends there', async t => {
    const { bench, framework } = many()
    const tasks = Array.from({ length: 350_000 }, (_, number) => ({ task_id: { value: `${number}` } }))
    for (let time = 0; time < 3; time++) bench.call(framework, { type: 'RECONCILE', reconcile: { tasks } })
    t.notOk(bench.effects.some(({ type }) => type === 'STREAM_CLOSED'))
    bench.call(framework, { type: 'RECONCILE', reconcile: { tasks } })
    t.ok(bench.effects.some(effect => effect.type === 'NOTE' && effect.note.code === 'TOO_MANY_QUESTIONS'))
    t.ok(bench.effects.some(({ type }) => type === 'STREAM_CLOSED'))
    t.equal(bench.call(framework, { type: 'RECONCILE', reconcile: {} }), 403, 'it is to subscribe again')
    t.ok(bench.heart.cluster.frameworks.has(framework.id), 'and may')
  })
  t.test('ends with its stream, and begins anew on the next', async t => {
    for (const breaks of [true, false]) {
      const { bench, framework } = many()
      bench.call(framework, { type: 'RECONCILE', reconcile: {} })
      if (breaks) bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
      const again = bench.framework({ id: { value: framework.id } })
      bench.do({ type: 'STREAM_READY', streamId: framework.stream })
      bench.do({ type: 'STREAM_READY', streamId: again.stream })
      t.same(answers(bench, again.stream), [])
      bench.call(again, { type: 'RECONCILE', reconcile: {} })
      t.equal(answers(bench, again.stream).length, 100)
      bench.do({ type: 'STREAM_READY', streamId: again.stream })
      t.equal(answers(bench, again.stream).length, 150)
    }
  })
})

t.test('of what has ended only so much is remembered: frameworks, in the heart and for readers', async t => {
  const bench = new HeartBench()
  for (let number = 0; number < 60; number++) bench.call(bench.framework(), { type: 'TEARDOWN' })
  t.equal(bench.heart.cluster.completed.size, 50)
  t.same([...bench.tables.completedFrameworks.keys()], [...bench.heart.cluster.completed])
  t.equal(bench.heart.cluster.frameworks.size, 0)
})

t.test('an agent that returns with nothing but executors of an ended framework is told to end them', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework()
  const { info } = bench.heart.cluster.frameworks.get(framework.id)!
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  bench.call(framework, { type: 'TEARDOWN' })
  bench.forgetEffects()
  const executor_info = { executor_id: { value: 'e' }, command: { value: 'x' }, framework_id: info.id! }
  bench.reregister('l1', agentId, { frameworks: [info], executors: [{ framework_id: info.id!, executor_info }] })
  t.match(
    bench.sent('l1').filter(message => message.shutdown_framework),
    [{ shutdown_framework: { framework_id: info.id } }],
  )
  t.same([...bench.heart.cluster.agents.get(agentId)!.executors], [])
})

t.test('reconciliation', async t => {
  const bench = new HeartBench({}, [
    { id: 'back', entry: { state: 'admitted', info: { hostname: 'h', id: { value: 'back' } } } },
    { id: 'away', entry: { state: 'unreachable', since: 5 } },
    { id: 'gone', entry: { state: 'gone', since: 6 } },
  ])
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  const old = bench.framework({ role: 'x' })
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING', { healthy: true, data: 'AAAA', labels: { labels: [] } })
  const ask = (who: { stream: string; id: string }, tasks: { task: string; agent?: string }[]) => {
    bench.forgetEffects()
    bench.call(who, {
      type: 'RECONCILE',
      reconcile: {
        tasks: tasks.map(({ task, agent }) => ({
          task_id: { value: task },
          ...(agent ? { agent_id: { value: agent } } : {}),
        })),
      },
    })
    return bench.updates(who.stream)
  }
  t.match(ask(framework, []), [
    { state: 'TASK_RUNNING', source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION', healthy: true },
  ])
  const [known] = ask(framework, [{ task: 't' }])
  t.match(known, { state: 'TASK_RUNNING' })
  for (const field of ['uuid', 'data', 'labels']) t.notOk(field in known!, `no ${field}`)
  t.same(ask(framework, [{ task: 'x', agent: 'back' }]), [], 'its agent may come back')
  t.same(ask(framework, [{ task: 'x' }]), [], 'and so may any')
  t.match(ask(framework, [{ task: 'x', agent: agentId }]), [{ state: 'TASK_GONE' }])
  t.match(ask(framework, [{ task: 'x', agent: 'away' }]), [
    { state: 'TASK_UNREACHABLE', unreachable_time: { nanoseconds: 5e6 } },
  ])
  t.match(ask(framework, [{ task: 'x', agent: 'gone' }]), [{ state: 'TASK_GONE_BY_OPERATOR' }])
  t.match(ask(framework, [{ task: 'x', agent: 'never' }]), [{ state: 'TASK_UNKNOWN' }])
  for (const agent of [agentId, 'away', 'gone', 'never'])
    t.match(ask(old, [{ task: 'x', agent }]), [{ state: 'TASK_LOST' }], agent)
  bench.reregister('l2', 'back')
  t.match(ask(framework, [{ task: 'x' }]), [{ state: 'TASK_UNKNOWN' }])
  bench.forgetEffects()
  bench.call(framework, { type: 'KILL', kill: { task_id: { value: 'x' }, agent_id: { value: agentId } } })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_GONE' }], 'killing what is not known reconciles it')
  bench.forgetEffects()
  bench.call(framework, { type: 'KILL', kill: { task_id: { value: 't' }, agent_id: { value: 'back' } } })
  t.same([...bench.sent('l1'), ...bench.sent('l2')], [], 'a kill that names another agent is ignored')
  bench.call(framework, {
    type: 'RECONCILE_OPERATIONS',
    reconcile_operations: { operations: [{ operation_id: { value: 'o' }, agent_id: { value: 'away' } }] },
  })
  t.match(bench.events(framework.stream), [{ update_operation_status: { status: { state: 'OPERATION_UNREACHABLE' } } }])
})

t.test('frameworks', async t => {
  t.test('a second subscription takes over: the old stream is told, offers are made anew', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const first = bench.framework()
    const [offer] = bench.offers(first.stream)
    bench.forgetEffects()
    const second = bench.framework({ id: { value: first.id }, user: 'other', checkpoint: false, name: 'new' })
    t.match(bench.events(first.stream), [{ type: 'ERROR', error: { message: 'Framework failed over' } }])
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_CLOSED' && effect.streamId === first.stream))
    const [again] = bench.offers(second.stream)
    t.not(again!.id.value, offer!.id.value)
    t.equal(bench.call(first, { type: 'REVIVE' }), 400)
    t.match(bench.tables.frameworks.get(first.id), { view: { info: { user: 'u', checkpoint: true, name: 'new' } } })
  })
  t.test('after a broken stream it has failover_timeout to come back', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework({ failover_timeout: 10 })
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    t.equal(bench.call(framework, { type: 'REVIVE' }), 403)
    bench.pass(9)
    t.match(bench.tables.frameworks.get(framework.id), { view: { active: false, connected: false } })
    const again = bench.framework({ id: { value: framework.id }, failover_timeout: 10 })
    bench.pass(5)
    t.ok(bench.heart.cluster.frameworks.has(framework.id), 'the timer is void')
    bench.do({ type: 'STREAM_BROKEN', streamId: again.stream })
    bench.forgetEffects()
    bench.pass(11)
    t.notOk(bench.heart.cluster.frameworks.has(framework.id))
    t.match(bench.sent('l1'), [{ shutdown_framework: {} }])
    t.ok(bench.tables.completedFrameworks.has(framework.id))
    t.match(
      [...bench.tables.completedOf(framework.id)],
      [{ task: { state: 'TASK_KILLED', statuses: [{ reason: 'REASON_FRAMEWORK_REMOVED' }] } }],
    )
    const late = bench.framework({ id: { value: framework.id } })
    t.equal(late.id, '')
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_REFUSED' && /has been removed/.test(effect.message)))
  })
  t.test('without failover_timeout it is removed at once', async t => {
    const bench = new HeartBench()
    const framework = bench.framework({ failover_timeout: 0 })
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    t.notOk(bench.heart.cluster.frameworks.has(framework.id))
  })
  t.test('an unknown id is taken as it is, a changed principal is not', async t => {
    const bench = new HeartBench()
    const framework = bench.framework({ id: { value: 'old-0001' }, principal: 'p' })
    t.equal(framework.id, 'old-0001')
    bench.framework({ id: { value: 'old-0001' }, principal: 'q' })
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_REFUSED' && /principal/.test(effect.message)))
  })
  t.test('UPDATE_FRAMEWORK rescinds offers of roles that were left', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }] }
    const framework = bench.framework({ ...multi, roles: ['a', 'b'] })
    const [offer] = bench.offers(framework.stream)
    const update = (info: object) =>
      bench.call(framework, {
        type: 'UPDATE_FRAMEWORK',
        update_framework: {
          framework_info: {
            user: 'u',
            name: 'f',
            checkpoint: true,
            failover_timeout: 100,
            id: { value: framework.id },
            ...multi,
            ...info,
          },
        },
      })
    t.equal(update({ roles: ['a', 'b'], user: 'other' }), 400)
    t.equal(update({ roles: ['a', 'b'], checkpoint: false }), 400)
    t.equal(update({ roles: ['/x'] }), 400)
    bench.forgetEffects()
    t.equal(update({ roles: ['b'] }), 200)
    t.match(bench.events(framework.stream)[0], { type: 'RESCIND', rescind: { offer_id: offer!.id } })
    t.match(bench.offers(framework.stream), [{ allocation_info: { role: 'b' } }])
  })
  t.test('REVIVE and SUPPRESS of a role that is not its own are dropped', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework({ role: 'a' }, { suppressed_roles: ['a'] })
    t.same(bench.offers(framework.stream), [])
    t.equal(bench.call(framework, { type: 'REVIVE', revive: { roles: ['b'] } }), 202)
    t.same(bench.offers(framework.stream), [])
    bench.call(framework, { type: 'REVIVE' })
    t.equal(bench.offers(framework.stream).length, 1)
  })
  t.test('many offers come in events below 1 MB', async t => {
    const bench = new HeartBench()
    const ports = `ports:[${Array.from({ length: 1_000 }, (_, i) => `${2 * i}-${2 * i}`).join(',')}]`
    for (let i = 0; i < 40; i++)
      bench.agent(`l${i}`, { pid: `slave(1)@10.0.0.${i}:5051`, resources: `cpus:1;${ports}` })
    const events = bench.events(bench.framework().stream).filter(({ type }) => type === 'OFFERS')
    t.ok(events.length > 1)
    t.equal(events.flatMap(({ offers }) => offers!.offers!).length, 40)
    for (const event of events) t.ok(JSON.stringify(event).length < 1_000_000)
  })
  t.test('offers that are not answered are rescinded after --offer_timeout', async t => {
    const bench = new HeartBench({ offerTimeout: 5_000 })
    bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.pass(6)
    t.match(
      bench.events(framework.stream).filter(({ type }) => type === 'RESCIND'),
      [{ rescind: { offer_id: offer!.id } }],
    )
    t.equal(bench.offers(framework.stream).length, 2)
  })
  t.test(
    'with more than 1,000 roles, or calls that name a role again and again, cost nobody else anything',
    async t => {
      const bench = new HeartBench()
      const roles = Array.from({ length: 1_000 }, (_, i) => `r${i}`)
      const many = { capabilities: [{ type: 'MULTI_ROLE' as const }], roles: [...roles, 'more'] }
      t.equal(bench.framework(many).id, '')
      t.match(bench.effects.at(-1), { type: 'STREAM_REFUSED', message: /1001 roles/ })
      const framework = bench.framework({ ...many, roles })
      t.not(framework.id, '')
      t.equal(bench.call(framework, { type: 'SUPPRESS', suppress: { roles: [...roles, ...roles] } }), 202)
      t.equal(bench.heart.cluster.frameworks.get(framework.id)!.suppressed.size, 1_000)
    },
  )
  t.test('completed frameworks are bounded', async t => {
    const bench = new HeartBench({ maxCompletedFrameworks: 2 })
    for (let i = 0; i < 5; i++) bench.call(bench.framework(), { type: 'TEARDOWN' })
    t.equal(bench.heart.cluster.completed.size, 2)
  })
})

t.test('what goes between schedulers and executors', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  const framework = bench.framework()
  const to = { agent_id: { value: agentId }, executor_id: { value: 'e' } }
  const away = { agent_id: { value: 'other' }, executor_id: { value: 'e' } }
  bench.forgetEffects()
  t.equal(bench.call(framework, { type: 'MESSAGE', message: { ...to, data: 'AAAA' } }), 202)
  t.equal(bench.call(framework, { type: 'SHUTDOWN', shutdown: to }), 202)
  t.match(bench.sent('l1'), [
    { framework_message: { framework_id: { value: framework.id }, executor_id: { value: 'e' }, data: 'AAAA' } },
    { shutdown_executor: { framework_id: { value: framework.id }, executor_id: { value: 'e' } } },
  ])
  bench.forgetEffects()
  t.equal(bench.call(framework, { type: 'MESSAGE', message: { ...away, data: 'AAAA' } }), 202)
  t.equal(bench.call(framework, { type: 'SHUTDOWN', shutdown: away }), 202)
  t.equal(bench.call(framework, { type: 'REQUEST', request: { requests: [] } }), 202)
  t.same(bench.sent('l1'), [], 'an unknown agent is passed over')
  bench.fromAgent('l1', {
    executor_message: { framework_id: { value: framework.id }, executor_id: { value: 'e' }, data: 'BBBB' },
  })
  t.match(bench.events(framework.stream), [{ type: 'MESSAGE', message: { ...to, data: 'BBBB' } }])
})
