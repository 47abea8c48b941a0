import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Clock } from '@meseta/common/service/clock'
import { Agent, request } from 'undici'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Bytes of an answer that are kept. */
const maxBody = 2 * 1024

/** Runs checks from this process (contract 4.4). Certificates are not checked. Each check opens a connection of its own. */
export class Prober {
  readonly #clock: Clock
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false }, pipelining: 0 })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined when it is alive, else why it is not. `timeout` in ms. */
  async checkHttp(url: string, timeout: number): Promise<string | undefined> {
    try {
      const { status } = await this.get(url, timeout)
      return status >= 200 && status < 400 ? undefined : `HTTP status ${status} from ${url}`
    } catch (error) {
      return `${reasonOf(error)} at ${url}`
    }
  }

  async checkTcp(host: string, port: number, timeout: number): Promise<string | undefined> {
    try {
      await this.#within(timeout, signal => connected(host, port, signal))
      return undefined
    } catch (error) {
      return `${reasonOf(error)} at ${host}:${port}`
    }
  }

  get(url: string, timeout: number): Promise<HttpAnswer> {
    return this.#within(timeout, signal => this.#get(url, signal))
  }

  async #get(url: string, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await request(url, { dispatcher: this.#agent, signal, headers: { 'user-agent': 'Marathon' } })
    let body = ''
    for await (const chunk of answer.body) {
      body += String(chunk)
      if (body.length >= maxBody) break
    }
    const type = answer.headers['content-type']
    return {
      status: answer.statusCode,
      contentType: (Array.isArray(type) ? type[0] : type) ?? '',
      body: body.slice(0, maxBody),
    }
  }

  /** On the component's clock: the platform's own timeouts end at 2^32 ms, which a definition may exceed. */
  async #within<T>(timeout: number, look: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const timer = this.#clock.after(timeout, () => abort.abort())
    try {
      return await look(abort.signal)
    } finally {
      timer.cancel()
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

async function connected(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connectTcp({ host, port, signal })
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError') return 'timed out'
  return (error as NodeJS.ErrnoException).code ?? error.message
}
