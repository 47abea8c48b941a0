import type { Test } from 'tap'
import { type Bus, BusDownError, maxPayloadBytes } from '../../src/messaging/bus.ts'
import { until } from '../support/until.ts'

/** What a Bus is opened with in a test: two connections to the same bus, which may be one object. */
export interface BusUnderTest {
  readonly a: Bus
  readonly b: Bus
  stop(): Promise<void>
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (payload: Uint8Array): string => Buffer.from(payload).toString()

/** Listens, and resolves when what is published arrives: subscriptions are on their way to the server for a moment. */
async function listening(from: Bus, to: Bus, pattern: string, subject: string): Promise<string[]> {
  const heard: string[] = []
  to.subscribe(pattern, (payload, on) => heard.push(`${on} ${text(payload)}`))
  await until(`a subscription to ${pattern}`, () => {
    from.publish(subject, bytes('?'))
    return heard.length > 0
  })
  await until('the last question', async () => {
    from.publish(subject, bytes('!'))
    await new Promise(resolve => setImmediate(resolve))
    return heard.some(line => line.endsWith('!'))
  })
  return heard
}

/** Everything that a Bus promises, whatever carries it. */
export async function busSuite(t: Test, open: () => Promise<BusUnderTest>): Promise<void> {
  await t.test('a message reaches whoever listens, in order, with its bytes and subject', async t => {
    const { a, b, stop } = await open()
    const heard = await listening(a, b, 'm.x', 'm.x')
    const before = heard.length
    for (let i = 0; i < 1_000; i += 1) a.publish('m.x', bytes(`${i}`))
    await until('1,000 messages', () => heard.at(-1) === 'm.x 999')
    t.same(
      heard.filter(line => /\d$/.test(line)),
      Array.from({ length: 1_000 }, (_, i) => `m.x ${i}`),
    )
    t.ok(heard.length >= before + 1_000)
    await stop()
  })

  await t.test('wildcards take one part, or the rest', async t => {
    const { a, b, stop } = await open()
    const one = await listening(a, b, 'm.*.z', 'm.y.z')
    const rest = await listening(a, b, 'm.>', 'm.y.z')
    a.publish('m.y', bytes('short'))
    a.publish('m.y.z.w', bytes('long'))
    a.publish('n.y.z', bytes('other'))
    a.publish('m.q.z', bytes('both'))
    await until('the last message', () => one.includes('m.q.z both') && rest.includes('m.q.z both'))
    t.notOk(one.some(line => /short|long|other/.test(line)))
    t.ok(rest.includes('m.y short'))
    t.ok(rest.includes('m.y.z.w long'))
    t.notOk(rest.some(line => line.includes('other')))
    await stop()
  })

  await t.test('a publisher hears itself, after publish has returned', async t => {
    const { a, stop } = await open()
    const heard = await listening(a, a, 'self', 'self')
    const before = heard.length
    a.publish('self', bytes('echo'))
    t.equal(heard.length, before, 'not inside of publish')
    await until('the echo', () => heard.includes('self echo'))
    await stop()
  })

  await t.test('after unsubscribe nothing arrives', async t => {
    const { a, b, stop } = await open()
    let heard = 0
    const subscription = b.subscribe('u', () => {
      heard += 1
    })
    const other = await listening(a, b, 'u', 'u')
    subscription.unsubscribe()
    const before = heard
    a.publish('u', bytes('late'))
    await until('the other hears it', () => other.includes('u late'))
    t.equal(heard, before)
    await stop()
  })

  await t.test('a receiver that throws keeps no other from hearing', async t => {
    const { a, b, stop } = await open()
    b.subscribe('t', () => {
      throw new Error('a receiver fails')
    })
    const heard = await listening(a, b, 't', 't')
    a.publish('t', bytes('on'))
    await until('the message', () => heard.includes('t on'))
    t.pass()
    await stop()
  })

  await t.test('a payload of 1 MiB arrives, one byte more is refused', async t => {
    const { a, b, stop } = await open()
    await listening(a, b, 'big', 'big')
    let size = 0
    b.subscribe('big', payload => {
      size = Math.max(size, payload.length)
    })
    await until('a full payload', () => {
      if (size < maxPayloadBytes) a.publish('big', new Uint8Array(maxPayloadBytes))
      return size === maxPayloadBytes
    })
    t.throws(() => a.publish('big', new Uint8Array(maxPayloadBytes + 1)), { name: 'PayloadTooLargeError' })
    await stop()
  })

  await t.test('bad subjects are refused', async t => {
    const { a, stop } = await open()
    for (const subject of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a\nb', 'a.*', '>', 'ü', `${'a'.repeat(600)}`])
      t.throws(() => a.publish(subject, bytes('x')), { name: 'BadSubjectError' }, JSON.stringify(subject.slice(0, 10)))
    for (const pattern of ['', 'a..b', '>.a', 'a b'])
      t.throws(() => a.subscribe(pattern, () => {}), { name: 'BadSubjectError' }, pattern)
    await stop()
  })

  await t.test('a closed bus says so, and takes nothing', async t => {
    const { a, stop } = await open()
    const states: string[] = []
    a.onState(state => states.push(state))
    t.equal(a.state, 'connected')
    await a.close()
    await a.close()
    t.equal(a.state, 'closed')
    t.same(states, ['closed'])
    t.throws(() => a.publish('x', bytes('x')), BusDownError)
    await stop()
  })
}
