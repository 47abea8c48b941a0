import type { MasterCall } from '@meseta/common/protocol/mesos'
import fc from 'fast-check'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

// Whatever operators do, in whatever order, with writes that take their time, and agents that come and go: what was answered with 200 is
// known to a leader that begins at any moment, and it acts by it.

const agents = 3
const link = (index: number) => `l${index}`
const machine = (index: number) => ({ hostname: `h${index}`, ip: `10.0.0.${index}` })

type Step =
  | { readonly do: 'operate'; readonly call: (ids: readonly string[]) => MasterCall; readonly text: string }
  | { readonly do: 'hold' }
  | { readonly do: 'write'; readonly count: number }
  | { readonly do: 'pass'; readonly seconds: number; readonly silent: readonly boolean[] }
  | { readonly do: 'away'; readonly index: number }
  | { readonly do: 'back'; readonly index: number }

const index = fc.nat(agents - 1)
const role = fc.constantFrom('a', 'b', 'c')
const onAgent = (build: (value: string) => MasterCall) =>
  index.map((at): Step => ({ do: 'operate', call: ids => build(ids[at]!), text: JSON.stringify(build(String(at))) }))
const fixed = (call: MasterCall): Step => ({ do: 'operate', call: () => call, text: JSON.stringify(call) })

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ role, weight: fc.integer({ min: 0, max: 5 }) })
    .map(info => fixed({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [info] } })),
  fc.record({ role, limit: fc.integer({ min: 0, max: 9 }), force: fc.boolean() }).map(({ role, limit, force }) =>
    fixed({
      type: 'UPDATE_QUOTA',
      update_quota: { force, quota_configs: [{ role, limits: { cpus: { value: limit } } }] },
    }),
  ),
  onAgent(value => ({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value } } })),
  onAgent(value => ({ type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id: { value } } })),
  onAgent(value => ({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value } } })),
  onAgent(value => ({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value }, mark_gone: true } })),
  onAgent(value => ({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value } } })),
  fc.uniqueArray(index).map(scheduled =>
    fixed({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: {
        schedule: {
          windows: scheduled.map(at => ({
            machine_ids: [machine(at)],
            unavailability: { start: { nanoseconds: at + 1 } },
          })),
        },
      },
    }),
  ),
  index.map(at => fixed({ type: 'START_MAINTENANCE', start_maintenance: { machines: [machine(at)] } })),
  index.map(at => fixed({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [machine(at)] } })),
  fc.constant<Step>({ do: 'hold' }),
  fc.integer({ min: 1, max: 4 }).map((count): Step => ({ do: 'write', count })),
  fc
    .record({ seconds: fc.constantFrom(1, 5, 80), silent: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) })
    .map(({ seconds, silent }): Step => ({ do: 'pass', seconds, silent })),
  index.map((at): Step => ({ do: 'away', index: at })),
  index.map((at): Step => ({ do: 'back', index: at })),
)

class World {
  readonly bench = new HeartBench()
  readonly ids: string[] = []
  /** What was answered with 200, by the number of its answer. */
  readonly promised: MasterCall[] = []
  readonly #calls = new Map<number, MasterCall>()
  #seen = 0

  constructor() {
    for (let at = 0; at < agents; at++)
      this.ids.push(this.bench.agent(link(at), { hostname: `h${at}`, pid: `slave(1)@10.0.0.${at}:5051` }))
    const framework = this.bench.framework({ capabilities: [{ type: 'PARTITION_AWARE' }], role: 'a' })
    this.bench.launch(framework, this.bench.offers(framework.stream)[0]!, {})
    this.bench.pass(1, [link(0), link(1), link(2)])
  }

