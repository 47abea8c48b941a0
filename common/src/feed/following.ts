import { formatPosition, parsePosition } from './frame.ts'
import type { SseFrame } from './sse.ts'

/** What a follower of a feed is told. Only `put` and `del` are needed to keep a copy. */
export interface FeedListener {
  /** The newest body of a key. After a reconnection also for keys that have not changed. */
  put(kind: string, key: string, body: unknown, at: number): void
  /** The key is gone. Only for keys that were put. */
  del(kind: string, key: string): void
  /** The copy is complete. */
  synced?(): void
  /** A whole new state begins; what was known stays valid until a `put` or `del` says otherwise, at the latest at `synced`. */
  reset?(): void
}

/** The server broke the agreement of docs/architecture.md. */
export class BadFeed extends Error {
  constructor(reason: string) {
    super(`the feed breaks its own rules: ${reason}`)
    this.name = 'BadFeed'
  }
}

/**
 * Frames in, `put`s and `del`s out: keeps the place in the feed and the keys that the listener knows of. After a loss or a
 * change of leader the listener's copy is corrected, never emptied: keys that the new state lacks are deleted when it is complete.
 */
export class Following {
  readonly #listener: FeedListener
  /** By kind, each key and the count of the state that last held it. */
  readonly #known = new Map<string, Map<string, number>>()
  #state = 0
  #whole = false
  #live = false
  #epoch: string | undefined
  #place: string | undefined

  constructor(listener: FeedListener) {
    this.#listener = listener
  }

  /** A connection begins. Answers the place to ask for, or `undefined` for the whole state. */
  connecting(): string | undefined {
    this.#live = false
    const place = this.#whole ? this.#place : undefined
    if (place === undefined) this.#startState()
    return place
  }

  /** Whether the copy is complete and follows. */
  get live(): boolean {
    return this.#live
  }

  get size(): number {
    let size = 0
    for (const keys of this.#known.values()) size += keys.size
    return size
  }

  /** Takes one frame. Throws BadFeed when it is not what a feed sends. */
  frame(frame: SseFrame): void {
    const data = parseData(frame)
    if (frame.event === 'hello') this.#hello(data)
    else if (frame.event === 'reset') this.#reset()
    else if (frame.event === 'synced') this.#sync()
    else this.#change(frame.event, data)
    if (frame.id !== undefined) this.#moveTo(frame.id)
  }

  #moveTo(id: string): void {
    const position = parsePosition(id)
    if (!position) throw new BadFeed(`'${id.slice(0, 100)}' is not an id of a frame`)
    this.#place = formatPosition(position)
  }

  /** A server of another epoch that resumes us all the same would leave stale keys: its state is taken as a whole new one. */
  #hello(data: Record<string, unknown>): void {
    if (typeof data.epoch !== 'string') throw new BadFeed('hello names no epoch')
    if (this.#epoch !== undefined && this.#epoch !== data.epoch && this.#whole) this.#reset()
    this.#epoch = data.epoch
  }

  #reset(): void {
    if (this.#whole) this.#startState()
  }

  #startState(): void {
    const wasWhole = this.#whole
    this.#state += 1
    this.#whole = false
    this.#place = undefined
    if (wasWhole) this.#listener.reset?.()
  }

  #change(kind: string, data: Record<string, unknown>): void {
    const { op, key, at, body } = data
    if (typeof key !== 'string') throw new BadFeed(`a change of kind '${kind.slice(0, 100)}' has no key`)
    if (op === 'put') {
      const keys = this.#known.get(kind) ?? new Map<string, number>()
      this.#known.set(kind, keys)
      keys.set(key, this.#state)
      this.#listener.put(kind, key, body, typeof at === 'number' ? at : 0)
    } else if (op === 'del') {
      if (this.#known.get(kind)?.delete(key)) this.#listener.del(kind, key)
    } else throw new BadFeed(`'${String(op).slice(0, 100)}' is not an op`)
  }

  #sync(): void {
    if (!this.#whole) {
      for (const [kind, keys] of this.#known) {
        for (const [key, state] of keys) {
          if (state === this.#state) continue
          keys.delete(key)
          this.#listener.del(kind, key)
        }
      }
    }
    this.#whole = true
    this.#live = true
    this.#listener.synced?.()
  }
}

function parseData(frame: SseFrame): Record<string, unknown> {
  let data: unknown
  try {
    data = JSON.parse(frame.data)
  } catch {
    throw new BadFeed(`the data of a frame of kind '${frame.event.slice(0, 100)}' is not JSON`)
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new BadFeed('the data of a frame is not an object')
  return data as Record<string, unknown>
}
