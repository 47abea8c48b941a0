import { type SseFrame, SseParser } from '@meseta/common/feed/sse'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import type { Handle } from '@meseta/common/service/component'
import t, { type Test } from 'tap'
import { EventStream } from '../src/events/event-stream.ts'
import { snapshotText } from '../src/events/snapshot.ts'
import { mostViews, TaskViews } from '../src/events/task-views.ts'
import { cluster, until } from './support/start.ts'

/** An open stream: its frames, and the copy of the objects that they make. */
async function follow(t: Test, gateway: Handle, query = '') {
  const leave = new AbortController()
  t.teardown(() => leave.abort())
  const answer = await fetch(`${gateway.url}/meseta/v1/events${query}`, { signal: leave.signal })
  t.equal(answer.status, 200)
  const frames: SseFrame[] = []
  const objects = new Map<string, unknown>()
  const parser = new SseParser()
  void (async () => {
    for await (const chunk of answer.body!)
      for (const frame of parser.push(chunk as Uint8Array)) {
        frames.push(frame)
        const { op, key, body } = JSON.parse(frame.data)
        if (op === 'put') objects.set(`${frame.event} ${key}`, body)
        else if (op === 'del') objects.delete(`${frame.event} ${key}`)
      }
  })().catch(() => undefined)
  await until(async () => frames.some(({ event }) => event === 'synced'))
  const keys = (kind: string) =>
    [...objects.keys()].flatMap(name => (name.startsWith(`${kind} `) ? [name.slice(kind.length + 1)] : [])).sort()
  return { frames, objects, keys, hello: JSON.parse(frames[0]!.data) }
}

