import t from 'tap'
import { framework } from './harness.ts'
import { HeartBench } from './heart-bench.ts'

const seconds = (value: number) => ({ grace_period: { nanoseconds: value * 1e9 } })

function running(rest: Parameters<HeartBench['run']>[1] = {}): HeartBench {
  const bench = new HeartBench()
  bench.register()
  bench.run('web', rest)
  return bench
}

const kill = (bench: HeartBench, grace?: number) =>
  bench.master({
    kill_task: {
      framework_id: { value: 'fw-1' },
      task_id: { value: 'web' },
      ...(grace === undefined ? {} : { kill_policy: seconds(grace) }),
    },
  })

/** Signals so far, with the time since the beginning of the bench. */
function signalsIn(bench: HeartBench, milliseconds: number): [number, number][] {
  const signals: [number, number][] = []
  const begin = bench.mono
  let known = bench.of('kill').length
  for (let time = 0; time <= milliseconds; time += 100) {
    bench.pass(begin + time - bench.mono)
    for (const { signal } of bench.of('kill').slice(known)) signals.push([time, signal])
    known = bench.of('kill').length
  }
  return signals
}

t.test('SIGKILL comes after the grace period, and again each second until the end', async test => {
  const bench = running({ kill_policy: seconds(5) })
  kill(bench)
  test.match(bench.of('kill'), [{ signal: 15 }])
  test.strictSame(signalsIn(bench, 7_000), [
    [5_000, 9],
    [6_000, 9],
    [7_000, 9],
  ])
  bench.exit('web', 137)
  test.strictSame(signalsIn(bench, 5_000), [])
  test.strictSame(bench.told('web'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED'])
})

t.test('a second kill shortens the grace period, and never lengthens it', async test => {
  const bench = running()
  kill(bench, 10)
  kill(bench, 60)
  bench.acknowledgeAll()
  test.equal((bench.heart.nextDeadline() ?? 0) - bench.mono, 10_000)
  bench.pass(1_000)
  kill(bench, 2)
  test.strictSame(signalsIn(bench, 2_500), [[2_000, 9]])
  test.equal(bench.told('web').filter(state => state === 'TASK_KILLING').length, 1)
})

t.test('a jump of the clock lengthens no grace period and cuts none short', async test => {
  const hour = 3_600_000
  for (const jump of [-hour, hour]) {
    const bench = running()
    kill(bench, 10)
    bench.pass(4_000)
    bench.wallAhead += jump
    kill(bench, 60)
    test.equal((bench.heart.core.tasks.get('fw-1/web')?.kill?.deadline ?? 0) - bench.mono, 6_000)
    bench.exit('web', 0)
    test.match(bench.of('reap'), [{ grace: 6_000 }], 'what it left keeps the rest')
  }
})

t.test('an executor that is shut down gives its tasks no longer than it has itself', async test => {
  const bench = running({ kill_policy: seconds(60) })
  bench.master({ shutdown_executor: { framework_id: { value: 'fw-1' }, executor_id: { value: 'web' } } })
  test.strictSame(signalsIn(bench, 5_500), [[5_000, 9]])
})

t.test('of a framework that is removed nothing is told, and everything goes', async test => {
  const bench = running()
  bench.run('over')
  bench.acknowledgeAll()
  bench.exit('over', 0)
  const before = bench.sent().length
  bench.master({ shutdown_framework: { framework_id: { value: 'fw-1' } } })
  test.equal(bench.heart.core.tasks.has('fw-1/over'), false, 'it waits for no acknowledgement')
  test.match(bench.of('kill'), [{ signal: 15 }])
  bench.exit('web', 0)
  test.strictSame(bench.sent().slice(before), [])
  test.equal(bench.heart.core.frameworks.size, 0)
  test.equal(bench.heart.nextDeadline(), undefined)
})

t.test('the time that a task may take runs from TASK_RUNNING on, and ends by force', async test => {
  const bench = running({ max_completion_time: { nanoseconds: 3e9 } })
  test.strictSame(signalsIn(bench, 4_000).slice(0, 2), [
    [3_000, 15],
    [3_000, 9],
  ])
  bench.exit('web', 137)
  test.strictSame(bench.told('web'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED'])
})

t.test('what a framework without checkpoints runs is stored nowhere', async test => {
  const bench = new HeartBench()
  bench.register()
  const before = bench.of('write').length
  bench.run('volatile', {}, { ...framework, checkpoint: false })
  bench.exit('volatile', 0)
  test.strictSame(bench.told('volatile'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'])
  test.equal(bench.of('write').length, before)
  test.strictSame([...bench.of('append'), ...bench.of('replace')], [])
})
