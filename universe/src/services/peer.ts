import { type Dispatcher, request } from 'undici'
import { CatalogError } from '../problems.ts'
import { readText } from '../repositories/download.ts'
import { causeOf } from '../repositories/http-repository.ts'

/** An answer of Marathon, the master or the router, its body as text. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly authorization?: string | undefined
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

const timeLimit = 30_000
const maxAnswerBytes = 128 * 1024 * 1024
/** The connection was never made, so the call was not heard: another replica may be asked. */
const notHeard = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'EAI_AGAIN']

/** A service with one or more replicas at fixed addresses. */
export class Peer {
  readonly #name: string
  readonly #urls: readonly string[]
  readonly #agent: Dispatcher
  readonly #hasLeader: boolean

  /**
   * `name` is what errors call it; `urls` its replicas, in the order in which they are asked. `hasLeader`: a replica may send a call on
   * to the one that leads; of any other service a redirect is an answer like any, and Authorization goes nowhere else.
   */
  constructor(name: string, urls: readonly string[], agent: Dispatcher, hasLeader = true) {
    this.#name = name
    this.#urls = urls
    this.#agent = agent
    this.#hasLeader = hasLeader
  }

  get isKnown(): boolean {
    return this.#urls.length > 0
  }

  /** The first replica's address. */
  get url(): string | undefined {
    return this.#urls[0]
  }

  /** Throws `ServiceUnavailable` when no replica is reached, `Unauthorized` and `Forbidden` for 401 and 403. */
  async call(call: Call): Promise<Answer> {
    let cause = `no address of ${this.#name} is configured`
    for (const url of this.#urls) {
      try {
        return this.#checked(await this.#ask(url, call))
      } catch (error) {
        if (error instanceof CatalogError) throw error
        cause = causeOf(error as Error)
        if (!notHeard.includes((error as { code?: string }).code ?? '')) break
      }
    }
    throw new CatalogError('ServiceUnavailable', { serviceName: this.#name, cause })
  }

  async #ask(url: string, call: Call): Promise<Answer> {
    const signal = AbortSignal.timeout(timeLimit)
    let target = `${url}${call.path}`
    for (let mayRedirect = this.#hasLeader; ; mayRedirect = false) {
      const response = await request(target, {
        method: call.method,
        dispatcher: this.#agent,
        headers: headersOf(call),
        body: call.body,
        signal,
      })
      const { location } = response.headers
      if ((response.statusCode === 307 || response.statusCode === 302) && typeof location === 'string' && mayRedirect) {
        await response.body.dump()
        target = new URL(location, target).href
        continue
      }
      return { status: response.statusCode, headers: response.headers, text: await readText(response, maxAnswerBytes) }
    }
  }

  #checked(answer: Answer): Answer {
    if (answer.status === 401) {
      const realm = answer.headers['www-authenticate']
      throw new CatalogError('Unauthorized', {
        serviceName: this.#name,
        ...(typeof realm === 'string' ? { realm } : {}),
      })
    }
    if (answer.status === 403) throw new CatalogError('Forbidden', { serviceName: this.#name })
    return answer
  }
}

function headersOf(call: Call): Record<string, string> {
  return {
    accept: 'application/json',
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.authorization === undefined ? {} : { authorization: call.authorization }),
    ...call.headers,
  }
}
