import { decode, encode, parseJson, stringify } from '@meseta/common/protocol/codec'
import type { MessageName, MessageTypes } from '@meseta/common/protocol/mesos'
import { encodeRecord } from '@meseta/common/protocol/recordio'
import { type ApiAnswer, type ApiRequest, headerOf, refusal } from './transport.ts'

/** The two forms of a v1 message on the wire. */
export type Media = 'application/json' | 'application/x-protobuf'

/** The form of the request's body, or the refusal: 400 without Content-Type, 415 for another one (Mesos contract 1.3). */
export function contentType(request: ApiRequest): Media | ApiAnswer {
  const header = headerOf(request, 'content-type')
  if (header === undefined || header.trim() === '') return refusal(400, "Expecting 'Content-Type' to be present")
  const type = header.split(';', 1)[0]!.trim().toLowerCase()
  if (type === 'application/json' || type === 'application/x-protobuf') return type
  return refusal(
    415,
    `Expecting 'Content-Type' of application/json or application/x-protobuf, not ${JSON.stringify(type.slice(0, 100))}`,
  )
}

/** The form that the client accepts, JSON where both are; undefined when neither is. */
export function acceptedMedia(request: ApiRequest): Media | undefined {
  const header = request.headers.accept
  const ranges = (Array.isArray(header) ? header.join(',') : (header ?? '*/*')).split(',').map(parseRange)
  for (const media of ['application/json', 'application/x-protobuf'] as const) {
    if (isAccepted(media, ranges)) return media
  }
  return undefined
}

export const notAcceptable: ApiAnswer = refusal(
  406,
  "Expecting 'Accept' to allow application/json or application/x-protobuf",
)

interface Range {
  readonly type: string
  readonly quality: number
}

function parseRange(text: string): Range {
  const [type, ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
  return { type: type!, quality: quality === undefined ? 1 : Number(quality) }
}

/** The most specific range decides. */
function isAccepted(media: Media, ranges: readonly Range[]): boolean {
  for (const type of [media, 'application/*', '*/*']) {
    const range = ranges.find(candidate => candidate.type === type || (type === '*/*' && candidate.type === ''))
    if (range) return range.quality > 0
  }
  return false
}

/** @throws BadMessage */
export function readMessage<N extends MessageName>(name: N, media: Media, body: Uint8Array): MessageTypes[N] {
  return media === 'application/json' ? parseJson(name, body) : decode(name, body)
}

export function writeMessage<N extends MessageName>(name: N, media: Media, message: MessageTypes[N]): Uint8Array {
  return media === 'application/json' ? Buffer.from(stringify(name, message)) : encode(name, message)
}

/** One record of a stream; JSON ones in ASCII (Mesos contract 1.6). */
export function writeRecord<N extends MessageName>(name: N, media: Media, message: MessageTypes[N]): Uint8Array {
  return encodeRecord(media === 'application/json' ? stringify(name, message, { ascii: true }) : encode(name, message))
}
