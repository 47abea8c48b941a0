import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { LocalElection } from '../local-election.ts'
import type { Coordination } from '../open.ts'
import { EmbeddedStore } from './store.ts'

/** A Store on this machine's disk, which this process alone may hold, and an election among the candidates of this process. */
export async function openEmbedded(folder: string, { log }: { log: Logger }): Promise<Coordination> {
  const store = new EmbeddedStore(resolve(folder), log)
  const election = new LocalElection(
    name => store.nextSequence(name),
    error => log.error({ err: error }, 'a listener of the election failed'),
  )
  store.onState(state => {
    if (state === 'lost') election.close('the store was closed')
  })
  return { store, election, close: () => store.close() }
}
