import { isIP } from 'node:net'
import { excerpt } from '@meseta/common/protocol/excerpt'
import type { MachineID, MachineInfoMode, MaintenanceSchedule } from '@meseta/common/protocol/mesos'
import type { Maintenance } from '../commands.ts'
import { machineKey } from './machines.ts'

/** How a person reads which machine it is. */
export const nameOf = ({ hostname, ip }: MachineID): string => excerpt([hostname, ip].filter(Boolean).join(' at '))

/** Why a schedule can not replace the one that is there, or undefined (Mesos contract 8.4). */
export function checkSchedule({ windows = [] }: MaintenanceSchedule, { machines }: Maintenance): string | undefined {
  const scheduled = windows.flatMap(({ machine_ids = [] }) => machine_ids)
  if (windows.some(({ machine_ids }) => !machine_ids?.length)) return 'schedule: a window without machines'
  if (windows.some(({ unavailability: { duration } }) => duration !== undefined && duration.nanoseconds < 0))
    return 'schedule: a duration is negative'
  const refusal = checkMachines(scheduled)
  if (refusal !== undefined) return `schedule: ${refusal}`
  const keys = new Set(scheduled.map(machineKey))
  const dropped = machines.find(({ id, mode }) => mode === 'DOWN' && !keys.has(machineKey(id)))
  return dropped && `schedule: machine ${nameOf(dropped.id)} is DOWN, and must be scheduled until it is UP`
}

/** Why a list names no machines, or names one twice; or undefined. */
export function checkMachines(ids: readonly MachineID[]): string | undefined {
  const seen = new Set<string>()
  for (const id of ids) {
    if (!id.hostname && !id.ip) return 'a machine needs a hostname or an ip'
    if (id.ip && isIP(id.ip) !== 4) return `'${excerpt(id.ip, 64)}' is no IPv4 address`
    const key = machineKey(id)
    if (seen.has(key)) return `machine ${nameOf(id)} is named twice`
    seen.add(key)
  }
  return undefined
}

/** Why machines can not be taken from this mode to the next, or undefined. */
export function checkTransition(
  ids: readonly MachineID[],
  { machines }: Maintenance,
  from: MachineInfoMode,
): string | undefined {
  if (ids.length === 0) return 'machines: is empty'
  const refusal = checkMachines(ids)
  if (refusal !== undefined) return `machines: ${refusal}`
  const modes = new Map(machines.map(({ id, mode }) => [machineKey(id), mode]))
  for (const id of ids) {
    const mode = modes.get(machineKey(id))
    if (mode === undefined) return `machine ${nameOf(id)} is not part of a maintenance schedule`
    if (mode !== from) return `machine ${nameOf(id)} is ${mode}, and must be ${from}`
  }
  return undefined
}
