// The two wire formats of reservations (Mesos contract 6.3). New: `reservations`, a stack, outermost first. Old: `role`, and
// `reservation` when it is dynamic. Everything inside Meseta is in the new one.
import type { Resource, ResourceReservationInfo } from '../protocol/mesos.ts'

/** The same resource in the new format, whichever it came in. Checked resources have but one reading. */
export function normalize(resource: Resource): Resource {
  const { role, reservation, reservations, ...rest } = resource
  if (reservations !== undefined && reservations.length > 0)
    return role === undefined && reservation === undefined ? resource : { ...rest, reservations }
  if (reservation !== undefined)
    return { ...rest, reservations: [{ ...reservation, type: 'DYNAMIC', role: role ?? '*' }] }
  if (role !== undefined && role !== '*') return { ...rest, reservations: [{ type: 'STATIC', role }] }
  return role === undefined && reservations === undefined ? resource : rest
}

function oldFields({ type, role, principal, labels }: ResourceReservationInfo): Pick<Resource, 'role' | 'reservation'> {
  if (type === 'STATIC') return { role }
  const reservation: ResourceReservationInfo = {}
  if (principal !== undefined) reservation.principal = principal
  if (labels !== undefined) reservation.labels = labels
  return { role, reservation }
}

/** Both formats at once, as endpoints write it; a refined reservation has only the new one. Takes the new format. */
export function toBothFormats(resource: Resource): Resource {
  const stack = resource.reservations ?? []
  if (stack.length > 1) return resource
  return stack[0] === undefined ? { ...resource, role: '*' } : { ...resource, ...oldFields(stack[0]) }
}

/** The old format; undefined for a refined reservation, which it can not express. Takes the new format. */
export function toOldFormat(resource: Resource): Resource | undefined {
  const { reservations = [], ...rest } = resource
  if (reservations.length > 1) return undefined
  return reservations[0] === undefined ? { ...rest, role: '*' } : { ...rest, ...oldFields(reservations[0]) }
}
