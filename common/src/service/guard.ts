import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Authenticator } from './authentication.ts'
import { isLoopback } from './door.ts'
import { HttpError } from './errors.ts'

/** Which requests must prove who they are from, and how. */
export interface Authentication {
  readonly authenticator: Authenticator
  /** The realm whose callers must say who they are, or undefined: the request is open, and what it says of itself is not looked at. */
  readonly realmOf: (request: FastifyRequest) => string | undefined
  /** Whether every realm asks, so that the process may listen on addresses that others reach. */
  readonly isComplete: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who the request was proved to be from; undefined where nobody had to prove it. */
    principal: string | undefined
  }
}

/** Throws where a process would be open to others than this machine (decision 14 of the design). */
export function checkAddress(ip: string, name: string, authentication: Authentication | undefined): void {
  if (isLoopback(ip) || authentication?.isComplete) return
  const why = authentication ? 'not everybody must authenticate' : 'there is no authentication'
  throw new Error(
    `--ip=${ip}: ${name} listens on loopback addresses only where ${why}; use --ip=127.0.0.1 (or another of 127.0.0.0/8, or ::1), or turn authentication on`,
  )
}

/** Refuses with 401 who does not prove who they are, before anything of a body is read. */
export function guardRealms(app: FastifyInstance, { authenticator, realmOf }: Authentication): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRequest', async (request, reply) => {
    const realm = realmOf(request)
    if (realm === undefined) return
    request.principal = await authenticator.principalOf(request.raw)
    if (request.principal !== undefined) return
    // A body that nobody will read must not keep the connection busy.
    if (request.raw.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0')
      reply.header('connection', 'close')
    const headers = { 'www-authenticate': authenticator.challenge(realm) }
    throw new HttpError(401, `the realm ${realm} needs credentials, and those of this request are missing or wrong`, {
      headers,
    })
  })
}
