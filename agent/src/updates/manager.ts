import type { TaskStatus } from '@meseta/common/protocol/mesos'
import type { UpdateRecord } from './record.ts'
import { type Acknowledged, type Received, UpdateStream } from './stream.ts'

/** First retry of an unacknowledged update, and the most that doubling makes of it, in milliseconds. */
export const firstRetry = 10_000
export const longestRetry = 600_000
/** A stream with this many records and nothing pending is compacted to its newest one. */
const compactAt = 256

/** What has to be done about the updates, in this order. */
export type UpdateEffect =
  /** Append the record to the stream's file, durably, before anything after it in the list. */
  | { readonly type: 'record'; readonly key: string; readonly record: UpdateRecord }
  /** Replace the stream's file by these records. */
  | { readonly type: 'compact'; readonly key: string; readonly records: readonly UpdateRecord[] }
  /** Hand the update to the master. */
  | {
      readonly type: 'forward'
      readonly key: string
      readonly status: TaskStatus
      readonly latest: NonNullable<TaskStatus['state']>
    }
  /** The terminal update was acknowledged: the task may be forgotten. */
  | { readonly type: 'finished'; readonly key: string }

interface Flight {
  retryAt: number
  backoff: number
}

/**
 * The status-update manager (agent contract, section 4), as a pure heart: a stream for each task, the head of each in flight,
 * resent after 10 s, doubling to 10 min, until acknowledged. Times are monotonic milliseconds. While paused (no registration
 * with a master) nothing is forwarded; resuming forwards all heads anew.
 */
export class UpdateManager {
  readonly #streams = new Map<string, UpdateStream>()
  readonly #flights = new Map<string, Flight>()
  #paused = true

  stream(key: string): UpdateStream | undefined {
    return this.#streams.get(key)
  }

  /** Takes a stream that was read back from its records. */
  restore(key: string, records: readonly UpdateRecord[]): UpdateStream {
    const stream = this.#open(key)
    for (const record of records) stream.apply(record)
    return stream
  }

  /** A new update of a task. The status has a uuid. */
  update(now: number, key: string, status: TaskStatus): { result: Received; effects: UpdateEffect[] } {
    const stream = this.#open(key)
    const result = stream.judge(status)
    if (result !== 'new') return { result, effects: [] }
    const record: UpdateRecord = { type: 'UPDATE', status }
    stream.apply(record)
    const effects: UpdateEffect[] = [{ type: 'record', key, record }]
    if (stream.head === status) this.#forward(now, key, effects)
    return { result, effects }
  }

  /** The scheduler acknowledged an update. */
  acknowledge(now: number, key: string, uuid: string): { result: Acknowledged; effects: UpdateEffect[] } {
    const stream = this.#streams.get(key)
    const result = stream?.judgeAck(uuid) ?? 'unknown'
    if (stream === undefined || result !== 'acknowledged') return { result, effects: [] }
    const record: UpdateRecord = { type: 'ACK', uuid }
    stream.apply(record)
    this.#flights.delete(key)
    const effects: UpdateEffect[] = [{ type: 'record', key, record }]
    if (stream.finished) {
      this.forget(key)
      effects.push({ type: 'finished', key })
    } else if (stream.head !== undefined) this.#forward(now, key, effects)
    else if (stream.records >= compactAt) this.#compact(key, stream, effects)
    return { result, effects }
  }

  /** Ends a stream whatever its state (its framework is gone). */
  forget(key: string): void {
    this.#streams.delete(key)
    this.#flights.delete(key)
  }

  /** The master was lost: nothing is forwarded until `resume`. */
  pause(): void {
    this.#paused = true
    this.#flights.clear()
  }

  /** A master knows this agent: all heads are forwarded. */
  resume(now: number): UpdateEffect[] {
    this.#paused = false
    const effects: UpdateEffect[] = []
    for (const [key, stream] of this.#streams) if (stream.head !== undefined) this.#forward(now, key, effects)
    return effects
  }

  /** Resends what was not acknowledged in time. */
  retry(now: number): UpdateEffect[] {
    const effects: UpdateEffect[] = []
    for (const [key, flight] of this.#flights) {
      if (flight.retryAt > now) continue
      const backoff = Math.min(flight.backoff * 2, longestRetry)
      this.#forward(now, key, effects, backoff)
    }
    return effects
  }

  /** When `retry` has something to do next. */
  nextRetry(): number | undefined {
    let next: number | undefined
    for (const flight of this.#flights.values()) if (next === undefined || flight.retryAt < next) next = flight.retryAt
    return next
  }

  #open(key: string): UpdateStream {
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      stream = new UpdateStream()
      this.#streams.set(key, stream)
    }
    return stream
  }

  #forward(now: number, key: string, effects: UpdateEffect[], backoff = firstRetry): void {
    const stream = this.#streams.get(key)
    const head = stream?.head
    if (stream === undefined || head === undefined || this.#paused) return
    stream.forwarded = head
    this.#flights.set(key, { retryAt: now + backoff, backoff })
    effects.push({ type: 'forward', key, status: head, latest: stream.latest ?? head.state })
  }

  #compact(key: string, stream: UpdateStream, effects: UpdateEffect[]): void {
    const records = stream.compacted()
    stream.records = records.length
    effects.push({ type: 'compact', key, records })
  }
}
