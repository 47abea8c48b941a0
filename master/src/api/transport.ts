import type { Readable } from 'node:stream'
import type { OutStream } from '@meseta/common/service/stream'

/** A request as the endpoints see it, whatever carried it. */
export interface ApiRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** As it came, without the question mark. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Who was authenticated; undefined where nobody had to say. */
  readonly principal?: string | undefined
  /** Empty where `source` is given. */
  readonly body: Uint8Array
  /** The body as it comes, of a request that is a stream itself. */
  readonly source?: ApiSource | undefined
}

/** A body that goes on. */
export interface ApiSource {
  onData(listener: (chunk: Uint8Array) => void): void
  /** Calls back once, whether the body is complete or broke off. */
  onEnd(listener: () => void): void
  /** No more of it is wanted. */
  stop(): void
}

export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A file is sent as it is read. */
  readonly body: Uint8Array | string | Readable
}

/** An answer that goes on: each write is one record and becomes one chunk. */
export interface ApiStream {
  /** False when it was not taken: the stream is over. */
  write(record: Uint8Array): boolean
  end(): void
  /** Calls back once when no more can be written, whoever ended it. */
  onClose(listener: () => void): void
  onDrain(listener: () => void): void
  readonly queuedBytes: number
}

/** Where the answer goes: exactly one of the two is called, once. */
export interface ApiReply {
  answer(answer: ApiAnswer): void
  /** Answers 200 with a stream. */
  stream(headers: Readonly<Record<string, string>>): ApiStream
}

/** Where the answer to a read goes. */
export interface ReadReply extends ApiReply {
  stream(headers: Readonly<Record<string, string>>): OutStream
}

/** One header, the first of several. */
export function headerOf(request: ApiRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

const text = { 'content-type': 'text/plain; charset=utf-8' }

/** A refusal in words. */
export function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): ApiAnswer {
  return { status, headers: { ...text, ...headers }, body: `${message}\n` }
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): ApiAnswer {
  return { status, headers, body: '' }
}

export function json(body: string): ApiAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

/** Answers at once, or when the answer has been made. */
export function answerWith(reply: ApiReply, answer: ApiAnswer | Promise<ApiAnswer>): void | Promise<void> {
  if (answer instanceof Promise) return answer.then(made => reply.answer(made))
  return reply.answer(answer)
}
