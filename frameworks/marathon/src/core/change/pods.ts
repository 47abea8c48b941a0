import { notFound, Problems, Refusal } from '../errors.ts'
import type { PodService } from '../model.ts'
import type { PathId } from '../paths.ts'
import type { Draft } from '../root.ts'
import { settleRole } from '../spec/app-canonical.ts'
import { checkPod } from '../spec/pod-rules.ts'
import { readPod } from '../spec/pod-shape.ts'
import { checkRole, enforces } from './apps.ts'
import type { Change, Setting } from './change.ts'

const blank = '1970-01-01T00:00:00.000Z'

/** Applies a pod body to the draft; answers its id. A pod is always replaced as a whole. */
export function applyPod(draft: Draft, change: Extract<Change, { kind: 'pod' }>, setting: Setting): PathId {
  const problems = new Problems()
  const read = readPod(change.body, '', problems, setting.settings)
  problems.throwShape()
  if (read === undefined) throw new Refusal(422, 'Invalid JSON')
  if (change.id !== undefined && change.id !== read.id)
    throw new Refusal(400, `'${read.id}' does not match definition ID '${change.id}'`)
  const { id } = read
  const known = draft.services.get(id)
  if (change.mode === 'create' && known !== undefined)
    throw new Refusal(409, `${known.kind === 'pod' ? 'A pod' : 'An app'} with id [${id}] already exists.`)
  if (change.mode === 'update' && known?.kind !== 'pod') throw notFound('Pod', id)
  const spec = { ...read, role: settleRole(id, read.role, enforces(draft, id, setting), setting.settings) }
  checkPod(spec, '', setting.settings, problems)
  problems.throwRules()
  checkRole(draft, spec, '', setting)
  draft.makeParents(id, setting.version, setting.settings.newGroupEnforceRole === 'top')
  const fresh: PodService = { kind: 'pod', spec, version: blank, lastScalingAt: blank, lastConfigChangeAt: blank }
  draft.services.set(id, known?.kind === 'pod' ? { ...known, spec } : fresh)
  return id
}
