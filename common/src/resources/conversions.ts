// What the operations of an offer turn into what (Mesos contract 2.4). Every conversion keeps the quantities.
import type {
  OfferOperation,
  OfferOperationGrowVolume,
  OfferOperationReserve,
  OfferOperationShrinkVolume,
  Resource,
} from '../protocol/mesos.ts'
import { normalize } from './formats.ts'
import { kindOf } from './kind.ts'
import { fromThousandths, toThousandths } from './scalar.ts'

export interface Conversion {
  readonly consumed: Resource[]
  readonly converted: Resource[]
  /**
   * What must hold besides: `unshared`, that nothing of what is consumed is left (a volume that others share can not be
   * destroyed); `same`, that both sides differ in nothing but their reservations.
   */
  readonly condition?: 'unshared' | 'same'
}

type Outcome = Conversion | { readonly refused: string }

const nothing: Conversion = { consumed: [], converted: [] }

export function conversionOf(operation: OfferOperation): Outcome {
  switch (operation.type) {
    case 'LAUNCH':
    case 'LAUNCH_GROUP':
      return nothing
    case 'RESERVE':
      return reserve(operation.reserve ?? {})
    case 'UNRESERVE':
      return convertEach(operation.unreserve?.resources, unreserve)
    case 'CREATE':
      return convertEach(
        operation.create?.volumes,
        volume => (isVolume(volume) ? withoutVolume(volume) : { refused: `'${volume.name}' has no disk.persistence` }),
        true,
      )
    case 'DESTROY':
      return convertEach(operation.destroy?.volumes, volume =>
        isVolume(volume) ? withoutVolume(volume) : { refused: `'${volume.name}' is no persistent volume` },
      )
    case 'GROW_VOLUME':
      return operation.grow_volume ? grow(operation.grow_volume) : { refused: 'grow_volume is missing' }
    case 'SHRINK_VOLUME':
      return operation.shrink_volume ? shrink(operation.shrink_volume) : { refused: 'shrink_volume is missing' }
    case 'CREATE_DISK':
    case 'DESTROY_DISK':
      return { refused: `only its resource provider knows what ${operation.type} results in` }
    default:
      return { refused: `there is no conversion for ${operation.type ?? 'an operation without a type'}` }
  }
}

/** `inverse`: what is named is the result, and what `change` gives is consumed. */
function convertEach(
  list: readonly Resource[] = [],
  change: (resource: Resource) => Resource | { refused: string },
  inverse = false,
): Outcome {
  const named: Resource[] = []
  const others: Resource[] = []
  for (const one of list) {
    const resource = normalize(one)
    const changed = change(resource)
    if ('refused' in changed) return changed
    named.push(resource)
    others.push(changed)
  }
  if (inverse) return { consumed: others, converted: named }
  const shared = named.some(resource => resource.shared !== undefined)
  return { consumed: named, converted: others, ...(shared ? { condition: 'unshared' as const } : {}) }
}

function reserve({ resources = [], source = [] }: OfferOperationReserve): Outcome {
  if (source.length === 0) return convertEach(resources, unreserve, true)
  return { consumed: source, converted: resources, condition: 'same' }
}

function unreserve({ reservations = [], ...rest }: Resource): Resource | { refused: string } {
  const popped = reservations[reservations.length - 1]
  if (popped?.type !== 'DYNAMIC') return { refused: `'${rest.name}' has no dynamic reservation` }
  if (rest.disk?.persistence !== undefined) return { refused: `'${rest.name}' is a persistent volume` }
  return reservations.length < 2 ? rest : { ...rest, reservations: reservations.slice(0, -1) }
}

function isVolume({ disk }: Resource): boolean {
  return disk?.persistence !== undefined
}

/** The disk under a persistent volume. */
function withoutVolume({ disk, shared: _, ...rest }: Resource): Resource {
  return disk?.source === undefined ? rest : { ...rest, disk: { source: disk.source } }
}

function refusedToResize(volume: Resource): string | undefined {
  if (!isVolume(volume)) return 'the volume has no disk.persistence'
  if (volume.shared !== undefined) return 'a shared volume can not be resized'
  if (volume.provider_id !== undefined) return 'the volume of a resource provider can not be resized'
  return undefined
}

const sizeOf = ({ scalar }: Resource): number => toThousandths(scalar?.value ?? 0)
const resized = (resource: Resource, thousandths: number): Resource => ({
  ...resource,
  scalar: { value: fromThousandths(thousandths) },
})

function grow(operation: OfferOperationGrowVolume): Outcome {
  const volume = normalize(operation.volume)
  const addition = normalize(operation.addition)
  const refused = refusedToResize(volume)
  if (refused !== undefined) return { refused }
  if (sizeOf(addition) <= 0) return { refused: 'grow_volume.addition must be more than 0' }
  if (volume.disk?.source?.type === 'MOUNT') return { refused: 'a volume on a MOUNT disk can not be resized' }
  const under = resized(withoutVolume(volume), sizeOf(addition))
  if (kindOf(under).key !== kindOf(addition).key)
    return { refused: 'grow_volume.addition is not of the reservation and disk of the volume' }
  return { consumed: [volume, addition], converted: [resized(volume, sizeOf(volume) + sizeOf(addition))] }
}

function shrink(operation: OfferOperationShrinkVolume): Outcome {
  const volume = normalize(operation.volume)
  const refused = refusedToResize(volume)
  if (refused !== undefined) return { refused }
  const subtract = toThousandths(operation.subtract.value)
  if (subtract <= 0) return { refused: 'shrink_volume.subtract must be more than 0' }
  if (subtract >= sizeOf(volume)) return { refused: 'shrink_volume.subtract must be less than the volume' }
  if (volume.disk?.source?.type === 'MOUNT') return { refused: 'a volume on a MOUNT disk can not be resized' }
  return {
    consumed: [volume],
    converted: [resized(volume, sizeOf(volume) - subtract), resized(withoutVolume(volume), subtract)],
  }
}

/** The operation with the allocation that its framework may have left out; for no role, on resources that are allocated to nobody. */
export function allocateOperation(operation: OfferOperation, role: string | undefined): OfferOperation {
  const { reserve, unreserve, create, destroy, grow_volume: grow, shrink_volume: shrink } = operation
  const one = (resource: Resource): Resource => {
    if (role !== undefined) return resource.allocation_info ? resource : { ...resource, allocation_info: { role } }
    const { allocation_info: _, ...rest } = resource
    return rest
  }
  const all = (resources: Resource[] = []): Resource[] => resources.map(one)
  return {
    ...operation,
    ...(reserve && { reserve: { ...reserve, resources: all(reserve.resources) } }),
    ...(unreserve && { unreserve: { resources: all(unreserve.resources) } }),
    ...(create && { create: { volumes: all(create.volumes) } }),
    ...(destroy && { destroy: { volumes: all(destroy.volumes) } }),
    ...(grow && { grow_volume: { volume: one(grow.volume), addition: one(grow.addition) } }),
    ...(shrink && { shrink_volume: { ...shrink, volume: one(shrink.volume) } }),
  }
}
