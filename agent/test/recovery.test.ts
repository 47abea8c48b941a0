import type { FrameworkInfo, TaskInfo, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import t from 'tap'
import type { Recovered, RecoveredTask } from '../src/checkpoints/stored.ts'
import type { RecoveredContainer } from '../src/containers/launcher.ts'
import { Heart } from '../src/core/heart.ts'
import type { Effect } from '../src/core/messages.ts'
import type { UpdateRecord } from '../src/updates/record.ts'
import { framework, taskInfo } from './harness.ts'
import { config } from './heart-bench.ts'

type Found = RecoveredContainer['state'] | undefined
const running: Found = { kind: 'running', pid: 7 }
const container = (id: string) => ({ value: id, parent: { value: 'pod-container' } })

function update(id: string, state: TaskState): UpdateRecord {
  const status: TaskStatus = { task_id: { value: id }, state, uuid: `${id} ${state}`, timestamp: 1 }
  return { type: 'UPDATE', status }
}

/** What an agent does that finds a group of these members: the states they were in, and what is left of their containers. */
function recoverGroup(
  members: Record<string, [TaskState[], Found]>,
  info: FrameworkInfo = framework,
  rest: Partial<TaskInfo> = {},
) {
  const tasks: RecoveredTask[] = Object.entries(members).map(([id, [states]]) => ({
    info: taskInfo(id, 'sleep 1000', rest),
    container: container(id),
    group: 'group-1',
    records: states.map(state => update(id, state)),
  }))
  const recovered: Recovered = {
    followed: 0,
    agent: { hostname: 'host', id: { value: 'agent-1' } },
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
    errors: [],
  }
  const containers = Object.entries(members).flatMap(([id, [, state]]) =>
    state === undefined ? [] : [{ id: container(id), state }],
  )
  const heart = new Heart(config, 'seed')
  const effects = heart.recover({ wall: 10_000, mono: 0 }, recovered, containers)
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
