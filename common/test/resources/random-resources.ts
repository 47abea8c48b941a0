import fc from 'fast-check'
import type { Resource, ResourceReservationInfo } from '../../src/protocol/mesos.ts'
import { Resources } from '../../src/resources/resources.ts'

const roles = ['a', 'a/b', 'a/b/c', 'dev']
const thousandths = fc.integer({ min: 1, max: 50_000 }).map(value => value / 1000)
const principal = fc.option(fc.constantFrom('p', 'q'), { nil: undefined })

function reservation(type: 'STATIC' | 'DYNAMIC', role: string, by?: string): ResourceReservationInfo {
  const info: ResourceReservationInfo = { type, role }
  if (by !== undefined && type === 'DYNAMIC') info.principal = by
  return info
}

/** None, one, or a refined stack. */
export const reservations: fc.Arbitrary<ResourceReservationInfo[]> = fc
  .tuple(fc.nat(4), fc.boolean(), fc.constantFrom(...roles), principal)
  .map(([depth, isStatic, role, by]) => {
    const first = isStatic ? ('STATIC' as const) : ('DYNAMIC' as const)
    if (depth <= 1) return []
    if (depth === 2) return [reservation(first, role, by)]
    return roles.slice(0, depth - 1).map((one, index) => reservation(index === 0 ? first : 'DYNAMIC', one, by))
  })

const scalar = fc
  .tuple(fc.constantFrom('cpus', 'mem', 'disk', 'gpus'), thousandths)
  .map(([name, value]): Resource => ({ name, type: 'SCALAR', scalar: { value } }))
const ranges = fc.array(fc.tuple(fc.nat(60), fc.nat(9)), { minLength: 1, maxLength: 4 }).map(
  (list): Resource => ({
    name: 'ports',
    type: 'RANGES',
    ranges: { range: list.map(([begin, length]) => ({ begin, end: begin + length })) },
  }),
)
const set = fc
  .uniqueArray(fc.constantFrom('x', 'y', 'z', 'w'), { minLength: 1 })
  .map((item): Resource => ({ name: 'bugs', type: 'SET', set: { item } }))

/** What only measured, unreserved or reserved resources are: no disks with a name of their own. */
export const measured: fc.Arbitrary<Resource> = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: scalar }, ranges, set), reservations, fc.nat(4))
  .map(([resource, stack, dice]) => {
    // Ranges and sets meet their like more often than not: that is where they can go wrong.
    if (resource.type !== 'SCALAR' && dice > 1) return resource
    if (stack.length > 0) return { ...resource, reservations: stack }
    return dice === 0 ? { ...resource, revocable: {} } : resource
  })

/** Disks of every source, and persistent volumes on them, shared or not. */
export const disks: fc.Arbitrary<Resource> = fc
  .record({
    value: fc.constantFrom(10, 20, 30.5),
    stack: reservations.filter(stack => stack.length > 0),
    type: fc.option(fc.constantFrom('PATH' as const, 'MOUNT' as const, 'BLOCK' as const, 'RAW' as const), {
      nil: undefined,
    }),
    id: fc.constantFrom('v1', 'v2'),
    isVolume: fc.boolean(),
    isShared: fc.boolean(),
  })
  .map(({ value, stack, type, id, isVolume, isShared }) => {
    const disk: Resource['disk'] = {}
    if (type === 'PATH') disk.source = { type, path: { root: '/d' } }
    else if (type === 'MOUNT') disk.source = { type, mount: { root: '/m' } }
    else if (type !== undefined) disk.source = { type, id }
    if (isVolume) {
      disk.persistence = { id }
      disk.volume = { mode: 'RW', container_path: 'data' }
    }
    const resource: Resource = { name: 'disk', type: 'SCALAR', scalar: { value }, reservations: stack, disk }
    if (isVolume && isShared) resource.shared = {}
    return resource
  })

export const anyResource: fc.Arbitrary<Resource> = fc.oneof({ weight: 3, arbitrary: measured }, disks)
export const list: fc.Arbitrary<Resource[]> = fc.array(anyResource, { maxLength: 7 })
export const bag: fc.Arbitrary<Resources> = list.map(Resources.from)
/** Scalars and disks only: their sums are exact, where ranges and sets overlap. */
export const additive: fc.Arbitrary<Resources> = fc
  .array(
    anyResource.filter(resource => resource.type === 'SCALAR'),
    { maxLength: 7 },
  )
  .map(Resources.from)
