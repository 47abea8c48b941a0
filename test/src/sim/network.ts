import {
  createSimulatedNetwork,
  type SimulatedBus,
  type SimulatedNetwork,
} from '@meseta/common/messaging/simulated-bus'
import type { SeededRandom } from '@meseta/common/sim/random'
import type { Simulation } from '@meseta/common/sim/simulation'

/** A network that can be away as a whole: with a word, as when its servers end, or in silence, as when they stand still. */
export class CuttableNetwork implements SimulatedNetwork {
  readonly #network: SimulatedNetwork
  readonly #simulation: Simulation
  readonly #buses: SimulatedBus[] = []
  #away: { readonly since: number; readonly silent: boolean } | undefined
  #usual: SimulatedNetwork['faults']

  constructor(simulation: Simulation, random: SeededRandom, failed: (error: unknown) => void) {
    this.#simulation = simulation
    this.#network = createSimulatedNetwork({ clock: simulation.process('world').clock(), random, failed })
    this.#usual = this.#network.faults
  }

  get faults() {
    return this.#usual
  }

  set faults(faults) {
    this.#usual = faults
    this.#apply()
  }

  get counts() {
    return this.#network.counts
  }

  /** Milliseconds of the simulation; undefined while it is there. */
  get awaySince(): number | undefined {
    return this.#away?.since
  }

  connect(name: string): SimulatedBus {
    const bus = this.#network.connect(name)
    this.#buses.push(bus)
    if (this.#away?.silent === false) bus.down()
    return bus
  }

  cut(silent: boolean): void {
    if (this.#away) return
    this.#away = { since: this.#simulation.time, silent }
    if (!silent) for (const bus of this.#buses) bus.down()
    this.#apply()
  }

  mend(): void {
    if (!this.#away) return
    this.#away = undefined
    for (const bus of this.#buses) bus.up()
    this.#apply()
  }

  #apply(): void {
    this.#network.faults = this.#away ? { ...this.#usual, loss: 1 } : this.#usual
  }
}
