import type { Operation, OperationState } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'
import { create, reserve, setUp, unreserve } from './support/operations-bench.ts'
import { reserved, volume } from './support/volumes.ts'

const op = (name: string) => ({ id: { value: name } })
const oneCpu = { ...reserve(...reserved('cpus:1')), ...op('x') }

/** With one operation of the framework sent to the agent. */
function sent() {
  const bench = setUp()
  bench.accept(oneCpu)
  const [operation] = bench.told() as [Operation]
  bench.bench.forgetEffects()
  const rows = () => [...bench.bench.tables.operations.values()]
  /** Asks about an operation of that name; answers its state. */
  const reconcile = (name = 'x', agentId: string | undefined = bench.agentId): OperationState | undefined => {
    bench.bench.forgetEffects()
    const agent_id = agentId === undefined ? {} : { agent_id: { value: agentId } }
    bench.bench.call(bench.framework, {
      type: 'RECONCILE_OPERATIONS',
      reconcile_operations: { operations: [{ operation_id: { value: name }, ...agent_id }] },
    })
    return bench.statuses()[0]?.state
  }
  return { ...bench, operation, rows, reconcile }
}

t.test('from pending to its end, told until it is acknowledged', async t => {
  const { bench, framework, agentId, operation, rows, say, statuses, acknowledge, reconcile } = sent()
  t.match(rows(), [
    {
      framework_id: { value: framework.id },
      agent_id: { value: agentId },
      latest_status: { state: 'OPERATION_PENDING' },
    },
  ])
  t.equal(reconcile(), 'OPERATION_PENDING')
  say(operation)
  bench.forgetEffects()
  say(operation)
  t.match(
    statuses(),
    [{ operation_id: { value: 'x' }, state: 'OPERATION_FINISHED', agent_id: { value: agentId }, uuid: { value: /./ } }],
    'told again when the agent says it again',
  )
  const [status] = statuses()
  t.match(rows(), [{ latest_status: { state: 'OPERATION_FINISHED' } }])
  t.equal(reconcile(), 'OPERATION_FINISHED')
  bench.forgetEffects()
  t.equal(acknowledge(status!), 202)
  t.match(bench.sent('l1'), [{ acknowledge_operation: { uuid: operation.uuid, status_uuid: status!.uuid } }])
  t.same(rows(), [])
  t.equal(reconcile(), 'OPERATION_UNKNOWN')
  t.equal(bench.heart.cluster.tally.counts.get('master/operations/reserve/finished'), 1, 'counted once')
})

t.test('what an agent says again of an operation that is over, before it hears so, brings nothing back', async t => {
  const { bench, operation, say, statuses, acknowledge, rows } = sent()
  say(operation)
  acknowledge(statuses()[0]!)
  bench.forgetEffects()
  say(operation)
  t.same(rows(), [])
  t.same(statuses(), [])
  t.equal(bench.heart.cluster.operations.size, 0)
  t.equal(bench.heart.cluster.tally.counts.get('master/operations/reserve/finished'), 1)
})

t.test('an acknowledgement of something else is ignored', async t => {
  const { bench, operation, say, statuses, acknowledge, rows } = sent()
  say(operation)
  const [status] = statuses()
  for (const wrong of [
    { ...status!, uuid: operation.uuid },
    { ...status!, operation_id: { value: 'y' } },
    { ...status!, agent_id: { value: 'M-S9' } },
  ]) {
    bench.forgetEffects()
    t.equal(acknowledge(wrong), 202)
    t.same(bench.sent('l1'), [])
    t.equal(rows().length, 1)
  }
})

t.test('the end of one without an id the master acknowledges itself', async t => {
  const { bench, accept, told, say, statuses } = setUp()
  accept(reserve(...reserved('cpus:1')))
  const [operation] = told()
  bench.forgetEffects()
  say(operation!)
  t.match(bench.sent('l1'), [{ acknowledge_operation: { uuid: operation!.uuid } }])
  t.same(statuses(), [])
  t.equal(bench.tables.operations.size, 0)
})

t.test('a framework that is away is told when it is back', async t => {
  const { bench, framework, operation, say, rows } = sent()
  bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
  say(operation)
  t.same(bench.sent('l1'), [])
  const again = bench.framework({ id: { value: framework.id }, roles: ['r'], capabilities: [{ type: 'MULTI_ROLE' }] })
  say(operation)
  t.match(bench.events(again.stream).at(-1), { update_operation_status: { status: { state: 'OPERATION_FINISHED' } } })
  t.equal(rows().length, 1)
})

