import type { Candidacy, Election, Member } from '../election.ts'
import { checkElection } from '../election-paths.ts'
import { StoreError } from '../store.ts'
import type { MemorySession } from './session.ts'

/** The election over a session in memory: its candidates leave with the session, and it hears of everything after a delay. */
export class MemoryElection implements Election {
  readonly #session: MemorySession

  constructor(session: MemorySession) {
    this.#session = session
  }

  async contend(path: string, label: string, data: Uint8Array): Promise<Candidacy> {
    const race = checkElection(path, label, data)
    const session = this.#session
    await this.#connected(path)
    const member: Member = { sequence: session.servers.nextSequence(path), data: Uint8Array.from(data) }
    const candidacy = session.servers.races.enter(session, race, member)
    const ended = Promise.withResolvers<string>()
    session.onState(state => {
      if (state === 'lost') ended.resolve('the session was lost')
    })
    void candidacy.ended.then(reason => session.hear(() => ended.resolve(reason)))
    const elected = new Promise<void>(resolve => {
      void candidacy.elected.then(() => session.hear(resolve))
    })
    const withdraw = async () => {
      if (session.state !== 'lost') await this.#connected(path).catch(() => undefined)
      await candidacy.withdraw()
      ended.resolve('withdrawn')
    }
    return { elected, ended: ended.promise, withdraw }
  }

  watch(path: string, label: string, changed: (members: readonly Member[]) => void): () => void {
    const race = checkElection(path, label)
    const { races } = this.#session.servers
    let over = false
    const tell = () => this.#session.hear(() => over || changed(races.members(race)))
    const off = races.watch(race, tell)
    tell()
    return () => {
      over = true
      off()
    }
  }

  /** Resolves when a request has reached the servers. Throws LOST. */
  #connected(path: string): Promise<void> {
    if (this.#session.state === 'lost') return Promise.reject(gone(path))
    return new Promise((resolve, reject) => {
      const off = this.#session.onState(state => {
        if (state !== 'lost') return
        off()
        reject(gone(path))
      })
      this.#session.hear(() => {
        off()
        resolve()
      })
    })
  }
}

const gone = (path: string): StoreError => new StoreError('LOST', path, 'the session is gone')
