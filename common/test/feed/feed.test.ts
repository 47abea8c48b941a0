import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t from 'tap'
import { type FeedListener, type FollowedFeed, type FollowFeedOptions, followFeed } from '../../src/feed/reader.ts'
import { type FeedReader, type ServedFeed, type ServeFeedOptions, serveFeed } from '../../src/feed/serve.ts'
import { FeedWriter, type FeedWriterOptions } from '../../src/feed/writer.ts'
import { systemClock } from '../../src/service/clock.ts'
import { HttpError } from '../../src/service/errors.ts'
import { Health } from '../../src/service/health.ts'
import { createHttp, type HttpService } from '../../src/service/http.ts'
import { createRegistry } from '../../src/service/metrics.ts'
import { systemRandom } from '../../src/service/random.ts'
import { quiet as log, until } from '../service/support.ts'

const clock = systemClock

interface Rig {
  readonly writer: FeedWriter
  readonly feed: ServedFeed
  readonly http: HttpService
  readonly url: string
  readonly port: number
}

async function rig(
  epoch: string,
  options: Partial<ServeFeedOptions> = {},
  ring?: FeedWriterOptions['ring'],
  port = 0,
): Promise<Rig> {
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port }, log, metrics: createRegistry(), clock },
    { name: 'feed', health: new Health(), closeGrace: 200 },
  )
  const writer = new FeedWriter({ epoch, clock, ...(ring ? { ring } : {}) })
  const feed = serveFeed(http.app, '/feed', writer, { log, ...options })
  const url = await http.listen()
  return { writer, feed, http, url: `${url}/feed`, port: Number(new URL(url).port) }
}

/** A follower's copy and all that it was told. */
class Copy implements FeedListener {
  readonly table = new Map<string, unknown>()
  readonly told: string[] = []
  syncs = 0
  put(kind: string, key: string, body: unknown): void {
    this.told.push(`put ${kind} ${key} ${JSON.stringify(body)}`)
    this.table.set(`${kind} ${key}`, body)
  }
  del(kind: string, key: string): void {
    this.told.push(`del ${kind} ${key}`)
    this.table.delete(`${kind} ${key}`)
  }
  synced(): void {
    this.syncs += 1
    this.told.push('synced')
  }
  reset(): void {
    this.told.push('reset')
  }
  state(state: string, detail: string): void {
    this.told.push(`${state}: ${detail}`)
  }
}

function follow(copy: Copy, url: FollowFeedOptions['url'], more: Partial<FollowFeedOptions> = {}): FollowedFeed {
  return followFeed({ url, clock, random: systemRandom, log, on: copy, retry: { first: 10, longest: 50 }, ...more })
}

/** A raw reader: the frames as they came, and a hand on the socket. */
function tap(port: number, query = '', headers: readonly string[] = []): { text(): string; socket: Socket } {
  let text = ''
  const lines = [`GET /feed${query} HTTP/1.1`, 'Host: localhost', ...headers, '', '']
  const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n')))
  socket.on('error', () => undefined)
  socket.on('data', chunk => {
    text += String(chunk)
  })
  return { text: () => text, socket }
}

/** What is in the chunks: frames without HTTP's own lengths. */
const frames = (text: string) =>
  text
    .replace(/^.*?\r\n\r\n/s, '')
    .replaceAll(/\r\n[0-9a-f]+\r\n|^[0-9a-f]+\r\n/g, '')
    .replace(/\r\n$/, '')

