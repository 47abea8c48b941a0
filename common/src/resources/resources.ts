import type { OfferOperation, Resource, ResourceReservationInfo, ValueRange } from '../protocol/mesos.ts'
import { type Amount, add, amountOf, common, covers, isNothing, subtract, thousandthsOf, toWire } from './amount.ts'
import { conversionOf } from './conversions.ts'
import { normalize, toBothFormats, toOldFormat } from './formats.ts'
import { allocated, type Kind, kindOf, type SharedKinds } from './kind.ts'
import { type Ranges, toRanges, union } from './ranges.ts'
import { fromThousandths, toThousandths } from './scalar.ts'

interface Entry {
  readonly kind: Kind
  readonly amount: Amount
}

/** What an operation did to a bag, or why it could not. */
export type Applied =
  | { readonly resources: Resources; readonly consumed: Resources; readonly converted: Resources }
  | { readonly refused: string }

/**
 * An immutable bag of resources with the algebra of the Mesos contract, section 6. Amounts of one kind are one entry; what
 * is empty is absent. All methods give new bags; resources come out in the new format, in the order of their names.
 */
export class Resources {
  static get empty(): Resources {
    return nothing
  }

  /** By key, ascending; no two of one key; none empty. */
  readonly #entries: readonly Entry[]
  /** The bag that was allocated to make this one, of which nothing had been. */
  readonly #bare: Resources | undefined

  private constructor(entries: readonly Entry[], bare?: Resources) {
    this.#entries = entries
    this.#bare = bare
  }

  /** The bag of these, in either wire format. They have been checked: see `validateResources`. */
  static from(list: readonly Resource[] | undefined): Resources {
    return new Resources(
      merged(
        (list ?? []).map(resource => {
          const normal = normalize(resource)
          const kind = kindOf(normal)
          return { kind, amount: amountOf(kind, normal) }
        }),
      ),
    )
  }

  static sum(bags: Iterable<Resources>): Resources {
    let sum = Resources.empty
    for (const bag of bags) sum = sum.plus(bag)
    return sum
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  plus(other: Resources): Resources {
    if (other.isEmpty) return this
    if (this.isEmpty) return other
    const a = this.#entries
    const b = other.#entries
    const sum: Entry[] = []
    let i = 0
    let j = 0
    while (i < a.length && j < b.length) {
      const left = a[i] as Entry
      const right = b[j] as Entry
      if (left.kind.key === right.kind.key) {
        sum.push({ kind: left.kind, amount: add(left.kind, left.amount, right.amount) })
        i += 1
        j += 1
      } else if (left.kind.key < right.kind.key) {
        sum.push(left)
        i += 1
      } else {
        sum.push(right)
        j += 1
      }
    }
    while (i < a.length) sum.push(a[i++] as Entry)
    while (j < b.length) sum.push(b[j++] as Entry)
    return new Resources(sum)
  }

  /** What is left without the other; where the other has more of a kind, nothing is. */
  minus(other: Resources): Resources {
    if (other.isEmpty || this.isEmpty) return this
    if (other === this) return Resources.empty
    return this.#against(other, (kind, amount, taken) => (taken === undefined ? amount : subtract(kind, amount, taken)))
  }

  /** What is in both. */
  intersect(other: Resources): Resources {
    return this.#against(other, (kind, amount, theirs) => (theirs === undefined ? 0 : common(kind, amount, theirs)))
  }

  #against(other: Resources, combine: (kind: Kind, amount: Amount, theirs: Amount | undefined) => Amount): Resources {
    const b = other.#entries
    const left: Entry[] = []
    let j = 0
    for (const entry of this.#entries) {
      const { key } = entry.kind
      while (j < b.length && (b[j] as Entry).kind.key < key) j += 1
      const match = j < b.length && (b[j] as Entry).kind.key === key ? (b[j] as Entry).amount : undefined
      const amount = combine(entry.kind, entry.amount, match)
      if (amount === entry.amount) left.push(entry)
      else if (!isNothing(amount)) left.push({ kind: entry.kind, amount })
    }
    return left.length === 0 ? Resources.empty : new Resources(left)
  }

  /** Could the other be taken out of this? */
  contains(other: Resources): boolean {
    if (other === this) return true
    const a = this.#entries
    let i = 0
    for (const { kind, amount } of other.#entries) {
      while (i < a.length && (a[i] as Entry).kind.key < kind.key) i += 1
      const mine = a[i]
      if (mine === undefined || mine.kind.key !== kind.key || !covers(kind, mine.amount, amount)) return false
    }
    return true
  }

