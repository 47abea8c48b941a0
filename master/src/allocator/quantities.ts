import type { Resources } from '@meseta/common/resources/resources'

/** Scalar amounts by resource name, in thousandths, so that sums are exact. What there is none of is absent. */
export type Quantities = ReadonlyMap<string, number>

export const noQuantities: Quantities = new Map()

/** The scalar amounts of a bag. */
export function quantitiesOf(resources: Resources): Quantities {
  const quantities = new Map<string, number>()
  resources.each(({ name, type }, thousandths) => {
    if (type === 'SCALAR') quantities.set(name, (quantities.get(name) ?? 0) + thousandths)
  })
  return quantities
}

/** Whether `quantities` hold at least `wanted`. */
export function atLeast(quantities: Quantities, wanted: Quantities): boolean {
  for (const [name, amount] of wanted) if ((quantities.get(name) ?? 0) < amount) return false
  return true
}

export function add(into: Map<string, number>, quantities: Quantities): void {
  for (const [name, amount] of quantities) into.set(name, (into.get(name) ?? 0) + amount)
}

export function subtract(from: Map<string, number>, quantities: Quantities): void {
  for (const [name, amount] of quantities) {
    const left = (from.get(name) ?? 0) - amount
    if (left > 0) from.set(name, left)
    else from.delete(name)
  }
}

/** Subtracts where the difference may pass through less than nothing, and come back. */
export function shift(amounts: Map<string, number>, name: string, by: number): void {
  const sum = (amounts.get(name) ?? 0) + by
  if (sum === 0) amounts.delete(name)
  else amounts.set(name, sum)
}

export function sameQuantities(a: Quantities, b: Quantities): boolean {
  if (a.size !== b.size) return false
  for (const [name, amount] of a) if (b.get(name) !== amount) return false
  return true
}

/** What there is of everything, shared by all sorters that measure against it. */
export class Totals {
  readonly #amounts = new Map<string, number>()
  #version = 0

  /** Another number after each change. */
  get version(): number {
    return this.#version
  }

  get amounts(): Quantities {
    return this.#amounts
  }

  of(name: string): number {
    return this.#amounts.get(name) ?? 0
  }

  add(quantities: Quantities): void {
    this.change(noQuantities, quantities)
  }

  remove(quantities: Quantities): void {
    this.change(quantities, noQuantities)
  }

  change(less: Quantities, more: Quantities): void {
    if (sameQuantities(less, more)) return
    subtract(this.#amounts, less)
    add(this.#amounts, more)
    this.#version++
  }
}
