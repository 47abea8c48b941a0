import type { Millis, Root, Service } from '../model.ts'
import { isBelow, type PathId, parentOf } from '../paths.ts'
import type { State } from '../state.ts'
import { appView, type Embed, plainApp } from './app.ts'
import { podView } from './pod.ts'

/** What of a group is shown: its lists, and what of each app. */
export interface GroupEmbeds {
  readonly apps: boolean
  readonly pods: boolean
  readonly groups: boolean
  readonly app: ReadonlySet<Embed>
}

/** Reads `group.groups`, `group.apps`, `group.pods`, `group.apps.<x>`; none given means all three lists (contract 2). */
export function readGroupEmbeds(asked: readonly string[], app: ReadonlySet<Embed>): GroupEmbeds {
  const has = (name: string): boolean => asked.includes(`group.${name}`)
  const none = !['groups', 'apps', 'pods'].some(has) && !asked.some(one => one.startsWith('group.apps.'))
  const apps = none || has('apps') || asked.some(one => one.startsWith('group.apps.'))
  return { apps, pods: none || has('pods'), groups: none || has('groups'), app }
}

/** The direct members of each group: one pass over the root. */
export function childrenOf(root: Root): Map<PathId, { services: Service[]; groups: PathId[] }> {
  const children = new Map<PathId, { services: Service[]; groups: PathId[] }>()
  const of = (id: PathId) => {
    let known = children.get(id)
    if (known === undefined) {
      known = { services: [], groups: [] }
      children.set(id, known)
    }
    return known
  }
  for (const [id, service] of root.services) of(parentOf(id)).services.push(service)
  for (const id of root.groups.keys()) if (id !== '/') of(parentOf(id)).groups.push(id)
  return children
}

/** A group with what is below it (contract 7). `root` may be one of the past: then nothing but definitions is shown. */
export function groupView(
  state: State,
  root: Root,
  id: PathId,
  embeds: GroupEmbeds,
  now: Millis,
): Record<string, unknown> {
  const children = childrenOf(root)
  const past = root !== state.root
  const view = (group: PathId): Record<string, unknown> => {
    const known = root.groups.get(group)
    const members = children.get(group) ?? { services: [], groups: [] }
    const enforce = known?.enforceRole ?? (group === '/' || isBelow(group, '/') ? false : undefined)
    return {
      id: group,
      ...(embeds.apps && {
        apps: members.services.flatMap(one =>
          one.kind === 'app' ? [past ? plainApp(one) : appView(state, one, embeds.app, now)] : [],
        ),
      }),
      ...(embeds.pods && { pods: members.services.flatMap(one => (one.kind === 'pod' ? [podView(one)] : [])) }),
      ...(embeds.groups && { groups: members.groups.sort().map(view) }),
      dependencies: known?.dependencies ?? [],
      version: group === '/' ? root.version : (known?.version ?? root.version),
      enforceRole: enforce ?? false,
    }
  }
  return view(id)
}

/** The body of the feed's `group`. */
export function groupFeedView(state: State, id: PathId): Record<string, unknown> | undefined {
  const group = state.root.groups.get(id)
  if (group === undefined) return undefined
  const direct = [...state.root.services.values()].filter(service => parentOf(service.spec.id) === id)
  return {
    id,
    apps: direct.filter(service => service.kind === 'app').map(service => service.spec.id),
    pods: direct.filter(service => service.kind === 'pod').map(service => service.spec.id),
    groups: [...state.root.groups.keys()].filter(other => other !== '/' && parentOf(other) === id),
    enforceRole: group.enforceRole ?? false,
  }
}