  equals(other: Resources): boolean {
    return (
      this === other || (this.#entries.length === other.#entries.length && this.contains(other) && other.contains(this))
    )
  }

  /** In the new format; a shared volume once for each that holds it. */
  toArray(): Resource[] {
    return this.#entries.flatMap(({ kind, amount }) => toWire(kind, amount))
  }

  /** Old and new format at once, as endpoints write resources (Mesos contract 6.3). */
  inBothFormats(): Resource[] {
    return this.toArray().map(toBothFormats)
  }

  /** For frameworks without RESERVATION_REFINEMENT: refined reservations are hidden from them. */
  inOldFormat(): Resource[] {
    return this.toArray()
      .map(toOldFormat)
      .filter(resource => resource !== undefined)
  }

  /** How much of a scalar there is of all kinds together; 0 when there is none. A shared volume counts once. */
  scalar(name: string): number {
    return fromThousandths(this.thousandths(name))
  }

  /** The same in whole thousandths, in which sums are exact. */
  thousandths(name: string): number {
    let sum = 0
    for (const { kind, amount } of this.#entries) if (kind.name === name) sum += thousandthsOf(kind, amount)
    return sum
  }

  /** The ranges of that name of all kinds together. */
  ranges(name: string): ValueRange[] {
    let all: Ranges = []
    for (const { kind, amount } of this.#entries)
      if (kind.name === name && kind.type === 'RANGES') all = union(all, amount as Ranges)
    return toRanges(all)
  }

  /** The items of that name of all kinds together. */
  set(name: string): string[] {
    const all = new Set<string>()
    for (const { kind, amount } of this.#entries)
      if (kind.name === name && kind.type === 'SET') for (const item of amount as readonly string[]) all.add(item)
    return [...all].sort()
  }

  /** The names there are, ascending. */
  names(): string[] {
    return [...new Set(this.#entries.map(({ kind }) => kind.name))]
  }

  /** The same bag, with kinds that it has in common with others. */
  withShared(kinds: SharedKinds): Resources {
    return new Resources(this.#entries.map(({ kind, amount }) => ({ kind: kinds.of(kind), amount })))
  }

  /** Visits each kind, in the new format and without its value, with the thousandths that count (0 for what is no scalar). */
  each(visit: (resource: Resource, thousandths: number) => void): void {
    for (const { kind, amount } of this.#entries) visit(kind.template, thousandthsOf(kind, amount))
  }

  /** Every scalar's total by name, in its unit. */
  quantities(): Map<string, number> {
    const totals = new Map<string, number>()
    for (const { kind, amount } of this.#entries)
      if (kind.type === 'SCALAR') totals.set(kind.name, (totals.get(kind.name) ?? 0) + thousandthsOf(kind, amount))
    for (const [name, thousandths] of totals) totals.set(name, fromThousandths(thousandths))
    return totals
  }

  /** The part whose resources are wanted. The predicate sees each kind once, in the new format and without its value. */
  filter(wanted: (resource: Resource) => boolean): Resources {
    const kept = this.#entries.filter(({ kind }) => wanted(kind.template))
    if (kept.length === this.#entries.length) return this
    return kept.length === 0 ? Resources.empty : new Resources(kept)
  }

  /** Each kind made into another one. The function sees what `filter` sees; a value that it gives is ignored. */
  convert(change: (resource: Resource) => Resource): Resources {
    return Resources.from(this.toArray().map(resource => ({ ...change(resource), ...valueIn(resource) })))
  }

  /** All of it allocated to a role. */
  allocateTo(role: string): Resources {
    return this.#allocated(role)
  }

  /** All of it allocated to nobody; what was allocated as a whole is the same bag again. */
  unallocated(): Resources {
    return this.#bare ?? this.#allocated(undefined)
  }

  #allocated(role: string | undefined): Resources {
    let isBare = role !== undefined
    const entries = this.#entries.map(({ kind, amount }) => {
      if (kind.template.allocation_info !== undefined) isBare = false
      return { kind: allocated(kind, role), amount }
    })
    return new Resources(isAscending(entries) ? entries : merged(entries), isBare ? this : undefined)
  }

  /** The parts by the role they are allocated to; what is not allocated is left out. */
  allocations(): Map<string, Resources> {
    return this.#groupBy(resource => resource.allocation_info?.role)
  }

  unreserved(): Resources {
    return this.filter(resource => innermost(resource) === undefined)
  }

  /** What is reserved, to any role. */
  reserved(): Resources {
    return this.filter(resource => innermost(resource) !== undefined)
  }

  /** What is reserved to exactly this role. */
  reservedTo(role: string): Resources {
    return this.filter(resource => innermost(resource)?.role === role)
  }

  /** The reserved parts by role. */
  reservations(): Map<string, Resources> {
    return this.#groupBy(resource => innermost(resource)?.role)
  }

  #groupBy(roleOf: (resource: Resource) => string | undefined): Map<string, Resources> {
    const groups = new Map<string, Entry[]>()
    for (const entry of this.#entries) {
      const role = roleOf(entry.kind.template)
      if (role === undefined) continue
      const group = groups.get(role)
      if (group === undefined) groups.set(role, [entry])
      else group.push(entry)
    }
    return new Map([...groups].map(([role, entries]) => [role, new Resources(entries)]))
  }

  revocable(): Resources {
    return this.filter(resource => resource.revocable !== undefined)
  }

  nonRevocable(): Resources {
    return this.filter(resource => resource.revocable === undefined)
  }

  shared(): Resources {
    return this.filter(resource => resource.shared !== undefined)
  }

  /** The shared volumes, each once however many hold it. */
  sharedOnce(): Resources {
    return new Resources(this.shared().#entries.map(({ kind }) => ({ kind, amount: 1 })))
  }

  nonShared(): Resources {
    return this.filter(resource => resource.shared === undefined)
  }

  persistentVolumes(): Resources {
    return this.filter(resource => resource.disk?.persistence !== undefined)
  }

  /** Reserved again, more closely: the reservation is pushed on each stack. */
  reserve(reservation: ResourceReservationInfo): Resources {
    return this.convert(resource => ({ ...resource, reservations: [...(resource.reservations ?? []), reservation] }))
  }

  /** The innermost reservation of each popped. */
  unreserve(): Resources {
    return this.convert(({ reservations = [], ...rest }) =>
      reservations.length < 2 ? rest : { ...rest, reservations: reservations.slice(0, -1) },
    )
  }

  /** As if nothing of it were reserved. */
  withoutReservations(): Resources {
    return this.convert(({ reservations: _, ...rest }) => rest)
  }

  /**
   * Cut down so that no scalar's total is above its limit (in its unit); a name without a limit stays whole, and so does
   * what is no scalar. Indivisible pieces that do not fit are left out.
   */
  chop(limits: ReadonlyMap<string, number>): Resources {
    const rest = new Map<string, number>()
    for (const [name, limit] of limits) rest.set(name, toThousandths(limit))
    return new Resources(
      merged(
        this.#entries.map(({ kind, amount }) => {
          const limit = rest.get(kind.name)
          if (limit === undefined || kind.type !== 'SCALAR') return { kind, amount }
          const unit = kind.piece ?? 1
          const taken = Math.min(amount as number, Math.floor(Math.max(0, limit) / unit))
          rest.set(kind.name, limit - thousandthsOf(kind, taken))
          return { kind, amount: taken }
        }),
      ),
    )
  }

  /**
   * What of this would serve the wanted resources, which say neither whose they are nor who holds them: first from the
   * reservations of that role, then from what is unreserved. Undefined when there is not enough.
   */
  find(wanted: Resources, role = '*'): Resources | undefined {
    const bare = ({ reservations: _r, allocation_info: _a, ...rest }: Resource): Resource => rest
    const pools = [this.reservedTo(role), this.unreserved()]
    let found = Resources.empty
    let missing = wanted.convert(bare)
    for (const pool of pools) {
      for (const entry of pool.#entries) {
        const one = new Resources([entry])
        const take = missing.intersect(one.convert(bare))
        if (take.isEmpty) continue
        missing = missing.minus(take)
        found = found.plus(new Resources(take.#entries.map(({ amount }) => ({ kind: entry.kind, amount }))))
      }
    }
    return missing.isEmpty ? found : undefined
  }

  /** The bag after an operation of an offer (Mesos contract 2.4): launches change nothing here, conversions do. */
  applyOperation(operation: OfferOperation): Applied {
    const conversion = conversionOf(operation)
    if ('refused' in conversion) return conversion
    const consumed = Resources.from(conversion.consumed)
    const converted = Resources.from(conversion.converted)
    if (!this.contains(consumed)) return { refused: 'the resources to convert are not all there' }
    const rest = this.minus(consumed)
    if (conversion.condition === 'unshared' && !rest.intersect(consumed).isEmpty)
      return { refused: 'the shared volume is held more than once' }
    if (conversion.condition === 'same' && !consumed.withoutReservations().equals(converted.withoutReservations()))
      return { refused: 'source and resources differ in more than their reservations' }
    return { resources: rest.plus(converted), consumed, converted }
  }
}

// Not a static field: TypeScript 7.0.2 compiles this class so that a field's initialiser can not name it.
const nothing = Resources.from([])

/** Whether entries are in the order of a bag, and no two of one kind. */
function isAscending(entries: readonly Entry[]): boolean {
  for (let index = 1; index < entries.length; index++)
    if ((entries[index - 1] as Entry).kind.key >= (entries[index] as Entry).kind.key) return false
  return true
}

/** Entries in any order, of which some may be of one kind or empty, as a bag keeps them. */
function merged(entries: Entry[]): Entry[] {
  entries.sort((a, b) => (a.kind.key < b.kind.key ? -1 : a.kind.key > b.kind.key ? 1 : 0))
  const result: Entry[] = []
  for (const { kind, amount } of entries) {
    if (isNothing(amount)) continue
    const last = result[result.length - 1]
    if (last?.kind.key === kind.key)
      result[result.length - 1] = { kind: last.kind, amount: add(kind, last.amount, amount) }
    else result.push({ kind, amount })
  }
  return result
}

function innermost({ reservations }: Resource): ResourceReservationInfo | undefined {
  return reservations?.[reservations.length - 1]
}

function valueIn({ scalar, ranges, set }: Resource): Partial<Resource> {
  if (scalar !== undefined) return { scalar }
  return ranges !== undefined ? { ranges } : { set }
}
