import type { FeedWriter } from '@meseta/common/feed/writer'
import type { Task, TaskState } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { Replica } from '../src/replica/replica.ts'
import type { Change } from '../src/state/changes.ts'

const noTimer = { cancel: () => undefined }
const clock = { now: () => 0, monotonic: () => 0, after: () => noTimer, every: () => noTimer }
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

/** A replica that remembers one completed task, and what its feed holds. */
function replica() {
  const held = new Map<string, unknown>()
  const feed = {
    put: (kind: string, key: string, body: unknown) => held.set(`${kind} ${key}`, body),
    del: (kind: string, key: string) => held.delete(`${kind} ${key}`),
    attach: () => undefined,
    tell: (kind: string, key: string, body: string | undefined) => {
      if (body === undefined) held.delete(`${kind} ${key}`)
      else held.set(`${kind} ${key}`, JSON.parse(body))
      return { seq: 0, at: 0 }
    },
  } as unknown as FeedWriter
  const replica = new Replica({ clock, feed, facts, bounds: { completedFrameworks: 1, completedTasksPerFramework: 1 } })
  let seq = 0
  const apply = (...changes: Change[]) => replica.apply(++seq, changes)
  apply({
    type: 'FRAMEWORK',
    arrived: true,
    framework: {
      info: { user: 'u', name: 'n', id: { value: 'f' } },
      active: true,
      connected: true,
      recovered: false,
      registeredAt: 0,
      reregisteredAt: undefined,
      constraints: undefined,
    },
  })
  const begin = (id: string) => apply({ type: 'TASK', task: task(id, 'TASK_RUNNING') })
  const end = (id: string) => apply({ type: 'TASK_ENDED', frameworkId: 'f', taskId: id, fate: 'completed' })
  const tasks = () => [...held.keys()].filter(key => key.startsWith('task ')).map(key => key.replace('task f/', ''))
  return { replica, begin, end, tasks, apply }
}

function task(id: string, state: TaskState): Task {
  return {
    name: id,
    task_id: { value: id },
    framework_id: { value: 'f' },
    agent_id: { value: 'a' },
    state,
    resources: [],
  }
}

t.test('a task that falls out of the history leaves the feed, unless its id was used again', async t => {
  const { begin, end, tasks } = replica()
  begin('one')
  end('one')
  begin('two')
  end('two')
  t.same(tasks(), ['two'], 'only the newest is remembered')
  begin('two')
  begin('three')
  end('three')
  t.same(tasks(), ['two', 'three'], 'the running one of the same id stays')
  end('two')
  t.same(tasks(), ['two'])
})

t.test('a gap in the changes is an error', async t => {
  const { replica: broken } = replica()
  t.throws(() => broken.apply(7, []), /expects batch 2 and was given 7/)
})

t.test('of many agents that change together some are told of at a time, the longest waiting first', async t => {
  const told: string[] = []
  let round: () => void = () => undefined
  const timed = {
    ...clock,
    after: (_: number, action: () => void) => {
      round = action
      return noTimer
    },
  }
  const feed = {
    put: (kind: string, key: string) => kind === 'agent' && told.push(key),
    putJson: (kind: string, key: string) => kind === 'agent' && told.push(key),
    attach: () => undefined,
  } as unknown as FeedWriter
  const many = new Replica({
    clock: timed,
    feed,
    facts,
    bounds: { completedFrameworks: 1, completedTasksPerFramework: 1 },
  })
  const names = Array.from({ length: 1_200 }, (_, number) => `a${number}`)
  const changes = names.map(
    (id): Change => ({
      type: 'AGENT',
      arrived: true,
      agent: {
        info: { hostname: id, id: { value: id } },
        pid: 'slave(1)@127.0.0.1:5051',
        version: '1.11.0',
        capabilities: [],
        total: [],
        registeredAt: 0,
        reregisteredAt: undefined,
        active: true,
        connected: true,
        deactivated: false,
        drain: undefined,
        drainStartedAt: undefined,
        invitations: [],
      },
    }),
  )
  many.apply(1, changes)
  told.length = 0
  const counts: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const before = told.length
    round()
    counts.push(told.length - before)
  }
  t.same(counts, [500, 500, 200])
  t.same(told, names, 'each once')
})