async function choose(gateway: Handle, stream: string, topics: unknown) {
  const answer = await fetch(`${gateway.url}/meseta/v1/events/${stream}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topics }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const task = (id: string, state: string, cpus = 1) => ({
  id,
  name: id,
  framework_id: 'F',
  slave_id: 'A',
  state,
  resources: { cpus, mem: 32 },
  labels: [{ key: 'whole', value: 'yes' }],
})

t.test('hello names the stream, its topics, and how old what it knows of each source is', async t => {
  const { gateway } = await cluster(t)
  const { frames, hello } = await follow(t, gateway, '?topics=app,cluster')
  t.equal(frames[0]!.event, 'hello')
  t.match(hello, { stream: /^[0-9a-f-]{36}$/, epoch: /./, seq: Number, topics: ['app', 'cluster'] })
  t.match(hello.sources, {
    master: { age_ms: 0, leader: /^http:\/\/127\.0\.0\.1:\d+$/ },
    marathon: { age_ms: 0 },
    universe: { age_ms: 0 },
    balancer: { age_ms: 0 },
  })
  t.same((await follow(t, gateway)).hello.topics, ['*'])
})

t.test('an open stream changes its topics: what is new comes whole, what is dropped comes no more', async t => {
  const { gateway, master, marathon } = await cluster(t)
  master.writer.put('task', 'F/a', task('a', 'TASK_RUNNING'))
  marathon.writer.put('app', '/a', { id: '/a' })
  const stream = await follow(t, gateway, '?topics=cluster')
  t.same([stream.keys('cluster'), stream.keys('app')], [['cluster'], []])
  const chosen = await choose(gateway, stream.hello.stream, ['app', 'task'])
  t.match(chosen, { status: 200, body: { stream: stream.hello.stream, topics: ['app', 'task'] } })
  await until(async () => stream.frames.filter(({ event }) => event === 'synced').length === 2)
  t.same([stream.keys('app'), stream.keys('task')], [['/a'], ['F/a']])
  const before = stream.frames.length
  master.writer.put('cluster', 'cluster', { name: 'other' })
  master.writer.del('task', 'F/a')
  await until(async () => stream.keys('task').length === 0)
  t.notOk(stream.frames.slice(before).some(({ event }) => event === 'cluster'))
  await choose(gateway, stream.hello.stream, null)
  await until(async () => stream.keys('source').length === 4)
})

t.test('a window sends its rows and the counts, and then what changes of them', async t => {
  const { gateway, master } = await cluster(t)
  for (let i = 0; i < 50; i += 1)
    master.writer.put('task', `F/${i}`, task(`${i}`, i % 2 ? 'TASK_RUNNING' : 'TASK_FAILED', i))
  const whole = await follow(t, gateway, '?topics=task')
  await until(async () => whole.keys('task').length === 50)
  const stream = await follow(
    t,
    gateway,
    `?topics=app&topics=${encodeURIComponent('tasks?q=is:active,x&sort=-cpus&from=2&n=3')}`,
  )
  t.same(stream.hello.topics, ['app', 'tasks?q=is:active,x&sort=-cpus&from=2&n=3'])
  t.same(stream.keys('task'), ['F/41', 'F/43', 'F/45'])
  t.same(stream.objects.get('window tasks'), {
    q: 'is:active,x',
    sort: '-cpus',
    from: 2,
    n: 3,
    total: 50,
    matching: 25,
    states: { TASK_RUNNING: 25, TASK_FAILED: 25 },
    keys: ['F/45', 'F/43', 'F/41'],
    problems: [],
  })
  t.ok(
    stream.frames.every(({ event, id }) => event !== 'task' || id === undefined),
    'rows move no place in the feed',
  )

  let before = stream.frames.length
  master.writer.put('task', 'F/47', task('47', 'TASK_FAILED', 47))
  await until(async () => stream.keys('task').join() === 'F/39,F/41,F/43')
  t.match(stream.objects.get('window tasks'), { matching: 24, keys: ['F/43', 'F/41', 'F/39'] })
  t.same(
    stream.frames.slice(before).map(({ event, data }) => `${event} ${JSON.parse(data).op} ${JSON.parse(data).key}`),
    ['task del F/45', 'task put F/39', 'window put tasks'],
  )

  before = stream.frames.length
  await choose(gateway, stream.hello.stream, ['app', 'tasks?q=nonsense:x&n=1', 'task:F/0'])
  await until(async () => stream.keys('task').length === 2)
  t.match(stream.objects.get('window tasks'), { matching: 50, problems: [/nonsense/] })
  t.match(stream.objects.get('task F/0'), { labels: [{ key: 'whole' }] })
  master.writer.put('task', 'F/0', task('0', 'TASK_RUNNING', 99))
  await until(async () => (stream.objects.get('task F/0') as { state: string }).state === 'TASK_RUNNING')

  await choose(gateway, stream.hello.stream, ['task'])
  await until(async () => stream.keys('task').length === 50 && stream.keys('window').length === 0)
  await choose(gateway, stream.hello.stream, ['tasks?n=0'])
  await until(async () => stream.keys('window').length === 1)
})

t.test('topics that nobody knows, streams that there are not, and other bodies get a 4xx; nothing changes', async t => {
  const { gateway } = await cluster(t)
  const { hello } = await follow(t, gateway, '?topics=app')
  t.match(await choose(gateway, 'none', ['app']), { status: 404, body: { message: /no such stream/ } })
  for (const topics of [
    ['../x'],
    ['jobs?q=x'],
    ['tasks?n=501'],
    ['tasks?', 'tasks?q=x'],
    [1],
    'app',
    [''],
    Array(201).fill('app'),
    Array(65).fill('task:F/a'),
  ])
    t.equal((await choose(gateway, hello.stream, topics)).status, 400, JSON.stringify(topics).slice(0, 40))
  for (const query of ['../x', 'tasks%3Fsort=zz', 'jobs%3Fq=x'])
    t.equal((await fetch(`${gateway.url}/meseta/v1/events?topics=${query}`)).status, 400, query)
  t.equal((await fetch(`${gateway.url}/meseta/v1/snapshot?topics=../x`)).status, 400)
})

t.test(
  'a reader that is slow is told the newest state of its window when it is ready, and none in between',
  async t => {
    const writer = new FeedWriter({ epoch: 'e', clock: systemClock })
    const tasks = new TaskViews({ nodeOf: () => undefined, appOf: () => undefined })
    const put = (id: string, state: string) => {
      writer.put('task', `F/${id}`, task(id, state))
      tasks.put(`F/${id}`, task(id, state))
    }
    put('a', 'TASK_RUNNING')
    const stream = new EventStream('s', ['tasks?q=is:active'], { writer, tasks, now: () => 0, sources: () => ({}) })
    const told: string[] = []
    let slow = false
    let ready = () => {}
    stream.welcome({
      kinds: new Set(),
      choose: () => {},
      onLeave: () => {},
      onReady: listener => {
        ready = listener
      },
      tell: frames => {
        if (!slow) told.push(String(frames))
        return !slow
      },
    })
    t.equal(told.length, 1)
    stream.tell()
    t.equal(told.length, 1, 'nothing has changed')
    slow = true
    for (const state of ['TASK_STAGING', 'TASK_FAILED', 'TASK_STARTING']) {
      put('a', state)
      stream.tell()
    }
    slow = false
    ready()
    t.equal(told.length, 2)
    t.match(told[1], /TASK_STARTING/)
    t.notMatch(told[1], /TASK_STAGING|TASK_FAILED|"op":"del"/)
  },
)

t.test('what a window shows is put together once for all who look through it, and right for each', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock: systemClock })
  const tasks = new TaskViews({ nodeOf: () => undefined, appOf: () => undefined })
  const put = (id: string, cpus: number) => {
    writer.put('task', `F/${id}`, task(id, 'TASK_RUNNING', cpus))
    tasks.put(`F/${id}`, task(id, 'TASK_RUNNING', cpus) as never)
  }
  let encoded = 0
  const counting = {
    seq: 0,
    frameOf: (kind: string, key: string) => {
      encoded += 1
      return writer.frameOf(kind, key)
    },
  }
  const context = { writer: counting as never as FeedWriter, tasks, now: () => 0, sources: () => ({}) }
  const open = () => {
    const told: string[] = []
    let leave = () => {}
    const stream = new EventStream('s', ['tasks?sort=-cpus&n=2'], context)
    const reader = { kinds: new Set<string>(), choose: () => {}, onReady: () => {} }
    const tell = (frames: Uint8Array) => told.push(String(frames)) > 0
    stream.welcome({
      ...reader,
      tell,
      onLeave: listener => {
        leave = listener
      },
    })
    return { stream, told, leave: () => leave() }
  }
  for (const [id, cpus] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    put(id, cpus)
  const streams = Array.from({ length: 100 }, open)
  t.equal(encoded, 2)
  put('a', 4)
  for (const { stream } of streams) stream.tell()
  t.equal(encoded, 3)
  const late = open()
  const keysTold = (text: string) =>
    [...text.matchAll(/event: task\ndata: {"op":"(...)","key":"(F\/.)"/g)].map(found => found.slice(1))
  for (const { told } of streams) {
    t.equal(told.length, 2)
    t.same(keysTold(told[1]!), [
      ['del', 'F/b'],
      ['put', 'F/a'],
    ])
    t.match(told[1], /"matching":3,.*"keys":\["F\/a","F\/c"\]/)
  }
  t.same(keysTold(late.told[0]!), [
    ['put', 'F/a'],
    ['put', 'F/c'],
  ])
  put('b', 0)
  for (const { stream } of streams) stream.tell()
  t.ok(
    streams.every(({ told }) => told.length === 2),
    'of what no window shows nobody is told',
  )
  late.leave()
  put('b', 9)
  late.stream.tell()
  t.equal(late.told.length, 1, 'who has left is told nothing')
})

t.test('HEAD of a stream with a window is answered, and leaves no list behind', async t => {
  const { gateway } = await cluster(t)
  for (let i = 0; i < mostViews + 1; i += 1) {
    const answer = await fetch(`${gateway.url}/meseta/v1/events?topics=${encodeURIComponent(`tasks?q=a${i}`)}`, {
      method: 'HEAD',
    })
    t.equal(answer.status, 200)
  }
  await follow(t, gateway, `?topics=${encodeURIComponent('tasks?q=last')}`)
})

t.test('the snapshot is the state of the stream in one answer, and where it goes on', async t => {
  const { gateway, master } = await cluster(t)
  for (let i = 0; i < 5_000; i += 1)
    master.writer.put('task', `F/${i}`, { ...task(`${i}`, 'TASK_RUNNING'), name: 'é\n"' })
  const whole = await follow(t, gateway, '?topics=task')
  await until(async () => whole.keys('task').length === 5_000)
  const answer = await fetch(`${gateway.url}/meseta/v1/snapshot?topics=task,app`)
  t.match(answer.headers.get('content-type'), /^application\/json/)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const frames = (await answer.json()) as { id?: string; event: string; data: { key: string; body: unknown } }[]
  t.match(frames[0], {
    event: 'hello',
    data: { epoch: whole.hello.epoch, topics: ['task', 'app'], sources: { master: {} } },
  })
  t.match(frames.at(-1), { event: 'synced', id: new RegExp(`^${whole.hello.epoch}\\.`) })
  const tasks = frames.slice(1, -1)
  t.equal(tasks.length, 5_000)
  t.same(
    Object.fromEntries(tasks.map(({ data }) => [`task ${data.key}`, data.body])),
    Object.fromEntries(whole.objects),
  )
  for (let i = 0; i < 110; i += 1) {
    const small = await fetch(`${gateway.url}/meseta/v1/snapshot?topics=app`)
    if (small.status !== 200) return t.fail('one that has been read makes room for another')
    await small.arrayBuffer()
  }
  const resumed = await follow(t, gateway, `?topics=task&after=${frames.at(-1)!.id}`)
  t.same(
    resumed.frames.map(({ event }) => event),
    ['hello', 'synced'],
  )
})

t.test('what changes while a snapshot is read is in it, in order', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock: systemClock })
  for (const key of ['a', 'b', 'c']) writer.put('k', key, 1)
  const text: string[] = []
  for await (const part of snapshotText(writer, undefined, {})) {
    text.push(part)
    if (text.length === 1) writer.put('k', 'b', 2)
    if (text.length === 2) writer.del('k', 'a')
  }
  const copy = new Map<string, unknown>()
  const frames = JSON.parse(text.join('')) as {
    id: string
    event: string
    data: { op: string; key: string; body: unknown }
  }[]
  for (const { data } of frames.slice(1, -1)) {
    if (data.op === 'put') copy.set(data.key, data.body)
    else copy.delete(data.key)
  }
  t.same(Object.fromEntries(copy), { b: 2, c: 1 })
  t.equal(frames.at(-1)!.id, 'e.5')
})

t.test('a stream that ends is forgotten, and gives back its list', async t => {
  const { gateway } = await cluster(t)
  const topic = (i: number) => encodeURIComponent(`tasks?q=${i}`)
  const ask = async (i: number) => {
    const leave = new AbortController()
    t.teardown(() => leave.abort())
    const { status, body } = await fetch(`${gateway.url}/meseta/v1/events?topics=${topic(i)}`, { signal: leave.signal })
    const { value } = await body!.getReader().read()
    const stream = /"stream":"([\w-]+)"/.exec(Buffer.from(value!).toString())?.[1] ?? ''
    return { status, stream, leave }
  }
  const open = await Promise.all(Array.from({ length: mostViews }, (_, i) => ask(i)))
  t.ok(open.every(({ status }) => status === 200))
  t.equal((await ask(mostViews)).status, 503)
  t.equal((await ask(0)).status, 200, 'the same list is one')
  open[1]!.leave.abort()
  await until(async () => (await ask(mostViews)).status === 200)
  t.equal((await choose(gateway, open[1]!.stream, ['app'])).status, 404)
  t.equal((await choose(gateway, open[2]!.stream, ['app'])).status, 200)
})
