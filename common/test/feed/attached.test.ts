import t from 'tap'
import { Following } from '../../src/feed/following.ts'
import { SseParser } from '../../src/feed/sse.ts'
import { FeedWriter, type Snapshot } from '../../src/feed/writer.ts'

/** A writer of things of its own and of tasks that are kept elsewhere. */
function kept() {
  let time = 0
  const writer = new FeedWriter({ epoch: 'e', clock: { now: () => ++time } })
  const tasks = new Map<string, { key: string; body: string; seq: number; at: number }>()
  let walks = 0
  writer.attach('task', {
    walk: () => {
      walks += 1
      const all = [...tasks.values()].values()
      let ended = false
      return {
        next: () => all.next().value,
        end: () => {
          if (!ended) walks -= 1
          ended = true
        },
      }
    },
  })
  const tell = (key: string, body: string | undefined) => {
    const told = writer.tell('task', key, body)
    if (body === undefined) tasks.delete(key)
    else tasks.set(key, { key, body, ...told })
  }
  return { writer, tell, openWalks: () => walks }
}

function read(snapshot: Snapshot): Buffer {
  const parts: Uint8Array[] = []
  for (let part = snapshot.next(20); part; part = snapshot.next(20)) parts.push(part)
  return Buffer.concat(parts)
}

/** What a reader holds after these bytes. */
function heldAfter(...parts: Uint8Array[]): string[] {
  const held = new Map<string, string>()
  const following = new Following({
    put: (kind, key, body, at) => held.set(`${kind} ${key}`, `${JSON.stringify(body)} at ${at}`),
    del: (kind, key) => held.delete(`${kind} ${key}`),
  })
  const parser = new SseParser()
  for (const part of parts) for (const frame of parser.push(Buffer.from(part))) following.frame(frame)
  return [...held].map(([key, body]) => `${key}: ${body}`)
}

t.test('a kind that is kept elsewhere is part of the state, and its changes follow in order', async t => {
  const { writer, tell, openWalks } = kept()
  writer.put('agent', 'a', { n: 1 })
  tell('x', '{"n":2}')
  tell('y', '{"n":3}')
  const snapshot = writer.snapshot()
  tell('x', undefined)
  tell('z', '{"n":4}')
  const state = read(snapshot)
  t.same(heldAfter(state), ['agent a: {"n":1} at 1', 'task x: {"n":2} at 2', 'task y: {"n":3} at 3'])
  const { bytes, seq } = writer.changesAfter(snapshot.seq, 1e6)!
  t.equal(seq, 5)
  t.same(heldAfter(state, bytes), ['agent a: {"n":1} at 1', 'task y: {"n":3} at 3', 'task z: {"n":4} at 5'])
  t.equal(openWalks(), 0)
})

t.test('only what is wanted is walked, and a walk that is given up ends', async t => {
  const { writer, tell, openWalks } = kept()
  tell('x', '{}')
  const without = writer.snapshot(new Set(['agent']))
  t.equal(openWalks(), 0)
  t.same(heldAfter(read(without)), [])
  const snapshot = writer.snapshot(new Set(['task']))
  t.equal(openWalks(), 1)
  snapshot.end()
  snapshot.end()
  t.equal(openWalks(), 0)
})
