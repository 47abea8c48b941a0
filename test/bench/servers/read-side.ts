import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '@meseta/common/service/clock'
import { Stream } from '@meseta/common/service/stream'
import type { ReadReply } from '@meseta/master/api/transport'
import { ReadThread } from '@meseta/master/replica/thread/read-thread'
import type { Change } from '@meseta/master/state/changes'
import { log } from '../support/component.ts'
import { benchFacts, clusterChanges, statusChange } from '../support/read-cluster.ts'

// The read side in its thread, filled with a cluster, behind a server on the main thread; tasks go on changing.
const [agents, tasks] = process.argv.slice(2).map(Number) as [number, number]
const empty = process.memoryUsage.rss()
let caughtUp = Promise.withResolvers<void>()
const thread = new ReadThread({
  clock: systemClock,
  log,
  failed: error => {
    throw error
  },
  caughtUp: () => caughtUp.resolve(),
})
thread.begin({
  feedEpoch: 'bench',
  facts: benchFacts,
  masters: [benchFacts.masterInfo],
  bounds: { completedFrameworks: 50, completedTasksPerFramework: 1_000 },
  rules: undefined,
})
let seq = 0
async function apply(changes: readonly Change[]): Promise<void> {
  thread.apply(++seq, changes)
  if (!thread.behind) return
  await caughtUp.promise
  caughtUp = Promise.withResolvers()
}

/** Resolves with the time that one small read takes, ms. */
function probe(): Promise<number> {
  const begun = performance.now()
  return new Promise(resolve => {
    const answer = () => resolve(performance.now() - begun)
    const stream = () => {
      throw new Error('a small answer is no stream')
    }
    thread.handle({ type: 'OLDER', route: '/weights', query: '', viewer: undefined }, { answer, stream })
  })
}

for (const changes of clusterChanges(agents, tasks)) {
  await apply(changes)
  if (seq % 100 === 0) await probe()
}
await probe()
const filled = process.memoryUsage.rss()

/** The longest that each thread was busy with one thing since the last question, ms. */
const pauses = monitorEventLoopDelay({ resolution: 1 })
pauses.enable()
let slowestRead = 0
void (async () => {
  for (;;) {
    slowestRead = Math.max(slowestRead, await probe())
    await new Promise(resolve => setTimeout(resolve, 2))
  }
})()

// 1,000 updates each second, as while a cluster is in use.
let changed = 0
setInterval(() => {
  const some = Array.from({ length: 50 }, () => changed++ % tasks)
  void apply(some.map(index => statusChange(index, agents, 'TASK_RUNNING', Date.now() / 1000)))
}, 50)

const replyOf = (response: ServerResponse): ReadReply => ({
  answer: ({ status, headers, body }) => response.writeHead(status, headers).end(body as Uint8Array),
  stream: headers => {
    response.writeHead(200, headers)
    return new Stream(response, { maxQueuedBytes: 64 * 1024 * 1024 })
  },
})
const server = createServer((request, response) => {
  const [route = '', query = ''] = request.url!.split('?')
  if (route === '/get-state')
    thread.handle(
      { type: 'CALL', call: 'GET_STATE', media: 'application/x-protobuf', viewer: undefined },
      replyOf(response),
    )
  else thread.handle({ type: 'OLDER', route, query, viewer: undefined }, replyOf(response))
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

process.on('message', () => {
  process.send?.({ empty, filled, rss: process.memoryUsage.rss(), mainPause: pauses.max / 1e6, slowestRead })
  pauses.reset()
  slowestRead = 0
})

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
