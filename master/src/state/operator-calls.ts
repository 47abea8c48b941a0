import { refusalOf } from '../security/operations.ts'
import { operatorDemands } from '../security/operator-demands.ts'
import { deactivate, reactivate } from './agents/activation.ts'
import { drain } from './agents/drain.ts'
import { markGone } from './agents/gone.ts'
import type { Cluster } from './cluster.ts'
import type { Command } from './commands.ts'
import { removeFramework } from './frameworks/framework-end.ts'
import { startMaintenance, stopMaintenance, updateSchedule } from './maintenance/maintenance.ts'
import { operateOnAgent } from './operations/operator-resources.ts'
import { removeQuota, setQuota, updateQuota } from './settings/quota.ts'
import { updateWeights } from './settings/weights.ts'

/** An operator's call that changes something (Mesos contract 3). Each is answered by its request number, some only when a write is durable. */
export function operate(cluster: Cluster, { request, call, principal }: Command & { type: 'OPERATE' }): void {
  const demands = operatorDemands(call, id => cluster.frameworks.get(id)?.info.principal)
  const refusal = refusalOf(cluster.config.authorizer, principal, demands)
  if (refusal !== undefined) {
    cluster.reply(request, 403, refusal)
    return
  }
  switch (call.type) {
    case 'TEARDOWN':
      teardown(cluster, request, call.teardown!.framework_id.value)
      return
    case 'RESERVE_RESOURCES':
    case 'UNRESERVE_RESOURCES':
    case 'CREATE_VOLUMES':
    case 'DESTROY_VOLUMES':
    case 'GROW_VOLUME':
    case 'SHRINK_VOLUME':
      operateOnAgent(cluster, { type: 'OPERATE', request, call, principal })
      return
    case 'UPDATE_WEIGHTS':
      updateWeights(cluster, request, call.update_weights!)
      return
    case 'UPDATE_QUOTA':
      updateQuota(cluster, request, call.update_quota!)
      return
    case 'SET_QUOTA':
      setQuota(cluster, request, call.set_quota!)
      return
    case 'REMOVE_QUOTA':
      removeQuota(cluster, request, call.remove_quota!.role)
      return
    case 'UPDATE_MAINTENANCE_SCHEDULE':
      updateSchedule(cluster, request, call.update_maintenance_schedule!.schedule)
      return
    case 'START_MAINTENANCE':
      startMaintenance(cluster, request, call.start_maintenance!.machines ?? [])
      return
    case 'STOP_MAINTENANCE':
      stopMaintenance(cluster, request, call.stop_maintenance!.machines ?? [])
      return
    case 'DEACTIVATE_AGENT':
      deactivate(cluster, request, call.deactivate_agent!.agent_id.value)
      return
    case 'REACTIVATE_AGENT':
      reactivate(cluster, request, call.reactivate_agent!.agent_id.value)
      return
    case 'DRAIN_AGENT':
      drain(cluster, request, call.drain_agent!)
      return
    case 'MARK_AGENT_GONE':
      markGone(cluster, request, call.mark_agent_gone!.agent_id.value)
      return
    default:
      cluster.reply(request, 501, `type: ${call.type} is not supported yet by this master`)
  }
}

function teardown(cluster: Cluster, request: number, frameworkId: string): void {
  const framework = cluster.frameworks.get(frameworkId)
  if (!framework) {
    cluster.reply(request, 400, 'Framework cannot be found')
    return
  }
  removeFramework(cluster, framework)
  cluster.reply(request, 200)
}
