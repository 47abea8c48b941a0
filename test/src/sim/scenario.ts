import { createMemoryCoordination, noFaults as noStoreFaults } from '@meseta/common/coordination/memory'
import { createSimulatedNetwork, noFaults as noBusFaults } from '@meseta/common/messaging/simulated-bus'
import { isTerminal } from '@meseta/common/protocol/task-state'
import type { Resources } from '@meseta/common/resources/resources'
import { type RunResult, Simulation } from '@meseta/common/sim/simulation'
import { type Sabotage, ScriptedFramework } from './framework.ts'
import { SimulatedHost } from './machines.ts'
import { forgettingEpochs, SimulatedMasters } from './masters.ts'

export interface Shape {
  readonly agents: number
  /** Tasks of each of the two frameworks at a time. */
  readonly tasks: number
  /** Milliseconds of simulated time: of the troubles, and of the peace after which all must agree. */
  readonly troubled: number
  readonly peaceful: number
  /** How many things go wrong, beside what goes wrong all the time. */
  readonly troubles: number
  /** How often the store fails, at its worst: of all it is asked. A registration of each agent is written. */
  readonly storeFailures: number
}

/** Few agents, where each trouble meets all that others left: the one that finds most. */
export const dense: Shape = {
  agents: 3,
  tasks: 5,
  troubled: 240_000,
  peaceful: 180_000,
  troubles: 20,
  storeFailures: 0.05,
}

/** Many agents, where much happens at once. */
export const wide: Shape = {
  agents: 100,
  tasks: 100,
  troubled: 40_000,
  peaceful: 80_000,
  troubles: 20,
  storeFailures: 0.002,
}

/** What happened in a run, for those who want to know that the troubles were troubles. */
export interface Tally {
  launched: number
  ended: number
  troubles: Record<string, number>
}

/**
 * A whole cluster from one seed: the real master and the real agents, with two frameworks, over a network that loses, repeats
 * and reorders, and a store that fails. For some minutes processes die, machines lose their power, connections break and
 * masters are deposed without knowing; then all is well, and what frameworks, master and machines know must be the same.
 */
export async function runCluster(
  seed: number,
  { shape = dense, sabotage = {}, tally }: { shape?: Shape; sabotage?: Sabotage; tally?: Tally } = {},
): Promise<RunResult> {
  const { troubled, peaceful } = shape
  const simulation = new Simulation({ seed })
  const world = simulation.process('world')
  const failed = (error: unknown) => simulation.fail(`a listener failed: ${String(error)}`, error)
  const network = createSimulatedNetwork({ clock: world.clock(), random: world.random().fork('bus'), failed })
  const servers = createMemoryCoordination({ clock: world.clock(), random: world.random().fork('store'), failed })
  const masters = new SimulatedMasters(simulation, network, servers, store =>
    sabotage.forgetsEpochs ? forgettingEpochs(store) : store,
  )
  const hosts = Array.from({ length: shape.agents }, (_, index) => new SimulatedHost(simulation, network, index + 1))
  const frameworks = ['red', 'blue'].map(
    name => new ScriptedFramework({ simulation, name, leader: () => masters.leader, sabotage, most: shape.tasks }),
  )

  // What is allocated is a value that never changes: what was once found to be little enough need not be looked at again.
  const allowed = new WeakMap<object, Resources>()
  simulation.invariant('no resource is given twice', () => {
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
  })

  simulation.schedule('world', 0, 'start', () => {
    masters.elect()
    for (const host of hosts) host.start()
    for (const framework of frameworks) framework.start()
  })
  makeTrouble(shape, { simulation, network, servers, masters, hosts, frameworks, tally })
  simulation.schedule('world', troubled, 'peace', () => {
    network.faults = noBusFaults
    servers.faults = noStoreFaults
    masters.heal()
    masters.electIfNone()
    for (const host of hosts) {
      host.startIfDown()
      host.bus?.heal()
    }
    for (const framework of frameworks) {
      framework.busy = false
      if (!framework.process.alive) framework.restart()
    }
  })
  simulation.schedule('world', troubled + peaceful, 'all agree', () => {
    const difference = findDifference(masters, hosts, frameworks)
    if (difference) simulation.fail(difference)
  })
  const result = await simulation.run({ until: troubled + peaceful + 1 })
  if (tally) {
    const tasks = frameworks.flatMap(framework => [...framework.tasks.values()])
    tally.launched += tasks.length
    tally.ended += tasks.filter(({ state }) => isTerminal(state)).length
  }
  return result
}

