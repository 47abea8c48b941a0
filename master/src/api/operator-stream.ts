import type { MasterEvent } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import type { OutStream } from '@meseta/common/service/stream'
import type { Parts } from '../replica/message-parts.ts'
import { eventOf } from '../replica/operator-events.ts'
import { lengthOf, whole, writeOut } from '../replica/pages.ts'
import type { Replica } from '../replica/replica.ts'
import type { Applied, Frozen } from '../replica/tables.ts'
import { getState } from '../replica/v1-shapes.ts'
import { seesAll, type Views } from '../replica/views.ts'
import { heartbeatSeconds } from '../state/heartbeat.ts'
import { Heartbeats } from './heartbeats.ts'
import { type Media, writeRecord } from './media.ts'
import { writeParts } from './operator-reads.ts'
import type { ReadReply } from './transport.ts'

/** Bytes of events that wait until the snapshot before them is written; more, and the stream is cut off. */
const maxWaiting = 64 * 1024 * 1024

interface Subscriber {
  readonly stream: OutStream
  readonly media: Media
  readonly views: Views
  /** What has happened since its snapshot, while that is still being written. */
  waiting: Uint8Array[] | undefined
  waitingBytes: number
}

/** The operators' SUBSCRIBE: a snapshot, then each change, each encoded once for all (Mesos contract 3). */
export class OperatorStreams {
  readonly #replica: Replica
  readonly #maxSubscribers: number
  /** Oldest first. */
  readonly #subscribers = new Set<Subscriber>()
  readonly #off: () => void
  readonly #beats: Heartbeats<Subscriber>

  constructor(clock: Clock, replica: Replica, maxSubscribers = 1_000) {
    this.#maxSubscribers = maxSubscribers
    this.#replica = replica
    this.#off = replica.follow(applied => this.#tell(applied))
    this.#beats = new Heartbeats(clock, subscriber => this.#write(subscriber, { type: 'HEARTBEAT' }))
  }

  get size(): number {
    return this.#subscribers.size
  }

  /** Resolves when the snapshot has been written. */
  async subscribe(reply: ReadReply, media: Media, views: Views): Promise<void> {
    const stream = reply.stream({ 'content-type': media })
    const subscriber: Subscriber = { stream, media, views, waiting: [], waitingBytes: 0 }
    this.#subscribers.add(subscriber)
    stream.onClose(() => {
      this.#subscribers.delete(subscriber)
      this.#beats.end(subscriber)
    })
    if (this.#subscribers.size > this.#maxSubscribers) this.#subscribers.values().next().value!.stream.end()
    await this.#writeSnapshot(subscriber)
    this.#write(subscriber, { type: 'HEARTBEAT' })
    for (const record of subscriber.waiting ?? []) stream.write(record)
    subscriber.waiting = undefined
    if (!stream.closed) this.#beats.begin(subscriber)
  }

  stop(): void {
    this.#off()
    this.#beats.stop()
    for (const { stream } of [...this.#subscribers]) stream.end()
  }

  /** One record, however long: what goes before it says its length. */
  async #writeSnapshot({ stream, media, views }: Subscriber): Promise<void> {
    const frozen = this.#replica.tables.freeze({ tasks: true }, () => stream.destroy())
    try {
      const write = await writeParts(media, subscribed(frozen, views), { ascii: true })
      const length = await lengthOf(write)
      await writeOut(stream, function* (page) {
        yield* whole(`${length}\n`)(page)
        yield* write(page)
      })
    } finally {
      frozen.release()
    }
  }

  #tell(applied: Applied): void {
    if (this.#subscribers.size === 0) return
    const event = eventOf(applied)
    if (!event) return
    const records = new Map<Media, Uint8Array>()
    for (const subscriber of [...this.#subscribers]) {
      if (!maySee(subscriber.views, applied)) continue
      const { media, stream, waiting } = subscriber
      const isOwn = applied.agent !== undefined && subscriber.views !== seesAll
      let record = isOwn
        ? writeRecord('mesos.v1.master.Event', media, eventOf(applied, subscriber.views)!)
        : records.get(media)
      if (!record) {
        record = writeRecord('mesos.v1.master.Event', media, event)
        records.set(media, record)
      }
      if (!waiting) stream.write(record)
      else {
        waiting.push(record)
        subscriber.waitingBytes += record.length
        if (subscriber.waitingBytes > maxWaiting) stream.destroy()
      }
    }
  }

  #write({ stream, media }: Subscriber, event: MasterEvent): void {
    stream.write(writeRecord('mesos.v1.master.Event', media, event))
  }
}

const subscribed = (frozen: Frozen, views: Views): Parts => ({
  name: 'mesos.v1.master.Event',
  small: { type: 'SUBSCRIBED' },
  fields: {
    subscribed: {
      name: 'mesos.v1.master.Event.Subscribed',
      small: { heartbeat_interval_seconds: heartbeatSeconds },
      fields: { get_state: getState(frozen, views) },
    },
  },
})

function maySee(views: Views, { framework, task }: Applied): boolean {
  if (!framework) return true
  const { info } = framework.view
  return task ? views.task(task.task, info) : views.framework(info)
}
