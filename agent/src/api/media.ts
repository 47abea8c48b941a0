import { decode, encode, parseJson, stringify } from '@meseta/common/protocol/codec'
import { BadMessage } from '@meseta/common/protocol/errors'
import type { MessageName, MessageTypes } from '@meseta/common/protocol/mesos'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type Media = 'application/json' | 'application/x-protobuf'

const recordio = 'application/recordio'

/** The form of a request's body (agent contract, 1.1). @throws {HttpError} 400, 415 */
export function bodyMedia(request: FastifyRequest): Media {
  const { 'content-type': header, 'message-content-type': inner } = request.headers
  const type = header?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === undefined || type === '') throw new HttpError(400, "Expecting 'Content-Type' to be present")
  if (type === recordio) {
    if (inner === undefined) throw new HttpError(400, "Expecting 'Message-Content-Type' to be set for a RecordIO body")
    throw new HttpError(415, 'A RecordIO body fits ATTACH_CONTAINER_INPUT only, which this agent does not support yet')
  }
  if (inner !== undefined) throw new HttpError(415, "Expecting 'Message-Content-Type' not to be set for this body")
  if (type === 'application/json' || type === 'application/x-protobuf') return type
  throw new HttpError(
    415,
    `Expecting 'Content-Type' of application/json, application/x-protobuf or application/recordio, not '${type.slice(0, 100)}'`,
  )
}

/** The form of the answer: JSON where it is accepted. @throws {HttpError} 406 */
export function answerMedia(request: FastifyRequest): Media {
  const { accept, 'message-accept': inner } = request.headers
  if (inner !== undefined) throw new HttpError(406, "Expecting 'Message-Accept' not to be set for this call")
  const ranges = (accept ?? '*/*').split(',').map(range => {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    return { type: type === '' ? '*/*' : type, isWanted: quality === undefined || Number(quality) > 0 }
  })
  for (const media of ['application/json', 'application/x-protobuf'] as const) {
    const range = [media, 'application/*', '*/*'].map(type => ranges.find(found => found.type === type)).find(Boolean)
    if (range?.isWanted) return media
  }
  throw new HttpError(406, "Expecting 'Accept' to allow application/json or application/x-protobuf")
}

/** @throws {HttpError} 400 naming the field that is wrong */
export function readBody<N extends MessageName>(name: N, media: Media, body: Uint8Array): MessageTypes[N] {
  try {
    return media === 'application/json' ? parseJson(name, body) : decode(name, body)
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error
    throw new HttpError(
      400,
      `Failed to parse body into ${name}: ${error.path === '' ? '' : `'${error.path}' `}${error.reason}`,
    )
  }
}

export function sendMessage<N extends MessageName>(
  reply: FastifyReply,
  name: N,
  media: Media,
  message: MessageTypes[N],
): FastifyReply {
  return reply
    .type(media)
    .send(media === 'application/json' ? stringify(name, message) : Buffer.from(encode(name, message)))
}
