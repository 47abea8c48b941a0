import type { Logger } from 'pino'
import type { MasterInfo } from '../protocol/mesos.ts'
import type { Clock } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import type { Bus } from './bus.ts'
import type { MasterEnd, MasterEndEvents } from './link.ts'

export interface MasterEndOptions {
  readonly bus: Bus
  readonly cluster: string
  /** This leader's epoch, higher than that of any leader before it. */
  readonly epoch: number
  readonly masterInfo: MasterInfo
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: MasterEndEvents
  /** How many agents may (re-)register at once, and how many bytes of theirs may be in flight; 64 and 16 MiB. */
  readonly turns?: { readonly agents: number; readonly bytes: number }
  /** The format that this master writes on the link; its own version by default. */
  readonly format?: number
}

/** Beacons, and keeps a session with each agent that answers, until stopped. Only the leader opens one. */
export function openMasterEnd(_options: MasterEndOptions): MasterEnd {
  throw new Error('the agent link is not built yet')
}
