import type { QuotaQuotaConfig, Resource } from '@meseta/common/protocol/mesos'
import type { Quota } from '../../allocator/model.ts'
import type { Quantities } from '../../allocator/quantities.ts'
import { checkRole } from '../../allocator/roles.ts'

/** Amounts above are mistakes; what is counted in megabytes may go to an exabyte (Mesos contract 5.4). */
const most = (name: string): number => (name === 'mem' || name === 'disk' ? 2 ** 40 : 1e12)

type Scalars = QuotaQuotaConfig['limits']

/** Amounts in thousandths, as everything is counted. */
export function amountsOf(scalars: Scalars): Quantities {
  return new Map(Object.entries(scalars ?? {}).map(([name, { value }]) => [name, Math.round(value * 1000)]))
}

/** A quota as the allocator reads it: what is guaranteed at 0 is not. */
export function quotaOf({ guarantees, limits }: QuotaQuotaConfig): Quota {
  return {
    guarantees: new Map([...amountsOf(guarantees)].filter(([, amount]) => amount > 0)),
    limits: amountsOf(limits),
  }
}

export function quotasOf(configs: readonly QuotaQuotaConfig[]): ReadonlyMap<string, Quota> {
  return new Map(configs.map(config => [config.role, quotaOf(config)]))
}

/** Why a role can have no quota, or undefined. `roles`: the only ones there are. */
export function checkQuotaRole(role: string, roles: ReadonlySet<string> | undefined): string | undefined {
  const reason = checkRole(role)
  if (reason !== undefined) return reason
  if (role === '*') return "role '*' can have no quota"
  if (role.includes('/')) return `role '${role}' is not a top-level role: only those can have a quota`
  if (roles && !roles.has(role)) return `role '${role}' is not one of --roles`
  return undefined
}

/** Why a quota is refused, or undefined. */
export function checkQuota(config: QuotaQuotaConfig, roles: ReadonlySet<string> | undefined): string | undefined {
  const reason =
    checkQuotaRole(config.role, roles) ??
    checkAmounts('guarantees', config.guarantees) ??
    checkAmounts('limits', config.limits)
  if (reason !== undefined) return reason
  const limits = amountsOf(config.limits)
  for (const [name, guarantee] of amountsOf(config.guarantees)) {
    const limit = limits.get(name)
    if (limit !== undefined && guarantee > limit)
      return `role '${config.role}': the guarantee of ${name} (${guarantee / 1000}) is above its limit (${limit / 1000})`
  }
  return undefined
}

function checkAmounts(field: string, scalars: Scalars): string | undefined {
  for (const [name, { value }] of Object.entries(scalars ?? {})) {
    if (!(value >= 0)) return `${field}: ${name} is ${value}, and must not be negative`
    if (value > most(name)) return `${field}: ${name} is ${value}, and may be ${most(name)} at most`
  }
  return undefined
}

/** The guarantee of the older SET_QUOTA as amounts; a text says why it is refused. */
export function guaranteeOf(resources: readonly Resource[]): Record<string, { value: number }> | string {
  const amounts: Record<string, { value: number }> = {}
  if (resources.length === 0) return 'guarantee: is empty'
  for (const resource of resources) {
    const { name, scalar } = resource
    if (resource.type !== 'SCALAR' || !scalar) return `guarantee: ${name} is not a scalar`
    const isPlain =
      !resource.reservations?.length &&
      !resource.reservation &&
      !resource.disk &&
      !resource.revocable &&
      !resource.shared &&
      (resource.role ?? '*') === '*'
    if (!isPlain) return `guarantee: ${name} must be an amount and nothing else: no role, reservation, disk or such`
    if (Object.hasOwn(amounts, name)) return `guarantee: ${name} is named twice`
    amounts[name] = { value: scalar.value }
  }
  return amounts
}
