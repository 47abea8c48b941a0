import { connect as connectTcp } from 'node:net'
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
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false }, pipelining: 0 })

  /** Undefined when it is alive, else why it is not. `timeout` in ms. */
  async checkHttp(url: string, timeout: number): Promise<string | undefined> {
    try {
      const { status } = await this.get(url, timeout)
      return status >= 200 && status < 400 ? undefined : `HTTP status ${status} from ${url}`
    } catch (error) {
      return `${reasonOf(error)} at ${url}`
    }
  }

  checkTcp(host: string, port: number, timeout: number): Promise<string | undefined> {
    return new Promise(resolve => {
      const socket = connectTcp({ host, port, timeout })
      const finish = (reason: string | undefined): void => {
        socket.destroy()
        resolve(reason)
      }
      socket.once('connect', () => finish(undefined))
      socket.once('timeout', () => finish(`timed out at ${host}:${port}`))
      socket.once('error', error => finish(`${reasonOf(error)} at ${host}:${port}`))
    })
  }

  async get(url: string, timeout: number): Promise<HttpAnswer> {
    const answer = await request(url, {
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(timeout),
      headers: { 'user-agent': 'Marathon' },
    })
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

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'timed out'
  return (error as NodeJS.ErrnoException).code ?? error.message
}
