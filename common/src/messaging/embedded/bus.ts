import { Listeners } from '../../coordination/listeners.ts'
import type { Clock } from '../../service/clock.ts'
import { type Bus, BusDownError, type BusState, checkPayload, type Subscription } from '../bus.ts'
import { checkSubject, SubscriptionTable } from '../subjects.ts'

/** Bytes and messages that may wait to be delivered; further ones are refused with BusDownError. */
const maxWaitingBytes = 64 * 1024 * 1024
const maxWaiting = 100_000

interface Receiver {
  readonly received: (payload: Uint8Array, subject: string) => void
  active: boolean
}

interface Message {
  readonly subject: string
  readonly payload: Uint8Array
}

/** The bus of one process: messages are delivered in order, after the turn that published them. */
class EmbeddedBus implements Bus {
  readonly isPrivate: boolean
  readonly #table = new SubscriptionTable<Receiver>()
  readonly #later: (action: () => void) => void
  readonly #failed: (error: unknown) => void
  readonly #states: Listeners<[BusState]>
  #state: BusState = 'connected'
  #waiting: Message[] = []
  #waitingBytes = 0

  constructor(later: (action: () => void) => void, failed: (error: unknown) => void, isPrivate: boolean) {
    this.isPrivate = isPrivate
    this.#later = later
    this.#failed = failed
    this.#states = new Listeners(failed)
  }

  get state(): BusState {
    return this.#state
  }

  publish(subject: string, payload: Uint8Array): void {
    checkSubject(subject)
    checkPayload(subject, payload)
    if (this.#state !== 'connected') throw new BusDownError('the message bus is closed; the message was not sent')
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes + payload.length > maxWaitingBytes)
      throw new BusDownError(`${this.#waiting.length} messages wait on the bus already; the message was not sent`)
    if (this.#waiting.push({ subject, payload }) === 1) this.#later(() => this.#deliver())
    this.#waitingBytes += payload.length
  }

  subscribe(subject: string, received: (payload: Uint8Array, subject: string) => void): Subscription {
    const receiver: Receiver = { received, active: true }
    const off = this.#table.add(subject, receiver)
    return {
      unsubscribe() {
        receiver.active = false
        off()
      },
    }
  }

  onState(listener: (state: BusState) => void): () => void {
    return this.#states.add(listener)
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#waiting = []
    this.#states.tell('closed')
  }

  #deliver(): void {
    const messages = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const { subject, payload } of messages) {
      for (const receiver of this.#table.receivers(subject)) {
        if (!receiver.active || this.#state === 'closed') continue
        try {
          receiver.received(payload, subject)
        } catch (error) {
          this.#failed(error)
        }
      }
    }
  }
}

export interface EmbeddedBusOptions {
  /** Delivers on this clock; without it, as soon as the turn ends. */
  readonly clock?: Clock
  /** Told of a receiver that threw; without it the error is thrown where nobody catches it, and ends the process. */
  readonly failed?: (error: unknown) => void
  readonly isPrivate?: boolean
}

/** One bus for all components of a process: they share the object. */
export function createEmbeddedBus({ clock, failed, isPrivate = false }: EmbeddedBusOptions = {}): Bus {
  const later = clock
    ? (action: () => void) => void clock.after(0, action)
    : (action: () => void) => void setImmediate(action)
  return new EmbeddedBus(
    later,
    failed ??
      (error =>
        queueMicrotask(() => {
          throw error
        })),
    isPrivate,
  )
}
