import { HttpError } from '@meseta/common/service/errors'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { CatalogError, type ProblemData } from '../problems.ts'
import { dropNulls, type Json, stringifyJson } from '../render/json.ts'
import { BadRequest, errorType } from './endpoint.ts'

interface ErrorBody {
  readonly type: string
  readonly message: string
  readonly data?: unknown
}

/** The one place where errors of the API become answers (catalog contract 4, "Error body"). */
export function answerError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [status, body] = describe(error)
  if (status === 500 && body.type === 'unhandled_exception') {
    request.log.error({ err: error, request_id: request.id, path: request.url.split('?')[0] }, 'request failed')
  }
  if (error instanceof CatalogError && error.type === 'Unauthorized') {
    const realm = (error.data as ProblemData['Unauthorized']).realm
    reply.header('www-authenticate', realm ?? 'oauthjwt')
  }
  return reply
    .code(status)
    .header('content-type', errorType)
    .send(stringifyJson(dropNulls(body as unknown as Json)))
}

function describe(error: FastifyError | Error): [number, ErrorBody] {
  if (error instanceof CatalogError) {
    const hasData = Object.keys(error.data).length > 0
    return [error.status, { type: error.type, message: error.message, ...(hasData ? { data: error.data } : {}) }]
  }
  if (error instanceof BadRequest) return [400, badRequest(error)]
  if (error instanceof HttpError) return [error.status, { type: 'not_valid', message: error.message }]
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status >= 400 && status < 500) return [status, { type: 'not_valid', message: error.message }]
  const message = 'The request failed because of an error in the package manager; its log has the reason'
  return [500, { type: 'unhandled_exception', message }]
}

function badRequest({ problems }: BadRequest): ErrorBody {
  const [first] = problems
  if (problems.length === 1) return first!
  return { type: 'multiple_errors', message: 'Multiple errors while processing request', data: { errors: problems } }
}
