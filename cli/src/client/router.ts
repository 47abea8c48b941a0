import { type ExitName, Failure } from '../output/failure.ts'
import { note } from '../output/print.ts'
import { type ClusterOptions, findRouter } from './find-cluster.ts'
import { milliseconds } from './numbers.ts'

/** An answer of the cluster: where it came from, status, headers, and the body as text. */
export interface Answer {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeout?: number
}

/** Attempts of a read whose connection fails; writes are never repeated. */
const readTries = 3
/** How long one request may take, ms, unless `MESETA_TIMEOUT` (seconds) says otherwise. */
const patience = 30_000

/** The cluster as commands speak to it: through the router, and nothing else. */
export class Router {
  readonly url: string
  readonly #patience: number | undefined
  readonly #verbosity: number

  /** `verbosity` 1 tells each request on stderr, 2 what is in it and in its answer; `meseta -v` and `-vv` set it. */
  constructor(url: string, verbosity = Number(process.env.MESETA_VERBOSITY ?? 0)) {
    this.url = url
    this.#verbosity = verbosity
    const seconds = process.env.MESETA_TIMEOUT
    this.#patience = seconds ? milliseconds(seconds, 'MESETA_TIMEOUT') : undefined
  }

  /** The cluster that the options, the environment or the work-dir name. */
  static find(options: ClusterOptions): Router {
    return new Router(findRouter(options))
  }

  /** One request. Any status is an answer; only a cluster that can not be reached is an error. */
  async ask(path: string, request: Request = {}): Promise<Answer> {
    const method = request.method ?? 'GET'
    const tries = method === 'GET' ? readTries : 1
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await fetch(`${this.url}${path}`, {
          method,
          headers: {
            accept: 'application/json',
            ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
            ...request.headers,
          },
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
          redirect: 'follow',
          signal: AbortSignal.timeout(this.#patience ?? request.timeout ?? patience),
        })
        const unavailable = answer.status === 502 || answer.status === 503 || answer.status === 504
        if (!unavailable || attempt >= tries) {
          const text = await answer.text()
          this.#tell(`${method} ${this.url}${path}: ${answer.status}`, request.body, text)
          return { url: answer.url, status: answer.status, headers: answer.headers, text }
        }
        this.#tell(`${method} ${this.url}${path}: ${answer.status}, asking again`)
        await answer.body?.cancel()
      } catch (error) {
        // Who has waited that long is not made to wait again.
        if (attempt >= tries || isTimeout(error)) throw this.#unreachable(error)
      }
      await new Promise(resolve => setTimeout(resolve, 200 * attempt))
    }
  }

  /** The body of a successful answer as JSON; an error answer becomes the failure it stands for. */
  async json<Body>(path: string, request: Request = {}): Promise<Body> {
    const answer = await this.ask(path, request)
    if (answer.status >= 400) throw failureOf(answer)
    return parse<Body>(answer)
  }

  #tell(sentence: string, sent?: unknown, answered = ''): void {
    if (this.#verbosity > 0) note(sentence)
    if (this.#verbosity < 2) return
    if (sent !== undefined) note(`> ${JSON.stringify(sent)}`)
    if (answered !== '') note(`< ${answered.trimEnd()}`)
  }

  #unreachable(error: unknown): Failure {
    const timedOut = isTimeout(error)
    const cause =
      error instanceof Error && error.cause instanceof Error
        ? error.cause.message
        : String((error as Error)?.message ?? error)
    return new Failure(
      timedOut
        ? `the cluster at ${this.url} did not answer in time`
        : `the cluster at ${this.url} can not be reached: ${cause}`,
      {
        exit: timedOut ? 'timeout' : 'unreachable',
        hint: '`meseta status` shows what runs on this machine, `meseta up` starts it',
      },
    )
  }
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError'

/** JSON of an answer that succeeded. */
export function parse<Body>(answer: Answer): Body {
  try {
    return JSON.parse(answer.text) as Body
  } catch {
    throw new Failure(`${answer.url} sent something that is no JSON: ${oneLine(answer.text)}`, {
      hint: 'is it the router of a cluster? `meseta status` shows the one of this machine',
    })
  }
}

const oneLine = (text: string): string => text.slice(0, 120).replace(/\s+/g, ' ').trim()

/** What a status means for the exit code; 5xx is `unreachable`. */
export const exits: Readonly<Record<number, ExitName>> = {
  401: 'login',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
}

/** Marathon names a wrong type by the codes of the JSON library it was written with. */
const codes: Readonly<Record<string, string>> = {
  'error.expected.jsstring': 'a text is expected',
  'error.expected.jsnumber': 'a number is expected',
  'error.expected.int': 'a whole number is expected',
  'error.expected.long': 'a whole number is expected',
  'error.expected.jsboolean': 'true or false is expected',
  'error.expected.jsarray': 'a list is expected, […]',
  'error.expected.jsobject': 'an object is expected, {…}',
  'error.path.missing': 'it is missing',
}
const inWords = (error: string): string => codes[error] ?? error.replace(/^error\.unknown\.enum\.literal: /, '')

/** A deployment that holds what was to be changed. */
function lockedBy(deployment: { id?: unknown } | null): string[] {
  return typeof deployment?.id === 'string'
    ? [`deployment ${deployment.id} holds it: wait for it, or take its place with --force`]
    : []
}

/** What an error answer says, with the fields it names. */
export function failureOf(answer: Answer): Failure {
  const exit = exits[answer.status] ?? (answer.status >= 500 ? 'unreachable' : 'failure')
  const isPage = /^\s*</.test(answer.text)
  let message = (isPage ? '' : answer.text.trim().slice(0, 1000)) || `${answer.url} answered HTTP ${answer.status}`
  const hints: string[] = []
  try {
    const body = JSON.parse(answer.text) as { message?: unknown; details?: unknown; deployments?: unknown }
    if (typeof body.message === 'string') message = body.message
    if (Array.isArray(body.deployments)) hints.push(...body.deployments.flatMap(lockedBy))
    if (Array.isArray(body.details)) {
      for (const detail of body.details as { path?: string; errors?: string[] }[]) {
        if (typeof detail === 'object' && detail?.path !== undefined)
          hints.push(`${detail.path}: ${[detail.errors ?? []].flat().map(inWords).join('; ')}`)
        else if (typeof detail === 'string') hints.push(detail)
      }
    }
  } catch {
    // Plain text is shown as it came.
  }
  return new Failure(message, { exit, ...(hints.length > 0 ? { hint: hints.join('\n      ') } : {}) })
}