t.test('the frames are those of the agreement', async t => {
  const now = { now: () => 1234 }
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: createRegistry(), clock },
    { name: 'f', health: new Health() },
  )
  const writer = new FeedWriter({ epoch: 'e-1', clock: now })
  serveFeed(http.app, '/feed', writer, { log, heartbeat: 20 })
  const url = await http.listen()
  writer.put('task', 'f/a', { x: 'é\n' })
  writer.put('agent', 'b', [1])
  writer.put('task', 'f/a', { x: 2 })
  const reader = tap(Number(new URL(url).port))
  await until('the snapshot', () => reader.text().includes('synced'))
  writer.del('agent', 'b')
  await until('the change and a heartbeat', () => reader.text().includes('"del"') && reader.text().includes(': alive'))
  const text = frames(reader.text())
  t.ok(
    text.startsWith(
      'event: hello\ndata: {"epoch":"e-1","seq":3}\n\n' +
        'id: e-1.2\nevent: agent\ndata: {"op":"put","key":"b","rev":2,"at":1234,"body":[1]}\n\n' +
        'id: e-1.3\nevent: task\ndata: {"op":"put","key":"f/a","rev":3,"at":1234,"body":{"x":2}}\n\n' +
        'id: e-1.3\nevent: synced\ndata: {}\n\n',
    ),
    text,
  )
  t.ok(text.includes('id: e-1.4\nevent: agent\ndata: {"op":"del","key":"b","rev":4,"at":1234}\n\n'))
  t.match(reader.text(), /content-type: text\/event-stream/)
  t.match(reader.text(), /cache-control: no-store/)
  reader.socket.destroy()
  await http.close()
})

t.test('the writer keeps the newest body, and a body that is the same is no change', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock })
  t.equal(writer.put('a', 'k', { x: 1 }), true)
  t.equal(writer.put('a', 'k', { x: 1 }), false)
  t.equal(writer.put('b', 'k', { x: 1 }), true)
  t.equal(writer.del('a', 'k'), true)
  t.equal(writer.del('a', 'k'), false)
  t.equal(writer.seq, 3)
  t.equal(writer.size, 1)
  t.equal(writer.has('b', 'k'), true)
  for (const kind of ['hello', 'reset', 'synced', 'A', '', 'a b', 'a\n'])
    t.throws(() => writer.put(kind, 'k', 1), /can not be a kind/, kind)
  t.throws(() => writer.put('a', 'k', undefined), /no JSON form/)
  for (const epoch of ['', 'a.b', 'a b', 'x'.repeat(65)])
    t.throws(() => new FeedWriter({ epoch, clock }), /epoch/, epoch)
})

t.test('a body that is the end of the one before, or looks like a frame, is a change', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock })
  const inner = { x: 'é' }
  for (const body of [
    { body: inner },
    inner,
    { a: 1, body: inner },
    '"body":1',
    1,
    11,
    { body: 11 },
    '}\n\n',
    { x: 'è' },
  ]) {
    t.equal(writer.put('a', 'k', body), true, JSON.stringify(body))
    t.equal(writer.put('a', 'k', body), false, JSON.stringify(body))
  }
})

t.test('after a break a reader gets what it missed, and nothing else', async t => {
  const { writer, http, port } = await rig('e1')
  for (const key of ['a', 'b', 'c']) writer.put('task', key, 1)
  writer.put('task', 'b', 2)
  writer.del('task', 'c')
  for (const reader of [
    tap(port, '?after=e1.3'),
    tap(port, '', ['Last-Event-ID: e1.3']),
    tap(port, '?after=e1.3', ['Last-Event-ID: e1.1']),
  ]) {
    await until('synced', () => reader.text().includes('synced'))
    t.match(
      frames(reader.text()),
      /^event: hello\n.*\n\nid: e1\.4\n.*"b".*\n\nid: e1\.5\n.*"del".*\n\nid: e1\.5\nevent: synced\ndata: \{\}\n\n$/s,
    )
    t.notMatch(reader.text(), /event: reset/)
    reader.socket.destroy()
  }
  const nothing = tap(port, '?after=e1.5')
  await until('synced', () => nothing.text().includes('synced'))
  t.equal(frames(nothing.text()).split('\n\n').length, 3, 'hello, synced and no more')
  nothing.socket.destroy()
  await http.close()
})

