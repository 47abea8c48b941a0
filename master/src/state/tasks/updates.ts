import { excerpt } from '@meseta/common/protocol/excerpt'
import { isUuid } from '@meseta/common/protocol/ids'
import type { SchedulerCallAcknowledge, StatusUpdate, TaskStatus } from '@meseta/common/protocol/mesos'
import { isTerminal, stateFor } from '@meseta/common/protocol/task-state'
import type { Cluster } from '../cluster.ts'
import type { Agent, Framework } from '../records.ts'
import { isPartitionAware } from '../statuses.ts'
import { endTask, updateTask } from './task-changes.ts'

/**
 * A status update of an agent: forwarded when the framework listens, then applied. Not queued for one that does not listen:
 * the agent sends it again until the framework has acknowledged it (Mesos contract 2.6).
 */
export function statusUpdate(cluster: Cluster, agent: Agent, update: StatusUpdate): void {
  cluster.tally.count('messages_status_update')
  const frameworkId = update.framework_id.value
  const framework = cluster.frameworks.get(frameworkId)
  if (!framework) {
    cluster.tally.count('invalid_status_updates')
    if (cluster.completed.has(frameworkId))
      cluster.send(agent, { shutdown_framework: { framework_id: { value: frameworkId } } })
    return
  }
  if (update.status.uuid !== undefined && !isUuid(update.status.uuid)) {
    cluster.tally.count('invalid_status_updates')
    cluster.note({ code: 'UPDATE_WITHOUT_UUID', agentId: agent.id, frameworkId, detail: excerpt(update.status.uuid) })
    return
  }
  const task = cluster.tasks.get(frameworkId, update.status.task_id.value)
  if (task && task.agentId !== agent.id) {
    refuseOfAnother(cluster, agent, update)
    return
  }
  // Who speaks is known by the link, and not by what is said.
  const status: TaskStatus = { ...update.status, agent_id: { value: agent.id } }
  const told = cluster.tellUpdate(framework, {
    ...status,
    state: stateFor(isPartitionAware(framework), status.state),
  })
  if (!task) {
    cluster.tally.count('invalid_status_updates')
    cluster.note({ code: 'UPDATE_OF_UNKNOWN_TASK', agentId: agent.id, frameworkId, taskId: status.task_id.value })
    return
  }
  cluster.tally.count('valid_status_updates')
  const forwarded = told && status.uuid ? { state: status.state, uuid: status.uuid } : undefined
  updateTask(cluster, task, update.latest_state ?? status.state, status, forwarded)
}

/** An agent says something of another one's task: nobody is told, and it need not say it again. */
function refuseOfAnother(cluster: Cluster, agent: Agent, { framework_id, status }: StatusUpdate): void {
  const { task_id, uuid } = status
  cluster.tally.count('invalid_status_updates')
  cluster.note({
    code: 'UPDATE_OF_ANOTHER_AGENTS_TASK',
    agentId: agent.id,
    frameworkId: framework_id.value,
    taskId: task_id.value,
  })
  if (uuid !== undefined) cluster.send(agent, { acknowledge: { framework_id, task_id, uuid } })
}

/** ACKNOWLEDGE: on to the agent; the acknowledgement of the end moves the task to the completed ones. */
export function acknowledge(cluster: Cluster, framework: Framework, call: SchedulerCallAcknowledge): void {
  cluster.tally.count('messages_status_update_acknowledgement')
  const agent = cluster.agents.get(call.agent_id.value)
  const task = cluster.tasks.get(framework.id, call.task_id.value)
  const nothingForwarded = task !== undefined && task.agentId === agent?.id && task.forwarded === undefined
  if (!agent?.connected || nothingForwarded) {
    cluster.tally.count('invalid_status_update_acknowledgements')
    cluster.note({
      code: nothingForwarded ? 'ACKNOWLEDGED_NOTHING_FORWARDED' : 'ACKNOWLEDGED_TO_ABSENT_AGENT',
      agentId: call.agent_id.value,
      frameworkId: framework.id,
      taskId: call.task_id.value,
    })
    return
  }
  cluster.tally.count('valid_status_update_acknowledgements')
  cluster.send(agent, {
    acknowledge: { framework_id: { value: framework.id }, task_id: call.task_id, uuid: call.uuid },
  })
  const forwarded = task?.forwarded
  if (task?.agentId === agent.id && forwarded?.uuid === call.uuid && isTerminal(forwarded.state)) endTask(cluster, task)
}
