import { isDeepStrictEqual } from 'node:util'
import { excerpt } from '@meseta/common/protocol/excerpt'
import type {
  OfferOperation,
  OfferOperationReserve,
  Resource,
  ResourceReservationInfo,
} from '@meseta/common/protocol/mesos'
import { normalize } from '@meseta/common/resources/formats'
import { type Action, type Authorizer, allowsAll } from './actions.ts'

/** One thing that is asked for: an action and its object, undefined for any. */
export type Demand = readonly [action: Action, object: string | undefined]

/**
 * Why a principal may not perform an operation on an offer or on an agent, or undefined (Mesos contract 8.2). All that it does must be
 * allowed: each resource by the role it is reserved for, or by the principal that reserved or created it. Launches are asked by the task:
 * `runRefusal`.
 */
export function operationRefusal(
  authorizer: Authorizer,
  principal: string | undefined,
  operation: OfferOperation,
): string | undefined {
  return authorizer === allowsAll ? undefined : refusalOf(authorizer, principal, demandsOf(operation))
}

/** The first demand that is not allowed, in words. */
export function refusalOf(
  authorizer: Authorizer,
  principal: string | undefined,
  demands: readonly Demand[],
): string | undefined {
  const denied = demands.find(([action, object]) => !authorizer.allows(principal, action, object))
  if (!denied) return undefined
  const [action, object] = denied
  const who = principal === undefined ? 'a caller without a principal' : `principal '${excerpt(principal)}'`
  return `Not authorized: ${who} may not ${action}${object === undefined ? '' : ` of '${excerpt(object)}'`}`
}

export function demandsOf(operation: OfferOperation): readonly Demand[] {
  switch (operation.type) {
    case 'RESERVE':
      return reserveDemands(operation.reserve ?? {})
    case 'UNRESERVE':
      return each(operation.unreserve?.resources, 'unreserve_resources', reserver)
    case 'CREATE':
      return each(operation.create?.volumes, 'create_volumes', role)
    case 'DESTROY':
      return each(operation.destroy?.volumes, 'destroy_volumes', creator)
    case 'GROW_VOLUME':
      return each(listOf(operation.grow_volume?.volume), 'resize_volumes', role)
    case 'SHRINK_VOLUME':
      return each(listOf(operation.shrink_volume?.volume), 'resize_volumes', role)
    case 'CREATE_DISK': {
      const action = operation.create_disk?.target_type === 'BLOCK' ? 'create_block_disks' : 'create_mount_disks'
      return each(listOf(operation.create_disk?.source), action, role)
    }
    case 'DESTROY_DISK':
      return each(listOf(operation.destroy_disk?.source), destroyAction(operation.destroy_disk?.source), role)
    default:
      return []
  }
}

/** With a `source`, what is above the reservations that both have in common is taken off one by one, and put on. */
function reserveDemands({ resources = [], source = [] }: OfferOperationReserve): readonly Demand[] {
  if (source.length === 0) return each(resources, 'reserve_resources', role)
  const stacks = (list: readonly Resource[]) => list.map(resource => normalize(resource).reservations ?? [])
  const common = commonLength([...stacks(source), ...stacks(resources)])
  const popped = stacks(source).flatMap(stack => stack.slice(common))
  const pushed = stacks(resources).flatMap(stack => stack.slice(common))
  return [
    ...each(popped, 'unreserve_resources', ({ principal }) => principal),
    ...each(pushed, 'reserve_resources', reservation => reservation.role ?? '*'),
  ]
}

/** How many reservations, from the outermost on, all stacks share. */
function commonLength(stacks: readonly (readonly ResourceReservationInfo[])[]): number {
  const [first = [], ...others] = stacks
  const differs = first.findIndex((reservation, index) =>
    others.some(stack => !isDeepStrictEqual(stack[index], reservation)),
  )
  return differs < 0 ? first.length : differs
}

const listOf = (resource: Resource | undefined): readonly Resource[] => (resource ? [resource] : [])

function destroyAction(disk: Resource | undefined): Action {
  const type = disk?.disk?.source?.type
  if (type === 'BLOCK') return 'destroy_block_disks'
  return type === 'RAW' ? 'destroy_raw_disks' : 'destroy_mount_disks'
}

/** The same demand is made once, however many things make it. */
function each<Thing>(
  things: readonly Thing[] | undefined,
  action: Action,
  object: (thing: Thing) => string | undefined,
): readonly Demand[] {
  return [...new Set((things ?? []).map(object))].map(name => [action, name])
}

/** The reservation on top of the stack: the one that an operation makes or undoes. */
const top = (resource: Resource): ResourceReservationInfo | undefined => normalize(resource).reservations?.at(-1)
const role = (resource: Resource): string | undefined => top(resource)?.role ?? '*'
const reserver = (resource: Resource): string | undefined => top(resource)?.principal
const creator = (resource: Resource): string | undefined => resource.disk?.persistence?.principal