t.test('a place that is not in the ring, or no place of this feed, gets reset and everything', async t => {
  const { writer, feed, http, port, url } = await rig('e1', {}, { changes: 3 })
  for (let n = 1; n <= 6; n++) writer.put('task', `k${n % 2}`, n)
  for (const after of ['e1.2', 'e1.7', 'e0.5', 'garbage', 'e1.-1', 'e1.5.6', '.', 'e1.99999999999999999999']) {
    const reader = tap(port, `?after=${after}`)
    await until('synced', () => reader.text().includes('synced'))
    t.match(
      frames(reader.text()),
      /^event: hello\n.*\n\nevent: reset\ndata: \{\}\n\nid: e1\.5\n.*\n\nid: e1\.6\n.*synced/s,
      after,
    )
    reader.socket.destroy()
  }
  const edge = tap(port, '?after=e1.3')
  await until('synced', () => edge.text().includes('synced'))
  t.notMatch(edge.text(), /reset/, 'the oldest place that the ring still serves')
  edge.socket.destroy()
  t.equal((await fetch(`${url}?after=a&after=b`)).status, 400)
  t.equal((await fetch(url, { method: 'HEAD' })).status, 200)
  await until('nobody reads', () => feed.readers === 0)
  await http.close()
})

t.test('the ring is bounded by bytes too', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock, ring: { changes: 1000, bytes: 10_000 } })
  for (let n = 0; n < 100; n++) writer.put('x', String(n), 'y'.repeat(900))
  t.equal(writer.canResume({ epoch: 'e', seq: 100 - 9 }), true)
  t.equal(writer.canResume({ epoch: 'e', seq: 100 - 12 }), false)
  t.equal(writer.bytesAfter(100), 0)
  t.ok(writer.bytesAfter(95) > 4500 && writer.bytesAfter(95) < 5500)
  t.equal(writer.bytesAfter(10), Number.POSITIVE_INFINITY)
  const huge = new FeedWriter({ epoch: 'e', clock, ring: { changes: 10, bytes: 10 } })
  huge.put('x', 'k', 'y'.repeat(100))
  t.equal(huge.changesAfter(0, 1)?.seq, 1, 'the newest change is always there')
})

t.test('a snapshot taken while things change, and the changes after it, make the state', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const writer = new FeedWriter({ epoch: 'e', clock })
  const change = () => {
    if (random(4) === 0) writer.del('k', String(random(50)))
    else writer.put('k', String(random(50)), random(1000))
  }
  for (let round = 0; round < 50; round++) {
    for (let n = 0; n < 40; n++) change()
    const copy = new Map<string, unknown>()
    const apply = (bytes: Uint8Array | undefined) => {
      for (const [, data] of Buffer.from(bytes ?? [])
        .toString()
        .matchAll(/^data: (.*)$/gm)) {
        const { op, key, body } = JSON.parse(data!)
        if (op === 'put') copy.set(key, body)
        else copy.delete(key)
      }
    }
    const snapshot = writer.snapshot()
    for (let part = snapshot.next(200); part; part = snapshot.next(200)) {
      apply(part)
      for (let n = random(5); n > 0; n--) change()
    }
    let seq = snapshot.seq
    for (let batch = writer.changesAfter(seq, 500); batch; batch = writer.changesAfter(seq, 500)) {
      apply(batch.bytes)
      seq = batch.seq
    }
    const truth = new Map<string, unknown>()
    const all = writer.snapshot()
    for (const [, data] of Buffer.from(all.next(1e9) ?? [])
      .toString()
      .matchAll(/^data: (.*)$/gm)) {
      const { key, body } = JSON.parse(data!)
      truth.set(key, body)
    }
    if (
      !t.same(
        Object.fromEntries([...copy].sort()),
        Object.fromEntries([...truth].sort()),
        `seed ${seed} round ${round}`,
      )
    )
      break
  }
})

t.test('a snapshot holds nothing that came after it began', async t => {
  const writer = new FeedWriter({ epoch: 'e', clock })
  for (const key of ['a', 'b', 'c']) writer.put('k', key, 1)
  const snapshot = writer.snapshot()
  const first = String(snapshot.next(1))
  writer.put('k', 'b', 2)
  writer.put('k', 'd', 1)
  const rest = String(snapshot.next(1e6))
  t.match(first, /^id: e\.1\n/)
  t.match(rest, /^id: e\.3\n[^\n]*\n[^\n]*"c"[^\n]*\n\n$/)
  t.equal(snapshot.next(1e6), undefined)
  t.match(String(writer.changesAfter(snapshot.seq, 1e6)?.bytes), /"b".*"d"/s)
})

