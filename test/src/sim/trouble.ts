import type { CoordinationFaults, MemoryCluster } from '@meseta/common/coordination/memory'
import type { SeededRandom } from '@meseta/common/sim/random'
import type { Simulation } from '@meseta/common/sim/simulation'
import type { Effect } from '@meseta/master/state/effects'
import type { ScriptedFramework } from './framework.ts'
import type { SimulatedHost } from './machines.ts'
import type { SimulatedMasters } from './masters.ts'
import type { CuttableNetwork } from './network.ts'
import type { ScriptedOperator } from './operator.ts'
import type { Shape } from './shapes.ts'

/** All that can break. */
export interface World {
  readonly simulation: Simulation
  readonly network: CuttableNetwork
  readonly servers: MemoryCluster
  readonly masters: SimulatedMasters
  readonly hosts: readonly SimulatedHost[]
  readonly frameworks: readonly ScriptedFramework[]
  readonly operator: ScriptedOperator
}

/** The effects beside which a master may die: all that the world sees of a decision. */
const seen: readonly Effect['type'][] = ['PERSIST', 'SEND', 'EVENT', 'REPLY', 'CHANGE', 'CLOSE_LINK', 'STREAM_OPENED']

/** Longer than a registry write may take. */
const storeAway = 25_000
const hour = 3_600_000

/** What goes wrong all the time, drawn once, and what goes wrong now and then, at random times. Answers how often which did. */
export function makeTrouble(shape: Shape, world: World): Record<string, number> {
  const { simulation, network, servers } = world
  const random = simulation.random.fork('trouble')
  network.faults = {
    loss: random.pick([0, 0.01, 0.1]),
    duplication: random.pick([0, 0.05]),
    reordering: random.pick([0, 0.05]),
    delay: [1, random.pick([2, 30, 200])],
  }
  const usual: CoordinationFaults = {
    delay: [0, random.pick([1, 50])],
    watchDelay: [0, 0],
    unavailableBefore: random.pick([0, shape.storeFailures]),
    unavailableAfter: random.pick([0, shape.storeFailures]),
    staleRead: 0,
  }
  servers.faults = usual
  const kinds = troublesOf(shape, world, usual, random)
  const names = Object.keys(kinds)
  const counts: Record<string, number> = {}
  for (let number = 0; number < shape.troubles; number++) {
    const kind = random.pick(names)
    counts[kind] = (counts[kind] ?? 0) + 1
    simulation.schedule('world', random.between(shape.troubled / 20, shape.troubled), kind, kinds[kind]!)
  }
  return counts
}

function troublesOf(
  { long, longestCut, troubled }: Shape,
  world: World,
  usual: CoordinationFaults,
  random: SeededRandom,
): Readonly<Record<string, () => void>> {
  const { simulation, network, servers, masters, hosts, frameworks } = world
  const later = (delay: number, what: string, action: () => void) => simulation.schedule('world', delay, what, action)
  return {
    'the master dies': () => {
      masters.crash()
      later(random.between(100, 8_000), 'an election', () => masters.electIfNone())
    },
    'the master dies between two effects': () =>
      masters.crashAt({ type: random.pick(seen), after: random.chance(0.5) }),
    'the master is deposed and does not know': () => {
      masters.elect({ fenced: random.chance(0.5) })
      later(random.between(500, 30_000), 'the old master hears the bus', () => masters.heal())
    },
    'the store is away': () => {
      const away = masters.lives.map(({ coordination }) => coordination)
      for (const session of away) session.suspend()
      later(random.between(100, storeAway), 'the store returns', () => {
        for (const session of away) session.resume()
      })
    },
    'the store is slow': () => {
      servers.faults = { ...usual, delay: [100, random.pick([1_000, 15_000])] }
      later(random.between(1_000, 20_000), 'the store is as fast as before', () => {
        if (simulation.time < troubled) servers.faults = usual
      })
    },
    'a session expires': () => masters.elected?.coordination.expire(),
    'the bus is away': () => {
      network.cut(random.chance(0.5))
      later(random.between(500, longestCut), 'the bus returns', () => network.mend())
    },
    'a clock jumps': () => {
      const jumping = random.pick([masters.elected, ...hosts, ...frameworks])
      if (jumping) jumping.process.wallOffset = random.between(-hour, hour)
    },
    'an agent dies': () => {
      const host = random.pick(hosts)
      host.crash()
      later(random.between(100, 20_000), `${host.name} is started again`, () => host.startIfDown())
    },
    'an agent is away for long': () => {
      const host = random.pick(hosts)
      host.crash()
      later(random.between(long, 2 * long), `${host.name} is started again`, () => host.startIfDown())
    },
    'a machine loses its power': () => {
      const host = random.pick(hosts)
      host.losePower()
      later(random.between(1_000, 30_000), `${host.name} is started again`, () => host.startIfDown())
    },
    'an agent is cut off': () => {
      const host = random.pick(hosts)
      host.cutOff()
      later(random.between(500, 1.5 * long), `${host.name} hears the bus`, () => host.heal())
    },
    'a framework dies': () => {
      const framework = random.pick(frameworks)
      if (!framework.process.alive) return
      framework.crash()
      later(random.between(100, 15_000), `${framework.name} is started again`, () => framework.restartIfDown())
    },
    'a connection breaks': () => random.pick(frameworks).break(),
  }
}
