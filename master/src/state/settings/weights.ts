import type { MasterCallUpdateWeights, WeightInfo } from '@meseta/common/protocol/mesos'
import { checkRole, isAncestor } from '../../allocator/roles.ts'
import type { Cluster } from '../cluster.ts'
import { rescindOffers } from '../offers/offers.ts'
import { writeSetting } from './settings.ts'

/** The weights that count: those that are stored, and before any is those of `--weights`. */
export function weightsOf(
  stored: readonly WeightInfo[],
  initial: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return stored.length === 0 ? initial : new Map(stored.map(({ role, weight }) => [role!, weight]))
}

/** UPDATE_WEIGHTS: those of other roles stay (Mesos contract 3). */
export function updateWeights(cluster: Cluster, request: number, call: MasterCallUpdateWeights): void {
  const infos = call.weight_infos ?? []
  const refusal = infos.map(info => check(cluster, info)).find(Boolean)
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const weights = new Map(weightsOf(cluster.planned.weights, cluster.config.weights))
  for (const { role, weight } of infos) weights.set(role!, weight)
  const value = [...weights].map(([role, weight]) => ({ role, weight }))
  const roles = infos.map(({ role }) => role!)
  writeSetting(cluster, { setting: 'weights', value }, request, roles)
}

function check(cluster: Cluster, { role, weight }: WeightInfo): string | undefined {
  if (role === undefined) return 'weight_infos: every weight needs a role'
  const { roles } = cluster.config
  const reason = checkRole(role)
  if (reason !== undefined) return `weight_infos: ${reason}`
  if (roles && role !== '*' && !roles.has(role)) return `weight_infos: role '${role}' is not one of --roles`
  if (!(weight > 0) || weight === Number.POSITIVE_INFINITY)
    return `weight_infos: the weight of role '${role}' is ${weight}, and must be above 0`
  return undefined
}

/** Shares are counted anew. Where a role is in use, what is offered was shared by the old ones: it is taken back. */
export function weightsWritten(cluster: Cluster, roles: readonly string[]): void {
  applyWeights(cluster)
  if (roles.some(role => isUsed(cluster, role))) rescindOffers(cluster, cluster.offers.values())
}

export function applyWeights(cluster: Cluster): void {
  cluster.allocator.setWeights(weightsOf(cluster.settings.weights, cluster.config.weights))
}

/** By a framework in it, or in a role below. */
function isUsed(cluster: Cluster, role: string): boolean {
  for (const { roles } of cluster.frameworks.values())
    if (roles.some(used => used === role || isAncestor(role, used))) return true
  return false
}
