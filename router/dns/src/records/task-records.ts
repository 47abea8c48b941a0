import { isIPv6 } from 'node:net'
import type { AgentView } from '@meseta/common/discovery/agent'
import { domainFragment, label } from '@meseta/common/discovery/labels'
import type { TaskView } from '@meseta/common/discovery/task'
import { taskHash } from './hash.ts'
import { reverseName } from './reverse.ts'
import { directory, type IpSource, type RecordSettings } from './settings.ts'
import type { ZoneRecord } from './zone.ts'

/** A task with what its names need of its agent and framework. */
export interface PlacedTask {
  readonly task: TaskView
  readonly agent: AgentView
  readonly frameworkName: string
}

/** A discovery name longer than this is published as a label only. */
const longestRawName = 200

/** A or AAAA, by the family of the address. */
export function addressRecord(name: string, address: string): ZoneRecord {
  return { name, type: isIPv6(address) ? 'AAAA' : 'A', value: address }
}

/** The name that tasks share: the discovery name when there is one, else the task's own. */
export function sharedName(task: TaskView): string {
  return task.discoveryName === '' ? task.name : task.discoveryName
}

const agentAddresses = (agent: AgentView): readonly string[] => (agent.address === undefined ? [] : [agent.address])

/** Addresses of a task: those of the first source that has any. */
export function taskAddresses({ task, agent }: PlacedTask, sources: readonly IpSource[]): readonly string[] {
  for (const source of sources) {
    const found = source === 'host' ? agentAddresses(agent) : task.addresses[source]
    if (found.length > 0) return found
  }
  return []
}

/** The text after the last dash of an agent id, lower-cased: `…-S0` is `s0`. */
const agentTail = (agentId: string): string => agentId.slice(agentId.lastIndexOf('-') + 1).toLowerCase()

/** Labels of a port's protocols: none named means both; `tcp,udp` gives `tcpudp`, `tcp` and `udp`. */
function protocolLabels(protocol: string, settings: RecordSettings): readonly string[] {
  const whole = label(protocol, settings.rule)
  if (whole === '') return ['tcp', 'udp']
  const parts = protocol.split(',').map(part => label(part, settings.rule))
  return [...new Set([whole, ...parts])].filter(part => part !== '')
}

function discoverySrv(task: TaskView, name: string, fragment: string, canonical: string, settings: RecordSettings) {
  return task.discoveryPorts.flatMap(port => {
    const value = `${canonical}.${settings.domain}.:${port.number}`
    const portLabel = label(port.name, settings.rule)
    return protocolLabels(port.protocol, settings).flatMap(protocol => {
      const service = `_${name}._${protocol}.${fragment}.${settings.domain}.`
      const record: ZoneRecord = { name: service, type: 'SRV', value }
      return portLabel === '' ? [record] : [record, { ...record, name: `_${portLabel}.${service}` }]
    })
  })
}

function hostPortSrv(task: TaskView, name: string, fragment: string, canonical: string, domain: string) {
  const target = `${canonical}.slave.${domain}.`
  const zones = task.discoveryName === '' ? [`slave.${domain}.`, `${domain}.`] : [`slave.${domain}.`]
  return task.ports.flatMap(port =>
    zones.flatMap(zone =>
      ['tcp', 'udp'].map(
        (protocol): ZoneRecord => ({
          name: `_${name}._${protocol}.${fragment}.${zone}`,
          type: 'SRV',
          value: `${target}:${port}`,
        }),
      ),
    ),
  )
}

function recordsUnder(name: string, fragment: string, placed: PlacedTask, settings: RecordSettings): ZoneRecord[] {
  const { task, agent } = placed
  const { domain } = settings
  const canonical = `${name}-${taskHash(task.id)}-${agentTail(task.agentId)}.${fragment}`
  const owners = [`${name}.${fragment}`, canonical]
  return [
    ...taskAddresses(placed, settings.ipSources).flatMap(address =>
      owners.map(owner => addressRecord(`${owner}.${domain}.`, address)),
    ),
    ...agentAddresses(agent).flatMap(address =>
      owners.map(owner => addressRecord(`${owner}.slave.${domain}.`, address)),
    ),
    ...hostPortSrv(task, name, fragment, canonical, domain),
    ...(task.discoveryName === '' ? [] : discoverySrv(task, name, fragment, canonical, settings)),
  ]
}

/** Records of a running task in the mesos-dns domain (contract 1.4): under its label, and under its raw discovery name. */
export function taskRecords(placed: PlacedTask, settings: RecordSettings): ZoneRecord[] {
  const raw = placed.task.discoveryName
  const name = label(sharedName(placed.task), settings.rule)
  const fragment = domainFragment(placed.frameworkName, settings.rule)
  if (name === '' || fragment === '') return []
  const records = recordsUnder(name, fragment, placed, settings)
  if (raw === '' || raw === name || raw.length > longestRawName) return records
  return [...recordsUnder(raw, fragment, placed, settings), ...records]
}

/** Records of a running task in `dcos.thisdcos.directory` (contract 2.3). */
export function directoryRecords(placed: PlacedTask): ZoneRecord[] {
  const { task, agent } = placed
  const name = label(sharedName(task))
  const framework = label(placed.frameworkName)
  if (name === '' || framework === '') return []
  const own = task.addresses.netinfo
  const host = agentAddresses(agent)
  const auto = task.portMappings.length > 0 || own.length === 0 ? host : own
  const under = (kind: string, addresses: readonly string[]) =>
    addresses.map(address => addressRecord(`${name}.${framework}.${kind}.dcos.${directory}.`, address))
  return [...under('agentip', host), ...under('containerip', own), ...under('autoip', auto)]
}

/** PTR of the addresses that are the task's alone: the name that only this task has. */
export function reverseRecords(placed: PlacedTask, settings: RecordSettings): ZoneRecord[] {
  const { task, agent } = placed
  const name = label(sharedName(task), settings.rule)
  const fragment = domainFragment(placed.frameworkName, settings.rule)
  if (name === '' || fragment === '') return []
  const value = `${name}-${taskHash(task.id)}-${agentTail(task.agentId)}.${fragment}.${settings.domain}.`
  return taskAddresses(placed, settings.ipSources)
    .filter(address => address !== agent.address)
    .map(address => ({ name: reverseName(address), type: 'PTR', value }))
}
