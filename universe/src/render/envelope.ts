import { gunzipSync, gzipSync } from 'node:zlib'
import { type Json, JsonProblem, member, parseJson, stringifyJson, textOf } from './json.ts'

/** The largest definition of the Universe is 180 kB; more than this is neither packed nor unpacked: anybody may write a label. */
const maxUnpacked = 1024 * 1024

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

/** JSON as base64 text, the form of most package labels. */
export function encodeJson(value: Json): string {
  return base64(stringifyJson(value))
}

/** Throws `JsonProblem`. */
export function decodeJson(text: string): Json {
  return parseJson(Buffer.from(text, 'base64').toString('utf8'))
}

/** The envelope of contract 6 and 8: what the data is, and the data, zipped. Throws `JsonProblem` for too much of it. */
export function packEnvelope(contentType: string, data: Json): Json {
  const text = stringifyJson(data)
  if (Buffer.byteLength(text) > maxUnpacked) throw new JsonProblem(`it is larger than ${maxUnpacked} bytes`)
  const metadata = { 'Content-Type': contentType, 'Content-Encoding': 'gzip' }
  return { metadata, data: base64(gzipSync(text)) }
}

/** Throws `JsonProblem` for what is no envelope. */
export function unpackEnvelope(envelope: Json): { contentType: string; data: Json } {
  const metadata = member(envelope, 'metadata')
  const contentType = member(metadata, 'Content-Type')
  const data = member(envelope, 'data')
  if (typeof contentType !== 'string' || typeof data !== 'string') {
    throw new JsonProblem('an envelope needs metadata.Content-Type and data')
  }
  const bytes = Buffer.from(data, 'base64')
  const encoding = member(metadata, 'Content-Encoding')
  if (encoding !== undefined && encoding !== 'gzip')
    throw new JsonProblem(`unknown Content-Encoding ${textOf(encoding)}`)
  return { contentType, data: parseJson((encoding === 'gzip' ? unzip(bytes) : bytes).toString('utf8')) }
}

function unzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxUnpacked })
  } catch (error) {
    throw new JsonProblem(`the data can not be unzipped: ${(error as Error).message}`)
  }
}
