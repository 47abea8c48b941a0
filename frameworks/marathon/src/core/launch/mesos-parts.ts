import type {
  CheckInfo,
  CommandInfo,
  CommandInfoURI,
  HealthCheck,
  Labels,
  LinuxInfo as MesosLinuxInfo,
  NetworkInfo,
  Port,
} from '@meseta/common/protocol/mesos'
import type { Fetch, Limit, LinuxInfo, Network } from '../model.ts'
import { defined } from '../shape.ts'

export const toLabels = (labels: Readonly<Record<string, string>> | undefined): Labels | undefined => {
  const entries = Object.entries(labels ?? {})
  return entries.length === 0 ? undefined : { labels: entries.map(([key, value]) => ({ key, value })) }
}

export const toUris = (items: readonly Fetch[]): CommandInfoURI[] =>
  items.map(item => ({
    value: item.uri,
    extract: item.extract,
    executable: item.executable,
    cache: item.cache,
    ...(item.destPath !== undefined && { output_file: item.destPath }),
  }))

/** A command of checks and of pods. */
export const toCommand = (command: { shell: string } | { argv: string[] }): CommandInfo =>
  'shell' in command
    ? { shell: true, value: command.shell }
    : { shell: false, value: command.argv[0] ?? '', arguments: command.argv }

/** A host port that leads to a container port, on the networks named; with none on all. */
export interface Mapping {
  readonly networkNames: readonly string[]
  readonly hostPort: number
  readonly containerPort: number
  readonly protocols: readonly string[]
}

export const toPortMappings = (mappings: readonly Mapping[]): NonNullable<NetworkInfo['port_mappings']> =>
  mappings.flatMap(({ hostPort, containerPort, protocols }) =>
    protocols.map(protocol => ({ host_port: hostPort, container_port: containerPort, protocol })),
  )

export const toNetworkInfos = (networks: readonly Network[], mappings: readonly Mapping[]): NetworkInfo[] =>
  networks
    .filter(network => network.mode !== 'host')
    .map(network => {
      const here = mappings.filter(one => one.networkNames.every(name => name === network.name))
      return {
        name: network.mode === 'container/bridge' ? 'mesos-bridge' : (network.name ?? ''),
        ...(network.labels && { labels: toLabels(network.labels) as Labels }),
        ...(here.length > 0 && { port_mappings: toPortMappings(here) }),
      }
    })

/** `linuxInfo` of a container (contract 4.1), and whether it shares the cgroups of its pod; undefined where nothing is said. */
export function toLinuxInfo(info: LinuxInfo | undefined, shareCgroups?: boolean): MesosLinuxInfo | undefined {
  if (info === undefined && shareCgroups === undefined) return undefined
  const { seccomp, ipcInfo } = info ?? {}
  return defined<MesosLinuxInfo>({
    seccomp: seccomp && defined({ profile_name: seccomp.profileName, unconfined: seccomp.unconfined }),
    ipc_mode: ipcInfo?.mode,
    shm_size: ipcInfo?.shmSize,
    share_cgroups: shareCgroups,
  })
}

/** `udp,tcp` announces two ports (contract 10). */
export function discoveryPorts(
  number: number,
  protocols: readonly string[],
  name: string | undefined,
  labels: Readonly<Record<string, string>>,
  scope: 'host' | 'container',
  networkName?: string,
): Port[] {
  const all: Record<string, string> = { ...labels, 'network-scope': scope }
  if (networkName !== undefined) all['network-name'] = networkName
  return protocols.map(protocol => ({
    number,
    protocol,
    ...(name !== undefined && { name }),
    labels: toLabels(all) as Labels,
  }))
}

interface Times {
  readonly delaySeconds: number
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
}

const times = (check: Times) => ({
  delay_seconds: check.delaySeconds,
  interval_seconds: check.intervalSeconds,
  timeout_seconds: check.timeoutSeconds,
})

/** What a check looks at, with its port settled. */
export type Probe =
  | {
      readonly kind: 'http'
      readonly scheme: string
      readonly port: number
      readonly path?: string
      readonly ipv6?: boolean
    }
  | { readonly kind: 'tcp'; readonly port: number; readonly ipv6?: boolean }
  | { readonly kind: 'command'; readonly command: CommandInfo }

export function toHealthCheck(
  probe: Probe,
  check: Times & { readonly gracePeriodSeconds: number; readonly maxConsecutiveFailures: number },
): HealthCheck {
  const base = {
    ...times(check),
    grace_period_seconds: check.gracePeriodSeconds,
    consecutive_failures: check.maxConsecutiveFailures,
  }
  switch (probe.kind) {
    case 'http':
      return {
        ...base,
        type: 'HTTP',
        http: {
          scheme: probe.scheme.toLowerCase(),
          port: probe.port,
          ...(probe.path !== undefined && { path: probe.path }),
          ...(probe.ipv6 && { protocol: 'IPv6' as const }),
        },
      }
    case 'tcp':
      return { ...base, type: 'TCP', tcp: { port: probe.port, ...(probe.ipv6 && { protocol: 'IPv6' as const }) } }
    case 'command':
      return { ...base, type: 'COMMAND', command: probe.command }
  }
}

export function toCheck(probe: Probe, check: Times): CheckInfo {
  switch (probe.kind) {
    case 'http':
      return {
        ...times(check),
        type: 'HTTP',
        http: { port: probe.port, ...(probe.path !== undefined && { path: probe.path }) },
      }
    case 'tcp':
      return { ...times(check), type: 'TCP', tcp: { port: probe.port } }
    case 'command':
      return { ...times(check), type: 'COMMAND', command: { command: probe.command } }
  }
}

/** TaskInfo.limits; the word for no limit is an infinite number. */
export function toLimits(
  limits: { cpus?: Limit; mem?: Limit } | undefined,
): Record<string, { value: number }> | undefined {
  if (limits === undefined) return undefined
  const read: Record<string, { value: number }> = {}
  for (const name of ['cpus', 'mem'] as const) {
    const limit = limits[name]
    if (limit !== undefined) read[name] = { value: limit === 'unlimited' ? Number.POSITIVE_INFINITY : limit }
  }
  return Object.keys(read).length === 0 ? undefined : read
}
