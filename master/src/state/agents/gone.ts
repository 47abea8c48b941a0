import type { Cluster } from '../cluster.ts'
import { masterStatus } from '../statuses.ts'
import { unknown } from './activation.ts'
import { forgetAgent, type Loss, tellAll } from './agent-removal.ts'

const loss: Loss = {
  state: 'TASK_GONE_BY_OPERATOR',
  reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
  message: 'Agent has been marked gone',
}

/** MARK_AGENT_GONE (Mesos contract 3, 7.8): for ever; also for one that is unreachable, or has not come back yet. */
export function markGone(cluster: Cluster, request: number, agentId: string): void {
  const entry = cluster.entries.get(agentId)
  if (cluster.gone.has(agentId)) cluster.reply(request, 200)
  else if (entry?.state === 'gone') cluster.reply(request, 503, `Agent ${agentId} is being marked gone`)
  else if (isLeaving(cluster, agentId)) cluster.reply(request, 503, `Agent ${agentId} is being removed`)
  else if (!entry) cluster.reply(request, 404, unknown(agentId))
  else writeGone(cluster, agentId, request)
}

const isLeaving = (cluster: Cluster, agentId: string): boolean =>
  cluster.agents.get(agentId)?.leaving || cluster.givenUp.has(agentId)

/** The registry first; then everybody hears, and `request` is answered. */
export function writeGone(cluster: Cluster, agentId: string, request?: number): void {
  const agent = cluster.agents.get(agentId)
  if (agent) agent.leaving = true
  const since = cluster.now.wall
  cluster.persist({ id: agentId, entry: { state: 'gone', since } }, { type: 'GONE', agentId, since, request })
}

/** The registry has the agent as gone. */
export function goneWritten(cluster: Cluster, agentId: string, since: number, request: number | undefined): void {
  cluster.gone.set(agentId, since)
  cluster.orders.delete(agentId)
  cluster.note({ code: 'AGENT_GONE', agentId })
  const agent = cluster.agents.get(agentId)
  if (agent) {
    cluster.tally.count('slave_removals')
    // Should it not hear this, it will when it wants to register again.
    cluster.send(agent, { shutdown: { message: loss.message } })
    forgetAgent(cluster, agent, false, loss)
  }
  if (cluster.recovered.delete(agentId)) cluster.change({ type: 'AGENT_RECOVERED_GONE', id: agentId })
  if (cluster.unreachable.delete(agentId)) {
    cluster.change({ type: 'AGENT_UNREACHABLE_FORGOTTEN', id: agentId })
    endUnreachableTasks(cluster, agentId)
  }
  tellAll(cluster, agentId)
  if (request !== undefined) cluster.reply(request, 200)
}

/** What was out of reach will not come back. */
function endUnreachableTasks(cluster: Cluster, agentId: string): void {
  for (const { id: taskId, frameworkId } of [...cluster.tasks.unreachableOn(agentId)]) {
    const framework = cluster.frameworks.get(frameworkId)
    const status = masterStatus(cluster, framework, { taskId, agentId, ...loss })
    if (framework) cluster.tellUpdate(framework, status)
    cluster.tasks.forgetUnreachable(frameworkId, taskId)
    // To a framework that does not know of partitions it was lost before.
    if (status.state === loss.state) cluster.tally.ended(frameworkId, loss.state, status)
    cluster.change({ type: 'TASK_STATUS', frameworkId, taskId, state: status.state, status, forwarded: undefined })
    cluster.change({ type: 'TASK_ENDED', frameworkId, taskId, fate: 'completed' })
  }
}
