import type { ContainerInfo, Port, Resource, TaskInfo } from '@meseta/common/protocol/mesos'
import type { Placement } from '../instance.ts'
import type { App, AppHealthCheck, AppService, EnvValue } from '../model.ts'
import { taskName } from '../paths.ts'
import { defined } from '../shape.ts'
import { type EnvPort, labelVariables, portVariables, toEnvironment } from './env.ts'
import {
  discoveryPorts,
  type Mapping,
  type Probe,
  toCheck,
  toCommand,
  toHealthCheck,
  toLabels,
  toLimits,
  toLinuxInfo,
  toNetworkInfos,
  toPortMappings,
  toUris,
} from './mesos-parts.ts'

export interface AppLaunch {
  readonly service: AppService
  readonly taskId: string
  readonly executorId: string
  readonly placement: Placement
  readonly resources: readonly Resource[]
  readonly hostPorts: readonly (number | null)[]
  readonly enforceRole: boolean
  readonly envPrefix: string
  /** For container ports that are left to us: numbers in [0, 1). */
  readonly draw: () => number
}

/** A port of an app with its numbers settled. */
interface AppPort extends EnvPort {
  readonly hostPort: number | null
  readonly containerPort?: number
  readonly protocol: string
  readonly labels: Record<string, string>
  readonly networkNames: readonly string[]
}

/** The TaskInfo of one app instance (contract 10). */
export function buildAppTask(launch: AppLaunch): TaskInfo {
  const { spec } = launch.service
  const ports = settlePorts(spec, launch)
  const env: Record<string, EnvValue> = {
    ...contextVariables(launch),
    ...portVariables(launch.placement.hostname, ports, launch.envPrefix),
    ...spec.env,
  }
  const command = { ...commandOf(spec), environment: toEnvironment(env), uris: toUris(spec.fetch), user: spec.user }
  const custom = spec.executor !== '' && spec.executor !== '//cmd'
  return defined<TaskInfo>({
    name: taskName(spec.id),
    task_id: { value: launch.taskId },
    agent_id: { value: launch.placement.agentId },
    resources: [...launch.resources],
    ...(custom
      ? {
          executor: {
            executor_id: { value: launch.executorId },
            command: defined({ ...command, shell: true, value: executorCommand(spec), arguments: undefined }),
          },
        }
      : { command: defined(command) }),
    container: containerInfo(spec, ports, launch.taskId),
    health_check: mesosHealthCheck(spec, ports),
    check: spec.check && toCheck(checkProbe(spec.check, ports), spec.check),
    kill_policy:
      spec.taskKillGracePeriodSeconds === undefined
        ? undefined
        : { grace_period: { nanoseconds: spec.taskKillGracePeriodSeconds * 1e9 } },
    labels: toLabels(spec.labels),
    discovery: {
      visibility: 'FRAMEWORK',
      name: taskName(spec.id),
      ports: { ports: announced(spec, ports) },
    },
    limits: toLimits(spec.resourceLimits),
  })
}

function commandOf(spec: App): { shell: boolean; value?: string; arguments?: string[] } {
  if (spec.cmd !== undefined) return { shell: true, value: spec.cmd }
  const [first, ...rest] = spec.args ?? []
  if (first === undefined) return { shell: false }
  const image = spec.container?.docker !== undefined
  return image
    ? { shell: false, arguments: spec.args as string[] }
    : { shell: false, value: first, arguments: [first, ...rest] }
}

const executorCommand = (spec: App): string => {
  const words = spec.cmd ?? (spec.args ?? []).join(' ')
  return `chmod ug+rx '${spec.executor}' && exec '${spec.executor}' ${words}`.trim()
}

function settlePorts(spec: App, launch: AppLaunch): AppPort[] {
  if (spec.networks.every(network => network.mode === 'host'))
    return (spec.portDefinitions ?? []).map((definition, index) => ({
      requested: definition.port,
      assigned: launch.hostPorts[index] ?? 0,
      hostPort: launch.hostPorts[index] ?? null,
      protocol: definition.protocol,
      labels: definition.labels,
      networkNames: [],
      ...(definition.name !== undefined && { name: definition.name }),
    }))
  const mappings = spec.container?.portMappings ?? []
  const taken = new Set(mappings.map((mapping, index) => mapping.containerPort || launch.hostPorts[index]))
  return mappings.map((mapping, index) => {
    const hostPort = launch.hostPorts[index] ?? null
    const containerPort = mapping.containerPort || (hostPort ?? freeContainerPort(taken, launch.draw))
    return {
      requested: mapping.containerPort,
      assigned: hostPort ?? containerPort,
      hostPort,
      containerPort,
      protocol: mapping.protocol,
      labels: mapping.labels,
      networkNames: mapping.networkNames ?? [],
      ...(mapping.name !== undefined && { name: mapping.name }),
    }
  })
}

/** Any that is not well known and that no other mapping of the container has (contract 10). */
function freeContainerPort(taken: Set<number | null | undefined>, draw: () => number): number {
  const [first, end] = [1025, 65_536]
  let port = first + Math.floor(draw() * (end - first))
  while (taken.has(port)) port = port + 1 < end ? port + 1 : first
  taken.add(port)
  return port
}

