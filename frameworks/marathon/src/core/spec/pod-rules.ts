import type { Problems } from '../errors.ts'
import type { Pod, PodContainer, PodEndpoint, Settings } from '../model.ts'
import { checkServiceId } from '../paths.ts'
import { checkAcceptedRoles } from './app-rules.ts'
import { checkConstraint } from './constraint-rules.ts'
import { Rules } from './rules.ts'

const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const variable = /^[a-zA-Z_][a-zA-Z0-9_]{0,253}$/

/** The rules of contract 8 for a complete pod. */
export function checkPod(pod: Pod, path: string, settings: Settings, problems: Problems): void {
  const rules = new Rules(problems)
  checkServiceId(pod.id, `${path}/id`, problems)
  rules.environment(`${path}/environment`, pod.environment, pod.secrets, variable)
  rules.secrets(`${path}/secrets`, pod.secrets, settings.features)
  rules.executorResources(`${path}/executorResources`, pod.executorResources)
  rules.networks(`${path}/networks`, pod.networks)
  rules.atLeast(`${path}/scaling/instances`, pod.scaling.instances, 0)
  checkScheduling(rules, `${path}/scheduling`, pod)
  checkContainers(rules, `${path}/containers`, pod, settings)
  checkVolumes(rules, path, pod)
}

function checkScheduling(rules: Rules, at: string, pod: Pod): void {
  const { backoff, upgrade, placement, unreachableStrategy } = pod.scheduling
  rules.backoff(
    `${at}/backoff`,
    ['backoff', 'backoffFactor', 'maxLaunchDelay'],
    [backoff.backoff, backoff.backoffFactor, backoff.maxLaunchDelay],
  )
  rules.upgrade(`${at}/upgrade`, upgrade)
  rules.unreachable(`${at}/unreachableStrategy`, unreachableStrategy, false)
  for (const [index, one] of placement.constraints.entries()) {
    const constraint =
      one.value === undefined ? [one.fieldName, one.operator] : [one.fieldName, one.operator, one.value]
    checkConstraint(rules, `${at}/placement/constraints(${index})`, constraint)
  }
  if (placement.acceptedResourceRoles.length > 0)
    checkAcceptedRoles(rules, `${at}/placement/acceptedResourceRoles`, placement.acceptedResourceRoles, pod.role)
}

function checkContainers(rules: Rules, at: string, pod: Pod, settings: Settings): void {
  if (pod.containers.length === 0) rules.fail(at, 'must have at least one container')
  rules.unique(
    at,
    pod.containers.map(one => one.name),
    'container names',
  )
  const endpoints = pod.containers.flatMap(one => one.endpoints)
  rules.unique(
    at,
    endpoints.map(one => one.name),
    'endpoint names',
  )
  rules.unique(
    at,
    endpoints.map(one => one.hostPort || undefined),
    'host ports',
  )
  rules.unique(
    at,
    endpoints.map(one => one.containerPort || undefined),
    'container ports',
  )
  for (const [index, container] of pod.containers.entries())
    checkContainer(rules, `${at}(${index})`, container, pod, settings, endpoints)
}

function checkContainer(
  rules: Rules,
  at: string,
  container: PodContainer,
  pod: Pod,
  settings: Settings,
  endpoints: readonly PodEndpoint[],
): void {
  if (container.name.length > 63 || !name.test(container.name))
    rules.fail(`${at}/name`, `must have at most 63 characters and fully match '${name.source}'`)
  const { resources } = container
  rules.atLeast(`${at}/resources/cpus`, resources.cpus, 0.001)
  for (const key of ['mem', 'disk', 'gpus'] as const) rules.atLeast(`${at}/resources/${key}`, resources[key], 0)
  if (resources.gpus > 0 && !settings.features.has('gpu_resources'))
    rules.fail(
      `${at}/resources/gpus`,
      'Feature gpu_resources is not enabled. Enable with --enable_features gpu_resources',
    )
  if (container.resourceLimits !== undefined && pod.legacySharedCgroups)
    rules.fail(`${at}/resourceLimits`, 'are not allowed with legacySharedCgroups')
  rules.limits(`${at}/resourceLimits`, container.resourceLimits, resources)
  rules.environment(`${at}/environment`, container.environment, pod.secrets, variable)
  rules.fetch(`${at}/artifacts`, container.artifacts)
  if (container.image !== undefined && container.image.id === '') rules.fail(`${at}/image/id`, 'must not be empty')
  const pull = container.image?.pullConfig?.secret
  if (pull !== undefined && !Object.hasOwn(pod.secrets ?? {}, pull))
    rules.fail(`${at}/image/pullConfig/secret`, `must be a defined secret: '${pull}' is not in 'secrets'`)
  for (const [index, endpoint] of container.endpoints.entries())
    checkEndpoint(rules, `${at}/endpoints(${index})`, endpoint, pod)
  checkHealth(rules, at, container, endpoints)
  rules.seconds(`${at}/lifecycle/killGracePeriodSeconds`, container.lifecycle?.killGracePeriodSeconds)
  for (const [index, mount] of container.volumeMounts.entries()) {
    if (!pod.volumes.some(volume => volume.name === mount.name))
      rules.fail(`${at}/volumeMounts(${index})/name`, `must name a volume of this pod: '${mount.name}' is none`)
    if (mount.mountPath === '') rules.fail(`${at}/volumeMounts(${index})/mountPath`, 'must not be empty')
  }
}

