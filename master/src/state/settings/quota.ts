import type { MasterCallSetQuota, MasterCallUpdateQuota, QuotaQuotaConfig } from '@meseta/common/protocol/mesos'
import type { Cluster } from '../cluster.ts'
import { amountsOf, checkQuota, checkQuotaRole, guaranteeOf, quotasOf } from './check-quota.ts'
import { offeredByTop, rescindForGuarantees, rescindOverLimits } from './quota-offers.ts'
import { writeSetting } from './settings.ts'

/** UPDATE_QUOTA: all configs of a call are one write, or none is (Mesos contract 5.4). */
export function updateQuota(cluster: Cluster, request: number, call: MasterCallUpdateQuota): void {
  const configs = call.quota_configs ?? []
  const next = withQuotas(cluster.planned.quotas, configs)
  const refusal =
    configs.map(config => checkQuota(config, cluster.config.roles)).find(Boolean) ??
    namedTwice(configs) ??
    (call.force ? undefined : (overConsumed(cluster, configs) ?? overCommitted(cluster, next)))
  if (refusal !== undefined) cluster.reply(request, 400, `quota_configs: ${refusal}`)
  else writeQuotas(cluster, request, next, configs)
}

/** The older SET_QUOTA: what is guaranteed is the limit, too. */
export function setQuota(cluster: Cluster, request: number, { quota_request: asked }: MasterCallSetQuota): void {
  const { role, force } = asked
  const guarantee = guaranteeOf(asked.guarantee ?? [])
  if (role === undefined || typeof guarantee === 'string') {
    cluster.reply(request, 400, role === undefined ? 'role: is required' : String(guarantee))
    return
  }
  const config: QuotaQuotaConfig = { role, guarantees: guarantee, limits: guarantee }
  const refusal =
    checkQuota(config, cluster.config.roles) ??
    (hasQuota(cluster, role) ? `role '${role}' has a quota already; remove it first, or use UPDATE_QUOTA` : undefined)
  const next = withQuotas(cluster.planned.quotas, [config])
  const conflict = force ? undefined : overCommitted(cluster, next)
  if (refusal !== undefined) cluster.reply(request, 400, refusal)
  else if (conflict !== undefined) cluster.reply(request, 409, conflict)
  else writeQuotas(cluster, request, next, [config])
}

/** The older REMOVE_QUOTA. */
export function removeQuota(cluster: Cluster, request: number, role: string): void {
  // Also one of a role that is none of --roles any more.
  const refusal = hasQuota(cluster, role)
    ? undefined
    : (checkQuotaRole(role, cluster.config.roles) ?? `role '${role}' has no quota`)
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const removal = [{ role }]
  writeQuotas(cluster, request, withQuotas(cluster.planned.quotas, removal), removal)
}

function writeQuotas(
  cluster: Cluster,
  request: number,
  value: readonly QuotaQuotaConfig[],
  named: readonly QuotaQuotaConfig[],
): void {
  const roles = named.map(({ role }) => role)
  writeSetting(cluster, { setting: 'quotas', value }, request, roles)
}

const hasQuota = (cluster: Cluster, role: string): boolean => cluster.planned.quotas.some(quota => quota.role === role)

/** One without guarantees and limits is no quota. */
function withQuotas(
  before: readonly QuotaQuotaConfig[],
  configs: readonly QuotaQuotaConfig[],
): readonly QuotaQuotaConfig[] {
  const next = new Map(before.map(config => [config.role, config]))
  for (const config of configs) {
    const isNone = isEmpty(config.guarantees) && isEmpty(config.limits)
    if (isNone) next.delete(config.role)
    else next.set(config.role, config)
  }
  return [...next.values()]
}

const isEmpty = (scalars: object | undefined): boolean => Object.keys(scalars ?? {}).length === 0

function namedTwice(configs: readonly QuotaQuotaConfig[]): string | undefined {
  const seen = new Set<string>()
  for (const { role } of configs) {
    if (seen.has(role)) return `role '${role}' is named twice`
    seen.add(role)
  }
  return undefined
}

/** What is offered does not count: it can be taken back. */
function overConsumed(cluster: Cluster, configs: readonly QuotaQuotaConfig[]): string | undefined {
  const offered = offeredByTop(cluster)
  for (const { role, limits } of configs) {
    const consumed = cluster.allocator.quotaConsumption(role)
    for (const [name, limit] of amountsOf(limits)) {
      const used = (consumed.get(name) ?? 0) - (offered.get(role)?.get(name) ?? 0)
      if (used > limit)
        return `role '${role}' consumes ${used / 1000} ${name}, more than the limit of ${limit / 1000}; force it all the same with 'force'`
    }
  }
  return undefined
}

function overCommitted(cluster: Cluster, quotas: readonly QuotaQuotaConfig[]): string | undefined {
  const guaranteed = new Map<string, number>()
  for (const { guarantees } of quotas)
    for (const [name, amount] of amountsOf(guarantees)) guaranteed.set(name, (guaranteed.get(name) ?? 0) + amount)
  const capacity = cluster.allocator.clusterQuantities()
  for (const [name, amount] of guaranteed) {
    const there = capacity.get(name) ?? 0
    if (amount > there)
      return `${amount / 1000} ${name} would be guaranteed, and the cluster has ${there / 1000}; force it all the same with 'force'`
  }
  return undefined
}

/** The registry has the quotas: they hold from the next cycle on, and what is offered against them is taken back. */
export function quotasWritten(cluster: Cluster, roles: readonly string[]): void {
  applyQuotas(cluster)
  const quotas = quotasOf(cluster.settings.quotas)
  const named = roles.flatMap(role => {
    const quota = quotas.get(role)
    return quota ? { role, ...quota } : []
  })
  rescindOverLimits(cluster, named)
  rescindForGuarantees(cluster, named)
}

export function applyQuotas(cluster: Cluster): void {
  cluster.allocator.setQuotas(quotasOf(cluster.settings.quotas))
}
