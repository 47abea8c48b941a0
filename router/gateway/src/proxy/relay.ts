import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { answerHeaders } from './headers.ts'
import { statusText } from './status-text.ts'
import { type Outcome, type Target, unanswered } from './target.ts'

/** A first chunk up to this size waits for the end of its answer, at most until the next turn of the event loop. */
const mostHeld = 16 * 1024

/** Carries one answer from the upstream to the client, at the pace of the slower one. */
export class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  readonly #target: Target
  readonly #requestId: string
  readonly #settle: (outcome: Outcome) => void
  #gone: (() => void) | undefined
  /** The first, small chunk of an answer, until it is known whether it is the whole of it. */
  #held: Buffer | undefined
  #flushed = false

  constructor(response: ServerResponse, target: Target, requestId: string, settle: (outcome: Outcome) => void) {
    this.#response = response
    this.#target = target
    this.#requestId = requestId
    this.#settle = settle
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#gone = () => {
      if (!this.#response.writableFinished) controller.abort(new Error('the client went away'))
    }
    this.#response.once('close', this.#gone)
    if (this.#response.destroyed) controller.abort(new Error('the client went away'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, text?: string): void {
    // Answers of the 1xx kind are between the upstream and us.
    if (status < 200) return
    const raw = Array.isArray(controller.rawHeaders) ? (controller.rawHeaders as (Buffer | string)[]) : []
    this.#response.writeHead(status, statusText(status, text), answerHeaders(raw, this.#target, this.#requestId))
    // Streams show their headers before their first event; most answers are whole by then.
    setImmediate(() => this.#flush())
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#flushed && this.#held === undefined && chunk.length <= mostHeld) {
      this.#held = chunk
      return
    }
    this.#flush()
    if (this.#response.write(chunk)) return
    controller.pause()
    this.#response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    const held = this.#held
    this.#flushed = true
    // A small answer leaves with its headers in one write. As a string of the same bytes it costs half of what a buffer does.
    if (held) this.#response.end(held.toString('latin1'), 'latin1')
    else this.#response.end()
    this.#finish({ kind: 'answered' })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const begun = this.#response.headersSent || this.#response.destroyed
    // An answer cut short must look cut short.
    if (begun) this.#response.destroy()
    this.#finish(begun ? { kind: 'answered' } : unanswered(error))
  }

  #flush(): void {
    if (this.#flushed) return
    this.#flushed = true
    if (this.#held) this.#response.write(this.#held)
    else this.#response.flushHeaders()
    this.#held = undefined
  }

  #finish(outcome: Outcome): void {
    if (this.#gone) this.#response.removeListener('close', this.#gone)
    this.#settle(outcome)
  }
}
