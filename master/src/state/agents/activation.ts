import { excerpt } from '@meseta/common/protocol/excerpt'
import type { Cluster } from '../cluster.ts'
import { ordersIn, writeOrders } from './agent-orders.ts'

/** DEACTIVATE_AGENT: it is offered to nobody; its tasks run on (Mesos contract 8.4). */
export function deactivate(cluster: Cluster, request: number, agentId: string): void {
  const entry = cluster.entries.get(agentId)
  if (!entry || entry.state === 'gone') {
    cluster.reply(request, 400, unknown(agentId))
    return
  }
  writeOrders(cluster, agentId, { ...ordersIn(entry), deactivated: true }, request)
}

/** REACTIVATE_AGENT: it is offered again, also after it was drained. */
export function reactivate(cluster: Cluster, request: number, agentId: string): void {
  const entry = cluster.entries.get(agentId)
  const refusal =
    !entry || entry.state === 'gone'
      ? unknown(agentId)
      : entry.drain?.state === 'DRAINING'
        ? `Agent ${agentId} is still draining, and can be reactivated when it is drained`
        : !entry.deactivated
          ? `Agent ${agentId} is not deactivated`
          : undefined
  if (refusal !== undefined) cluster.reply(request, 400, refusal)
  else writeOrders(cluster, agentId, {}, request)
}

export const unknown = (agentId: string): string => `There is no agent ${excerpt(agentId)}`
