/** Which kinds of which component's feed the router's own stream carries (dashboard contract, 5). */
export const carried: Readonly<Record<SourceName, ReadonlySet<string>>> = {
  master: new Set(['cluster', 'agent', 'framework', 'task', 'role']),
  marathon: new Set(['app', 'instance', 'pod', 'group', 'deployment', 'wait', 'info']),
  universe: new Set(['repository', 'package', 'installed']),
  balancer: new Set(['vip']),
}

export type SourceName = 'master' | 'marathon' | 'universe' | 'balancer'

/** A component that the router follows, as the stream's `source` objects show it. */
export interface SourceState {
  readonly name: SourceName
  readonly state: 'live' | 'lost'
  /** Since when, wall time in milliseconds. */
  readonly since: number
  readonly detail: string
  /** Whether a whole snapshot was ever received: before that nothing is known of its objects. */
  readonly known: boolean
}
