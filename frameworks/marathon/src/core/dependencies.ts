import type { Root } from './model.ts'
import { ancestorsOf, isBelow, type PathId } from './paths.ts'
import { dependenciesOf } from './service.ts'

/**
 * What waits for what (contract 7): services, and between them two nodes for each group, so that n services that wait for a
 * group of m cost n + m edges. `members` follows all services below a group; all services below it follow its `waits`.
 */
export interface DependencyGraph {
  readonly services: ReadonlySet<PathId>
  /** Who comes after a node. */
  readonly followers: ReadonlyMap<string, readonly string[]>
}

const members = (group: PathId): string => `members ${group}`
const waits = (group: PathId): string => `waits ${group}`

/** Undefined, where two services wait for each other because each waits for a group that holds both. */
export function dependencyGraph(root: Pick<Root, 'groups' | 'services'>): DependencyGraph | undefined {
  const builder = new Builder(root)
  for (const [id, service] of root.services) for (const needed of dependenciesOf(service)) builder.follow(id, needed)
  for (const [id, group] of root.groups) for (const needed of group.dependencies) builder.follow(id, needed)
  return builder.circular ? undefined : builder
}

class Builder implements DependencyGraph {
  readonly services: ReadonlySet<PathId>
  readonly followers = new Map<string, string[]>()
  /** The one service of a group that the others come before, or after. */
  readonly #exceptions = new Map<string, PathId>()
  readonly #below = new Map<PathId, PathId[]>()
  circular = false

  constructor(root: Pick<Root, 'services'>) {
    this.services = new Set(root.services.keys())
    for (const id of this.services) this.#place(id)
  }

  /** All that `one` is waits for all that `needed` is, but nobody for itself. */
  follow(one: PathId, needed: PathId): void {
    if (this.services.has(one) && one === needed) return
    if (this.#isIn(one, needed)) this.#followWithin('before', needed, this.#servicesOf(one))
    else if (this.#isIn(needed, one)) this.#followWithin('after', one, this.#servicesOf(needed))
    else this.#edge(this.services.has(needed) ? needed : members(needed), this.services.has(one) ? one : waits(one))
  }

  /** The others of a group come before or after some of it. Where these are two, they wait for each other. */
  #followWithin(others: 'before' | 'after', group: PathId, some: readonly PathId[]): void {
    const [service] = some
    const key = `${others} ${group}`
    const known = this.#exceptions.get(key)
    if (service === undefined) return
    this.circular ||= some.length > 1 || (known !== undefined && known !== service)
    if (this.circular || known === service) return
    this.#exceptions.set(key, service)
    for (const other of this.#servicesOf(group)) {
      if (other === service) continue
      if (others === 'before') this.#edge(other, service)
      else this.#edge(service, other)
    }
  }

  #isIn(id: PathId, group: PathId): boolean {
    return !this.services.has(group) && (id === group || isBelow(id, group))
  }

  #servicesOf(id: PathId): readonly PathId[] {
    return this.services.has(id) ? [id] : (this.#below.get(id) ?? [])
  }

  /** A service belongs to its group, and each group to the one above it. */
  #place(id: PathId): void {
    let [before, after] = [id, id]
    let known = false
    for (const group of ['/', ...ancestorsOf(id)].reverse()) {
      if (!known) {
        this.#edge(before, members(group))
        this.#edge(waits(group), after)
      }
      const below = this.#below.get(group)
      known = below !== undefined
      if (below === undefined) this.#below.set(group, [id])
      else below.push(id)
      ;[before, after] = [members(group), waits(group)]
    }
  }

  #edge(before: string, after: string): void {
    const known = this.followers.get(before)
    if (known === undefined) this.followers.set(before, [after])
    else known.push(after)
  }
}

/**
 * The longest way to each service from one that depends on nothing, counted in services: 0 for those. Undefined, where services
 * wait for each other in a circle.
 */
export function dependencyDepths(root: Pick<Root, 'groups' | 'services'>): Map<PathId, number> | undefined {
  const graph = dependencyGraph(root)
  if (graph === undefined) return undefined
  const { services, followers } = graph
  const depths = new Map<string, number>()
  const waiting = new Map<string, number>()
  for (const id of services) waiting.set(id, 0)
  for (const [before, all] of followers) {
    if (!waiting.has(before)) waiting.set(before, 0)
    for (const after of all) waiting.set(after, (waiting.get(after) ?? 0) + 1)
  }
  const ready = [...waiting].filter(([, count]) => count === 0).map(([node]) => node)
  let done = 0
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    done += 1
    const depth = depths.get(next) ?? 0
    if (services.has(next)) depths.set(next, depth)
    for (const after of followers.get(next) ?? []) {
      depths.set(after, Math.max(depths.get(after) ?? 0, services.has(next) ? depth + 1 : depth))
      const left = (waiting.get(after) ?? 0) - 1
      waiting.set(after, left)
      if (left === 0) ready.push(after)
    }
  }
  if (done < waiting.size) return undefined
  for (const node of depths.keys()) if (!services.has(node)) depths.delete(node)
  return depths
}
