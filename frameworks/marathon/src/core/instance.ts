import type { TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import type { Millis, Service, Timestamp } from './model.ts'
import { fromSafePath, type PathId, safePath } from './paths.ts'

export type Goal = 'Running' | 'Stopped' | 'Decommissioned'

/** Where an instance or task stands (contract 12 and 13). */
export type Condition =
  | 'Scheduled'
  | 'Provisioned'
  | 'Staging'
  | 'Starting'
  | 'Running'
  | 'Killing'
  | 'Finished'
  | 'Failed'
  | 'Killed'
  | 'Error'
  | 'Dropped'
  | 'Gone'
  | 'Unreachable'
  | 'UnreachableInactive'
  | 'Unknown'

/** The agent an instance was placed on, as its offer described it. */
export interface Placement {
  readonly agentId: string
  readonly hostname: string
  readonly region?: string
  readonly zone?: string
  /** Attributes in the text form of constraints. */
  readonly attributes: Readonly<Record<string, string>>
}

/** One task of an instance: an app has one, a pod one for each container. */
export interface InstanceTask {
  readonly id: string
  /** The name of the pod's container. */
  readonly container?: string
  /** The host port of each port of the service (or of the pod's container), in their order; null where it has none. */
  readonly hostPorts: readonly (number | null)[]
  readonly condition: Condition
  /** The latest status, without data. */
  readonly status?: TaskStatus
  readonly startedAt?: Millis
}

/** One running or wanted copy of a service. Never changed in place. */
export interface Instance {
  readonly id: string
  readonly service: PathId
  readonly goal: Goal
  /** The version of the service it was launched with, and its lastConfigChangeAt: what tells old from new. */
  readonly version: Timestamp
  readonly config: Timestamp
  readonly role: string
  /** Launches so far; part of the task ids. */
  readonly incarnation: number
  readonly condition: Condition
  /** When the condition was reached. */
  readonly since: Millis
  readonly stagedAt?: Millis
  readonly startedAt?: Millis
  readonly placement?: Placement
  readonly tasks: readonly InstanceTask[]
  /** When the agent became unreachable. */
  readonly unreachableSince?: Millis
  /** The store's chunk that holds it. */
  readonly chunk: number
}

export const newInstanceId = (service: PathId, uuid: string): string => `${safePath(service)}.instance-${uuid}`

export const appTaskId = (instance: string, incarnation: number): string => `${instance}._app.${incarnation}`

export const podTaskId = (instance: string, container: string, incarnation: number): string =>
  `${instance}.${container}.${incarnation}`

/** `instance-<safe path>.<uuid>` for the executor of a pod's instance (contract 12). */
export function executorId(instance: string): string {
  const at = instance.lastIndexOf('.instance-')
  return `instance-${instance.slice(0, at)}.${instance.slice(at + '.instance-'.length)}`
}

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const today = new RegExp(`^(.+)\\.instance-(${uuid})(?:\\.(_app|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(?:\\.(\\d+))?)?$`)
const olden = [
  new RegExp(`^(.+)\\.marathon-(${uuid})$`),
  new RegExp(`^(.+)\\.(${uuid})$`),
  new RegExp(`^(.+)_(${uuid})$`),
]

/** What a task id tells: the service and the instance it is of. Undefined for what Marathon did not make (contract 12). */
export function parseTaskId(id: string): { service: PathId; instance: string } | undefined {
  const match = today.exec(id)
  if (match !== null) return { service: fromSafePath(match[1] as string), instance: `${match[1]}.instance-${match[2]}` }
  for (const form of olden) {
    const old = form.exec(id)
    if (old !== null) return { service: fromSafePath(old[1] as string), instance: `${old[1]}.marathon-${old[2]}` }
  }
  return undefined
}

const states: Partial<Record<TaskState, Condition>> = {
  TASK_STAGING: 'Staging',
  TASK_STARTING: 'Starting',
  TASK_RUNNING: 'Running',
  TASK_KILLING: 'Killing',
  TASK_FINISHED: 'Finished',
  TASK_FAILED: 'Failed',
  TASK_KILLED: 'Killed',
  TASK_ERROR: 'Error',
  TASK_DROPPED: 'Dropped',
  TASK_UNREACHABLE: 'Unreachable',
  TASK_GONE: 'Gone',
  TASK_GONE_BY_OPERATOR: 'Gone',
  TASK_UNKNOWN: 'Unknown',
}

const comesBack = new Set(['REASON_RECONCILIATION', 'REASON_AGENT_DISCONNECTED', 'REASON_AGENT_REMOVED'])

/** The condition a status means (contract 13). */
export function conditionOf(status: TaskStatus): Condition {
  if (status.state === 'TASK_LOST') {
    if (status.message?.startsWith('Reconciliation: Task is unknown to the')) return 'Unknown'
    return comesBack.has(status.reason ?? '') ? 'Unreachable' : 'Gone'
  }
  return states[status.state] ?? 'Unknown'
}

const terminal = new Set<Condition>(['Finished', 'Failed', 'Killed', 'Error', 'Dropped', 'Gone', 'Unknown'])
/** No task runs any more, and none will come back. */
export const isTerminal = (condition: Condition): boolean => terminal.has(condition)

const active = new Set<Condition>(['Provisioned', 'Staging', 'Starting', 'Running', 'Killing', 'Unreachable'])
/** Something runs or may run. */
export const isActive = (condition: Condition): boolean => active.has(condition)

/** A task was launched and has not ended, as far as is known; of a pod also where others have. */
export const mayRun = (instance: Pick<Instance, 'tasks'>): boolean =>
  instance.tasks.some(task => !isTerminal(task.condition))

export const isUnreachable = (condition: Condition): boolean =>
  condition === 'Unreachable' || condition === 'UnreachableInactive'

/** The worst first (contract 13). */
const severity: readonly Condition[] = [
  'Error',
  'Failed',
  'Gone',
  'Dropped',
  'Unreachable',
  'Killing',
  'Starting',
  'Staging',
  'Unknown',
  'Provisioned',
  'Running',
  'Finished',
  'Killed',
]

/** The condition of an instance whose tasks are now these. Where all that may run is unreachable, the rest says nothing of it. */
export function conditionAfter(instance: Instance, tasks: readonly InstanceTask[]): Condition {
  const rest = tasks.filter(task => !isTerminal(task.condition))
  if (rest.length === 0 || rest.some(task => task.condition !== 'Unreachable')) return summary(tasks)
  return isUnreachable(instance.condition) ? instance.condition : 'Unreachable'
}

/** The worst condition of some tasks. */
function summary(tasks: readonly InstanceTask[]): Condition {
  let worst = severity.length - 1
  for (const task of tasks) worst = Math.min(worst, Math.max(0, severity.indexOf(task.condition)))
  return severity[worst] as Condition
}

/** Whether it was launched with today's configuration, or would be. */
export const isCurrent = (instance: Instance, service: Service): boolean =>
  instance.condition === 'Scheduled' || instance.config === service.lastConfigChangeAt

/** The state Mesos would call it. */
export const mesosState = (task: InstanceTask): TaskState => task.status?.state ?? 'TASK_STAGING'
