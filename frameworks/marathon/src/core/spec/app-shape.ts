import type { Problems } from '../errors.ts'
import type { App, PortDefinition } from '../model.ts'
import {
  choice,
  defined,
  dictionary,
  type Fields,
  flag,
  integer,
  list,
  number,
  object,
  type Read,
  text,
} from '../shape.ts'
import { check, healthCheck, readinessCheck } from './checks-shape.ts'
import {
  environment,
  executorResources,
  fetchItem,
  killSelection,
  labels,
  network,
  resourceLimits,
  secrets,
  unreachableStrategy,
  upgradeStrategy,
} from './common-shape.ts'
import { type ContainerBody, containerBody, protocol } from './container-shape.ts'

export interface IpAddress {
  networkName?: string
  labels: Record<string, string>
  discoveryPorts: { number: number; name: string; protocol: string; labels: Record<string, string> }[]
}

/** An app as it was sent: every field optional, old forms beside new ones, nothing defaulted that a merge must see. */
export interface AppBody extends Partial<Omit<App, 'container'>> {
  container?: ContainerBody
  uris?: string[]
  ports?: number[]
  ipAddress?: IpAddress
  version?: string
  /** The names of all fields given, for the rule that a version stands alone. */
  given: readonly string[]
}

const portDefinition: Read<PortDefinition> = object(fields =>
  defined<PortDefinition>({
    port: fields.read('port', integer) ?? 0,
    protocol: fields.read('protocol', protocol) ?? 'tcp',
    name: fields.read('name', text),
    labels: fields.read('labels', labels) ?? {},
  }),
)

const ipAddress: Read<IpAddress> = object(fields => {
  const ports = fields.read(
    'discovery',
    object(inner =>
      inner.read(
        'ports',
        list(
          object(port => {
            const number = port.need('number', integer)
            const name = port.need('name', text)
            if (number === undefined || name === undefined) return undefined
            return {
              number,
              name,
              protocol: port.read('protocol', choice(['tcp', 'udp'])) ?? 'tcp',
              labels: port.read('labels', labels) ?? {},
            }
          }),
        ),
      ),
    ),
  )
  return defined<IpAddress>({
    networkName: fields.read('networkName', text),
    labels: fields.read('labels', labels) ?? {},
    discoveryPorts: ports ?? [],
  })
})

const residency = object(fields => ({
  relaunchEscalationTimeoutSeconds: fields.read('relaunchEscalationTimeoutSeconds', integer) ?? 3600,
  taskLostBehavior:
    fields.read('taskLostBehavior', choice(['WAIT_FOREVER', 'RELAUNCH_AFTER_TIMEOUT'])) ?? 'WAIT_FOREVER',
}))

const fieldNames = [
  'cmd',
  'args',
  'instances',
  'cpus',
  'mem',
  'disk',
  'gpus',
  'resourceLimits',
  'executor',
  'executorResources',
  'env',
  'secrets',
  'labels',
  'constraints',
  'acceptedResourceRoles',
  'dependencies',
  'container',
  'networks',
  'portDefinitions',
  'requirePorts',
  'healthChecks',
  'check',
  'readinessChecks',
  'fetch',
  'upgradeStrategy',
  'backoffSeconds',
  'backoffFactor',
  'maxLaunchDelaySeconds',
  'killSelection',
  'unreachableStrategy',
  'tty',
  'taskKillGracePeriodSeconds',
  'residency',
  'role',
  'user',
  'uris',
  'ports',
  'ipAddress',
]

/** Reads the fields of an app (contract 3 and 4). What is wrong with their types is noted in `fields.problems`. */
export function readApp(fields: Fields): AppBody {
  refuseJob(fields)
  return defined<AppBody>({
    id: fields.read('id', text),
    cmd: fields.read('cmd', text),
    args: fields.read('args', list(text)),
    instances: fields.read('instances', integer),
    cpus: fields.read('cpus', number),
    mem: fields.read('mem', number),
    disk: fields.read('disk', number),
    gpus: fields.read('gpus', integer),
    resourceLimits: fields.read('resourceLimits', resourceLimits),
    executor: fields.read('executor', text),
    executorResources: fields.read('executorResources', executorResources),
    env: fields.read('env', environment),
    secrets: fields.read('secrets', secrets),
    labels: fields.read('labels', dictionary(text)),
    constraints: fields.read('constraints', list(list(text, 3))),
    acceptedResourceRoles: fields.read('acceptedResourceRoles', list(text)),
    dependencies: fields.read('dependencies', list(text)),
    container: fields.read('container', containerBody),
    networks: fields.read('networks', list(network)),
    portDefinitions: fields.read('portDefinitions', list(portDefinition)),
    requirePorts: fields.read('requirePorts', flag),
    healthChecks: fields.read('healthChecks', list(healthCheck)),
    check: fields.read('check', check),
    readinessChecks: fields.read('readinessChecks', list(readinessCheck)),
    fetch: fields.read('fetch', list(fetchItem)),
    upgradeStrategy: fields.read('upgradeStrategy', upgradeStrategy),
    backoffSeconds: fields.read('backoffSeconds', number),
    backoffFactor: fields.read('backoffFactor', number),
    maxLaunchDelaySeconds: fields.read('maxLaunchDelaySeconds', number),
    killSelection: fields.read('killSelection', killSelection),
    unreachableStrategy: fields.read('unreachableStrategy', unreachableStrategy),
    tty: fields.read('tty', flag),
    taskKillGracePeriodSeconds: fields.read('taskKillGracePeriodSeconds', integer),
    residency: fields.read('residency', residency),
    role: fields.read('role', text),
    user: fields.read('user', text),
    uris: fields.read('uris', list(text)),
    ports: fields.read('ports', list(integer)),
    ipAddress: fields.read('ipAddress', ipAddress),
    version: fields.read('version', text),
    given: fieldNames.filter(name => fields.has(name)),
  })
}

/** A scheduled job posted as an app by mistake has all of its fields in `run`, where nothing would ever be read. */
function refuseJob(fields: Fields): void {
  if (fields.has('run') && !fields.has('cmd') && !fields.has('args') && !fields.has('container'))
    fields.problems.add(
      fields.at('run'),
      'is not a field of an app: this looks like a job, which goes to POST /v1/jobs',
    )
}

/** Reads one app body at a path; the id is required where `needId` says so. */
export function appBody(value: unknown, path: string, problems: Problems, needId: boolean): AppBody | undefined {
  return object<AppBody>(fields => {
    if (needId) fields.need('id', text)
    return readApp(fields)
  })(value, path, problems)
}
