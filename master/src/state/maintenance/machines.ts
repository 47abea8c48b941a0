import type { AgentInfo, MachineID, Unavailability } from '@meseta/common/protocol/mesos'
import type { Maintenance } from '../commands.ts'
import { addressOf } from '../offers/offers.ts'

/** Machines of a schedule are told apart by this: hostnames are so without regard to case. */
export const machineKey = ({ hostname, ip }: MachineID): string => `${hostname?.toLowerCase() ?? ''} ${ip ?? ''}`

/** Where an agent runs. Of one that has not come back yet the address is not known. */
export function machineOf({ hostname }: AgentInfo, pid?: string): MachineID {
  const ip = pid === undefined ? undefined : addressOf(pid)?.ip
  return ip === undefined ? { hostname } : { hostname, ip }
}

/** Which machines are to be, or are, out of service. A schedule names a machine by hostname, address, or both: what it gives must fit. */
export class MachinePlan {
  readonly #windows = new Map<string, Unavailability>()
  readonly #down = new Set<string>()

  constructor({ schedule, machines }: Maintenance) {
    for (const { machine_ids = [], unavailability } of schedule.windows ?? [])
      for (const id of machine_ids) this.#windows.set(machineKey(id), unavailability)
    for (const { id, mode } of machines) if (mode === 'DOWN') this.#down.add(machineKey(id))
  }

  /** When a machine will not be there; undefined where nothing is planned. */
  unavailability(machine: MachineID): Unavailability | undefined {
    for (const key of keysOf(machine)) {
      const planned = this.#windows.get(key)
      if (planned) return planned
    }
    return undefined
  }

  isDown(machine: MachineID): boolean {
    return keysOf(machine).some(key => this.#down.has(key))
  }
}

/** The keys under which a schedule may name a machine. */
export function keysOf({ hostname, ip }: MachineID): string[] {
  const names: MachineID[] = []
  if (hostname !== undefined && ip !== undefined) names.push({ hostname, ip })
  if (hostname !== undefined) names.push({ hostname })
  if (ip !== undefined) names.push({ ip })
  return names.map(machineKey)
}
