import { excerpt } from '@meseta/common/protocol/excerpt'
import { checkId } from '@meseta/common/protocol/ids'
import type { FrameworkInfo } from '@meseta/common/protocol/mesos'
import { checkRole } from '../../allocator/roles.ts'
import type { HeartConfig } from '../config.ts'

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
