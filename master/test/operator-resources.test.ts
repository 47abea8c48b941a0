import type { MasterCall, Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import type { HeartBench } from './support/heart-bench.ts'
import { capabilities, reserve, setUp } from './support/operations-bench.ts'
import { reserved, volume } from './support/volumes.ts'

/** Answers the status. */
const operate = (bench: HeartBench, call: MasterCall, principal?: string) => bench.operate(call, principal)?.status
const agent_id = { value: 'M-S0' }
const reserveCall = (...resources: Resource[]): MasterCall => ({
  type: 'RESERVE_RESOURCES',
  reserve_resources: { agent_id, resources },
})
const unreserveCall = (...resources: Resource[]): MasterCall => ({
  type: 'UNRESERVE_RESOURCES',
  unreserve_resources: { agent_id, resources },
})
const createCall = (...volumes: Resource[]): MasterCall => ({
  type: 'CREATE_VOLUMES',
  create_volumes: { agent_id, volumes },
})
const destroyCall = (...volumes: Resource[]): MasterCall => ({
  type: 'DESTROY_VOLUMES',
  destroy_volumes: { agent_id, volumes },
})

t.test('an operator reserves, creates, resizes, destroys and unreserves', async t => {
  const { bench, agent, has } = setUp()
  const before = agent.total
  t.equal(operate(bench, reserveCall(...reserved('disk:200'))), 202)
  t.ok(has(...reserved('disk:200')))
  t.equal(operate(bench, createCall(volume(100))), 202)
  t.ok(has(volume(100)))
  t.equal(
    operate(bench, {
      type: 'GROW_VOLUME',
      grow_volume: { agent_id, volume: volume(100), addition: reserved('disk:50')[0]! },
    }),
    202,
  )
  t.ok(has(volume(150)))
  t.equal(
    operate(bench, {
      type: 'SHRINK_VOLUME',
      shrink_volume: { agent_id, volume: volume(150), subtract: { value: 20 } },
    }),
    202,
  )
  t.ok(has(volume(130)))
  t.equal(operate(bench, destroyCall(volume(130))), 202)
  t.equal(operate(bench, unreserveCall(...reserved('disk:200'))), 202)
  t.ok(agent.total.equals(before))
  const sent = bench.sent('l1').flatMap(message => message.apply_operation ?? [])
  t.same(
    sent.map(({ info }) => info.type),
    ['RESERVE', 'CREATE', 'GROW_VOLUME', 'SHRINK_VOLUME', 'DESTROY', 'UNRESERVE'],
  )
  t.notOk(sent.some(({ framework_id: framework }) => framework))
  t.match([...bench.tables.operations.values()][0], { agent_id, info: { type: 'RESERVE' } })
})

t.test('when the agent has done it, it is over', async t => {
  const { bench, told, say } = setUp()
  operate(bench, reserveCall(...reserved('disk:200')))
  const [operation] = told()
  bench.forgetEffects()
  say(operation!)
  t.match(bench.sent('l1'), [{ acknowledge_operation: { uuid: operation!.uuid } }])
  t.equal(bench.tables.operations.size, 0)
})

t.test('what was promised and never reached the agent is told by the log', async t => {
  const { bench, agent } = setUp()
  const before = agent.total
  t.equal(operate(bench, reserveCall(...reserved('disk:200'))), 202)
  bench.forgetEffects()
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: true })
  bench.reregister('l1', agent.id)
  t.ok(agent.total.equals(before))
  t.match(
    bench.effects.flatMap(effect => (effect.type === 'NOTE' ? effect.note : [])),
    [{ code: 'OPERATION_DROPPED', agentId: agent.id, detail: 'RESERVE: The operation did not reach the agent' }],
  )
})

t.test('with a source, reservations are exchanged for others in one step', async t => {
  const { bench, has, agent } = setUp()
  operate(bench, reserveCall(...reserved('cpus:2', 'a')))
  const source = reserved('cpus:1', 'a')
  const resources = reserved('cpus:1', 'b')
  t.equal(operate(bench, { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, source, resources } }), 202)
  t.ok(has(...reserved('cpus:1', 'a'), ...resources))
  t.equal(agent.total.quantities().get('cpus'), 4)
  const more = reserved('cpus:2', 'b')
  t.equal(
    operate(bench, { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, source, resources: more } }),
    409,
    'both sides must be the same but for the reservations',
  )
})

t.test('what is free is taken first; then no more offers than are needed', async t => {
  const { bench, framework, offers, has } = setUp({ resources: 'cpus:6;mem:600' })
  // Three offers of two cpus, and nothing else free.
  const [first] = offers()
  const part = { task_id: { value: 'a' }, resources: parseResources('cpus:2;mem:200') }
  const parts = ['a', 'b', 'c'].map(value => bench.task(first!, { ...part, task_id: { value } }))
  bench.accept(framework, [first!], [{ type: 'LAUNCH', launch: { task_infos: parts } }])
  for (const id of ['a', 'b', 'c']) {
    bench.update('l1', framework.id, id, 'TASK_FINISHED')
    bench.pass(1)
  }
  const three = offers()
  t.equal(three.length, 3)
  t.equal(operate(bench, reserveCall(...reserved('cpus:3', 'x'))), 202)
  t.equal(bench.events(framework.stream).filter(({ type }) => type === 'RESCIND').length, 2)
  t.equal(bench.heart.cluster.offers.size, 1)
  bench.forgetEffects()
  t.equal(operate(bench, reserveCall(...reserved('cpus:1', 'x'))), 202)
  t.same(bench.events(framework.stream), [], 'a cpu is free')
  t.ok(has(...reserved('cpus:4', 'x')))
})

