import type { Offer, Resource } from '@meseta/common/protocol/mesos'
import type { Placement } from '../instance.ts'
import type { Millis, Service, Settings } from '../model.ts'
import { acceptedRolesOf, constraintsOf } from '../service.ts'
import { type PlacedContext, refusingConstraint } from './constraints.ts'
import { type Demand, demandOf } from './demand.ts'
import { type Pool, thousandths } from './pool.ts'
import { chooseHostPorts } from './ports.ts'
import type { Reject } from './reason.ts'

/** What matching depends on beside the offer and the service. */
export interface MatchContext extends PlacedContext {
  readonly now: Millis
  readonly settings: Settings
  /** The master's region; offers from others need a constraint that asks for it. */
  readonly homeRegion: string | undefined
  readonly draw: () => number
}

/** How a service fits into an offer. */
export interface Match {
  readonly placement: Placement
  readonly roles: ReadonlySet<string>
  readonly hostPorts: readonly (number | null)[]
}

/** The roles whose resources the service takes (contract 3, acceptedResourceRoles). */
export function usableRoles(service: Service, settings: Settings): ReadonlySet<string> {
  const accepted = acceptedRolesOf(service)
  if (accepted.length > 0) return new Set(accepted)
  const { role } = service.spec
  if (settings.defaultAcceptedRoles === 'unreserved') return new Set(['*'])
  return settings.defaultAcceptedRoles === 'reserved' ? new Set([role]) : new Set(['*', role])
}

/** Fits a service into what is left of an offer: how, or every reason why not, in the order of the funnel. */
export function matchOffer(
  service: Service,
  offer: Offer,
  placement: Placement,
  pool: Pool,
  context: MatchContext,
): Match | readonly Reject[] {
  const offered = offer.allocation_info?.role ?? service.spec.role
  if (offered !== service.spec.role) return [{ reason: 'UnfulfilledRole', needs: service.spec.role, has: offered }]
  const place = placeRejects(service, offer, placement, context)
  if (place.length > 0) return place
  const roles = usableRoles(service, context.settings)
  const demand = demandOf(service)
  const rejects = scalarRejects(demand, pool, roles)
  const hostPorts = chooseHostPorts(demand.ports, pool, roles, context.draw)
  if (hostPorts === undefined)
    rejects.push({ reason: 'InsufficientPorts', needs: portsText(demand), has: pool.portCount(roles) })
  const gpus = pool.available('gpus', roles)
  if (gpus > 0 && demand.gpus === 0 && behaviour(service) === 'restricted')
    rejects.push({ reason: 'DeclinedScarceResources', needs: 0, has: gpus })
  return rejects.length > 0 || hostPorts === undefined ? rejects : { placement, roles, hostPorts }
}

const behaviour = (service: Service): string => service.spec.labels.GPU_SCHEDULING_BEHAVIOR ?? 'restricted'

const portsText = (demand: Demand): string | number => {
  const fixed = demand.ports.filter(port => port !== undefined && port !== 0)
  return fixed.length > 0 ? fixed.join(', ') : demand.ports.filter(port => port !== undefined).length
}

function placeRejects(service: Service, offer: Offer, placement: Placement, context: MatchContext): Reject[] {
  const constraints = constraintsOf(service)
  const asksPlace = constraints.some(one => one[0] === '@region' || one[0] === '@zone')
  const { homeRegion } = context
  if (!asksPlace && homeRegion !== undefined && placement.region !== undefined && placement.region !== homeRegion)
    return [{ reason: 'UnfulfilledConstraint', needs: `@region ${homeRegion}`, has: placement.region }]
  const refusal = refusingConstraint(constraints, placement, context)
  if (refusal !== undefined)
    return [{ reason: 'UnfulfilledConstraint', needs: refusal.constraint.join(':'), has: refusal.value ?? 'none' }]
  return inMaintenance(offer, context) ? [{ reason: 'AgentMaintenance' }] : []
}

/** Inside its maintenance window, or shortly before (contract 12). */
function inMaintenance(offer: Offer, context: MatchContext): boolean {
  if (offer.unavailability === undefined) return false
  const start = offer.unavailability.start.nanoseconds / 1e6
  const length = offer.unavailability.duration?.nanoseconds
  const end = length === undefined ? Number.POSITIVE_INFINITY : start + length / 1e6
  return context.now >= start - context.settings.drainingSeconds * 1000 && context.now < end
}

const scalarReasons = [
  ['cpus', 'InsufficientCpus'],
  ['mem', 'InsufficientMemory'],
  ['disk', 'InsufficientDisk'],
  ['gpus', 'InsufficientGpus'],
] as const

function scalarRejects(demand: Demand, pool: Pool, roles: ReadonlySet<string>): Reject[] {
  const rejects: Reject[] = []
  for (const [name, reason] of scalarReasons) {
    const needs = demand[name]
    const has = pool.available(name, roles)
    if (thousandths(has) < thousandths(needs)) rejects.push({ reason, needs, has })
  }
  return rejects
}

/** Takes what one task needs out of the pool, as the resources of its TaskInfo. */
export function takeResources(
  pool: Pool,
  needs: { readonly cpus: number; readonly mem: number; readonly disk: number; readonly gpus: number },
  hostPorts: readonly (number | null)[],
  roles: ReadonlySet<string>,
): Resource[] {
  const ports = hostPorts.filter(port => port !== null)
  return [
    ...pool.take('cpus', needs.cpus, roles),
    ...pool.take('mem', needs.mem, roles),
    ...pool.take('disk', needs.disk, roles),
    ...pool.take('gpus', needs.gpus, roles),
    ...pool.takePorts(ports, roles),
  ]
}
