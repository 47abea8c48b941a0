import type { FastifyRequest } from 'fastify'

/** What of a request goes on to others. */
export interface Session {
  /** Passed on to Marathon, the master and the router, and never logged. */
  readonly authorization: string | undefined
  /** Where the client sees us: `https://host[:port]`. */
  readonly origin: string
  readonly accept: string
  readonly contentType: string
}

export const forwardedProtocols: readonly string[] = ['http', 'https']

export function sessionOf(request: FastifyRequest): Session {
  const { headers } = request
  const protocol = headers['x-forwarded-proto'] ?? 'http'
  return {
    authorization: headers.authorization,
    origin: `${String(protocol)}://${headers.host ?? 'localhost'}`,
    accept: headers.accept ?? '',
    contentType: request.sentType ?? '',
  }
}
