import type { Frame } from './sse.ts'

/** Where the objects of the stream are kept. */
export interface Copy {
  put(kind: string, key: string, body: unknown): void
  del(kind: string, key: string): void
}

interface Change {
  readonly op?: unknown
  readonly key?: unknown
  readonly body?: unknown
}

/**
 * Frames in, a copy of the cluster's objects kept right: what a new whole state lacks is deleted when that state is complete, so the
 * page never empties while it is read again. Pure.
 */
export class Following {
  readonly #copy: Copy
  /** By kind, each key and the number of the state that last held it. */
  readonly #known = new Map<string, Map<string, number>>()
  #state = 0
  #whole = false
  #place = ''

  constructor(copy: Copy) {
    this.#copy = copy
  }

  /** Whether the copy was complete once and changes follow. */
  get whole(): boolean {
    return this.#whole
  }

  /** A connection begins: the place to resume at, empty for the whole state. */
  connecting(): string {
    if (!this.#whole) this.#begin()
    return this.#place
  }

  /** Takes one frame. Throws on what is not of a feed. */
  frame(frame: Frame): void {
    if (frame.event === 'reset') this.#begin()
    else if (frame.event === 'synced') this.#complete()
    else if (frame.event !== 'hello') this.#change(frame)
    if (this.#whole && frame.id !== '') this.#place = frame.id
  }

  #begin(): void {
    this.#state += 1
    this.#whole = false
    this.#place = ''
  }

  #change({ event, data }: Frame): void {
    const { op, key, body } = JSON.parse(data) as Change
    if (typeof key !== 'string') throw new Error(`a change of '${event}' has no key`)
    const keys = this.#known.get(event) ?? new Map<string, number>()
    this.#known.set(event, keys)
    if (op === 'put') {
      keys.set(key, this.#state)
      this.#copy.put(event, key, body)
    } else if (op === 'del' && keys.delete(key)) this.#copy.del(event, key)
  }

  #complete(): void {
    if (!this.#whole) this.#forgetOlder()
    this.#whole = true
  }

  #forgetOlder(): void {
    for (const [kind, keys] of this.#known) {
      for (const [key, state] of keys) {
        if (state === this.#state) continue
        keys.delete(key)
        this.#copy.del(kind, key)
      }
    }
  }
}
