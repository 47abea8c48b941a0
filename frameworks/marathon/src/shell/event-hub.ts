import type { Clock, Timer } from '@meseta/common/service/clock'
import type { OutStream } from '@meseta/common/service/stream'

/** A consumer that has so many events undelivered is disconnected (contract 9). */
const maxUndelivered = 1024
const heartbeat = 10_000
/** Consumers at a time: one more is refused. */
export const maxConsumers = 1_000

interface Consumer {
  readonly stream: OutStream
  readonly types: ReadonlySet<string>
  undelivered: number
}

export interface MarathonEvent {
  readonly eventType: string
}

/** The event stream of contract 9: what happens goes to all who listen. */
export class EventHub {
  readonly #consumers = new Set<Consumer>()
  readonly #clock: Clock
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#consumers.size
  }

  /** Adds a consumer of all events or of these types. */
  add(stream: OutStream, types: readonly string[], left: () => void): void {
    const consumer: Consumer = { stream, types: new Set(types), undelivered: 0 }
    this.#consumers.add(consumer)
    stream.onDrain(() => {
      consumer.undelivered = 0
    })
    stream.onClose(() => {
      this.#consumers.delete(consumer)
      if (this.#consumers.size === 0) {
        this.#timer?.cancel()
        this.#timer = undefined
      }
      left()
    })
    this.#timer ??= this.#clock.every(heartbeat, () => {
      for (const one of this.#consumers) if (one.stream.queuedBytes === 0) one.stream.write('\n')
    })
  }

  publish(event: MarathonEvent): void {
    if (this.#consumers.size === 0) return
    const frame = `event: ${event.eventType}\ndata: ${JSON.stringify(event)}\n\n`
    for (const consumer of this.#consumers) {
      if (consumer.types.size > 0 && !consumer.types.has(event.eventType)) continue
      consumer.undelivered += 1
      if (consumer.undelivered > maxUndelivered) consumer.stream.destroy()
      else consumer.stream.write(frame)
      if (consumer.stream.queuedBytes === 0) consumer.undelivered = 0
    }
  }

  close(): void {
    for (const consumer of [...this.#consumers]) consumer.stream.end()
  }
}
