import type { DrainInfo } from '@meseta/common/protocol/mesos'
import type { Cluster } from '../cluster.ts'
import type { RegistryEntry } from '../commands.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { Agent } from '../records.ts'
import { refreshActivity } from './agent-session.ts'

/** What operators want of an agent (Mesos contract 8.4). It stays while the agent is away, and with a new leader. */
export interface Orders {
  /** It is offered to nobody. */
  readonly deactivated?: boolean | undefined
  readonly drain?: DrainInfo | undefined
}

/** What is ordered of the agent of an entry, for the next one. */
export function ordersIn(entry: RegistryEntry | undefined): Orders {
  if (!entry || entry.state === 'gone') return {}
  const { deactivated, drain } = entry
  return { ...(deactivated ? { deactivated } : {}), ...(drain ? { drain } : {}) }
}

/** Makes orders durable in place of the former ones; then they are carried out, and `request` is answered. */
export function writeOrders(cluster: Cluster, agentId: string, orders: Orders, request?: number): void {
  const entry = cluster.entries.get(agentId)
  if (!entry || entry.state === 'gone') return
  const { deactivated: _, drain: __, ...bare } = entry
  cluster.persist({ id: agentId, entry: { ...bare, ...orders } }, { type: 'ORDERS', agentId, orders, request })
}

/** A new leader finds orders in the registry. */
export function takeOrders(cluster: Cluster, agentId: string, entry: RegistryEntry): void {
  const orders = ordersIn(entry)
  if (orders.deactivated || orders.drain) cluster.orders.set(agentId, orders)
}

/** The registry has the orders: now they count. */
export function ordersWritten(cluster: Cluster, agentId: string, orders: Orders, request: number | undefined): void {
  if (orders.deactivated || orders.drain) cluster.orders.set(agentId, orders)
  else cluster.orders.delete(agentId)
  cluster.note({ code: wordFor(orders), agentId })
  const agent = cluster.agents.get(agentId)
  if (agent) carryOut(cluster, agent)
  if (request !== undefined) cluster.reply(request, 200)
}

/** What the log says. */
function wordFor({ deactivated, drain }: Orders): string {
  if (drain) return `AGENT_${drain.state}`
  return deactivated ? 'AGENT_DEACTIVATED' : 'AGENT_REACTIVATED'
}

function carryOut(cluster: Cluster, agent: Agent): void {
  if (cluster.orders.get(agent.id)?.drain === undefined) agent.drainStartedAt = undefined
  refreshActivity(cluster, agent)
  if (cluster.orders.get(agent.id)?.deactivated) rescindOffers(cluster, agent.offers)
  else cluster.wantAllocation()
  if (!tellOrders(cluster, agent)) cluster.showAgent(agent, false)
}

/** Tells an agent to drain, also one that has only now come back: it may have begun anew. Answers whether there was something to tell. */
export function tellOrders(cluster: Cluster, agent: Agent): boolean {
  const drain = cluster.orders.get(agent.id)?.drain
  if (drain?.state !== 'DRAINING' || !agent.connected) return false
  agent.drainStartedAt ??= cluster.now.wall
  cluster.send(agent, { drain: { config: drain.config } })
  cluster.showAgent(agent, false)
  return true
}
