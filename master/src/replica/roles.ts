import { legacyResources } from '@meseta/common/resources/legacy'
import { Resources } from '@meseta/common/resources/resources'
import { ancestorsOf } from '../allocator/roles.ts'
import { rolesOf } from '../state/framework-info.ts'
import type { FrameworkRow, Tables } from './tables.ts'

/** A role that is used, or stands above one that is, with all that is below it. */
export interface RoleRow {
  readonly name: string
  readonly weight: number
  readonly frameworks: readonly string[]
  readonly used: Resources
  readonly offered: Resources
  readonly reserved: Resources
}

/** All roles, by name. Costs the number of frameworks and agents, not of tasks. */
export function rolesIn(tables: Tables, weights: ReadonlyMap<string, number>): RoleRow[] {
  const names = new Set<string>()
  const frameworks = new Map<string, string[]>()
  const used = new Map<string, Resources>()
  const offered = new Map<string, Resources>()
  const reserved = new Map<string, Resources>()
  for (const [id, row] of tables.frameworks) {
    for (const role of rolesOf(row.view.info)) {
      names.add(role)
      const members = frameworks.get(role)
      if (members) members.push(id)
      else frameworks.set(role, [id])
    }
    sumByRole(row, used, offered)
  }
  for (const { total } of tables.agents.values())
    for (const [role, resources] of total.reservations()) addTo(reserved, role, resources)
  for (const name of [...used.keys(), ...offered.keys(), ...reserved.keys()]) names.add(name)
  for (const name of [...names]) for (const ancestor of ancestorsOf(name)) names.add(ancestor)
  const below = (sums: ReadonlyMap<string, Resources>, name: string): Resources => {
    let sum = Resources.empty
    for (const [role, resources] of sums) if (role === name || role.startsWith(`${name}/`)) sum = sum.plus(resources)
    return sum
  }
  return [...names].sort().map(name => ({
    name,
    weight: weights.get(name) ?? 1,
    frameworks: frameworks.get(name) ?? [],
    used: below(used, name),
    offered: below(offered, name),
    reserved: below(reserved, name),
  }))
}

function sumByRole(row: FrameworkRow, used: Map<string, Resources>, offered: Map<string, Resources>): void {
  for (const [role, holding] of row.holdings) {
    if (!holding.used.isEmpty) addTo(used, role, holding.used)
    if (!holding.offered.isEmpty) addTo(offered, role, holding.offered)
  }
}

function addTo(sums: Map<string, Resources>, role: string, resources: Resources): void {
  sums.set(role, (sums.get(role) ?? Resources.empty).plus(resources))
}

/** The role of /roles and of the feed (Mesos contract 4). Quota comes later: nothing is guaranteed, nothing limited. */
export function legacyRoleOf(role: RoleRow): Record<string, unknown> {
  return {
    name: role.name,
    weight: role.weight,
    quota: { role: role.name, guarantee: {}, limit: {}, consumed: legacyResources(role.used) },
    resources: legacyResources(role.used.plus(role.offered)),
    allocated: legacyResources(role.used),
    offered: legacyResources(role.offered),
    reserved: legacyResources(role.reserved),
    frameworks: role.frameworks,
  }
}
