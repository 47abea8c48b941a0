import type { MasterEvent } from '@meseta/common/protocol/mesos'
import type { Clock, Timer } from '@meseta/common/service/clock'
import { eventOf } from '../replica/operator-events.ts'
import type { Replica } from '../replica/replica.ts'
import { getState } from '../replica/v1-shapes.ts'
import { type Media, writeRecord } from './media.ts'
import type { ApiReply, ApiStream } from './transport.ts'

const heartbeatSeconds = 15
const maxSubscribers = 1_000

interface Subscriber {
  readonly stream: ApiStream
  readonly media: Media
  beatAt: number
}

/** The operators' SUBSCRIBE: a snapshot, then each change, each encoded once for all (Mesos contract 3). */
export class OperatorStreams {
  readonly #clock: Clock
  readonly #replica: Replica
  /** Oldest first. */
  readonly #subscribers = new Set<Subscriber>()
  readonly #off: () => void
  readonly #beats: Timer

  constructor(clock: Clock, replica: Replica) {
    this.#clock = clock
    this.#replica = replica
    this.#off = replica.follow(applied => {
      if (this.#subscribers.size === 0) return
      const event = eventOf(applied)
      if (event) this.#publish(event)
    })
    this.#beats = clock.every(1_000, () => this.#beat())
  }

  get size(): number {
    return this.#subscribers.size
  }

  subscribe(reply: ApiReply, media: Media): void {
    const stream = reply.stream({ 'content-type': media })
    const subscriber: Subscriber = { stream, media, beatAt: this.#clock.monotonic() }
    this.#write(subscriber, {
      type: 'SUBSCRIBED',
      subscribed: { get_state: getState(this.#replica.tables), heartbeat_interval_seconds: heartbeatSeconds },
    })
    this.#write(subscriber, { type: 'HEARTBEAT' })
    this.#subscribers.add(subscriber)
    stream.onClose(() => this.#subscribers.delete(subscriber))
    if (this.#subscribers.size > maxSubscribers) this.#subscribers.values().next().value!.stream.end()
  }

  stop(): void {
    this.#off()
    this.#beats.cancel()
    for (const { stream } of [...this.#subscribers]) stream.end()
  }

  #publish(event: MasterEvent): void {
    const records = new Map<Media, Uint8Array>()
    for (const { stream, media } of [...this.#subscribers]) {
      let record = records.get(media)
      if (!record) {
        record = writeRecord('mesos.v1.master.Event', media, event)
        records.set(media, record)
      }
      stream.write(record)
    }
  }

  #write({ stream, media }: Subscriber, event: MasterEvent): void {
    stream.write(writeRecord('mesos.v1.master.Event', media, event))
  }

  #beat(): void {
    const now = this.#clock.monotonic()
    for (const subscriber of [...this.#subscribers]) {
      if (now - subscriber.beatAt < heartbeatSeconds * 1000 - 500) continue
      subscriber.beatAt = now
      this.#write(subscriber, { type: 'HEARTBEAT' })
    }
  }
}
