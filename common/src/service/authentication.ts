import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from './clock.ts'
import { type Credentials, checkPrincipal } from './credentials.ts'
import { type JwtRules, verifyJwt } from './jwt.ts'

/** How callers prove who they are; each that is given is accepted. */
export interface Proofs {
  /** HTTP Basic. */
  readonly credentials?: Credentials | undefined
  /** Bearer tokens that are secrets in themselves. */
  readonly tokens?: Credentials | undefined
  /** Bearer tokens that are signed; `principalClaim` names who it is. */
  readonly jwt?: (JwtRules & { readonly principalClaim: string }) | undefined
  /** Certificates that the TLS server has checked; their name is the principal. */
  readonly certificates?: boolean | undefined
}

/** More of a header than this is not looked at. */
const maxHeaderLength = 16_384

/** Finds out who calls. Nothing of what a caller says is logged or repeated. */
export class Authenticator {
  readonly #proofs: Proofs
  readonly #clock: Clock
  /** A connection's certificate is the same for all its requests. */
  readonly #names = new WeakMap<TLSSocket, string | undefined>()

  constructor(proofs: Proofs, clock: Clock) {
    this.#proofs = proofs
    this.#clock = clock
  }

  /** The principal that a request proves to be from; undefined where it proves none. A wrong proof is none: no other is looked at. */
  async principalOf(request: IncomingMessage): Promise<string | undefined> {
    const { authorization } = request.headers
    if (authorization !== undefined) return this.#fromHeader(authorization)
    return this.#proofs.certificates ? this.#fromCertificate(request.socket) : undefined
  }

  /** What a caller that proves nothing is told to do, for `WWW-Authenticate`. */
  challenge(realm: string): string {
    const { credentials, tokens, jwt } = this.#proofs
    const schemes = [...(credentials ? ['Basic'] : []), ...((tokens ?? jwt) ? ['Bearer'] : [])]
    return (schemes.length === 0 ? ['Basic'] : schemes).map(scheme => `${scheme} realm="${realm}"`).join(', ')
  }

  #fromCertificate(socket: Socket): string | undefined {
    if (!(socket instanceof TLSSocket)) return undefined
    if (!this.#names.has(socket)) this.#names.set(socket, nameInCertificate(socket))
    return this.#names.get(socket)
  }

  async #fromHeader(header: string): Promise<string | undefined> {
    if (header.length > maxHeaderLength) return undefined
    const [scheme, value] = /^(basic|bearer) +(\S+) *$/i.exec(header)?.slice(1) ?? []
    if (scheme === undefined || value === undefined) return undefined
    return scheme.toLowerCase() === 'basic' ? this.#fromBasic(value) : this.#fromBearer(value)
  }

  #fromBasic(value: string): string | undefined {
    const text = Buffer.from(value, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon < 0) return undefined
    const principal = text.slice(0, colon)
    return this.#proofs.credentials?.has(principal, text.slice(colon + 1)) ? principal : undefined
  }

  async #fromBearer(token: string): Promise<string | undefined> {
    const { tokens, jwt } = this.#proofs
    const owner = tokens?.ownerOf(token)
    if (owner !== undefined || !jwt) return owner
    const name = (await verifyJwt(token, jwt, this.#clock.now()))?.[jwt.principalClaim]
    return typeof name === 'string' && checkPrincipal(name) === undefined ? name : undefined
  }
}

/** The common name of a certificate that was checked; where it has none, the first DNS name that it is for. */
function nameInCertificate(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined
  const { subject, subjectaltname } = socket.getPeerCertificate()
  const name: unknown = subject?.CN ?? /^DNS:([^,"]+)/.exec(subjectaltname ?? '')?.[1]
  return typeof name === 'string' && checkPrincipal(name) === undefined ? name : undefined
}
