import { isTerminal } from '@meseta/common/protocol/task-state'
import type { Cluster } from '../cluster.ts'
import { discardInverseOffers, forgetInvitations } from '../maintenance/inverse-offers.ts'
import { discardOffers } from '../offers/offers.ts'
import { orphanOperations } from '../operations/operation-updates.ts'
import type { Framework } from '../records.ts'
import { removeExecutor } from '../tasks/launch.ts'
import { endTask } from '../tasks/task-changes.ts'
import { agentsOf } from './framework-hosts.ts'

export function closeStream(cluster: Cluster, framework: Framework): void {
  if (framework.streamId === undefined) return
  cluster.do({ type: 'STREAM_CLOSED', streamId: framework.streamId })
  forgetStream(cluster, framework, framework.streamId)
}

/** What was to be said on it, too. */
function forgetStream(cluster: Cluster, framework: Framework, streamId: string): void {
  cluster.frameworksByStream.delete(streamId)
  framework.streamId = undefined
  framework.questions.clear()
}

/** The stream of a framework is gone: it gets nothing more until it subscribes again (Mesos contract 2.1). */
export function streamBroken(cluster: Cluster, streamId: string): void {
  const framework = cluster.frameworksByStream.get(streamId)
  if (!framework) return
  cluster.tally.count('messages_deactivate_framework')
  forgetStream(cluster, framework, streamId)
  leave(cluster, framework)
}

/** Ends the stream of a framework that asks more than its stream takes. */
export function endStream(cluster: Cluster, framework: Framework): void {
  closeStream(cluster, framework)
  leave(cluster, framework)
}

function leave(cluster: Cluster, framework: Framework): void {
  cluster.allocator.deactivateFramework(framework.id)
  discardOffers(cluster, framework)
  discardInverseOffers(cluster, framework)
  const timeout = framework.info.failover_timeout ?? 0
  if (timeout === 0) removeFramework(cluster, framework)
  else {
    framework.removeAt = cluster.now.monotonic + timeout * 1000
    cluster.showFramework(framework, false)
  }
}

/** Removes frameworks whose time to fail over has passed. */
export function removeExpired(cluster: Cluster): void {
  for (const framework of [...cluster.frameworks.values()]) {
    if (framework.removeAt !== undefined && framework.removeAt <= cluster.now.monotonic)
      removeFramework(cluster, framework)
  }
}

/** Ends a framework for ever: its executors are shut down, its tasks are killed in state, its id is spent. */
export function removeFramework(cluster: Cluster, framework: Framework): void {
  cluster.allocator.deactivateFramework(framework.id)
  discardOffers(cluster, framework)
  forgetInvitations(cluster, framework)
  closeStream(cluster, framework)
  const agents = agentsOf(cluster, framework)
  for (const task of [...cluster.tasks.ofFramework(framework.id)]) {
    if (isTerminal(task.state)) endTask(cluster, task)
    else
      endTask(cluster, task, {
        state: 'TASK_KILLED',
        source: 'SOURCE_MASTER',
        reason: 'REASON_FRAMEWORK_REMOVED',
        message: 'Framework removed',
      })
  }
  for (const agent of agents) {
    for (const executorId of [...(agent.executors.get(framework.id)?.keys() ?? [])])
      removeExecutor(cluster, agent, framework.id, executorId)
    cluster.send(agent, { shutdown_framework: { framework_id: { value: framework.id } } })
  }
  cluster.tasks.forgetFramework(framework.id)
  orphanOperations(cluster, framework.id)
  cluster.allocator.removeFramework(framework.id)
  cluster.frameworks.delete(framework.id)
  cluster.tally.forgetFramework(framework.id)
  cluster.completed.add(framework.id)
  if (cluster.completed.size > cluster.config.maxCompletedFrameworks)
    cluster.completed.delete(cluster.completed.values().next().value!)
  cluster.change({ type: 'FRAMEWORK_COMPLETED', id: framework.id, at: cluster.now.wall })
}
