import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { HttpError } from '@meseta/common/service/errors'
import type { FlagDefinitions } from '@meseta/common/service/flags'
import type { Health } from '@meseta/common/service/health'
import { createHttp, type HttpContext, type HttpService } from '@meseta/common/service/http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../core/errors.ts'
import type { LeaderProxy } from '../shell/follower.ts'
import type { Leader } from '../shell/leader.ts'
import { addAppRoutes } from './apps.ts'
import { addGroupRoutes } from './groups.ts'
import { addPodRoutes } from './pods.ts'
import { addSystemRoutes, type SystemContext } from './system.ts'
import { addTaskRoutes } from './tasks.ts'

export interface ApiOptions {
  readonly context: HttpContext
  readonly health: Health
  readonly flagDefinitions: FlagDefinitions
  readonly system: SystemContext
  readonly proxy: LeaderProxy
  readonly maxConcurrent: number
  readonly allowOrigins: readonly string[]
  /** The leading Marathon, when it is this process. */
  leading(): Leader | undefined
  /** `host:port` of another process that leads. */
  leaderElsewhere(): string | undefined
}

/** Group bodies carry many apps; none is larger than this. */
const bodyLimit = 16 * 1024 * 1024
/** A leader is waited for so long, so often (contract 1.2). */
const leaderTries = 10
const leaderWait = 250
/** Answers smaller than this are not worth compressing. */
const gzipFrom = 1_024

/** What each process answers for itself, whether it leads or not. */
const own = /^\/(health|version|flags|metrics|ping|meseta)(\/|\?|$)/

/** Marathon's HTTP server: the routes of contract 2, their headers and errors. */
export function createApi(options: ApiOptions): HttpService {
  const http = createHttp(options.context, {
    name: 'marathon',
    health: options.health,
    flagDefinitions: options.flagDefinitions,
    own: ['metrics'],
    bodyLimit,
    formatError,
    notFound: 'URI not found',
    routerOptions: { ignoreTrailingSlash: true },
  })
  const { app } = http
  limitRequests(app, options.maxConcurrent)
  addHeaders(app, options)
  sendToLeader(app, options)
  compress(app)
  const leader = (): Leader => {
    const found = options.leading()
    if (found === undefined) throw new Refusal(503, 'this Marathon does not lead')
    return found
  }
  addAppRoutes(app, leader)
  addTaskRoutes(app, leader)
  addGroupRoutes(app, leader)
  addPodRoutes(app, leader)
  addSystemRoutes(app, { ...options.system, leader })
  return http
}

const notJson = 'the body is not valid JSON: '

/** The shell's own errors in the shape of contract 1.4. */
function formatError(error: HttpError): unknown {
  if (error instanceof Refusal) return error.body()
  if (error.status === 400 && error.message.startsWith(notJson))
    return { message: 'Invalid JSON', details: [error.message.slice(notJson.length)] }
  return { message: error.message, ...(error.details !== undefined && { details: error.details }) }
}

function limitRequests(app: FastifyInstance, most: number): void {
  let running = 0
  app.addHook('onRequest', async (request, reply) => {
    const streams = /^\/(v2\/events|meseta)/.test(request.url)
    if (streams) return
    if (running >= most)
      throw new HttpError(503, `${most} requests are being answered already (--http_max_concurrent_requests)`)
    running += 1
    reply.raw.once('close', () => {
      running -= 1
    })
  })
}

function addHeaders(app: FastifyInstance, options: ApiOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-cache, no-store, must-revalidate')
    reply.header('Pragma', 'no-cache')
    reply.header('Expires', '0')
    const address = options.system.leaderAddress()
    if (options.leading() !== undefined && address !== undefined) {
      reply.header('X-Marathon-Leader', `http://${address}`)
      reply.header('X-Frame-Options', 'DENY')
      reply.header('X-XSS-Protection', '1; mode=block')
    }
    const { origin } = request.headers
    if (origin === undefined || options.allowOrigins.length === 0) return
    if (!options.allowOrigins.includes(origin) && !options.allowOrigins.includes('*')) return
    reply.header('Access-Control-Allow-Origin', origin)
    reply.header('Access-Control-Allow-Methods', 'GET, HEAD, OPTIONS')
    reply.header('Access-Control-Max-Age', '86400')
  })
}

/** Whoever does not lead asks the leader (contract 1.2), before a byte of the body is read. */
function sendToLeader(app: FastifyInstance, options: ApiOptions): void {
  const { proxy, context } = options
  const pause = (): Promise<void> => new Promise(resolve => void context.clock.after(leaderWait, resolve))
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (own.test(request.url) && !request.url.startsWith('/meseta')) return
    for (let tries = 0; options.leading() === undefined; tries += 1) {
      if (proxy.isLoop(request))
        throw new HttpError(502, 'the request has been here already: the processes do not agree on who leads')
      const leader = options.leaderElsewhere()
      if (leader !== undefined) {
        if (/^\/(v2\/events|meseta)/.test(request.url)) return reply.redirect(`http://${leader}${request.url}`, 302)
        return proxy.forward(request, reply, leader)
      }
      if (tries >= leaderTries)
        throw new HttpError(502, `no Marathon leads: none was found within ${(leaderTries * leaderWait) / 1000} s`)
      await pause()
    }
    return undefined
  })
}

const zip = promisify(gzip)

function compress(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || payload.length < gzipFrom || reply.hasHeader('content-encoding')) return payload
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return payload
    reply.header('Content-Encoding', 'gzip').header('Vary', 'Accept-Encoding').removeHeader('content-length')
    return zip(payload)
  })
}
