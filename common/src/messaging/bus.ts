/** `disconnected`: it is sought again for ever; `closed`: by its owner. */
export type BusState = 'connected' | 'disconnected' | 'closed'

/** Thrown by `publish` while the bus is down: the message was not sent. */
export class BusDownError extends Error {
  constructor(message = 'the message bus is disconnected; the message was not sent') {
    super(message)
    this.name = 'BusDownError'
  }
}

/** Largest payload of one message, in bytes; AgentLink cuts larger messages into chunks. */
export const maxPayloadBytes = 1024 * 1024

/** Thrown by `publish` for a payload over `maxPayloadBytes`. */
export class PayloadTooLargeError extends Error {
  constructor(subject: string, bytes: number) {
    super(`a message of ${bytes} bytes for ${subject} was not sent: the bus takes ${maxPayloadBytes}`)
    this.name = 'PayloadTooLargeError'
  }
}

/** Throws PayloadTooLargeError. */
export function checkPayload(subject: string, payload: Uint8Array): void {
  if (payload.length > maxPayloadBytes) throw new PayloadTooLargeError(subject, payload.length)
}

export interface Subscription {
  unsubscribe(): void
}

/**
 * Best-effort messages to whoever listens to a subject: `a.b.c`, where a subscription may use `*` for one part and a final `>`
 * for the rest. A message may be lost, and is never sent twice by the bus itself. A payload is at most 1 MiB.
 * Messages of one publisher to one subject arrive in their order, as long as the connection lasts.
 * A receiver is called outside of `publish`, with bytes that it must not change. AgentLink makes reliable sessions of it.
 */
export interface Bus {
  /** Hands the message to the bus, or throws BusDownError, PayloadTooLargeError or BadSubjectError. */
  publish(subject: string, payload: Uint8Array): void
  /** Listens from now on; while the bus is down, from its return on. Throws BadSubjectError. */
  subscribe(subject: string, received: (payload: Uint8Array, subject: string) => void): Subscription
  readonly state: BusState
  /** Who this process is to the servers of the bus, where it proved that and the name can be part of a subject. */
  readonly identity?: string | undefined
  /** Set where all who speak on it live and end in one process: nobody on it is of an earlier life of the cluster. */
  readonly isPrivate?: boolean
  /** Called with each new state. Answers a function that ends it. */
  onState(listener: (state: BusState) => void): () => void
  close(): Promise<void>
}
