import type { Service, Timestamp } from './model.ts'
import { instancesOf, withInstances } from './service.ts'

/** Text that is equal for equal values, whatever the order of their members. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** Whether something other than the number of instances differs: its instances must be replaced (contract 11). */
export function configDiffers(before: Service, after: Service): boolean {
  return before.kind !== after.kind || withoutScale(before) !== withoutScale(after)
}

function withoutScale(service: Service): string {
  const { executorResources: _executor, ...spec } = withInstances(service, 0).spec
  return canonicalText(spec)
}

const differs = (before: Service, after: Service): boolean => canonicalText(before.spec) !== canonicalText(after.spec)

/** The service with the stamps its change asks for; the known one itself when nothing changed (contract 11). */
export function stamp(before: Service | undefined, after: Service, now: Timestamp, restart = false): Service {
  if (before === undefined || configDiffers(before, after))
    return { ...after, version: now, lastScalingAt: now, lastConfigChangeAt: now }
  if (restart) return { ...after, version: now, lastScalingAt: before.lastScalingAt, lastConfigChangeAt: now }
  if (instancesOf(before) !== instancesOf(after))
    return { ...after, version: now, lastScalingAt: now, lastConfigChangeAt: before.lastConfigChangeAt }
  return differs(before, after)
    ? { ...after, version: now, lastScalingAt: before.lastScalingAt, lastConfigChangeAt: before.lastConfigChangeAt }
    : before
}
