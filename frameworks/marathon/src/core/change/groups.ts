import { notFound, Problems, Refusal } from '../errors.ts'
import type { Group } from '../model.ts'
import { ancestorsOf, checkGroupId, isBelow, type PathId, segmentsOf } from '../paths.ts'
import { type Draft, groupsBelow, servicesBelow } from '../root.ts'
import { instancesOf, withInstances } from '../service.ts'
import { completeApp, settleRole } from '../spec/app-canonical.ts'
import { modernise } from '../spec/app-legacy.ts'
import { checkApp } from '../spec/app-rules.ts'
import { type GroupBody, readGroup } from '../spec/group-shape.ts'
import { enforces, putApp } from './apps.ts'
import type { Change, Setting } from './change.ts'

/** Applies a group body to the draft (contract 7). */
export function applyGroup(draft: Draft, change: Extract<Change, { kind: 'group' }>, setting: Setting): void {
  const problems = new Problems()
  const body = readGroup(change.body, '', problems, change.id)
  problems.throwShape()
  if (body === undefined) throw new Refusal(422, 'Invalid JSON')
  if (change.mode === 'create') checkFresh(draft, body.id, change.id)
  if (body.version !== undefined || body.scaleBy !== undefined) {
    checkAlone(body)
    if (body.version !== undefined) restoreGroup(draft, body.id, body.version, setting)
    else scaleGroup(draft, body.id, body.scaleBy ?? 1)
    return
  }
  checkEnforce(draft, body)
  replaceGroup(draft, body, setting)
}

function checkFresh(draft: Draft, id: PathId, base: PathId): void {
  if (id === '/' || (id === base && draft.groups.has(id)) || draft.groups.has(id))
    throw new Refusal(409, `Group ${id} is already created. Use PUT to change this group.`)
  if (draft.services.has(id)) throw new Refusal(409, `An app with id [${id}] already exists.`)
}

function checkAlone(body: GroupBody): void {
  const others = (['apps', 'groups', 'dependencies', 'enforceRole'] as const).filter(name => body[name] !== undefined)
  if (body.version !== undefined && body.scaleBy !== undefined) others.push('apps')
  if (others.length > 0)
    throw new Refusal(422, 'Object is not valid', {
      details: [
        {
          path: body.version === undefined ? '/scaleBy' : '/version',
          errors: ['must stand alone: no other field may be given with it'],
        },
      ],
    })
}

function restoreGroup(draft: Draft, id: PathId, version: string, setting: Setting): void {
  const past = setting.history.root(version)
  if (past === undefined) throw new Refusal(422, `Group ${id} not available in version ${version}`)
  for (const service of servicesBelow(draft.base, id)) draft.services.delete(service.spec.id)
  for (const group of groupsBelow(draft.base, id)) draft.groups.delete(group)
  for (const group of [id, ...groupsBelow(past, id)]) {
    const known = past.groups.get(group)
    if (known !== undefined) draft.groups.set(group, { ...known, version: setting.version })
  }
  draft.makeParents(id, setting.version, false)
  for (const service of servicesBelow(past, id)) {
    const current = draft.base.services.get(service.spec.id)
    draft.services.set(
      service.spec.id,
      current?.kind === service.kind ? ({ ...current, spec: service.spec } as typeof service) : service,
    )
  }
}

function scaleGroup(draft: Draft, id: PathId, factor: number): void {
  if (!draft.groups.has(id)) throw notFound('Group', id)
  if (factor < 0)
    throw new Refusal(422, 'Object is not valid', {
      details: [{ path: '/scaleBy', errors: [`got ${factor}, expected 0 or more`] }],
    })
  for (const service of servicesBelow(draft.base, id))
    if (service.kind === 'app') {
      const scaled = withInstances(service, Math.ceil(instancesOf(service) * factor))
      draft.services.set(service.spec.id, scaled)
    }
}

