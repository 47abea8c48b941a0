/** The outcome of one readiness check (contract 6.1, readinessCheckResults). */
export interface ReadinessResult {
  readonly name: string
  readonly ready: boolean
  readonly lastResponse?: { readonly status: number; readonly contentType: string; readonly body: string }
}
