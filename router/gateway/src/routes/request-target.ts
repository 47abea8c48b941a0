import type { IncomingMessage } from 'node:http'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** A path that is in its normal form already: no escapes, nothing that needs care. Almost all are. */
const plain = /^(?!.*\/\.)\/[^%\\#\x80-\xff]*$/s

/** A segment `.` or `..`, also behind slashes that are escaped and before the parameters (`..;x`) that some servers cut off. */
const dotSegment = /(?:\/|%2f|%5c)\.\.?(?:$|\/|;|%2f|%5c|%3b)/i

/**
 * A request's target in its one normal form, path and query. Routes match this, upstreams are sent this or a part of it, and nobody reads
 * the received one: two readings of one path are how requests get past a gatekeeper. RFC 9112, 3.2 (the absolute form is
 * accepted) and RFC 3986, 6.2.2.2 (escaped letters, digits, `-._~` are those characters; other escapes stay as they came).
 * Throws 400 for what servers read differently: dot segments, backslashes, fragments, NUL, broken escapes, another host than `Host`.
 */
export function normalTarget(received: string, host: string | undefined): string {
  const target = originForm(received, host)
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark)
  if (query.includes('#')) refuse('a request has no fragment', query)
  return plain.test(path) || path === '*' ? target : normalPath(path) + query
}

function originForm(received: string, host: string | undefined): string {
  if (received.startsWith('/')) return received
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(received)
  if (!absolute) return received
  const [, authority, rest] = absolute
  if (authority!.toLowerCase() !== host?.toLowerCase())
    refuse('the target names another host than the Host header', received)
  return rest!.startsWith('/') ? rest! : `/${rest}`
}

function normalPath(path: string): string {
  if (!path.startsWith('/')) refuse('the path does not begin with a slash', path)
  if (/[\\#]/.test(path)) refuse('the path has a backslash or a fragment', path)
  const normal = path
    .replace(/%(..)?/gs, (escaped, digits = '') => {
      if (!/^[0-9a-f]{2}$/i.test(digits)) refuse('the path has a broken escape', path)
      const character = String.fromCharCode(Number.parseInt(digits, 16))
      if (character === '\0') refuse('the path has a NUL', path)
      return /[\w.~-]/.test(character) ? character : escaped
    })
    .replace(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  if (dotSegment.test(normal)) refuse("the path has a segment '.' or '..'", path)
  return normal
}

function refuse(why: string, text: string): never {
  throw new HttpError(400, `${why}: ${text.slice(0, 100)}`)
}

/** What stands behind a prefix that is cut off, as a path. One slash begins it: behind two, readers look for a host. */
export const pathBehind = (rest: string): string => `/${rest.replace(/^\/+/, '')}`

/** Routing reads escapes as UTF-8 and refuses others, which services may know: for it they are a text like any other. */
function asUtf8(target: string): string {
  if (!target.includes('%') || !/%[89a-f]/i.test(target)) return target
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  try {
    decodeURI(path)
    return target
  } catch {
    return path.replace(/%(?=[89a-f])/gi, '%25') + target.slice(path.length)
  }
}

/** Puts each request's target into its normal form before it is routed; refuses those that have none. */
export class NormalTargets {
  readonly #refused = new WeakMap<object, Error>()
  readonly #strange = new WeakMap<object, string>()

  /** Routing can not throw: what is refused is remembered until the hook. */
  readonly rewrite = (request: Pick<IncomingMessage, 'url' | 'headers'>): string => {
    try {
      const target = normalTarget(request.url ?? '/', request.headers.host)
      const routable = asUtf8(target)
      if (routable !== target) this.#strange.set(request, target)
      return routable
    } catch (error) {
      this.#refused.set(request, error as Error)
      return '/'
    }
  }

  /** The target in its normal form, as upstreams are to see it. */
  of({ raw, url }: FastifyRequest): string {
    return this.#strange.get(raw) ?? url
  }

  guard(app: FastifyInstance): void {
    app.addHook('onRequest', (request, _reply, done) => done(this.#refused.get(request.raw)))
  }
}
