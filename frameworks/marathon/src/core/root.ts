import type { Group, Root, Service, Timestamp } from './model.ts'
import { ancestorsOf, isBelow, type PathId } from './paths.ts'

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