t.test('what is in use can not be had, and costs no offer', async t => {
  const { bench, framework, offers, agent } = setUp()
  const [offer] = offers()
  bench.launch(framework, offer!, { resources: parseResources('cpus:3;mem:32') })
  bench.pass(1)
  bench.forgetEffects()
  const before = agent.total
  t.equal(operate(bench, reserveCall(...reserved('cpus:2', 'x'))), 409)
  t.same(bench.events(framework.stream), [])
  t.ok(agent.total.equals(before))
})

t.test('an agent is given no more kinds of resources than it can tell when it returns', async t => {
  const { bench, agent, accept } = setUp()
  const before = agent.total
  const labelled = (...bytes: number[]): Resource[] =>
    bytes.map((length, index) => {
      const [resource] = reserved('disk:1')
      const labels = { labels: [{ key: `l${index}`, value: 'x'.repeat(length) }] }
      return { ...resource!, reservations: resource!.reservations!.map(one => ({ ...one, labels })) }
    })
  t.equal(operate(bench, reserveCall(...labelled(300_000))), 409)
  accept(reserve(...labelled(150_000, 150_000)))
  t.ok(agent.total.equals(before), 'nor by a framework')
  t.equal(operate(bench, reserveCall(...labelled(150_000))), 202)
  t.match(bench.operate(reserveCall(...labelled(0, 150_000))), {
    status: 409,
    message: /resources would take \d+ bytes/,
  })
  t.equal(operate(bench, unreserveCall(...labelled(150_000))), 202)
  t.ok(agent.total.equals(before))
})

t.test('a shared volume is destroyed when nobody uses it, and goes out of all offers', async t => {
  const { bench, framework, agent, accept } = setUp()
  const shared = volume(100, 'v', { shared: {} })
  accept(reserve(...reserved('disk:100')))
  t.equal(operate(bench, createCall(shared)), 202)
  bench.pass(1)
  const [offer] = bench.offers(framework.stream).slice(-1)
  bench.launch(framework, offer!, { resources: [...parseResources('cpus:1;mem:32'), shared] })
  bench.pass(1)
  t.equal(operate(bench, destroyCall(shared)), 400, 'a task uses it')
  bench.update('l1', framework.id, 't', 'TASK_FINISHED')
  bench.framework({ roles: ['r'], capabilities })
  bench.pass(1)
  t.ok([...agent.offers].some(({ resources }) => !resources.shared().isEmpty))
  t.equal(operate(bench, destroyCall(shared)), 202)
  t.notOk([...agent.offers].some(({ resources }) => !resources.shared().isEmpty))
  t.ok(agent.total.contains(Resources.from(reserved('disk:100'))))
})

t.test('refused', async t => {
  const allocated = { ...reserved('cpus:1')[0]!, allocation_info: { role: 'r' } }
  for (const [name, call, status, principal] of [
    [
      'an unknown agent',
      { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id: { value: 'no' }, resources: reserved('cpus:1') } },
      400,
    ],
    ['no agent', { type: 'GROW_VOLUME', grow_volume: { volume: volume(100), addition: reserved('disk:1')[0]! } }, 400],
    ['allocated resources', reserveCall(allocated), 400],
    [
      'an allocated source',
      {
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id, resources: reserved('cpus:1'), source: [allocated] },
      },
      400,
    ],
    ['nothing', reserveCall(), 400],
    ['resources without a reservation', reserveCall(...parseResources('cpus:1')), 400],
    ['a reservation for everybody', reserveCall(...reserved('cpus:1', '*')), 400],
    ['a reservation without the principal of the operator', reserveCall(...reserved('cpus:1')), 400, 'ops'],
    ['an unknown volume', destroyCall(volume(100)), 400],
    ['a volume without a reservation', createCall({ ...volume(100), reservations: [] }), 400],
    ['more than there is', reserveCall(...reserved('cpus:5')), 409],
    ['what is not reserved', unreserveCall(...reserved('cpus:1')), 409],
    ['a volume on what is not reserved', createCall(volume(100)), 409],
  ] as [string, MasterCall, number, string?][]) {
    const { bench, agent } = setUp()
    const before = agent.total
    t.equal(operate(bench, call, principal), status, name)
    t.ok(agent.total.equals(before))
    t.equal(agent.offers.size, 1, 'no offer is lost')
    t.equal(bench.tables.operations.size, 0)
  }
  const { bench } = setUp()
  t.equal(operate(bench, reserveCall(...reserved('cpus:1', 'x', 'ops')), 'ops'), 202, 'with the principal')
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  t.equal(operate(bench, reserveCall(...reserved('cpus:1'))), 409, 'an agent that is away')
})

t.test('a call does what its type says, whatever else it holds', async t => {
  const { bench, has } = setUp()
  bench.operate(reserveCall(...reserved('disk:200')))
  const both: MasterCall = { ...createCall(volume(100)), ...reserveCall(...reserved('cpus:1')), type: 'CREATE_VOLUMES' }
  t.equal(operate(bench, both), 202)
  t.ok(has(volume(100)))
  t.notOk(has(...reserved('cpus:1')))
})