t.test(
  'a follower is told of changes, and of what vanished while it was away, and never of an empty state',
  async t => {
    let server = await rig('e1')
    const { port } = server
    server.writer.put('task', 'a', 1)
    server.writer.put('task', 'b', 1)
    const copy = new Copy()
    const follower = follow(copy, server.url)
    await until('live', () => follower.state === 'live')
    server.writer.put('task', 'a', 2)
    await until('the change', () => copy.table.get('task a') === 2)
    t.same(copy.told.slice(0, 4), ['put task a 1', 'put task b 1', 'synced', 'live: the feed is complete and followed'])

    await server.http.close()
    await until('lost', () => follower.state === 'lost')
    t.same(
      [...copy.table],
      [
        ['task a', 2],
        ['task b', 1],
      ],
      'what was known stays',
    )
    copy.told.length = 0
    server = await rig('e2', {}, undefined, port)
    server.writer.put('task', 'a', 2)
    server.writer.put('task', 'c', 1)
    await until('the new state', () => copy.told.includes('synced'))
    t.same(
      copy.told.filter(line => !line.startsWith('lost')),
      ['reset', 'put task a 2', 'put task c 1', 'del task b', 'synced', 'live: the feed is complete and followed'],
    )
    copy.told.length = 0
    server.http.app.server.closeAllConnections()
    await until('lost', () => copy.told.some(line => line.startsWith('lost')))
    server.writer.del('task', 'c')
    await until('back', () => follower.state === 'live')
    t.same(
      copy.told.slice(1),
      ['del task c', 'synced', 'live: the feed is complete and followed'],
      'resumed: only what was missed',
    )
    follower.stop()
    copy.told.length = 0
    server.writer.put('task', 'z', 1)
    await until('the reader has left', () => server.feed.readers === 0)
    t.same(copy.told, [], 'nothing after stop')
    await server.http.close()
  },
)

t.test('a follower finds the leader by asking and by one redirect', async t => {
  const leader = await rig('e1')
  leader.writer.put('task', 'a', 1)
  let redirects = 0
  const standby = createServer((request: IncomingMessage, response: ServerResponse) => {
    redirects += 1
    const location = request.url?.startsWith('/loop') ? '/loop' : `//127.0.0.1:${leader.port}${request.url}`
    response.writeHead(307, { location }).end()
  })
  await new Promise<void>(resolve => standby.listen(0, '127.0.0.1', resolve))
  const standbyPort = (standby.address() as AddressInfo).port
  const answers = [undefined, `http://127.0.0.1:${standbyPort}/feed`]
  const copy = new Copy()
  const follower = follow(copy, async () => (answers.length > 1 ? answers.shift() : answers[0]))
  await until('live', () => follower.state === 'live')
  t.match(copy.told[0], /^lost: nobody is known/)
  t.equal(copy.table.get('task a'), 1)
  t.equal(redirects, 1)
  follower.stop()

  const lost = new Copy()
  const looping = follow(lost, `http://127.0.0.1:${standbyPort}/loop`)
  await until('given up', () => lost.told.length > 0)
  t.match(lost.told[0], /answers 307 and no event stream/)
  looping.stop()
  await new Promise(resolve => standby.close(resolve))
  await leader.http.close()
})

