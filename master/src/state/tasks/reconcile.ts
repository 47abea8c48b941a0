import type {
  OperationState,
  OperationStatus,
  SchedulerCallReconcile,
  SchedulerCallReconcileOperations,
  SchedulerCallReconcileOperationsOperation,
  SchedulerCallReconcileTask,
  SchedulerEvent,
  TaskState,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { stateFor } from '@meseta/common/protocol/task-state'
import { ask } from '../answers.ts'
import type { Cluster } from '../cluster.ts'
import { readableBy } from '../operations/operations.ts'
import type { Framework } from '../records.ts'
import { isPartitionAware, masterStatus } from '../statuses.ts'
import type { TaskRecord } from './tasks.ts'

/** RECONCILE: all tasks held when none is named, else an answer for each where there is one (Mesos contract 2.7). */
export function reconcile(cluster: Cluster, framework: Framework, call: SchedulerCallReconcile): void {
  cluster.tally.count('messages_reconcile_tasks')
  const named = call.tasks ?? []
  if (named.length === 0) ask(cluster, framework, { answers: ofAll(cluster, framework), names: undefined })
  else ask(cluster, framework, { answers: ofNamed(cluster, framework, named), names: named.length })
}

/** One for each task that there is when this begins, as it is when its turn comes; those that end before have been told of. */
function* ofAll(cluster: Cluster, framework: Framework): Generator<SchedulerEvent> {
  let left = cluster.tasks.countOf(framework.id)
  for (const task of cluster.tasks.ofFramework(framework.id)) {
    if (left-- === 0) return
    yield { type: 'UPDATE', update: { status: ofTask(cluster, framework, task) } }
  }
}

function* ofNamed(
  cluster: Cluster,
  framework: Framework,
  named: readonly SchedulerCallReconcileTask[],
): Generator<SchedulerEvent | undefined> {
  for (const { task_id: taskId, agent_id: agentId } of named) {
    const status = answerFor(cluster, framework, taskId.value, agentId?.value)
    yield status && { type: 'UPDATE', update: { status } }
  }
}

/** What is known of one task, or undefined while it may yet come back with an agent: then silence is the answer. */
export function answerFor(
  cluster: Cluster,
  framework: Framework,
  taskId: string,
  agentId: string | undefined,
): TaskStatus | undefined {
  const task = cluster.tasks.get(framework.id, taskId)
  if (task) return ofTask(cluster, framework, task)
  if (agentId === undefined ? cluster.recovered.size > 0 : cluster.recovered.has(agentId)) return undefined
  const unreachable = cluster.tasks.unreachable(framework.id, taskId)
  const home = agentId ?? unreachable?.record.agentId
  const [state, since] = stateByAgent(cluster, home)
  return masterStatus(cluster, framework, {
    taskId,
    agentId: home,
    state,
    reason: 'REASON_RECONCILIATION',
    message: sentences[state] ?? 'Reconciliation: the task is unknown',
    ...(since === undefined ? {} : { unreachableSince: since }),
  })
}

function stateByAgent(cluster: Cluster, agentId: string | undefined): [TaskState, number?] {
  if (agentId === undefined) return ['TASK_UNKNOWN']
  if (cluster.agents.has(agentId)) return ['TASK_GONE']
  const unreachable = cluster.unreachable.get(agentId)
  if (unreachable !== undefined) return ['TASK_UNREACHABLE', unreachable]
  if (cluster.gone.has(agentId)) return ['TASK_GONE_BY_OPERATOR']
  return ['TASK_UNKNOWN']
}

const sentences: Partial<Record<TaskState, string>> = {
  TASK_GONE: 'Reconciliation: the agent is registered and does not have the task',
  TASK_UNREACHABLE: 'Reconciliation: the agent of the task is unreachable',
  TASK_GONE_BY_OPERATOR: 'Reconciliation: the agent of the task was marked gone',
}

/** The forwarded state, or the latest where none was; without uuid, data and labels. */
function ofTask(cluster: Cluster, framework: Framework, task: TaskRecord): TaskStatus {
  const state = task.forwarded?.state ?? task.state
  const status: TaskStatus = {
    task_id: { value: task.id },
    state: stateFor(isPartitionAware(framework), state),
    source: 'SOURCE_MASTER',
    reason: 'REASON_RECONCILIATION',
    message: 'Reconciliation: Latest task state',
    agent_id: { value: task.agentId },
    timestamp: cluster.now.wall / 1000,
  }
  if (task.executorId) status.executor_id = { value: task.executorId }
  const { healthy, check_status: checked, container_status: container } = task.condition
  if (healthy !== undefined) status.healthy = healthy
  if (checked !== undefined) status.check_status = checked
  if (container !== undefined) status.container_status = container
  return status
}

/** RECONCILE_OPERATIONS: the newest status of those that are known; of others, what is known of the agent (Mesos contract 2.7). */
export function reconcileOperations(
  cluster: Cluster,
  framework: Framework,
  { operations = [] }: SchedulerCallReconcileOperations,
): void {
  cluster.tally.count('messages_reconcile_operations')
  ask(cluster, framework, { answers: ofOperations(cluster, framework, operations), names: operations.length })
}

function* ofOperations(
  cluster: Cluster,
  framework: Framework,
  named: readonly SchedulerCallReconcileOperationsOperation[],
): Generator<SchedulerEvent> {
  for (const { operation_id, agent_id } of named) {
    const known = cluster.operations.find(framework.id, operation_id.value)
    const status: OperationStatus = known
      ? readableBy(framework, known.operation.latest_status)
      : {
          operation_id,
          state: operationState(cluster, agent_id?.value),
          message: 'Reconciliation',
          ...(agent_id ? { agent_id } : {}),
        }
    yield { type: 'UPDATE_OPERATION_STATUS', update_operation_status: { status } }
  }
}

function operationState(cluster: Cluster, agentId: string | undefined): OperationState {
  if (agentId === undefined) return 'OPERATION_UNKNOWN'
  if (cluster.recovered.has(agentId)) return 'OPERATION_RECOVERING'
  if (cluster.unreachable.has(agentId)) return 'OPERATION_UNREACHABLE'
  if (cluster.gone.has(agentId)) return 'OPERATION_GONE_BY_OPERATOR'
  return 'OPERATION_UNKNOWN'
}
