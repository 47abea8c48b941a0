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

  /** Those whose callers are asked, where it is one of these that asks. */
  realmsOf(request: FastifyRequest): readonly Realm[] {
    return endpointsOf(request).flatMap(endpoint => realmOf(endpoint) ?? [])
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
    for (const endpoint of endpointsOf(request)) {
      const refusal = this.#refusalAt(endpoint, request)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  #refusalAt(endpoint: string, request: FastifyRequest): string | undefined {
    if (this.#disabled.has(endpoint)) return `Endpoint '${endpoint}' is disabled by --firewall_rules`
    const { url, method } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
    return endpointRefusal(this.#authorizer, request.principal, { endpoint, isRead, query })
  }
}

/**
 * The endpoint that will answer, by what the router matched and by the path as it came. Mostly they are one; but the router decodes paths,
 * and what lies behind its wildcard does not: then what holds for either holds.
 */
function endpointsOf(request: FastifyRequest): readonly string[] {
  const { url: pattern = '*' } = request.routeOptions
  const byPath = endpointOfPath(request.url.replace(/\?.*$/s, ''))
  const byPattern = pattern.endsWith('*') ? byPath : endpointOfPath(pattern)
  return byPath === byPattern ? [byPath] : [byPath, byPattern]
}

function endpointOfPath(path: string): string {
  if (path === '/master' || path === '/master/') return '/'
  return routeOf(path) ?? path
}
