import { isIP } from 'node:net'
import { asBody, asBoolean, asNumber, asPort, asText, type Body, bodies, field } from './reading.ts'

export interface Label {
  readonly key: string
  readonly value: string
}

/** A port that a task announces in its DiscoveryInfo. */
export interface DiscoveryPort {
  readonly number: number
  readonly name: string
  readonly protocol: string
  readonly labels: readonly Label[]
}

/** A host port that leads to a port of the task. */
export interface PortMapping {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: string
}

/** What service discovery reads of a task (the `task` of the master contract, 4.1, and what the master's feed adds). */
export interface TaskView {
  readonly id: string
  readonly name: string
  readonly frameworkId: string
  readonly frameworkName: string | undefined
  readonly agentId: string
  readonly state: string
  /** Of the latest status that says anything about it. */
  readonly healthy: boolean | undefined
  readonly hasHealthCheck: boolean
  /** Host ports of `resources.ports`, ascending, at most `mostPorts`. */
  readonly ports: readonly number[]
  readonly labels: readonly Label[]
  /** Empty when there is no DiscoveryInfo. */
  readonly discoveryName: string
  readonly discoveryPorts: readonly DiscoveryPort[]
  readonly portMappings: readonly PortMapping[]
  /** Addresses by source, of the newest TASK_RUNNING status (contract 1.4). */
  readonly addresses: {
    readonly netinfo: readonly string[]
    readonly docker: readonly string[]
    readonly mesos: readonly string[]
  }
}

/** A task with more ports than this shows only the first ones. */
export const mostPorts = 1024
const mostLabels = 1024
const mostAddresses = 64

/** Ports of the text form of ranges, `[31000-31000, 31005-31007]`. */
export function readPorts(text: unknown): number[] {
  const ports: number[] = []
  for (const [, low, high] of (asText(text) ?? '').matchAll(/(\d+)\s*-\s*(\d+)/g)) {
    for (let port = Number(low); port <= Math.min(Number(high), 65_535); port++) {
      if (ports.length === mostPorts) return ports
      if (port > 0) ports.push(port)
    }
  }
  return ports
}

/** Labels in either shape: a list, or `{labels: […]}`. */
export function readLabels(value: unknown): Label[] {
  const list = Array.isArray(value) ? value : field(asBody(value), 'labels')
  return bodies(list)
    .slice(0, mostLabels)
    .map(body => ({ key: asText(field(body, 'key')) ?? '', value: asText(field(body, 'value')) ?? '' }))
}

function readDiscoveryPort(body: Body): DiscoveryPort | undefined {
  const number = asPort(field(body, 'number'))
  if (number === undefined) return undefined
  const text = (name: string) => asText(field(body, name)) ?? ''
  return { number, name: text('name'), protocol: text('protocol'), labels: readLabels(field(body, 'labels')) }
}

function readMappings(value: unknown): PortMapping[] {
  return bodies(value).flatMap(body => {
    const hostPort = asPort(field(body, 'host_port'))
    const containerPort = asPort(field(body, 'container_port'))
    if (hostPort === undefined || containerPort === undefined) return []
    return { hostPort, containerPort, protocol: (asText(field(body, 'protocol')) ?? 'tcp').toLowerCase() }
  })
}

const timeOf = (status: Body): number => asNumber(field(status, 'timestamp')) ?? 0

function newest(statuses: readonly Body[]): Body | undefined {
  return statuses.reduce<Body | undefined>(
    (best, status) => (best === undefined || timeOf(status) >= timeOf(best) ? status : best),
    undefined,
  )
}

/** The first `mostAddresses` different IP addresses. */
function addressesIn(values: readonly unknown[]): string[] {
  const found = new Set<string>()
  for (const value of values) {
    const address = asText(value)
    if (address !== undefined && isIP(address) !== 0) found.add(address.toLowerCase())
    if (found.size === mostAddresses) break
  }
  return [...found]
}
const networksOf = (container: unknown): readonly Body[] => bodies(field(asBody(container), 'network_infos'))

function networkAddresses(networks: readonly Body[]): string[] {
  return addressesIn(
    networks.flatMap(network => {
      const listed = bodies(field(network, 'ip_addresses')).map(entry => field(entry, 'ip_address'))
      return listed.length > 0 ? listed : [field(network, 'ip_address')]
    }),
  )
}

function portMappings(running: Body | undefined, container: Body | undefined): PortMapping[] {
  const networks = [...networksOf(field(running, 'container_status')), ...networksOf(container)]
  const mapped = networks.flatMap(network => readMappings(field(network, 'port_mappings')))
  return mapped.length > 0 ? mapped : readMappings(field(asBody(field(container, 'docker')), 'port_mappings'))
}

/** Reads a task; `undefined` when its own, its framework's or its agent's id is missing. */
export function readTask(value: unknown): TaskView | undefined {
  const body = asBody(value)
  const id = asText(field(body, 'id'))
  const frameworkId = asText(field(body, 'framework_id'))
  const agentId = asText(field(body, 'slave_id'))
  if (!id || !frameworkId || !agentId) return undefined
  const statuses = bodies(field(body, 'statuses'))
  const running = newest(statuses.filter(status => field(status, 'state') === 'TASK_RUNNING'))
  const statusLabels = readLabels(field(running, 'labels'))
  const labelled = (key: string) => addressesIn(statusLabels.flatMap(item => (item.key === key ? [item.value] : [])))
  const discovery = asBody(field(body, 'discovery'))
  const container = asBody(field(body, 'container'))
  const known = statuses.filter(status => asBoolean(field(status, 'healthy')) !== undefined)
  return {
    id,
    frameworkId,
    agentId,
    name: asText(field(body, 'name')) ?? '',
    frameworkName: asText(field(body, 'framework_name')),
    state: asText(field(body, 'state')) ?? '',
    healthy: asBoolean(field(body, 'healthy')) ?? asBoolean(field(newest(known), 'healthy')),
    hasHealthCheck: asBody(field(body, 'health_check')) !== undefined,
    ports: readPorts(field(asBody(field(body, 'resources')), 'ports')),
    labels: readLabels(field(body, 'labels')),
    discoveryName: asText(field(discovery, 'name')) ?? '',
    discoveryPorts: bodies(field(asBody(field(discovery, 'ports')), 'ports')).flatMap(
      port => readDiscoveryPort(port) ?? [],
    ),
    portMappings: portMappings(running, container),
    addresses: {
      netinfo: networkAddresses(networksOf(field(running, 'container_status'))),
      docker: labelled('Docker.NetworkSettings.IPAddress'),
      mesos: labelled('MesosContainerizer.NetworkSettings.IPAddress'),
    },
  }
}
