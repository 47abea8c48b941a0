import { locationBelow } from '../proxy/location.ts'
import { originOf, type Target } from '../proxy/target.ts'
import { type Balance, cookieName, cookieValue, readCookie } from '../services/balance.ts'
import type { Found } from '../services/find-service.ts'
import type { Backend } from '../services/service-table.ts'
import { pathBehind } from './request-target.ts'
import type { Attempt } from './send.ts'

/** How many backends of a service are tried for one request that can be repeated. */
const mostTries = 3

export interface ServiceRequest {
  /** What the client sees the service below: `/service/<name>` or `/marathon`, without final slash. */
  readonly prefix: string
  readonly query: string
  readonly host: string | undefined
  readonly cookies: string | undefined
}

/** The backends that a request for a service is tried on, in this order. */
export function serviceAttempts(
  { service, candidate }: Found,
  { prefix, query, host, cookies }: ServiceRequest,
  balance: Balance,
): Attempt[] {
  const path = service.keepPath
    ? `/service/${candidate.prefix}${candidate.rest}${query}`
    : `${service.basePath}${pathBehind(candidate.rest)}${query}`
  const location = locationBelow(prefix, service.scheme, host)
  const sticky = service.sticky && service.backends.length > 1
  const cookie = sticky ? cookieName(candidate.normal) : ''
  const own = sticky ? readCookie(cookies, cookie) : undefined
  const keepOn = (backend: Backend): Target['answer'] =>
    sticky && own !== cookieValue(backend)
      ? [['set-cookie', `${cookie}=${cookieValue(backend)}; Path=${prefix}/; HttpOnly; SameSite=Lax`]]
      : []
  return balance.order(service.backends, own, mostTries).map(backend => ({
    backend,
    target: {
      origin: originOf(service.scheme, backend.host, backend.port),
      path,
      location,
      silence: service.streaming ? 600_000 : 300_000,
      answer: keepOn(backend),
    },
  }))
}
