export type BusState = 'connected' | 'disconnected' | 'closed'

/** Thrown by `publish` while the bus is down: the message was not sent. */
export class BusDownError extends Error {
  constructor(message = 'the message bus is disconnected; the message was not sent') {
    super(message)
    this.name = 'BusDownError'
  }
}

export interface Subscription {
  unsubscribe(): void
}

/**
 * Best-effort messages to whoever listens to a subject: `a.b.c`, where a subscription may use `*` for one part and a final `>`
 * for the rest. A message may be lost, and is never sent twice by the bus itself. A payload is at most 1 MiB.
 * AgentLink makes reliable sessions of it.
 */
export interface Bus {
  /** Hands the message to the bus, or throws BusDownError. */
  publish(subject: string, payload: Uint8Array): void
  subscribe(subject: string, received: (payload: Uint8Array, subject: string) => void): Subscription
  readonly state: BusState
  onState(listener: (state: BusState) => void): () => void
  close(): Promise<void>
}
