import { systemClock } from '@meseta/common/service/clock'
import t, { type Test } from 'tap'
import { pageBytes } from '../src/replica/pages.ts'
import type { ReadSide } from '../src/replica/read-side.ts'
import { changesFromText, changesToText } from '../src/replica/thread/changes-text.ts'
import { ReadThread } from '../src/replica/thread/read-thread.ts'
import type { Change } from '../src/state/changes.ts'
import { FakeScheduler } from './support/fake-scheduler.ts'
import { Ground, getJson } from './support/process.ts'
import { changes, KeptReply, newReadModel, readOptions } from './support/reads.ts'

interface Signals {
  readonly warned?: (message: string) => void
  readonly failed?: (error: Error) => void
  readonly caughtUp?: () => void
}

/** A thread that has begun, and ends with the test. */
function newThread(t: Test, { failed, caughtUp, warned }: Signals = {}): ReadThread {
  const thread = new ReadThread({
    clock: systemClock,
    log: { ...readOptions.log, warn: (_fields, message) => warned?.(message) },
    failed:
      failed ??
      (error => {
        throw error
      }),
    caughtUp: caughtUp ?? (() => undefined),
  })
  t.teardown(() => thread.stop())
  const { clock: _c, log: _l, ...options } = readOptions
  thread.begin(options)
  return thread
}

/** Gives a read side a cluster of some size. */
function fill(read: ReadSide, tasks = 1_000, name = 'n'): (...changes: Change[]) => void {
  let seq = 0
  const apply = (...changes: Change[]) => read.apply(++seq, changes)
  apply(changes.framework('F'))
  for (let i = 0; i < 20; i++) apply(changes.agent(`M-S${i}`))
  for (let i = 0; i < tasks; i++) {
    const { task, ...change } = changes.task('F', `t${i}`, `M-S${i % 20}`) as Change & { type: 'TASK' }
    apply({ ...change, task: { ...task, name } }, changes.status('F', `t${i}`, 'TASK_RUNNING', i))
  }
  return apply
}

const ask = (read: ReadSide, request: Parameters<ReadSide['handle']>[0], reply = new KeptReply()): KeptReply => {
  read.handle(request, reply)
  return reply
}

const state = { type: 'OLDER', route: '/state', query: '', viewer: undefined } as const
const getState = { type: 'CALL', call: 'GET_STATE', media: 'application/x-protobuf', viewer: undefined } as const

t.test('a thread answers what a read model beside the heart answers, with all that was told before', async t => {
  const [thread, beside] = [newThread(t), newReadModel()]
  t.teardown(() => beside.stop())
  for (const request of [
    state,
    getState,
    { ...state, route: '/tasks', query: 'limit=3' },
    { ...state, query: 'jsonp=f' },
  ]) {
    if (request === state) for (const read of [thread, beside]) fill(read)
    const [one, other] = [ask(thread, request), ask(beside, request)]
    await Promise.all([one.done, other.done])
    t.equal(one.status, 200)
    t.same(one.headers, other.headers)
    t.ok(one.body.equals(other.body), JSON.stringify(request))
  }
})

t.test('streams of operators and feeds come from the thread, and go on', async t => {
  const thread = newThread(t)
  const apply = fill(thread, 3)
  const events = ask(thread, { type: 'CALL', call: 'SUBSCRIBE', media: 'application/json', viewer: undefined })
  const feed = ask(thread, { type: 'FEED', after: undefined, kinds: ['task'], peer: 'test', viewer: undefined })
  await until(events, '"HEARTBEAT"')
  await until(feed, 'event: synced')
  apply(changes.task('F', 'later', 'M-S0'))
  await until(events, '"TASK_ADDED"')
  await until(feed, '"F/later"')
  await new Promise<void>(resolve => {
    const look = () => (thread.counts.subscribers === 1 ? resolve() : setTimeout(look, 5))
    look()
  })
  t.match(thread.counts, {
    counts: { TASK_RUNNING: 3, TASK_STAGING: 1, agents_active: 20 },
    resources: { cpus: { total: 160 } },
  })
})

/** Waits for the page in which a text comes. */
function until(reply: KeptReply, text: string): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (reply.text.includes(text)) resolve()
    }
    reply.onPage = look
    look()
  })
}

t.test('what a reader does not take stays in the thread, and a reader that leaves ends its answer', async t => {
  const thread = newThread(t)
  fill(thread, 1_500, 'n'.repeat(3_000))
  const slow = new KeptReply()
  slow.held = true
  ask(thread, state, slow)
  const quick = ask(thread, state)
  await quick.done
  const before = slow.body.length
  t.ok(before > 0 && before < 9.5 * pageBytes, `${before} bytes were sent on`)
  t.ok(quick.body.length > before + pageBytes)
  slow.release()
  await slow.done
  t.ok(slow.body.equals(quick.body))

  const leaver = new KeptReply()
  leaver.onPage = () => leaver.end()
  ask(thread, state, leaver)
  await leaver.done
  await ask(thread, state).done
  t.ok(leaver.body.length < quick.body.length)
})

t.test('a thread that is far behind is waited for', async t => {
  let caughtUp = 0
  const done = Promise.withResolvers<void>()
  const warned: string[] = []
  const thread = newThread(t, {
    warned: message => warned.push(message),
    caughtUp: () => {
      caughtUp += 1
      done.resolve()
    },
  })
  const label = { key: 'k', value: 'x'.repeat(1 << 20) }
  const framework = changes.framework('F') as Change & { type: 'FRAMEWORK' }
  const big = {
    ...framework,
    framework: { ...framework.framework, info: { ...framework.framework.info, labels: { labels: [label] } } },
  }
  let seq = 0
  while (!thread.behind) thread.apply(++seq, [big])
  t.equal(seq, 64)
  await done.promise
  t.notOk(thread.behind)
  t.equal(caughtUp, 1)
  t.same(warned, ['the master waits for its read side', 'the read side has caught up'])
})

t.test('a thread that fails says so once', async t => {
  const failed = Promise.withResolvers<Error>()
  const thread = newThread(t, { failed: failed.resolve })
  thread.apply(7, [])
  t.match(await failed.promise, { message: /the thread of the read side is lost: .*expects batch 1 and was given 7/ })
})

t.test('changes cross as they are, numbers that are not finite too', async t => {
  const task = changes.task('F', 't', 'A') as Change & { type: 'TASK' }
  const limits = { cpus: { value: Number.POSITIVE_INFINITY }, mem: { value: 5 } }
  for (const some of [
    [changes.agent('A'), changes.framework('F', 'null')],
    [{ ...task, task: { ...task.task, limits, name: 'number 5' } }],
    [{ ...task, task: { ...task.task, name: 'null, ! \u2028' } }],
  ] satisfies Change[][])
    t.same(
      changesFromText(changesToText(some)),
      JSON.parse(JSON.stringify(some), (key, value) => (key === 'cpus' && value.value === null ? limits.cpus : value)),
    )
})

t.test('a master whose reads have a thread answers as one without', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader('--read-worker')
  const scheduler = await new FakeScheduler(url).subscribe()
  const state = await getJson<{ frameworks: { id: string }[] }>(`${url}/state`)
  t.match(state.frameworks, [{ id: scheduler.id }], 'what a call did is seen by the read after it')
  const head = await fetch(`${url}/state`, { method: 'HEAD' })
  t.equal(head.status, 200)
  const feed = (await fetch(`${url}/meseta/v1/feed?topics=framework`)).body!.getReader()
  t.match(new TextDecoder().decode((await feed.read()).value), /event: hello/)
  await feed.cancel()
})
