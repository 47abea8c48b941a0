import type { HealthCheck } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { HeartBench } from './heart-bench.ts'

const failed = { passed: false, detail: 'no' }
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

t.test('success is told once, every failure is, and only failures in a row kill', async test => {
  const bench = sick({ grace_period_seconds: 0, consecutive_failures: 3 })
  for (const result of [passed, passed, failed, failed, passed, passed, failed, failed])
    bench.probed('web', 'health', result)
  test.strictSame(bench.told('web').slice(2), [
    'TASK_RUNNING true',
    'TASK_RUNNING false',
    'TASK_RUNNING false',
    'TASK_RUNNING true',
    'TASK_RUNNING false',
    'TASK_RUNNING false',
  ])
  test.equal(bench.task('web').statuses.length, 2, 'a state is remembered by its newest status')
  test.strictSame(bench.of('kill'), [])
  bench.probed('web', 'health', failed)
  test.match(bench.of('kill'), [{ signal: 15 }])
  bench.probed('web', 'health', passed)
  bench.probed('web', 'health', failed)
  bench.pass(2_000)
  test.strictSame(bench.told('web').slice(8), ['TASK_RUNNING false', 'TASK_KILLING false'], 'a kill ends the checks')
  test.strictSame(bench.of('probe'), [])
  bench.exit('web', 143)
  test.strictSame(bench.told('web').slice(10), ['TASK_KILLED false'])
})

t.test('failures within the grace period are told only after a first success', async test => {
  const bench = sick({ grace_period_seconds: 60, consecutive_failures: 1 })
  bench.probed('web', 'health', failed)
  test.strictSame(bench.told('web').slice(2), [])
  bench.probed('web', 'health', passed)
  bench.probed('web', 'health', failed)
  test.strictSame(bench.told('web').slice(2, 4), ['TASK_RUNNING true', 'TASK_RUNNING false'])
  test.match(bench.of('kill'), [{ signal: 15 }])
})

t.test('without a success the grace period ends, and failures count from then on', async test => {
  const bench = sick({ grace_period_seconds: 60, consecutive_failures: 2 })
  bench.probed('web', 'health', failed)
  bench.mono += 60_000
  bench.probed('web', 'health', failed)
  test.strictSame(bench.of('kill'), [])
  bench.probed('web', 'health', failed)
  test.match(bench.of('kill'), [{ signal: 15 }])
})
