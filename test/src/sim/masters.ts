import type { MemoryCluster } from '@meseta/common/coordination/memory'
import type { Store } from '@meseta/common/coordination/store'
import type { SimulatedBus, SimulatedNetwork } from '@meseta/common/messaging/simulated-bus'
import { createLogger } from '@meseta/common/service/logger'
import type { SimProcess, Simulation } from '@meseta/common/sim/simulation'
import { Master } from '@meseta/master/master'
import { heartDefaults } from '@meseta/master/state/config'

const log = createLogger({ name: 'simulated', level: 'silent' })

interface Life {
  readonly master: Master
  /** What it decided since somebody looked: nothing of its state changes otherwise. */
  decided: boolean
  readonly process: SimProcess
  readonly bus: SimulatedBus
}

/** The masters of a cluster: the elected one, and those that have not noticed yet that they are not. */
export class SimulatedMasters {
  readonly #simulation: Simulation
  readonly #network: SimulatedNetwork
  readonly #servers: MemoryCluster
  readonly #storeOf: (store: Store) => Store
  readonly #lives = new Set<Life>()
  #number = 0
  #elected: Life | undefined

  constructor(
    simulation: Simulation,
    network: SimulatedNetwork,
    servers: MemoryCluster,
    storeOf: (store: Store) => Store,
  ) {
    this.#simulation = simulation
    this.#network = network
    this.#servers = servers
    this.#storeOf = storeOf
  }

  /** The one that the election names, whom frameworks connect to. */
  get leader(): Master | undefined {
    return this.#elected?.master
  }

  /** All that believe they lead. */
  get leading(): Master[] {
    return [...this.#lives].map(({ master }) => master).filter(({ recovered }) => recovered)
  }

  /** Those of them that have decided something since the last call. */
  takeChanged(): Master[] {
    const changed = [...this.#lives].filter(({ master, decided }) => decided && master.recovered)
    for (const life of changed) life.decided = false
    return changed.map(({ master }) => master)
  }

  /** Another one is elected. The one before, if it lives, is cut off from the bus and does not know. */
  elect(): void {
    this.#elected?.bus.partition()
    const name = `master-${++this.#number}`
    const process = this.#simulation.process(name)
    const bus = this.#network.connect(name)
    const pid = `master@127.0.0.${this.#number}:5050`
    const master = new Master({
      config: {
        ...heartDefaults,
        // Shorter than the longest absence, so that recovered agents are given up, too.
        agentReregisterTimeout: 60_000,
        seed: this.#simulation.seed,
        masterInfo: { id: name, ip: 0, port: 5050, pid, hostname: '127.0.0.1' },
      },
      cluster: 'meseta',
      store: this.#storeOf(this.#servers.connect().store),
      bus,
      clock: process.clock(),
      random: process.random(),
      log,
      // Whoever is silent for 75 s is not there: nobody vouches for it.
      probe: async () => false,
      fatal: error => this.#givesUp(life, error),
      recovered: () => undefined,
      changed: () => undefined,
    })
    const life = { master, decided: true, process, bus }
    const { heart } = master
    const step = heart.step.bind(heart)
    heart.step = (now, commands) => {
      life.decided = true
      return step(now, commands)
    }
    this.#lives.add(life)
    this.#elected = life
    master.lead().catch(error => this.#givesUp(life, error))
  }

  /** `kill -9` of the elected one; nobody is elected until `elect`. */
  crash(): void {
    if (this.#elected) this.#end(this.#elected)
    this.#elected = undefined
  }

  electIfNone(): void {
    if (!this.#elected) this.elect()
  }

  /** Those that were cut off hear the bus again. */
  heal(): void {
    for (const { bus } of this.#lives) bus.heal()
  }

  #givesUp(life: Life, error: Error): void {
    this.#simulation.note(life.process.name, `gives up: ${error.message}`)
    this.#simulation.schedule('world', 0, `the end of ${life.process.name}`, () => {
      this.#end(life)
      if (this.#elected !== life) return
      this.#elected = undefined
      this.#simulation.schedule('world', 1_000, 'an election', () => this.electIfNone())
    })
  }

  #end(life: Life): void {
    life.bus.partition()
    life.process.crash()
    this.#lives.delete(life)
    void life.master.stop()
  }
}

/** A store that has forgotten the epoch whenever it is asked: each leader begins with the first. */
export function forgettingEpochs(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'get')
        return async (path: string) => {
          const found = await target.get(path)
          return path === '/epoch' && found ? { ...found, value: new Uint8Array() } : found
        }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
