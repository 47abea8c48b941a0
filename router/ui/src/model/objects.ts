// The objects of the router's event stream, as far as the page reads them (docs/architecture.md, "Feeds").
// What a component may leave out is optional here: the page shows what is there.

/** Cores and MiB. */
export interface Amounts {
  readonly cpus?: number
  readonly mem?: number
  readonly disk?: number
  readonly gpus?: number
  readonly ports?: string
}

export interface Cluster {
  readonly name?: string
  readonly cluster_id?: string
  readonly version?: string
  readonly leader_info?: { readonly hostname?: string; readonly port?: number }
  readonly masters?: readonly unknown[]
  readonly elected_time?: number
  readonly resources?: Amounts
  readonly used_resources?: Amounts
  readonly offered_resources?: Amounts
}

export interface Source {
  readonly name: string
  readonly state: 'live' | 'lost'
  /** Wall time, ms. */
  readonly since: number
  readonly detail: string
  readonly known: boolean
}

export interface Agent {
  readonly id: string
  readonly hostname: string
  readonly port?: number
  readonly attributes?: Readonly<Record<string, number | string>>
  readonly domain?: {
    readonly fault_domain?: { readonly region?: { name?: string }; readonly zone?: { name?: string } }
  }
  readonly resources?: Amounts
  readonly used_resources?: Amounts
  readonly active?: boolean
  readonly deactivated?: boolean
  readonly drain_info?: { readonly state?: string }
  readonly version?: string
  /** Seconds. */
  readonly registered_time?: number
  readonly reregistered_time?: number
}

export interface Framework {
  readonly id: string
  readonly name: string
  readonly active?: boolean
  readonly connected?: boolean
  readonly recovered?: boolean
  readonly webui_url?: string
  readonly used_resources?: Amounts
  readonly roles?: readonly string[]
  readonly user?: string
  readonly principal?: string
  readonly hostname?: string
}

export interface TaskStatus {
  readonly state?: string
  /** Seconds. */
  readonly timestamp?: number
  readonly container_status?: { readonly container_id?: { readonly parent?: unknown } }
}

export interface Task {
  readonly id: string
  readonly name: string
  readonly framework_id: string
  readonly framework_name?: string
  readonly executor_id?: string
  readonly slave_id: string
  readonly state: string
  readonly resources?: Amounts
  readonly role?: string
  readonly user?: string
  readonly statuses?: readonly TaskStatus[]
  readonly message?: string
  readonly reason?: string
  readonly source?: string
  readonly healthy?: boolean
  /** Of the latest status, seconds. */
  readonly timestamp?: number
}

export interface TaskFailure {
  readonly message?: string
  readonly state?: string
  readonly taskId?: string
  readonly host?: string
  readonly timestamp?: string
  readonly version?: string
}

export interface App {
  readonly id: string
  readonly version?: string
  readonly versionInfo?: { readonly lastScalingAt?: string; readonly lastConfigChangeAt?: string }
  readonly instances?: number
  readonly cpus?: number
  readonly mem?: number
  readonly disk?: number
  readonly gpus?: number
  readonly cmd?: string
  readonly image?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly env_keys?: readonly string[]
  readonly healthChecks?: number
  readonly deployments?: readonly { readonly id: string }[]
  readonly tasksStaged?: number
  readonly tasksRunning?: number
  readonly tasksHealthy?: number
  readonly tasksUnhealthy?: number
  readonly lastTaskFailure?: TaskFailure
}

export interface Instance {
  readonly id: string
  readonly appId?: string
  readonly host?: string
  readonly slaveId?: string
  readonly state?: string
  readonly ports?: readonly number[]
  readonly startedAt?: string
  readonly stagedAt?: string
  readonly app_version?: string
  readonly healthy?: boolean | null
  readonly killing?: boolean
}

export interface PodInstance {
  readonly id: string
  readonly status?: string
  readonly message?: string
  readonly agentHostname?: string
  readonly containers?: readonly { readonly name: string; readonly status?: string }[]
  readonly resources?: Amounts
}

export interface Pod {
  readonly id: string
  readonly status?: string
  readonly statusSince?: string
  readonly spec?: {
    readonly version?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly scaling?: { readonly instances?: number }
    readonly containers?: readonly { readonly name?: string; readonly resources?: Amounts }[]
  }
  readonly instances?: readonly PodInstance[]
}

export interface Deployment {
  readonly id: string
  readonly version?: string
  readonly affectedApps?: readonly string[]
  readonly affectedPods?: readonly string[]
  readonly currentActions?: readonly { readonly action: string; readonly app?: string; readonly pod?: string }[]
  /** From 1. */
  readonly currentStep?: number
  readonly totalSteps?: number
}

export interface Wait {
  readonly code: string
  readonly sentence: string
  /** An ISO time, or ms. */
  readonly since?: string | number
  readonly count?: number
  readonly agents?: readonly { readonly reason?: string; readonly count?: number; readonly numbers?: unknown }[]
}

export interface Package {
  readonly name: string
  readonly currentVersion?: string
  readonly description?: string
  readonly framework?: boolean
  readonly selected?: boolean
  readonly tags?: readonly string[]
}

export interface Installed {
  readonly appId: string
  readonly packageName: string
  readonly packageVersion?: string
  readonly repository?: string
}

export interface Repository {
  readonly name: string
  readonly uri?: string
  readonly index?: number
  readonly error?: string
}

export interface Vip {
  readonly name?: string
  readonly vip?: string
  readonly address?: string
  readonly port?: number
  readonly protocol?: string
  readonly listen?: { readonly address?: string; readonly port?: number }
  readonly error?: string
  readonly backends?: readonly {
    readonly ip: string
    readonly port: number
    readonly weight?: number
    readonly task_id?: string
  }[]
  readonly connections?: number
}

/** A point of the chart of resources: cores and MiB. */
export interface Metric {
  /** Wall time, ms. */
  readonly at: number
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly cpus_used: number
  readonly mem_used: number
  readonly disk_used: number
  readonly tasks_running: number
}

/** Every kind that the page reads, and its body. */
export interface Objects {
  readonly cluster: Cluster
  readonly source: Source
  readonly agent: Agent
  readonly framework: Framework
  readonly task: Task
  readonly app: App
  readonly instance: Instance
  readonly pod: Pod
  readonly deployment: Deployment
  readonly wait: Wait
  readonly package: Package
  readonly installed: Installed
  readonly repository: Repository
  readonly vip: Vip
  readonly metric: Metric
}

export type Kind = keyof Objects

/** The same as values: the topics of the page's stream. */
const named: Readonly<Record<Kind, true>> = {
  cluster: true,
  source: true,
  agent: true,
  framework: true,
  task: true,
  app: true,
  instance: true,
  pod: true,
  deployment: true,
  wait: true,
  package: true,
  installed: true,
  repository: true,
  vip: true,
  metric: true,
}

export const kinds = Object.keys(named) as readonly Kind[]
