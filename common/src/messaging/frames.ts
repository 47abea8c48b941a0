import { BadMessage, decode, encode } from '../protocol/codec.ts'
import type { Frame, MessageName, MessageTypes } from '../protocol/mesos.ts'

/** A frame of the agent link, its payload as bytes. */
export type LinkFrame = Omit<Frame, 'payload'> & { readonly payload?: Uint8Array }

/** A message that was read, or what is wrong with its bytes. */
export type Read<Message> = { readonly message: Message } | { readonly flaw: string }

/** The frame in protobuf (`meseta.v1.Frame`). */
export function encodeFrame({ payload, ...head }: LinkFrame): Uint8Array {
  if (payload === undefined) return encode('meseta.v1.Frame', head)
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64')
  return encode('meseta.v1.Frame', { ...head, payload: text })
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

/** The frame in these bytes. */
export function tryDecodeFrame(bytes: Uint8Array): Read<LinkFrame> {
  const read = tryDecode('meseta.v1.Frame', bytes)
  if ('flaw' in read) return read
  const { payload, ...head } = read.message
  return { message: payload === undefined ? head : { ...head, payload: Buffer.from(payload, 'base64') } }
}
