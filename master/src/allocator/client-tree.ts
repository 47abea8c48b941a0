import { add, noQuantities, type Quantities, subtract } from './quantities.ts'

export interface TreeNode<Value> {
  readonly name: string
  readonly path: string
  readonly parent: TreeNode<Value> | undefined
  readonly children: Map<string, TreeNode<Value>>
  /** The client, where this node stands for one: always a leaf. */
  client: Value | undefined
  /** How many active clients there are in the subtree, itself included. */
  active: number
  weight: number
  /** What the whole subtree holds; nothing is noted of the root. */
  readonly allocation: Map<string, number>
  /** How many allocations the subtree was given; never reset by deactivation. */
  count: number
  /** What follows is the sorter's: by which it stands where it does among its siblings. */
  share: number
  rank: number
  place: number
  readonly order: TreeNode<Value>[]
  stale: boolean
}

/** What a sorter is asked for. A client has a path `a/b/c`, and a value that is handed out in its turn. */
export interface Sorter<Value> extends Iterable<Value> {
  readonly size: number
  readonly activeCount: number
  /** A new client is inactive. */
  add(client: string, value: Value): void
  /** Removes a client and what it holds. */
  remove(client: string): void
  activate(client: string): void
  deactivate(client: string): void
  /** The weights of roles and of their subtrees, default 1; those of before are void. */
  setWeights(weights: ReadonlyMap<string, number>): void
  allocated(client: string, quantities: Quantities): void
  /** What a client holds became less or something else: no allocation, and not counted as one. */
  changed(client: string, less: Quantities, more: Quantities): void
  /** What a client holds. */
  allocation(client: string): Quantities
  /** The dominant share of a client among all, without its weight. */
  share(client: string): number
  /** Hands out the active clients, the one to be served first at first, until `visit` answers true. Answers whether it did. */
  walk(visit: (client: Value) => boolean): boolean
  /** Where two clients part in the tree: the siblings between which their order is decided, the other without what it was `given`. */
  compare(client: string, other: string, given?: Quantities): [Standing, Standing]
}

/** What decides about a node's turn among its siblings. */
export interface Standing {
  readonly path: string
  /** Without the weight. */
  readonly share: number
  readonly weight: number
  readonly allocations: number
}

/** The name of the leaf by which a client that is also a parent competes among its own children. */
const self = '.'

/**
 * The tree of clients and what their subtrees hold (Mesos contract 5.1). Adding, removing and (un)allocating cost the depth of the
 * path. In which order they are served is a subclass's.
 */
export abstract class ClientTree<Value> implements Sorter<Value> {
  protected readonly root: TreeNode<Value> = newNode('', '', undefined)
  readonly #leaves = new Map<string, TreeNode<Value>>()
  #weights: ReadonlyMap<string, number> = new Map()
  readonly #flat: boolean

  /** `flat`: names are whole clients, a slash in them means nothing (framework ids). */
  constructor(flat = false) {
    this.#flat = flat
  }

  abstract walk(visit: (client: Value) => boolean): boolean
  /** The dominant share of who holds so much. */
  protected abstract dominant(allocation: Quantities): number
  /** What a node holds, or how often it was given, is another. */
  protected abstract moved(node: TreeNode<Value>): void
  /** A node has other children, or they have other weights. */
  protected abstract rearranged(node: TreeNode<Value>): void

  get size(): number {
    return this.#leaves.size
  }

  get activeCount(): number {
    return this.root.active
  }

