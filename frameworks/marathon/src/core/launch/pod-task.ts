import type {
  CommandInfo,
  ContainerInfo,
  ExecutorInfo,
  Resource,
  TaskInfo,
  Volume,
} from '@meseta/common/protocol/mesos'
import type { Placement } from '../instance.ts'
import type { EnvValue, Pod, PodContainer, PodHealthCheck, PodService } from '../model.ts'
import { taskName } from '../paths.ts'
import { defined } from '../shape.ts'
import { decimal } from './app-task.ts'
import { endpointVariables, labelVariables, toEnvironment } from './env.ts'
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
  toUris,
} from './mesos-parts.ts'

export interface PodLaunch {
  readonly service: PodService
  readonly frameworkId: string
  readonly executorId: string
  readonly placement: Placement
  readonly executorResources: readonly Resource[]
  readonly tasks: readonly {
    readonly id: string
    readonly container: PodContainer
    readonly resources: readonly Resource[]
    readonly hostPorts: readonly (number | null)[]
  }[]
  readonly enforceRole: boolean
}

interface Endpoint {
  readonly name: string
  readonly hostPort: number | null
  readonly containerPort: number | undefined
}

/** The executor and the tasks of one pod instance: one LAUNCH_GROUP (contract 8 and 10). */
export function buildPod(launch: PodLaunch): { executor: ExecutorInfo; tasks: TaskInfo[] } {
  const { spec } = launch.service
  const endpoints: Endpoint[] = launch.tasks.flatMap(task =>
    task.container.endpoints.map((endpoint, index) => ({
      name: endpoint.name,
      hostPort: task.hostPorts[index] ?? null,
      containerPort: endpoint.containerPort === 0 ? (task.hostPorts[index] ?? undefined) : endpoint.containerPort,
    })),
  )
  const mappings = launch.tasks.flatMap(task =>
    task.container.endpoints.flatMap((endpoint, index): Mapping[] => {
      const hostPort = task.hostPorts[index]
      if (hostPort === null || hostPort === undefined || endpoint.containerPort === undefined) return []
      const containerPort = endpoint.containerPort || hostPort
      return [{ networkNames: endpoint.networkNames ?? [], hostPort, containerPort, protocols: endpoint.protocol }]
    }),
  )
  const networks = toNetworkInfos(spec.networks, mappings)
  const linux = toLinuxInfo(spec.linuxInfo)
  const executor: ExecutorInfo = {
    type: 'DEFAULT',
    executor_id: { value: launch.executorId },
    framework_id: { value: launch.frameworkId },
    resources: [...launch.executorResources],
    ...(toLabels(spec.labels) && { labels: toLabels(spec.labels) }),
    ...((networks.length > 0 || linux) && {
      container: {
        type: 'MESOS' as const,
        ...(networks.length > 0 && { network_infos: networks }),
        ...(linux && { linux_info: linux }),
      },
    }),
  }
  return { executor, tasks: launch.tasks.map(task => buildTask(launch, task, endpoints)) }
}

function buildTask(launch: PodLaunch, task: PodLaunch['tasks'][number], endpoints: readonly Endpoint[]): TaskInfo {
  const { spec } = launch.service
  const { container } = task
  const env: Record<string, EnvValue> = {
    ...spec.environment,
    ...container.environment,
    ...contextVariables(launch, task),
    ...endpointVariables(endpoints),
  }
  const inner = (name: string): number => {
    const found = endpoints.find(endpoint => endpoint.name === name)
    return found?.containerPort ?? found?.hostPort ?? 0
  }
  const { healthCheck, check } = container
  return defined<TaskInfo>({
    name: container.name,
    task_id: { value: task.id },
    agent_id: { value: launch.placement.agentId },
    resources: [...task.resources],
    command: defined({
      ...commandOf(container),
      environment: toEnvironment(env),
      uris: toUris(container.artifacts),
      user: container.user ?? spec.user,
    }),
    container: containerInfo(spec, container),
    health_check: healthCheck && toHealthCheck(probeOf(healthCheck, inner), healthCheck),
    check: check && toCheck(probeOf(check, inner), check),
    kill_policy:
      container.lifecycle?.killGracePeriodSeconds === undefined
        ? undefined
        : { grace_period: { nanoseconds: Math.round(container.lifecycle.killGracePeriodSeconds * 1e9) } },
    labels: toLabels({ ...spec.labels, ...container.labels }),
    discovery: {
      visibility: 'FRAMEWORK',
      name: taskName(spec.id),
      ports: { ports: announced(spec, container, task.hostPorts) },
    },
    limits: toLimits(container.resourceLimits),
  })
}

