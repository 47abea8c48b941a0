import type { Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { can } from './capabilities.ts'
import { atLeast, noQuantities, type Quantities } from './quantities.ts'
import { isAncestor } from './roles.ts'

/** What may be offered of an agent to those of a role who understand as much, and what is asked of it again and again. */
export class View {
  readonly resources: Resources
  /** The capabilities without which something of it is hidden. */
  readonly traits: number
  /** Scalars; a shared volume once. */
  readonly quantities: Quantities
  /** Of them those that count towards a quota when they are given: neither reserved nor revocable. */
  readonly plain: Quantities
  /** Its number among the views of its agent, where refusals know it (see `Refusals.covers`). */
  mark = 0
  #visible: Map<number, View> | undefined
  #judgedBy: readonly Quantities[] | undefined
  #isEnough = false

  constructor(resources: Resources) {
    this.resources = resources
    let traits = 0
    let isAllPlain = true
    const quantities = new Map<string, number>()
    resources.each((resource, thousandths) => {
      traits |= traitsOf(resource)
      if (resource.type !== 'SCALAR') return
      quantities.set(resource.name, (quantities.get(resource.name) ?? 0) + thousandths)
      isAllPlain &&= isPlain(resource)
    })
    this.traits = traits
    this.quantities = quantities
    this.plain = isAllPlain ? quantities : plainOf(resources)
  }

  get isEmpty(): boolean {
    return this.resources.isEmpty
  }

  get isShared(): boolean {
    return (this.traits & can.SHARED_RESOURCES) !== 0
  }

  /** What a framework with these capabilities sees of it. */
  visibleTo(capabilities: number): View {
    const hidden = this.traits & ~capabilities
    if (hidden === 0) return this
    this.#visible ??= new Map()
    let view = this.#visible.get(hidden)
    if (!view) {
      view = new View(this.resources.filter(resource => (traitsOf(resource) & hidden) === 0))
      this.#visible.set(hidden, view)
    }
    return view
  }

  /** Whether it contains at least one of the minimum; an empty one asks for nothing (Mesos contract 5.3.5). */
  isEnough(minimum: readonly Quantities[]): boolean {
    if (this.#judgedBy !== minimum) {
      this.#judgedBy = minimum
      this.#isEnough = minimum.length === 0 || minimum.some(wanted => atLeast(this.quantities, wanted))
    }
    return this.#isEnough
  }

  /** With no more of what is plain than so much, in thousandths by name; a name that is not there stays whole. */
  chopped(most: Quantities): View {
    const units = new Map([...most].map(([name, amount]) => [name, amount / 1000] as const))
    const rest = this.resources.filter(resource => !isPlain(resource))
    return new View(rest.plus(this.resources.filter(isPlain).chop(units)))
  }
}

const emptyView = new View(Resources.empty)

/** What is free on an agent at one moment, as each role sees it. */
export class Free {
  readonly resources: Resources
  /** The roles that something here is reserved to. */
  readonly #owners: readonly string[]
  #views: Map<string, View> | undefined
  #whole: View | undefined

  constructor(resources: Resources) {
    this.resources = resources
    this.#owners = ownersOf(resources)
  }

  get isEmpty(): boolean {
    return this.resources.isEmpty
  }

  /** All of it, whoever may have it. */
  get whole(): View {
    this.#whole ??= this.isEmpty ? emptyView : new View(this.resources)
    return this.#whole
  }

  /** What a role may be offered: its own and its ancestors' reservations, and what is reserved to nobody. */
  for(role: string): View {
    if (this.#owners.length === 0) return this.whole
    const owners = this.#owners.filter(owner => owner === role || isAncestor(owner, role))
    const key = owners.join('\n')
    this.#views ??= new Map()
    let view = this.#views.get(key)
    if (!view) {
      view = new View(
        this.resources.filter(({ reservations }) => {
          const owner = reservations?.at(-1)?.role
          return owner === undefined || owners.includes(owner)
        }),
      )
      this.#views.set(key, view)
    }
    return view
  }
}

const nobody: readonly string[] = []

function ownersOf(resources: Resources): readonly string[] {
  let owners: Set<string> | undefined
  resources.each(({ reservations }) => {
    const owner = reservations?.at(-1)?.role
    if (owner !== undefined) {
      owners ??= new Set()
      owners.add(owner)
    }
  })
  return owners ? [...owners] : nobody
}

export const nothingFree = new Free(Resources.empty)

function traitsOf({ shared, revocable, reservations }: Resource): number {
  return (
    (shared ? can.SHARED_RESOURCES : 0) |
    (revocable ? can.REVOCABLE_RESOURCES : 0) |
    ((reservations?.length ?? 0) > 1 ? can.RESERVATION_REFINEMENT : 0)
  )
}

/** A scalar that counts towards quota when it is given (Mesos contract 5.3.3). */
function isPlain({ type, reservations, revocable }: Resource): boolean {
  return type === 'SCALAR' && !revocable && (reservations?.length ?? 0) === 0
}

/** What of a bag counts towards quota when it is given. */
export function plainOf(resources: Resources): Quantities {
  let plain: Map<string, number> | undefined
  resources.each((resource, thousandths) => {
    if (!isPlain(resource)) return
    plain ??= new Map()
    plain.set(resource.name, (plain.get(resource.name) ?? 0) + thousandths)
  })
  return plain ?? noQuantities
}
