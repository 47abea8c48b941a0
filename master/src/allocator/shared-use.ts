import { Resources } from '@meseta/common/resources/resources'
import { type Quantities, quantitiesOf } from './quantities.ts'

/**
 * Who holds which shared volumes, and how many times. However often one holder has a volume, it counts once towards its share
 * (Mesos contract 6.5).
 */
export class SharedUse {
  readonly #held = new Map<string, Resources>()

  /** Notes that a holder has these too, and answers what of them counts that did not before. */
  add(agentId: string, role: string, holder: string, shared: Resources): Quantities {
    const key = keyOf(agentId, role, holder)
    const before = this.#held.get(key) ?? Resources.empty
    const after = before.plus(shared)
    this.#held.set(key, after)
    return difference(after, before)
  }

  /** Takes them from a holder, and answers what of them counts no longer. */
  remove(agentId: string, role: string, holder: string, shared: Resources): Quantities {
    const key = keyOf(agentId, role, holder)
    const before = this.#held.get(key) ?? Resources.empty
    const after = before.minus(shared)
    if (after.isEmpty) this.#held.delete(key)
    else this.#held.set(key, after)
    return difference(before, after)
  }
}

const keyOf = (agentId: string, role: string, holder: string): string => `${agentId}\u0000${role}\u0000${holder}`

function difference(more: Resources, less: Resources): Quantities {
  const rest = new Map(quantitiesOf(more))
  for (const [name, amount] of quantitiesOf(less)) {
    const left = rest.get(name)! - amount
    if (left === 0) rest.delete(name)
    else rest.set(name, left)
  }
  return rest
}
