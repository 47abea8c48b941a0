import type { QuotaQuotaConfig } from '@meseta/common/protocol/mesos'
import { legacyResources } from '@meseta/common/resources/legacy'
import { Resources } from '@meseta/common/resources/resources'
import { ancestorsOf } from '../allocator/roles.ts'
import { rolesOf } from '../state/frameworks/framework-info.ts'
import { plainAmounts } from './settings-shapes.ts'
import type { Tables } from './tables.ts'

/** A role that is used, or stands above one that is, with all that is below it. */
export interface RoleRow {
  readonly name: string
  readonly weight: number
  readonly frameworks: readonly string[]
  readonly used: Resources
  readonly offered: Resources
  readonly reserved: Resources
  readonly quota: QuotaQuotaConfig | undefined
}

/** All roles, by name. Costs what frameworks hold by role, and not the number of agents or tasks. */
export function rolesIn(tables: Tables, weights: ReadonlyMap<string, number>): RoleRow[] {
  const names = new Set<string>()
  const frameworks = new Map<string, string[]>()
  const used = new Map<string, Resources>()
  const offered = new Map<string, Resources>()
  const reserved = new Map<string, Resources>()
  for (const [id, row] of tables.frameworks) {
    for (const role of rolesOf(row.view.info)) {
      for (const name of [role, ...ancestorsOf(role)]) names.add(name)
      const members = frameworks.get(role)
      if (members) members.push(id)
      else frameworks.set(role, [id])
    }
    for (const [role, holding] of row.holdings) {
      addUp(used, role, holding.used)
      addUp(offered, role, holding.offered)
    }
  }
  for (const [role, resources] of tables.total.reservations()) addUp(reserved, role, resources)
  for (const sums of [used, offered, reserved]) for (const name of sums.keys()) names.add(name)
  const quotas = new Map(tables.settings.quotas.map(quota => [quota.role, quota]))
  for (const name of quotas.keys()) names.add(name)
  const sum = (sums: ReadonlyMap<string, Resources>, name: string) => sums.get(name) ?? Resources.empty
  return [...names].sort().map(name => ({
    name,
    weight: weights.get(name) ?? 1,
    frameworks: frameworks.get(name) ?? [],
    used: sum(used, name),
    offered: sum(offered, name),
    reserved: sum(reserved, name),
    quota: quotas.get(name),
  }))
}

/** Counts resources of a role for it and for each role above it. */
function addUp(sums: Map<string, Resources>, role: string, resources: Resources): void {
  if (resources.isEmpty) return
  for (const name of [role, ...ancestorsOf(role)]) sums.set(name, (sums.get(name) ?? Resources.empty).plus(resources))
}

/** The role of /roles and of the feed (Mesos contract 4). What is reserved counts as consumed, used or not. */
export function legacyRoleOf(role: RoleRow): Record<string, unknown> {
  return {
    name: role.name,
    weight: role.weight,
    quota: {
      role: role.name,
      guarantee: plainAmounts(role.quota?.guarantees),
      limit: plainAmounts(role.quota?.limits),
      consumed: Object.fromEntries(role.reserved.plus(role.used.unreserved()).quantities()),
    },
    resources: legacyResources(role.used.plus(role.offered)),
    allocated: legacyResources(role.used),
    offered: legacyResources(role.offered),
    reserved: legacyResources(role.reserved),
    frameworks: role.frameworks,
  }
}
