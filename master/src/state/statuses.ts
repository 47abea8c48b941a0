import { excerpt } from '@meseta/common/protocol/excerpt'
import type { TaskState, TaskStatus, TaskStatusReason } from '@meseta/common/protocol/mesos'
import { stateFor } from '@meseta/common/protocol/task-state'
import type { Cluster } from './cluster.ts'
import type { Framework } from './records.ts'

export const isPartitionAware = (framework: Framework): boolean => framework.capabilities.has('PARTITION_AWARE')

/** One refusal goes to every task of its group: what it quotes must not make it large. Characters. */
const maxMessage = 2_000

export interface MasterStatus {
  readonly taskId: string
  readonly agentId: string | undefined
  readonly executorId?: string | undefined
  readonly state: TaskState
  readonly reason: TaskStatusReason
  readonly message: string
  /** Milliseconds since 1970. */
  readonly unreachableSince?: number
}

/** A status that the master makes: no uuid, so nobody acknowledges it. The state is what this framework understands. */
export function masterStatus(cluster: Cluster, framework: Framework | undefined, given: MasterStatus): TaskStatus {
  const status: TaskStatus = {
    task_id: { value: given.taskId },
    state: stateFor(framework === undefined || isPartitionAware(framework), given.state),
    source: 'SOURCE_MASTER',
    reason: given.reason,
    message: excerpt(given.message, maxMessage),
    timestamp: cluster.now.wall / 1000,
  }
  if (given.agentId !== undefined) status.agent_id = { value: given.agentId }
  if (given.executorId) status.executor_id = { value: given.executorId }
  if (given.unreachableSince !== undefined) status.unreachable_time = { nanoseconds: given.unreachableSince * 1e6 }
  return status
}
