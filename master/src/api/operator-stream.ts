import type { MasterEvent } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { eventOf } from '../replica/operator-events.ts'
import type { Replica } from '../replica/replica.ts'
import { getState } from '../replica/v1-shapes.ts'
import { heartbeatSeconds } from '../state/heartbeat.ts'
import { Heartbeats } from './heartbeats.ts'
import { type Media, writeRecord } from './media.ts'
import type { ApiReply, ApiStream } from './transport.ts'

const maxSubscribers = 1_000

interface Subscriber {
  readonly stream: ApiStream
  readonly media: Media
}

/** The operators' SUBSCRIBE: a snapshot, then each change, each encoded once for all (Mesos contract 3). */
export class OperatorStreams {
  readonly #replica: Replica
  /** Oldest first. */
  readonly #subscribers = new Set<Subscriber>()
  readonly #off: () => void
  readonly #beats: Heartbeats<Subscriber>

  constructor(clock: Clock, replica: Replica) {
    this.#replica = replica
    this.#off = replica.follow(applied => {
      if (this.#subscribers.size === 0) return
      const event = eventOf(applied)
      if (event) this.#publish(event)
    })
    this.#beats = new Heartbeats(clock, subscriber => this.#write(subscriber, { type: 'HEARTBEAT' }))
  }

  get size(): number {
    return this.#subscribers.size
  }

  subscribe(reply: ApiReply, media: Media): void {
    const stream = reply.stream({ 'content-type': media })
    const subscriber: Subscriber = { stream, media }
    this.#write(subscriber, {
      type: 'SUBSCRIBED',
      subscribed: { get_state: getState(this.#replica.tables), heartbeat_interval_seconds: heartbeatSeconds },
    })
    this.#write(subscriber, { type: 'HEARTBEAT' })
    this.#subscribers.add(subscriber)
    this.#beats.begin(subscriber)
    stream.onClose(() => {
      this.#subscribers.delete(subscriber)
      this.#beats.end(subscriber)
    })
    if (this.#subscribers.size > maxSubscribers) this.#subscribers.values().next().value!.stream.end()
  }

  stop(): void {
    this.#off()
    this.#beats.stop()
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
}
