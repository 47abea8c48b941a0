import type { Problems } from '../errors.ts'
import type { Pod, PodContainer, PodEndpoint, PodHealthCheck, PodVolume, Settings } from '../model.ts'
import { resolveId } from '../paths.ts'
import { choice, defined, type Fields, flag, integer, list, number, object, type Read, text } from '../shape.ts'
import { completeNetworks } from './app-canonical.ts'
import {
  environment,
  execCommand,
  executorResources,
  fetchItem,
  killSelection,
  labels,
  linuxInfo,
  network,
  persistent,
  resourceLimits,
  secrets,
  unreachableStrategy,
  upgradeStrategy,
} from './common-shape.ts'

const endpoint: Read<PodEndpoint> = object(fields => {
  const name = fields.need('name', text)
  if (name === undefined) return undefined
  return defined<PodEndpoint>({
    name,
    containerPort: fields.read('containerPort', integer),
    hostPort: fields.read('hostPort', integer),
    protocol: fields.read('protocol', list(text)) ?? ['tcp'],
    labels: fields.read('labels', labels) ?? {},
    networkNames: fields.read('networkNames', list(text)),
  })
})

const healthCheck: Read<PodHealthCheck> = object(fields =>
  defined<PodHealthCheck>({
    http: fields.read(
      'http',
      object(inner => {
        const name = inner.need('endpoint', text)
        if (name === undefined) return undefined
        return defined({
          endpoint: name,
          path: inner.read('path', text),
          scheme: inner.read('scheme', choice(['HTTP', 'HTTPS'])) ?? ('HTTP' as const),
        })
      }),
    ),
    tcp: fields.read(
      'tcp',
      object(inner => {
        const name = inner.need('endpoint', text)
        return name === undefined ? undefined : { endpoint: name }
      }),
    ),
    exec: fields.read('exec', execCommand),
    gracePeriodSeconds: fields.read('gracePeriodSeconds', integer) ?? 300,
    intervalSeconds: fields.read('intervalSeconds', integer) ?? 60,
    maxConsecutiveFailures: fields.read('maxConsecutiveFailures', integer) ?? 3,
    timeoutSeconds: fields.read('timeoutSeconds', integer) ?? 20,
    delaySeconds: fields.read('delaySeconds', integer) ?? 15,
  }),
)

const image = object(fields => {
  const id = fields.need('id', text)
  if (id === undefined) return undefined
  return defined({
    kind: fields.need('kind', choice(['DOCKER'])) ?? ('DOCKER' as const),
    id,
    forcePull: fields.read('forcePull', flag) ?? false,
    pullConfig: fields.read(
      'pullConfig',
      object(pull => {
        const secret = pull.need('secret', text)
        return secret === undefined ? undefined : { secret }
      }),
    ),
    labels: fields.read('labels', labels),
  })
})

const exec: Read<NonNullable<PodContainer['exec']>> = object(fields => {
  const read = execCommand({ command: fields.raw('command') }, fields.path, fields.problems)
  return read && defined({ ...read, overrideEntrypoint: fields.read('overrideEntrypoint', flag) })
})

const resources = object(fields => ({
  cpus: fields.need('cpus', number) ?? 0,
  mem: fields.need('mem', number) ?? 0,
  disk: fields.read('disk', number) ?? 0,
  gpus: fields.read('gpus', integer) ?? 0,
}))

const volumeMount = object(fields => {
  const name = fields.need('name', text)
  const mountPath = fields.need('mountPath', text)
  if (name === undefined || mountPath === undefined) return undefined
  return defined({ name, mountPath, readOnly: fields.read('readOnly', flag) })
})

const container: Read<PodContainer> = object(fields => {
  const name = fields.need('name', text)
  const needs = fields.need('resources', resources)
  if (name === undefined || needs === undefined) return undefined
  return defined<PodContainer>({
    name,
    exec: fields.read('exec', exec),
    resources: needs,
    resourceLimits: fields.read('resourceLimits', resourceLimits),
    endpoints: fields.read('endpoints', list(endpoint)) ?? [],
    image: fields.read('image', image),
    environment: fields.read('environment', environment) ?? {},
    user: fields.read('user', text),
    healthCheck: fields.read('healthCheck', healthCheck),
    check: fields.read('check', healthCheck),
    volumeMounts: fields.read('volumeMounts', list(volumeMount)) ?? [],
    artifacts: fields.read('artifacts', list(fetchItem)) ?? [],
    labels: fields.read('labels', labels) ?? {},
    lifecycle: fields.read(
      'lifecycle',
      object(inner => defined({ killGracePeriodSeconds: inner.read('killGracePeriodSeconds', number) })),
    ),
    tty: fields.read('tty', flag),
    linuxInfo: fields.read('linuxInfo', linuxInfo),
  })
})

