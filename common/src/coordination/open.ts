import type { Logger } from 'pino'
import type { Clock } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import type { Election } from './election.ts'
import { openEmbedded } from './embedded/open.ts'
import type { Store } from './store.ts'
import { parseZookeeperUrl } from './zookeeper/address.ts'
import { openZookeeper } from './zookeeper/open.ts'

/** Store and Election over one session: whoever loses it can write nothing any more. */
export interface Coordination {
  readonly store: Store
  readonly election: Election
  /** Ends the session; the candidacies end with it. Idempotent. */
  close(): Promise<void>
}

export interface CoordinationOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** ZooKeeper: how long an operation may wait for a lost connection before it fails with UNAVAILABLE; 20 s. Milliseconds. */
  readonly operationTimeout?: number
  /** ZooKeeper: silence after which the servers end the session; 10 s. Milliseconds. */
  readonly sessionTimeout?: number
}

/** A coordination url that can not be used, with what is wrong and what would do. */
export class CoordinationUrlError extends Error {
  constructor(url: string, reason: string) {
    super(
      `${withoutPassword(url)} is no coordination url: ${reason}; use embedded:<folder> or zk://[user:pass@]host:2181[,host:2181]/path`,
    )
    this.name = 'CoordinationUrlError'
  }
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//…@')

/**
 * Opens `embedded:<folder>` (one process holds it; FolderLockedError names the holder) or
 * `zk://[user:pass@]h1:2181,h2:2181/path` (ZookeeperMissingError when the client is not installed). With ZooKeeper it
 * resolves when the session is established, and waits for that as long as it takes.
 */
export async function openCoordination(url: string, options: CoordinationOptions): Promise<Coordination> {
  if (url.startsWith('embedded:')) {
    const folder = url.slice('embedded:'.length)
    if (folder === '') throw new CoordinationUrlError(url, 'the folder is missing')
    return openEmbedded(folder, options)
  }
  if (!url.startsWith('zk://')) throw new CoordinationUrlError(url, 'its scheme is not known')
  const address = parseZookeeperUrl(url)
  if ('flaw' in address) throw new CoordinationUrlError(url, address.flaw)
  return openZookeeper(address, options)
}
