import type { MasterCallType, MasterInfo } from '@meseta/common/protocol/mesos'
import type { Media } from '../api/media.ts'
import type { ReadReply } from '../api/transport.ts'
import type { Change } from '../state/changes.ts'
import type { Viewer } from './views.ts'

/** A question about the cluster. All values can be serialised. */
export type ReadRequest = { readonly viewer: Viewer } & (
  | { readonly type: 'OLDER'; readonly route: string; readonly query: string }
  /** One of the calls that read, or SUBSCRIBE. */
  | { readonly type: 'CALL'; readonly call: MasterCallType; readonly media: Media }
  | {
      readonly type: 'FEED'
      readonly after: string | undefined
      readonly kinds: readonly string[] | undefined
      readonly peer: string
    }
)

/** Numbers for the metrics. */
export interface ReadCounts {
  /** Of tasks by state, of agents and of frameworks. */
  readonly counts: Readonly<Record<string, number>>
  /** Sums of all agents, by name of the resource, in its unit. */
  readonly resources: Readonly<Record<string, ResourceSums>>
  /** Open streams of operators. */
  readonly subscribers: number
}

/** Of a cluster that nothing is known of yet. */
export const noCounts: ReadCounts = {
  counts: {
    agents_active: 0,
    agents_inactive: 0,
    agents_unreachable: 0,
    agents_recovered: 0,
    frameworks_active: 0,
    frameworks_inactive: 0,
  },
  resources: Object.fromEntries(
    ['cpus', 'gpus', 'mem', 'disk'].map(name => [
      name,
      { total: 0, used: 0, offered: 0, revocableTotal: 0, revocableUsed: 0 },
    ]),
  ),
  subscribers: 0,
}

export interface ResourceSums {
  readonly total: number
  readonly used: number
  readonly offered: number
  readonly revocableTotal: number
  readonly revocableUsed: number
}

/**
 * All that is read of the cluster is read here: the heart's numbered changes go in, questions are answered, streams and feeds follow. Where
 * it runs, beside the heart or in a thread of its own, makes no difference to who asks.
 */
export interface ReadSide {
  /** The next batch. Whatever is asked after it sees it. */
  apply(seq: number, changes: readonly Change[]): void
  /** All masters that stand for election, the leader first. */
  setMasters(masters: readonly MasterInfo[]): void
  handle(request: ReadRequest, reply: ReadReply): void
  /** As of the last changes, or a moment before. */
  readonly counts: ReadCounts
  /** Whether so many changes wait that no more may be made for now. */
  readonly behind: boolean
  stop(): Promise<void>
}
