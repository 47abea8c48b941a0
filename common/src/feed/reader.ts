import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import type { Logger } from 'pino'
import type { Clock, Timer } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import { BadFeed, type FeedListener, Following } from './following.ts'
import { FrameTooLarge, SseParser } from './sse.ts'

export type { FeedListener } from './following.ts'

/** `live`: the copy is complete and follows. `lost`: it is of the past, and `detail` says why. Each is told once per change. */
export type FeedState = 'live' | 'lost'

export interface FollowFeedOptions {
  /** The feed's URL, or what finds it before each connection (a leader moves); `undefined` means that nobody knows now. */
  readonly url: string | (() => Promise<string | undefined>)
  readonly clock: Clock
  readonly random: Pick<Random, 'next'>
  readonly log: Logger
  readonly on: FeedListener & { state?(state: FeedState, detail: string): void }
  /** The first and the longest wait before a reconnection, ms: 200 and 5,000 unless said; doubled each time, and a random half of it taken off. */
  readonly retry?: { readonly first?: number; readonly longest?: number }
  /** Silence that means death, ms; 25 s unless said. Also how long the first byte may take. */
  readonly silence?: number
  /** The largest frame, bytes; 4 MiB unless said. */
  readonly maxFrame?: number
  /** Headers of each request. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface FollowedFeed {
  readonly state: FeedState
  /** Ends it: no listener is called any more. Idempotent. */
  stop(): void
}

/**
 * Keeps a copy of a feed up to date, for ever: reconnects, resumes where it was, follows one redirect (307) to the leader.
 * What the listener knows stays as it is while the feed is lost, and is corrected when it is back.
 */
export function followFeed(options: FollowFeedOptions): FollowedFeed {
  const follower = new Follower(options)
  follower.start()
  return follower
}

class Follower implements FollowedFeed {
  readonly #options: FollowFeedOptions
  readonly #following: Following
  readonly #silence: number
  #request: ClientRequest | undefined
  #timer: Timer | undefined
  #watch: Timer | undefined
  #lastHeard = 0
  #failures = 0
  #attempt = 0
  #state: FeedState | undefined
  #stopped = false

  constructor(options: FollowFeedOptions) {
    this.#options = options
    this.#following = new Following(options.on)
    this.#silence = options.silence ?? 25_000
  }

  get state(): FeedState {
    return this.#state ?? 'lost'
  }

  start(): void {
    this.#attempt += 1
    void this.#connect(this.#attempt)
  }

  stop(): void {
    this.#stopped = true
    this.#attempt += 1
    this.#timer?.cancel()
    this.#release()
  }

  async #connect(attempt: number): Promise<void> {
    try {
      const { url } = this.#options
      const base = typeof url === 'string' ? url : await url()
      if (attempt !== this.#attempt) return
      if (base === undefined) return this.#lost(attempt, 'nobody is known to serve it')
      const place = this.#following.connecting()
      const target = new URL(base)
      if (place !== undefined) target.searchParams.set('after', place)
      this.#lastHeard = this.#options.clock.monotonic()
      this.#watch = this.#options.clock.every(this.#silence / 5, () => this.#checkSilence(attempt))
      this.#ask(attempt, target, true)
    } catch (error) {
      this.#lost(attempt, (error as Error).message)
    }
  }

  #ask(attempt: number, url: URL, mayRedirect: boolean): void {
    const get = url.protocol === 'https:' ? httpsGet : httpGet
    const headers = { ...this.#options.headers, accept: 'text/event-stream' }
    const request = get(url, { agent: false, headers }, response => {
      if (attempt !== this.#attempt) return void response.destroy()
      const { statusCode: status = 0, headers } = response
      if (status === 307 && mayRedirect && headers.location !== undefined && URL.canParse(headers.location, url.href)) {
        request.destroy()
        return this.#ask(attempt, new URL(headers.location, url), false)
      }
      if (status !== 200 || !headers['content-type']?.startsWith('text/event-stream')) {
        return this.#lost(attempt, `${url.origin}${url.pathname} answers ${status} and no event stream`)
      }
      this.#read(attempt, response)
    })
    this.#request = request
    request.on('error', error => {
      if (this.#request === request) this.#lost(attempt, `${url.host}: ${error.message}`)
    })
  }

  #read(attempt: number, response: IncomingMessage): void {
    const parser = new SseParser(this.#options.maxFrame)
    response.on('data', (chunk: Buffer) => {
      if (attempt !== this.#attempt) return
      this.#lastHeard = this.#options.clock.monotonic()
      try {
        for (const frame of parser.push(chunk)) {
          this.#following.frame(frame)
          if (attempt !== this.#attempt) return
        }
      } catch (error) {
        if (!(error instanceof BadFeed || error instanceof FrameTooLarge))
          this.#options.log.error({ err: error }, 'what follows the feed failed on a change')
        return this.#lost(attempt, (error as Error).message)
      }
      if (this.#following.live) this.#alive()
    })
    response.on('close', () => this.#lost(attempt, 'the server ended the stream'))
    response.on('error', error => this.#lost(attempt, error.message))
  }

  #alive(): void {
    this.#failures = 0
    this.#tell('live', 'the feed is complete and followed')
  }

  #checkSilence(attempt: number): void {
    const silent = this.#options.clock.monotonic() - this.#lastHeard
    if (silent >= this.#silence) this.#lost(attempt, `nothing was heard for ${Math.round(silent / 1000)} s`)
  }

  #lost(attempt: number, detail: string): void {
    if (attempt !== this.#attempt || this.#stopped) return
    this.#attempt += 1
    this.#release()
    this.#tell('lost', detail)
    const { first = 200, longest = 5_000 } = this.#options.retry ?? {}
    const wait = Math.min(longest, first * 2 ** Math.min(this.#failures, 16))
    this.#failures += 1
    this.#timer = this.#options.clock.after(wait * (0.5 + this.#options.random.next() / 2), () => this.start())
  }

  #release(): void {
    this.#watch?.cancel()
    this.#watch = undefined
    const request = this.#request
    this.#request = undefined
    request?.destroy()
  }

  #tell(state: FeedState, detail: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.log[state === 'live' ? 'info' : 'warn']({ state, detail }, 'feed')
    this.#options.on.state?.(state, detail)
  }
}
