import type { Clock } from '@meseta/common/service/clock'
import fc from 'fast-check'
import t from 'tap'
import { Lane } from '../src/security/lane.ts'
import { RateLimitError, readRateLimits } from '../src/security/rate-limits.ts'
import type { Command } from '../src/state/commands.ts'
import type { Effect } from '../src/state/effects.ts'
import { Throttle } from '../src/throttle.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { HeartBench } from './support/heart-bench.ts'
import { Ground, getJson, until } from './support/process.ts'

t.test('limits that can not be meant are refused with the path of the field', async t => {
  const cases: [unknown, RegExp][] = [
    [[], /^must be a JSON object/],
    [{ limit: [] }, /^limit: is not known/],
    [{ limits: {} }, /^limits: must be a list/],
    [{ limits: [{}] }, /^limits\[0\]\.principal: /],
    [{ limits: [{ principal: 'p', qps: 0 }] }, /^limits\[0\]\.qps: must be a number, 0\.000001 or more/],
    [{ limits: [{ principal: 'p', qps: 1e-300 }] }, /^limits\[0\]\.qps: /],
    [{ limits: [{ principal: 'p', qps: '1' }] }, /^limits\[0\]\.qps: /],
    [{ limits: [{ principal: 'p', qps: 1, capacity: -1 }] }, /^limits\[0\]\.capacity: /],
    [{ limits: [{ principal: 'p', capacity: 1 }] }, /^limits\[0\]\.capacity: needs limits\[0\]\.qps/],
    [{ limits: [{ principal: 'p', rate: 1 }] }, /^limits\[0\]\.rate: is not known/],
    [{ limits: [{ principal: 'p' }, { principal: 'p' }] }, /^limits\[1\]\.principal: 'p' is there twice/],
    [{ aggregate_default_capacity: 1 }, /^aggregate_default_capacity: needs aggregate_default_qps/],
    [{ aggregate_default_qps: -1 }, /^aggregate_default_qps: /],
  ]
  for (const [json, message] of cases) t.throws(() => readRateLimits(json), { message }, JSON.stringify(json))
  fc.assert(
    fc.property(fc.jsonValue(), json => {
      try {
        readRateLimits(json)
        readRateLimits({ limits: json })
      } catch (error) {
        if (!(error instanceof RateLimitError)) throw error
      }
    }),
  )
})

t.test('in no time does more leave a lane than its rate allows, nothing is lost, and all leave in order', async () => {
  const steps = fc.array(fc.record({ pass: fc.nat(500), enter: fc.nat(20) }), { maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(30), steps, (qps, capacity, steps) => {
      const lane = new Lane<number>({ qps, capacity })
      const left: { thing: number; at: number }[] = []
      let now = 0
      let next = 0
      let taken = 0
      const leave = () => left.push(...lane.leave(now).map(thing => ({ thing, at: now })))
      for (const { pass, enter } of steps) {
        now += pass
        leave()
        for (let count = 0; count < enter; count++) {
          const entered = lane.enter(next, now)
          if (entered === 'now') left.push({ thing: next, at: now })
          if (entered !== 'full') taken += 1
          else if (lane.waiting !== capacity) throw new Error('full, and there is room')
          next += 1
        }
        if (lane.waiting > capacity) throw new Error('more wait than may')
        if (left.length > 1 + (now * qps) / 1_000 + 1e-6) throw new Error('too many have left')
      }
      now += 1e9
      leave()
      if (left.length !== taken || lane.waiting !== 0) throw new Error('lost')
      if (left.some(({ thing }, index) => index > 0 && thing < left[index - 1]!.thing)) throw new Error('out of order')
    }),
  )
})

