import { notFound } from '../errors.ts'
import type { Root, Service } from '../model.ts'
import { ancestorsOf, type PathId } from '../paths.ts'
import { Draft, groupsBelow, servicesBelow } from '../root.ts'
import { checkRoot } from '../root-rules.ts'
import { instancesOf, withInstances } from '../service.ts'
import { assignServicePorts } from '../service-ports.ts'
import { stamp } from '../stamp.ts'
import { applyApp } from './apps.ts'
import type { Change, Outcome, Setting } from './change.ts'
import { applyGroup } from './groups.ts'
import { applyPod } from './pods.ts'

/**
 * Applies a change to the root (contract 11: change, service ports, version stamps, root validation). Throws a Refusal.
 * Services that did not change keep their identity.
 */
export function applyChange(change: Change, setting: Setting): Outcome {
  const draft = new Draft(setting.root)
  const restarts = new Set<PathId>()
  let kills: Outcome['kills'] = new Map()
  switch (change.kind) {
    case 'apps':
      for (const app of change.apps) applyApp(draft, app, setting)
      break
    case 'pod':
      applyPod(draft, change, setting)
      break
    case 'delete':
      deleteService(draft, change.service, change.id)
      break
    case 'restart': {
      if (draft.services.get(change.id) === undefined) throw notFound('App', change.id)
      restarts.add(change.id)
      break
    }
    case 'scale-down':
      kills = change.victims
      for (const [id, victims] of change.victims) scaleDown(draft, id, victims.length)
      break
    case 'group':
      applyGroup(draft, change, setting)
      break
    case 'delete-group':
      deleteGroup(draft, change.id)
      break
    case 'enforce-role': {
      const group = draft.groups.get(change.id)
      if (group === undefined) throw notFound('Group', change.id)
      draft.groups.set(change.id, { ...group, enforceRole: change.enforceRole, version: setting.version })
      break
    }
    case 'revert':
      return revert(draft, change, setting)
  }
  return finish(draft, setting, restarts, kills)
}

function finish(draft: Draft, setting: Setting, restarts: ReadonlySet<PathId>, kills: Outcome['kills']): Outcome {
  const known = setting.root
  const touched = [...draft.services.keys()].filter(id => draft.services.get(id) !== known.services.get(id))
  assignServicePorts(draft.services, touched, known, setting.settings)
  for (const id of new Set([...touched, ...restarts])) {
    const after = draft.services.get(id) as Service
    draft.services.set(id, stamp(known.services.get(id), after, setting.version, restarts.has(id)))
  }
  const root = draft.finish(setting.version)
  checkRoot(root, touched, setting.settings)
  return { root, restarts, kills, created: touched.filter(id => !known.services.has(id)) }
}

function deleteService(draft: Draft, kind: 'app' | 'pod', id: PathId): void {
  if (draft.services.get(id)?.kind !== kind) throw notFound(kind === 'app' ? 'App' : 'Pod', id)
  draft.services.delete(id)
}

function scaleDown(draft: Draft, id: PathId, by: number): void {
  const service = draft.services.get(id)
  if (service === undefined) return
  draft.services.set(id, withInstances(service, Math.max(0, instancesOf(service) - by)))
}

function deleteGroup(draft: Draft, id: PathId): void {
  if (!draft.groups.has(id)) throw notFound('Group', id)
  for (const service of servicesBelow(draft.base, id)) draft.services.delete(service.spec.id)
  for (const group of groupsBelow(draft.base, id)) draft.groups.delete(group)
  if (id !== '/') draft.groups.delete(id)
}

/** Only what the deployment changed goes back, to what it was and with the instances that still run it. */
function revert(draft: Draft, change: Extract<Change, { kind: 'revert' }>, setting: Setting): Outcome {
  for (const { id, before } of change.services) {
    if (before === undefined) draft.services.delete(id)
    else {
      draft.makeParents(id, setting.version, false)
      const same = draft.services.get(id) === before
      draft.services.set(id, same ? before : ({ ...before, version: setting.version } as Service))
    }
  }
  const added = change.groups.filter(group => group.before === undefined).map(group => group.id)
  for (const id of added.sort((a, b) => b.length - a.length)) if (isEmpty(draft, id)) draft.groups.delete(id)
  const root: Root = draft.finish(setting.version)
  checkRoot(
    root,
    change.services.map(one => one.id),
    setting.settings,
  )
  return { root, restarts: new Set(), kills: new Map(), created: [] }
}

const isEmpty = (draft: Draft, id: PathId): boolean =>
  [...draft.services.keys(), ...draft.groups.keys()].every(other => !ancestorsOf(other).includes(id))
