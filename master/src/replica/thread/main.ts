import { parentPort } from 'node:worker_threads'
import { systemClock, type Timer } from '@meseta/common/service/clock'
import type { OutStream } from '@meseta/common/service/stream'
import type { ReadReply } from '../../api/transport.ts'
import { ReadModel } from '../read-model.ts'
import { changesFromText } from './changes-text.ts'
import { type FromReader, Outbox, ownBytes, type ToReader } from './messages.ts'

// The thread of the read side: a read model, and what carries its answers back.

/** How late the counts may be that the metrics show, ms. */
const countsEvery = 100

/** Unsent bytes at which a reader of a stream is cut off. */
const maxQueuedBytes = 64 * 1024 * 1024

class Reader {
  readonly #outbox: Outbox<FromReader>
  readonly #streams = new Map<number, PortStream>()
  #model: ReadModel | undefined
  #counting: Timer | undefined

  constructor(outbox: Outbox<FromReader>) {
    this.#outbox = outbox
  }

  take(message: ToReader): void {
    switch (message.type) {
      case 'BEGIN':
        this.#model = new ReadModel({
          ...message.options,
          clock: systemClock,
          log: { warn: this.#log('warn'), error: this.#log('error') },
        })
        this.#count()
        return
      case 'APPLY':
        this.#model!.apply(message.seq, changesFromText(message.changes))
        this.#outbox.post({ type: 'APPLIED', seq: message.seq })
        this.#count()
        return
      case 'MASTERS':
        this.#model!.setMasters(message.masters)
        return
      case 'ASK':
        this.#model!.handle(message.request, this.#reply(message.id))
        return
      case 'SENT':
        this.#streams.get(message.id)?.sent(message.bytes)
        return
      case 'CLOSED':
        this.#streams.get(message.id)?.close()
    }
  }

  #reply(id: number): ReadReply {
    const outbox = this.#outbox
    return {
      answer: answer => {
        const body = answer.body instanceof Uint8Array ? ownBytes(answer.body) : undefined
        outbox.post({ type: 'ANSWER', id, answer: { ...answer, body: body ?? answer.body } }, body)
      },
      stream: headers => {
        outbox.post({ type: 'OPEN', id, headers })
        const stream = new PortStream(id, outbox)
        this.#streams.set(id, stream)
        stream.onClose(() => {
          this.#streams.delete(id)
          this.#count()
        })
        this.#count()
        return stream
      },
    }
  }

  #count(): void {
    this.#counting ??= systemClock.after(countsEvery, () => {
      this.#counting = undefined
      this.#outbox.post({ type: 'COUNTS', counts: this.#model!.counts })
    })
  }

  #log(level: 'warn' | 'error'): (fields: object, message: string) => void {
    return (fields, message) => this.#outbox.post({ type: 'LOG', level, fields, message })
  }
}

/** A stream whose socket is held by the other thread. */
class PortStream implements OutStream {
  readonly #id: number
  readonly #outbox: Outbox<FromReader>
  readonly #closing: ((reason: 'ended') => void)[] = []
  readonly #draining: (() => void)[] = []
  queuedBytes = 0
  closed = false

  constructor(id: number, outbox: Outbox<FromReader>) {
    this.#id = id
    this.#outbox = outbox
  }

  write(written: Uint8Array | string): boolean {
    if (this.closed) return false
    const bytes = typeof written === 'string' ? Uint8Array.from(Buffer.from(written)) : ownBytes(written)
    if (bytes.length === 0) return true
    if (this.queuedBytes > 0 && this.queuedBytes + bytes.length > maxQueuedBytes) {
      this.destroy()
      return false
    }
    this.queuedBytes += bytes.length
    this.#outbox.post({ type: 'WRITE', id: this.#id, bytes }, bytes)
    return true
  }

  sent(bytes: number): void {
    this.queuedBytes -= bytes
    if (this.queuedBytes === 0) for (const listener of this.#draining) listener()
  }

  end(): void {
    if (!this.closed) this.#outbox.post({ type: 'END', id: this.#id })
    this.close()
  }

  destroy(): void {
    if (!this.closed) this.#outbox.post({ type: 'BREAK', id: this.#id })
    this.close()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const listener of this.#closing.splice(0)) listener('ended')
  }

  onClose(listener: (reason: 'ended') => void): void {
    if (this.closed) listener('ended')
    else this.#closing.push(listener)
  }

  onDrain(listener: () => void): void {
    this.#draining.push(listener)
  }
}

const port = parentPort!
const reader = new Reader(new Outbox<FromReader>(port as never))
port.on('message', (messages: readonly ToReader[]) => {
  for (const message of messages) reader.take(message)
})
