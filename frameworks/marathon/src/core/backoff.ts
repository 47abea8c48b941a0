import type { Condition } from './instance.ts'
import type { Millis, Service } from './model.ts'
import { backoffOf } from './service.ts'

interface Entry {
  /** The present delay, milliseconds. */
  delay: Millis
  /** When the next launch may be. */
  until: Millis
  /** From when the entry counts towards being dropped. */
  reference: Millis
}

const counts = new Set<Condition>(['Dropped', 'Error', 'Failed', 'Gone', 'Finished'])

/** Launch delays by service and configuration (contract 12, Backoff). */
export class Backoff {
  readonly #entries = new Map<string, Entry>()

  static #key(service: Service): string {
    return `${service.spec.id} ${service.lastConfigChangeAt}`
  }

  /** The time before which the service is not to be launched; undefined when there is no delay. */
  until(service: Service, now: Millis): Millis | undefined {
    const entry = this.#entries.get(Backoff.#key(service))
    if (entry === undefined) return undefined
    if (now > entry.reference + backoffOf(service).max * 1000 + entry.delay) {
      this.#entries.delete(Backoff.#key(service))
      return undefined
    }
    return entry.until > now ? entry.until : undefined
  }

  /** A task ended in this condition: where it counts, the delay grows. */
  ended(service: Service, condition: Condition, now: Millis): void {
    if (!counts.has(condition)) return
    const { backoff, factor, max } = backoffOf(service)
    const key = Backoff.#key(service)
    const known = this.#entries.get(key)
    const delay = Math.min(known === undefined ? backoff * 1000 : known.delay * factor, max * 1000)
    this.#entries.set(key, { delay, until: now + delay, reference: now + delay })
  }

  /** A task moves towards running: the present delay starts anew. Answers whether there is one. */
  moved(service: Service, now: Millis): boolean {
    const known = this.#entries.get(Backoff.#key(service))
    if (known === undefined) return false
    known.until = now + known.delay
    known.reference = known.until
    return true
  }

  /** Answers whether there was one. */
  reset(service: Service): boolean {
    return this.#entries.delete(Backoff.#key(service))
  }

  /** Forgets entries of configurations that are no more. */
  prune(keep: (serviceId: string, config: string) => boolean): void {
    for (const key of this.#entries.keys()) {
      const [id, config] = key.split(' ') as [string, string]
      if (!keep(id, config)) this.#entries.delete(key)
    }
  }
}
