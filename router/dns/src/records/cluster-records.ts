import { isIP } from 'node:net'
import type { AgentView } from '@meseta/common/discovery/agent'
import { domainFragment } from '@meseta/common/discovery/labels'
import { reverseName } from './reverse.ts'
import { directory, type RecordSettings } from './settings.ts'
import { addressRecord } from './task-records.ts'
import type { ZoneRecord } from './zone.ts'

/** Where a master listens. */
export interface MasterPlace {
  readonly address: string
  readonly port: number
}

export interface Masters {
  readonly leader: MasterPlace | undefined
  /** In the configured order; the leader may be missing. */
  readonly configured: readonly string[]
}

/** A scheduler, with its address once its host name is resolved. */
export interface FrameworkPlace {
  readonly name: string
  readonly addresses: readonly string[]
  /** Of its pid; an HTTP scheduler has none. */
  readonly port: number | undefined
}

const srv = (name: string, target: string, port: number): ZoneRecord => ({
  name,
  type: 'SRV',
  value: `${target}:${port}`,
})

/** Addresses of all masters, once each, numbered in the configured order, the unlisted leader last. */
const allMasters = ({ leader, configured }: Masters): readonly string[] => [
  ...new Set(leader === undefined ? configured : [...configured, leader.address]),
]

/** `leader`, `master`, `master0` … in the mesos-dns domain (contract 1.4). */
export function masterRecords(masters: Masters, { domain }: RecordSettings): ZoneRecord[] {
  const all = allMasters(masters)
  const { leader } = masters
  return [
    ...(leader === undefined
      ? []
      : [
          addressRecord(`leader.${domain}.`, leader.address),
          srv(`_leader._tcp.${domain}.`, `leader.${domain}.`, leader.port),
          srv(`_leader._udp.${domain}.`, `leader.${domain}.`, leader.port),
        ]),
    ...all.map(address => addressRecord(`master.${domain}.`, address)),
    ...all.map((address, index) => addressRecord(`master${index}.${domain}.`, address)),
  ]
}

/** `leader` and `master` in `dcos.thisdcos.directory`. */
export function masterDirectoryRecords(masters: Masters): ZoneRecord[] {
  const leader = masters.leader === undefined ? [] : [masters.leader.address]
  return [
    ...leader.map(address => addressRecord(`leader.dcos.${directory}.`, address)),
    ...allMasters(masters).map(address => addressRecord(`master.dcos.${directory}.`, address)),
  ]
}

/** `zk-1.zk` to `zk-5.zk`: the masters, repeated in turn until there are five (contract 2.2). */
export function zkRecords(masters: Masters): ZoneRecord[] {
  const all = allMasters(masters)
  return [1, 2, 3, 4, 5].flatMap(number => {
    const address = all[(number - 1) % all.length]
    return address === undefined ? [] : [addressRecord(`zk-${number}.zk.`, address)]
  })
}

/** `slave` and its ports. */
export function agentRecords(agent: AgentView, { domain }: RecordSettings): ZoneRecord[] {
  if (agent.address === undefined) return []
  const address = addressRecord(`slave.${domain}.`, agent.address)
  return agent.port === undefined ? [address] : [address, srv(`_slave._tcp.${domain}.`, `slave.${domain}.`, agent.port)]
}

const hostName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** PTR of an agent's address: its host name when it has one, else `slave`. */
export function agentReverseRecords(agent: AgentView, { domain }: RecordSettings): ZoneRecord[] {
  if (agent.address === undefined) return []
  const hostname = agent.hostname.toLowerCase()
  const named = isIP(hostname) === 0 && hostname.length < 254 && hostName.test(hostname)
  return [{ name: reverseName(agent.address), type: 'PTR', value: named ? `${hostname}.` : `slave.${domain}.` }]
}

/** A framework's own name, and its scheduler's port when it has a pid. */
export function frameworkRecords(framework: FrameworkPlace, { domain, rule }: RecordSettings): ZoneRecord[] {
  const fragment = domainFragment(framework.name, rule)
  if (fragment === '') return []
  const name = `${fragment}.${domain}.`
  const addresses = framework.addresses.map(address => addressRecord(name, address))
  return framework.port === undefined ? addresses : [...addresses, srv(`_framework._tcp.${name}`, name, framework.port)]
}
