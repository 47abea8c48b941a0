import type {
  MasterToAgent,
  SchedulerCallKill,
  SchedulerCallMessage,
  SchedulerCallShutdown,
} from '@meseta/common/protocol/mesos'
import type { TaskStep } from '../changes.ts'
import type { Cluster } from '../cluster.ts'
import type { Framework } from '../records.ts'
import { answerFor } from './reconcile.ts'
import type { TaskRecord } from './tasks.ts'

/** KILL: an unknown task is reconciled, another agent than the task's is ignored, an absent agent hears of it on its return. */
export function kill(cluster: Cluster, framework: Framework, call: SchedulerCallKill): void {
  cluster.tally.count('messages_kill_task')
  const task = cluster.tasks.get(framework.id, call.task_id.value)
  if (!task) {
    const status = answerFor(cluster, framework, call.task_id.value, call.agent_id?.value)
    if (status) cluster.tellUpdate(framework, status)
    return
  }
  if (call.agent_id && call.agent_id.value !== task.agentId) {
    cluster.note({
      code: 'KILL_NAMES_ANOTHER_AGENT',
      frameworkId: framework.id,
      taskId: task.id,
      agentId: call.agent_id.value,
    })
    return
  }
  const nanoseconds = call.kill_policy?.grace_period?.nanoseconds
  task.killGrace = { nanoseconds }
  const step: TaskStep = { at: cluster.now.wall, code: 'KILL_ASKED' }
  cluster.change({
    type: 'TASK_STEP',
    frameworkId: framework.id,
    taskId: task.id,
    step: nanoseconds === undefined ? step : { ...step, graceNanoseconds: nanoseconds },
  })
  const agent = cluster.agents.get(task.agentId)
  if (agent) cluster.send(agent, killMessage(task, nanoseconds))
}

/** `nanoseconds`: the grace period, where the scheduler gave one. */
export function killMessage(
  task: Pick<TaskRecord, 'id' | 'frameworkId'>,
  nanoseconds: number | undefined,
): MasterToAgent {
  return {
    kill_task: {
      framework_id: { value: task.frameworkId },
      task_id: { value: task.id },
      ...(nanoseconds === undefined ? {} : { kill_policy: { grace_period: { nanoseconds } } }),
    },
  }
}

/** SHUTDOWN: ends a custom executor; an unknown agent is ignored. */
export function shutdownExecutor(cluster: Cluster, framework: Framework, call: SchedulerCallShutdown): void {
  const agent = cluster.agents.get(call.agent_id.value)
  if (agent)
    cluster.send(agent, {
      shutdown_executor: { framework_id: { value: framework.id }, executor_id: call.executor_id },
    })
}

/** MESSAGE: best effort; dropped where the agent is unknown or away. */
export function messageExecutor(cluster: Cluster, framework: Framework, call: SchedulerCallMessage): void {
  cluster.tally.count('messages_framework_to_executor')
  const agent = cluster.agents.get(call.agent_id.value)
  if (!agent?.connected) {
    cluster.tally.count('invalid_framework_to_executor_messages')
    return
  }
  cluster.tally.count('valid_framework_to_executor_messages')
  cluster.send(agent, {
    framework_message: { framework_id: { value: framework.id }, executor_id: call.executor_id, data: call.data },
  })
}
