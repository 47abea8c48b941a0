import { parseFlags } from '@meseta/common/service/parse-flags'
import t from 'tap'
import { heartConfig, masterFlags } from '../src/flags.ts'
import { HeartBench } from './support/heart-bench.ts'

const limited = { agentRemovalInterval: 600_000 }

/** So many agents, of which the last one is heard all the time. */
function withAgents(count: number): { bench: HeartBench; ids: string[]; heard: string[] } {
  const bench = new HeartBench(limited)
  const ids = [...Array(count).keys()].map(index => bench.agent(`l${index}`, { pid: `slave(1)@10.0.0.${index}:1` }))
  return { bench, ids, heard: [`l${count - 1}`] }
}

const counter = (bench: HeartBench, name: string) => bench.heart.cluster.tally.counts.get(`master/${name}`)

t.test('silent agents become unreachable one by one, with a permit each', async t => {
  const { bench, heard } = withAgents(5)
  bench.pass(80, heard)
  t.equal(bench.tables.unreachableAgents.size, 1)
  t.equal(counter(bench, 'slave_unreachable_scheduled'), 4)
  bench.pass(590, heard)
  t.equal(bench.tables.unreachableAgents.size, 1)
  bench.pass(10, heard)
  t.equal(bench.tables.unreachableAgents.size, 2)
  t.equal(counter(bench, 'slave_unreachable_completed'), 2)

  t.test('and one that is heard meanwhile stays', async t => {
    const [waiting] = bench.heart.cluster.removals
    const { link } = bench.heart.cluster.agents.get(waiting!)!
    bench.do({ type: 'HEARD', link })
    t.equal(counter(bench, 'slave_unreachable_canceled'), 1)
    bench.pass(600, [...heard, link])
    bench.pass(600, [...heard, link])
    t.equal(bench.tables.unreachableAgents.size, 3)
    t.ok(bench.heart.cluster.agents.has(waiting!))
    t.equal(counter(bench, 'slave_unreachable_scheduled'), 4)
  })
})

t.test('nobody loses an agent to what this master did not hear', async t => {
  const { bench, heard } = withAgents(4)
  bench.pass(80, heard)
  t.equal(bench.heart.cluster.removals.size, 2)
  bench.hearsItself = false
  bench.pass(1_000)
  bench.hearsItself = true
  bench.pass(74, heard)
  t.equal(bench.tables.unreachableAgents.size, 1)
  t.equal(counter(bench, 'slave_unreachable_canceled'), 2)
})

t.test('agents that are away, or have not come back to a new leader, wait for permits, too', async t => {
  const first = withAgents(3)
  for (const link of ['l0', 'l1']) first.bench.do({ type: 'LINK_ENDED', link, restarted: false })
  first.bench.pass(610, first.heard)
  t.equal(first.bench.tables.unreachableAgents.size, 1)
  const [away] = first.bench.heart.cluster.removals
  first.bench.reregister('l7', away!)
  t.equal(counter(first.bench, 'slave_unreachable_canceled'), 1)

  const { bench, ids } = withAgents(3)
  const next = bench.successor(limited)
  next.pass(601)
  t.equal(next.tables.unreachableAgents.size, 1)
  next.reregister('l8', ids[2]!)
  next.pass(1_800, ['l8'])
  t.equal(next.tables.unreachableAgents.size, 2)
})

t.test('the flag', async t => {
  const masterInfo = { id: 'M', ip: 0, port: 5050 }
  const read = (...argv: string[]) =>
    heartConfig(parseFlags(masterFlags, { argv, env: {} }), masterInfo).agentRemovalInterval
  t.equal(read(), undefined)
  t.equal(read('--agent-removal-rate-limit=1/10mins'), 600_000)
  t.equal(read('--agent_removal_rate_limit=20/1mins'), 3_000)
  for (const bad of ['1', '0/1mins', 'x/1mins', '1/soon'])
    t.throws(() => read(`--agent-removal-rate-limit=${bad}`), /agent-removal-rate-limit/, bad)
})

t.test('what an agent says of itself when it returns is known to the next leader', async t => {
  const bench = new HeartBench()
  const agentId = bench.agent('l1')
  bench.operate({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: agentId } } })
  bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
  const { agent_info, ...rest } = bench.registration({ resources: 'cpus:9;mem:64' })
  bench.do({ type: 'LINK_OPENED', link: 'l1', agentId })
  bench.fromAgent('l1', { reregister: { ...rest, agent_info: { ...agent_info, id: { value: agentId } } } })
  t.match(bench.registry.get(agentId), {
    entry: { state: 'admitted', deactivated: true, info: { resources: [{ name: 'cpus', scalar: { value: 9 } }, {}] } },
  })
  t.equal(bench.tables.agents.get(agentId)!.total.scalar('cpus'), 9)
})