t.test('a reader that names topics gets their snapshot and their changes, also after a break', async t => {
  const { writer, http, url, port } = await rig('e1')
  t.teardown(() => http.close())
  for (const kind of ['app', 'task', 'vip']) writer.put(kind, 'a', 1)
  const all = tap(port, '?topics=app,vip')
  t.teardown(() => all.socket.destroy())
  await until('the snapshot', () => all.text().includes('event: synced'))
  for (const kind of ['task', 'app', 'task']) writer.put(kind, 'b', 2)
  writer.del('vip', 'a')
  await until('the deletion', () => all.text().includes('"op":"del"'))
  t.notMatch(all.text(), /event: task/)
  t.equal(all.text().match(/event: (app|vip)/g)?.length, 4)
  const back = tap(port, '?topics=task&after=e1.3')
  t.teardown(() => back.socket.destroy())
  await until('what was missed', () => back.text().includes('event: synced'))
  t.notMatch(back.text(), /event: (app|vip|reset)/)
  t.match(back.text(), /event: task/)
  const strange = await fetch(`${url}?topics=app,..%2f`)
  t.equal(strange.status, 400)
  t.match(await strange.text(), /topics/)
})

t.test(
  'a host adds to hello and to the stream, and changes the kinds of a reader, also of one that still gets the state',
  async t => {
    const readers: FeedReader[] = []
    const { writer, feed, http, port } = await rig('e1', {
      host: topics => {
        if (topics.includes('no:thing')) throw new HttpError(400, 'there is no such thing')
        return {
          hello: kinds => ({ kinds: [...(kinds ?? ['all'])], topics }),
          welcome: reader => {
            readers.push(reader)
            reader.tell(Buffer.from('event: own\ndata: {}\n\n'))
          },
        }
      },
    })
    t.teardown(() => http.close())
    const big = 'x'.repeat(1000)
    for (let n = 0; n < 5_000; n += 1) writer.put('task', `t${n}`, big)
    writer.put('app', 'a', 1)
    writer.put('vip', 'v', 1)
    const one = tap(port, '?topics=app&topics=x%3Fa,b')
    t.teardown(() => one.socket.destroy())
    await until('synced', () => one.text().includes('event: synced'))
    t.match(frames(one.text()), /"kinds":\["app"\],"topics":\["x\?a,b"\]/)
    t.match(frames(one.text()), /event: hello\n.*\n\nevent: own\n.*"a".*synced/s)

    readers[0]!.choose(new Set(['vip', 'app']))
    writer.put('app', 'a', 2)
    await until('the new kind and the change', () => one.text().includes('"body":2'))
    t.match(frames(one.text()), /"kinds":\["vip","app"\].*"key":"v".*"body":2/s)
    t.equal(one.text().match(/"key":"a"/g)?.length, 2, 'what it had is not sent again')

    const late = tap(port, '?topics=task')
    t.teardown(() => late.socket.destroy())
    late.socket.pause()
    await until('a second reader', () => readers.length === 2)
    readers[1]!.choose(undefined)
    late.socket.resume()
    await until('synced', () => late.text().includes('event: synced'))
    const keys = new Set([...late.text().matchAll(/"key":"(\w+)"/g)].map(([, key]) => key))
    t.equal(keys.size, 5_002)

    const refused = await fetch(`http://127.0.0.1:${port}/feed?topics=no:thing`)
    t.equal(refused.status, 400)
    t.equal(feed.readers, 2)
  },
)

