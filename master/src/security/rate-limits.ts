import { excerpt } from '@meseta/common/protocol/excerpt'

/** How many messages a second a principal may send, and how many of more may wait. */
export interface RateLimit {
  readonly qps: number
  readonly capacity: number
}

/** `--rate_limits`, checked (Mesos contract 8.3). */
export interface RateLimits {
  /** By principal; `unlimited` for one that is listed without a rate. */
  readonly limits: ReadonlyMap<string, RateLimit | 'unlimited'>
  /** What all share who are not listed; undefined: they are not limited. */
  readonly aggregate: RateLimit | undefined
}

/** Limits that can not be meant as they are written; the message begins with the path of the field. */
export class RateLimitError extends Error {}

/** How many messages may wait where no capacity is given: whoever waits holds memory. */
export const defaultCapacity = 10_000
const maxLimits = 10_000
/** One message in eleven days: timers know no longer times than some hundred years, and nobody means them. */
const minQps = 0.000_001

/** Reads rate limits in the JSON form of Mesos. Throws RateLimitError. */
export function readRateLimits(json: unknown): RateLimits {
  const { limits = [], ...rest } = objectAt('', json)
  const { aggregate_default_qps: qps, aggregate_default_capacity: capacity, ...others } = rest
  refuseOthers('', others)
  if (!Array.isArray(limits)) throw new RateLimitError('limits: must be a list')
  if (limits.length > maxLimits) throw new RateLimitError(`limits: holds more than ${maxLimits} principals`)
  const byPrincipal = new Map<string, RateLimit | 'unlimited'>()
  for (const [index, entry] of limits.entries()) {
    const path = `limits[${index}]`
    const { principal, qps, capacity, ...others } = objectAt(path, entry)
    refuseOthers(`${path}.`, others)
    if (typeof principal !== 'string' || principal === '')
      throw new RateLimitError(`${path}.principal: must be the name of a principal`)
    if (byPrincipal.has(principal))
      throw new RateLimitError(`${path}.principal: '${excerpt(principal)}' is there twice`)
    byPrincipal.set(principal, readLimit(`${path}.`, qps, capacity) ?? 'unlimited')
  }
  return { limits: byPrincipal, aggregate: readLimit('aggregate_default_', qps, capacity) }
}

function readLimit(prefix: string, qps: unknown, capacity: unknown): RateLimit | undefined {
  if (qps === undefined) {
    if (capacity !== undefined) throw new RateLimitError(`${prefix}capacity: needs ${prefix}qps`)
    return undefined
  }
  if (typeof qps !== 'number' || !Number.isFinite(qps) || qps < minQps)
    throw new RateLimitError(`${prefix}qps: must be a number, ${minQps} or more`)
  if (capacity !== undefined && !(Number.isSafeInteger(capacity) && (capacity as number) >= 0))
    throw new RateLimitError(`${prefix}capacity: must be a whole number, 0 or more`)
  return { qps, capacity: (capacity as number | undefined) ?? defaultCapacity }
}

function refuseOthers(prefix: string, others: object): void {
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw new RateLimitError(`${prefix}${excerpt(unknown)}: is not known`)
}

function objectAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new RateLimitError(path === '' ? 'must be a JSON object' : `${path}: must be an object`)
}
