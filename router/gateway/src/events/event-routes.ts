import { type ServeFeedOptions, serveFeed, topicsAsked, unknownTopic } from '@meseta/common/feed/serve'
import type { Clock } from '@meseta/common/service/clock'
import { HttpError } from '@meseta/common/service/errors'
import type { Random } from '@meseta/common/service/random'
import { type OutStream, openStream } from '@meseta/common/service/stream'
import type { FastifyInstance } from 'fastify'
import { EventStream, type StreamContext } from './event-stream.ts'
import { snapshotText } from './snapshot.ts'

export interface EventRoutesContext extends StreamContext {
  readonly clock: Clock
  readonly random: Random
  readonly log: ServeFeedOptions['log']
  /** How long a reader of a snapshot may not read, ms; 30 s unless said. */
  readonly stallTimeout?: number
}

/** What windows show is told together, at most so often, ms. */
const shortestPause = 100

/** Snapshots that are on their way at a time. */
const mostSnapshots = 100

const body = {
  type: 'object',
  required: ['topics'],
  additionalProperties: false,
  properties: {
    topics: { type: ['array', 'null'], maxItems: 200, items: { type: 'string', minLength: 1, maxLength: 1024 } },
  },
}

/** The router's own stream, what changes an open one, and its state in one answer (dashboard contract, 5). Answers what ends them. */
export function addEventRoutes(app: FastifyInstance, context: EventRoutesContext): () => void {
  const { clock, random, log, writer, tasks } = context
  const streams = new Map<string, EventStream>()
  serveFeed(app, '/meseta/v1/events', writer, {
    log,
    clock,
    host: topics => {
      const stream = new EventStream(random.uuid(), topics, context)
      const welcome: EventStream['welcome'] = reader => {
        streams.set(stream.id, stream)
        reader.onLeave(() => streams.delete(stream.id))
        stream.welcome(reader)
      }
      return { welcome, hello: kinds => stream.hello(kinds) }
    },
  })
  app.put('/meseta/v1/events/:stream', { schema: { body } }, async request => {
    const stream = streams.get((request.params as { stream: string }).stream)
    if (!stream) throw new HttpError(404, 'there is no such stream; its id is in the hello of an open one')
    return stream.choose((request.body as { topics: string[] | null }).topics ?? undefined)
  })

  let seen = 0
  const timer = clock.every(shortestPause, () => {
    if (seen === tasks.version) return
    seen = tasks.version
    for (const stream of streams.values()) stream.tell()
  })

  let snapshots = 0
  app.get('/meseta/v1/snapshot', async (request, reply) => {
    const { kinds, others } = topicsAsked(request)
    if (others.length > 0) throw unknownTopic(others[0]!)
    if (snapshots >= mostSnapshots)
      throw new HttpError(503, `${mostSnapshots} snapshots are being read; try again later`, {
        headers: { 'retry-after': '5' },
      })
    snapshots += 1
    const { epoch, seq } = writer
    const hello = { epoch, seq, topics: [...(kinds ?? ['*'])], sources: context.sources() }
    const stream = openStream(reply, {
      contentType: 'application/json; charset=utf-8',
      stallTimeout: context.stallTimeout ?? 30_000,
      clock,
    })
    stream.onClose(() => {
      snapshots -= 1
    })
    await pour(snapshotText(writer, kinds, hello), stream)
    return reply
  })
  return () => timer.cancel()
}

/** Writes all of it, at the pace of the reader. What can not be told to its end breaks off. */
async function pour(text: AsyncIterable<string>, stream: OutStream): Promise<void> {
  let goOn = () => {}
  stream.onDrain(() => goOn())
  stream.onClose(() => goOn())
  try {
    for await (const part of text) {
      const left = new Promise<void>(resolve => {
        goOn = resolve
      })
      if (!stream.write(part)) return
      await left
    }
    stream.end()
  } catch {
    stream.destroy()
  }
}