function checkEndpoint(rules: Rules, at: string, endpoint: PodEndpoint, pod: Pod): void {
  const host = pod.networks.every(network => network.mode === 'host')
  if (!name.test(endpoint.name) || endpoint.name.length > 63)
    rules.fail(`${at}/name`, `must fully match '${name.source}'`)
  rules.between(`${at}/hostPort`, endpoint.hostPort, 0, 65535)
  rules.between(`${at}/containerPort`, endpoint.containerPort, 0, 65535)
  if (host && endpoint.containerPort !== undefined)
    rules.fail(`${at}/containerPort`, 'is not allowed with networking mode host')
  if (!host && endpoint.containerPort === undefined)
    rules.fail(`${at}/containerPort`, 'is required with a container network')
  if (endpoint.protocol.length === 0) rules.fail(`${at}/protocol`, 'must not be empty')
  for (const network of endpoint.networkNames ?? [])
    if (!pod.networks.some(one => one.name === network))
      rules.fail(`${at}/networkNames`, `must name a network of this pod: '${network}' is none`)
}

function checkHealth(rules: Rules, at: string, container: PodContainer, endpoints: readonly PodEndpoint[]): void {
  for (const key of ['healthCheck', 'check'] as const) {
    const check = container[key]
    if (check === undefined) continue
    const kinds = [check.http, check.tcp, check.exec].filter(kind => kind !== undefined)
    if (kinds.length !== 1) rules.fail(`${at}/${key}`, 'must have exactly one of http, tcp and exec')
    const endpoint = check.http?.endpoint ?? check.tcp?.endpoint
    const kind = check.http === undefined ? 'tcp' : 'http'
    if (endpoint !== undefined && !endpoints.some(one => one.name === endpoint))
      rules.fail(`${at}/${key}/${kind}/endpoint`, `must name an endpoint of this pod: '${endpoint}' is none`)
    for (const time of ['gracePeriodSeconds', 'intervalSeconds', 'timeoutSeconds', 'delaySeconds'] as const)
      rules.seconds(`${at}/${key}/${time}`, check[time])
    rules.atLeast(`${at}/${key}/maxConsecutiveFailures`, check.maxConsecutiveFailures, 0)
    if (check.timeoutSeconds >= check.intervalSeconds)
      rules.fail(
        `${at}/${key}/timeoutSeconds`,
        `got ${check.timeoutSeconds}, expected less than the interval ${check.intervalSeconds}`,
      )
  }
}

function checkVolumes(rules: Rules, path: string, pod: Pod): void {
  rules.unique(
    `${path}/volumes`,
    pod.volumes.map(one => one.name),
    'volume names',
  )
  for (const [index, volume] of pod.volumes.entries()) {
    const at = `${path}/volumes(${index})`
    const kinds = [volume.host, volume.secret, volume.persistent].filter(kind => kind !== undefined)
    if (kinds.length > 1) rules.fail(at, 'must have at most one of host, secret and persistent')
    if (volume.secret !== undefined && !Object.hasOwn(pod.secrets ?? {}, volume.secret))
      rules.fail(`${at}/secret`, `must be a defined secret: '${volume.secret}' is not in 'secrets'`)
    if (volume.persistent !== undefined) rules.persistent(`${at}/persistent`, volume.persistent)
    const mounted = pod.containers.some(one => one.volumeMounts.some(mount => mount.name === volume.name))
    if (!mounted) rules.fail(at, `volume '${volume.name}' must be mounted by at least one container`)
  }
}
