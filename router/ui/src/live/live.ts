import type { Kind } from '../model/objects.ts'
import { Store } from '../model/store.ts'
import { PageClock } from './clock.ts'
import { Connection, type ConnectionState } from './connection.ts'

/** Changes reach the screen together, at most so often: 500 a second cost no more than ten renderings. Milliseconds. */
const shortestPause = 100

/** What the page shows: the objects, how fresh they are, and who wants to know of changes. */
export class Live {
  readonly store = new Store()
  readonly clock = new PageClock()
  #connection: ConnectionState = { state: 'connecting', since: Date.now(), detail: 'asking for the cluster' }
  readonly #listeners = new Set<() => void>()
  #flushing = false
  #lastFlush = 0

  /** Follows the stream at `url` until `signal` ends it. */
  start(url: string, signal: AbortSignal): void {
    const connection = new Connection({
      url,
      copy: {
        put: (kind, key, body) => {
          this.store.put(kind, key, body)
          this.#schedule()
        },
        del: (kind, key) => {
          this.store.del(kind, key)
          this.#schedule()
        },
      },
      changed: state => {
        this.#connection = state
        this.#schedule()
      },
    })
    const hurry = () => {
      if (document.visibilityState === 'visible') connection.hurry()
    }
    addEventListener('online', hurry, { signal })
    document.addEventListener('visibilitychange', hurry, { signal })
    void connection.run(signal)
  }

  get connection(): ConnectionState {
    return this.#connection
  }

  /** A number that differs when an object of one of the kinds does. */
  version(kinds: readonly Kind[]): number {
    let sum = 0
    for (const kind of kinds) sum += this.store.version(kind)
    return sum
  }

  /** Calls back after changes, once for many. Answers what ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Before the next frame is drawn. A hidden page draws none, and shows the newest state when it is looked at again. */
  #schedule(): void {
    if (this.#flushing) return
    this.#flushing = true
    const wait = this.#lastFlush + shortestPause - performance.now()
    const draw = () => requestAnimationFrame(() => this.#flush())
    if (wait > 0) setTimeout(draw, wait)
    else draw()
  }

  #flush(): void {
    this.#flushing = false
    this.#lastFlush = performance.now()
    for (const listener of [...this.#listeners]) listener()
  }
}
