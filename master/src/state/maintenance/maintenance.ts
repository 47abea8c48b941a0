import type { MachineID, MaintenanceSchedule } from '@meseta/common/protocol/mesos'
import { removeAgent } from '../agents/agent-removal.ts'
import type { Cluster } from '../cluster.ts'
import { rescindOffers } from '../offers/offers.ts'
import type { Agent } from '../records.ts'
import { writeSetting } from '../settings/settings.ts'
import { checkSchedule, checkTransition } from './check-maintenance.ts'
import { makeInverseOffers, rescindInverseOffers } from './inverse-offers.ts'
import { MachinePlan, machineKey, machineOf } from './machines.ts'

/** What agents on a machine that is DOWN are told. */
export const machineDown = 'The machine is DOWN for maintenance'

/** UPDATE_MAINTENANCE_SCHEDULE: replaces it as a whole; machines that are new in it are DRAINING (Mesos contract 8.4). */
export function updateSchedule(cluster: Cluster, request: number, schedule: MaintenanceSchedule): void {
  const { maintenance } = cluster.planned
  const refusal = checkSchedule(schedule, maintenance)
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const modes = new Map(maintenance.machines.map(({ id, mode }) => [machineKey(id), mode]))
  const machines = (schedule.windows ?? []).flatMap(({ machine_ids = [] }) =>
    machine_ids.map(id => ({ id, mode: modes.get(machineKey(id)) ?? ('DRAINING' as const) })),
  )
  writeSetting(cluster, { setting: 'maintenance', value: { schedule, machines } }, request)
}

/** START_MAINTENANCE: DRAINING machines are DOWN, and their agents are no more. */
export function startMaintenance(cluster: Cluster, request: number, ids: readonly MachineID[]): void {
  const { maintenance } = cluster.planned
  const refusal = checkTransition(ids, maintenance, 'DRAINING')
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const keys = new Set(ids.map(machineKey))
  const machines = maintenance.machines.map(machine =>
    keys.has(machineKey(machine.id)) ? { ...machine, mode: 'DOWN' as const } : machine,
  )
  writeSetting(cluster, { setting: 'maintenance', value: { ...maintenance, machines } }, request)
}

/** STOP_MAINTENANCE: DOWN machines are UP, and leave the schedule. */
export function stopMaintenance(cluster: Cluster, request: number, ids: readonly MachineID[]): void {
  const { maintenance } = cluster.planned
  const refusal = checkTransition(ids, maintenance, 'DOWN')
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const keys = new Set(ids.map(machineKey))
  const isOut = (id: MachineID) => !keys.has(machineKey(id))
  const windows = (maintenance.schedule.windows ?? [])
    .map(window => ({ ...window, machine_ids: (window.machine_ids ?? []).filter(isOut) }))
    .filter(({ machine_ids }) => machine_ids.length > 0)
  const machines = maintenance.machines.filter(({ id }) => isOut(id))
  const schedule = windows.length === 0 ? {} : { windows }
  writeSetting(cluster, { setting: 'maintenance', value: { schedule, machines } }, request)
}

/** The registry has the schedule: offers say so, frameworks are asked to leave, agents of machines that are DOWN go. */
export function maintenanceWritten(cluster: Cluster): void {
  cluster.machines = new MachinePlan(cluster.settings.maintenance)
  for (const agent of [...cluster.agents.values()]) {
    replan(cluster, agent)
    if (!cluster.machines.isDown(machineOf(agent.info, agent.pid))) continue
    cluster.send(agent, { shutdown: { message: machineDown } })
    removeAgent(cluster, agent, machineDown)
  }
  makeInverseOffers(cluster)
  cluster.wantAllocation()
}

/** What is planned for the machine of an agent, which may have changed: what was offered with other words is taken back. */
export function replan(cluster: Cluster, agent: Agent): void {
  const planned = cluster.machines.unavailability(machineOf(agent.info, agent.pid))
  if (planned) cluster.unavailable.add(agent)
  else cluster.unavailable.delete(agent)
  if (JSON.stringify(planned) === JSON.stringify(agent.unavailability)) return
  agent.unavailability = planned
  rescindOffers(cluster, agent.offers)
  rescindInverseOffers(cluster, agent)
  // Who agreed to other times has not agreed to these.
  if (agent.invitations.size > 0) {
    agent.invitations.clear()
    cluster.showAgent(agent, false)
  }
}
