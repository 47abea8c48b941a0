import type { Session } from '../api/session.ts'
import { CatalogError } from '../problems.ts'
import { isObject, type Json, type JsonObject, JsonProblem, parseJson, stringifyJson } from '../render/json.ts'
import type { Peer } from './peer.ts'

const maxQuoted = 4_000

/** Packages that are managed by another service (catalog contract 7, "Custom manager"): the request goes there, as it came. */
export class Managers {
  readonly #router: Peer

  constructor(router: Peer) {
    this.#router = router
  }

  async forward(managerId: string, path: string, body: Json, session: Session): Promise<JsonObject> {
    const origin = new URL(session.origin)
    const answer = await this.#router.call({
      method: 'POST',
      path: `/service/${managerId.split('/').map(encodeURIComponent).join('/')}${path}`,
      authorization: session.authorization,
      body: stringifyJson(body),
      headers: {
        accept: session.accept,
        'content-type': session.contentType,
        'x-forwarded-proto': origin.protocol.replace(':', ''),
        'x-forwarded-host': origin.host,
        'x-forwarded-port': origin.port || (origin.protocol === 'https:' ? '443' : '80'),
      },
    })
    if (answer.status === 404) throw new CatalogError('CustomPackageManagerNotFound', { managerId })
    if (answer.status === 409) throw new CatalogError('ServiceAlreadyStarted', {})
    const parsed = answer.status < 300 ? parse(answer.text) : undefined
    if (parsed !== undefined) return parsed
    throw new CatalogError('CustomPackageManagerError', {
      managerId,
      statusCode: answer.status,
      responseContent: answer.text.slice(0, maxQuoted),
    })
  }
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof JsonProblem) return undefined
    throw error
  }
}