function contextVariables(launch: AppLaunch): Record<string, string> {
  const { spec, version } = launch.service
  return {
    MESOS_TASK_ID: launch.taskId,
    MARATHON_APP_ID: spec.id,
    MARATHON_APP_VERSION: version,
    ...(spec.container?.type === 'DOCKER' &&
      spec.container.docker && { MARATHON_APP_DOCKER_IMAGE: spec.container.docker.image }),
    MARATHON_APP_RESOURCE_CPUS: decimal(spec.cpus),
    MARATHON_APP_RESOURCE_MEM: decimal(spec.mem),
    MARATHON_APP_RESOURCE_DISK: decimal(spec.disk),
    MARATHON_APP_RESOURCE_GPUS: String(spec.gpus),
    MARATHON_APP_ENFORCE_GROUP_ROLE: launch.enforceRole ? 'TRUE' : 'FALSE',
    ...labelVariables('MARATHON_APP_', spec.labels),
  }
}

/** Doubles have always been written with a decimal point here. */
export const decimal = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value))

function containerInfo(spec: App, ports: readonly AppPort[], taskId: string): ContainerInfo | undefined {
  const { container } = spec
  const host = spec.networks.every(network => network.mode === 'host')
  if (container === undefined && host && spec.tty === undefined) return undefined
  const volumes = (container?.volumes ?? []).flatMap(volume =>
    volume.hostPath === undefined
      ? []
      : [{ container_path: volume.containerPath, host_path: volume.hostPath, mode: volume.mode ?? ('RW' as const) }],
  )
  const linux = toLinuxInfo(container?.linuxInfo)
  const more = { ...(spec.tty && { tty_info: {} }), ...(linux && { linux_info: linux }) }
  if (container?.type === 'DOCKER' && container.docker !== undefined)
    return {
      type: 'DOCKER',
      volumes,
      docker: dockerInfo(spec, ports, taskId),
      ...networkInfos(spec, []),
      ...more,
    }
  const docker = container?.docker
  return {
    type: 'MESOS',
    volumes,
    ...(docker && {
      mesos: { image: { type: 'DOCKER' as const, docker: { name: docker.image }, cached: !docker.forcePullImage } },
    }),
    ...networkInfos(spec, mappingsOf(ports)),
    ...more,
  }
}

const networkInfos = (spec: App, mappings: readonly Mapping[]): Pick<ContainerInfo, 'network_infos'> => {
  const docker = spec.container?.type === 'DOCKER'
  const networks = docker ? spec.networks.filter(network => network.mode === 'container') : spec.networks
  const infos = toNetworkInfos(networks, mappings)
  return infos.length === 0 ? {} : { network_infos: infos }
}

const mappingsOf = (ports: readonly AppPort[]): Mapping[] =>
  ports.flatMap(({ hostPort, containerPort, protocol, networkNames }) =>
    hostPort === null || containerPort === undefined
      ? []
      : [{ networkNames, hostPort, containerPort, protocols: protocol.split(',') }],
  )

const dockerModes = { host: 'HOST', 'container/bridge': 'BRIDGE', container: 'USER' } as const

function dockerInfo(spec: App, ports: readonly AppPort[], taskId: string): NonNullable<ContainerInfo['docker']> {
  const docker = spec.container?.docker
  const mappings = toPortMappings(mappingsOf(ports))
  return {
    image: docker?.image ?? '',
    network: dockerModes[spec.networks[0]?.mode ?? 'host'],
    privileged: docker?.privileged ?? false,
    force_pull_image: docker?.forcePullImage ?? false,
    parameters: [...(docker?.parameters ?? []), { key: 'label', value: `MESOS_TASK_ID=${taskId}` }],
    ...(mappings.length > 0 && { port_mappings: mappings }),
  }
}

function announced(spec: App, ports: readonly AppPort[]): Port[] {
  const network = spec.networks[0]
  return ports.flatMap(port => {
    const inside = network?.mode === 'container' && port.hostPort === null
    const number = inside ? (port.containerPort ?? 0) : (port.hostPort ?? 0)
    const scope = inside ? 'container' : 'host'
    const name = inside ? (port.networkNames[0] ?? network?.name) : undefined
    return discoveryPorts(number, port.protocol.split(','), port.name, port.labels, scope, name)
  })
}

/** The port as the task itself sees it: Mesos checks from inside the task's network. */
const innerPort = (port: AppPort | undefined): number => port?.containerPort ?? port?.hostPort ?? 0

function checkProbe(check: NonNullable<App['check']>, ports: readonly AppPort[]): Probe {
  if (check.exec !== undefined) return { kind: 'command', command: toCommand(check.exec.command) }
  const { port, portIndex } = check.http ?? check.tcp ?? {}
  const number = port ?? innerPort(ports[portIndex ?? 0])
  if (check.http === undefined) return { kind: 'tcp', port: number }
  return { kind: 'http', scheme: check.http.scheme, port: number, path: check.http.path ?? '/' }
}

/** The one health check that the agent runs: MESOS_* and COMMAND. The others are run by Marathon itself. */
function mesosHealthCheck(spec: App, ports: readonly AppPort[]): TaskInfo['health_check'] {
  const check = spec.healthChecks.find(runsOnAgent)
  if (check === undefined) return undefined
  const port = check.port ?? innerPort(ports[check.portIndex ?? 0])
  const ipv6 = check.ipProtocol === 'IPv6'
  if (check.protocol === 'COMMAND')
    return toHealthCheck({ kind: 'command', command: { shell: true, value: check.command?.value ?? '' } }, check)
  if (check.protocol === 'MESOS_TCP') return toHealthCheck({ kind: 'tcp', port, ipv6 }, check)
  const scheme = check.protocol === 'MESOS_HTTPS' ? 'https' : 'http'
  return toHealthCheck({ kind: 'http', scheme, port, path: check.path ?? '/', ipv6 }, check)
}

export const runsOnAgent = (check: AppHealthCheck): boolean =>
  check.protocol === 'COMMAND' || check.protocol.startsWith('MESOS_')
