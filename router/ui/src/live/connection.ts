import { Following } from './following.ts'
import { FrameCutter } from './sse.ts'

/** `connecting` until the first whole state is here, `unreached` when that has failed; later `live` or `lost`. */
export interface ConnectionState {
  readonly state: 'connecting' | 'unreached' | 'live' | 'lost'
  /** Wall time, ms. */
  readonly since: number
  readonly detail: string
}

export interface ConnectionOptions {
  readonly url: string
  readonly copy: ConstructorParameters<typeof Following>[0]
  readonly changed: (state: ConnectionState) => void
}

/** The server sends at least a comment each 10 s: so much silence means that the connection is dead. */
const silence = 25_000
const firstWait = 500
const longestWait = 30_000

/**
 * The page's one connection: the router's event stream, followed for ever. `fetch` and not EventSource, which hides the comments that
 * tell a quiet cluster from a dead connection, and gives up for good when the router answers 503 once.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #following: Following
  #state: ConnectionState = { state: 'connecting', since: Date.now(), detail: 'asking for the cluster' }
  #failures = 0
  #wasLive = false
  #wake: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#following = new Following(options.copy)
  }

  /** Follows until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let detail: string
      try {
        detail = await this.#once(signal)
      } catch (error) {
        detail = error instanceof Error ? error.message : String(error)
      }
      if (signal.aborted) return
      this.#set(this.#wasLive ? 'lost' : 'unreached', detail)
      await this.#pause(
        Math.min(longestWait, firstWait * 2 ** Math.min(this.#failures, 10)) * (0.5 + Math.random() / 2),
      )
      this.#failures += 1
    }
  }

  /** Tries again now: the network is back, or somebody looks again. */
  hurry(): void {
    this.#wake?.()
  }

  /** One connection, until it ends. Answers why it did. */
  async #once(signal: AbortSignal): Promise<string> {
    const ended = new AbortController()
    const watch = new Watch(() => ended.abort(new Error(`nothing was heard for ${silence / 1000} s`)))
    try {
      const place = this.#following.connecting()
      const url = new URL(this.#options.url, location.href)
      if (place !== '') url.searchParams.set('after', place)
      const response = await fetch(url, {
        headers: { accept: 'text/event-stream' },
        cache: 'no-store',
        signal: AbortSignal.any([signal, ended.signal]),
      })
      if (!response.ok || !response.body) return `the router answered ${response.status}`
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      const cutter = new FrameCutter()
      while (true) {
        const { done, value } = await reader.read()
        if (done) return 'the router ended the stream'
        watch.heard()
        for (const frame of cutter.push(value)) this.#following.frame(frame)
        if (this.#following.whole) this.#alive()
      }
    } finally {
      watch.stop()
      ended.abort()
    }
  }

  #alive(): void {
    this.#wasLive = true
    this.#failures = 0
    this.#set('live', 'following')
  }

  #set(state: ConnectionState['state'], detail: string): void {
    if (this.#state.state === state && this.#state.detail === detail) return
    const since = this.#state.state === state ? this.#state.since : Date.now()
    this.#state = { state, since, detail }
    this.#options.changed(this.#state)
  }

  #pause(time: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, time)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Calls back when nothing was heard for too long. One timer, however much is heard. */
class Watch {
  #last = performance.now()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(dead: () => void) {
    this.#timer = setInterval(() => {
      if (performance.now() - this.#last > silence) dead()
    }, silence / 5)
  }

  heard(): void {
    this.#last = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
