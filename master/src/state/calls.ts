import { excerpt } from '@meseta/common/protocol/excerpt'
import type { SchedulerCall } from '@meseta/common/protocol/mesos'
import type { Cluster } from './cluster.ts'
import type { Command } from './commands.ts'
import { removeFramework } from './frameworks/framework-end.ts'
import { subscribe, updateFramework } from './frameworks/frameworks.ts'
import { answerInverseOffers } from './maintenance/inverse-offers.ts'
import { accept, decline } from './offers/accept.ts'
import { acknowledgeOperation } from './operations/operation-updates.ts'
import type { Framework } from './records.ts'
import { kill, messageExecutor, shutdownExecutor } from './tasks/kill.ts'
import { reconcile, reconcileOperations } from './tasks/reconcile.ts'
import { acknowledge } from './tasks/updates.ts'

/** A call that is well formed; what it may do depends on who calls (Mesos contract 2.1). */
export function handleCall(cluster: Cluster, { request, call, streamId, principal }: Command & { type: 'CALL' }): void {
  if (call.type === 'SUBSCRIBE') {
    subscribe(cluster, request, call, streamId!, principal)
    return
  }
  const framework = cluster.frameworks.get(call.framework_id!.value)
  const refusal = refusalOf(call, framework, streamId, principal)
  if (refusal !== undefined || !framework) {
    cluster.reply(request, ...(refusal ?? notFound))
    return
  }
  cluster.tally.call(framework.id, call.type!)
  if (call.type === 'UPDATE_FRAMEWORK') updateFramework(cluster, framework, request, call.update_framework!, principal)
  else {
    cluster.reply(request, 202)
    perform(cluster, framework, call)
  }
}

type Refusal = readonly [status: number, message: string]
const notFound: Refusal = [400, 'Framework cannot be found']

/** In the contract's order (2.1). */
function refusalOf(
  call: SchedulerCall,
  framework: Framework | undefined,
  streamId: string | undefined,
  principal: string | undefined,
): Refusal | undefined {
  if (!framework) return notFound
  if (principal !== undefined && principal !== framework.info.principal)
    return [400, `The authenticated principal '${principal}' is not that of the framework`]
  if (framework.streamId === undefined) return [403, 'Framework is not subscribed']
  if (streamId === undefined) return [400, "Every call but SUBSCRIBE needs the header 'Mesos-Stream-Id'"]
  if (streamId !== framework.streamId) return [400, "'Mesos-Stream-Id' is not the id of the framework's current stream"]
  if (call.type === 'UNKNOWN') return [501, 'type: UNKNOWN is no call that this master knows']
  return undefined
}

function perform(cluster: Cluster, framework: Framework, call: SchedulerCall): void {
  switch (call.type) {
    case 'TEARDOWN':
      cluster.tally.count('messages_unregister_framework')
      removeFramework(cluster, framework)
      return
    case 'ACCEPT':
      accept(cluster, framework, call.accept!)
      return
    case 'DECLINE':
      decline(cluster, framework, call.decline!)
      return
    case 'REVIVE':
      revive(cluster, framework, call.revive?.roles ?? [])
      return
    case 'SUPPRESS':
      suppress(cluster, framework, call.suppress?.roles ?? [])
      return
    case 'KILL':
      kill(cluster, framework, call.kill!)
      return
    case 'SHUTDOWN':
      shutdownExecutor(cluster, framework, call.shutdown!)
      return
    case 'ACKNOWLEDGE':
      acknowledge(cluster, framework, call.acknowledge!)
      return
    case 'RECONCILE':
      reconcile(cluster, framework, call.reconcile!)
      return
    case 'RECONCILE_OPERATIONS':
      reconcileOperations(cluster, framework, call.reconcile_operations!)
      return
    case 'ACKNOWLEDGE_OPERATION_STATUS':
      acknowledgeOperation(cluster, framework, call.acknowledge_operation_status!)
      return
    case 'MESSAGE':
      messageExecutor(cluster, framework, call.message!)
      return
    case 'REQUEST':
      cluster.tally.count('messages_resource_request')
      return
    case 'ACCEPT_INVERSE_OFFERS':
      answerInverseOffers(cluster, framework, 'ACCEPT', call.accept_inverse_offers!)
      return
    case 'DECLINE_INVERSE_OFFERS':
      answerInverseOffers(cluster, framework, 'DECLINE', call.decline_inverse_offers!)
      return
    default:
      cluster.tally.count('dropped_messages')
  }
}

/** The roles of a call, all of the framework's when none is named; undefined when one is not its own: the call is dropped. */
function rolesOfCall(cluster: Cluster, framework: Framework, given: readonly string[]): readonly string[] | undefined {
  if (given.length === 0) return framework.roles
  const named = [...new Set(given)]
  const foreign = named.find(role => !framework.roles.includes(role))
  if (foreign === undefined) return named
  cluster.note({ code: 'CALL_NAMES_FOREIGN_ROLE', frameworkId: framework.id, detail: excerpt(foreign) })
  cluster.tally.count('dropped_messages')
  return undefined
}

function revive(cluster: Cluster, framework: Framework, named: readonly string[]): void {
  cluster.tally.count('messages_revive_offers')
  const roles = rolesOfCall(cluster, framework, named)
  if (!roles) return
  for (const role of roles) framework.suppressed.delete(role)
  cluster.allocator.revive(framework.id, roles)
  cluster.wantAllocation()
}

function suppress(cluster: Cluster, framework: Framework, named: readonly string[]): void {
  cluster.tally.count('messages_suppress_offers')
  const roles = rolesOfCall(cluster, framework, named)
  if (!roles) return
  for (const role of roles) framework.suppressed.add(role)
  cluster.allocator.suppress(framework.id, roles)
}
