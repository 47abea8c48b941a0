// What of an agent's resources operations have made, which is stored by the agent and outlives it (Mesos contract 7.2).
import type { Resource } from '../protocol/mesos.ts'
import type { Resources } from './resources.ts'

/** Whether a resource came out of an operation: reserved dynamically, or a persistent volume. */
export function isCheckpointed({ reservations = [], disk }: Resource): boolean {
  return disk?.persistence !== undefined || reservations.some(({ type }) => type === 'DYNAMIC')
}

/**
 * An agent's own resources after the operations that its checkpoints tell of; undefined when they can not have come from these.
 * Neither bag is allocated.
 */
export function withCheckpointed(own: Resources, checkpointed: Resources): Resources | undefined {
  const origin = checkpointed.convert(originOf)
  return own.contains(origin) ? own.minus(origin).plus(checkpointed) : undefined
}

/** A resource as it was before any operation. */
function originOf({ disk, shared: _, reservations = [], ...rest }: Resource): Resource {
  const fixed = reservations.filter(({ type }) => type === 'STATIC')
  return {
    ...rest,
    ...(fixed.length > 0 ? { reservations: fixed } : {}),
    ...(disk?.source === undefined ? {} : { disk: { source: disk.source } }),
  }
}