const volume: Read<PodVolume> = object(fields => {
  const name = fields.need('name', text)
  if (name === undefined) return undefined
  return defined<PodVolume>({
    name,
    host: fields.read('host', text),
    secret: fields.read('secret', text),
    persistent: fields.read('persistent', persistent),
  })
})

const scaling: Read<Pod['scaling']> = object(fields =>
  defined({
    kind: fields.need('kind', choice(['fixed'])) ?? ('fixed' as const),
    instances: fields.read('instances', integer) ?? 1,
    maxInstances: fields.read('maxInstances', integer),
  }),
)

/** Old clients send the value of a constraint as text, new ones may send a number. */
const constraint = object(fields => {
  const fieldName = fields.need('fieldName', text)
  const operator = fields.need('operator', text)
  if (fieldName === undefined || operator === undefined) return undefined
  return defined({ fieldName, operator: operator.toUpperCase(), value: fields.read('value', text) })
})

const backoff = object(fields => ({
  backoff: fields.read('backoff', number) ?? 1,
  backoffFactor: fields.read('backoffFactor', number) ?? 1.15,
  maxLaunchDelay: fields.read('maxLaunchDelay', number) ?? 300,
}))

const placement = object(fields => ({
  constraints: fields.read('constraints', list(constraint)) ?? [],
  acceptedResourceRoles: fields.read('acceptedResourceRoles', list(text)) ?? [],
}))

function readScheduling(fields: Fields, resident: boolean): Pod['scheduling'] {
  const read = fields.read(
    'scheduling',
    object(inner => ({
      backoff: inner.read('backoff', backoff),
      upgrade: inner.read('upgrade', upgradeStrategy),
      placement: inner.read('placement', placement),
      killSelection: inner.read('killSelection', killSelection),
      unreachableStrategy: inner.read('unreachableStrategy', unreachableStrategy),
    })),
  )
  return {
    backoff: read?.backoff ?? { backoff: 1, backoffFactor: 1.15, maxLaunchDelay: 300 },
    upgrade: resident
      ? { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 }
      : (read?.upgrade ?? { minimumHealthCapacity: 1, maximumOverCapacity: 1 }),
    placement: read?.placement ?? { constraints: [], acceptedResourceRoles: [] },
    killSelection: read?.killSelection ?? 'YOUNGEST_FIRST',
    unreachableStrategy: resident
      ? 'disabled'
      : (read?.unreachableStrategy ?? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 }),
  }
}

/** Reads a pod (contract 8) and fills in what was left out; its role is settled later, by the groups it is in. */
export function readPod(value: unknown, path: string, problems: Problems, settings: Settings): Pod | undefined {
  return object<Pod>(fields => {
    const id = fields.need('id', text)
    const containers = fields.need('containers', list(container, 100))
    const volumes = fields.read('volumes', list(volume)) ?? []
    const networks = completeNetworks(fields.read('networks', list(network)), settings)
    if (id === undefined || containers === undefined) return undefined
    const host = networks.every(one => one.mode === 'host')
    const bridge = networks.some(one => one.mode === 'container/bridge')
    return defined<Pod>({
      id: resolveId(id),
      labels: fields.read('labels', labels) ?? {},
      user: fields.read('user', text),
      environment: fields.read('environment', environment) ?? {},
      role: fields.read('role', text) ?? '',
      secrets: fields.read('secrets', secrets),
      linuxInfo: fields.read('linuxInfo', linuxInfo),
      legacySharedCgroups: fields.read('legacySharedCgroups', flag),
      executorResources: fields.read('executorResources', executorResources) ?? { cpus: 0.1, mem: 32, disk: 10 },
      volumes,
      networks,
      containers: containers.map(one => ({
        ...one,
        endpoints: one.endpoints.map(port =>
          (host || bridge) && port.hostPort === undefined ? { ...port, hostPort: 0 } : port,
        ),
      })),
      scaling: fields.read('scaling', scaling) ?? { kind: 'fixed', instances: 1 },
      scheduling: readScheduling(
        fields,
        volumes.some(one => one.persistent !== undefined),
      ),
    })
  })(value, path, problems)
}
