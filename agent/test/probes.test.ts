import type { HealthCheck } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { HeartBench } from './heart-bench.ts'

const passed = { passed: true }
const http = { type: 'HTTP', http: { port: 80 } } as const

function sick(rest: HealthCheck = {}): HeartBench {
  const bench = new HeartBench()
  bench.register()
  bench.run('web', { health_check: { ...http, delay_seconds: 2, interval_seconds: 5, ...rest } })
  return bench
}

t.test('a check is run first after its delay, then an interval after the end of the one before', async test => {
  const bench = sick()
  const runs = () => bench.of('probe').length
  bench.pass(1_999)
  test.equal(runs(), 0)
  bench.pass(1)
  test.equal(runs(), 1)
  bench.pass(60_000)
  test.equal(runs(), 1, 'not beside one that goes on')
  bench.probed('web', 'health', passed)
  bench.pass(4_999)
  test.equal(runs(), 1)
  bench.pass(1)
  test.equal(runs(), 2)
})

t.test('times of any size are waited for, and stop nothing', async test => {
  const bench = sick({ delay_seconds: 1e300, timeout_seconds: 1e300, grace_period_seconds: 1e300 })
  test.ok(Number.isSafeInteger(Math.ceil(bench.heart.nextDeadline() ?? 0)))
  bench.run('soon', { health_check: { ...http, delay_seconds: 0, timeout_seconds: 1e300 } })
  bench.step({ type: 'tick' })
  test.ok(Number.isSafeInteger(bench.of('probe')[0]?.run.timeout))
})
