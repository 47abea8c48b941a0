import type { DrainConfig, MasterCallDrainAgent } from '@meseta/common/protocol/mesos'
import type { Cluster } from '../cluster.ts'
import { MachinePlan, machineOf } from '../maintenance/machines.ts'
import type { Agent } from '../records.ts'
import { unknown } from './activation.ts'
import { writeOrders } from './agent-orders.ts'
import { writeGone } from './gone.ts'

/**
 * DRAIN_AGENT (Mesos contract 8.4): the agent is offered no more, and ends its tasks. Durable before the answer; when all ends are
 * acknowledged it is DRAINED, or gone. Again with other words it counts anew.
 */
export function drain(cluster: Cluster, request: number, call: MasterCallDrainAgent): void {
  const agentId = call.agent_id.value
  const refusal = refusalOf(cluster, agentId, call)
  if (refusal !== undefined) cluster.reply(request, ...refusal)
  else {
    const info = { state: 'DRAINING' as const, config: configOf(call) }
    writeOrders(cluster, agentId, { deactivated: true, drain: info }, request)
  }
}

function refusalOf(
  cluster: Cluster,
  agentId: string,
  { max_grace_period: grace }: MasterCallDrainAgent,
): readonly [number, string] | undefined {
  const entry = cluster.entries.get(agentId)
  if (entry?.state === 'gone' && !cluster.gone.has(agentId)) return [409, `Agent ${agentId} is being marked gone`]
  if (!entry || entry.state === 'gone') return [400, unknown(agentId)]
  if ((grace?.seconds ?? 0) < 0 || (grace?.nanos ?? 0) < 0) return [400, 'max_grace_period: must not be negative']
  const plan = new MachinePlan(cluster.planned.maintenance)
  const info = entry.state === 'admitted' ? entry.info : undefined
  if (info && plan.unavailability(machineOf(info, cluster.agents.get(agentId)?.pid)))
    return [400, `Agent ${agentId} is on a machine of the maintenance schedule`]
  // One that is away says what it can when it returns.
  const agent = cluster.agents.get(agentId)
  if (agent && !agent.capabilities.includes('AGENT_DRAINING'))
    return [400, `Agent ${agentId} does not have the capability AGENT_DRAINING`]
  return undefined
}

function configOf({ max_grace_period: grace, mark_gone }: MasterCallDrainAgent): DrainConfig {
  const config: DrainConfig = { mark_gone: mark_gone ?? false }
  // A hundred days and more are all the same; what is no safe integer could not be sent.
  if (grace)
    config.max_grace_period = {
      nanoseconds: Math.min((grace.seconds ?? 0) * 1e9 + (grace.nanos ?? 0), Number.MAX_SAFE_INTEGER),
    }
  return config
}

/** Agents that drain and have no task and no operation left whose end is not acknowledged are drained. Costs the agents with orders. */
export function endDrains(cluster: Cluster): void {
  for (const [agentId, orders] of cluster.orders) {
    const agent = cluster.agents.get(agentId)
    const { drain: info } = orders
    if (info?.state !== 'DRAINING' || !agent?.connected || agent.leaving || !isEmpty(cluster, agent)) continue
    const entry = cluster.entries.get(agentId)
    // Something is being written of it.
    if (entry?.state !== 'admitted' || entry.drain !== info) continue
    if (info.config.mark_gone) writeGone(cluster, agentId)
    else writeOrders(cluster, agentId, { ...orders, drain: { ...info, state: 'DRAINED' } })
  }
}

const isEmpty = ({ tasks, operations }: Cluster, { id }: Agent): boolean =>
  tasks.frameworksOn(id).size === 0 && operations.ofAgent(id).size === 0
