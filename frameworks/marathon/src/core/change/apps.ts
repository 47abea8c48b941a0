import { notFound, Problems, Refusal } from '../errors.ts'
import type { App, AppService } from '../model.ts'
import { ancestorsOf, type PathId, resolveId, segmentsOf } from '../paths.ts'
import type { Draft } from '../root.ts'
import { completeApp, settleRole } from '../spec/app-canonical.ts'
import { modernise } from '../spec/app-legacy.ts'
import { checkApp } from '../spec/app-rules.ts'
import { type AppBody, appBody } from '../spec/app-shape.ts'
import { canonicalText } from '../stamp.ts'
import type { AppChange, Setting } from './change.ts'

const blank = '1970-01-01T00:00:00.000Z'

/** An app that nothing was stamped on yet. */
export const unstamped = (spec: App): AppService => ({
  kind: 'app',
  spec,
  version: blank,
  lastScalingAt: blank,
  lastConfigChangeAt: blank,
})

/** Applies one app body to the draft; answers its id. */
export function applyApp(draft: Draft, change: AppChange, setting: Setting): PathId {
  const problems = new Problems()
  const body = appBody(change.body, change.path, problems, change.id === undefined)
  problems.throwShape()
  if (body === undefined) throw new Refusal(422, 'Invalid JSON')
  const id = change.id ?? resolveId(body.id ?? '')
  const known = draft.services.get(id)
  if (change.mode === 'create' && known !== undefined) throw new Refusal(409, `An app with id [${id}] already exists.`)
  if (change.mode === 'update' && known?.kind !== 'app') throw notFound('App', id)
  if (known?.kind === 'pod') throw new Refusal(409, `A pod with id [${id}] already exists.`)
  const spec =
    body.version === undefined
      ? completeBody(draft, id, body, change, setting, known?.spec)
      : restoredApp(id, body, change.path, setting)
  putApp(draft, spec, change.path, setting)
  return id
}

function completeBody(draft: Draft, id: PathId, body: AppBody, change: AppChange, setting: Setting, known?: App): App {
  const problems = new Problems()
  const update = modernise(body, change.path, problems)
  const base = change.partial ? known : undefined
  const complete = completeApp(id, update, setting.settings, base)
  const spec = { ...complete, role: settleRole(id, complete.role, enforces(draft, id, setting), setting.settings) }
  checkApp(spec, change.path, setting.settings, problems)
  if (known !== undefined) checkResident(known, spec, change.path, setting.force, problems)
  problems.throwRules()
  return spec
}

/** Whether the top group above an id makes its services take its role. A group that is not there yet would be made so by the flag. */
export function enforces(draft: Draft, id: PathId, setting: Setting): boolean {
  const top = ancestorsOf(id)[0]
  if (top === undefined) return false
  return draft.groups.get(top)?.enforceRole ?? setting.settings.newGroupEnforceRole === 'top'
}

/** A version stands alone, and names one that is kept (contract 3, `version`). */
function restoredApp(id: PathId, body: AppBody, path: string, setting: Setting): App {
  if (body.given.length > 0)
    throw new Refusal(422, 'Object is not valid', {
      details: [
        {
          path: `${path}/version`,
          errors: [`The 'version' field may only be combined with the 'id' field; got ${body.given.join(', ')}`],
        },
      ],
    })
  const stored = setting.history.service(id, body.version ?? '')
  if (stored?.kind !== 'app')
    throw new Refusal(422, 'Object is not valid', {
      details: [{ path: `${path}/version`, errors: [`app ${id} has no version ${body.version}`] }],
    })
  return stored.spec
}

/** Puts a checked app into the draft, with the groups above it. */
export function putApp(draft: Draft, spec: App, path: string, setting: Setting): void {
  checkRole(draft, spec, path, setting)
  const known = draft.services.get(spec.id)
  draft.makeParents(spec.id, setting.version, setting.settings.newGroupEnforceRole === 'top')
  draft.services.set(spec.id, known?.kind === 'app' ? { ...known, spec } : unstamped(spec))
}

/** The roles a service may have by its place: Marathon's, its top group's, and the one it has (contract 12). */
export function checkRole(draft: Draft, spec: { id: PathId; role: string }, path: string, setting: Setting): void {
  const parts = segmentsOf(spec.id)
  const top = parts.length > 1 ? parts[0] : undefined
  const current = draft.base.services.get(spec.id)?.spec.role
  const enforced = enforces(draft, spec.id, setting)
  const allowed = new Set(
    enforced && top !== undefined ? [top] : [setting.settings.mesosRole, top ?? setting.settings.mesosRole],
  )
  if (current !== undefined) allowed.add(current)
  if (!allowed.has(spec.role))
    throw new Refusal(422, 'Object is not valid', {
      details: [{ path: `${path}/role`, errors: [`got ${spec.role}, expected one of: ${[...allowed].join(', ')}`] }],
    })
}

/** What may not change on a service whose instances own their storage (contract 3, resident apps). */
function checkResident(before: App, after: App, path: string, force: boolean, problems: Problems): void {
  const volumes = (app: App) => (app.container?.volumes ?? []).filter(volume => volume.persistent !== undefined)
  if (volumes(before).length === 0) return
  if (canonicalText(volumes(before)) !== canonicalText(volumes(after)))
    problems.add(`${path}/container/volumes`, 'persistent volumes can not be changed')
  for (const name of ['cpus', 'mem', 'disk', 'gpus', 'requirePorts'] as const)
    if (before[name] !== after[name])
      problems.add(`${path}/${name}`, 'can not be changed for an app with persistent volumes')
  const hostPorts = (app: App) => [
    app.portDefinitions?.map(one => one.port),
    app.container?.portMappings?.map(one => one.hostPort),
  ]
  const asked = hostPorts(after)[0]?.every(port => port === 0)
  if (!asked && canonicalText(hostPorts(before)) !== canonicalText(hostPorts(after)))
    problems.add(`${path}/portDefinitions`, 'host ports can not be changed for an app with persistent volumes')
  if (before.role !== after.role && !force)
    problems.add(`${path}/role`, 'changing the role of an app with persistent volumes needs force=true')
  if (after.role === '*' && before.role !== '*')
    problems.add(`${path}/role`, "must not be '*' for an app with persistent volumes")
}
