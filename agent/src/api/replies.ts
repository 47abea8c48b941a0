import { HttpError } from '@meseta/common/service/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The query as text by name; of several values of one name the last. */
export function asQuery(request: FastifyRequest): Record<string, string | undefined> {
  const query: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>))
    query[name] = Array.isArray(value) ? value.at(-1) : value
  return query
}

/** Answers JSON, or with `?jsonp=f` a call of `f` with it. */
export function sendJson(request: FastifyRequest, reply: FastifyReply, value: unknown): FastifyReply {
  const { jsonp } = asQuery(request)
  if (jsonp === undefined || jsonp === '') return reply.type('application/json').send(JSON.stringify(value))
  if (!/^[\w$.[\]]{1,100}$/.test(jsonp)) throw new HttpError(400, 'jsonp must be the name of a function')
  return reply
    .type('text/javascript')
    .header('x-content-type-options', 'nosniff')
    .send(`${jsonp}(${JSON.stringify(value)});`)
}
