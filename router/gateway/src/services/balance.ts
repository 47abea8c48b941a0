import { createHash } from 'node:crypto'
import type { Backend } from './service-table.ts'

/** The name of the cookie that keeps a client on one backend of a service. */
export const cookieName = (service: string): string =>
  `meseta-backend-${createHash('sha256').update(service).digest('hex').slice(0, 12)}`

/** What the cookie says instead of the instance's id, which is nobody else's business. */
export const cookieValue = (backend: Backend): string =>
  createHash('sha256').update(backend.id).digest('base64url').slice(0, 16)

/** Reads one cookie of a `Cookie` header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const [key, value] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}

/** Requests in hand by backend, and which backend the next one goes to: the one with the fewest, in turn among equals. */
export class Balance {
  readonly #inHand = new Map<string, number>()
  #turn = 0

  /** The order in which at most `most` backends are tried; the client's own first when its cookie names one of them. */
  order(backends: readonly Backend[], cookie: string | undefined, most: number): Backend[] {
    const own = cookie === undefined ? undefined : backends.find(backend => cookieValue(backend) === cookie)
    const chosen: Backend[] = own ? [own] : []
    this.#turn = (this.#turn + 1) % 0x7fff_ffff
    while (chosen.length < Math.min(most, backends.length)) chosen.push(this.#idlest(backends, chosen))
    return chosen
  }

  #idlest(backends: readonly Backend[], except: readonly Backend[]): Backend {
    let idlest: Backend | undefined
    for (let i = 0; i < backends.length; i += 1) {
      const backend = backends[(this.#turn + i) % backends.length]!
      if (except.includes(backend) || (idlest && this.#load(backend) >= this.#load(idlest))) continue
      idlest = backend
    }
    return idlest!
  }

  begin(backend: Backend): void {
    this.#inHand.set(backend.id, this.#load(backend) + 1)
  }

  end(backend: Backend): void {
    const left = this.#load(backend) - 1
    if (left > 0) this.#inHand.set(backend.id, left)
    else this.#inHand.delete(backend.id)
  }

  #load(backend: Backend): number {
    return this.#inHand.get(backend.id) ?? 0
  }
}
