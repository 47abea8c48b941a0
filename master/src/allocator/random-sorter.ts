import { ClientTree, type TreeNode } from './client-tree.ts'
import type { Quantities, Totals } from './quantities.ts'
import type { Shuffler } from './shuffle.ts'

/**
 * A weighted shuffle, drawn for each agent of a cycle (Mesos contract 5.1): a client's chance is its weight among its active
 * siblings', times its parent's; an inactive subtree has no weight.
 */
export class RandomSorter<Value> extends ClientTree<Value> {
  readonly #totals: Totals
  readonly #dice: Shuffler

  constructor(totals: Totals, dice: Shuffler, options: { readonly flat?: boolean } = {}) {
    super(options.flat)
    this.#totals = totals
    this.#dice = dice
  }

  walk(visit: (client: Value) => boolean): boolean {
    const drawn: TreeNode<Value>[] = []
    this.#draw(this.root, 1, drawn)
    drawn.sort((a, b) => a.share - b.share)
    return drawn.some(node => visit(node.client!))
  }

  /**
   * The smallest of exponential variables is any of them with the chance of its rate, and so is the smallest of those left: sorted
   * by them, clients stand as if drawn one after the other.
   */
  #draw(node: TreeNode<Value>, chance: number, drawn: TreeNode<Value>[]): void {
    let weights = 0
    for (const child of node.children.values()) if (child.active > 0) weights += child.weight
    for (const child of node.children.values()) {
      if (child.active === 0) continue
      const own = (chance * child.weight) / weights
      if (child.client === undefined) this.#draw(child, own, drawn)
      else {
        child.share = -Math.log(1 - this.#dice.fraction()) / own
        drawn.push(child)
      }
    }
  }

  protected dominant(allocation: Quantities): number {
    let dominant = 0
    for (const [name, amount] of allocation) dominant = Math.max(dominant, amount / (this.#totals.of(name) || 1))
    return dominant
  }

  protected moved(): void {
    // The order is drawn when it is asked for.
  }

  protected rearranged(): void {
    // As above.
  }
}
