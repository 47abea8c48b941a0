import { createMemoryCoordination, noFaults as noStoreFaults } from '@meseta/common/coordination/memory'
import { noFaults as noBusFaults } from '@meseta/common/messaging/simulated-bus'
import { isTerminal } from '@meseta/common/protocol/task-state'
import type { Resources } from '@meseta/common/resources/resources'
import { type RunResult, Simulation } from '@meseta/common/sim/simulation'
import { findDifference } from './agreement.ts'
import { ScriptedFramework } from './framework.ts'
import { SimulatedHost } from './machines.ts'
import { SimulatedMasters } from './masters.ts'
import { CuttableNetwork } from './network.ts'
import { ScriptedOperator } from './operator.ts'
import type { Sabotage } from './sabotage.ts'
import { dense, type Shape } from './shapes.ts'
import { makeTrouble, type World } from './trouble.ts'
import { Witness } from './witness.ts'

/** What happened in some runs, for those who want to know that the troubles were troubles. */
export interface Tally {
  launched: number
  ended: number
  troubles: Record<string, number>
}

/**
 * A whole cluster from one seed: the real master and the real agents, with two frameworks, over a network that loses, repeats
 * and reorders, and a store that fails. For some time processes die, machines lose their power, connections break and masters
 * are deposed without knowing; then all is well, and what frameworks, master, registry and machines know must be the same.
 */
export async function runCluster(
  seed: number,
  { shape = dense, sabotage = {}, tally }: { shape?: Shape; sabotage?: Sabotage; tally?: Tally } = {},
): Promise<RunResult> {
  const { troubled, peaceful } = shape
  const simulation = new Simulation({ seed })
  const { world, witness } = createWorld(simulation, shape, sabotage)
  const { masters, hosts, frameworks } = world
  simulation.invariant('no resource is given twice', nothingGivenTwice(masters))
  simulation.schedule('world', 0, 'start', () => {
    masters.elect()
    for (const host of hosts) host.start()
    for (const framework of frameworks) framework.start()
    world.operator.start()
  })
  const troubles = makeTrouble(shape, world)
  simulation.schedule('world', troubled, 'peace', () => makePeace(world))
  simulation.schedule('world', troubled + peaceful, 'all agree', () => {
    const difference = findDifference(masters, hosts, frameworks) ?? witness.difference(masters.elected!)
    if (difference) simulation.fail(difference)
  })
  const result = await simulation.run({ until: troubled + peaceful + 1 })
  if (tally) count(tally, frameworks, troubles)
  return result
}

function createWorld(simulation: Simulation, shape: Shape, sabotage: Sabotage): { world: World; witness: Witness } {
  const { agentSilence, agentReregisterTimeout } = shape
  const clock = simulation.process('world').clock()
  const random = simulation.process('world').random()
  const failed = (error: unknown) => simulation.fail(`a listener failed: ${String(error)}`, error)
  const network = new CuttableNetwork(simulation, random.fork('bus'), failed)
  const servers = createMemoryCoordination({ clock, random: random.fork('store'), failed })
  const [fewest, most] = shape.agents
  const started = new Set<string>()
  const hosts = Array.from(
    { length: fewest + random.fork('size').int(most - fewest + 1) },
    (_, index) => new SimulatedHost(simulation, network, index + 1, started),
  )
  const witness = new Witness({
    simulation,
    config: shape,
    isElected: life => masters.isElected(life),
    isAlive: life => masters.isAlive(life),
    busAwaySince: () => network.awaySince,
  })
  const masters = new SimulatedMasters({
    simulation,
    network,
    servers,
    sabotage,
    config: { agentSilence, agentReregisterTimeout },
    probe: pid => hosts.some(host => host.answers && pid.endsWith(`@${host.endpoint}`)),
    witness: (...step) => witness.saw(...step),
  })
  const roles = ['red', 'blue']
  const operator = new ScriptedOperator({ simulation, leader: () => masters.leader, roles })
  const frameworks = roles.map(
    name =>
      new ScriptedFramework({
        simulation,
        name,
        leader: () => masters.leader,
        sabotage,
        most: shape.tasks,
        operates: shape.operations,
      }),
  )
  return { world: { simulation, network, servers, masters, hosts, frameworks, operator }, witness }
}

/** What is allocated is a value that never changes: what was once found to be little enough need not be looked at again. */
function nothingGivenTwice(masters: SimulatedMasters): () => string | undefined {
  const allowed = new WeakMap<object, Resources>()
  return () => {
    for (const master of masters.takeChanged()) {
      const { agents, allocator } = master.heart.cluster
      for (const agent of agents.values()) {
        const allocated = allocator.allocated(agent.id)
        if (allowed.get(allocated) === agent.total) continue
        if (!agent.total.contains(allocated)) return `of agent ${agent.id}, by epoch ${master.epoch}`
        allowed.set(allocated, agent.total)
      }
    }
    return undefined
  }
}

/** Everything that was broken is mended, and nothing new is begun. */
function makePeace({ network, servers, masters, hosts, frameworks, operator }: World): void {
  network.mend()
  network.faults = noBusFaults
  servers.faults = noStoreFaults
  masters.spare()
  masters.heal()
  masters.electIfNone()
  for (const host of hosts) {
    host.startIfDown()
    host.heal()
  }
  for (const framework of frameworks) {
    framework.busy = false
    framework.restartIfDown()
  }
  operator.ease()
}

function count(tally: Tally, frameworks: readonly ScriptedFramework[], troubles: Record<string, number>): void {
  const tasks = frameworks.flatMap(framework => [...framework.tasks.values()])
  tally.launched += tasks.length
  tally.ended += tasks.filter(({ state }) => isTerminal(state)).length
  for (const [kind, times] of Object.entries(troubles)) tally.troubles[kind] = (tally.troubles[kind] ?? 0) + times
}
