import { decode, encode, parseJson, stringify } from '@meseta/common/protocol/codec'
import type { SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'

export type CodecName = 'json' | 'protobuf'

/** Calls and events as bytes. */
export interface Wire {
  readonly contentType: string
  encodeCall(call: SchedulerCall): Uint8Array
  decodeEvent(bytes: Uint8Array): SchedulerEvent
}

const callName = 'mesos.v1.scheduler.Call'
const eventName = 'mesos.v1.scheduler.Event'

export const wires: Readonly<Record<CodecName, Wire>> = {
  json: {
    contentType: 'application/json',
    encodeCall: call => Buffer.from(stringify(callName, call)),
    decodeEvent: bytes => parseJson(eventName, bytes),
  },
  protobuf: {
    contentType: 'application/x-protobuf',
    encodeCall: call => encode(callName, call),
    decodeEvent: bytes => decode(eventName, bytes),
  },
}