t.test('when a framework is removed the master acknowledges what has ended, and what ends', async t => {
  const { bench, framework, accept, told, operation, say, rows } = sent()
  accept({ ...unreserve(...reserved('cpus:1')), ...op('y') })
  const [second] = told()
  say(operation)
  bench.forgetEffects()
  bench.call(framework, { type: 'TEARDOWN' })
  t.match(
    bench.sent('l1').filter(message => message.acknowledge_operation),
    [{ acknowledge_operation: { uuid: operation.uuid } }],
  )
  bench.forgetEffects()
  say(second!)
  t.match(bench.sent('l1'), [{ acknowledge_operation: { uuid: second!.uuid } }])
  t.same(rows(), [])
})

t.test('of an agent that is unreachable the framework learns that its operations are', async t => {
  const { bench, agentId, accept, told, operation, say, statuses, rows, reconcile } = sent()
  accept({ ...unreserve(...reserved('cpus:1')), ...op('y') })
  const [second] = told()
  say(operation)
  bench.forgetEffects()
  bench.agent('l2', { hostname: 'other' })
  bench.pass(76, ['l2'])
  t.match(statuses(), [{ operation_id: { value: 'y' }, state: 'OPERATION_UNREACHABLE', agent_id: { value: agentId } }])
  t.equal(statuses().length, 1, 'and not of the one that has ended')
  t.notOk(statuses()[0]!.uuid, 'nobody acknowledges it')
  t.same(rows(), [])
  t.equal(reconcile('y'), 'OPERATION_UNREACHABLE')

  t.test('and their ends when it returns', async t => {
    bench.forgetEffects()
    bench.reregister('l3', agentId, { operations: [operation, second!] })
    t.equal(rows().length, 2)
    say(second!, 'l3')
    t.match(statuses(), [{ operation_id: { value: 'y' }, state: 'OPERATION_FINISHED' }])
  })
})

t.test('an agent that leaves takes its operations with it for ever', async t => {
  const { bench, statuses, rows } = sent()
  bench.fromAgent('l1', { unregister: {} })
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_GONE_BY_OPERATOR' }])
  t.same(rows(), [])
})

t.test('so does one that an operator marks gone', async t => {
  const { bench, agentId, statuses, rows, reconcile } = sent()
  t.equal(bench.operate({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: agentId } } })?.status, 200)
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_GONE_BY_OPERATOR' }])
  t.same(rows(), [])
  t.equal(reconcile(), 'OPERATION_GONE_BY_OPERATOR')
})

t.test('what was on its way when the session ended never arrived', async t => {
  const { bench, agent, agentId, statuses, rows, has } = sent()
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  bench.reregister('l1', agentId)
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_DROPPED', agent_id: { value: agentId } }])
  t.notOk(statuses()[0]!.uuid)
  t.same(rows(), [])
  t.notOk(has(...reserved('cpus:1')))
  t.ok(agent.total.equals(Resources.from(parseResources('cpus:4;mem:1024;disk:1000'))), 'the agent has what it says')
})

t.test('nor what went over another link than the one that the agent has now', async t => {
  const { bench, agentId, statuses, has } = sent()
  bench.reregister('l9', agentId)
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_DROPPED' }])
  t.notOk(has(...reserved('cpus:1')))
})

t.test('what an agent has answered and has no more is over, and not done again', async t => {
  const { bench, agentId, operation, say, statuses, rows, has } = sent()
  say(operation)
  bench.forgetEffects()
  bench.reregister('l1', agentId)
  t.same(statuses(), [])
  t.same(rows(), [])
  t.notOk(has(...reserved('cpus:1')), 'the agent has what it says')
})

t.test('what arrived before the session ended stands', async t => {
  const { bench, agentId, operation, statuses, rows, has } = sent()
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
  bench.reregister('l1', agentId, { operations: [operation], checkpointed_resources: reserved('cpus:1') })
  t.same(statuses(), [])
  t.match(rows(), [{ latest_status: { state: 'OPERATION_FINISHED' } }])
  t.ok(has(...reserved('cpus:1')))
})