  *[Symbol.iterator](): Iterator<Value> {
    for (const { client } of this.#leaves.values()) yield client!
  }

  add(client: string, value: Value): void {
    if (this.#leaves.has(client)) return
    let node = this.root
    let path = ''
    for (const part of this.#flat ? [client] : client.split('/')) {
      path = path === '' ? part : `${path}/${part}`
      if (node.client !== undefined) this.#sink(node)
      node = this.#child(node, part, path)
    }
    if (node.children.size > 0) node = this.#child(node, self, path)
    node.client = value
    this.#leaves.set(client, node)
  }

  remove(client: string): void {
    const leaf = this.#leaves.get(client)
    if (!leaf) return
    this.deactivate(client)
    this.changed(client, new Map(leaf.allocation), noQuantities)
    this.#leaves.delete(client)
    leaf.client = undefined
    let node = leaf
    while (node.parent && node.children.size === 0) {
      const { parent } = node
      parent.children.delete(node.name)
      this.rearranged(parent)
      node = parent
    }
  }

  activate(client: string): void {
    const leaf = this.#leaves.get(client)
    if (leaf && leaf.active === 0) this.#addActive(leaf, 1)
  }

  deactivate(client: string): void {
    const leaf = this.#leaves.get(client)
    if (leaf && leaf.active === 1) this.#addActive(leaf, -1)
  }

  #addActive(leaf: TreeNode<Value>, change: number): void {
    for (let node: TreeNode<Value> | undefined = leaf; node; node = node.parent) node.active += change
  }

  setWeights(weights: ReadonlyMap<string, number>): void {
    this.#weights = weights
    this.#reweigh(this.root)
  }

  #reweigh(node: TreeNode<Value>): void {
    for (const child of node.children.values()) {
      if (child.name !== self) child.weight = this.#weights.get(child.path) ?? 1
      this.#reweigh(child)
    }
    this.rearranged(node)
  }

  allocated(client: string, quantities: Quantities): void {
    for (let node = this.#leaves.get(client); node?.parent; node = node.parent) {
      add(node.allocation, quantities)
      node.count++
      this.moved(node)
    }
  }

  changed(client: string, less: Quantities, more: Quantities): void {
    for (let node = this.#leaves.get(client); node?.parent; node = node.parent) {
      subtract(node.allocation, less)
      add(node.allocation, more)
      this.moved(node)
    }
  }

  allocation(client: string): Quantities {
    return this.#leaves.get(client)?.allocation ?? noQuantities
  }

  share(client: string): number {
    const leaf = this.#leaves.get(client)
    return leaf ? this.dominant(leaf.allocation) : 0
  }

  compare(client: string, other: string, given: Quantities = noQuantities): [Standing, Standing] {
    const a = this.#line(client)
    const b = this.#line(other)
    let depth = 0
    while (depth < a.length - 1 && depth < b.length - 1 && a[depth] === b[depth]) depth++
    return [this.#standing(a[depth], client, noQuantities), this.#standing(b[depth], other, given)]
  }

  /** The nodes from below the root down to a client. */
  #line(client: string): TreeNode<Value>[] {
    const line: TreeNode<Value>[] = []
    for (let node = this.#leaves.get(client); node?.parent; node = node.parent) line.unshift(node)
    return line
  }

  /** Who is not there has nothing. */
  #standing(node: TreeNode<Value> | undefined, client: string, given: Quantities): Standing {
    if (!node) return { path: client, share: 0, weight: 1, allocations: 0 }
    const { path, allocation, weight, count } = node
    const rest = new Map(allocation)
    subtract(rest, given)
    return { path, share: this.dominant(rest), weight, allocations: given.size > 0 ? count - 1 : count }
  }

  /** Makes room for children below a node that was a leaf: its client moves to a leaf of its own. */
  #sink(node: TreeNode<Value>): void {
    const leaf = this.#child(node, self, node.path)
    leaf.client = node.client
    leaf.active = node.active
    leaf.count = node.count
    add(leaf.allocation, node.allocation)
    node.client = undefined
    this.#leaves.set(node.path, leaf)
  }

  #child(node: TreeNode<Value>, name: string, path: string): TreeNode<Value> {
    let child = node.children.get(name)
    if (!child) {
      child = newNode(name, path, node)
      if (name !== self) child.weight = this.#weights.get(path) ?? 1
      node.children.set(name, child)
      this.rearranged(node)
    }
    return child
  }
}

function newNode<Value>(name: string, path: string, parent: TreeNode<Value> | undefined): TreeNode<Value> {
  return {
    name,
    path,
    parent,
    children: new Map(),
    client: undefined,
    active: 0,
    weight: 1,
    allocation: new Map(),
    count: 0,
    share: 0,
    rank: 0,
    place: 0,
    order: [],
    stale: false,
  }
}
