import type { Resources } from '@meseta/common/resources/resources'
import type { Quantities } from './sorter.ts'

/** The scalar amounts of a bag in thousandths. */
export function quantitiesOf(resources: Resources): Quantities {
  const quantities = new Map<string, number>()
  for (const [name, amount] of resources.quantities()) quantities.set(name, Math.round(amount * 1000))
  return quantities
}

/** Whether `quantities` hold at least `wanted`. */
export function atLeast(quantities: Quantities, wanted: Quantities): boolean {
  for (const [name, amount] of wanted) if ((quantities.get(name) ?? 0) < amount) return false
  return true
}
