import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { routeOf } from './api/routes.ts'
import { type Acls, authorizerOf } from './security/acls.ts'
import { type Authorizer, allowsAll } from './security/actions.ts'
import { endpointRefusal, type Realm, realmOf } from './security/endpoints.ts'

/** Stands before all endpoints: says whose callers must authenticate, and lets in only whom firewall and rules let in. */
export class Gate {
  readonly #isOpen: boolean
  readonly #authorizer: Authorizer
  readonly #disabled: ReadonlySet<string>

  constructor(acls: Acls | undefined, disabledPaths: readonly string[]) {
    this.#isOpen = !acls && disabledPaths.length === 0
    this.#authorizer = acls ? authorizerOf(acls) : allowsAll
    this.#disabled = new Set(disabledPaths.map(endpointOfPath))
  }

  realmOf(request: FastifyRequest): Realm | undefined {
    return realmOf(endpointOf(request))
  }

  /** After authentication, before the body is read. */
  guard(app: FastifyInstance): void {
    if (this.#isOpen) return
    app.addHook('onRequest', (request, _reply, done) => {
      const refusal = this.#refusal(request)
      if (refusal === undefined) done()
      else done(new HttpError(403, refusal))
    })
  }

  #refusal(request: FastifyRequest): string | undefined {
    const endpoint = endpointOf(request)
    if (this.#disabled.has(endpoint)) return `Endpoint '${endpoint}' is disabled by --firewall_rules`
    const { url, method } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
    return endpointRefusal(this.#authorizer, request.principal, { endpoint, isRead, query })
  }
}

/**
 * The endpoint that will answer. Where the router knows more than a wildcard, what it matched counts: it decodes what this would not. All
 * else is found by the same function that answers it.
 */
function endpointOf(request: FastifyRequest): string {
  const { url: pattern } = request.routeOptions
  return endpointOfPath(pattern === undefined || pattern.endsWith('*') ? request.url.replace(/\?.*$/s, '') : pattern)
}

function endpointOfPath(path: string): string {
  if (path === '/master' || path === '/master/') return '/'
  return routeOf(path) ?? path
}
