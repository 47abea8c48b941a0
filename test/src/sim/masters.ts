import type { MemoryCluster, MemoryCoordination } from '@meseta/common/coordination/memory'
import type { SimulatedBus, SimulatedNetwork } from '@meseta/common/messaging/simulated-bus'
import { createLogger } from '@meseta/common/service/logger'
import type { SimProcess, Simulation } from '@meseta/common/sim/simulation'
import { Master } from '@meseta/master/master'
import type { Command, Now } from '@meseta/master/state/commands'
import { type HeartConfig, heartDefaults } from '@meseta/master/state/config'
import type { Effect } from '@meseta/master/state/effects'
import { type Sabotage, sabotagedCommand, sabotagedStore } from './sabotage.ts'

const log = createLogger({ name: 'simulated', level: 'silent' })

/** A life of a master: from its election to its end, which may be long after the next one's election. */
export interface Life {
  readonly name: string
  readonly master: Master
  readonly process: SimProcess
  readonly bus: SimulatedBus
  readonly coordination: MemoryCoordination
  /** What it decided since somebody looked: nothing of its state changes otherwise. */
  decided: boolean
}

/** Sees all that masters decide. */
export type Witness = (life: Life, now: Now, commands: readonly Command[], effects: readonly Effect[]) => void

/** Where a master dies: at its next effect of this type, before it is carried out or after. */
export interface DeathAt {
  readonly type: Effect['type']
  readonly after: boolean
}

export interface MastersParts {
  readonly simulation: Simulation
  readonly network: SimulatedNetwork
  readonly servers: MemoryCluster
  readonly sabotage: Sabotage
  readonly config: Partial<HeartConfig>
  readonly probe: (pid: string) => boolean
  readonly witness: Witness
}

/** The masters of a cluster: the elected one, and those that have not noticed yet that they are not. */
export class SimulatedMasters {
  readonly #parts: MastersParts
  readonly #lives = new Set<Life>()
  #number = 0
  #elected: Life | undefined
  #ended: MemoryCoordination[] = []
  #deathAt: DeathAt | undefined

  constructor(parts: MastersParts) {
    this.#parts = parts
  }

  /** The one that the election names, whom frameworks connect to. */
  get leader(): Master | undefined {
    return this.#elected?.master
  }

  get lives(): readonly Life[] {
    return [...this.#lives]
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

  /**
   * Another one is elected. The one before, if it lives, is cut off from the bus and does not know; `fenced`: the servers have
   * ended its session, which it does not know either. Sessions of the dead have ended by now.
   */
  elect({ fenced = false } = {}): void {
    const { simulation, network, servers, sabotage, config, probe } = this.#parts
    this.#elected?.bus.partition()
    if (fenced && this.#elected) {
      this.#elected.coordination.suspend()
      this.#elected.coordination.expire()
    }
    for (const session of this.#ended.splice(0)) session.expire()
    const name = `master-${++this.#number}`
    const process = simulation.process(name)
    const bus = network.connect(name)
    const coordination = servers.connect()
    const pid = `master@127.0.0.${this.#number}:5050`
    const master = new Master({
      config: {
        ...heartDefaults,
        ...config,
        seed: simulation.seed,
        masterInfo: { id: name, ip: 0, port: 5050, pid, hostname: '127.0.0.1' },
      },
      cluster: 'meseta',
      store: sabotagedStore(coordination.store, sabotage),
      bus,
      clock: process.clock(),
      random: process.random(),
      log,
      probe: async pid => probe(pid),
      fatal: error => this.#givesUp(life, error),
      recovered: () => undefined,
      changed: () => undefined,
    })
    const life: Life = { name, master, decided: true, process, bus, coordination }
    this.#watch(life)
    coordination.store.onState(state => {
      if (state === 'lost' && this.#lives.has(life)) this.#givesUp(life, new Error('the session is lost'))
    })
    this.#lives.add(life)
    this.#elected = life
    master.lead().catch(error => this.#givesUp(life, error))
  }

  isElected(life: Life): boolean {
    return life === this.#elected
  }

  isAlive(life: Life): boolean {
    return this.#lives.has(life)
  }

  get elected(): Life | undefined {
    return this.#elected
  }

  /** `kill -9` of the elected one; nobody is elected until `elect`. What it had sent is lost with its connections. */
  crash(): void {
    if (!this.#elected) return
    this.#elected.bus.partition()
    this.#end(this.#elected)
    this.#elected = undefined
  }

  /** The elected one will die between two effects; what it had sent before arrives. Another is elected a second later. */
  crashAt(deathAt: DeathAt): void {
    this.#deathAt = deathAt
  }

  electIfNone(): void {
    if (!this.#elected) this.elect()
  }

  /** Those that were cut off hear the bus again. */
  heal(): void {
    for (const { bus, coordination } of this.#lives) {
      bus.heal()
      coordination.resume()
    }
  }

  /** Nobody dies any more of what was planned. */
  spare(): void {
    this.#deathAt = undefined
  }

  #watch(life: Life): void {
    const { heart } = life.master
    if (this.#parts.sabotage.ignoresQuotas) heart.cluster.allocator.setQuotas = () => undefined
    const step = heart.step.bind(heart)
    let dying = false
    heart.step = (now, commands) => {
      if (dying) return []
      life.decided = true
      const effects = step(
        now,
        commands.map(command => sabotagedCommand(command, this.#parts.sabotage)),
      )
      this.#parts.witness(life, now, commands, effects)
      const end = this.#deathIn(life, effects)
      if (end === undefined) return effects
      dying = true
      // What was decided before the end is carried out, synchronously, before this microtask.
      queueMicrotask(() => this.#dies(life, effects[end]?.type))
      return effects.slice(0, end)
    }
  }

  /** How many of these effects it lives to carry out, if it dies among them. */
  #deathIn(life: Life, effects: readonly Effect[]): number | undefined {
    const death = this.#deathAt
    if (!death || life !== this.#elected) return undefined
    const at = effects.findIndex(({ type }) => type === death.type)
    if (at < 0) return undefined
    this.#deathAt = undefined
    return death.after ? at + 1 : at
  }

  #dies(life: Life, before: string | undefined): void {
    this.#parts.simulation.note(life.process.name, `dies before ${before ?? 'nothing'}`)
    life.bus.kill()
    this.#end(life)
    if (this.#elected === life) this.#elected = undefined
    this.#electLater()
  }

  #givesUp(life: Life, error: Error): void {
    const { simulation } = this.#parts
    simulation.note(life.process.name, `gives up: ${error.message}`)
    simulation.schedule('world', 0, `the end of ${life.process.name}`, () => {
      life.bus.partition()
      this.#end(life)
      if (this.#elected !== life) return
      this.#elected = undefined
      this.#electLater()
    })
  }

  #electLater(): void {
    this.#parts.simulation.schedule('world', 1_000, 'an election', () => this.electIfNone())
  }

  #end(life: Life): void {
    life.process.crash()
    this.#lives.delete(life)
    // The servers notice the end of the elected one later: not before another one is elected.
    if (this.#elected === life) this.#ended.push(life.coordination)
    else life.coordination.expire()
    void life.master.stop()
  }
}
