import type { DrainConfig, FrameworkInfo } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { loadCheckpoints } from '../src/checkpoints/load.ts'
import { MemoryCheckpoints } from '../src/checkpoints/memory.ts'
import { Heart } from '../src/core/heart.ts'
import type { Effect } from '../src/core/messages.ts'
import { framework, taskInfo } from './harness.ts'
import { config, HeartBench } from './heart-bench.ts'

const seconds = (value: number) => ({ nanoseconds: value * 1e9 })
const policy = (value: number) => ({ kill_policy: { grace_period: seconds(value) } })
const checkpoint: FrameworkInfo = { ...framework, checkpoint: true }

const drain = (bench: HeartBench, drainConfig: DrainConfig = {}) => bench.master({ drain: { config: drainConfig } })

/** The newest status of a task that was sent. */
const last = (bench: HeartBench, id: string) =>
  bench
    .sent()
    .flatMap(({ status_update: update }) => update?.status ?? [])
    .findLast(({ task_id }) => task_id.value === id)

/** Milliseconds from now until the first SIGKILL. */
function untilSigkill(bench: HeartBench): number {
  const begin = bench.mono
  while (!bench.of('kill').some(({ signal }) => signal === 9) && bench.mono - begin < 60_000) bench.pass(100)
  return bench.mono - begin
}

t.test('all tasks are killed, and their ends say why', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.run('a')
  bench.run('b')
  bench.acknowledgeAll()
  drain(bench)
  test.match(bench.of('kill'), [{ signal: 15 }, { signal: 15 }])
  bench.acknowledgeAll()
  bench.exit('a', 143)
  bench.exit('b', 143)
  for (const id of ['a', 'b'])
    test.match(last(bench, id), { state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING', message: /drained/ })
})

t.test('the grace period is the shorter of the two', async test => {
  const cases: [string, object, DrainConfig, number][] = [
    ['the task has a longer one', policy(20), { max_grace_period: seconds(5) }, 5_000],
    ['the task has a shorter one', policy(2), { max_grace_period: seconds(5) }, 2_000],
    ['the task has none', {}, { max_grace_period: seconds(5) }, 5_000],
    ['nobody says anything', {}, {}, 3_000],
    ['no time is given', policy(20), { max_grace_period: seconds(0) }, 0],
  ]
  for (const [name, rest, drainConfig, expected] of cases) {
    const bench = new HeartBench()
    bench.register()
    bench.run('a', rest)
    drain(bench, drainConfig)
    test.equal(untilSigkill(bench), expected, name)
  }
})

t.test('where the agent is to be gone, the tasks are', async test => {
  const partitionAware: FrameworkInfo = { ...framework, capabilities: [{ type: 'PARTITION_AWARE' }] }
  const cases: [FrameworkInfo, string][] = [
    [partitionAware, 'TASK_GONE_BY_OPERATOR'],
    [{ ...framework, capabilities: [] }, 'TASK_KILLED'],
  ]
  for (const [info, state] of cases) {
    const bench = new HeartBench()
    bench.register()
    bench.run('a', {}, info)
    drain(bench, { mark_gone: true })
    bench.exit('a', 143)
    bench.acknowledgeAll()
    test.match(last(bench, 'a'), { state, reason: 'REASON_AGENT_DRAINING' })
  }
})

t.test('no task is taken while it drains, and any after it', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.run('a')
  drain(bench)
  const launch = (id: string) =>
    bench.master({ run_task: { framework_info: framework, task: taskInfo(id, 'sleep 1000') } })
  launch('b')
  test.match(last(bench, 'b'), { reason: 'REASON_AGENT_DRAINING' })
  bench.exit('a', 143)
  launch('c')
  test.match(last(bench, 'c'), { reason: 'REASON_AGENT_DRAINING' }, 'the end is not acknowledged')
  bench.acknowledgeAll()
  test.equal(bench.heart.core.drain, undefined)
  bench.run('d')
  test.match(last(bench, 'd'), { state: 'TASK_STARTING' })
})

t.test('an agent that is told again kills nothing twice, and one that is empty has nothing to do', async test => {
  const bench = new HeartBench()
  bench.register()
  drain(bench)
  test.equal(bench.of('write').filter(({ path }) => path.endsWith('drain.config')).length, 0)
  bench.run('a')
  drain(bench)
  drain(bench)
  test.equal(bench.of('kill').length, 1)
})

t.test('an agent that starts again goes on draining', async test => {
  const bench = new HeartBench()
  const store = new MemoryCheckpoints()
  const keep = async (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.type === 'write') await store.write(effect.path, JSON.stringify(effect.value))
      if (effect.type === 'append') await store.append(effect.path, effect.text)
      if (effect.type === 'link') await store.link(effect.path, effect.target)
      if (effect.type === 'forget') await store.remove(effect.path)
    }
  }
  bench.register()
  bench.run('a', policy(20), checkpoint)
  const before = bench.effects.length
  drain(bench, { max_grace_period: seconds(5) })
  // It dies when the drain is stored, and no kill is.
  await keep(bench.effects.slice(0, before))
  await keep(
    bench.effects.slice(before).filter(effect => effect.type === 'write' && effect.path.endsWith('drain.config')),
  )
  const recovered = await loadCheckpoints(store)
  test.match(recovered, { errors: [], drain: { config: { max_grace_period: seconds(5) } } })
  const heart = new Heart(config, 'other')
  const { container } = bench.task('a')
  const now = { wall: bench.wallAhead + bench.mono, mono: 0 }
  const effects = heart.recover(now, recovered, [{ id: container, state: { kind: 'running', pid: 7 } }])
  test.match(
    effects.filter(({ type }) => type === 'kill'),
    [{ signal: 15 }],
  )
  test.match(
    effects.filter(effect => effect.type === 'write' && effect.path.endsWith('task.kill')),
    [{ value: { grace: 5_000, reason: 'REASON_AGENT_DRAINING' } }],
  )
  test.match(heart.core.drain, { startedAt: bench.wallAhead + bench.mono })
})

t.test('the log says once why all tasks end', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.run('a')
  bench.acknowledgeAll()
  const said = () => bench.of('log').map(({ text, fields }) => [text, fields.tasks])
  drain(bench)
  drain(bench)
  test.match(said(), [['the agent is drained', 1]])
  bench.master({ shutdown: { message: 'gone' } })
  bench.master({ shutdown: { message: 'gone' } })
  test.match(said().slice(1), [['the master told this agent to end', 1]])
})
