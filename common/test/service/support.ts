import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { pino } from 'pino'
import { systemClock } from '../../src/service/clock.ts'
import { Health } from '../../src/service/health.ts'
import { createHttp, type HttpOptions, type HttpService } from '../../src/service/http.ts'
import { createRegistry } from '../../src/service/metrics.ts'

export const quiet = pino({ level: 'silent' })

/** A server with the house's rules on a free port, and where it listens. */
export async function serve(
  routes: (http: HttpService) => void = () => undefined,
  options: Partial<HttpOptions> = {},
  flags: { ip?: string; hostname?: string } = {},
): Promise<{ http: HttpService; url: string; port: number; health: Health }> {
  const health = options.health ?? new Health()
  const http = createHttp(
    {
      flags: { ip: '127.0.0.1', port: 0, ...flags },
      log: quiet,
      metrics: createRegistry(),
      clock: systemClock,
    },
    { name: 'tested', ...options, health },
  )
  routes(http)
  const url = await http.listen()
  return { http, url, port: Number(new URL(url).port), health }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** One request with exactly these headers; fetch would not let us lie about Host. */
export function ask(url: string, options: RequestOptions & { body?: string | Uint8Array } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request: ClientRequest = httpRequest(url, { agent: false, ...options }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    request.on('error', reject)
    request.end(options.body)
  })
}

/** Sends bytes as they are and answers all that comes back until the server closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}

/** Waits for a condition that another process or socket brings about; fails after 10 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited 10 s for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
