/** Where a request goes. */
export interface Target {
  /** `http://host:port` */
  readonly origin: string
  /** Path and query, escapes as they came. */
  readonly path: string
  /** Request headers that are not passed on, in lower case. */
  readonly drop?: ReadonlySet<string>
  /** Headers added to the answer. */
  readonly answer?: readonly (readonly [string, string])[]
  /** Puts an upstream's `Location` into terms of this router. */
  readonly location?: (location: string) => string
  /** Longest silence before and within an answer, in milliseconds; 0 for streams that may be silent. */
  readonly silence?: number
}

/** Why nothing came of a try. `sent`: the upstream may have seen the request. */
export interface Unanswered {
  readonly kind: 'unanswered'
  readonly sent: boolean
  readonly error: Error
}
export type Outcome = { readonly kind: 'answered' } | Unanswered

const notConnected = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

export function unanswered(error: unknown): Unanswered {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return {
    kind: 'unanswered',
    sent: !notConnected.has(code),
    error: error instanceof Error ? error : new Error(String(error)),
  }
}

/** `http://host:port`, with the brackets of an IPv6 address. */
export const originOf = (scheme: string, host: string, port: number): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
