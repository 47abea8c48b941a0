import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { ApiAnswer } from '../../api/transport.ts'
import type { ReadModelOptions } from '../read-model.ts'
import type { ReadCounts, ReadRequest } from '../read-side.ts'

// What crosses between the heart's thread and the read side's. Requests are numbered by the heart's side.

export type ToReader =
  /** First of all, once. */
  | { readonly type: 'BEGIN'; readonly options: Omit<ReadModelOptions, 'clock' | 'log'> }
  /** The next batch of changes, in the form of `changes-text`. */
  | { readonly type: 'APPLY'; readonly seq: number; readonly changes: string }
  | { readonly type: 'MASTERS'; readonly masters: readonly MasterInfo[] }
  | { readonly type: 'ASK'; readonly id: number; readonly request: ReadRequest }
  /** So many bytes of a stream were handed to the network. */
  | { readonly type: 'SENT'; readonly id: number; readonly bytes: number }
  /** No more can be written to a stream. */
  | { readonly type: 'CLOSED'; readonly id: number }

export type FromReader =
  /** All batches up to this one are applied. */
  | { readonly type: 'APPLIED'; readonly seq: number }
  | { readonly type: 'ANSWER'; readonly id: number; readonly answer: ApiAnswer }
  /** The answer is a stream. */
  | { readonly type: 'OPEN'; readonly id: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly type: 'WRITE'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'END'; readonly id: number }
  /** The stream breaks off: what was written is not all. */
  | { readonly type: 'BREAK'; readonly id: number }
  | { readonly type: 'COUNTS'; readonly counts: ReadCounts }
  | { readonly type: 'LOG'; readonly level: 'warn' | 'error'; readonly fields: object; readonly message: string }

/** One end of what joins two threads. */
export interface Port {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
}

/** Collects what is said in one turn, and says it in one message. */
export class Outbox<Message> {
  readonly #port: Port
  #messages: Message[] = []
  #transfer: ArrayBuffer[] = []

  constructor(port: Port) {
    this.#port = port
  }

  /** `bytes` is a buffer of the message that nobody else holds: it is handed over and not copied. */
  post(message: Message, bytes?: Uint8Array): void {
    if (this.#messages.push(message) === 1) queueMicrotask(() => this.#flush())
    if (bytes) this.#transfer.push(bytes.buffer as ArrayBuffer)
  }

  #flush(): void {
    const messages = this.#messages
    const transfer = this.#transfer
    this.#messages = []
    this.#transfer = []
    this.#port.postMessage(messages, transfer)
  }
}

/** The same bytes with a buffer of their own. */
export const ownBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