interface World {
  readonly simulation: Simulation
  readonly network: ReturnType<typeof createSimulatedNetwork>
  readonly servers: ReturnType<typeof createMemoryCoordination>
  readonly masters: SimulatedMasters
  readonly hosts: readonly SimulatedHost[]
  readonly frameworks: readonly ScriptedFramework[]
  readonly tally?: Tally | undefined
}

/** Draws what goes wrong all the time, and events of the kinds below, at random times. */
function makeTrouble(shape: Shape, { simulation, network, servers, masters, hosts, frameworks, tally }: World): void {
  const random = simulation.random.fork('trouble')
  network.faults = {
    loss: random.pick([0, 0.01, 0.1]),
    duplication: random.pick([0, 0.05]),
    reordering: random.pick([0, 0.05]),
    delay: [1, random.pick([2, 30, 200])],
  }
  servers.faults = {
    delay: [0, random.pick([1, 50])],
    watchDelay: [0, 0],
    unavailableBefore: random.pick([0, shape.storeFailures]),
    unavailableAfter: random.pick([0, shape.storeFailures]),
    staleRead: 0,
  }
  const later = (delay: number, what: string, action: () => void) => simulation.schedule('world', delay, what, action)
  const kinds: Record<string, () => void> = {
    'the master dies': () => {
      masters.crash()
      later(random.between(100, 8_000), 'an election', () => masters.electIfNone())
    },
    'the master is deposed and does not know': () => {
      masters.elect()
      later(random.between(500, 30_000), 'the old master hears the bus', () => masters.heal())
    },
    'an agent dies': () => {
      const host = random.pick(hosts)
      host.crash()
      later(random.between(100, 20_000), `${host.name} is started again`, () => host.startIfDown())
    },
    'an agent is away for long': () => {
      const host = random.pick(hosts)
      host.crash()
      later(random.between(80_000, 140_000), `${host.name} is started again`, () => host.startIfDown())
    },
    'a machine loses its power': () => {
      const host = random.pick(hosts)
      host.losePower()
      later(random.between(1_000, 30_000), `${host.name} is started again`, () => host.startIfDown())
    },
    'an agent is cut off': () => {
      const { bus } = random.pick(hosts)
      bus?.partition()
      later(random.between(500, 120_000), 'an agent hears the bus', () => bus?.heal())
    },
    'a framework dies': () => {
      const framework = random.pick(frameworks)
      if (!framework.process.alive) return
      framework.crash()
      later(random.between(100, 15_000), `${framework.name} is started again`, () => framework.restart())
    },
    'a connection breaks': () => random.pick(frameworks).break(),
  }
  const names = Object.keys(kinds)
  for (let number = 0; number < shape.troubles; number++) {
    const kind = random.pick(names)
    if (tally) tally.troubles[kind] = (tally.troubles[kind] ?? 0) + 1
    later(random.between(5_000, shape.troubled), kind, kinds[kind]!)
  }
}

/** Where frameworks, master and machines do not agree; undefined when they do, and nothing is left of what has ended. */
function findDifference(
  masters: SimulatedMasters,
  hosts: readonly SimulatedHost[],
  frameworks: readonly ScriptedFramework[],
): string | undefined {
  if (masters.leading.length !== 1) return `${masters.leading.length} masters lead`
  const { cluster } = masters.leader!.heart
  const ids = new Set(hosts.map(({ agent }) => agent!.heart.core.agentId))
  for (const framework of frameworks) {
    // An agent whose registration was answered by a master that died has taken another id: nobody will ever answer for the first.
    const live = framework.live.filter(({ state, agent }) => ids.has(agent) || state !== 'TASK_UNREACHABLE')
    const known = live.map(({ id, state }) => `${id} ${state}`)
    const led = [...cluster.tasks.ofFramework(framework.id!)].map(({ id, state }) => `${id} ${state}`)
    if (!same(known, led)) return `${framework.name} knows [${known}], the master [${led}]`
    const strange = live.find(({ state }) => state !== 'TASK_RUNNING')
    if (strange) return `${strange.id} is ${strange.state} for ever`
  }
  for (const host of hosts) {
    const { agentId, tasks } = host.agent!.heart.core
    const expected = frameworks.flatMap(({ live }) => live.filter(({ agent }) => agent === agentId))
    const there = [...tasks.values()].map(({ info }) => info.task_id.value)
    const ids = expected.map(({ id }) => id)
    if (!same(ids, there)) return `${host.name} knows [${there}], the frameworks of it [${ids}]`
    if (host.machine.containers.size !== ids.length || host.running !== ids.length)
      return `${host.name} has ${host.machine.containers.size} containers, ${host.running} of them run, for [${ids}]`
  }
  return undefined
}

const same = (one: readonly string[], other: readonly string[]) => `${[...one].sort()}` === `${[...other].sort()}`
