import t from 'tap'
import { framework, taskInfo } from './harness.ts'
import { HeartBench } from './heart-bench.ts'

const id = (value: string) => ({ value })
const introductions = (bench: HeartBench) => bench.sent().filter(message => message.register ?? message.reregister)

t.test('an agent introduces itself until the master answers, after random parts of times that double', async test => {
  const bench = new HeartBench()
  bench.step({ type: 'link-opened', epoch: 1 })
  let last = bench.mono
  for (const longest of [1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1_000)) {
    const wait = (bench.heart.nextDeadline() ?? 0) - last
    test.ok(wait >= longest / 2 && wait <= longest, `${wait} of ${longest}`)
    bench.pass(wait)
    last = bench.mono
  }
  test.equal(introductions(bench).length, 9)
  bench.master({ registered: { agent_id: id('agent-1') } })
  bench.pass(600_000)
  test.equal(introductions(bench).length, 9)
})

t.test('a new id is stored before anything is done under it', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.run('web')
  const stored = bench.effects.filter(effect => effect.type === 'write' || effect.type === 'link')
  test.match(stored.slice(0, 3), [
    { path: 'followed_epoch' },
    { type: 'write', lane: '*', path: 'slaves/agent-1/slave.info', value: { info: { id: id('agent-1') } } },
    { type: 'link', lane: '*', path: 'slaves/latest', target: 'agent-1' },
  ])
})

t.test('a master that gives an agent another id than it has stops it', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.step({ type: 'link-ended' }, { type: 'link-opened', epoch: 2 })
  const effects = bench.master({ registered: { agent_id: id('agent-2') } })
  test.match(effects, [{ type: 'halt', message: /registered this agent as agent-2, but .* of agent-1/ }])
  test.equal(bench.heart.core.agentId, 'agent-1')
})

t.test(
  'without a master nothing is told; the next one hears of every task, then of what was not acknowledged',
  async test => {
    const bench = new HeartBench()
    bench.register()
    bench.run('web')
    bench.acknowledgeAll()
    bench.step({ type: 'link-ended' })
    const before = bench.sent().length
    bench.exit('web', 1)
    bench.pass(3_600_000)
    test.equal(bench.sent().length, before)
    bench.step({ type: 'link-opened', epoch: 2 })
    test.match(bench.sent().slice(before), [
      { reregister: { agent_info: { id: id('agent-1') }, tasks: [{ name: 'web', state: 'TASK_FAILED' }] } },
    ])
    bench.master({ reregistered: { agent_id: id('agent-1') } })
    test.match(bench.sent().slice(before + 1), [{ status_update: { status: { state: 'TASK_FAILED' } } }])
  },
)

t.test('of the tasks that a master asks about, the agent tells the end of those it does not have', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.run('web')
  bench.acknowledgeAll()
  bench.step({ type: 'link-ended' }, { type: 'link-opened', epoch: 2 })
  const before = bench.sent().length
  const asked = (framework_id: string, task_id: string) => ({ framework_id: id(framework_id), task_id: id(task_id) })
  bench.master({
    reregistered: {
      agent_id: id('agent-1'),
      reconciliations: [asked('fw-1', 'web'), asked('fw-1', 'gone'), asked('fw-2', 'gone')],
    },
  })
  test.match(
    bench
      .sent()
      .slice(before)
      .map(message => message.status_update),
    [
      {
        framework_id: id('fw-1'),
        status: { task_id: id('gone'), state: 'TASK_DROPPED', reason: 'REASON_RECONCILIATION' },
      },
      { framework_id: id('fw-2'), status: { task_id: id('gone'), state: 'TASK_LOST', source: 'SOURCE_AGENT' } },
    ],
  )
})

t.test('an agent that took its leave is not brought back by an answer that was on its way', async test => {
  const bench = new HeartBench()
  bench.step({ type: 'link-opened', epoch: 1 }, { type: 'unregister', reason: 'enough' })
  test.match(bench.effects.slice(-2), [
    { type: 'send', message: { unregister: { reason: 'enough' } } },
    { type: 'forget', path: 'slaves/latest' },
  ])
  test.strictSame(bench.master({ registered: { agent_id: id('agent-1') } }), [])
  test.strictSame(bench.step({ type: 'link-ended' }, { type: 'link-opened', epoch: 2 }), [])
  test.equal(bench.heart.core.registration, 'unregistered')
  test.equal(bench.heart.nextDeadline(), undefined)
})

t.test('a launch that comes too late is refused in the words that its framework knows', async test => {
  const bench = new HeartBench()
  bench.register()
  bench.step({ type: 'stop-tasks' })
  const old = { ...framework, id: id('fw-2'), capabilities: [] }
  for (const info of [framework, old])
    bench.master({ run_task: { framework_info: info, task: taskInfo('late', 'true') } })
  test.match(
    bench.sent().flatMap(message => message.status_update?.status ?? []),
    [
      { state: 'TASK_DROPPED', reason: 'REASON_AGENT_DRAINING' },
      { state: 'TASK_LOST', reason: 'REASON_AGENT_DRAINING' },
    ],
  )
})
