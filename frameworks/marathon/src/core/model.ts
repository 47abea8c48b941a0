import type { PathId } from './paths.ts'

/** Milliseconds since 1970. */
export type Millis = number
/** ISO-8601 UTC with milliseconds; a version of a service or of the root. Text order is time order. */
export type Timestamp = string

export type NetworkMode = 'host' | 'container/bridge' | 'container'

export interface Network {
  mode: NetworkMode
  name?: string
  labels?: Record<string, string>
}

export interface PortDefinition {
  port: number
  protocol: string
  name?: string
  labels: Record<string, string>
}

export interface PortMapping {
  containerPort: number
  hostPort?: number
  servicePort: number
  protocol: string
  name?: string
  labels: Record<string, string>
  networkNames?: string[]
}

export interface PersistentInfo {
  type: 'root' | 'path' | 'mount'
  size: number
  maxSize?: number
  profileName?: string
  constraints: string[][]
}

export interface AppVolume {
  containerPath: string
  mode?: 'RO' | 'RW'
  hostPath?: string
  persistent?: PersistentInfo
  external?: Record<string, unknown> & { name?: string; provider: string; shared?: boolean }
  secret?: string
}

export interface LinuxInfo {
  seccomp?: { profileName?: string; unconfined: boolean }
  ipcInfo?: { mode: 'PRIVATE' | 'SHARE_PARENT'; shmSize?: number }
}

export interface Docker {
  image: string
  forcePullImage: boolean
  privileged: boolean
  parameters: { key: string; value: string }[]
  pullConfig?: { secret: string }
}

export interface Container {
  type: 'MESOS' | 'DOCKER'
  docker?: Docker
  linuxInfo?: LinuxInfo
  volumes: AppVolume[]
  portMappings?: PortMapping[]
}

export interface Fetch {
  uri: string
  extract: boolean
  executable: boolean
  cache: boolean
  destPath?: string
}

export const healthProtocols = ['HTTP', 'HTTPS', 'TCP', 'COMMAND', 'MESOS_HTTP', 'MESOS_HTTPS', 'MESOS_TCP'] as const

export interface AppHealthCheck {
  protocol: (typeof healthProtocols)[number]
  path?: string
  port?: number
  portIndex?: number
  command?: { value: string }
  ignoreHttp1xx: boolean
  ipProtocol: 'IPv4' | 'IPv6'
  gracePeriodSeconds: number
  intervalSeconds: number
  timeoutSeconds: number
  maxConsecutiveFailures: number
  delaySeconds: number
}

export interface AppCheck {
  http?: { portIndex?: number; port?: number; path?: string; scheme: 'HTTP' | 'HTTPS' }
  tcp?: { portIndex?: number; port?: number }
  exec?: { command: { shell: string } | { argv: string[] } }
  intervalSeconds: number
  timeoutSeconds: number
  delaySeconds: number
}

export interface ReadinessCheck {
  name: string
  protocol: 'HTTP' | 'HTTPS'
  path: string
  portName: string
  intervalSeconds: number
  timeoutSeconds: number
  httpStatusCodesForReady: number[]
  preserveLastResponse: boolean
}

export interface UpgradeStrategy {
  minimumHealthCapacity: number
  maximumOverCapacity: number
}

export type KillSelection = 'YOUNGEST_FIRST' | 'OLDEST_FIRST'

export type UnreachableStrategy = 'disabled' | { inactiveAfterSeconds: number; expungeAfterSeconds: number }

export type EnvValue = string | { secret: string }

export interface ExecutorResources {
  cpus: number
  mem: number
  disk: number
}

export type Limit = number | 'unlimited'

/** An app in its canonical form, which is also the form of answers (contract 3), without its version. */
export interface App {
  id: PathId
  cmd?: string
  args?: string[]
  instances: number
  cpus: number
  mem: number
  disk: number
  gpus: number
  resourceLimits?: { cpus?: Limit; mem?: Limit }
  executor: string
  executorResources?: ExecutorResources
  env: Record<string, EnvValue>
  secrets?: Record<string, { source: string }>
  labels: Record<string, string>
  constraints: string[][]
  acceptedResourceRoles?: string[]
  dependencies: PathId[]
  container?: Container
  networks: Network[]
  portDefinitions?: PortDefinition[]
  requirePorts: boolean
  healthChecks: AppHealthCheck[]
  check?: AppCheck
  readinessChecks: ReadinessCheck[]
  fetch: Fetch[]
  upgradeStrategy: UpgradeStrategy
  backoffSeconds: number
  backoffFactor: number
  maxLaunchDelaySeconds: number
  killSelection: KillSelection
  unreachableStrategy: UnreachableStrategy
  tty?: boolean
  taskKillGracePeriodSeconds?: number
  residency?: { relaunchEscalationTimeoutSeconds: number; taskLostBehavior: string }
  role: string
  user?: string
}

