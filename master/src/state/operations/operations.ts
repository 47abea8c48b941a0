import type { OfferOperation, Operation, OperationStatus } from '@meseta/common/protocol/mesos'
import { allocateOperation } from '@meseta/common/resources/conversions'
import { type Applied, Resources } from '@meseta/common/resources/resources'
import { operationRefusal } from '../../security/operations.ts'
import type { Cluster } from '../cluster.ts'
import type { Place } from '../offers/accept.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { Agent, Framework } from '../records.ts'
import { checkFeedback, checkOperation } from './check-operation.ts'
import type { OperationRecord } from './operation-table.ts'
import { offersHolding } from './volume-use.ts'

/** Operations of an agent whose ends nobody has acknowledged: it stores them all in one file. */
const maxOfAgent = 1_000
/** What an agent has, as JSON: it tells all of it in one message when it returns, and all of it may be one offer. */
const maxResourceBytes = 256 * 1024

export type Conversion = Extract<Applied, { resources: Resources }>

/**
 * An operation of an ACCEPT that changes resources: applied here at once, so that what follows it may use the result, and sent to
 * the agent to be stored (Mesos contract 2.4). One that is refused changes nothing. Answers what is left of the offers.
 */
export function convertOffered(cluster: Cluster, place: Place, asked: OfferOperation, remaining: Resources): Resources {
  const { framework, agent, role } = place
  const operation = allocateOperation(asked, role)
  const { principal } = framework.info
  const refusal =
    operationRefusal(cluster.config.authorizer, principal, operation) ??
    checkFeedback(cluster, agent, framework, operation) ??
    checkOperation(cluster, { agent, framework, principal }, operation) ??
    tooMany(cluster, agent)
  if (refusal !== undefined) {
    refuseOperation(cluster, framework, operation, refusal, agent.id)
    return remaining
  }
  const applied = appliedWithin(agent, remaining, operation)
  if ('refused' in applied) {
    refuseOperation(cluster, framework, operation, applied.refused, agent.id)
    return remaining
  }
  if (operation.type === 'DESTROY') rescindOffers(cluster, offersHolding(agent, applied.consumed.unallocated()))
  convert(cluster, agent, applied, { frameworkId: framework.id, role })
  begin(cluster, agent, framework.id, operation)
  return applied.resources
}

/** Why an agent is given no more operations, or undefined. */
export function tooMany(cluster: Cluster, agent: Agent): string | undefined {
  if (cluster.operations.ofAgent(agent.id).size < maxOfAgent) return undefined
  return `the ends of ${maxOfAgent} operations on the agent are not acknowledged`
}

/** What becomes of `resources` of an agent; refused also where it would have more than it can tell. Less is always taken. */
export function appliedWithin(agent: Agent, resources: Resources, operation: OfferOperation): Applied {
  const applied = resources.applyOperation(operation)
  if ('refused' in applied) return applied
  const bytes = bytesOf(changed(agent, applied))
  if (bytes <= maxResourceBytes || bytes <= bytesOf(agent.total)) return applied
  return { refused: `the agent's resources would take ${bytes} bytes, and may take ${maxResourceBytes} at most` }
}

const bytesOf = (resources: Resources): number => Buffer.byteLength(JSON.stringify(resources.toArray()))

const changed = ({ total }: Agent, { consumed, converted }: Pick<Conversion, 'consumed' | 'converted'>): Resources =>
  total.minus(consumed.unallocated()).plus(converted.unallocated())

/** Changes what an agent has. `holder`: who has what is consumed, and what it became; nobody, where it is free. */
export function convert(
  cluster: Cluster,
  agent: Agent,
  applied: Pick<Conversion, 'consumed' | 'converted'>,
  holder?: { readonly frameworkId: string; readonly role: string },
): void {
  agent.total = changed(agent, applied)
  cluster.allocator.convert(agent.id, applied.consumed.unallocated(), applied.converted.unallocated(), holder)
  cluster.showAgent(agent, false)
}

/** Notes an operation, and has the agent carry it out. */
export function begin(
  cluster: Cluster,
  agent: Agent,
  frameworkId: string | undefined,
  operation: OfferOperation,
): void {
  const uuid = cluster.newOperationUuid()
  const framework_id = frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }
  const status: OperationStatus = { state: 'OPERATION_PENDING', agent_id: { value: agent.id } }
  if (operation.id !== undefined) status.operation_id = operation.id
  addOperation(cluster, agent, {
    ...framework_id,
    agent_id: { value: agent.id },
    info: operation,
    latest_status: status,
    uuid: { value: uuid },
  })
  cluster.tally.count('operations/total')
  cluster.send(agent, { apply_operation: { uuid: { value: uuid }, ...framework_id, info: operation } })
}

/** Adds an operation to the state, and shows it. */
export function addOperation(cluster: Cluster, agent: Agent, operation: Operation): OperationRecord {
  const record: OperationRecord = {
    uuid: operation.uuid.value,
    agentId: agent.id,
    frameworkId: operation.framework_id?.value,
    id: operation.info.id?.value,
    operation,
    session: agent.session,
  }
  cluster.operations.add(record)
  cluster.change({ type: 'OPERATION', operation })
  return record
}

/**
 * What an agent has after operations that it had not heard of when it said what it has: the same as the master, which expects it to do
 * them.
 */
export function expectOperations(total: Resources, records: Iterable<OperationRecord>): Resources {
  let expected = total
  for (const { operation } of records) {
    const applied = expected.applyOperation(allocateOperation(operation.info, undefined))
    if (!('refused' in applied)) expected = applied.resources
  }
  return expected
}

/** An operation that asked for updates learns that it is refused. */
export function refuseOperation(
  cluster: Cluster,
  framework: Framework,
  operation: OfferOperation,
  message: string,
  agentId?: string,
): void {
  cluster.note({ code: 'OPERATION_REFUSED', frameworkId: framework.id, detail: message })
  cluster.tally.count(`operations/${(operation.type ?? 'UNKNOWN').toLowerCase()}/error`)
  if (operation.id === undefined) return
  const agent_id = agentId === undefined ? {} : { agent_id: { value: agentId } }
  tellOperation(cluster, framework, { operation_id: operation.id, state: 'OPERATION_ERROR', message, ...agent_id })
}

/** Tells a framework, if it listens, of a status of its operation. */
export function tellOperation(cluster: Cluster, framework: Framework, status: OperationStatus): void {
  cluster.tell(framework, {
    type: 'UPDATE_OPERATION_STATUS',
    update_operation_status: { status: readableBy(framework, status) },
  })
}

/** The status in the format of resources that the framework reads. */
export function readableBy({ capabilities }: Framework, status: OperationStatus): OperationStatus {
  const { converted_resources: converted } = status
  if (!converted || capabilities.has('RESERVATION_REFINEMENT')) return status
  return { ...status, converted_resources: Resources.from(converted).inOldFormat() }
}
