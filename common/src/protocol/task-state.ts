// The rules of task states (Mesos contract 2.6).
import type { OperationState, TaskState } from './mesos.ts'

/** All there are, in an order that does not change while a process runs. */
export const taskStates = Object.keys({
  TASK_STAGING: true,
  TASK_STARTING: true,
  TASK_RUNNING: true,
  TASK_KILLING: true,
  TASK_FINISHED: true,
  TASK_FAILED: true,
  TASK_KILLED: true,
  TASK_ERROR: true,
  TASK_LOST: true,
  TASK_DROPPED: true,
  TASK_UNREACHABLE: true,
  TASK_GONE: true,
  TASK_GONE_BY_OPERATOR: true,
  TASK_UNKNOWN: true,
} satisfies Record<TaskState, true>) as readonly TaskState[]

const terminal: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_LOST',
])

/** States that schedulers without PARTITION_AWARE know as TASK_LOST. */
const partitionAware: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
])

const terminalOperation: ReadonlySet<OperationState> = new Set<OperationState>([
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
  'OPERATION_DROPPED',
  'OPERATION_GONE_BY_OPERATOR',
])

/** The task is over, and its state never changes again. Unreachable and unknown tasks may come back. */
export function isTerminal(state: TaskState): boolean {
  return terminal.has(state)
}

/** A task holds its resources until it is over or out of reach; not until the acknowledgement. */
export function holdsResources(state: TaskState): boolean {
  return !terminal.has(state) && state !== 'TASK_UNREACHABLE' && state !== 'TASK_UNKNOWN'
}

/** May a task's state become `next`? A terminal one stays; the same state again only replaces the status. */
export function mayBecome(state: TaskState, next: TaskState): boolean {
  return !terminal.has(state) || state === next
}

/** The state as a scheduler is told it: without PARTITION_AWARE the newer states are all TASK_LOST. */
export function stateFor(isPartitionAware: boolean, state: TaskState): TaskState {
  return !isPartitionAware && partitionAware.has(state) ? 'TASK_LOST' : state
}

/** Only updates that an agent made carry a `uuid`, and only those are acknowledged. */
export function needsAcknowledgement(status: { uuid?: string }): boolean {
  return status.uuid !== undefined && status.uuid !== ''
}

/** The operation is over, and its state never changes again. */
export function isTerminalOperation(state: OperationState): boolean {
  return terminalOperation.has(state)
}
