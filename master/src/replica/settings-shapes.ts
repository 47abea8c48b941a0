import type {
  AllocatorInverseOfferStatus,
  MaintenanceClusterStatus,
  MaintenanceSchedule,
  QuotaQuotaConfig,
  QuotaQuotaStatus,
  Resource,
  WeightInfo,
} from '@meseta/common/protocol/mesos'
import type { Settings } from '../state/commands.ts'
import { keysOf, machineKey, machineOf } from '../state/maintenance/machines.ts'
import type { Tables } from './tables.ts'
import type { Views } from './views.ts'

// What operators have set, as it is read (Mesos contract 3, 4).

export function weightInfos(weights: ReadonlyMap<string, number>, views: Views): WeightInfo[] {
  return [...weights].filter(([role]) => views.role(role)).map(([role, weight]) => ({ role, weight }))
}

/** With the older form of what is guaranteed. */
export function quotaStatus({ quotas }: Settings, views: Views): QuotaQuotaStatus {
  const configs = quotas.filter(({ role }) => views.quota(role))
  return { infos: configs.map(infoOf), configs }
}

const infoOf = ({ role, guarantees }: QuotaQuotaConfig) => ({ role, guarantee: resourcesOf(guarantees) })

const resourcesOf = (amounts: QuotaQuotaConfig['guarantees']): Resource[] =>
  Object.entries(amounts ?? {}).map(([name, scalar]) => ({ name, type: 'SCALAR', scalar, role: '*' }))

/** Amounts as plain numbers. */
export const plainAmounts = (amounts: QuotaQuotaConfig['guarantees']): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts ?? {}).map(([name, { value }]) => [name, value]))

/** Machines that drain, with what frameworks on them answered; and those that are down. */
export function maintenanceStatus({ settings, agents }: Tables): MaintenanceClusterStatus {
  const { machines } = settings.maintenance
  const statuses = new Map<string, AllocatorInverseOfferStatus[]>()
  for (const { view } of agents.values())
    if (view.invitations.length > 0)
      for (const key of keysOf(machineOf(view.info, view.pid)))
        statuses.set(key, [...(statuses.get(key) ?? []), ...view.invitations])
  const draining = machines.filter(({ mode }) => mode === 'DRAINING')
  const down = machines.filter(({ mode }) => mode === 'DOWN')
  return {
    draining_machines: draining.map(({ id }) => ({ id, statuses: statuses.get(machineKey(id)) ?? [] })),
    down_machines: down.map(({ id }) => id),
  }
}

export const scheduleOf = ({ maintenance }: Settings): MaintenanceSchedule => maintenance.schedule
