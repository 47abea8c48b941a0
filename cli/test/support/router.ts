import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import type { Test } from 'tap'

export interface Asked {
  readonly route: string
  readonly query: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of any shape
  readonly body: any
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, a text as it is. */
  readonly body?: unknown
}

export type Answerer = (asked: Asked) => Reply | Promise<Reply>

/** A router that answers as a test tells it. */
export interface ScriptedRouter {
  readonly url: string
  readonly feed: FeedWriter
  /** What was asked, in order. */
  readonly asked: readonly Asked[]
  /** Answers a route, `GET /marathon/v2/apps`, from now on. */
  on(route: string, answer: Answerer | Reply): void
}

export async function scriptedRouter(
  t: Test,
  routes: Readonly<Record<string, Answerer | Reply>> = {},
): Promise<ScriptedRouter> {
  const log = createLogger({ name: 'router', level: 'silent' })
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: createRegistry(), clock: systemClock },
    { name: 'router', health: new Health(), closeGrace: 50 },
  )
  const feed = new FeedWriter({ epoch: 'test', clock: systemClock })
  serveFeed(http.app, '/meseta/v1/events', feed, { log })
  const answers = new Map(Object.entries(routes))
  const asked: Asked[] = []
  http.app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    async handler(request, reply) {
      const route = `${request.method} ${request.url.split('?')[0]}`
      const one = { route, query: request.query as Record<string, string>, body: request.body }
      asked.push(one)
      const answer = answers.get(route)
      const { status, headers, body } =
        typeof answer === 'function'
          ? await answer(one)
          : (answer ?? { status: 404, body: { message: `no ${route} here` } })
      return reply
        .code(status ?? 200)
        .headers({ 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers })
        .send(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
    },
  })
  const url = await http.listen()
  t.teardown(() => http.close())
  return { url, feed, asked, on: (route, answer) => answers.set(route, answer) }
}
