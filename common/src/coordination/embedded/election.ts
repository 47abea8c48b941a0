import type { Candidacy, Election, Member } from '../election.ts'
import { checkElection } from '../election-paths.ts'
import { Races } from '../races.ts'
import type { EmbeddedStore } from './store.ts'

/** The election among the candidates of the one process that holds the store; its numbers grow across restarts. */
export class EmbeddedElection implements Election {
  readonly #store: EmbeddedStore
  readonly #races: Races

  constructor(store: EmbeddedStore, failed: (error: unknown) => void) {
    this.#store = store
    this.#races = new Races(failed)
    store.onState(state => {
      if (state === 'lost') this.#races.leave(this, 'the store was closed')
    })
  }

  async contend(path: string, label: string, data: Uint8Array): Promise<Candidacy> {
    const race = checkElection(path, label, data)
    const sequence = await this.#store.nextSequence(path)
    return this.#races.enter(this, race, { sequence, data: Uint8Array.from(data) })
  }

  watch(path: string, label: string, changed: (members: readonly Member[]) => void): () => void {
    const race = checkElection(path, label)
    const off = this.#races.watch(race, changed)
    changed(this.#races.members(race))
    return off
  }
}
