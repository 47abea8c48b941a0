import type { Group, Root, Service, Timestamp } from './model.ts'
import { ancestorsOf, isBelow, type PathId } from './paths.ts'
import { dependenciesOf } from './service.ts'

export const emptyRoot: Root = {
  version: '1970-01-01T00:00:00.000Z',
  groups: new Map([['/', { dependencies: [], version: '1970-01-01T00:00:00.000Z' }]]),
  services: new Map(),
}

/** A root that is being changed: copies of the maps of a known one. */
export class Draft {
  readonly base: Root
  readonly groups: Map<PathId, Group>
  readonly services: Map<PathId, Service>

  constructor(base: Root) {
    this.base = base
    this.groups = new Map(base.groups)
    this.services = new Map(base.services)
  }

  /** Makes the groups above an id, where they are missing. */
  makeParents(id: PathId, version: Timestamp, topEnforces: boolean): void {
    for (const group of ancestorsOf(id)) this.makeGroup(group, version, topEnforces)
  }

  makeGroup(id: PathId, version: Timestamp, topEnforces: boolean): void {
    if (this.groups.has(id)) return
    const top = id.lastIndexOf('/') === 0
    this.groups.set(id, { dependencies: [], version, ...(top && { enforceRole: topEnforces }) })
  }

  finish(version: Timestamp): Root {
    return { version, groups: this.groups, services: this.services }
  }
}

/** The services below a group, or the service of that id. */
export const servicesBelow = (root: Root, group: PathId): Service[] =>
  [...root.services.values()].filter(service => isBelow(service.spec.id, group))

export const groupsBelow = (root: Root, group: PathId): PathId[] =>
  [...root.groups.keys()].filter(id => isBelow(id, group))

/** The version after `last`, at `now` or, where time stands still, a millisecond later. */
export function nextVersion(now: number, last: Timestamp): Timestamp {
  return new Date(Math.max(now, Date.parse(last) + 1)).toISOString()
}

/** Which services each service waits for: its own dependencies and those of the groups above it, groups expanded (contract 7). */
export function dependencyGraph(root: Pick<Root, 'groups' | 'services'>): Map<PathId, Set<PathId>> {
  const below = new Map<PathId, PathId[]>()
  for (const id of root.services.keys())
    for (const group of ['/', ...ancestorsOf(id)]) {
      const known = below.get(group)
      if (known === undefined) below.set(group, [id])
      else known.push(id)
    }
  const expand = (id: PathId): readonly PathId[] => (root.services.has(id) ? [id] : (below.get(id) ?? []))
  const graph = new Map<PathId, Set<PathId>>()
  for (const [id, service] of root.services) {
    const needed = new Set<PathId>()
    for (const one of dependenciesOf(service)) for (const each of expand(one)) needed.add(each)
    for (const group of ['/', ...ancestorsOf(id)])
      for (const one of root.groups.get(group)?.dependencies ?? []) for (const each of expand(one)) needed.add(each)
    needed.delete(id)
    graph.set(id, needed)
  }
  return graph
}

/**
 * The longest way to each service from one that depends on nothing, counted in dependencies: 0 for those. Answers
 * undefined, where services wait for each other in a circle.
 */
export function dependencyDepths(graph: ReadonlyMap<PathId, ReadonlySet<PathId>>): Map<PathId, number> | undefined {
  const depths = new Map<PathId, number>()
  const waitingFor = new Map<PathId, number>()
  const dependents = new Map<PathId, PathId[]>()
  const ready: PathId[] = []
  for (const [id, needed] of graph) {
    const known = [...needed].filter(one => graph.has(one))
    waitingFor.set(id, known.length)
    if (known.length === 0) ready.push(id)
    for (const one of known) dependents.set(one, [...(dependents.get(one) ?? []), id])
  }
  for (const id of ready) depths.set(id, 0)
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    for (const dependent of dependents.get(next) ?? []) {
      depths.set(dependent, Math.max(depths.get(dependent) ?? 0, (depths.get(next) ?? 0) + 1))
      const left = (waitingFor.get(dependent) ?? 0) - 1
      waitingFor.set(dependent, left)
      if (left === 0) ready.push(dependent)
    }
  }
  return depths.size === graph.size && [...waitingFor.values()].every(left => left === 0) ? depths : undefined
}
