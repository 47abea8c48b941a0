/** Scalar amounts by resource name, in thousandths, so that sums are exact. */
export type Quantities = ReadonlyMap<string, number>

/** What there is of everything, shared by all sorters that measure against it. */
export class Totals {
  readonly #amounts = new Map<string, number>()
  #version = 0

  /** Another number after each change. */
  get version(): number {
    return this.#version
  }

  of(name: string): number {
    return this.#amounts.get(name) ?? 0
  }

  add(quantities: Quantities): void {
    add(this.#amounts, quantities)
    this.#version++
  }

  remove(quantities: Quantities): void {
    subtract(this.#amounts, quantities)
    this.#version++
  }
}

interface Node {
  readonly path: string
  readonly parent: Node | undefined
  readonly children: Map<string, Node>
  /** The client itself, where this node stands for one. An inner node that is a client has a leaf of its own among its children. */
  client: boolean
  active: boolean
  weight: number
  /** What the whole subtree holds. */
  readonly allocation: Map<string, number>
  /** How many allocations the subtree was given; never reset by deactivation. */
  count: number
  share: number
}

/** The name of the leaf by which a client that is also a parent competes among its own children. */
const self = '.'

/**
 * Hierarchical dominant-resource fairness (Ghodsi et al., NSDI 2011; Mesos contract 5.1). Clients are paths `a/b/c`;
 * siblings ascend by dominant share, then by the number of allocations, then by name. Adding, removing and (un)allocating
 * cost the depth of the path; `sort` costs the size of the tree and only where something changed since.
 */
export class Sorter {
  readonly #root: Node = newNode('', undefined)
  readonly #leaves = new Map<string, Node>()
  readonly #totals: Totals
  readonly #weights = new Map<string, number>()
  readonly #excluded: ReadonlySet<string>
  readonly #flat: boolean
  #activeCount = 0
  #sorted: readonly string[] | undefined
  /** The version of the totals that `#sorted` was made with. */
  #sortedWith = 0

  /** `totals`: what shares are shares of. `flat`: names are whole clients, a slash in them means nothing (framework ids). `excluded`: resources that do not count. */
  constructor(totals: Totals, options: { readonly flat?: boolean; readonly excluded?: Iterable<string> } = {}) {
    this.#totals = totals
    this.#flat = options.flat ?? false
    this.#excluded = new Set(options.excluded)
  }

  has(client: string): boolean {
    return this.#leaves.has(client)
  }

  get size(): number {
    return this.#leaves.size
  }

  /** How many clients are active. */
  get activeCount(): number {
    return this.#activeCount
  }

  /** A new client is inactive. */
  add(client: string): void {
    if (this.#leaves.has(client)) return
    let node = this.#root
    let path = ''
    for (const part of this.#flat ? [client] : client.split('/')) {
      path = path === '' ? part : `${path}/${part}`
      if (node.client) this.#sink(node)
      node = this.#child(node, part, path)
    }
    if (node.children.size > 0) node = this.#child(node, self, path)
    node.client = true
    this.#leaves.set(client, node)
    this.#sorted = undefined
  }

  /** Removes a client and what it holds. */
  remove(client: string): void {
    const leaf = this.#leaves.get(client)
    if (!leaf) return
    for (let node = leaf.parent; node; node = node.parent) {
      subtract(node.allocation, leaf.allocation)
    }
    this.#leaves.delete(client)
    leaf.client = false
    if (leaf.active) this.#activeCount--
    for (let node: Node | undefined = leaf; node?.parent && node.children.size === 0 && !node.client; ) {
      const parent: Node = node.parent
      for (const [name, child] of parent.children) if (child === node) parent.children.delete(name)
      node = parent
    }
    this.#sorted = undefined
  }

  activate(client: string): void {
    this.#setActive(client, true)
  }

  deactivate(client: string): void {
    this.#setActive(client, false)
  }

  /** The weight of a role and of its subtree, default 1; applies also to roles that come later. */
  setWeight(path: string, weight: number): void {
    this.#weights.set(path, weight)
    const set = (node: Node) => {
      if (node.path === path) node.weight = weight
      for (const child of node.children.values()) set(child)
    }
    set(this.#root)
    this.#sorted = undefined
  }

  allocated(client: string, quantities: Quantities): void {
    for (let node = this.#leaves.get(client); node; node = node.parent) {
      add(node.allocation, quantities)
      node.count++
    }
    this.#sorted = undefined
  }

  unallocated(client: string, quantities: Quantities): void {
    this.changed(client, quantities, new Map())
  }

  /** What a client holds became something else: no allocation, and not counted as one. */
  changed(client: string, less: Quantities, more: Quantities): void {
    for (let node = this.#leaves.get(client); node; node = node.parent) {
      subtract(node.allocation, less)
      add(node.allocation, more)
    }
    this.#sorted = undefined
  }

  /** What a client holds. */
  allocation(client: string): Quantities {
    return this.#leaves.get(client)?.allocation ?? new Map()
  }

  /** The dominant share of a client among all, without its weight; for metrics. */
  share(client: string): number {
    const leaf = this.#leaves.get(client)
    return leaf ? this.#dominant(leaf) : 0
  }

  /** The active clients, the one to be served first at the head. */
  sort(): readonly string[] {
    if (this.#sorted && this.#sortedWith === this.#totals.version) return this.#sorted
    const result: string[] = []
    this.#collect(this.#root, result)
    this.#sorted = result
    this.#sortedWith = this.#totals.version
    return result
  }

  #collect(node: Node, result: string[]): void {
    if (node.client && node.active) result.push(node.path)
    if (node.children.size === 0) return
    const children = [...node.children.values()]
    for (const child of children) child.share = this.#dominant(child) / child.weight
    children.sort(bySharesThenCount)
    for (const child of children) this.#collect(child, result)
  }

  #dominant(node: Node): number {
    let dominant = 0
    for (const [name, amount] of node.allocation) {
      const total = this.#totals.of(name)
      if (total === 0 || this.#excluded.has(name)) continue
      const share = amount / total
      if (share > dominant) dominant = share
    }
    return dominant
  }

  /** Makes room for children below a node that was a leaf: its client moves to a leaf of its own. */
  #sink(node: Node): void {
    const leaf = this.#child(node, self, node.path)
    leaf.client = true
    leaf.active = node.active
    leaf.count = node.count
    for (const [name, amount] of node.allocation) leaf.allocation.set(name, amount)
    node.client = false
    node.active = false
    this.#leaves.set(node.path, leaf)
  }

  #child(node: Node, name: string, path: string): Node {
    let child = node.children.get(name)
    if (!child) {
      child = newNode(path, node)
      if (name !== self) child.weight = this.#weights.get(path) ?? 1
      node.children.set(name, child)
    }
    return child
  }

  #setActive(client: string, active: boolean): void {
    const leaf = this.#leaves.get(client)
    if (!leaf || leaf.active === active) return
    leaf.active = active
    this.#activeCount += active ? 1 : -1
    this.#sorted = undefined
  }
}

function newNode(path: string, parent: Node | undefined): Node {
  return {
    path,
    parent,
    children: new Map(),
    client: false,
    active: false,
    weight: 1,
    allocation: new Map(),
    count: 0,
    share: 0,
  }
}

function bySharesThenCount(a: Node, b: Node): number {
  if (a.share !== b.share) return a.share - b.share
  if (a.count !== b.count) return a.count - b.count
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}

function add(into: Map<string, number>, quantities: Quantities): void {
  for (const [name, amount] of quantities) into.set(name, (into.get(name) ?? 0) + amount)
}

function subtract(from: Map<string, number>, quantities: Quantities): void {
  for (const [name, amount] of quantities) {
    const left = (from.get(name) ?? 0) - amount
    if (left > 0) from.set(name, left)
    else from.delete(name)
  }
}
