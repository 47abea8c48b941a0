import type { MachineID, MaintenanceSchedule, MaintenanceWindow } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { maintenanceStatus } from '../src/replica/settings-shapes.ts'
import { HeartBench } from './support/heart-bench.ts'

const times = (start: number, duration?: number) => ({
  start: { nanoseconds: start },
  ...(duration === undefined ? {} : { duration: { nanoseconds: duration } }),
})
const window = (machine_ids: MachineID[], unavailability = times(5e18, 3600e9)): MaintenanceWindow => ({
  machine_ids,
  unavailability,
})
const schedule = (...windows: MaintenanceWindow[]) =>
  ({ type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: { windows } } }) as const
const start = (...machines: MachineID[]) => ({ type: 'START_MAINTENANCE', start_maintenance: { machines } }) as const
const stop = (...machines: MachineID[]) => ({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines } }) as const

const one = { hostname: 'one', ip: '10.0.0.1' }
const two = { hostname: 'two', ip: '10.0.0.2' }

/** Two machines with an agent each; a framework has a task on the first. */
function cluster() {
  const bench = new HeartBench()
  const first = bench.agent('l1', { hostname: 'one', pid: 'slave(1)@10.0.0.1:5051' })
  const framework = bench.framework()
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING')
  const second = bench.agent('l2', { hostname: 'two', pid: 'slave(1)@10.0.0.2:5051' })
  bench.pass(1, ['l1', 'l2'])
  bench.forgetEffects()
  return { bench, first, second, framework }
}

const inverse = (bench: HeartBench, stream: string) =>
  bench.events(stream).flatMap(({ inverse_offers: event }) => event?.inverse_offers ?? [])

t.test('a schedule: durable first; then offers say when, and who has tasks there is asked', async t => {
  const { bench, first, framework } = cluster()
  bench.holdsWrites = true
  t.equal(bench.operate(schedule(window([one]))), undefined)
  t.same(bench.events(framework.stream), [])
  bench.writeRegistry()
  bench.holdsWrites = false
  t.match(bench.answered(), { status: 200 })
  const events = bench.events(framework.stream)
  t.equal(events.filter(({ type }) => type === 'RESCIND').length, 1, 'only what is offered of that machine')
  t.match(
    bench.offers(framework.stream).map(({ agent_id, unavailability }) => [agent_id.value, unavailability]),
    [[first, times(5e18, 3600e9)]],
  )
  t.match(inverse(bench, framework.stream), [
    {
      framework_id: { value: framework.id },
      agent_id: { value: first },
      unavailability: times(5e18, 3600e9),
      url: { address: { ip: '10.0.0.1' } },
    },
  ])
  t.equal(bench.tables.frameworks.get(framework.id)!.inverseOffers.size, 1)
  t.match(maintenanceStatus(bench.tables), { draining_machines: [{ id: one, statuses: [] }], down_machines: [] })

  t.test('the same schedule again changes nothing', async t => {
    bench.forgetEffects()
    t.match(bench.operate(schedule(window([one]))), { status: 200 })
    t.same(bench.events(framework.stream), [])
  })
  t.test('one that is known by its name or its address alone', async t => {
    for (const id of [{ hostname: 'ONE' }, { ip: '10.0.0.1' }]) {
      bench.forgetEffects()
      t.match(bench.operate(schedule(window([id], times(6e18)))), { status: 200 })
      t.match(bench.offers(framework.stream).at(-1), { unavailability: times(6e18) })
      bench.operate(schedule())
    }
  })
  t.test('an empty one: offers are as before', async t => {
    bench.operate(schedule(window([one])))
    bench.forgetEffects()
    t.match(bench.operate(schedule()), { status: 200 })
    t.match(bench.events(framework.stream), [
      { type: 'RESCIND' },
      { type: 'RESCIND_INVERSE_OFFER' },
      { type: 'OFFERS' },
    ])
    t.notOk(bench.offers(framework.stream)[0]!.unavailability)
    t.equal(bench.tables.frameworks.get(framework.id)!.inverseOffers.size, 0)
    t.match(maintenanceStatus(bench.tables), { draining_machines: [], down_machines: [] })
  })
  t.test('an agent that registers on a scheduled machine, and a new leader', async t => {
    bench.operate(schedule(window([one])))
    const next = bench.successor()
    const again = next.framework()
    next.agent('l9', { hostname: 'one', pid: 'slave(1)@10.0.0.1:5051' })
    t.match(next.offers(again.stream), [{ unavailability: times(5e18, 3600e9) }])
    t.match(maintenanceStatus(next.tables), { draining_machines: [{ id: one }] })
  })
})

