import { inspect } from 'node:util'
import { decode, encode, parseJson } from '@meseta/common/protocol/codec'
import type { MasterEvent, MasterResponse, MasterResponseGetState, Task } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import type { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t, { type Test } from 'tap'
import { pageBytes } from '../src/replica/pages.ts'
import type { ReadModel } from '../src/replica/read-model.ts'
import { Tables } from '../src/replica/tables.ts'
import { TaskRows } from '../src/replica/task-rows.ts'
import type { Change } from '../src/state/changes.ts'
import { changes, KeptReply, newReadModel } from './support/reads.ts'

const agents = 60
const tasks = 3_000

/** A cluster of some size: what is read of it does not fit in one page. */
function large(t: Test): { readonly read: ReadModel; readonly apply: (...changes: Change[]) => void } {
  const read = newReadModel()
  t.teardown(() => read.stop())
  let seq = 0
  const apply = (...changes: Change[]) => read.apply(++seq, changes)
  for (let i = 0; i < agents; i++) apply(changes.agent(`M-S${i}`))
  apply(changes.framework('F1'), changes.framework('F2'))
  for (let i = 0; i < tasks; i++) {
    const framework = i % 3 === 0 ? 'F2' : 'F1'
    apply(changes.task(framework, `t${i}`, `M-S${i % agents}`))
    apply(changes.status(framework, `t${i}`, 'TASK_RUNNING', i))
  }
  return { read, apply }
}

const older = (read: ReadModel, route: string, query = ''): KeptReply => {
  const reply = new KeptReply()
  read.handle({ type: 'OLDER', route, query, viewer: undefined }, reply)
  return reply
}

async function called(read: ReadModel, call: 'GET_STATE' | 'GET_TASKS', media: Media): Promise<MasterResponse> {
  const reply = new KeptReply()
  read.handle({ type: 'CALL', call, media, viewer: undefined }, reply)
  await reply.done
  const name = 'mesos.v1.master.Response'
  return media === 'application/json' ? parseJson(name, reply.body) : decode(name, reply.body)
}

type Media = 'application/json' | 'application/x-protobuf'
interface Shown {
  readonly slaves: readonly { used_resources: { cpus: number } }[]
  readonly frameworks: readonly { id: string; tasks: readonly { id: string; state: string }[] }[]
}

t.test('an answer of any size comes in pages, none of which has many rows or bytes', async t => {
  const { read } = large(t)
  const reply = older(read, '/state')
  let turns = 0
  let over = false
  const count = () => {
    turns += 1
    if (!over) setImmediate(count)
  }
  setImmediate(count)
  await reply.done
  over = true
  t.equal(reply.headers['content-length'], undefined)
  const rows = reply.pages.map(page => page.toString().split('"slave_id"').length - 1)
  t.ok(Math.max(...rows) <= 256, `at most 256 tasks in a page: ${rows}`)
  t.ok(Math.max(...reply.pages.map(page => page.length)) < 1.5 * pageBytes)
  t.ok(reply.pages.length > tasks / 256)
  t.ok(turns >= reply.pages.length - 2, 'and between two pages other things have their turn')
  const state = JSON.parse(reply.text) as Shown
  t.equal(state.slaves.length, agents)
  t.same(
    state.frameworks.map(({ id, tasks }) => [id, tasks.length]),
    [
      ['F1', (tasks / 3) * 2],
      ['F2', tasks / 3],
    ],
  )
})

t.test('an answer shows the state of one moment, whatever happens while it is written', async t => {
  const { read, apply } = large(t)
  const before = older(read, '/state')
  const reply = new KeptReply()
  let changed = 0
  reply.onPage = () => {
    const i = changed++
    apply(
      changes.status('F1', 't2999', 'TASK_FAILED', 9_999 + i),
      changes.task('F1', `new${i}`, 'M-S0'),
      changes.status('F2', `t${3 * i}`, 'TASK_KILLED', 9_999),
      changes.ended('F2', `t${3 * i}`),
      { type: 'AGENT_REMOVED', id: `M-S${59 - i}` },
    )
  }
  read.handle({ type: 'OLDER', route: '/state', query: '', viewer: undefined }, reply)
  await Promise.all([before.done, reply.done])
  t.ok(changed > 5)
  t.equal(reply.text, before.text)
  t.not((await completed(older(read, '/state'))).text, before.text)
})

async function completed(reply: KeptReply): Promise<KeptReply> {
  await reply.done
  return reply
}

t.test('a reader that goes away is written no more', async t => {
  const { read } = large(t)
  const reply = new KeptReply()
  const stream = reply.stream({})
  reply.stream = () => stream
  reply.onPage = () => stream.destroy()
  read.handle({ type: 'OLDER', route: '/state', query: '', viewer: undefined }, reply)
  await reply.done
  await new Promise(resolve => setImmediate(resolve))
  t.equal(reply.pages.length, 1)
})

t.test('GET_STATE says the same in JSON and in protobuf', async t => {
  const { read } = large(t)
  const json = await called(read, 'GET_STATE', 'application/json')
  t.equal(json.get_state!.get_tasks!.tasks!.length, tasks)
  t.equal(json.get_state!.get_agents!.agents!.length, agents)
  t.same(withoutDefaults(await called(read, 'GET_STATE', 'application/x-protobuf')), withoutDefaults(json))
})

/** JSON writes declared defaults. */
const withoutDefaults = (response: MasterResponse): MasterResponse =>
  JSON.parse(JSON.stringify(response), (key, value) =>
    ['checkpoint', 'failover_timeout', 'port'].includes(key) || value === '*' ? undefined : value,
  )

for (const media of ['application/json', 'application/x-protobuf'] as const)
  t.test(`the snapshot of SUBSCRIBE and the events after it give what GET_STATE says (${media})`, async t => {
    const { read, apply } = large(t)
    const reply = new KeptReply()
    let n = 0
    const disturb = () => {
      n += 1
      apply(
        changes.task('F1', `new${n}`, 'M-S1'),
        changes.status('F1', `new${n}`, 'TASK_RUNNING'),
        changes.status('F1', `t${3 * n + 1}`, 'TASK_KILLING', 10_000),
      )
    }
    reply.onPage = () => {
      if (n < 30) disturb()
    }
    read.handle({ type: 'CALL', call: 'SUBSCRIBE', media, viewer: undefined }, reply)
    // What waits is written in one go after the heartbeat that follows the snapshot.
    const decoder = new RecordDecoder({ maxRecordBytes: 1 << 30 })
    const copy = new Copy()
    let seen = 0
    while (copy.heartbeats === 0 || seen < reply.pages.length) {
      await new Promise(resolve => setImmediate(resolve))
      for (; seen < reply.pages.length; seen++)
        for (const record of decoder.push(reply.pages[seen]!))
          copy.take(
            media === 'application/json'
              ? parseJson('mesos.v1.master.Event', record)
              : decode('mesos.v1.master.Event', record),
          )
    }
    t.ok(n >= 10)
    const state = (await called(read, 'GET_STATE', media)).get_state!
    t.same(copy.states(), statesOf(state))
  })

/** Task states as a client keeps them: what comes twice, or for a task that it does not know, is an error. */
class Copy {
  readonly #tasks = new Map<string, string>()
  heartbeats = 0

  take({ type, subscribed, task_added, task_updated }: MasterEvent): void {
    if (type === 'HEARTBEAT') this.heartbeats += 1
    for (const task of subscribed?.get_state?.get_tasks?.tasks ?? []) this.#tasks.set(task.task_id.value, task.state)
    if (task_added) this.#add(task_added.task)
    if (task_updated) {
      const id = task_updated.status.task_id.value
      if (!this.#tasks.has(id)) throw new Error(`an update of ${id}, which is not known`)
      this.#tasks.set(id, task_updated.state)
    }
  }

  #add({ task_id: { value }, state }: Task): void {
    if (this.#tasks.has(value)) throw new Error(`${value} comes twice`)
    this.#tasks.set(value, state)
  }

  states(): Record<string, string> {
    return Object.fromEntries([...this.#tasks].sort())
  }
}

const statesOf = ({ get_tasks }: MasterResponseGetState): Record<string, string> =>
  Object.fromEntries((get_tasks?.tasks ?? []).map(({ task_id, state }) => [task_id.value, state] as const).sort())

t.test('/tasks of any number comes in the order of the first status', async t => {
  const { read } = large(t)
  const ids = async (query: string) =>
    (JSON.parse((await completed(older(read, '/tasks', query))).text) as { tasks: { id: string }[] }).tasks.map(
      ({ id }) => id,
    )
  const all = await ids('limit=-1')
  t.equal(all.length, tasks)
  t.same(all.slice(0, 3), ['t2999', 't2998', 't2997'])
  t.same(await ids('limit=-1&order=asc'), all.toReversed())
  t.same(await ids('limit=2&offset=2998'), ['t1', 't0'])
  t.same(await ids('limit=5&offset=9999'), [])
  t.same(await ids('task_id=t7'), ['t7'])
  t.same(await ids('task_id=t7&framework_id=F2'), [])
  t.same(await ids('task_id=t6&framework_id=F2'), ['t6'])
  t.same(await ids('task_id=t6&offset=1'), [])
  t.equal((await ids('framework_id=F2&limit=-1')).length, tasks / 3)
})

t.test('with ?jsonp= an answer is a script', async t => {
  const { read } = large(t)
  const { text, headers } = await completed(older(read, '/state', 'jsonp=f.g'))
  t.match(headers, { 'content-type': 'text/javascript' })
  t.ok(text.startsWith('f.g({') && text.endsWith('});'))
  t.notOk(/[\u2028\u2029]/.test(text))
  t.equal((await completed(older(read, '/roles', 'jsonp=1'))).status, 400)
})

t.test('more than 64 answers at a time wait for one another', async t => {
  const { read } = large(t)
  const replies = Array.from({ length: 70 }, () => older(read, '/tasks', 'limit=-1'))
  await Promise.all(replies.map(({ done }) => done))
  t.equal(new Set(replies.map(({ text }) => text)).size, 1)
})

t.test('the JSON of tasks for which there is no room is made when it is read', async t => {
  const [some, all] = [new TaskRows(1_000), new TaskRows()]
  for (let i = 0; i < 10; i++) {
    const { task } = changes.task('F', `t${i}`, 'A') as Change & { type: 'TASK' }
    const slots = [some.add(task), all.add(task)] as const
    t.same(Buffer.from(some.row(slots[0]).legacy), Buffer.from(all.row(slots[1]).legacy))
  }
  t.ok(some.bytes < all.bytes - 1_000)
  for (let i = 0; i < 10; i++) some.remove(i)
  const { task } = changes.task('F', 'again', 'A') as Change & { type: 'TASK' }
  const before = some.bytes
  some.add(task)
  t.ok(some.bytes > before + 300, 'there is room again')
})

t.test('tasks take the bytes of their two forms, and what was read is given back', async t => {
  const tables = new Tables({ completedFrameworks: 1, completedTasksPerFramework: 2 })
  tables.apply(changes.framework('F'))
  for (let i = 0; i < 100; i++) tables.apply(changes.task('F', `t${i}`, 'A'))
  const full = tables.tasks.bytes
  const frozen = tables.freeze({ tasks: true })
  const texts = () => [...frozen.frameworks[0]!.tasks.active].map(({ legacy }) => Buffer.from(legacy).toString())
  const before = texts()
  for (let i = 0; i < 100; i++) {
    tables.apply(changes.status('F', `t${i}`, 'TASK_FINISHED'))
    tables.apply(changes.ended('F', `t${i}`))
  }
  for (let i = 0; i < 100; i++) tables.apply(changes.task('F', `u${i}`, 'A'))
  t.same(texts(), before)
  t.ok(tables.tasks.bytes > 1.5 * full)
  frozen.release()
  t.ok(tables.tasks.bytes < 1.5 * full)
  t.same(
    [...tables.completedOf('F')].map(({ task }) => task.task_id.value),
    ['t98', 't99'],
  )
})

t.test('no change reaches what a freeze has handed out', async t => {
  const tables = new Tables({ completedFrameworks: 1, completedTasksPerFramework: 2 })
  const first: Change[] = [changes.framework('F'), changes.agent('A'), changes.task('F', 't', 'A')]
  for (const change of first) tables.apply(change)
  const frozen = tables.freeze({ tasks: true })
  const inFull = (row: { used: Resources; offered: Resources }) => ({
    ...row,
    used: row.used.toArray(),
    offered: row.offered.toArray(),
  })
  const seen = () => {
    const frameworks = frozen.frameworks.map(({ row: { slots: _s, completedIds: _c, ...shown } }) => inFull(shown))
    return inspect([frozen.agents.map(inFull), frameworks, frozen.operations], { depth: 9, sorted: true })
  }
  const before = seen()
  const offer = { id: { value: 'o' }, framework_id: { value: 'F' }, agent_id: { value: 'A' }, hostname: 'h' }
  const resources = parseResources('cpus:1')
  const unavailability = { start: { nanoseconds: 1 } }
  const later: Change[] = [
    { type: 'OFFER', offer: { ...offer, resources } },
    { type: 'INVERSE_OFFER', offer: { ...offer, unavailability } },
    { type: 'EXECUTOR', agentId: 'A', frameworkId: 'F', info: { executor_id: { value: 'e' }, resources } },
    changes.agent('A'),
    changes.framework('F', 'other'),
    changes.status('F', 't', 'TASK_FINISHED'),
    changes.ended('F', 't'),
    { type: 'FRAMEWORK_COMPLETED', id: 'F', at: 1 },
    { type: 'AGENT_REMOVED', id: 'A' },
  ]
  for (const change of later) {
    tables.apply(change)
    t.equal(seen(), before, change.type)
  }
})

t.test('an update leaves what it does not change, fields of newer versions too', async t => {
  const rows = new TaskRows()
  const { task } = changes.task('F', 't', 'A') as Change & { type: 'TASK' }
  const newer = Buffer.from([0xfa, 0x3f, 2, 1, 2])
  const given = decode('mesos.v1.Task', Buffer.concat([encode('mesos.v1.Task', task), newer]))
  const slot = rows.add(given)
  const progress = { state: 'TASK_RUNNING', statuses: [{ task_id: { value: 't' }, state: 'TASK_RUNNING' }] } as const
  t.ok(rows.update(slot, { ...progress, statuses: [...progress.statuses] }))
  t.notOk(rows.update(slot, { ...progress, statuses: [...progress.statuses] }), 'twice the same is no change')
  const row = rows.row(slot)
  t.same(row.task, { ...given, ...progress })
  t.same(row.progress, progress)
  t.ok(Buffer.from(row.v1).includes(newer))
  t.match(JSON.parse(Buffer.from(row.legacy).toString()), { id: 't', state: 'TASK_RUNNING', statuses: [{}] })
})
