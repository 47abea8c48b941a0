import { excerpt } from '@meseta/common/protocol/excerpt'
import type {
  Filters,
  OfferOperation,
  SchedulerCallAccept,
  SchedulerCallDecline,
  TaskInfo,
} from '@meseta/common/protocol/mesos'
import { stateFor } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import type { Cluster } from '../cluster.ts'
import { convertOffered, refuseOperation } from '../operations/operations.ts'
import type { Agent, Framework, OfferRecord } from '../records.ts'
import { isPartitionAware, masterStatus } from '../statuses.ts'
import { launch, launchGroup } from '../tasks/launch.ts'
import { removeOffer, returnOffer } from './offers.ts'

const defaultRefuseSeconds = 5
const maxRefuseSeconds = 365 * 24 * 3600

/** How long a refusal holds, in seconds: nonsense is the default, a year the most (Mesos contract 2.2). */
export function refuseSeconds(filters: Filters | undefined): number {
  const asked = filters?.refuse_seconds ?? defaultRefuseSeconds
  if (asked === Number.POSITIVE_INFINITY || Number.isNaN(asked) || asked < 0) return defaultRefuseSeconds
  return Math.min(asked, maxRefuseSeconds)
}

/** DECLINE: offers that are not there, or another framework's, are passed over. */
export function decline(cluster: Cluster, framework: Framework, call: SchedulerCallDecline): void {
  cluster.tally.count('messages_decline_offers')
  const seconds = refuseSeconds(call.filters)
  for (const { value } of call.offer_ids ?? []) {
    const offer = cluster.offers.get(value)
    if (offer?.frameworkId !== framework.id) continue
    cluster.tally.framework(framework.id, 'offers/declined')
    returnOffer(cluster, offer, seconds)
  }
}

/** ACCEPT (Mesos contract 2.4): all or none of the offers are good; then the operations run in order on what they hold. */
export function accept(cluster: Cluster, framework: Framework, call: SchedulerCallAccept): void {
  cluster.tally.count('messages_launch_tasks')
  const operations = call.operations ?? []
  const ids = (call.offer_ids ?? []).map(id => id.value)
  const offers = ids.map(id => cluster.offers.get(id))
  const mine = [...new Set(offers.filter(offer => offer?.frameworkId === framework.id))] as OfferRecord[]
  const problem = checkOffers(ids, offers, framework)
  if (problem !== undefined) {
    for (const offer of mine) returnOffer(cluster, offer)
    drop(cluster, framework, operations, `Task launched with invalid offers: ${problem}`)
    return
  }
  cluster.tally.framework(framework.id, 'offers/accepted', mine.length)
  const { agentId, role } = mine[0]!
  // The offers of an agent that is lost or away are gone before it is: where an offer is, there is a connected agent.
  const agent = cluster.agents.get(agentId)!
  const offered = Resources.sum(mine.map(({ resources }) => resources))
  for (const offer of mine) removeOffer(cluster, offer)
  let remaining = offered
  for (const operation of operations)
    remaining = perform(cluster, { framework, agent, role, offers: ids }, operation, remaining)
  // What operations made of the offers was not declined: nobody has seen it yet.
  const made = remaining.minus(offered)
  cluster.allocator.recover(framework.id, agentId, role, made)
  cluster.allocator.recover(framework.id, agentId, role, remaining.minus(made), refuseSeconds(call.filters))
}

function checkOffers(
  ids: readonly string[],
  offers: readonly (OfferRecord | undefined)[],
  framework: Framework,
): string | undefined {
  if (ids.length === 0) return 'No offers specified'
  const first = offers[0]
  for (const [index, id] of ids.entries()) {
    const offer = offers[index]
    if (!offer) return `Offer ${excerpt(id)} is no longer valid`
    if (ids.indexOf(id) !== index) return `Offer ${id} is named twice`
    if (offer.frameworkId !== framework.id) return `Offer ${id} belongs to another framework`
    if (offer.agentId !== first!.agentId) return `Offer ${id} is on another agent than offer ${ids[0]}`
    if (offer.role !== first!.role) return `Offer ${id} is for another role than offer ${ids[0]}`
  }
  return undefined
}

/** Where an operation happens. */
export interface Place {
  /** The ids of the offers. */
  readonly offers: readonly string[]
  readonly framework: Framework
  readonly agent: Agent
  readonly role: string
}

/** Runs one operation and answers what it leaves of the offered resources. */
function perform(cluster: Cluster, place: Place, operation: OfferOperation, remaining: Resources): Resources {
  cluster.tally.operation(place.framework.id, operation.type ?? 'UNKNOWN')
  switch (operation.type) {
    case 'LAUNCH': {
      const tasks = operation.launch?.task_infos ?? []
      if (operation.id !== undefined) return refuseId(cluster, place, tasks, remaining)
      return launch(cluster, place, tasks, remaining)
    }
    case 'LAUNCH_GROUP': {
      const { task_group: group, executor } = operation.launch_group ?? {}
      const tasks = group?.tasks ?? []
      if (operation.id !== undefined) return refuseId(cluster, place, tasks, remaining)
      if (!executor) return remaining
      return launchGroup(cluster, place, executor, tasks, remaining)
    }
    default:
      return convertOffered(cluster, place, operation, remaining)
  }
}

/** Tasks have updates of their own: an operation that launches them must carry no id (Mesos contract 2.4.5). */
function refuseId(cluster: Cluster, place: Place, tasks: readonly TaskInfo[], remaining: Resources): Resources {
  for (const task of tasks) {
    const status = masterStatus(cluster, place.framework, {
      taskId: task.task_id.value,
      agentId: task.agent_id.value,
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      message: 'operation.id: must not be set on an operation that launches tasks',
    })
    cluster.tally.ended(place.framework.id, 'TASK_ERROR', status)
    cluster.tellUpdate(place.framework, status)
  }
  return remaining
}

/** Nothing of an ACCEPT can be done: every task is dropped, every other operation fails. */
function drop(cluster: Cluster, framework: Framework, operations: readonly OfferOperation[], message: string): void {
  for (const operation of operations) {
    const tasks = operation.launch?.task_infos ?? operation.launch_group?.task_group?.tasks ?? []
    for (const task of tasks) {
      const status = masterStatus(cluster, framework, {
        taskId: task.task_id.value,
        agentId: task.agent_id.value,
        state: 'TASK_DROPPED',
        reason: 'REASON_INVALID_OFFERS',
        message,
      })
      cluster.tally.ended(framework.id, stateFor(isPartitionAware(framework), 'TASK_DROPPED'), status)
      cluster.tellUpdate(framework, status)
    }
    if (operation.type !== 'LAUNCH' && operation.type !== 'LAUNCH_GROUP')
      refuseOperation(cluster, framework, operation, message)
  }
}
