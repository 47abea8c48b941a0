import type { FrameworkInfo } from '@meseta/common/protocol/mesos'
import { refusalOf } from '../../security/operations.ts'
import type { Cluster } from '../cluster.ts'
import type { Framework } from '../records.ts'
import { rolesOf } from './framework-info.ts'

/** A framework's description with the principal that it proved to be, where it does not say one (Mesos contract 8.1). */
export const withPrincipal = (info: FrameworkInfo, proved: string | undefined): FrameworkInfo =>
  proved === undefined || info.principal !== undefined ? info : { ...info, principal: proved }

/** Why a framework that says that it is another's than whose it proved to be gets a 400, or undefined. */
export function foreignPrincipal(info: FrameworkInfo, proved: string | undefined): string | undefined {
  if (proved === undefined || info.principal === undefined || info.principal === proved) return undefined
  return `framework_info.principal: is not the authenticated principal '${proved}'`
}

/** What agents told of a recovered framework may lack a principal; one that they know is its own for ever. */
export const changesPrincipal = ({ info, recovered }: Framework, asked: FrameworkInfo): boolean =>
  info.principal !== asked.principal && !(recovered && info.principal === undefined)

/** Why a framework may not be in its roles, or undefined: it must be allowed each, and where it has none, any. */
export function rolesRefusal({ config }: Cluster, info: FrameworkInfo): string | undefined {
  const roles = rolesOf(info)
  const objects = roles.length === 0 ? [undefined] : roles
  return refusalOf(
    config.authorizer,
    info.principal,
    objects.map(role => ['register_frameworks', role]),
  )
}
