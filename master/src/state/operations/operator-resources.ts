import type { AgentID, MasterCall, OfferOperation } from '@meseta/common/protocol/mesos'
import { conversionOf } from '@meseta/common/resources/conversions'
import { Resources } from '@meseta/common/resources/resources'
import type { Cluster } from '../cluster.ts'
import type { Command } from '../commands.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { Agent, OfferRecord } from '../records.ts'
import { checkOperation } from './check-operation.ts'
import { appliedWithin, begin, convert, tooMany } from './operations.ts'
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

/** By the type of the call alone: that is what was authorized. Its body is there. */
function operationOf(call: MasterCall): { agentId: string | undefined; operation: OfferOperation } {
  switch (call.type) {
    case 'RESERVE_RESOURCES':
      return on(call.reserve_resources!, reserve => ({ type: 'RESERVE', reserve }))
    case 'UNRESERVE_RESOURCES':
      return on(call.unreserve_resources!, unreserve => ({ type: 'UNRESERVE', unreserve }))
    case 'CREATE_VOLUMES':
      return on(call.create_volumes!, create => ({ type: 'CREATE', create }))
    case 'DESTROY_VOLUMES':
      return on(call.destroy_volumes!, destroy => ({ type: 'DESTROY', destroy }))
    case 'GROW_VOLUME':
      return on(call.grow_volume!, grow_volume => ({ type: 'GROW_VOLUME', grow_volume }))
    default:
      return on(call.shrink_volume!, shrink_volume => ({ type: 'SHRINK_VOLUME', shrink_volume }))
  }
}

function on<Body extends { agent_id?: AgentID }>(
  { agent_id, ...rest }: Body,
  operationOf: (body: Omit<Body, 'agent_id'>) => OfferOperation,
): { agentId: string | undefined; operation: OfferOperation } {
  return { agentId: agent_id?.value, operation: operationOf(rest) }
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
  const applied = appliedWithin(agent, needed, operation)
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
