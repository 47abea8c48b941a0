// Which resources are valid (Mesos contract 6). A reason is a phrase that follows what it is about.
import { excerpt } from '../protocol/excerpt.ts'
import { checkId } from '../protocol/ids.ts'
import type { Resource, ResourceDiskInfo, ResourceReservationInfo } from '../protocol/mesos.ts'
import { normalize } from './formats.ts'
import { checkRole, isStrictSubrole } from './roles.ts'
import { MAX_SCALAR, toThousandths } from './scalar.ts'

/** Why a list of resources is invalid, naming the first bad one; undefined when it is valid. */
export function validateResources(list: readonly Resource[]): string | undefined {
  for (const [index, resource] of list.entries()) {
    const reason = validateResource(resource)
    if (reason !== undefined) return `resource ${index} ('${excerpt(resource.name, 64)}') ${reason}`
  }
  return undefined
}

/** Why a resource, in either format, is invalid; undefined when it is valid. A scalar of exactly 0 is, and counts as absent. */
export function validateResource(resource: Resource): string | undefined {
  if (resource.name === '') return 'has no name'
  const reason = invalidValue(resource) ?? invalidFormat(resource)
  if (reason !== undefined) return reason
  const normal = normalize(resource)
  return (
    invalidReservations(normal.reservations ?? []) ??
    invalidAllocation(normal) ??
    invalidDisk(normal) ??
    invalidSharing(normal)
  )
}

/** Why a resource can not be CREATEd as a persistent volume; undefined when it can. It is valid as a resource. */
export function validateVolume(resource: Resource): string | undefined {
  const { disk, reservations = [] } = normalize(resource)
  if (disk?.persistence === undefined) return 'has no disk.persistence'
  if (reservations.length === 0) return 'is not reserved, and a persistent volume must be'
  if (disk.volume === undefined) return 'has no disk.volume'
  if (disk.volume.mode !== 'RW') return 'must have a disk.volume of mode RW'
  if (disk.volume.host_path !== undefined) return 'must not have a disk.volume.host_path'
  return undefined
}

function invalidValue(resource: Resource): string | undefined {
  const { type, scalar, ranges, set } = resource
  const given = [scalar && 'SCALAR', ranges && 'RANGES', set && 'SET'].filter(Boolean)
  if (type === 'TEXT') return 'must not be of type TEXT'
  if (given.length !== 1 || given[0] !== type)
    return `must have exactly the value of its type ${type}, not ${given.join(' and ') || 'none'}`
  if (scalar !== undefined) return invalidScalar(scalar.value)
  if (ranges !== undefined) return invalidRanges(resource)
  if (new Set(set?.item).size !== set?.item?.length && set?.item !== undefined) return 'has an item twice'
  return undefined
}

function invalidScalar(value: number): string | undefined {
  if (!Number.isFinite(value)) return `is ${value}, which is no amount`
  if (value < 0) return `is negative: ${value}`
  if (value > MAX_SCALAR) return `is ${value}, and must not be more than ${MAX_SCALAR}`
  if (value > 0 && toThousandths(value) === 0) return `is ${value}, which is less than the smallest amount of 0.001`
  return undefined
}

function invalidRanges({ ranges }: Resource): string | undefined {
  for (const { begin, end } of ranges?.range ?? []) {
    if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end))
      return `has a range of no whole numbers: ${begin}-${end}`
    if (begin < 0) return `has a negative range: ${begin}-${end}`
    if (begin > end) return `has a range that begins after its end: ${begin}-${end}`
  }
  return undefined
}

/** Both formats together only if they say the same, about one reservation. */
function invalidFormat(resource: Resource): string | undefined {
  const { role, reservation, reservations = [] } = resource
  if (reservation !== undefined && (role === undefined || role === '*'))
    return "has a reservation for the role '*', which can not be reserved"
  if (reservation?.type !== undefined && reservation.type !== 'DYNAMIC') return 'has a reservation that is not DYNAMIC'
  if (reservation?.role !== undefined && reservation.role !== role)
    return `has the role '${role}' and a reservation for the role '${reservation.role}'`
  if (reservations.length === 0 || (role === undefined && reservation === undefined)) return undefined
  if (reservations.length > 1) return 'has a refined reservation, and role or reservation besides'
  const [one] = reservations as [ResourceReservationInfo]
  const consistent =
    role === one.role &&
    (reservation !== undefined) === (one.type === 'DYNAMIC') &&
    reservation?.principal === (reservation && one.principal) &&
    JSON.stringify(reservation?.labels ?? null) === JSON.stringify((reservation && one.labels) ?? null)
  return consistent ? undefined : 'says one thing in reservations, and another in role and reservation'
}

function invalidReservations(stack: readonly ResourceReservationInfo[]): string | undefined {
  for (const [index, { type, role }] of stack.entries()) {
    if (type !== 'STATIC' && type !== 'DYNAMIC') return `has a reservation (${index}) without a type`
    if (role === undefined) return `has a reservation (${index}) without a role`
    if (role === '*') return "is reserved for the role '*', which can not be reserved"
    const reason = checkRole(role)
    if (reason !== undefined) return `is reserved for the role '${excerpt(role, 64)}', which ${reason}`
    const outer = stack[index - 1]
    if (outer === undefined) continue
    if (type === 'STATIC') return 'has a refined reservation that is STATIC'
    if (!isStrictSubrole(role, outer.role ?? ''))
      return `has a reservation for '${role}' inside one for '${outer.role}', of which it is no subrole`
  }
  return undefined
}

function invalidAllocation({ allocation_info }: Resource): string | undefined {
  const role = allocation_info?.role
  const reason = role === undefined ? undefined : checkRole(role)
  return reason === undefined ? undefined : `is allocated to the role '${excerpt(role ?? '', 64)}', which ${reason}`
}

function invalidDisk({ name, type, disk, revocable, reservations }: Resource): string | undefined {
  if (disk === undefined) return undefined
  if (name !== 'disk' || type !== 'SCALAR') return 'has disk information, which only the scalar disk may have'
  const reason = invalidSource(disk)
  if (reason !== undefined) return reason
  if (disk.persistence === undefined)
    return disk.volume === undefined ? undefined : 'has a disk.volume without disk.persistence'
  const id = checkId(disk.persistence.id)
  if (id !== undefined) return `has a disk.persistence.id that ${id}`
  if (revocable !== undefined) return 'is a persistent volume, and must not be revocable'
  if (reservations === undefined || reservations.length === 0) return 'is a persistent volume, and must be reserved'
  return undefined
}

function invalidSource({ source }: ResourceDiskInfo): string | undefined {
  if (source === undefined) return undefined
  if (source.type === 'UNKNOWN') return 'has a disk.source of type UNKNOWN'
  if (source.path !== undefined && source.type !== 'PATH')
    return `has a disk.source.path, and is of type ${source.type}`
  if (source.mount !== undefined && source.type !== 'MOUNT')
    return `has a disk.source.mount, and is of type ${source.type}`
  return undefined
}

function invalidSharing({ shared, revocable, disk, reservations = [] }: Resource): string | undefined {
  if (shared !== undefined && disk?.persistence === undefined) return 'is shared, which only persistent volumes may be'
  if (revocable !== undefined && reservations.length > 0) return 'is revocable, and must not be reserved'
  return undefined
}