/** A clock that goes on when the test says so. */
class Hand implements Clock {
  time = 0
  readonly #timers = new Set<{ at: number; action: () => void }>()
  now = () => this.time
  monotonic = () => this.time
  after = (delay: number, action: () => void) => {
    const timer = { at: this.time + delay, action }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }
  every = () => ({ cancel: () => undefined })
  pass(ms: number): void {
    for (const end = this.time + ms; this.time < end; this.time += 1)
      for (const timer of [...this.#timers])
        if (timer.at <= this.time) {
          this.#timers.delete(timer)
          timer.action()
        }
  }
}

t.test('each principal has its own rate, others share one, and what is dropped is told', async t => {
  const bench = new HeartBench()
  const framework = bench.framework({ principal: 'slow' })
  const clock = new Hand()
  const passed: number[] = []
  const said: Effect[] = []
  const throttle = new Throttle({
    limits: readRateLimits({
      limits: [{ principal: 'slow', qps: 10, capacity: 2 }, { principal: 'free' }],
      aggregate_default_qps: 1,
      aggregate_default_capacity: 0,
    }),
    clock,
    cluster: bench.heart.cluster,
    pass: (...commands) => passed.push(...commands.map(command => (command.type === 'CALL' ? command.request : -1))),
    say: effect => said.push(effect),
  })
  const call = (
    request: number,
    principal: string | undefined,
    id = framework.id,
    streamId = framework.stream,
  ): Command => ({
    type: 'CALL',
    request,
    call: { type: 'REVIVE', framework_id: { value: id } },
    streamId,
    principal,
  })
  throttle.take(call(1, undefined), call(2, undefined), call(3, 'slow'), call(4, 'slow'), call(5, 'slow'))
  t.same(passed, [1], 'unless somebody was authenticated, it is the principal of the framework')
  const error = (request: number) => [
    { type: 'REPLY', request, status: 429, message: /Message REVIVE dropped: capacity\(2\) exceeded/ },
    { type: 'EVENT', streamId: framework.stream, event: { type: 'ERROR' } },
  ]
  t.match(said.splice(0), [...error(4), ...error(5)])
  throttle.take({ type: 'STREAM_BROKEN', streamId: 'x' })
  t.same(passed, [1, -1], 'what is no call does not wait')
  clock.pass(102)
  t.same(passed, [1, -1, 2])
  clock.pass(102)
  t.same(passed, [1, -1, 2, 3])
  throttle.take(call(6, 'free'), call(7, 'free'), call(8, 'other'), call(9, 'another'))
  t.same(passed, [1, -1, 2, 3, 6, 7, 8])
  t.match(said, [{ type: 'REPLY', request: 9, status: 429 }], 'who is not its owner says nothing on the stream')
  t.equal(said.length, 1)
  t.same(throttle.metrics['frameworks/slow/messages_received'], 5)
  t.same(throttle.metrics['frameworks/slow/messages_processed'], 3)
  throttle.take(call(10, 'slow'), call(11, 'slow'))
  throttle.stop()
  clock.pass(10_000)
  t.equal(passed.includes(11), false, 'nothing passes after the end')
})

t.test('over HTTP a call above the rate is a 429, and an ERROR on the stream', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const limits = { limits: [{ principal: 'p', qps: 0.001, capacity: 0 }] }
  const url = await ground.leader(`--rate_limits=${JSON.stringify(limits)}`)
  const scheduler = await new FakeScheduler(url, { principal: 'p' }).subscribe()
  const answer = await send(
    `${url}/api/v1/scheduler`,
    'POST',
    { 'content-type': 'application/json', 'mesos-stream-id': scheduler.streamId! },
    JSON.stringify({ type: 'TEARDOWN', framework_id: { value: scheduler.id } }),
  )
  t.match(answer, { status: 429, text: /Message TEARDOWN dropped: capacity\(0\) exceeded/ })
  await until(() => scheduler.events.some(({ type }) => type === 'ERROR'), 'the error')
  const { frameworks } = await getJson<{ frameworks: { active: boolean }[] }>(`${url}/frameworks`)
  t.match(frameworks, [{ active: true }], 'nothing of it was done')
  const metrics = await getJson(`${url}/metrics/snapshot`)
  t.match(metrics, { 'frameworks/p/messages_received': 2, 'frameworks/p/messages_processed': 1 })
  await t.rejects(ground.master('--rate_limits={"limits":{}}'), { message: /^--rate-limits: limits: must be a list/ })
})
