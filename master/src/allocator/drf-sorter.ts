import { ClientTree, type TreeNode } from './client-tree.ts'
import type { Quantities, Totals } from './quantities.ts'

/** When more than so many moved, sorting anew is cheaper than moving each along. */
const fewMoves = 64

/**
 * Hierarchical dominant-resource fairness (Ghodsi et al., NSDI 2011; Mesos contract 5.1): siblings ascend by dominant share over
 * weight, then by the number of allocations, then by name. The order is kept: what was given moves a client along it, and only
 * a change of the totals or of the tree sorts anew.
 */
export class DrfSorter<Value> extends ClientTree<Value> {
  readonly #totals: Totals
  readonly #excluded: ReadonlySet<string>
  /** Nodes that may stand in a wrong place. */
  readonly #stale: TreeNode<Value>[] = []
  /** Nodes whose children are to be sorted anew. */
  readonly #unsorted = new Set<TreeNode<Value>>()
  /** The version of the totals that all shares were made with. */
  #sortedWith = -1

  /** `totals`: what shares are shares of. `excluded`: resources that do not count. */
  constructor(totals: Totals, options: { readonly flat?: boolean; readonly excluded?: Iterable<string> } = {}) {
    super(options.flat)
    this.#totals = totals
    this.#excluded = new Set(options.excluded)
  }

  walk(visit: (client: Value) => boolean): boolean {
    this.#settle()
    return walk(this.root, visit)
  }

  protected moved(node: TreeNode<Value>): void {
    if (node.stale) return
    node.stale = true
    this.#stale.push(node)
  }

  protected rearranged(node: TreeNode<Value>): void {
    this.#unsorted.add(node)
  }

  protected dominant(allocation: Quantities): number {
    let dominant = 0
    for (const [name, amount] of allocation) {
      const total = this.#totals.of(name)
      if (total === 0 || this.#excluded.has(name)) continue
      const share = amount / total
      if (share > dominant) dominant = share
    }
    return dominant
  }

  #settle(): void {
    if (this.#sortedWith !== this.#totals.version) {
      this.#sortedWith = this.#totals.version
      this.#sortBelow(this.root)
      for (const node of this.#stale) node.stale = false
    } else {
      if (this.#stale.length > fewMoves) for (const { parent } of this.#stale) this.#unsorted.add(parent!)
      for (const node of this.#unsorted) this.#sort(node)
      for (const node of this.#stale) {
        node.stale = false
        if (this.#stale.length <= fewMoves) this.#place(node)
      }
    }
    this.#stale.length = 0
    this.#unsorted.clear()
  }

  #sortBelow(node: TreeNode<Value>): void {
    if (node.children.size === 0) return
    this.#sort(node)
    for (const child of node.children.values()) this.#sortBelow(child)
  }

  #sort(node: TreeNode<Value>): void {
    const { order } = node
    order.length = 0
    for (const child of node.children.values()) {
      this.#measure(child)
      order.push(child)
    }
    order.sort(compare)
    for (let place = 0; place < order.length; place++) order[place]!.place = place
  }

  #measure(node: TreeNode<Value>): void {
    node.share = this.dominant(node.allocation) / node.weight
    node.rank = node.count
  }

  /** Moves a node to where it belongs among its siblings, which are in order. */
  #place(node: TreeNode<Value>): void {
    const order = node.parent!.order
    let { place } = node
    // Not among them any more, or not yet.
    if (order[place] !== node) return
    this.#measure(node)
    for (; place + 1 < order.length && compare(order[place + 1]!, node) < 0; place++)
      set(order, place, order[place + 1]!)
    for (; place > 0 && compare(order[place - 1]!, node) > 0; place--) set(order, place, order[place - 1]!)
    set(order, place, node)
  }
}

function set<Value>(order: TreeNode<Value>[], place: number, node: TreeNode<Value>): void {
  order[place] = node
  node.place = place
}

function walk<Value>({ order }: TreeNode<Value>, visit: (client: Value) => boolean): boolean {
  for (let place = 0; place < order.length; place++) {
    const node = order[place]!
    if (node.active === 0) continue
    if (node.client === undefined ? walk(node, visit) : visit(node.client)) return true
  }
  return false
}

function compare(a: TreeNode<unknown>, b: TreeNode<unknown>): number {
  if (a.share !== b.share) return a.share - b.share
  if (a.rank !== b.rank) return a.rank - b.rank
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}
