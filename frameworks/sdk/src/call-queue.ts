import type { CallStream } from './call-stream.ts'
import { CallError } from './scheduler.ts'

/** Types of the newest calls that are remembered, to name one in its refusal. */
const remembered = 4096
/** Calls that may wait until it is known where they go. */
const maxWaiting = 10_000

interface Waiting {
  readonly type: string
  readonly record: Uint8Array
  readonly settle: (taken: boolean) => void
}

/** Where the calls of a session go: the stream, or nowhere yet, or each its own way. Their order is kept throughout. */
export class CallQueue {
  readonly #refused: (error: CallError) => void
  readonly #types: string[] = []
  #stream: CallStream | undefined
  /** Calls that wait for what comes of the stream; undefined when none is being opened. */
  #waiting: Waiting[] | undefined
  #count = 0

  constructor(refused: (error: CallError) => void) {
    this.#refused = refused
  }

  /** From now on calls wait for what comes of this. Rejects when it does. */
  async opening(opened: Promise<CallStream | undefined>): Promise<void> {
    const waiting: Waiting[] = []
    this.#waiting = waiting
    try {
      this.#stream = await opened
    } finally {
      this.#waiting = undefined
      for (const { type, record, settle } of waiting) {
        if (this.#stream) this.#write(type, record)
        settle(this.#stream !== undefined)
      }
    }
  }

  /** `taken`: it has left. A promise: it waits, and was taken when that is true. `undefined`: it is the caller's to send. */
  take(type: string, record: Uint8Array): 'taken' | Promise<boolean> | undefined {
    const waiting = this.#waiting
    if (waiting && waiting.length >= maxWaiting)
      return Promise.reject(new CallError(`${maxWaiting} calls wait to be sent already`))
    if (waiting) return new Promise(settle => waiting.push({ type, record, settle }))
    if (!this.#stream) return undefined
    this.#write(type, record)
    return 'taken'
  }

  refused(call: number, status: number, message: string): void {
    const type = call > this.#count - remembered ? this.#types[call % remembered] : undefined
    this.#refused(
      new CallError(`the master refused ${type ?? `call ${call}`}: ${status} ${message.slice(0, 300)}`, status),
    )
  }

  #write(type: string, record: Uint8Array): void {
    this.#count += 1
    this.#types[this.#count % remembered] = type
    this.#stream?.write(record)
  }
}
