// How one value that is not a message crosses: from and to JSON, and from and to the protobuf wire.
import type { Reader, Writer } from 'protobufjs/minimal.js'
import type { Place } from './place.ts'

export type Scalar = string | number | boolean

/** Protobuf's wire types. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

export interface ScalarCodec {
  readonly wireType: typeof VARINT | typeof FIXED64 | typeof BYTES | typeof FIXED32
  /** undefined: an enum name that this version does not know. Throws BadMessage. */
  fromJson(value: unknown, place: Place): Scalar | undefined
  toJson(value: Scalar): Scalar
  /** Throws BadMessage when the value is not of this type. */
  write(writer: Writer, value: unknown, place: Place): void
  /** undefined: an enum number that this version does not know. */
  read(reader: Reader): Scalar | undefined
}

/** What stands there, for a refusal. */
export function described(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : JSON.stringify(value)
  return String(value)
}

const same = (value: Scalar): Scalar => value

const decimal = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const MAX_NUMBER_LENGTH = 400

function numberFrom(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && value.length <= MAX_NUMBER_LENGTH && decimal.test(value)) return Number(value)
  return undefined
}

interface IntegerKind {
  name: string
  min: number
  max: number
  wireType: typeof VARINT | typeof FIXED64 | typeof FIXED32
  write: (writer: Writer, value: number) => void
  read: (reader: Reader) => number
}

function integer({ name, min, max, wireType, write, read }: IntegerKind): ScalarCodec {
  function check(value: number | undefined, given: unknown, place: Place): number {
    if (value === undefined || !Number.isInteger(value))
      throw place.refusal(`must be a whole number, not ${described(given)}`)
    if (value < min || value > max) throw place.refusal(`${described(given)} is out of the range of ${name}`)
    return value + 0
  }
  return {
    wireType,
    fromJson: (value, place) => check(numberFrom(value), value, place),
    toJson: same,
    write: (writer, value, place) => write(writer, check(typeof value === 'number' ? value : undefined, value, place)),
    read,
  }
}

const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64
const MAX_INT64 = { low: -1, high: 0x7fffffff, unsigned: false }
const MAX_UINT64 = { low: -1, high: -1, unsigned: true }
// The largest 64-bit integers are no JavaScript numbers: they read as 2^63 and 2^64, and are written as the largest again.
const signed = (value: number) => (value >= TWO_63 ? MAX_INT64 : value)
const unsigned = (value: number) => (value >= TWO_64 ? MAX_UINT64 : value)
interface Long {
  low: number
  high: number
  unsigned: boolean
}
/** Readers give a Long where the package `long` is installed, a number where it is not. */
function wide(value: number | Long): number {
  if (typeof value === 'number') return value
  return (value.unsigned ? value.high >>> 0 : value.high) * 2 ** 32 + (value.low >>> 0)
}

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 }
const uint32 = { min: 0, max: 2 ** 32 - 1 }
const int64 = { min: -TWO_63, max: TWO_63 }
const uint64 = { min: 0, max: TWO_64 }

function floating(wireType: typeof FIXED64 | typeof FIXED32): ScalarCodec {
  const isDouble = wireType === FIXED64
  return {
    wireType,
    fromJson(value, place) {
      const number = numberFrom(value)
      if (number !== undefined) return isDouble ? number : Math.fround(number)
      if (value === 'Infinity') return Number.POSITIVE_INFINITY
      if (value === '-Infinity') return Number.NEGATIVE_INFINITY
      if (value === 'NaN') return Number.NaN
      throw place.refusal(`must be a number, not ${described(value)}`)
    },
    toJson: value => (Number.isFinite(value) ? value : String(value)),
    write(writer, value, place) {
      if (typeof value !== 'number') throw place.refusal(`must be a number, not ${described(value)}`)
      if (isDouble) writer.double(value)
      else writer.float(value)
    },
    read: isDouble ? reader => reader.double() : reader => reader.float(),
  }
}

function text(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw place.refusal(`must be text, not ${described(value)}`)
  if (!value.isWellFormed()) throw place.refusal('holds half of a surrogate pair, which no encoding can carry')
  return value
}

const SHORT = 12

/** Names and roles are short: built from their bytes they cost half of a call into the runtime. */
function readText(reader: Reader): string {
  const start = reader.pos
  const length = reader.buf[start]
  if (length === undefined || length > SHORT || start + length >= reader.len) return reader.string()
  let result = ''
  for (let at = start + 1; at <= start + length; at += 1) {
    const byte = reader.buf[at] as number
    if (byte > 0x7f) return reader.string()
    result += String.fromCharCode(byte)
  }
  reader.pos = start + 1 + length
  return result
}

function base64(value: unknown, place: Place): Buffer {
  if (typeof value !== 'string') throw place.refusal(`must be base64 text, not ${described(value)}`)
  const data = Buffer.from(value, 'base64')
  if (data.toString('base64') !== value) throw place.refusal('is not padded standard base64')
  return data
}

function bool(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  if (value === 'false') return false
  throw place.refusal(`must be true or false, not ${described(value)}`)
}

/** By the descriptor's name of the type. */
export const scalars: Readonly<Record<string, ScalarCodec>> = {
  string: {
    wireType: BYTES,
    fromJson: text,
    toJson: same,
    write: (writer, value, place) => writer.string(text(value, place)),
    read: readText,
  },
  bytes: {
    wireType: BYTES,
    fromJson(value, place) {
      base64(value, place)
      return value as string
    },
    toJson: same,
    write: (writer, value, place) => writer.bytes(base64(value, place)),
    read(reader) {
      const { buffer, byteOffset, byteLength } = reader.bytes()
      return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
    },
  },
  bool: {
    wireType: VARINT,
    fromJson: bool,
    toJson: same,
    write(writer, value, place) {
      if (typeof value !== 'boolean') throw place.refusal(`must be true or false, not ${described(value)}`)
      writer.bool(value)
    },
    read: reader => reader.bool(),
  },
  double: floating(FIXED64),
  float: floating(FIXED32),
  int32: integer({
    name: 'int32',
    ...int32,
    wireType: VARINT,
    write: (writer, value) => writer.int32(value),
    read: reader => reader.int32(),
  }),
  uint32: integer({
    name: 'uint32',
    ...uint32,
    wireType: VARINT,
    write: (writer, value) => writer.uint32(value),
    read: reader => reader.uint32(),
  }),
  int64: integer({
    name: 'int64',
    ...int64,
    wireType: VARINT,
    write: (writer, value) => writer.int64(signed(value)),
    read: reader => wide(reader.int64()),
  }),
  uint64: integer({
    name: 'uint64',
    ...uint64,
    wireType: VARINT,
    write: (writer, value) => writer.uint64(unsigned(value)),
    read: reader => wide(reader.uint64()),
  }),
}

/** @param numbers every name of the enum and its number; of names that share a number the first is the one read. */
export function enumCodec(numbers: ReadonlyMap<string, number>): ScalarCodec {
  const names = new Map<number, string>()
  for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name)
  return {
    wireType: VARINT,
    fromJson(value, place) {
      if (typeof value !== 'string') throw place.refusal(`must be the name of an enum value, not ${described(value)}`)
      return numbers.has(value) ? value : undefined
    },
    toJson: same,
    write(writer, value, place) {
      const number = typeof value === 'string' ? numbers.get(value) : undefined
      if (number === undefined)
        throw place.refusal(`${described(value)} is not one of ${[...numbers.keys()].join(', ')}`)
      writer.int32(number)
    },
    read: reader => names.get(reader.int32()),
  }
}