t.test('silence, garbage and oversized frames end a connection, and the copy stays', async t => {
  let serveNext: (response: ServerResponse) => void = () => undefined
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    serveNext(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/feed`
  const whole =
    'event: hello\r\ndata: {"epoch":"e","seq":1}\r\n\r\nid: e.1\r\nevent: task\r\ndata: {"op":"put","key":"a","rev":1,"at":1,"body":"ü"}\r\n\r\nid: e.1\r\nevent: synced\r\ndata: {}\r\n\r\n'
  const send = (response: ServerResponse, bytes: Buffer) => {
    for (const byte of bytes) response.write(Buffer.of(byte))
  }
  serveNext = response => send(response, Buffer.from(whole))
  const copy = new Copy()
  const follower = follow(copy, url, { silence: 150, maxFrame: 2000 })
  await until('live by single bytes and CRLF', () => follower.state === 'live')
  t.equal(copy.table.get('task a'), 'ü')
  const bad: [string, RegExp][] = [
    ['', /nothing was heard/],
    ['event: task\ndata: {"op":"put"\n\n', /not JSON/],
    ['event: task\ndata: {"op":"put"}\n\n', /no key/],
    ['event: task\ndata: {"op":"move","key":"a"}\n\n', /'move' is not an op/],
    ['event: task\ndata: []\n\n', /not an object/],
    ['event: hello\ndata: {}\n\n', /names no epoch/],
    ['id: nonsense\nevent: synced\ndata: {}\n\n', /not an id/],
    [`event: task\ndata: ${'x'.repeat(3000)}\n\n`, /over 2000 bytes/],
    ['data: x\n'.repeat(1000), /over 2000 bytes/],
    ['x'.repeat(3000), /over 2000 bytes/],
  ]
  for (const [text, reason] of bad) {
    copy.told.length = 0
    serveNext = response => {
      serveNext = response => send(response, Buffer.from(whole))
      send(response, Buffer.from(whole))
      response.write(text || ': hi\n\n')
    }
    server.closeAllConnections()
    const lost = () => copy.told.filter(line => line.startsWith('lost'))
    await until(`lost for ${reason}`, () => lost().some(line => reason.test(line)))
    await until('back', () => follower.state === 'live')
    t.equal(copy.table.get('task a'), 'ü', `the copy stays: ${reason}`)
    t.notOk(copy.told.some(line => line.startsWith('del')))
  }
  follower.stop()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

t.test('a reader that does not read is cut off and delays no one', async t => {
  const { writer, feed, http, port, url } = await rig('e1', { maxBehind: 1024 * 1024, stallTimeout: 5_000 })
  const stuck = tap(port)
  await until('the stuck reader', () => stuck.text().includes('synced'))
  stuck.socket.pause()
  const copy = new Copy()
  const follower = follow(copy, url)
  await until('live', () => follower.state === 'live')
  t.equal(feed.readers, 2)
  const body = 'x'.repeat(100_000)
  let sent = 0
  while (feed.readers === 2 && sent < 2000) {
    sent += 1
    writer.put('task', 'a', `${sent}${body}`)
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(feed.readers, 1, `cut off after ${sent} changes of 100 kB`)
  writer.put('task', 'done', true)
  await until('the other has all', () => copy.table.get('task done') === true)
  t.equal(copy.told.filter(line => line.startsWith('lost')).length, 0)
  stuck.socket.destroy()
  follower.stop()
  await http.close()
})

t.test('a stalled reader is cut off by time', async t => {
  const { writer, feed, http, port, url } = await rig('e1', { stallTimeout: 150 })
  for (let n = 0; n < 300; n++) writer.put('task', String(n), 'x'.repeat(100_000))
  const stuck = tap(port)
  stuck.socket.pause()
  await until('it came', () => feed.readers === 1)
  await until('it is cut off', () => feed.readers === 0)
  t.equal((await fetch(url.replace('/feed', '/health'))).status, 200)
  stuck.socket.destroy()
  await http.close()
})

t.test('many readers see every change in order, in shared bytes; one too many is told to wait', async t => {
  const count = 60
  const { writer, feed, http, url } = await rig('e1', { maxReaders: count })
  for (let n = 0; n < 2000; n++) writer.put('task', `t${n}`, { n })
  const copies = Array.from({ length: count }, () => new Copy())
  const followers = copies.map(copy => follow(copy, url))
  await until('all live', () => followers.every(follower => follower.state === 'live'))
  t.equal(feed.readers, count)
  const refused = await fetch(url)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '5')
  for (const copy of copies) copy.told.length = 0
  for (let n = 0; n < 200; n++) {
    writer.put('task', 'counter', n)
    if (n % 20 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await until('all have the last', () => copies.every(copy => copy.table.get('task counter') === 199))
  const expected = Array.from({ length: 200 }, (_, n) => `put task counter ${n}`)
  for (const copy of copies) if (!t.same(copy.told, expected)) break
  for (const follower of followers) follower.stop()
  await until('all have left', () => feed.readers === 0)
  await http.close()
})
