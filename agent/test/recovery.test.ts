import type { FrameworkInfo, TaskInfo, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import t from 'tap'
import type { Recovered, RecoveredTask } from '../src/checkpoints/stored.ts'
import type { RecoveredContainer } from '../src/containers/launcher.ts'
import { Heart } from '../src/core/heart.ts'
import type { Effect } from '../src/core/messages.ts'
import type { StoredKill } from '../src/core/model.ts'
import type { UpdateRecord } from '../src/updates/record.ts'
import { framework, taskInfo } from './harness.ts'
import { config } from './heart-bench.ts'

type Found = RecoveredContainer['state'] | undefined
const running: Found = { kind: 'running', pid: 7 }
const container = (id: string) => ({ value: id, parent: { value: 'pod-container' } })

function update(id: string, state: TaskState, rest: Partial<TaskStatus>): UpdateRecord {
  const status: TaskStatus = { task_id: { value: id }, state, uuid: `${id} ${state}`, timestamp: 1, ...rest }
  return { type: 'UPDATE', status }
}

/** What an agent does that finds a group of these members: the states they were in, and what is left of their containers. */
function recoverGroup(
  members: Record<string, [TaskState[], Found]>,
  info: FrameworkInfo = framework,
  rest: Partial<TaskInfo> = {},
  kill?: StoredKill,
  status: Partial<TaskStatus> = {},
  others: RecoveredContainer[] = [],
) {
  const tasks: RecoveredTask[] = Object.entries(members).map(([id, [states]]) => ({
    info: taskInfo(id, 'sleep 1000', rest),
    container: container(id),
    group: 'group-1',
    kill,
    records: states.map(state => update(id, state, status)),
  }))
  const recovered: Recovered = {
    followed: 0,
    agentId: 'agent-1',
    isAgentNoted: true,
    frameworks: [
      {
        info,
        executors: [
          {
            kind: 'default',
            info: { executor_id: { value: 'pod' }, type: 'DEFAULT' },
            container: { value: 'pod-container' },
            tasks,
          },
        ],
      },
    ],
    resources: undefined,
    errors: [],
  }
  const containers = Object.entries(members).flatMap(([id, [, state]]) =>
    state === undefined ? [] : [{ id: container(id), state }],
  )
  const heart = new Heart(config, 'seed')
  const effects = heart.recover({ wall: 10_000, mono: 0 }, recovered, [...containers, ...others])
  return { heart, effects }
}

const killed = (effects: readonly Effect[]) =>
  effects.flatMap(effect => (effect.type === 'kill' ? [`${effect.container.value} ${effect.signal}`] : []))

t.test('after a crash of the agent a group ends as a whole, whatever became of one of it', async test => {
  const withoutPartitions: FrameworkInfo = { ...framework, capabilities: [] }
  const up: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING']
  const ends: [string, [TaskState[], Found], string, FrameworkInfo?][] = [
    ['never started', [['TASK_STARTING'], { kind: 'never-started' }], 'TASK_DROPPED'],
    ['never started, of an old framework', [['TASK_STARTING'], undefined], 'TASK_LOST', withoutPartitions],
    ['gone without a trace', [up, undefined], 'TASK_FAILED'],
    ['stored as failed', [[...up, 'TASK_FAILED'], undefined], 'TASK_FAILED'],
    ['stored as dropped', [['TASK_STARTING', 'TASK_DROPPED'], undefined], 'TASK_DROPPED'],
  ]
  for (const [what, member, state, info] of ends)
    for (const order of [
      { first: member, other: [up, running] },
      { first: [up, running], other: member },
    ] as Record<string, [TaskState[], Found]>[]) {
      const { heart, effects } = recoverGroup(order, info)
      const peer = order.first === member ? 'other' : 'first'
      const one = order.first === member ? 'first' : 'other'
      test.equal(heart.core.tasks.get(`fw-1/${one}`)?.state, state, what)
      test.strictSame(killed(effects), [`${peer} 15`], what)
      test.ok(heart.core.tasks.get(`fw-1/${peer}`)?.kill, what)
    }
})

t.test('the time that a task may take goes on while there is no agent', async test => {
  const up: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING']
  const limit = { max_completion_time: { nanoseconds: 12e9 } }
  const { heart } = recoverGroup({ slow: [up, running] }, framework, limit)
  // It has run since second 1, and it is second 10 now.
  test.equal(heart.nextDeadline(), 3_000)
})

t.test('after a crash of the agent a group of which one has finished runs on', async test => {
  const up: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING']
  const { heart, effects } = recoverGroup({ done: [[...up, 'TASK_FINISHED'], undefined], other: [up, running] })
  test.strictSame(killed(effects), [])
  test.equal(heart.liveTasks(), 1)
})

t.test('a kill goes on after a crash of the agent, with what is left of its grace period', async test => {
  const up: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING']
  const { heart, effects } = recoverGroup(
    { web: [up, running] },
    framework,
    {},
    { graceEnds: 12_000, final: 'TASK_KILLED' },
  )
  test.strictSame(killed(effects), ['web 15'])
  test.equal(heart.nextDeadline(), 2_000)
  const later = heart.step({ wall: 12_000, mono: 2_000 }, [{ type: 'tick' }])
  test.strictSame(killed(later), ['web 9'])
  const exit = { type: 'exited', container: container('web'), exit: { kind: 'signalled', signal: 9 } } as const
  const reaping = heart.step({ wall: 12_100, mono: 2_100 }, [exit])
  test.match(reaping, [{ type: 'reap', grace: 0 }])
})

t.test('a clock that was set back while there was no agent lengthens no kill', async test => {
  const { heart } = recoverGroup(
    { web: [['TASK_STARTING', 'TASK_RUNNING'], running] },
    framework,
    {},
    { graceEnds: 10_000 + 3_600_000, grace: 3_000, final: 'TASK_KILLED' },
  )
  test.equal(heart.nextDeadline(), 3_000)
})

t.test('what a task was last known to be outlives a crash of the agent', async test => {
  const { heart } = recoverGroup({ web: [['TASK_STARTING', 'TASK_RUNNING'], running] }, framework, {}, undefined, {
    healthy: false,
    check_status: { type: 'TCP', tcp: { succeeded: true } },
  })
  test.match(heart.core.tasks.get('fw-1/web'), {
    healthy: false,
    checkStatus: { tcp: { succeeded: true } },
    startedAt: 1_000,
    pid: 7,
  })
})

t.test('containers that nothing accounts for are destroyed, those of ended tasks too', async test => {
  const ended: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']
  const { effects } = recoverGroup({ over: [ended, running] }, framework, {}, undefined, {}, [
    { id: { value: 'orphan' }, state: running },
  ])
  test.strictSame(
    effects.flatMap(effect => (effect.type === 'destroy' ? [effect.container.value] : [])),
    ['over', 'orphan'],
  )
  test.match(
    effects.filter(effect => effect.type === 'log'),
    [{ level: 'warn' }, { level: 'warn' }],
  )
})

t.test('an executor of which no task is left is forgotten with its framework', async test => {
  const { heart, effects } = recoverGroup({})
  test.equal(heart.core.executors.size + heart.core.frameworks.size, 0)
  test.match(
    effects.filter(effect => effect.type === 'forget').map(effect => effect.path),
    [/executors\/pod$/, /frameworks\/fw-1$/],
  )
})
