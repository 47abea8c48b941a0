import { excerpt } from '@meseta/common/protocol/excerpt'
import type {
  Operation,
  OperationState,
  OperationStatus,
  SchedulerCallAcknowledgeOperationStatus,
} from '@meseta/common/protocol/mesos'
import { isTerminalOperation } from '@meseta/common/protocol/task-state'
import type { Cluster } from '../cluster.ts'
import type { Agent, Framework } from '../records.ts'
import type { OperationRecord } from './operation-table.ts'
import { addOperation, tellOperation, tooMany } from './operations.ts'

/**
 * An agent tells how an operation went. Its framework is told if it asked for updates, and acknowledges; all others the master
 * acknowledges itself. For a framework that does not listen the agent says it again.
 */
export function operationUpdate(cluster: Cluster, agent: Agent, told: Operation): void {
  if (cluster.operations.isSettled(agent.id, agent.session, told.uuid.value)) return
  const known = cluster.operations.get(told.uuid.value)
  const refusal = known ? known.agentId !== agent.id && 'it is of another agent' : tooMany(cluster, agent)
  if (refusal) {
    cluster.note({ code: 'OPERATION_UPDATE_DROPPED', agentId: agent.id, detail: refusal })
    cluster.tally.count('dropped_messages')
    return
  }
  const record = learn(cluster, agent, told)
  const { frameworkId } = record
  const framework = frameworkId === undefined ? undefined : cluster.frameworks.get(frameworkId)
  if (framework && record.id !== undefined) tellOperation(cluster, framework, record.operation.latest_status)
  else if (framework || mayForget(cluster, frameworkId)) acknowledgeItself(cluster, agent, record)
}

/** Whether nobody will ask for an operation of this framework any more: it has none, has ended, or has not come back. */
function mayForget(cluster: Cluster, frameworkId: string | undefined): boolean {
  if (frameworkId === undefined || cluster.completed.has(frameworkId)) return true
  return cluster.now.monotonic - cluster.recoveredAt > cluster.config.agentReregisterTimeout
}

/** Notes what an agent says of an operation. An end stays; of one that this master knows nothing else can change. */
function learn(cluster: Cluster, agent: Agent, told: Operation): OperationRecord {
  const known = cluster.operations.get(told.uuid.value)
  if (known && isTerminalOperation(known.operation.latest_status.state)) return known
  // Who speaks is known by the link, and not by what is said.
  const agent_id = { value: agent.id }
  const { id } = (known?.operation ?? told).info
  const latest_status: OperationStatus = { ...told.latest_status, agent_id, ...(id ? { operation_id: id } : {}) }
  const operation: Operation = { ...(known?.operation ?? told), agent_id, latest_status, statuses: [latest_status] }
  noteEnd(cluster, operation)
  if (!known) return addOperation(cluster, agent, operation)
  known.operation = operation
  cluster.change({ type: 'OPERATION', operation })
  return known
}

/** An end is counted; one without success may be of an operation that was answered with 202, which nobody else hears of. */
function noteEnd(cluster: Cluster, { info, agent_id, framework_id, latest_status }: Operation): void {
  const { state, message } = latest_status
  if (!isTerminalOperation(state)) return
  if (state !== 'OPERATION_FINISHED') {
    const detail = [info.type, message]
      .filter(Boolean)
      .map(text => excerpt(text!))
      .join(': ')
    cluster.note({ code: state, agentId: agent_id?.value, frameworkId: framework_id?.value, detail })
  }
  const word = state.replace('OPERATION_', '').toLowerCase()
  cluster.tally.count(`operations/${(info.type ?? 'UNKNOWN').toLowerCase()}/${word}`)
}

function acknowledgeItself(cluster: Cluster, agent: Agent, record: OperationRecord): void {
  const { uuid, latest_status: status } = record.operation
  if (status.uuid) cluster.send(agent, { acknowledge_operation: { uuid, status_uuid: status.uuid } })
  if (!isTerminalOperation(status.state)) return
  cluster.operations.settle(record, agent.session)
  forget(cluster, record)
}