  run(step: Step): void {
    const { bench } = this
    if (step.do === 'operate') {
      const call = step.call(this.ids)
      this.#calls.set(bench.requests + 1, call)
      bench.operate(call)
    } else if (step.do === 'hold') bench.holdsWrites = true
    else if (step.do === 'write') {
      bench.writeRegistry(step.count)
      // Those of one thing are done one after the other.
      bench.holdsWrites = bench.heldWrites > 0
    } else if (step.do === 'pass')
      bench.pass(
        step.seconds,
        [link(0), link(1), link(2)].filter((_, at) => !step.silent[at]),
      )
    else if (step.do === 'away') bench.do({ type: 'LINK_ENDED', link: link(step.index), restarted: false })
    else this.#back(bench, step.index, this.ids[step.index]!)
    for (const effect of bench.effects.slice(this.#seen))
      if (effect.type === 'REPLY' && effect.status === 200) {
        const call = this.#calls.get(effect.request)
        if (call) this.promised.push(call)
      }
    this.#seen = bench.effects.length
  }

  #back(bench: HeartBench, at: number, id: string): void {
    const base = bench.registration({ hostname: `h${at}`, pid: `slave(1)@10.0.0.${at}:5051` })
    bench.do({ type: 'LINK_OPENED', link: link(at), agentId: id })
    bench.fromAgent(link(at), { reregister: { ...base, agent_info: { ...base.agent_info, id: { value: id } } } })
  }

  /** Begins a new leader, to which all agents return. */
  successor(): HeartBench {
    const next = this.bench.successor()
    next.framework({ role: 'a' })
    for (const [at, id] of this.ids.entries()) this.#back(next, at, id)
    return next
  }
}

/** The last promise that an operator was given of each thing. */
function check(world: World): void {
  const next = world.successor()
  const { cluster } = next.heart
  const has = (id: string) => cluster.agents.has(id)
  const last = new Map<string, MasterCall>()
  for (const call of world.promised) {
    // Agents of a machine that goes down are removed, with what was said of them.
    for (const { hostname } of call.start_maintenance?.machines ?? []) {
      const id = world.ids[Number(hostname!.slice(1))]!
      if (last.get(id)?.type !== 'MARK_AGENT_GONE') last.delete(id)
    }
    const agent =
      call.drain_agent?.agent_id ??
      call.deactivate_agent?.agent_id ??
      call.reactivate_agent?.agent_id ??
      call.mark_agent_gone?.agent_id
    if (agent) {
      if (last.get(agent.value)?.type !== 'MARK_AGENT_GONE' && !isKept(last.get(agent.value), call))
        last.set(agent.value, call)
    } else if (call.update_weights) last.set(`weight ${call.update_weights.weight_infos![0]!.role}`, call)
    else if (call.update_quota) last.set(`quota ${call.update_quota.quota_configs![0]!.role}`, call)
  }
  for (const [key, call] of last) {
    const agent = cluster.agents.get(key)
    const orders = cluster.orders.get(key)
    const settings = next.tables.settings
    if (call.type === 'MARK_AGENT_GONE') fail(has(key) || !cluster.gone.has(key), 'an agent that is gone is back')
    if (call.type === 'DEACTIVATE_AGENT' && agent)
      fail(!orders?.deactivated || agent.offers.size > 0, 'a deactivated agent is offered')
    if (call.type === 'REACTIVATE_AGENT' && agent) fail(orders?.deactivated === true, 'a reactivated agent is not')
    if (call.type === 'DRAIN_AGENT' && agent) {
      fail(orders?.drain === undefined || agent.offers.size > 0, 'a draining agent is offered')
      const isTold = next.sent(agent.link).some(message => message.drain)
      fail(isTold !== (orders!.drain!.state === 'DRAINING'), 'a draining agent is not told, or a drained one is')
    }
    if (call.update_weights) {
      const [{ role, weight }] = call.update_weights.weight_infos! as [{ role: string; weight: number }]
      fail(settings.weights.find(info => info.role === role)?.weight !== weight, 'a weight is lost')
    }
    if (call.update_quota) {
      const [quota] = call.update_quota.quota_configs!
      const found = settings.quotas.find(config => config.role === quota!.role)
      fail(found?.limits?.cpus?.value !== quota!.limits!.cpus!.value, 'a quota is lost')
    }
  }
  for (const { id, mode } of next.tables.settings.maintenance.machines)
    for (const agent of cluster.agents.values())
      fail(mode === 'DOWN' && agent.info.hostname === id.hostname, 'an agent is on a machine that is down')
  fail(
    JSON.stringify(world.bench.settings) !== JSON.stringify(world.bench.heart.cluster.settings),
    'what counts is not what is stored',
  )
}

/** Deactivating an agent that drains changes nothing of that. */
const isKept = (before: MasterCall | undefined, call: MasterCall): boolean =>
  before?.type === 'DRAIN_AGENT' && call.type === 'DEACTIVATE_AGENT'

function fail(isWrong: boolean, message: string): void {
  if (isWrong) throw new Error(message)
}

t.test('what operators were promised is known to a leader that begins at any moment', async t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), steps => {
      const world = new World()
      for (const one of steps) {
        world.run(one)
        check(world)
      }
    }),
    { numRuns: 250 },
  )
  t.pass()
})
