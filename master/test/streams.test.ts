import type { FeedWriter } from '@meseta/common/feed/writer'
import type { Clock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import type { OutStream } from '@meseta/common/service/stream'
import t from 'tap'
import { Heartbeats } from '../src/api/heartbeats.ts'
import { OperatorStreams } from '../src/api/operator-stream.ts'
import { SchedulerEndpoint } from '../src/api/scheduler.ts'
import { Replica } from '../src/replica/replica.ts'
import { seesAll } from '../src/replica/views.ts'
import type { Command } from '../src/state/commands.ts'

/** A clock that each test moves; `every` is all that the streams use of it. */
class HandClock implements Clock {
  time = 0
  readonly #actions = new Set<() => void>()

  now(): number {
    return 1.7e12 + this.time
  }

  monotonic(): number {
    return this.time
  }

  after(): { cancel(): void } {
    return { cancel: () => undefined }
  }

  every(_interval: number, action: () => void): { cancel(): void } {
    this.#actions.add(action)
    return { cancel: () => this.#actions.delete(action) }
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.time += 1_000
      for (const action of [...this.#actions]) action()
    }
  }
}

/** A stream that keeps the types of its events. */
class Kept implements OutStream {
  readonly types: (string | undefined)[] = []
  readonly queuedBytes = 0
  ended = false
  readonly #closing: ((reason: 'ended') => void)[] = []

  write(record: Uint8Array): boolean {
    const text = Buffer.from(record).toString()
    this.types.push((JSON.parse(text.slice(text.indexOf('\n') + 1)) as { type?: string }).type)
    return true
  }

  end(): void {
    this.ended = true
    for (const listener of this.#closing) listener('ended')
  }

  destroy(): void {
    this.end()
  }

  get closed(): boolean {
    return this.ended
  }

  onClose(listener: (reason: 'ended') => void): void {
    this.#closing.push(listener)
  }

  onDrain(): void {}
}

t.test("a scheduler's stream beats each 15 s", async t => {
  const clock = new HandClock()
  const commands: Command[] = []
  const endpoint = new SchedulerEndpoint({
    clock,
    random: systemRandom,
    dispatch: (...given) => commands.push(...given),
  })
  const stream = new Kept()
  const body = Buffer.from('{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}')
  endpoint.handle(
    { method: 'POST', path: '/', query: '', headers: { 'content-type': 'application/json' }, body },
    { answer: () => t.fail('not a stream'), stream: () => stream },
  )
  const [{ request, streamId = '' }] = commands as [Command & { type: 'CALL' }]
  endpoint.carryOut({ type: 'STREAM_OPENED', request, streamId, frameworkId: 'f' })
  clock.pass(14)
  t.same(stream.types, [])
  clock.pass(47)
  t.same(stream.types, Array(4).fill('HEARTBEAT'))
  endpoint.stop()
  t.ok(stream.ended)
  clock.pass(60)
  t.equal(stream.types.length, 4)
})

t.test('streams that began apart beat each in its own time', async t => {
  const clock = new HandClock()
  const beats: string[] = []
  const heartbeats = new Heartbeats<string>(clock, name => beats.push(`${name} ${clock.time / 1000}`))
  heartbeats.begin('one')
  clock.pass(5)
  heartbeats.begin('two')
  clock.pass(40)
  t.same(beats, ['one 15', 'two 20', 'one 30', 'two 35', 'one 45'])
  heartbeats.end('one')
  clock.pass(15)
  t.same(beats.slice(5), ['two 50'])
  heartbeats.stop()
})

t.test("operators' streams beat each 15 s, and of more than 1,000 the oldest ends", async t => {
  const clock = new HandClock()
  const feed = { put: () => true, del: () => true, attach: () => undefined } as unknown as FeedWriter
  const facts = {
    clusterName: 'c',
    clusterId: 'i',
    version: '1.11.0',
    masterInfo: { id: 'M', ip: 0, port: 5050 },
    startedAt: 0,
    electedAt: 0,
    weights: new Map(),
    flags: {},
    buildTime: 0,
  }
  const bounds = { completedFrameworks: 1, completedTasksPerFramework: 1 }
  const streams = new OperatorStreams(clock, new Replica({ clock, feed, facts, bounds }))
  const subscribe = async () => {
    const stream = new Kept()
    await streams.subscribe({ answer: () => t.fail('not a stream'), stream: () => stream }, 'application/json', seesAll)
    return stream
  }
  const first = await subscribe()
  const second = await subscribe()
  t.same(first.types, ['SUBSCRIBED', 'HEARTBEAT'])
  clock.pass(31)
  t.same(first.types.slice(2), ['HEARTBEAT', 'HEARTBEAT'])
  for (let i = 0; i < 999; i++) await subscribe()
  t.ok(first.ended)
  t.notOk(second.ended)
  t.equal(streams.size, 1_000)
  streams.stop()
  t.ok(second.ended)
})