function checkEnforce(draft: Draft, body: GroupBody, depth = 0): void {
  if (body.enforceRole !== undefined && (segmentsOf(body.id).length !== 1 || depth > 1)) {
    const details = [{ path: `${body.path}/enforceRole`, errors: ['enforceRole can only be set on top-level groups'] }]
    throw new Refusal(422, 'Object is not valid', { details })
  }
  const known = draft.groups.get(body.id)
  const changesServices = body.apps !== undefined || body.groups !== undefined
  if (
    body.enforceRole !== undefined &&
    known !== undefined &&
    known.enforceRole !== body.enforceRole &&
    changesServices &&
    servicesBelow(draft.base, body.id).length > 0
  )
    throw new Refusal(422, 'Object is not valid', {
      details: [
        { path: `${body.path}/enforceRole`, errors: ['can not change in a request that also changes services'] },
      ],
    })
  for (const child of body.groups ?? []) checkEnforce(draft, child, depth + 1)
}

/** The given apps and groups replace those that are there; a list left out keeps them; pods stay. */
function replaceGroup(draft: Draft, body: GroupBody, setting: Setting): void {
  const problems = new Problems()
  checkGroupId(body.id, `${body.path}/id`, problems)
  problems.throwRules()
  draft.makeParents(body.id, setting.version, setting.settings.newGroupEnforceRole === 'top')
  draft.makeGroup(body.id, setting.version, setting.settings.newGroupEnforceRole === 'top')
  const known = draft.groups.get(body.id) as Group
  draft.groups.set(body.id, {
    ...known,
    version: setting.version,
    dependencies: body.dependencies ?? known.dependencies,
    ...(body.enforceRole !== undefined && { enforceRole: body.enforceRole }),
  })
  if (body.apps !== undefined) replaceApps(draft, body, setting)
  if (body.groups !== undefined) replaceGroups(draft, body, setting)
}

function replaceApps(draft: Draft, body: GroupBody, setting: Setting): void {
  const wanted = new Set(body.apps?.map(app => app.id))
  for (const service of draft.base.services.values()) {
    const { id } = service.spec
    const direct = isBelow(id, body.id) && segmentsOf(id).length === segmentsOf(body.id).length + 1
    if (service.kind === 'app' && direct && !wanted.has(id)) draft.services.delete(id)
  }
  const problems = new Problems()
  for (const app of body.apps ?? []) {
    if (!isBelow(app.id, body.id) || segmentsOf(app.id).length !== segmentsOf(body.id).length + 1) {
      problems.add(`${app.path}/id`, `Identifier ${app.id} is not child of ${body.id}. Hint: use relative paths.`)
      continue
    }
    if (draft.services.get(app.id)?.kind === 'pod') {
      problems.add(`${app.path}/id`, `there is a pod with the id ${app.id} already`)
      continue
    }
    const complete = completeApp(app.id, modernise(app, app.path, problems), setting.settings)
    const spec = {
      ...complete,
      role: settleRole(app.id, complete.role, enforces(draft, app.id, setting), setting.settings),
    }
    checkApp(spec, app.path, setting.settings, problems)
    if (!problems.any) putApp(draft, spec, app.path, setting)
  }
  problems.throwRules()
}

function replaceGroups(draft: Draft, body: GroupBody, setting: Setting): void {
  const wanted = (body.groups ?? []).map(group => group.id)
  for (const id of groupsBelow(draft.base, body.id)) {
    const kept = wanted.some(one => one === id || isBelow(id, one))
    const holdsPods = servicesBelow(draft.base, id).some(service => service.kind === 'pod')
    if (kept) continue
    for (const service of servicesBelow(draft.base, id))
      if (service.kind === 'app') draft.services.delete(service.spec.id)
    if (!holdsPods) draft.groups.delete(id)
  }
  for (const child of body.groups ?? []) {
    if (ancestorsOf(child.id).at(-1) !== (body.id === '/' ? undefined : body.id))
      throw new Refusal(422, 'Object is not valid', {
        details: [
          {
            path: `${child.path}/id`,
            errors: [`Identifier ${child.id} is not child of ${body.id}. Hint: use relative paths.`],
          },
        ],
      })
    replaceGroup(draft, child, setting)
  }
}