export interface PodEndpoint {
  name: string
  containerPort?: number
  hostPort?: number
  protocol: string[]
  labels: Record<string, string>
  networkNames?: string[]
}

export interface PodHealthCheck {
  http?: { endpoint: string; path?: string; scheme: 'HTTP' | 'HTTPS' }
  tcp?: { endpoint: string }
  exec?: { command: { shell: string } | { argv: string[] } }
  gracePeriodSeconds: number
  intervalSeconds: number
  maxConsecutiveFailures: number
  timeoutSeconds: number
  delaySeconds: number
}

export interface PodContainer {
  name: string
  exec?: { command: { shell: string } | { argv: string[] }; overrideEntrypoint?: boolean }
  resources: { cpus: number; mem: number; disk: number; gpus: number }
  resourceLimits?: { cpus?: Limit; mem?: Limit }
  endpoints: PodEndpoint[]
  image?: {
    kind: 'DOCKER'
    id: string
    forcePull: boolean
    pullConfig?: { secret: string }
    labels?: Record<string, string>
  }
  environment: Record<string, EnvValue>
  user?: string
  healthCheck?: PodHealthCheck
  check?: PodHealthCheck
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[]
  artifacts: Fetch[]
  labels: Record<string, string>
  lifecycle?: { killGracePeriodSeconds?: number }
  tty?: boolean
  linuxInfo?: LinuxInfo
}

export interface PodVolume {
  name: string
  host?: string
  secret?: string
  persistent?: PersistentInfo
}

/** A pod in its canonical form (contract 8), without its version. */
export interface Pod {
  id: PathId
  labels: Record<string, string>
  user?: string
  environment: Record<string, EnvValue>
  role: string
  secrets?: Record<string, { source: string }>
  linuxInfo?: LinuxInfo
  legacySharedCgroups?: boolean
  executorResources: ExecutorResources
  volumes: PodVolume[]
  networks: Network[]
  containers: PodContainer[]
  scaling: { kind: 'fixed'; instances: number; maxInstances?: number }
  scheduling: {
    backoff: { backoff: number; backoffFactor: number; maxLaunchDelay: number }
    upgrade: UpgradeStrategy
    placement: {
      constraints: { fieldName: string; operator: string; value?: string }[]
      acceptedResourceRoles: string[]
    }
    killSelection: KillSelection
    unreachableStrategy: UnreachableStrategy
  }
}

/** When what changed last (contract 11, version stamping). */
export interface Stamps {
  version: Timestamp
  lastScalingAt: Timestamp
  lastConfigChangeAt: Timestamp
}

export type AppService = { readonly kind: 'app'; readonly spec: App } & Readonly<Stamps>
export type PodService = { readonly kind: 'pod'; readonly spec: Pod } & Readonly<Stamps>

/** An app or a pod with its version; never changed in place. */
export type Service = AppService | PodService

export interface Group {
  readonly dependencies: readonly PathId[]
  readonly enforceRole?: boolean
  readonly version: Timestamp
}

/** Everything that was asked for: groups (the root group is `/`) and services by id. Never changed in place. */
export interface Root {
  readonly version: Timestamp
  readonly groups: ReadonlyMap<PathId, Group>
  readonly services: ReadonlyMap<PathId, Service>
}

/** What deciding depends on and a process is told once. */
export interface Settings {
  readonly mesosRole: string
  readonly features: ReadonlySet<string>
  readonly defaultNetworkName?: string
  readonly newGroupEnforceRole: 'off' | 'top'
  readonly servicePortMin: number
  readonly servicePortMax: number
  readonly maxApps?: number
  readonly maxRunningDeployments: number
  readonly defaultAcceptedRoles: 'any' | 'unreserved' | 'reserved'
  readonly envPrefix: string
  readonly maxInstancesPerOffer: number
  readonly launchTokens: number
  readonly declineFor: Millis
  readonly drainDelay: Millis
  readonly drainingSeconds: number
  readonly taskLaunchTimeout: Millis
  readonly reviveInterval: Millis
}
