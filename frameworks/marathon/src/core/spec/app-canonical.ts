import type { App, Container, Network, PortDefinition, PortMapping, Settings, UpgradeStrategy } from '../model.ts'
import { type PathId, parentOf, resolvePath, segmentsOf } from '../paths.ts'
import { defined } from '../shape.ts'
import type { AppUpdate } from './app-legacy.ts'

const isResident = (container: Container | undefined): boolean =>
  (container?.volumes ?? []).some(volume => volume.persistent !== undefined)

const hasExternal = (container: Container | undefined): boolean =>
  (container?.volumes ?? []).some(volume => volume.external !== undefined)

/**
 * An app with all that was left out filled in (contract 3 and 4), over `base` where it changes a known app.
 * The role is settled later, by the groups it is in.
 */
export function completeApp(id: PathId, update: AppUpdate, settings: Settings, base?: App): App {
  const merged = base === undefined ? update : mergeApp(base, update)
  const resident = isResident(merged.container)
  const networks = completeNetworks(merged.networks, settings)
  const host = networks.every(network => network.mode === 'host')
  const container = completeContainer(merged.container, networks)
  return defined<App>({
    id,
    cmd: merged.cmd,
    args: merged.args,
    instances: merged.instances ?? 1,
    cpus: merged.cpus ?? 1,
    mem: merged.mem ?? 128,
    disk: merged.disk ?? 0,
    gpus: merged.gpus ?? 0,
    resourceLimits: merged.resourceLimits,
    executor: merged.executor ?? '',
    executorResources: merged.executorResources,
    env: merged.env ?? {},
    secrets: merged.secrets,
    labels: merged.labels ?? {},
    constraints: (merged.constraints ?? []).map(upperOperator),
    acceptedResourceRoles: merged.acceptedResourceRoles,
    dependencies: [...new Set((merged.dependencies ?? []).map(one => resolvePath(one, parentOf(id))))],
    container,
    networks,
    portDefinitions: host ? completeDefinitions(merged.portDefinitions) : merged.portDefinitions,
    requirePorts: host && (merged.requirePorts ?? false),
    healthChecks: merged.healthChecks ?? [],
    check: merged.check,
    readinessChecks: merged.readinessChecks ?? [],
    fetch: merged.fetch ?? [],
    upgradeStrategy: merged.upgradeStrategy ?? defaultUpgrade(resident || hasExternal(container)),
    backoffSeconds: merged.backoffSeconds ?? 1,
    backoffFactor: merged.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: merged.maxLaunchDelaySeconds ?? 300,
    killSelection: merged.killSelection ?? 'YOUNGEST_FIRST',
    unreachableStrategy:
      merged.unreachableStrategy ?? (resident ? 'disabled' : { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 }),
    tty: merged.tty,
    taskKillGracePeriodSeconds: merged.taskKillGracePeriodSeconds,
    residency: merged.residency ?? (resident ? defaultResidency : undefined),
    role: merged.role ?? '',
    user: merged.user,
  })
}

const defaultResidency = { relaunchEscalationTimeoutSeconds: 3600, taskLostBehavior: 'WAIT_FOREVER' }

const defaultUpgrade = (stateful: boolean): UpgradeStrategy =>
  stateful
    ? { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 }
    : { minimumHealthCapacity: 1, maximumOverCapacity: 1 }

const upperOperator = (constraint: readonly string[]): string[] =>
  constraint.map((part, index) => (index === 1 ? part.toUpperCase() : part))

/** A partial change: what is given replaces what was; two fields are cleared when left out (contract 3). */
function mergeApp(base: App, update: AppUpdate): AppUpdate {
  const { resourceLimits: _limits, executorResources: _executor, ...kept } = base
  const merged: AppUpdate = { ...kept, ...update }
  if (update.cmd !== undefined && update.args === undefined) delete merged.args
  if (update.args !== undefined && update.cmd === undefined) delete merged.cmd
  const toHost = update.networks?.every(network => network.mode === 'host')
  if (toHost === false && update.portDefinitions === undefined) delete merged.portDefinitions
  if (toHost === true && update.container === undefined && merged.container !== undefined) {
    const { portMappings: _mappings, ...container } = merged.container
    merged.container = container
  }
  return merged
}

/** Nothing given means the host's network; a container network takes the default name. */
export function completeNetworks(networks: readonly Network[] | undefined, settings: Settings): Network[] {
  if (networks === undefined || networks.length === 0) return [{ mode: 'host' }]
  return networks.map(network =>
    defined<Network>({
      mode: network.mode,
      name: network.mode === 'container' ? (network.name ?? settings.defaultNetworkName) : network.name,
      labels: network.labels !== undefined && Object.keys(network.labels).length > 0 ? network.labels : undefined,
    }),
  )
}

function completeContainer(container: Container | undefined, networks: readonly Network[]): Container | undefined {
  const host = networks.every(network => network.mode === 'host')
  if (host) return container
  const bridge = networks.some(network => network.mode === 'container/bridge')
  const complete = (mapping: PortMapping): PortMapping =>
    bridge && mapping.hostPort === undefined ? { ...mapping, hostPort: 0 } : mapping
  const base = container ?? { type: 'MESOS' as const, volumes: [] }
  const mappings = base.portMappings ?? [
    { containerPort: 0, servicePort: 0, protocol: 'tcp', name: 'default', labels: {} },
  ]
  return { ...base, portMappings: mappings.map(complete) }
}

const completeDefinitions = (definitions: readonly PortDefinition[] | undefined): PortDefinition[] =>
  definitions === undefined ? [{ port: 0, protocol: 'tcp', name: 'default', labels: {} }] : [...definitions]

/** The role of a service by its place (contract 12): below a top group that enforces it, the group's name. */
export function settleRole(id: PathId, asked: string, enforce: boolean, settings: Settings): string {
  if (asked !== '') return asked
  const [top, second] = segmentsOf(id)
  return enforce && second !== undefined && top !== undefined ? top : settings.mesosRole
}
