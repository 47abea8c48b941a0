import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
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

/** Processor time of the read side's thread, ms: what else the machine does is not in it. */
const timeOfThread = (): number =>
  Number(readFileSync(`/proc/self/task/${readSideThread}/schedstat`, 'utf8').split(' ')[0]) / 1e6

/** Linux names the threads of a process. */
const threadNamed = (name: string): string | undefined =>
  readdirSync('/proc/self/task').find(id => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === name)

/** Resolves with the time that the thread works until it has answered one small read, ms. */
function probe(): Promise<number> {
  const begun = timeOfThread()
  return new Promise(resolve => {
    const answer = () => resolve(timeOfThread() - begun)
    const stream = () => {
      throw new Error('a small answer is no stream')
    }
    thread.handle({ type: 'OLDER', route: '/weights', query: '', viewer: undefined }, { answer, stream })
  })
}

let readSideThread = threadNamed('read side')
while (readSideThread === undefined) {
  await new Promise(resolve => setTimeout(resolve, 10))
  readSideThread = threadNamed('read side')
}
for (const changes of clusterChanges(agents, tasks)) {
  await apply(changes)
  if (seq % 100 === 0) await probe()
}
await probe()
const filled = process.memoryUsage.rss()

/** The longest turn of the main thread since the last question, and the longest that a small read had to wait, ms of processor. */
let longestTurn = 0
let slowestRead = 0
let before = process.threadCpuUsage()
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before)
  before = process.threadCpuUsage()
  longestTurn = Math.max(longestTurn, (user + system) / 1000)
}, 1)
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
  process.send?.({ empty, filled, rss: process.memoryUsage.rss(), longestTurn, slowestRead })
  longestTurn = 0
  slowestRead = 0
})

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
