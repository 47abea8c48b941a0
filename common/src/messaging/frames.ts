import { Reader, Writer } from 'protobufjs/minimal.js'
import { BadMessage, decode } from '../protocol/codec.ts'
import type { Frame, FrameKind, MessageName, MessageTypes } from '../protocol/mesos.ts'
import { Place } from '../protocol/place.ts'
import { planOf } from '../protocol/schema.ts'

/** A frame of the agent link, its payloads as bytes: whole messages, of which the first has the number `seq`, or one chunk. */
export type LinkFrame = Omit<Frame, 'payload'> & { readonly payload?: readonly Uint8Array[] }

/** A message that was read, or what is wrong with its bytes. */
export type Read<Message> = { readonly message: Message } | { readonly flaw: string }

// Several a message, a frame is most of what the link costs: it is written and read here without the way over base64 that the
// codec takes. Its numbers are the descriptor's.
const { byName } = planOf('meseta.v1.Frame')
const numberOf = (name: keyof Frame): number => byName.get(name)!.number
const tagOf = (name: keyof Frame, wireType: number): number => (numberOf(name) << 3) | wireType
const whole = ['epoch', 'session', 'seq', 'ack', 'chunk', 'chunks', 'version'] as const
const texts = ['reason', 'agent_id'] as const
const varint = 0
const bytes = 2
const kinds = byName.get('kind')!.scalar!
const numbers = new Map<number, (typeof whole)[number]>(whole.map(name => [tagOf(name, varint), name]))
const strings = new Map<number, (typeof texts)[number]>(texts.map(name => [tagOf(name, bytes), name]))
const kindTag = tagOf('kind', varint)
const payloadTag = tagOf('payload', bytes)

/** The frame in protobuf (`meseta.v1.Frame`). */
export function encodeFrame(frame: LinkFrame): Uint8Array {
  const writer = Writer.create()
  for (const [tag, name] of numbers) {
    const value = frame[name]
    if (value !== undefined) writer.uint32(tag).uint64(value)
  }
  writer.uint32(kindTag)
  kinds.write(writer, frame.kind, new Place())
  for (const [tag, name] of strings) {
    const value = frame[name]
    if (value !== undefined) writer.uint32(tag).string(value)
  }
  for (const payload of frame.payload ?? []) writer.uint32(payloadTag).bytes(payload)
  return writer.finish()
}

/** As `decode` of the codec, with what is wrong as a value: what peers send is no reason to throw. */
export function tryDecode<N extends MessageName>(name: N, bytes: Uint8Array): Read<MessageTypes[N]> {
  try {
    return { message: decode(name, bytes) }
  } catch (error) {
    if (error instanceof BadMessage) return { flaw: error.message }
    throw error
  }
}

/** The frame in these bytes. Its payloads lie in them. */
export function tryDecodeFrame(from: Uint8Array): Read<LinkFrame> {
  try {
    return readFrame(Reader.create(Buffer.from(from.buffer, from.byteOffset, from.byteLength)))
  } catch (error) {
    return { flaw: `is malformed protobuf: ${(error as Error).message}` }
  }
}

function readFrame(reader: Reader): Read<LinkFrame> {
  const frame: { -readonly [Name in keyof LinkFrame]?: LinkFrame[Name] } = {}
  const payload: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const number = numbers.get(tag)
    if (tag === payloadTag) payload.push(reader.bytes())
    else if (number !== undefined) frame[number] = Number(reader.uint64())
    else if (tag === kindTag) frame.kind = (kinds.read(reader) as FrameKind | undefined) ?? 'UNKNOWN'
    else {
      const text = strings.get(tag)
      if (text === undefined) reader.skipType(tag & 7)
      else frame[text] = reader.string()
    }
  }
  if (frame.epoch === undefined || frame.session === undefined || frame.kind === undefined)
    return { flaw: 'epoch, session and kind are required' }
  if (payload.length > 0) frame.payload = payload
  return { message: frame as LinkFrame }
}
