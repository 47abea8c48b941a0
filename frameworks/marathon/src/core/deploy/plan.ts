import { dependencyDepths } from '../dependencies.ts'
import type { Root, Service } from '../model.ts'
import type { PathId } from '../paths.ts'
import { instancesOf } from '../service.ts'
import { configDiffers } from '../stamp.ts'

export type ActionKind = 'Start' | 'Stop' | 'Scale' | 'Restart'

export interface Action {
  readonly kind: ActionKind
  readonly service: 'app' | 'pod'
  readonly id: PathId
  /** Instances that a kill with scale chose. */
  readonly kill?: readonly string[]
}

export type Step = readonly Action[]

export interface PlanInput {
  readonly before: Pick<Root, 'services'>
  readonly after: Pick<Root, 'groups' | 'services'>
  readonly restarts: ReadonlySet<PathId>
  readonly kills: ReadonlyMap<PathId, readonly string[]>
}

/** The services that differ between two roots, or are to be restarted. */
export function affectedServices(input: PlanInput): PathId[] {
  const { before, after } = input
  const affected = new Set(input.restarts)
  for (const id of input.kills.keys()) affected.add(id)
  for (const [id, service] of after.services) if (before.services.get(id) !== service) affected.add(id)
  for (const id of before.services.keys()) if (!after.services.has(id)) affected.add(id)
  return [...affected].sort()
}

/** The steps from one root to another (contract 11, Plan steps). Empty steps are left out. */
export function planSteps(input: PlanInput): Step[] {
  const { before, after } = input
  const affected = affectedServices(input)
  const steps: Step[] = []
  const gone = affected.filter(id => !after.services.has(id))
  steps.push(gone.map(id => action('Stop', before.services.get(id) as Service)))
  const fresh = affected.filter(id => after.services.has(id) && !before.services.has(id))
  steps.push(fresh.map(id => action('Start', after.services.get(id) as Service)))

  const depths = dependencyDepths(after)
  const byDepth = new Map<number, Action[]>()
  for (const id of affected) {
    const target = after.services.get(id)
    if (target === undefined) continue
    const depth = depths?.get(id) ?? 0
    const actions = byDepth.get(depth) ?? []
    byDepth.set(depth, actions)
    actions.push(actionFor(before.services.get(id), target, input))
  }
  for (const [, actions] of [...byDepth].sort(([a], [b]) => a - b)) steps.push(actions)
  return steps.filter(step => step.length > 0)
}

function actionFor(before: Service | undefined, target: Service, input: PlanInput): Action {
  const { id } = target.spec
  const kill = input.kills.get(id)
  if (kill !== undefined) return { ...action('Scale', target), kill }
  const changed = before !== undefined && (input.restarts.has(id) || configDiffers(before, target))
  return action(changed && instancesOf(target) > 0 ? 'Restart' : 'Scale', target)
}

const action = (kind: ActionKind, service: Service): Action => ({ kind, service: service.kind, id: service.spec.id })

/** The name of an action on the wire: `RestartApplication`, `ScalePod`. */
export const actionName = (one: Action): string => `${one.kind}${one.service === 'app' ? 'Application' : 'Pod'}`
