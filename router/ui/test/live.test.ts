import t from 'tap'
import { Following } from '../src/live/following.ts'
import { type Frame, FrameCutter } from '../src/live/sse.ts'

t.test('frames are cut at any place of the stream', async t => {
  const text = `: alive\n\nid: e.1\nevent: app\ndata: {"op":"put","key":"ü","body":1}\n\nevent: synced\ndata: {}\n\n`
  const expected: Frame[] = [
    { event: 'app', id: 'e.1', data: '{"op":"put","key":"ü","body":1}' },
    { event: 'synced', id: '', data: '{}' },
  ]
  for (let at = 0; at <= text.length; at += 1) {
    const cutter = new FrameCutter()
    t.strictSame([...cutter.push(text.slice(0, at)), ...cutter.push(text.slice(at))], expected)
  }
})

t.test('a frame without end is given up', async t => {
  const cutter = new FrameCutter()
  t.throws(() => {
    for (let piece = 0; piece < 10; piece += 1) cutter.push('x'.repeat(1_000_000))
  }, /over 8388608 characters/)
})

function copy() {
  const objects = new Map<string, unknown>()
  const following = new Following({
    put: (kind, key, body) => objects.set(`${kind} ${key}`, body),
    del: (kind, key) => objects.delete(`${kind} ${key}`),
  })
  const put = (key: string, body: unknown, id = '') =>
    following.frame({ event: 'app', id, data: JSON.stringify({ op: 'put', key, body }) })
  const say = (event: string, id = '') => following.frame({ event, id, data: '{}' })
  return { objects, following, put, say }
}

t.test('a connection resumes after its last frame once the state was whole', async t => {
  const { following, put, say } = copy()
  t.equal(following.connecting(), '')
  say('hello')
  put('/a', 1, 'e.1')
  t.equal(following.connecting(), '', 'half a state is begun again')
  put('/a', 1, 'e.1')
  say('synced', 'e.5')
  t.equal(following.connecting(), 'e.5')
  put('/b', 1, 'e.6')
  t.equal(following.connecting(), 'e.6')
  say('reset')
  put('/a', 1, 'f.1')
  t.equal(following.connecting(), '', 'a new state that broke off is begun again, not the old one resumed')
})

t.test('a new whole state deletes what it lacks, and nothing before it is complete', async t => {
  const { objects, following, put, say } = copy()
  following.connecting()
  put('/a', 1)
  put('/b', 1)
  say('synced', 'e.2')
  following.connecting()
  say('reset')
  put('/b', 2)
  t.strictSame(
    [...objects],
    [
      ['app /a', 1],
      ['app /b', 2],
    ],
  )
  say('synced', 'f.9')
  t.strictSame([...objects], [['app /b', 2]])
  following.frame({ event: 'app', id: 'f.10', data: '{"op":"del","key":"/b"}' })
  following.frame({ event: 'app', id: 'f.11', data: '{"op":"del","key":"/never"}' })
  t.equal(objects.size, 0)
  t.throws(() => following.frame({ event: 'app', id: '', data: 'nonsense' }))
  t.throws(() => following.frame({ event: 'app', id: '', data: '{"op":"put"}' }), /has no key/)
})
