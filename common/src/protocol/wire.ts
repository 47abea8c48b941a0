// Between a message and protobuf's wire format, over protobufjs's reader and writer.
import type { Reader, Writer } from 'protobufjs/minimal.js'
import { emptyMap, type Fields, missing } from './json.ts'
import type { Place } from './place.ts'
import { BYTES, described } from './scalars.ts'
import type { FieldPlan, MessagePlan } from './schema.ts'

/**
 * Under this key a decoded message keeps the raw fields that this version does not know, and `encode` writes them again.
 * It is an enumerable symbol: spreading and Object.assign carry it along, JSON and structuredClone leave it behind.
 */
export const unknownFields = Symbol.for('meseta.unknown-fields')

type Message = Fields & { [unknownFields]?: Uint8Array }

/** A map's entry on the wire: key 1, value 2. */
const KEY_TAG = (1 << 3) | BYTES
const VALUE_NUMBER = 2

/** Appends a message without its length. Throws BadMessage. */
export function writeMessage(plan: MessagePlan, message: unknown, writer: Writer, place: Place): void {
  if (typeof message !== 'object' || message === null)
    throw place.refusal(`must be an object, not ${described(message)}`)
  place.descend()
  let required = 0
  for (const name in message) {
    const value = (message as Fields)[name]
    const field = plan.byName.get(name)
    if (field === undefined || value === undefined || value === null) continue
    place.enter(name)
    if (field.rule === 'repeated') writeList(field, value, writer, place)
    else if (field.rule === 'map') writeMap(field, value as Fields, writer, place)
    else writeValue(field, field.number, value, writer, place)
    place.leave()
    if (field.rule === 'required') required += 1
  }
  if (required < plan.required.length) throw missing(plan, message as Fields, place)
  const unknown = (message as Message)[unknownFields]
  if (unknown !== undefined) writer.raw(unknown)
  place.ascend()
}

function writeValue(field: FieldPlan, number: number, value: unknown, writer: Writer, place: Place): void {
  if (field.message !== undefined) {
    writer.uint32(((number << 3) | BYTES) >>> 0).fork()
    writeMessage(field.message, value, writer, place)
    writer.ldelim()
  } else if (field.scalar !== undefined) {
    writer.uint32(((number << 3) | field.scalar.wireType) >>> 0)
    field.scalar.write(writer, value, place)
  }
}

function writeList(field: FieldPlan, list: unknown, writer: Writer, place: Place): void {
  if (!Array.isArray(list)) throw place.refusal(`must be an array, not ${described(list)}`)
  for (let index = 0; index < list.length; index += 1) {
    place.enter(index)
    writeValue(field, field.number, list[index], writer, place)
    place.leave()
  }
}

function writeMap(field: FieldPlan, map: Fields, writer: Writer, place: Place): void {
  for (const [key, value] of Object.entries(map)) {
    place.enter(key)
    writer.uint32(((field.number << 3) | BYTES) >>> 0).fork()
    writer.uint32(KEY_TAG).string(key)
    writeValue(field, VALUE_NUMBER, value, writer, place)
    writer.ldelim()
    place.leave()
  }
}

/** Reads a message that ends at `end`. Throws BadMessage, or the reader's own errors on malformed bytes. */
export function readMessage(plan: MessagePlan, reader: Reader, end: number, place: Place, into?: Fields): Fields {
  place.descend()
  const message: Message = into ?? {}
  let unknown: Uint8Array[] | undefined
  while (reader.pos < end) {
    const start = reader.pos
    const tag = reader.tag()
    const field = plan.byNumber[tag >>> 3]
    if (field === undefined || !readField(field, tag & 7, message, reader, end, place)) {
      reader.pos = start
      reader.tag()
      reader.skipType(tag & 7, undefined, tag >>> 3)
      unknown ??= []
      unknown.push(reader.buf.slice(start, reader.pos))
    }
    if (reader.pos > end) throw place.refusal('runs over its end')
  }
  if (unknown !== undefined) keepUnknown(message, unknown)
  for (const name of plan.required) if (message[name] === undefined) throw missing(plan, message, place)
  place.ascend()
  return message
}

function keepUnknown(message: Message, parts: Uint8Array[]): void {
  const before = message[unknownFields]
  message[unknownFields] = Buffer.concat(before === undefined ? parts : [before, ...parts])
}

/** false: not a value of this field that this version knows; it stays as raw bytes. */
function readField(
  field: FieldPlan,
  wireType: number,
  message: Message,
  reader: Reader,
  end: number,
  place: Place,
): boolean {
  const expected = field.scalar?.wireType ?? BYTES
  const packed = wireType === BYTES && expected !== BYTES && field.rule === 'repeated'
  if (wireType !== expected && !packed && field.rule !== 'map') return false
  if (field.rule === 'map' && wireType !== BYTES) return false
  place.enter(field.name)
  let known = true
  if (field.rule === 'map') readEntry(field, message, reader, end, place)
  else if (packed) readPacked(field, message, reader, end, place)
  else if (field.rule === 'repeated') {
    const value = readValue(field, reader, end, place)
    if (value === undefined) known = false
    else listOf(message, field.name).push(value)
  } else {
    // A message given in two parts is the sum of them. Scalars are not looked up before they are set: that is slow.
    const before = field.message === undefined ? undefined : (message[field.name] as Fields | undefined)
    const value = readValue(field, reader, end, place, before)
    if (value === undefined) {
      if (field.rule === 'required') throw place.refusal('is not a known value')
      known = false
    } else {
      for (const rival of field.rivals) delete message[rival]
      message[field.name] = value
    }
  }
  place.leave()
  return known
}

function listOf(message: Message, name: string): unknown[] {
  const list = message[name] as unknown[] | undefined
  if (list !== undefined) return list
  const created: unknown[] = []
  message[name] = created
  return created
}

function readValue(field: FieldPlan, reader: Reader, end: number, place: Place, before?: Fields): unknown {
  if (field.message !== undefined)
    return readMessage(field.message, reader, readLength(reader, end, place), place, before)
  return field.scalar?.read(reader)
}

/** Where the length-delimited value at the reader ends. */
function readLength(reader: Reader, end: number, place: Place): number {
  const length = reader.size()
  const ends = reader.pos + length
  if (ends > end) throw place.refusal('runs over its end')
  return ends
}

function readPacked(field: FieldPlan, message: Message, reader: Reader, end: number, place: Place): void {
  const ends = readLength(reader, end, place)
  const list = listOf(message, field.name)
  while (reader.pos < ends) {
    const value = field.scalar?.read(reader)
    if (value !== undefined) list.push(value)
  }
  if (reader.pos !== ends) throw place.refusal('runs over its end')
  if (list.length === 0) delete message[field.name]
}

function readEntry(field: FieldPlan, message: Message, reader: Reader, end: number, place: Place): void {
  const ends = readLength(reader, end, place)
  let key = ''
  let value: unknown
  while (reader.pos < ends) {
    const tag = reader.tag()
    if (tag === KEY_TAG) key = reader.string()
    else if (tag === ((VALUE_NUMBER << 3) | (field.scalar?.wireType ?? BYTES)))
      value = readValue(field, reader, ends, place)
    else reader.skipType(tag & 7, undefined, tag >>> 3)
  }
  if (reader.pos !== ends) throw place.refusal('runs over its end')
  if (value === undefined) throw place.refusal('has an entry without a value')
  message[field.name] ??= emptyMap()
  ;(message[field.name] as Fields)[key] = value
}