function forget(cluster: Cluster, record: OperationRecord): void {
  cluster.operations.remove(record)
  cluster.change({ type: 'OPERATION_REMOVED', uuid: record.uuid })
}

/** ACKNOWLEDGE_OPERATION_STATUS: on to the agent; the acknowledgement of its end removes the operation. */
export function acknowledgeOperation(
  cluster: Cluster,
  framework: Framework,
  call: SchedulerCallAcknowledgeOperationStatus,
): void {
  cluster.tally.count('messages_operation_status_update_acknowledgement')
  const record = cluster.operations.find(framework.id, call.operation_id.value)
  const agent = cluster.agents.get(call.agent_id!.value)
  const status = record?.operation.latest_status
  if (!agent?.connected || record?.agentId !== agent.id || status?.uuid?.value !== call.uuid) {
    cluster.note({
      code: 'ACKNOWLEDGED_UNKNOWN_OPERATION',
      agentId: call.agent_id!.value,
      frameworkId: framework.id,
      detail: call.operation_id.value.slice(0, 256),
    })
    cluster.tally.count('invalid_operation_status_update_acknowledgements')
    return
  }
  acknowledgeItself(cluster, agent, record)
}

/**
 * An agent says which operations it has. What was sent to it in a session that ended, and it does not have, never arrived.
 * `isRepeated`: the agent has said so in this session before, and some that it names may be acknowledged by now.
 * Answers those that are on their way to it in this session.
 */
export function adoptOperations(
  cluster: Cluster,
  agent: Agent,
  operations: readonly Operation[] = [],
  isRepeated = false,
): OperationRecord[] {
  for (const operation of operations) {
    const known = cluster.operations.get(operation.uuid.value)
    if (known ? known.agentId === agent.id : !isRepeated && !tooMany(cluster, agent)) learn(cluster, agent, operation)
  }
  const named = new Set(operations.map(({ uuid }) => uuid.value))
  const onTheirWay: OperationRecord[] = []
  for (const record of [...cluster.operations.ofAgent(agent.id)]) {
    if (named.has(record.uuid)) continue
    const isUnanswered = !isTerminalOperation(record.operation.latest_status.state)
    if (isUnanswered && record.session === agent.session) onTheirWay.push(record)
    else endOperation(cluster, record, 'OPERATION_DROPPED', 'The operation did not reach the agent')
  }
  return onTheirWay
}

/** An agent is out of reach, or gone for ever, and its operations with it (Mesos contract 7.6, 7.8). */
export function loseOperations(cluster: Cluster, agent: Agent, isUnreachable: boolean): void {
  const state: OperationState = isUnreachable ? 'OPERATION_UNREACHABLE' : 'OPERATION_GONE_BY_OPERATOR'
  const message = isUnreachable ? 'The agent is unreachable' : 'The agent is gone'
  for (const record of [...cluster.operations.ofAgent(agent.id)]) endOperation(cluster, record, state, message)
  cluster.operations.forgetAgent(agent.id)
}

/** Takes an operation off the books in a state that the master gives it; nobody acknowledges that. */
function endOperation(cluster: Cluster, record: OperationRecord, state: OperationState, message: string): void {
  const { frameworkId, id, agentId, operation } = record
  const framework = frameworkId === undefined ? undefined : cluster.frameworks.get(frameworkId)
  const status: OperationStatus = { state, message, agent_id: { value: agentId } }
  // An end that was told and is not acknowledged stays the end.
  if (!isTerminalOperation(operation.latest_status.state)) {
    noteEnd(cluster, { ...operation, latest_status: status })
    if (framework && id !== undefined) tellOperation(cluster, framework, { operation_id: { value: id }, ...status })
  }
  forget(cluster, record)
}

/** A framework is removed: nobody acknowledges its operations but the master, those that have ended now, the others when they end. */
export function orphanOperations(cluster: Cluster, frameworkId: string): void {
  for (const record of [...cluster.operations.ofFramework(frameworkId)]) {
    const agent = cluster.agents.get(record.agentId)
    if (agent && isTerminalOperation(record.operation.latest_status.state)) acknowledgeItself(cluster, agent, record)
  }
}
