import t from 'tap'
import type { RegisteredAgent, Settings } from '../src/state/commands.ts'
import { noSettings } from '../src/state/commands.ts'
import { HeartBench } from './support/heart-bench.ts'

// A new leader with quotas waits for the agents before it offers anything (Mesos contract 5.4).

const agents: RegisteredAgent[] = ['S0', 'S1', 'S2', 'S3', 'S4'].map(id => ({
  id,
  entry: { state: 'admitted', info: { hostname: id, id: { value: id } } },
}))
const withQuota: Settings = { ...noSettings, quotas: [{ role: 'r', limits: { cpus: { value: 100 } } }] }

/** A new leader to which so many agents return, and the offers that a framework has then. */
function afterReturnOf(count: number, settings: Settings, config = {}) {
  const bench = new HeartBench(config, agents, settings)
  const framework = bench.framework({ role: 'r' })
  for (const { id } of agents.slice(0, count)) bench.reregister(`link-${id}`, id)
  bench.pass(3)
  return { bench, offers: () => bench.offers(framework.stream).length }
}

t.test('nothing is offered before four of five are back', async t => {
  t.equal(afterReturnOf(3, withQuota).offers(), 0)
  t.equal(afterReturnOf(4, withQuota).offers(), 4)
  t.equal(afterReturnOf(1, withQuota, { allocatorAgentRecoveryFactor: 0.2 }).offers(), 1)
})

t.test('without quotas nobody waits', async t => {
  t.equal(afterReturnOf(1, noSettings).offers(), 1)
})

t.test('it waits ten minutes at most', async t => {
  const { bench, offers } = afterReturnOf(1, withQuota)
  bench.pass(590, ['link-S0'])
  t.equal(offers(), 0)
  bench.pass(10, ['link-S0'])
  t.equal(offers(), 1)
})
