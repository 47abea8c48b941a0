import type { MasterCall, OfferOperation } from '@meseta/common/protocol/mesos'
import { conversionOf } from '@meseta/common/resources/conversions'
import { Resources } from '@meseta/common/resources/resources'
import { checkOperation } from './check-operation.ts'
import type { Cluster } from './cluster.ts'
import type { Command } from './commands.ts'
import { rescindOffers } from './offers.ts'
import { begin, convert, tooMany } from './operations.ts'
import type { Agent, OfferRecord } from './records.ts'
import { offersHolding } from './volume-use.ts'

/** RESERVE_RESOURCES … SHRINK_VOLUME: an operator's operation on an agent (Mesos contract 3). It is asked before whether he may. */
export function operateOnAgent(cluster: Cluster, { request, call, principal }: Command & { type: 'OPERATE' }): void {
  const { agentId, operation } = operationOf(call)
  const agent = agentId === undefined ? undefined : cluster.agents.get(agentId)
  if (!agent) {
    cluster.reply(request, 400, 'agent_id: No agent found with specified ID')
    return
  }
  const invalid = checkOperation(cluster, { agent, framework: undefined, principal }, operation)
  if (invalid !== undefined) {
    cluster.reply(request, 400, `Invalid ${operation.type} operation: ${invalid}`)
    return
  }
  const conflict = agent.connected
    ? (tooMany(cluster, agent) ?? carryOut(cluster, agent, operation))
    : 'the agent is away'
  if (conflict === undefined) cluster.reply(request, 202)
  else cluster.reply(request, 409, `The ${operation.type} operation can not be applied: ${conflict}`)
}

function operationOf(call: MasterCall): { agentId: string | undefined; operation: OfferOperation } {
  const { reserve_resources: reserve, unreserve_resources: unreserve, create_volumes: create } = call
  const { destroy_volumes: destroy, grow_volume: grow, shrink_volume: shrink } = call
  const agentId = (reserve ?? unreserve ?? create ?? destroy ?? grow ?? shrink)?.agent_id?.value
  if (reserve) return { agentId, operation: { type: 'RESERVE', reserve: withoutAgent(reserve) } }
  if (unreserve) return { agentId, operation: { type: 'UNRESERVE', unreserve: withoutAgent(unreserve) } }
  if (create) return { agentId, operation: { type: 'CREATE', create: withoutAgent(create) } }
  if (destroy) return { agentId, operation: { type: 'DESTROY', destroy: withoutAgent(destroy) } }
  if (grow) return { agentId, operation: { type: 'GROW_VOLUME', grow_volume: withoutAgent(grow) } }
  return { agentId, operation: { type: 'SHRINK_VOLUME', shrink_volume: withoutAgent(shrink!) } }
}

function withoutAgent<Body extends { agent_id?: unknown }>({ agent_id: _, ...rest }: Body): Omit<Body, 'agent_id'> {
  return rest
}

/** Applies an operation to what nobody has, taking back no more offers than it needs. Answers why it can not, or undefined. */
function carryOut(cluster: Cluster, agent: Agent, operation: OfferOperation): string | undefined {
  const conversion = conversionOf(operation)
  if ('refused' in conversion) return conversion.refused
  const needed = Resources.from(conversion.consumed)
  if (!agent.total.contains(needed)) return 'the agent does not have the resources'
  const offers = offersToRescind(cluster, agent, operation, needed)
  if (!offers) return 'the resources are in use'
  // What the operation itself finds wrong must not cost any offer.
  const applied = needed.applyOperation(operation)
  if ('refused' in applied) return applied.refused
  rescindOffers(cluster, offers)
  convert(cluster, agent, applied)
  begin(cluster, agent, undefined, operation)
  return undefined
}

/** Offers that hold what is not free of the needed resources; undefined where all of them are not enough. */
function offersToRescind(
  cluster: Cluster,
  agent: Agent,
  { type }: OfferOperation,
  needed: Resources,
): readonly OfferRecord[] | undefined {
  // A shared volume is free and offered at once.
  if (type === 'DESTROY') {
    const holding = offersHolding(agent, needed)
    const others = cluster.allocator.available(agent.id).plus(sumOf(holding))
    return others.contains(needed) ? holding : undefined
  }
  let missing = needed.minus(cluster.allocator.available(agent.id))
  const chosen: OfferRecord[] = []
  for (const offer of agent.offers) {
    if (missing.isEmpty) break
    const left = missing.minus(offer.resources.unallocated())
    if (left.equals(missing)) continue
    chosen.push(offer)
    missing = left
  }
  return missing.isEmpty ? chosen : undefined
}

const sumOf = (offers: readonly OfferRecord[]): Resources =>
  Resources.sum(offers.map(({ resources }) => resources.unallocated()))
