import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Readable } from 'node:stream'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { bodyOf } from '../proxy/body.ts'
import type { Forwarder } from '../proxy/forwarder.ts'
import type { Outcome, Target, Unanswered } from '../proxy/target.ts'
import { tunnel } from '../proxy/tunnel.ts'
import type { Balance } from '../services/balance.ts'
import type { Backend } from '../services/service-table.ts'
import { errorAnswer } from './error-page.ts'
import type { Upgrades } from './upgrade.ts'

/** One place that a request can be sent to; of a service, the backend that it is. */
export interface Attempt {
  readonly target: Target
  readonly backend?: Backend
}

export interface SendContext {
  readonly forwarder: Forwarder
  readonly balance: Balance
  readonly upgrades: Upgrades
}

/**
 * Sends a request, or a WebSocket, to the first attempt that answers. What may have been seen is not sent twice, unless it is harmless.
 * Whatever happens, the client gets an answer or the end of its connection.
 */
export async function send(
  context: SendContext,
  request: FastifyRequest,
  reply: FastifyReply,
  attempts: readonly Attempt[],
  mostBody: number,
): Promise<void> {
  const body = bodyOf(request.raw, mostBody)
  reply.hijack()
  let last: { error: Error; origin: string } | undefined
  try {
    for (const attempt of attempts) {
      const outcome = await attemptOne(context, request, reply.raw, body, attempt)
      if (outcome.kind === 'answered') return body === null ? undefined : passOver(request.raw)
      const { error } = outcome
      const { origin } = attempt.target
      last = { error, origin }
      request.log.warn({ err: error.message, upstream: origin, request_id: request.id }, 'upstream did not answer')
      if (!repeatable(request.raw, body, outcome)) break
    }
    refuse(reply.raw, request, last?.error, last?.origin)
  } catch (error) {
    request.log.error({ err: error, request_id: request.id }, 'request could not be passed on')
    refuse(reply.raw, request, error as Error)
  }
}

async function attemptOne(
  { balance, forwarder, upgrades }: SendContext,
  request: FastifyRequest,
  response: ServerResponse,
  body: Readable | null,
  { target, backend }: Attempt,
): Promise<Outcome> {
  const upgrade = upgrades.of(request.raw)
  if (backend) balance.begin(backend)
  try {
    if (upgrade) return await tunnel(request.raw, upgrade, response, target, request.id)
    return await forwarder.forward(request.raw, body, response, target, request.id)
  } finally {
    if (backend) balance.end(backend)
  }
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS'])

function repeatable(request: IncomingMessage, body: Readable | null, { sent }: Unanswered): boolean {
  if (!sent) return body === null || !body.destroyed
  return body === null && harmless.has(request.method ?? '')
}

/** Nothing has been written to the client yet: it gets 502, or 504 when the upstream was silent. After a first byte, the end. */
function refuse(
  response: ServerResponse,
  request: FastifyRequest,
  error: Error | undefined,
  origin = 'the upstream',
): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const [status, text, sentence] = refusal(error, origin)
  const { body, headers } = errorAnswer(sentence, request.headers.accept)
  // The text is given: one that could not be written may have been left by the attempt.
  response.writeHead(status, text, {
    ...headers,
    ...(error instanceof HttpError ? error.headers : {}),
    'content-length': Buffer.byteLength(body),
    'x-request-id': request.id,
  })
  response.end(body)
  passOver(request.raw)
}

/** The rest of a body that nobody reads would hold the connection up. */
function passOver(request: IncomingMessage): void {
  request.unpipe()
  request.resume()
}

function refusal(error: Error | undefined, origin: string): [status: number, text: string, sentence: string] {
  if (error instanceof HttpError) return [error.status, STATUS_CODES[error.status] ?? '', error.message]
  const { code, message } = (error ?? new Error('no backend')) as NodeJS.ErrnoException
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT')
    return [504, 'Gateway Timeout', `504 Gateway Timeout: ${origin} did not answer in time`]
  return [502, 'Bad Gateway', `502 Bad Gateway: ${origin} can not be reached (${code ?? message})`]
}
