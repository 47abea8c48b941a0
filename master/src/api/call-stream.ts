import { BadMessage } from '@meseta/common/protocol/errors'
import type { SchedulerCall } from '@meseta/common/protocol/mesos'
import { encodeRecord, RecordDecoder } from '@meseta/common/protocol/recordio'
import { checkCall } from './check-call.ts'
import { type Media, readMessage } from './media.ts'
import { type ApiAnswer, type ApiReply, type ApiRequest, type ApiSource, headerOf, refusal } from './transport.ts'

/** One call on a stream is at most this long, as a classic one is. */
const maxRecordBytes = 16 * 1024 * 1024

/** A call of a stream that was read, and where its refusal goes. */
export interface StreamedCall {
  readonly call: SchedulerCall
  readonly answered: (status: number, message: string | undefined) => void
}

/** Whether a request is a stream of calls. */
export const isCallStream = (request: ApiRequest): boolean =>
  /^application\/recordio(?:;|$)/i.test(headerOf(request, 'content-type')?.trim() ?? '')

/** The form of the calls in it, or the refusal. */
export function messageType(request: ApiRequest): Media | ApiAnswer {
  const type = headerOf(request, 'message-content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === undefined) return refusal(400, "Expecting 'Message-Content-Type' with a RecordIO body")
  if (type === 'application/json' || type === 'application/x-protobuf') return type
  return refusal(415, "Expecting 'Message-Content-Type' of application/json or application/x-protobuf")
}

/**
 * Reads calls as they come. The answer is a stream too, of a JSON record `{"call","status","message"}` for each call that is
 * refused, where calls count from 1; it ends after the last call, or at a record that is none.
 */
export function readCalls(
  source: ApiSource,
  media: Media,
  reply: ApiReply,
  perform: (calls: readonly StreamedCall[]) => void,
): void {
  const stream = reply.stream({ 'content-type': 'application/recordio', 'message-content-type': 'application/json' })
  const decoder = new RecordDecoder({ maxRecordBytes })
  let count = 0
  let over = false
  const refuse = (call: number, status: number, message: string) => {
    stream.write(encodeRecord(JSON.stringify({ call, status, message })))
  }
  const end = () => {
    if (over) return
    over = true
    source.stop()
    stream.end()
  }
  const read = (record: Uint8Array): StreamedCall | undefined => {
    const number = ++count
    try {
      const call = readMessage('mesos.v1.scheduler.Call', media, record)
      const problem =
        call.type === 'SUBSCRIBE' ? 'type: SUBSCRIBE opens a stream of its own; send it alone' : checkCall(call)
      if (problem === undefined)
        return { call, answered: (status, message) => message !== undefined && refuse(number, status, message) }
      refuse(number, 400, problem)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      refuse(number, 400, error.message)
    }
    return undefined
  }
  stream.onClose(end)
  source.onData(chunk => {
    if (over) return
    try {
      const calls = decoder.push(chunk).flatMap(record => read(record) ?? [])
      if (calls.length > 0) perform(calls)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      refuse(count + 1, 400, error.message)
      end()
    }
  })
  source.onEnd(end)
}
