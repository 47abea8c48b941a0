import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import type { Timings } from '../metrics/timings.ts'
import type { RegistryChange } from '../state/effects.ts'
import type { Recovered, Registrar } from './registrar.ts'

/** How long the registry may take, ms (Mesos contract 7.1, 9). */
export interface RegistryTimeouts {
  readonly fetch: number
  readonly store: number
}

export const registryTimeouts: RegistryTimeouts = { fetch: 60_000, store: 20_000 }

/** A registrar whose store may not take for ever: what takes too long fails, and how long it took is measured. */
export class TimedRegistrar {
  readonly #registrar: Registrar
  readonly #clock: Clock
  readonly #timeouts: RegistryTimeouts
  readonly #timings: Timings

  constructor(registrar: Registrar, clock: Clock, timeouts: RegistryTimeouts, timings: Timings) {
    this.#registrar = registrar
    this.#clock = clock
    this.#timeouts = timeouts
    this.#timings = timings
  }

  async recover(masterInfo: MasterInfo): Promise<Recovered> {
    const began = this.#clock.monotonic()
    const what = 'reading the registry'
    const recovered = this.#registrar.recover(masterInfo)
    const found = await this.#within(recovered, what, this.#timeouts.fetch, '--registry_fetch_timeout')
    this.#timings.stateFetch = this.#clock.monotonic() - began
    return found
  }

  async apply(change: RegistryChange): Promise<void> {
    const began = this.#clock.monotonic()
    const written = this.#registrar.apply(change)
    await this.#within(written, 'a registry write', this.#timeouts.store, '--registry_store_timeout')
    this.#timings.stateStore.add(this.#clock.monotonic() - began)
  }

  #within<T>(done: Promise<T>, what: string, limit: number, flag: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timeout = this.#clock.after(limit, () =>
        reject(new Error(`${what} took longer than ${limit / 1000} s (${flag})`)),
      )
      done
        .then(resolve, (error: Error) => reject(new Error(`${what} failed: ${error.message}`, { cause: error })))
        .finally(() => timeout.cancel())
    })
  }
}
