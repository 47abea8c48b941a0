/** What may be said beside the message of an HttpError. */
export interface HttpErrorExtras {
  /** Data for the client, sent as `details`: per-field errors, numbers compared, ids of what is in the way. */
  readonly details?: unknown
  /** A stable word for programs, sent as `code`. */
  readonly code?: string
  /** Headers of the answer, e.g. `Allow`, `Retry-After`, `Location`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/**
 * An error that is an HTTP answer. Thrown anywhere below a route, it becomes `{"message", "code"?, "details"?}` with its status,
 * or what the component's `formatError` makes of it. The message is shown to the client: it names no secret.
 */
export class HttpError extends Error {
  readonly status: number
  readonly details: unknown
  readonly code: string | undefined
  readonly headers: Readonly<Record<string, string>>
  constructor(status: number, message: string, extras: HttpErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'HttpError'
    this.status = status
    this.details = extras.details
    this.code = extras.code
    this.headers = extras.headers ?? {}
  }
}

/** The body of an error where no contract says another shape. */
export function errorBody(error: HttpError): { message: string; code?: string; details?: unknown } {
  return {
    message: error.message,
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(error.details === undefined ? {} : { details: error.details }),
  }
}
