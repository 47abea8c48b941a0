import type { Quota } from './model.ts'
import { noQuantities, type Quantities, shift } from './quantities.ts'
import { topOf } from './roles.ts'
import type { View } from './view.ts'

const noQuota: Quota = { guarantees: noQuantities, limits: noQuantities }

/**
 * What top-level roles are promised and may have at most, and what they consume of it (Mesos contract 5.3.3): their reservations,
 * allocated or not, and what they hold that is neither reserved nor revocable; each with all roles below. Guarantees hold back
 * so much of what is free (the headroom) that they can still be met.
 */
export class Quotas {
  #quotas: ReadonlyMap<string, Quota> = new Map()
  #hasGuarantees = false
  readonly #consumed = new Map<string, Map<string, number>>()
  /** What guarantees lack, of all roles together. */
  readonly #required = new Map<string, number>()
  /** What is free, plain, and on agents that can be offered; kept only while there are guarantees. */
  readonly #available = new Map<string, number>()
  #version = 0

  /** Another number after each change by which more may be given than before. */
  get version(): number {
    return this.#version
  }

  get isEmpty(): boolean {
    return this.#quotas.size === 0
  }

  get hasGuarantees(): boolean {
    return this.#hasGuarantees
  }

  [Symbol.iterator](): Iterator<[string, Quota]> {
    return this.#quotas[Symbol.iterator]()
  }

  of(top: string): Quota {
    return this.#quotas.get(top) ?? noQuota
  }

  /** `available`: what is free and plain on each agent that can be offered. */
  set(quotas: ReadonlyMap<string, Quota>, available: Iterable<Quantities>): void {
    this.#quotas = quotas
    this.#hasGuarantees = [...quotas.values()].some(({ guarantees }) => guarantees.size > 0)
    this.#version++
    this.#required.clear()
    this.#available.clear()
    for (const [role, { guarantees }] of quotas)
      for (const name of guarantees.keys()) shift(this.#required, name, this.missing(role, name))
    if (this.#hasGuarantees) for (const quantities of available) this.freed(quantities)
  }

  /** What a role and all below it consume. */
  consumption(role: string): Quantities {
    return this.#consumed.get(topOf(role)) ?? noQuantities
  }

  consume(top: string, quantities: Quantities): void {
    for (const [name, amount] of quantities) this.#consume(top, name, amount)
  }

  release(top: string, quantities: Quantities): void {
    if (quantities.size > 0) this.#version++
    for (const [name, amount] of quantities) this.#consume(top, name, -amount)
  }

  #consume(top: string, name: string, amount: number): void {
    const before = this.#hasGuarantees ? this.missing(top, name) : 0
    let consumed = this.#consumed.get(top)
    if (!consumed) {
      consumed = new Map()
      this.#consumed.set(top, consumed)
    }
    shift(consumed, name, amount)
    if (consumed.size === 0) this.#consumed.delete(top)
    if (this.#hasGuarantees) shift(this.#required, name, this.missing(top, name) - before)
  }

  /** There is more, or with `taken` less, that can be given. */
  freed(quantities: Quantities): void {
    if (quantities.size > 0) this.#version++
    for (const [name, amount] of quantities) shift(this.#available, name, amount)
  }

  taken(quantities: Quantities): void {
    for (const [name, amount] of quantities) shift(this.#available, name, -amount)
  }

  /** What the guarantee of a role still lacks. */
  missing(top: string, name: string): number {
    const guarantee = this.of(top).guarantees.get(name) ?? 0
    return Math.max(0, guarantee - (this.#consumed.get(top)?.get(name) ?? 0))
  }

  isUnsatisfied(top: string): boolean {
    for (const name of this.of(top).guarantees.keys()) if (this.missing(top, name) > 0) return true
    return false
  }

  /** How much more a role may get below its limit. */
  room(top: string, name: string): number {
    const limit = this.of(top).limits.get(name)
    if (limit === undefined) return Number.POSITIVE_INFINITY
    return Math.max(0, limit - (this.#consumed.get(top)?.get(name) ?? 0))
  }

  /** How much of what is free no guarantee needs. */
  surplus(name: string): number {
    const required = this.#required.get(name) ?? 0
    if (required === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, (this.#available.get(name) ?? 0) - required)
  }

  /** What is free, plain and can be offered, and how much of it guarantees need. */
  headroom(name: string): { readonly available: number; readonly required: number } {
    return { available: this.#available.get(name) ?? 0, required: this.#required.get(name) ?? 0 }
  }

  /** What a role may be offered by fair share: what is plain up to its limit and the surplus (Mesos contract 5.3.2). */
  fair(top: string, view: View): View {
    return this.#cut(view, name => Math.min(this.room(top, name), this.surplus(name)))
  }

  /** What a role with a guarantee is offered before all others, or undefined when nothing of it would count (5.3.1). */
  guaranteed(top: string, view: View): View | undefined {
    let counts = false
    const cut = this.#cut(view, name => {
      const most = Math.min(this.room(top, name), this.missing(top, name) + this.surplus(name))
      if (most > 0 && this.missing(top, name) > 0) counts = true
      return most
    })
    return counts ? cut : undefined
  }

  #cut(view: View, most: (name: string) => number): View {
    let bounds: Map<string, number> | undefined
    for (const [name, amount] of view.plain) {
      const bound = most(name)
      if (bound >= amount) continue
      bounds ??= new Map()
      bounds.set(name, bound)
    }
    return bounds ? view.chopped(bounds) : view
  }
}
