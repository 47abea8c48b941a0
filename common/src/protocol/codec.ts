// The messages on their wires: JSON and protobuf (Mesos contract 1.4). In memory a message is its JSON shape; defaults are
// not filled in there, and what `fromJson`, `parseJson` and `decode` give has been checked.
import { Reader, Writer } from 'protobufjs/minimal.js'
import { BadMessage } from './errors.ts'
import { type Fields, messageFromJson, messageToJson } from './json.ts'
import type { MessageName, MessageTypes } from './mesos.ts'
import { Place } from './place.ts'
import { planOf } from './schema.ts'
import { readMessage, writeMessage } from './wire.ts'

export { BadMessage } from './errors.ts'
export { unknownFields } from './wire.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The message in a parsed JSON value. null is unset, unknown fields are ignored, numbers and booleans may be text, one
 * value stands for a list of one, an unknown enum name in an optional field is unset.
 * @throws BadMessage naming the field
 */
export function fromJson<N extends MessageName>(name: N, value: unknown): MessageTypes[N] {
  return messageFromJson(planOf(name), value, new Place()) as unknown as MessageTypes[N]
}

/** @throws BadMessage also when the text is no JSON, or the bytes are no UTF-8 */
export function parseJson<N extends MessageName>(name: N, source: string | Uint8Array): MessageTypes[N] {
  let value: unknown
  try {
    value = JSON.parse(typeof source === 'string' ? source : utf8.decode(source))
  } catch (error) {
    throw new BadMessage('', `is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return fromJson(name, value)
}

/** The message as it is written to JSON: unset fields left out, but declared defaults filled in (not deprecated ones). */
export function toJson<N extends MessageName>(name: N, message: MessageTypes[N]): MessageTypes[N] {
  return messageToJson(planOf(name), message as unknown as Fields) as unknown as MessageTypes[N]
}

export interface StringifyOptions {
  /** Non-ASCII characters as `\uXXXX`: for records of streams (Mesos contract 1.6). */
  ascii?: boolean
}

/** Compact JSON text, without a newline in it. */
export function stringify<N extends MessageName>(
  name: N,
  message: MessageTypes[N],
  { ascii = false }: StringifyOptions = {},
): string {
  const text = JSON.stringify(toJson(name, message))
  return ascii ? toAscii(text) : text
}

const nonAscii = /[\u0080-\uffff]/g

/** JSON text with every non-ASCII character as `\uXXXX`. */
export function toAscii(json: string): string {
  return json.replace(nonAscii, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** @throws BadMessage when something required is missing or a value has not its type */
export function encode<N extends MessageName>(name: N, message: MessageTypes[N]): Uint8Array {
  const writer = Writer.create()
  writeMessage(planOf(name), message, writer, new Place())
  return writer.finish()
}

/**
 * The message in protobuf bytes. Fields that this version does not know are kept (see `unknownFields`).
 * @throws BadMessage when the bytes are malformed, something required is missing, or nesting is too deep
 */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): MessageTypes[N] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const place = new Place()
  try {
    return readMessage(planOf(name), Reader.create(buffer), buffer.byteLength, place) as unknown as MessageTypes[N]
  } catch (error) {
    if (error instanceof BadMessage) throw error
    throw place.refusal(`is malformed protobuf: ${error instanceof Error ? error.message : String(error)}`)
  }
}
