/** `ok`: works. `degraded`: works with less (says what is missing). `down`: does not do its work. */
export type HealthStatus = 'ok' | 'degraded' | 'down'

export interface HealthCheck {
  readonly status: HealthStatus
  /** One sentence: what was found and, when it is not ok, what it means. */
  readonly sentence: string
  /** What is waited for, in a word, where something is. */
  readonly waits_for?: string
  /** Since when it is so, ISO 8601. */
  readonly since?: string
}

/** The body of `/health` (operations contract, section 1). */
export interface HealthReport {
  readonly status: HealthStatus
  readonly checks: Readonly<Record<string, HealthCheck>>
}

const severity: Readonly<Record<HealthStatus, number>> = { ok: 0, degraded: 1, down: 2 }

/** The worst check is the health of the whole; with no checks it is ok. */
export function reportOf(checks: Readonly<Record<string, HealthCheck>>): HealthReport {
  let worst: HealthStatus = 'ok'
  for (const { status } of Object.values(checks)) if (severity[status] > severity[worst]) worst = status
  return { status: worst, checks }
}

/** The named checks of a process. */
export class Health {
  readonly #checks = new Map<string, HealthCheck>()
  readonly #listeners = new Set<(report: HealthReport) => void>()

  /** Says how one check stands now. Listeners hear of it when it differs from before. */
  set(name: string, status: HealthStatus, sentence: string): void {
    const before = this.#checks.get(name)
    if (before?.status === status && before.sentence === sentence) return
    this.#checks.set(name, { status, sentence })
    for (const listener of [...this.#listeners]) listener(this.report())
  }

  /** Forgets a check, e.g. of a peer that is no longer used. */
  remove(name: string): void {
    if (!this.#checks.delete(name)) return
    for (const listener of [...this.#listeners]) listener(this.report())
  }

  get(name: string): HealthCheck | undefined {
    return this.#checks.get(name)
  }

  get status(): HealthStatus {
    return this.report().status
  }

  report(): HealthReport {
    return reportOf(Object.fromEntries(this.#checks))
  }

  /** Calls back after each change. Answers a function that ends it. */
  onChange(listener: (report: HealthReport) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
