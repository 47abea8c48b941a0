import type { LabelRule } from '@meseta/common/discovery/labels'

/** Where a task's addresses come from (contract 1.1, IPSources). */
export type IpSource = 'host' | 'netinfo' | 'mesos' | 'docker'

/** Tasks that say they are unhealthy: always named, never, or only while no healthy instance of that name is there. */
export type UnhealthyRule = 'include' | 'exclude' | 'last'

/** What decides how records are made. */
export interface RecordSettings {
  /** Lower case, without final dot: `mesos`. */
  readonly domain: string
  readonly rule: LabelRule
  readonly ipSources: readonly IpSource[]
  readonly unhealthy: UnhealthyRule
  /** The name server's own name, with final dot, and its addresses. */
  readonly nameserver: string
  readonly nameserverAddresses: readonly string[]
}

/** Domain of the names that DC/OS made for tasks, VIPs and mesos-dns records (contract 2.3). */
export const directory = 'thisdcos.directory'
