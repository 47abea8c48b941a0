import { Worker } from 'node:worker_threads'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { OutStream } from '@meseta/common/service/stream'
import type { ReadReply } from '../../api/transport.ts'
import type { Change } from '../../state/changes.ts'
import type { ReadLog, ReadModelOptions } from '../read-model.ts'
import { noCounts, type ReadCounts, type ReadRequest, type ReadSide } from '../read-side.ts'
import { changesToText } from './changes-text.ts'
import { type FromReader, Outbox, type ToReader } from './messages.ts'

/** Text of changes that the thread has not applied yet; more, and the heart waits. */
const maxBehind = 64 * 1024 * 1024
/** So many looks, one each second, without a batch applied while some wait: the thread hangs. */
const maxIdleLooks = 60
/** Its tables are buffers, which lie beside this heap, MiB. */
const maxHeap = 4_096

export interface ReadThreadOptions {
  readonly clock: Clock
  readonly log: ReadLog
  /** The thread is lost, and so is what it knew. Called at most once. */
  readonly failed: (error: Error) => void
  /** It has caught up: `behind` is false again. */
  readonly caughtUp: () => void
}

interface Asked {
  readonly reply: ReadReply
  /** Once its answer is a stream. */
  stream: OutStream | undefined
  /** Bytes that were written and not reported as sent. */
  unsent: number
}

/** The read side in a thread of its own. Sockets can not move there: what it writes comes back in pages, as the network takes them. */
export class ReadThread implements ReadSide {
  readonly #options: ReadThreadOptions
  readonly #worker: Worker
  readonly #outbox: Outbox<ToReader>
  readonly #asked = new Map<number, Asked>()
  /** The sizes of the batches that are not applied yet, by their numbers. */
  readonly #pending = new Map<number, number>()
  readonly #looks: Timer
  #behind = 0
  #idleLooks = 0
  #ids = 0
  #counts: ReadCounts = noCounts
  #over = false

  /** Starts the thread, which takes a moment; it is of use once it is told to begin. */
  constructor(options: ReadThreadOptions) {
    this.#options = options
    // Beside this file, as source and as what it is compiled to.
    this.#worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url), {
      name: 'read side',
      resourceLimits: { maxOldGenerationSizeMb: maxHeap },
    })
    this.#outbox = new Outbox(this.#worker as never)
    this.#worker.on('message', (messages: readonly FromReader[]) => {
      for (const message of messages) this.#take(message)
    })
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('it has ended')))
    this.#looks = options.clock.every(1_000, () => this.#look())
  }

  begin(options: Omit<ReadModelOptions, 'clock' | 'log'>): void {
    this.#outbox.post({ type: 'BEGIN', options })
  }

  get counts(): ReadCounts {
    return this.#counts
  }

  /** Whether more waits to be applied than is good. */
  get behind(): boolean {
    return this.#behind > maxBehind
  }

  apply(seq: number, changes: readonly Change[]): void {
    const text = changesToText(changes)
    const wasBehind = this.behind
    this.#pending.set(seq, text.length)
    this.#behind += text.length
    if (this.behind && !wasBehind)
      this.#options.log.warn({ batches: this.#pending.size, bytes: this.#behind }, 'the master waits for its read side')
    this.#outbox.post({ type: 'APPLY', seq, changes: text })
  }

  setMasters(masters: readonly MasterInfo[]): void {
    this.#outbox.post({ type: 'MASTERS', masters })
  }

  handle(request: ReadRequest, reply: ReadReply): void {
    const id = ++this.#ids
    this.#asked.set(id, { reply, stream: undefined, unsent: 0 })
    this.#outbox.post({ type: 'ASK', id, request })
  }

  async stop(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#looks.cancel()
    for (const { stream } of this.#asked.values()) stream?.end()
    await this.#worker.terminate()
  }

  #take(message: FromReader): void {
    switch (message.type) {
      case 'APPLIED':
        this.#applied(message.seq)
        return
      case 'COUNTS':
        this.#counts = message.counts
        return
      case 'LOG':
        this.#options.log[message.level](message.fields, message.message)
        return
      default: {
        const asked = this.#asked.get(message.id)
        if (asked) this.#say(asked, message)
      }
    }
  }

  #say(asked: Asked, message: FromReader & { id: number }): void {
    const { id } = message
    switch (message.type) {
      case 'ANSWER':
        this.#asked.delete(id)
        asked.reply.answer(message.answer)
        return
      case 'OPEN':
        this.#open(id, asked, message.headers)
        return
      case 'WRITE':
        asked.unsent += message.bytes.length
        asked.stream?.write(message.bytes)
        return
      case 'END':
        asked.stream?.end()
        return
      case 'BREAK':
        asked.stream?.destroy()
    }
  }

  #open(id: number, asked: Asked, headers: Readonly<Record<string, string>>): void {
    const stream = asked.reply.stream(headers)
    asked.stream = stream
    stream.onDrain(() => {
      this.#outbox.post({ type: 'SENT', id, bytes: asked.unsent })
      asked.unsent = 0
    })
    stream.onClose(() => {
      this.#asked.delete(id)
      if (!this.#over) this.#outbox.post({ type: 'CLOSED', id })
    })
  }

  #applied(seq: number): void {
    const wasBehind = this.behind
    for (const [pending, size] of this.#pending) {
      if (pending > seq) break
      this.#pending.delete(pending)
      this.#behind -= size
    }
    this.#idleLooks = 0
    if (!wasBehind || this.behind) return
    this.#options.log.warn({ batches: this.#pending.size, bytes: this.#behind }, 'the read side has caught up')
    this.#options.caughtUp()
  }

  #look(): void {
    this.#idleLooks = this.#pending.size === 0 ? 0 : this.#idleLooks + 1
    if (this.#idleLooks >= maxIdleLooks) this.#fail(new Error(`it has applied nothing for ${maxIdleLooks} s`))
  }

  #fail(error: Error): void {
    if (this.#over) return
    void this.stop()
    this.#options.failed(new Error(`the thread of the read side is lost: ${error.message}`, { cause: error }))
  }
}
