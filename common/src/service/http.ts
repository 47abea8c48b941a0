import { isIP } from 'node:net'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import { allowOrigins, checkOrigins } from './cors.ts'
import { type Door, refusalAtDoor } from './door.ts'
import { errorBody, HttpError } from './errors.ts'
import type { FlagDefinitions } from './flags.ts'
import { type Authentication, checkAddress, guardRealms } from './guard.ts'
import type { Health } from './health.ts'
import { countRequests } from './http-metrics.ts'
import { parseJsonBody } from './json-body.ts'
import { refuseMalformed } from './malformed.ts'
import { type StandardRoute, serveStandardRoutes } from './standard-routes.ts'
import { openStreams, type Stream } from './stream.ts'
import { serverOptions, type TlsFiles } from './tls.ts'

/** What a server takes from the component's context. */
export interface HttpContext {
  readonly flags: { readonly ip: string; readonly port: number; readonly hostname?: string | undefined }
  readonly log: Logger
  readonly metrics: Registry
  readonly clock: Clock
}

/** An error in a component's own shape: an object is sent as JSON, a string as plain text. */
export type FormatError = (error: HttpError, request: FastifyRequest) => unknown

export interface HttpOptions {
  /** The component's name, shown by `/version`. */
  readonly name: string
  readonly health: Health
  /** The definitions of `context.flags`, so that `/flags` can hide the secret ones. Without them there is no `/flags`. */
  readonly flagDefinitions?: FlagDefinitions
  /** Standard routes which the component serves in a shape of its own. */
  readonly own?: readonly StandardRoute[]
  readonly formatError?: FormatError
  /** What `/metrics` says beside the registry's, in the text format of Prometheus. */
  readonly metricsText?: () => string
  /** What is said of routes that do not exist; unless said, the route is named. */
  readonly notFound?: string
  /** Names beside the loopback ones, `--hostname` and the cluster's domain by which clients may call it; `.suffix` for a domain. */
  readonly extraHosts?: readonly string[]
  /** The cluster's DNS domain; `mesos` unless said. */
  readonly domain?: string
  /** Largest request body, bytes; 1 MiB unless said. Over it: 413. */
  readonly bodyLimit?: number
  /** How long a request's body may take to arrive, ms; 60 s unless said, then 408. Routes with `config: { streamed }` may take for ever. */
  readonly bodyTimeout?: number
  /** How long a TLS handshake and the headers of a request may take to arrive, ms; 30 s unless said, then 408. */
  readonly headersTimeout?: number
  /** Connections at a time; 10,000 unless said. One more is closed at once. */
  readonly maxConnections?: number
  /** Answers that still run at `close` are ended; connections still open after this many ms are cut. 1,500 unless said. */
  readonly closeGrace?: number
  /** Who must prove who they are. Unless everybody must, it listens on loopback addresses only (decision 14). */
  readonly authentication?: Authentication | undefined
  /** Origins of pages elsewhere that may call it (`corsFlags`). */
  readonly allowedOrigins?: readonly string[]
  /** Speaks HTTPS with these, and HTTP without. */
  readonly tls?: TlsFiles | undefined
  /** Applied to each URL before routing: prefixes, suffixes. */
  readonly rewriteUrl?: NonNullable<FastifyServerOptions['rewriteUrl']>
  readonly routerOptions?: NonNullable<FastifyServerOptions['routerOptions']>
}

export interface HttpService {
  readonly app: FastifyInstance
  /** Who may speak to it; for `upgrade` requests, which pass no fastify hook: `refusalAtDoor(http.door, request.headers)`. */
  readonly door: Door
  /** Listens on `flags.ip` and `flags.port`. Answers where: `http://127.0.0.1:5050`. */
  listen(): Promise<string>
  /** Takes no new connection, ends the streams, waits for answers at most `closeGrace`. Idempotent. */
  close(): Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads bodies as they come, all or those of some requests: the time limit does not apply. */
    streamed?: boolean | ((request: FastifyRequest) => boolean)
  }
}

/** Clients hold idle connections and do not retry (Mesos contract 1.6): their number is bounded and not their patience. */
const idleTimeout = 10 * 60_000
const defaultHeadersTimeout = 30_000

/**
 * A fastify server with the house's rules: loopback only unless all must prove who they are (decision 14), bounds on headers, bodies, time and connections,
 * `/health`, `/version`, `/flags`, `/metrics`, and errors in one place. Routes are added to `app` before `listen`.
 * Throws when `flags.ip` is an address that it may not listen on.
 */