t.test('inverse offers are answered, noted, and made again when the filter is over', async t => {
  const { bench, framework } = cluster()
  bench.operate(schedule(window([one])))
  const answer = (type: 'ACCEPT' | 'DECLINE', seconds?: number) => {
    const inverse_offer_ids = inverse(bench, framework.stream).map(({ id }) => id)
    const body = { inverse_offer_ids, ...(seconds === undefined ? {} : { filters: { refuse_seconds: seconds } }) }
    bench.forgetEffects()
    return bench.call(
      framework,
      type === 'ACCEPT'
        ? { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: body }
        : { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: body },
    )
  }
  const statuses = () => maintenanceStatus(bench.tables).draining_machines!.flatMap(machine => machine.statuses ?? [])
  bench.pass(5, ['l1', 'l2'])
  t.equal(inverse(bench, framework.stream).length, 1, 'it is asked once')
  t.equal(answer('DECLINE', 10), 202)
  t.match(statuses(), [
    {
      status: 'DECLINE',
      framework_id: { value: framework.id },
      timestamp: { nanoseconds: (1.7e12 + bench.now) * 1e6 },
    },
  ])
  bench.pass(9, ['l1', 'l2'])
  t.same(inverse(bench, framework.stream), [])
  bench.pass(1, ['l1', 'l2'])
  t.equal(inverse(bench, framework.stream).length, 1, 'after the filter')
  t.match(statuses(), [{ status: 'DECLINE' }], 'what it said stands')
  t.equal(answer('ACCEPT'), 202)
  t.match(statuses(), [{ status: 'ACCEPT' }])
  bench.pass(4, ['l1', 'l2'])
  t.same(inverse(bench, framework.stream), [])
  bench.pass(1, ['l1', 'l2'])
  t.equal(inverse(bench, framework.stream).length, 1, 'five seconds unless it says otherwise')

  t.test('ids of another framework are passed over', async t => {
    const other = bench.framework()
    const inverse_offer_ids = inverse(bench, framework.stream).map(({ id }) => id)
    bench.call(other, { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids } })
    t.equal(bench.heart.cluster.inverseOffers.size, 1)
    t.equal(statuses().length, 1)
  })
  t.test('other times are asked about anew', async t => {
    bench.forgetEffects()
    bench.operate(schedule(window([one], times(7e18))))
    t.same(statuses(), [])
    t.match(inverse(bench, framework.stream), [{ unavailability: times(7e18) }])
  })
  t.test('a framework that returns is asked again', async t => {
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    t.equal(bench.heart.cluster.inverseOffers.size, 0)
    const again = bench.framework({ id: { value: framework.id } })
    bench.pass(1, ['l1', 'l2'])
    t.equal(inverse(bench, again.stream).length, 1)
    bench.call(again, { type: 'TEARDOWN' })
    t.equal(bench.heart.cluster.inverseOffers.size, 0)
    t.same(statuses(), [])
  })
})

t.test('an inverse offer is taken back when its agent is away', async t => {
  const { bench, framework } = cluster()
  bench.operate(schedule(window([one])))
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  t.equal(bench.events(framework.stream).at(-1)!.type, 'RESCIND_INVERSE_OFFER')
  bench.pass(2, ['l2'])
  t.equal(bench.heart.cluster.inverseOffers.size, 0)
})

