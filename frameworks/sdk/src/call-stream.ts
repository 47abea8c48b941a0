import { type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { encodeRecord, RecordDecoder } from '@meseta/common/protocol/recordio'

/** What the master says of the calls on a stream. */
export interface CallStreamListener {
  /** The call with this number, counted from 1, was refused. */
  refused(call: number, status: number, message: string): void
  /** Told once, at the end, unless it was closed by us. */
  closed(reason: string): void
}

/** One request whose body is a stream of calls (decision 8 of the design): no answer is waited for, refusals come by number. */
export interface CallStream {
  /** Hands one call over; they arrive in this order. */
  write(record: Uint8Array): void
  /** Ends it. Idempotent. */
  close(): void
}

/** A master without streams may wait for the end of the body before it says so: it is not waited for long. */
const openTimeout = 2_000
/** Bytes that may wait for a master that does not read; then the session is given up. */
const maxUnsent = 32 * 1024 * 1024

/** Opens a stream of calls over HTTP; `undefined` when the master takes none, as an original one does not. */
export function openCallStream(
  url: URL,
  headers: Readonly<Record<string, string>>,
  listener: CallStreamListener,
): Promise<CallStream | undefined> {
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = open(url, { method: 'POST', agent: false, headers: { ...headers }, timeout: openTimeout })
    const stream = new HttpCallStream(request, listener)
    request.setNoDelay(true)
    request.once('timeout', () => {
      stream.close()
      resolve(undefined)
    })
    request.once('response', response => {
      request.setTimeout(0)
      if (response.statusCode !== 200) {
        stream.close()
        resolve(undefined)
        return
      }
      const records = new RecordDecoder()
      response.on('data', (chunk: Uint8Array) => {
        try {
          for (const record of records.push(chunk)) stream.refused(record)
        } catch (error) {
          stream.end(error instanceof Error ? error.message : String(error))
        }
      })
      response.once('close', () => stream.end('the master ended the stream of calls'))
      response.once('error', error => stream.end(error.message))
      resolve(stream)
    })
    request.on('error', error => {
      stream.end(error.message)
      reject(error)
    })
    request.flushHeaders()
  })
}

class HttpCallStream implements CallStream {
  readonly #request: ClientRequest
  readonly #listener: CallStreamListener
  #waiting: Uint8Array[] = []
  #over = false

  constructor(request: ClientRequest, listener: CallStreamListener) {
    this.#request = request
    this.#listener = listener
  }

  write(record: Uint8Array): void {
    if (this.#over) return
    // Calls of one turn of the event loop leave together.
    if (this.#waiting.length === 0) setImmediate(() => this.#flush())
    this.#waiting.push(encodeRecord(record))
  }

  refused(record: Uint8Array): void {
    if (this.#over) return
    const { call, status, message } = JSON.parse(Buffer.from(record).toString('utf8')) as {
      call: number
      status: number
      message: string
    }
    this.#listener.refused(call, status, message)
  }

  end(reason: string): void {
    if (this.#over) return
    this.close()
    this.#listener.closed(reason)
  }

  close(): void {
    this.#over = true
    this.#waiting = []
    this.#request.destroy()
  }

  #flush(): void {
    if (this.#over) return
    this.#request.write(Buffer.concat(this.#waiting))
    this.#waiting = []
    if (this.#request.writableLength > maxUnsent) this.end('the master does not read the calls')
  }
}
