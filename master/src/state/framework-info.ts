import { excerpt } from '@meseta/common/protocol/excerpt'
import { checkId } from '@meseta/common/protocol/ids'
import type {
  FrameworkInfo,
  SchedulerAttributeConstraint,
  SchedulerOfferConstraints,
} from '@meseta/common/protocol/mesos'
import { checkRole } from '../allocator/roles.ts'
import type { HeartConfig } from './config.ts'

/** More roles than this no framework may have: each has a place in every queue of the allocator. */
const maxRoles = 1_000

export const capabilitiesOf = (info: FrameworkInfo): ReadonlySet<string> =>
  new Set((info.capabilities ?? []).map(capability => capability.type ?? 'UNKNOWN'))

/** The roles a framework is in: `roles` with MULTI_ROLE, else its one `role`. */
export function rolesOf(info: FrameworkInfo): readonly string[] {
  return capabilitiesOf(info).has('MULTI_ROLE') ? (info.roles ?? []) : [info.role ?? '*']
}

/** Why a FrameworkInfo is refused, naming the field, or undefined (Mesos contract 2.1, 2.5). */
export function checkFrameworkInfo(info: FrameworkInfo, config: HeartConfig): string | undefined {
  return (
    checkRoleFields(info) ??
    checkRoles(rolesOf(info), config) ??
    checkUser(info, config) ??
    checkFailoverTimeout(info) ??
    checkFrameworkId(info)
  )
}

function checkRoleFields(info: FrameworkInfo): string | undefined {
  if (capabilitiesOf(info).has('MULTI_ROLE')) {
    if (info.role !== undefined && info.role !== '*')
      return 'framework_info.role: must not be set by a framework with the capability MULTI_ROLE; use roles'
    const roles = info.roles ?? []
    if (roles.length > maxRoles)
      return `framework_info.roles: holds ${roles.length} roles, and at most ${maxRoles} are taken`
    if (new Set(roles).size !== roles.length) return 'framework_info.roles: holds a role twice'
    return undefined
  }
  if ((info.roles ?? []).length > 0) return 'framework_info.roles: needs the capability MULTI_ROLE; without it use role'
  return undefined
}

function checkRoles(roles: readonly string[], config: HeartConfig): string | undefined {
  for (const role of roles) {
    const reason = checkRole(role)
    if (reason) return `framework_info.roles: ${reason}`
    if (config.roles && role !== '*' && !config.roles.has(role))
      return `framework_info.roles: role '${role}' is not one of those this master was started with (--roles)`
  }
  return undefined
}

function checkUser(info: FrameworkInfo, config: HeartConfig): string | undefined {
  if (info.user === 'root' && !config.rootSubmissions)
    return "framework_info.user: user 'root' may not run frameworks here (--no-root_submissions)"
  return undefined
}

function checkFailoverTimeout(info: FrameworkInfo): string | undefined {
  const timeout = info.failover_timeout ?? 0
  if (Number.isNaN(timeout) || timeout < 0)
    return 'framework_info.failover_timeout: must be a number of seconds, 0 or more'
  return undefined
}

function checkFrameworkId(info: FrameworkInfo): string | undefined {
  if (info.id === undefined || info.id.value === '') return undefined
  const reason = checkId(info.id.value)
  return reason && `framework_info.id.value: ${reason}`
}

/** Why suppressed roles are refused, or undefined. */
export function checkSuppressed(suppressed: readonly string[], roles: readonly string[]): string | undefined {
  for (const role of new Set(suppressed)) {
    if (!roles.includes(role)) return `suppressed_roles: '${excerpt(role)}' is not a role of the framework`
  }
  return undefined
}

/** Why offer constraints are refused, or undefined. Predicates with regular expressions are not supported yet. */
export function checkConstraints(
  constraints: SchedulerOfferConstraints | undefined,
  roles: readonly string[],
): string | undefined {
  for (const [role, { groups }] of Object.entries(constraints?.role_constraints ?? {})) {
    const path = `offer_constraints.role_constraints[${excerpt(role)}]`
    if (!roles.includes(role)) return `${path}: is not a role of the framework`
    if (!groups?.length) return `${path}.groups: must not be empty`
    for (const group of groups) {
      const reason = (group.attribute_constraints ?? []).map(checkConstraint).find(Boolean)
      if (!group.attribute_constraints?.length) return `${path}.groups: a group without attribute_constraints`
      if (reason) return `${path}: ${reason}`
    }
  }
  return undefined
}

function checkConstraint({ selector, predicate }: SchedulerAttributeConstraint): string | undefined {
  const pseudo = selector.pseudoattribute_type !== undefined
  const named = selector.attribute_name !== undefined
  if (pseudo === named) return 'selector: needs exactly one of pseudoattribute_type and attribute_name'
  if (selector.pseudoattribute_type === 'UNKNOWN') return 'selector.pseudoattribute_type: is not known'
  if (predicate.text_matches ?? predicate.text_not_matches)
    return 'predicate: text_matches and text_not_matches are not supported yet by this master'
  const given = [predicate.exists, predicate.not_exists, predicate.text_equals, predicate.text_not_equals]
  if (given.filter(value => value !== undefined).length !== 1) return 'predicate: needs exactly one predicate'
  return undefined
}