export function createHttp(context: HttpContext, options: HttpOptions): HttpService {
  const { flags, log } = context
  checkAddress(flags.ip, options.name, options.authentication)
  checkOrigins(options.allowedOrigins ?? [])
  const door = doorOf(context, options)
  const app: FastifyInstance = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    keepAliveTimeout: idleTimeout,
    ...serverOptions(options.tls, options.headersTimeout ?? defaultHeadersTimeout),
    genReqId: requestIds(),
    // What is logged of a request names it by `request_id`: a logger for each would cost a tenth of its time.
    childLoggerFactory: logger => logger,
    clientErrorHandler: refuseMalformed(options.headersTimeout ?? defaultHeadersTimeout),
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    ...(options.rewriteUrl ? { rewriteUrl: options.rewriteUrl } : {}),
    routerOptions: { maxParamLength: 4096, ...options.routerOptions },
  })
  app.server.maxConnections = options.maxConnections ?? 10_000
  if (options.allowedOrigins?.length) allowOrigins(app, options.allowedOrigins)
  guardDoor(app, door)
  if (options.authentication) guardRealms(app, options.authentication)
  limitBodyTime(app, context.clock, options.bodyTimeout ?? 60_000)
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json(?:;|$)/,
    { parseAs: 'buffer' },
    (_request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void) => {
      try {
        done(null, parseJsonBody(body))
      } catch (error) {
        done(error as Error)
      }
    },
  )
  answerErrors(app, options.formatError ?? errorBody, options.notFound)
  countRequests(app, context.metrics)
  serveStandardRoutes(app, context, options)

  const streams = new Set<Stream>()
  app.decorate(openStreams as unknown as string, streams)
  let closed: Promise<void> | undefined
  const close = async () => {
    for (const stream of [...streams]) stream.end('shutdown')
    const cut = context.clock.after(options.closeGrace ?? 1_500, () => app.server.closeAllConnections())
    await app.close()
    cut.cancel()
  }
  return {
    app,
    door,
    listen: () => listen(app, flags.ip, flags.port, options),
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

function doorOf(context: HttpContext, options: HttpOptions): Door {
  const { hostname } = context.flags
  return {
    anyHost: options.authentication?.isComplete ?? false,
    origins: options.allowedOrigins ?? [],
    hosts: [`.${options.domain ?? 'mesos'}`, ...(hostname ? [hostname] : []), ...(options.extraHosts ?? [])],
  }
}

async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  { name, tls }: Pick<HttpOptions, 'name' | 'tls'>,
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why =
      code === 'EADDRINUSE'
        ? 'the port is taken: stop what uses it or choose another with --port (0 means any free one)'
        : code === 'EACCES'
          ? 'this user may not open it: choose a port over 1023 with --port'
          : String((error as Error).message)
    throw Object.assign(new Error(`${name} can not listen on ${host}:${port}: ${why}`, { cause: error }), { code })
  }
  const address = app.server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return `${tls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`
}

/** A client's own id is kept when it is short and plain, so that one request can be followed through gateway and component. */
function requestIds(): (request: { headers: Record<string, string | string[] | undefined> }) => string {
  const prefix = process.pid.toString(36)
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}

/** Hooks call back instead of promising: three promises a request would cost a tenth of its time. */
function guardDoor(app: FastifyInstance, door: Door): void {
  /** The host that a program, which says nothing of pages, was let in by last: most requests are like the one before. */
  let welcome: string | undefined
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    const { headers } = request
    const isProgram = headers.origin === undefined && headers['sec-fetch-site'] === undefined
    const isKnown = isProgram && headers.host !== undefined && headers.host === welcome
    const refusal = isKnown ? undefined : refusalAtDoor(door, headers)
    if (refusal === undefined && isProgram) welcome = headers.host
    if (refusal !== undefined) done(new HttpError(403, refusal))
    else if (headers['content-length'] !== undefined && headers['transfer-encoding'] !== undefined)
      done(new HttpError(400, 'a request has either Content-Length or Transfer-Encoding, not both'))
    else done()
  })
}

function limitBodyTime(app: FastifyInstance, clock: Clock, limit: number): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (hasBody(request) && !isStreamed(request)) {
      // Looked at when the time is over, and not called off when the body ends: listening for that costs more.
      const timer = clock.after(limit, () => {
        if (reply.sent || request.raw.complete) return
        reply.header('connection', 'close')
        reply.send(new HttpError(408, `the body of the request did not arrive within ${limit / 1000} s`))
      })
      reply.raw.once('close', () => timer.cancel())
    }
    done(null, payload)
  })
}

const hasBody = ({ headers }: FastifyRequest) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

function isStreamed(request: FastifyRequest): boolean {
  const { streamed = false } = request.routeOptions.config
  return typeof streamed === 'boolean' ? streamed : streamed(request)
}

/** The one place where errors become answers. What is not an HttpError or fastify's own is our fault, and is not shown. */
function answerErrors(app: FastifyInstance, format: FormatError, notFound: string | undefined): void {
  app.setErrorHandler((error: FastifyError | HttpError | Error, request, reply) => {
    const answer = toHttpError(error)
    if (answer.status >= 500 && !(error instanceof HttpError))
      request.log.error(
        { err: error, request_id: request.id, method: request.method, path: pathOf(request) },
        'request failed',
      )
    const body = format(answer, request)
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
    if (!reply.hasHeader('content-type'))
      reply.type(typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8')
    return reply.code(answer.status).send(typeof body === 'string' ? body : JSON.stringify(body))
  })
  app.setNotFoundHandler(request => {
    throw new HttpError(404, notFound ?? `there is no ${request.method} ${pathOf(request).slice(0, 200)} here`)
  })
}

const pathOf = (request: FastifyRequest) => request.url.replace(/\?.*$/s, '')

function toHttpError(error: FastifyError | HttpError | Error): HttpError {
  if (error instanceof HttpError) return error
  if ('validation' in error && error.validation)
    return new HttpError(400, error.message, {
      details: error.validation.map(({ instancePath, message, params }) => ({
        path: `${error.validationContext ?? 'body'}${instancePath}`,
        reason: message,
        ...params,
      })),
    })
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status >= 400 && status < 500) return new HttpError(status, error.message, { cause: error })
  return new HttpError(
    500,
    'the request failed because of an error in the server; its log has the reason under this request id',
    {
      cause: error,
    },
  )
}
