import type { SchedulerCall, SchedulerCallType } from '@meseta/common/protocol/mesos'

/** The calls that have a body, and where it is. */
const bodies: Partial<Record<SchedulerCallType, keyof SchedulerCall>> = {
  SUBSCRIBE: 'subscribe',
  ACCEPT: 'accept',
  DECLINE: 'decline',
  ACCEPT_INVERSE_OFFERS: 'accept_inverse_offers',
  DECLINE_INVERSE_OFFERS: 'decline_inverse_offers',
  KILL: 'kill',
  SHUTDOWN: 'shutdown',
  ACKNOWLEDGE: 'acknowledge',
  ACKNOWLEDGE_OPERATION_STATUS: 'acknowledge_operation_status',
  RECONCILE: 'reconcile',
  RECONCILE_OPERATIONS: 'reconcile_operations',
  MESSAGE: 'message',
  REQUEST: 'request',
  UPDATE_FRAMEWORK: 'update_framework',
}

/** Why a call is a 400 whoever sends it, or undefined (Mesos contract 2.1, 2.2). */
export function checkCall(call: SchedulerCall): string | undefined {
  if (call.type === undefined) return 'type: is required'
  const body = bodies[call.type]
  if (body !== undefined && call[body] === undefined) return `${body}: is required in a call of type ${call.type}`
  if (call.type === 'SUBSCRIBE') return checkSubscribe(call)
  if (call.framework_id === undefined) return 'framework_id: is required'
  if (call.type === 'ACKNOWLEDGE') return checkUuid('acknowledge.uuid', call.acknowledge!.uuid)
  if (call.type === 'ACKNOWLEDGE_OPERATION_STATUS') {
    const { agent_id: agentId, uuid } = call.acknowledge_operation_status!
    if (agentId === undefined) return 'acknowledge_operation_status.agent_id: is required'
    return checkUuid('acknowledge_operation_status.uuid', uuid)
  }
  if (call.type === 'UPDATE_FRAMEWORK') {
    const named = call.update_framework!.framework_info.id?.value
    if (named !== call.framework_id.value)
      return 'update_framework.framework_info.id: must be the framework_id of the call'
  }
  return undefined
}

function checkSubscribe(call: SchedulerCall): string | undefined {
  const inside = call.subscribe!.framework_info.id?.value || undefined
  const outside = call.framework_id?.value || undefined
  if (inside === outside) return undefined
  return 'subscribe.framework_info.id: must be the same as framework_id, or both absent'
}

/** A uuid is 16 bytes, in base64. */
function checkUuid(path: string, uuid: string): string | undefined {
  const length = Buffer.from(uuid, 'base64').length
  return length === 16 ? undefined : `${path}: must be 16 bytes, and is ${length}`
}