t.test('an agent that introduces itself again in the same session has the operation still to come', async t => {
  const { bench, agentId, agent, operation, say, statuses, rows, has } = sent()
  const before = agent.total
  bench.reregister('l1', agentId)
  t.same(statuses(), [])
  t.match(rows(), [{ latest_status: { state: 'OPERATION_PENDING' } }])
  t.ok(agent.total.equals(before))
  t.ok(has(...reserved('cpus:1')))
  t.ok(bench.tables.agents.get(agentId)!.total.contains(Resources.from(reserved('cpus:1'))))
  say(operation)
  t.match(statuses(), [{ state: 'OPERATION_FINISHED' }])
  t.test('and what it said then of one that is acknowledged by now brings that not back', async t => {
    bench.call(
      { ...sentFramework(bench) },
      {
        type: 'ACKNOWLEDGE_OPERATION_STATUS',
        acknowledge_operation_status: {
          agent_id: { value: agentId },
          operation_id: { value: 'x' },
          uuid: operation.latest_status.uuid!.value,
        },
      },
    )
    t.same(rows(), [])
    bench.reregister('l1', agentId, { operations: [operation], checkpointed_resources: reserved('cpus:1') })
    t.same(rows(), [])
  })
})
const sentFramework = (bench: HeartBench) => {
  const [framework] = bench.heart.cluster.frameworks.values()
  return { id: framework!.id, stream: framework!.streamId! }
}

t.test('an agent whose registration is told again is one whose session has ended, too', async t => {
  const { bench, statuses, has } = sent()
  bench.do(
    { type: 'LINK_ENDED', link: 'l1', restarted: false },
    { type: 'LINK_OPENED', link: 'l1', agentId: undefined },
  )
  bench.fromAgent('l1', { register: bench.registration() })
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_DROPPED' }])
  t.notOk(has(...reserved('cpus:1')))
})

t.test('a new master learns from agents what they have and what they have done', async t => {
  const first = sent()
  const { bench: old, agentId, framework, operation } = first
  const bench = new HeartBench({}, [...old.registry.values()])
  const again = bench.framework({ id: { value: framework.id }, roles: ['r'], capabilities: [{ type: 'MULTI_ROLE' }] })
  const ask = (name: string) => {
    bench.forgetEffects()
    bench.call(again, {
      type: 'RECONCILE_OPERATIONS',
      reconcile_operations: { operations: [{ operation_id: { value: name }, agent_id: { value: agentId } }] },
    })
    return bench.events(again.stream)[0]?.update_operation_status?.status.state
  }
  t.equal(ask('x'), 'OPERATION_RECOVERING')
  bench.reregister('l1', agentId, { operations: [operation], checkpointed_resources: reserved('cpus:1') })
  t.equal(ask('x'), 'OPERATION_FINISHED')
  t.equal(ask('never arrived'), 'OPERATION_UNKNOWN')
  const { total } = bench.heart.cluster.agents.get(agentId)!
  t.ok(total.contains(Resources.from(reserved('cpus:1'))))
  t.equal(total.quantities().get('cpus'), 4)
})

t.test('an operation that the agent could not do leaves what the agent says it has', async t => {
  const { bench, agent, operation, say, statuses, has } = sent()
  bench.pass(1)
  bench.forgetEffects()
  say({ ...operation, latest_status: { ...operation.latest_status, state: 'OPERATION_DROPPED', message: 'why' } })
  bench.fromAgent('l1', { update_agent: { total_resources: parseResources('cpus:4;mem:1024;disk:1000') } })
  t.match(statuses(), [{ state: 'OPERATION_DROPPED', message: 'why' }])
  t.notOk(has(...reserved('cpus:1')))
  t.ok(bench.heart.cluster.allocator.allocated(agent.id).isEmpty, 'no offer of what is not there is left')
  t.test('save what it has not heard of yet', async t => {
    bench.pass(1)
    const offers = bench.offers(sentFramework(bench).stream)
    bench.accept(sentFramework(bench), offers.slice(-1), [reserve(...reserved('mem:64'))])
    t.ok(has(...reserved('mem:64')))
    bench.fromAgent('l1', { update_agent: { total_resources: parseResources('cpus:3;mem:1024') } })
    t.ok(has(...reserved('mem:64')))
    t.equal(agent.total.quantities().get('cpus'), 3)
  })
})