t.test('a machine goes down: its agents are removed, and refused until it is up', async t => {
  const { bench, first, second, framework } = cluster()
  bench.operate(schedule(window([one]), window([two], times(1))))
  t.match(bench.operate({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: first } } }), {
    status: 400,
    message: /maintenance schedule/,
  })
  bench.forgetEffects()
  bench.holdsWrites = true
  t.equal(bench.operate(start(one)), undefined)
  t.same(bench.sent('l1'), [])
  bench.writeRegistry()
  t.match(bench.answered(), { status: 200 })
  t.match(bench.sent('l1'), [{ shutdown: { message: /DOWN/ } }])
  bench.writeRegistry()
  bench.holdsWrites = false
  t.notOk(bench.registry.has(first))
  t.notOk(bench.tables.agents.has(first))
  t.ok(bench.tables.agents.has(second))
  t.match(bench.updates(framework.stream), [{ state: 'TASK_LOST', reason: 'REASON_AGENT_REMOVED', message: /DOWN/ }])
  t.match(maintenanceStatus(bench.tables), { draining_machines: [{ id: two }], down_machines: [one] })
  t.match(bench.operate(start(one)), { status: 400, message: /is DOWN/ })
  t.match(bench.operate(schedule(window([two]))), { status: 400, message: /DOWN/ }, 'it must stay in the schedule')
  const comesBack = (leader: HeartBench) => {
    leader.forgetEffects()
    leader.agent('l3', { hostname: 'one', pid: 'slave(1)@10.0.0.1:5051' })
    return leader.sent('l3')
  }
  for (const leader of [bench, bench.successor()]) t.match(comesBack(leader), [{ shutdown: { message: /DOWN/ } }])

  t.match(bench.operate(stop(two)), { status: 400 }, 'it is not down')
  t.match(bench.operate(stop(one)), { status: 200 })
  t.match(bench.settings.maintenance, {
    schedule: { windows: [{ machine_ids: [two] }] },
    machines: [{ id: two, mode: 'DRAINING' }],
  })
  t.match(comesBack(bench), [{ registered: {} }])
})

t.test('an agent that registers while its machine goes down is refused', async t => {
  const bench = new HeartBench()
  bench.operate(schedule(window([one])))
  bench.holdsWrites = true
  bench.agent('l1', { hostname: 'one', pid: 'slave(1)@10.0.0.1:5051' })
  bench.operate(start(one))
  // The schedule is written before the agent is.
  const ops = bench.effects.flatMap(effect => (effect.type === 'PERSIST' ? effect.op : []))
  bench.do({ type: 'PERSISTED', op: ops.at(-1)! })
  bench.do({ type: 'PERSISTED', op: ops.at(-2)! })
  t.match(bench.sent('l1'), [{ shutdown: { message: /DOWN/ } }])
  t.equal(bench.heart.cluster.agents.size, 0)
  t.equal(bench.heart.cluster.entries.size, 0)
})

t.test('agents that a leader did not get to remove go with the next one, when they want to come back', async t => {
  const { bench, first } = cluster()
  bench.operate(schedule(window([one])))
  bench.holdsWrites = true
  bench.operate(start(one))
  bench.writeRegistry(1)
  t.ok(bench.registry.has(first), 'the machine is down, and the agent still in the registry')
  const next = bench.successor()
  const framework = next.framework()
  const { agent_info, ...rest } = next.registration({ hostname: 'one', pid: 'slave(1)@10.0.0.1:5051' })
  next.do({ type: 'LINK_OPENED', link: 'l1', agentId: first })
  next.fromAgent('l1', { reregister: { ...rest, agent_info: { ...agent_info, id: { value: first } } } })
  t.match(next.sent('l1'), [{ shutdown: { message: /DOWN/ } }])
  t.notOk(next.registry.has(first))
  t.notOk(next.tables.recoveredAgents.has(first))
  t.match(next.events(framework.stream).at(-1), { failure: { agent_id: { value: first } } })
})

t.test('what is refused', async t => {
  const bench = new HeartBench()
  const refused: [string, MaintenanceSchedule][] = [
    ['an empty window', { windows: [window([])] }],
    ['a machine twice', { windows: [window([one, one])] }],
    ['a machine in two windows', { windows: [window([one]), window([{ ...one, hostname: 'ONE' }])] }],
    ['a machine without a name', { windows: [window([{}])] }],
    ['an address that is none', { windows: [window([{ ip: '10.0.0' }])] }],
    ['a negative duration', { windows: [window([one], times(1, -1))] }],
  ]
  for (const [name, given] of refused)
    t.match(
      bench.operate({ type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: given } }),
      { status: 400 },
      name,
    )
  for (const call of [start(), start(one), start({}), stop(), stop(one), stop({ ip: 'x' })])
    t.match(bench.operate(call), { status: 400 }, JSON.stringify(call))
  const many = Array.from({ length: 9_000 }, (_, index) => ({ hostname: `machine-${index}.example.org` }))
  t.match(bench.operate(schedule(window(many))), { status: 400, message: /bytes/ }, 'more than a record takes')
  t.same(bench.settings.maintenance, { schedule: {}, machines: [] })
})
