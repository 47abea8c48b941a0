import type { Millis } from './model.ts'

/** The outcome of one run of a health check. */
export interface HealthResult {
  /** Which of the service's health checks; for pods, which container. */
  readonly index: number
  readonly alive: boolean
  readonly cause?: string
}

/** What is known by one health check of one instance (contract 6.2, healthCheckResults). */
export interface HealthRecord {
  readonly alive: boolean
  readonly consecutiveFailures: number
  readonly firstSuccess?: Millis
  readonly lastSuccess?: Millis
  readonly lastFailure?: Millis
  readonly lastFailureCause?: string
}

/** A record with one more result. Failures before the first success within the grace period are not counted (contract 4.4). */
export function withResult(
  known: HealthRecord | undefined,
  result: HealthResult,
  now: Millis,
  inGrace: boolean,
): HealthRecord {
  if (result.alive)
    return {
      ...known,
      alive: true,
      consecutiveFailures: 0,
      firstSuccess: known?.firstSuccess ?? now,
      lastSuccess: now,
    }
  const ignored = inGrace && known?.firstSuccess === undefined
  return {
    ...known,
    alive: false,
    consecutiveFailures: (known?.consecutiveFailures ?? 0) + (ignored ? 0 : 1),
    lastFailure: now,
    ...(result.cause !== undefined && { lastFailureCause: result.cause }),
  }
}

/**
 * Whether an instance serves: true when all its checks have succeeded last, false when one failed, null when nothing is
 * known or there is nothing to check.
 */
export function verdict(records: readonly (HealthRecord | undefined)[], checks: number): boolean | null {
  if (records.some(record => record?.alive === false)) return false
  const known = records.filter(record => record !== undefined).length
  return checks > 0 && known >= checks ? true : null
}