t.test('what an agent says is checked', async t => {
  for (const [name, checkpointed_resources] of [
    ['more than it has', reserved('cpus:5')],
    ['a disk that it does not have', [volume(2000)]],
  ] as const) {
    const bench = new HeartBench()
    bench.do({ type: 'LINK_OPENED', link: 'l1', agentId: undefined })
    bench.fromAgent('l1', { register: bench.registration({ checkpointed_resources: [...checkpointed_resources] }) })
    t.match(bench.sent('l1'), [{ shutdown: { message: /^checkpointed_resources: .*do not fit/ } }], name)
  }
  const { bench, operation, statuses, rows } = sent()
  bench.agent('l2', { hostname: 'other' })
  bench.forgetEffects()
  bench.fromAgent('l2', { operation_update: { operation } })
  t.same(statuses(), [], "another agent's operation")
  t.match(rows(), [{ latest_status: { state: 'OPERATION_PENDING' } }])
  bench.fromAgent('l2', { update_agent: { total_resources: [{ name: '', type: 'SCALAR' }] } })
  t.equal(bench.heart.cluster.agents.get('M-S1')!.total.quantities().get('cpus'), 4)
})

t.test('an agent can change nothing about an operation but how it went, and that once', async t => {
  const { bench, agentId, operation, say, statuses, rows, reconcile } = sent()
  const { framework_id: _, ...others } = operation
  say({
    ...others,
    info: { type: 'CREATE' },
    latest_status: { ...operation.latest_status, operation_id: { value: 'z' } },
  })
  t.match(statuses(), [{ operation_id: { value: 'x' }, state: 'OPERATION_FINISHED' }])
  t.match(rows(), [{ info: { type: 'RESERVE', id: { value: 'x' } }, framework_id: { value: /./ } }])
  bench.forgetEffects()
  const other = { value: 'CAAAAAAAAAAAAAAAAAAAAA==' }
  say({ ...operation, latest_status: { state: 'OPERATION_DROPPED', uuid: other } })
  t.match(statuses(), [{ state: 'OPERATION_FINISHED', uuid: operation.latest_status.uuid! }])
  say({ ...operation, uuid: other, latest_status: { state: 'OPERATION_FAILED', uuid: other } })
  t.equal(reconcile(), 'OPERATION_FINISHED', 'the id is still that of the first')
  for (let number = 0; number < 2_000; number++)
    say({ ...operation, uuid: { value: Buffer.from(`${number}`.padStart(16)).toString('base64') } })
  t.equal(bench.heart.cluster.operations.ofAgent(agentId).size, 1_000, 'and it can not fill the memory')
})

t.test(
  'for a framework that does not come back the master acknowledges when agents had their time to return',
  async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    bench.forgetEffects()
    const operation: Operation = {
      uuid: { value: 'AAAAAAAAAAAAAAAAAAAAAA==' },
      framework_id: { value: 'gone' },
      info: oneCpu,
      latest_status: {
        state: 'OPERATION_FINISHED',
        operation_id: { value: 'x' },
        uuid: { value: 'BAAAAAAAAAAAAAAAAAAAAA==' },
      },
    }
    bench.fromAgent('l1', { operation_update: { operation } })
    t.same(bench.sent('l1'), [])
    bench.pass(601, ['l1'])
    bench.fromAgent('l1', { operation_update: { operation } })
    t.match(bench.sent('l1'), [{ acknowledge_operation: { uuid: operation.uuid } }])
    t.equal(bench.tables.operations.size, 0)
  },
)

t.test('an agent has at most 1,000 operations whose ends are not acknowledged', async t => {
  const { bench, agent, accept, statuses, told, say } = setUp()
  const unreserved = unreserve(...reserved('cpus:1'))
  const both = Array.from({ length: 500 }, () => [reserve(...reserved('cpus:1')), unreserved]).flat()
  accept(...both)
  t.equal(bench.heart.cluster.operations.ofAgent(agent.id).size, 1_000)
  const all = told()
  accept(oneCpu)
  t.match(statuses(), [{ state: 'OPERATION_ERROR', message: /1000 operations/ }])
  for (const operation of all) say(operation)
  t.equal(bench.heart.cluster.operations.size, 0)
  accept(oneCpu, create(volume(10)))
  t.same(statuses(), [])
})
