// What makes two resources the same kind, so that their amounts add up (Mesos contract 6.4).
import type { Labels, Resource, ResourceDiskInfo, ResourceReservationInfo } from '../protocol/mesos.ts'
import { toThousandths } from './scalar.ts'

export interface Kind {
  /** Equal keys: equal kinds. Kinds are kept in the order of their keys: by name, type, and the plain one first. */
  readonly key: string
  /** The key without the allocation. */
  readonly base: string
  readonly name: string
  readonly type: Resource['type']
  /** The resource in the new format, without its value. */
  readonly template: Resource
  /**
   * Of a kind that is never merged nor divided (volumes, MOUNT and BLOCK disks): the thousandths in one piece, which then
   * are part of the kind, and the amount counts pieces. Undefined for what is measured.
   */
  readonly piece: number | undefined
  /** Of an allocated kind: the one that was allocated. */
  readonly bare: Kind | undefined
  /** Of a kind that many bags share: what it is when it is allocated, by role. */
  readonly allocations: Map<string, Kind> | undefined
}

/** Roles come and go: beyond so many, what is known of them is found out anew. */
const maxAllocations = 10_000
/** How many kinds are shared: resources have few names. */
const maxShared = 10_000

/**
 * Kinds that many bags have in common, each once: thousands of agents have `cpus`, `mem` and `ports`. Only plain ones; reservations and
 * disks are one agent's.
 */
export class SharedKinds {
  readonly #kinds = new Map<string, Kind>()

  of(kind: Kind): Kind {
    if (!isPlain(kind.template) || kind.template.allocation_info !== undefined) return kind
    let shared = this.#kinds.get(kind.key)
    if (!shared) {
      if (this.#kinds.size >= maxShared) return kind
      shared = { ...kind, allocations: new Map() }
      this.#kinds.set(kind.key, shared)
    }
    return shared
  }
}

const letters = { SCALAR: 'S', RANGES: 'R', SET: 'T', TEXT: 'X' } as const

/** The kind of a resource in the new format. */
export function kindOf(resource: Resource): Kind {
  const { scalar, ranges: _ranges, set: _set, ...template } = resource
  const piece = isWhole(resource) ? toThousandths(scalar?.value ?? 0) : undefined
  const plain = `${resource.name}\u0000${letters[resource.type]}`
  const base = isPlain(resource) ? plain : `${plain}\u0000${identity(resource, piece)}`
  const { name, type } = resource
  return { key: keyOf(base, resource), base, name, type, template, piece, bare: undefined, allocations: undefined }
}

/** The same kind, allocated to a role, or to none. */
export function allocated(kind: Kind, role: string | undefined): Kind {
  if (kind.template.allocation_info?.role === role) return kind
  const bare = kind.bare ?? withoutAllocation(kind)
  if (role === undefined) return bare
  return bare.allocations?.get(role) ?? allocate(bare, role)
}

function allocate(bare: Kind, role: string): Kind {
  const { base, name, type, piece, allocations } = bare
  const template = { ...bare.template, allocation_info: { role } }
  const kind: Kind = { key: keyOf(base, template), base, name, type, template, piece, bare, allocations: undefined }
  if (allocations) {
    if (allocations.size >= maxAllocations) allocations.clear()
    allocations.set(role, kind)
  }
  return kind
}

function withoutAllocation(kind: Kind): Kind {
  if (kind.template.allocation_info === undefined) return kind
  const { allocation_info: _before, ...template } = kind.template
  return { ...kind, template, key: keyOf(kind.base, template) }
}

function keyOf(base: string, { allocation_info }: Resource): string {
  return allocation_info?.role === undefined ? base : `${base}\u0000@${allocation_info.role}`
}

/** Never merged, and only given whole (Mesos contract 6.4). */
function isWhole({ type, disk }: Resource): boolean {
  if (disk === undefined || type !== 'SCALAR') return false
  if (disk.persistence !== undefined) return true
  const source = disk.source
  return source?.type === 'MOUNT' || source?.type === 'BLOCK' || (source?.type === 'RAW' && source.id !== undefined)
}

function isPlain({ reservations, disk, revocable, shared, provider_id }: Resource): boolean {
  return (
    (reservations === undefined || reservations.length === 0) &&
    disk === undefined &&
    revocable === undefined &&
    shared === undefined &&
    provider_id === undefined
  )
}

/** As JSON, in which a NUL is always escaped: parts of a key can not be mistaken for others. */
function identity({ reservations, disk, revocable, shared, provider_id }: Resource, piece?: number): string {
  return JSON.stringify([
    (reservations ?? []).map(reservationIdentity),
    disk === undefined ? null : diskIdentity(disk),
    revocable === undefined ? 0 : 1,
    shared === undefined ? 0 : 1,
    provider_id?.value ?? null,
    piece ?? null,
  ])
}

function reservationIdentity({ type, role, principal, labels }: ResourceReservationInfo): unknown {
  return [type ?? null, role ?? null, principal ?? null, labelsIdentity(labels)]
}

/** `volume` says how a disk is used this time, and `persistence.principal` who asked for it: neither tells disks apart. */
function diskIdentity({ persistence, source }: ResourceDiskInfo): unknown {
  if (source === undefined) return [persistence?.id ?? null]
  const { type, path, mount, vendor, id, metadata, profile } = source
  return [
    persistence?.id ?? null,
    type,
    path?.root ?? null,
    mount?.root ?? null,
    vendor ?? null,
    id ?? null,
    profile ?? null,
    labelsIdentity(metadata),
  ]
}

/** The order of labels does not matter. */
function labelsIdentity(labels: Labels | undefined): string[] | null {
  if (labels?.labels === undefined || labels.labels.length === 0) return null
  return labels.labels.map(({ key, value }) => JSON.stringify([key, value ?? null])).sort()
}
