import { resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Coordination } from '../open.ts'
import { EmbeddedElection } from './election.ts'
import { EmbeddedStore } from './store.ts'

/** A Store on this machine's disk, which this process alone may hold, and an election among the candidates of this process. */
export async function openEmbedded(folder: string, { log }: { log: Logger }): Promise<Coordination> {
  const store = new EmbeddedStore(resolve(folder), log)
  const election = new EmbeddedElection(store, error => log.error({ err: error }, 'a listener of the election failed'))
  return { store, election, close: () => store.close() }
}
