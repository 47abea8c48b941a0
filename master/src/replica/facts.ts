import type { MasterInfo } from '@meseta/common/protocol/mesos'

/** What readers are told of this master itself. Times are milliseconds since 1970. */
export interface MasterFacts {
  readonly clusterName: string
  readonly clusterId: string
  /** Plain `x.y.z`, at least 1.11.0: clients switch features by it (Mesos contract 4). */
  readonly version: string
  readonly masterInfo: MasterInfo
  readonly startedAt: number
  readonly electedAt: number
  readonly weights: ReadonlyMap<string, number>
  /** Values of the flags that may be shown, as text. */
  readonly flags: Readonly<Record<string, string>>
  readonly buildTime: number
}

/** The `leader_info` of /state and of the feed. */
export function leaderInfo({ id, pid, port, hostname, domain }: MasterInfo): Record<string, unknown> {
  return { id, pid, port, hostname, ...(domain ? { domain } : {}) }
}