/** A shell replaces the entry point of an image; arguments do where that is asked for, and are given to it otherwise. */
function commandOf({ exec, image }: PodContainer): CommandInfo {
  if (exec === undefined) return { shell: false }
  const command = toCommand(exec.command)
  if (command.shell || image === undefined || exec.overrideEntrypoint) return command
  const { value: _entryPoint, ...given } = command
  return given
}

function announced(spec: Pod, container: PodContainer, hostPorts: readonly (number | null)[]) {
  const network = spec.networks[0]
  return container.endpoints.flatMap((endpoint, index) => {
    const host = hostPorts[index] ?? null
    const inside = network?.mode === 'container' && host === null
    const number = host ?? endpoint.containerPort ?? 0
    const name = inside ? (endpoint.networkNames?.[0] ?? network?.name) : undefined
    return discoveryPorts(
      number,
      endpoint.protocol,
      endpoint.name,
      endpoint.labels,
      inside ? 'container' : 'host',
      name,
    )
  })
}

function contextVariables(launch: PodLaunch, task: PodLaunch['tasks'][number]): Record<string, string> {
  const { spec, version } = launch.service
  const { resources } = task.container
  return {
    MESOS_TASK_ID: task.id,
    MESOS_EXECUTOR_ID: launch.executorId,
    MARATHON_APP_ID: spec.id,
    MARATHON_APP_VERSION: version,
    MARATHON_CONTAINER_ID: task.container.name,
    MARATHON_CONTAINER_RESOURCE_CPUS: decimal(resources.cpus),
    MARATHON_CONTAINER_RESOURCE_MEM: decimal(resources.mem),
    MARATHON_CONTAINER_RESOURCE_DISK: decimal(resources.disk),
    MARATHON_CONTAINER_RESOURCE_GPUS: String(resources.gpus),
    MARATHON_APP_ENFORCE_GROUP_ROLE: launch.enforceRole ? 'TRUE' : 'FALSE',
    HOST: launch.placement.hostname,
    ...labelVariables('MARATHON_APP_', { ...spec.labels, ...task.container.labels }),
  }
}

function probeOf(check: PodHealthCheck, port: (endpoint: string) => number): Probe {
  if (check.exec !== undefined) return { kind: 'command', command: toCommand(check.exec.command) }
  if (check.tcp !== undefined) return { kind: 'tcp', port: port(check.tcp.endpoint) }
  const { endpoint, path, scheme } = check.http ?? { endpoint: '', scheme: 'HTTP' }
  return { kind: 'http', scheme, port: port(endpoint), path: path ?? '/' }
}

/** Ephemeral volumes are folders of the pod's sandbox, shared by its containers (contract 8). */
function containerInfo(spec: Pod, container: PodContainer): ContainerInfo | undefined {
  const volumes = container.volumeMounts.flatMap((mount): Volume[] => {
    const volume = spec.volumes.find(one => one.name === mount.name)
    if (volume === undefined) return []
    const mode = mount.readOnly ? ('RO' as const) : ('RW' as const)
    if (volume.host !== undefined) return [{ container_path: mount.mountPath, host_path: volume.host, mode }]
    const source = {
      type: 'SANDBOX_PATH' as const,
      sandbox_path: { type: 'PARENT' as const, path: `volumes/${volume.name}` },
    }
    return [{ container_path: mount.mountPath, mode, source }]
  })
  const { image } = container
  const linux = toLinuxInfo(container.linuxInfo, sharesCgroups(spec))
  if (volumes.length === 0 && image === undefined && !container.tty && linux === undefined) return undefined
  return {
    type: 'MESOS',
    volumes,
    ...(image && {
      mesos: { image: { type: 'DOCKER' as const, docker: { name: image.id }, cached: !image.forcePull } },
    }),
    ...(container.tty && { tty_info: {} }),
    ...(linux && { linux_info: linux }),
  }
}

/** All containers of a pod or none; limits need cgroups of their own. Undefined: what the agent does unasked. */
const sharesCgroups = (spec: Pod): boolean | undefined =>
  spec.containers.some(one => one.resourceLimits !== undefined) ? false : spec.legacySharedCgroups
