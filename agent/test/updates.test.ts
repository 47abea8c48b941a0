import type { TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { firstRetry, longestRetry, type UpdateEffect, UpdateManager } from '../src/updates/manager.ts'
import { decodeRecords, encodeRecord, type UpdateRecord } from '../src/updates/record.ts'

const status = (uuid: string, state: TaskState): TaskStatus => ({ task_id: { value: 't' }, state, uuid })
const forwards = (effects: readonly UpdateEffect[]) =>
  effects.filter(effect => effect.type === 'forward').map(effect => `${effect.status.uuid}/${effect.latest}`)

t.test('only the head is in flight, and carries the latest state', async test => {
  const manager = new UpdateManager()
  manager.resume(0)
  test.strictSame(forwards(manager.update(0, 'k', status('a', 'TASK_STARTING')).effects), ['a/TASK_STARTING'])
  test.strictSame(forwards(manager.update(1, 'k', status('b', 'TASK_RUNNING')).effects), [])
  test.strictSame(forwards(manager.retry(firstRetry)), ['a/TASK_RUNNING'])
  test.strictSame(forwards(manager.acknowledge(20_000, 'k', 'a').effects), ['b/TASK_RUNNING'])
  manager.acknowledge(20_001, 'k', 'b')
  test.equal(manager.nextRetry(), undefined, 'nothing is waited for when all is acknowledged')
})

t.test('retries come after 10 s, doubling to 10 min, and not while there is no master', async test => {
  const manager = new UpdateManager()
  manager.resume(0)
  manager.update(0, 'k', status('a', 'TASK_RUNNING'))
  const waits: number[] = []
  let now = 0
  for (let count = 0; count < 9; count++) {
    const next = manager.nextRetry() ?? Number.NaN
    waits.push(next - now)
    test.strictSame(forwards(manager.retry(next - 1)), [], 'not before its time')
    test.equal(forwards(manager.retry(next)).length, 1)
    now = next
  }
  test.strictSame(
    waits,
    [10, 20, 40, 80, 160, 320, 600, 600, 600].map(seconds => seconds * 1000),
  )
  test.equal(waits.at(-1), longestRetry)
  manager.pause()
  test.equal(manager.nextRetry(), undefined)
  test.strictSame(forwards(manager.update(now, 'k2', status('b', 'TASK_RUNNING')).effects), [])
  test.strictSame(forwards(manager.resume(now)).sort(), ['a/TASK_RUNNING', 'b/TASK_RUNNING'])
})

t.test('duplicates, stale and unknown acknowledgements change nothing', async test => {
  const manager = new UpdateManager()
  manager.resume(0)
  const first = manager.update(0, 'k', status('a', 'TASK_RUNNING'))
  test.equal(first.result, 'new')
  test.strictSame(manager.update(0, 'k', status('a', 'TASK_RUNNING')), { result: 'duplicate', effects: [] })
  test.strictSame(manager.acknowledge(0, 'k', 'never'), { result: 'unknown', effects: [] })
  test.strictSame(manager.acknowledge(0, 'other', 'a'), { result: 'unknown', effects: [] })
  manager.acknowledge(0, 'k', 'a')
  test.strictSame(manager.acknowledge(0, 'k', 'a'), { result: 'stale', effects: [] })
  manager.update(0, 'k', status('z', 'TASK_FINISHED'))
  test.equal(manager.update(0, 'k', status('late', 'TASK_RUNNING')).result, 'after-terminal')
  test.strictSame(
    manager.acknowledge(0, 'k', 'z').effects.map(effect => effect.type),
    ['record', 'finished'],
  )
  test.equal(manager.stream('k'), undefined)
})

t.test('records survive a half-written end, and a damaged middle is told', async test => {
  const records: UpdateRecord[] = [
    { type: 'UPDATE', status: status('ä', 'TASK_STARTING') },
    { type: 'ACK', uuid: 'ä' },
    { type: 'UPDATE', status: status('b', 'TASK_RUNNING') },
  ]
  const bytes = Buffer.from(records.map(encodeRecord).join(''))
  test.strictSame(decodeRecords(bytes), { records, validBytes: bytes.length, damage: undefined })
  const lines = records.map(record => Buffer.byteLength(encodeRecord(record)))
  const whole = (lines[0] ?? 0) + (lines[1] ?? 0)
  for (let cut = whole; cut < bytes.length; cut++) {
    const read = decodeRecords(bytes.subarray(0, cut))
    test.strictSame([read.records.length, read.validBytes, read.damage], [2, whole, undefined], `cut at ${cut}`)
  }
  const damaged = Buffer.from(bytes)
  damaged[20] = 0x21
  test.match(decodeRecords(damaged), { records: [], validBytes: 0, damage: /byte 0/ })
  test.throws(() => decodeRecords(Buffer.from(encodeRecord(records[1]!).replace(/^1 /, '9 '))), /version 9/)
})

t.test('a compacted stream still knows when its task began to run', async test => {
  const manager = new UpdateManager()
  manager.resume(0)
  let records: UpdateRecord[] = []
  const perform = (effects: readonly UpdateEffect[]) => {
    for (const effect of effects) {
      if (effect.type === 'record') records.push(effect.record)
      else if (effect.type === 'compact') records = [...effect.records]
    }
  }
  for (let count = 0; count < 1_000; count++) {
    const state = count === 0 ? 'TASK_STARTING' : 'TASK_RUNNING'
    perform(manager.update(count, 'k', status(`u${count}`, state)).effects)
    perform(manager.acknowledge(count, 'k', `u${count}`).effects)
  }
  test.ok(records.length < 300)
  const uuids = records.flatMap(record => (record.type === 'UPDATE' ? [record.status.uuid] : []))
  test.equal(uuids[0], 'u1')
  test.equal(uuids.at(-1), 'u999')
  test.equal(new UpdateManager().restore('k', records).acknowledged?.uuid, 'u999')
})

/** A small generator of numbers from a seed. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

t.test(
  'under any order of updates, acknowledgements, restarts and losses nothing is lost or told out of order',
  async test => {
    for (let seed = 1; seed <= 300; seed++) {
      const next = generator(seed * 7919)
      let manager = new UpdateManager()
      manager.resume(0)
      let file = ''
      let now = 0
      let made = 0
      let ended = false
      let finished = false
      let inFlight: string | undefined
      const told: string[] = []
      const submitted: string[] = []
      const perform = (effects: readonly UpdateEffect[]) => {
        for (const effect of effects) {
          if (effect.type === 'record') file += encodeRecord(effect.record)
          else if (effect.type === 'compact') file = effect.records.map(encodeRecord).join('')
          else if (effect.type === 'finished') finished = true
          else {
            // What is forwarded was stored before.
            if (!file.includes(`"uuid":"${effect.status.uuid}"`))
              throw new Error(`seed ${seed}: forwarded before stored`)
            inFlight = effect.status.uuid
            if (!told.includes(inFlight ?? '')) told.push(inFlight ?? '')
          }
        }
      }
      for (let step = 0; step < 200 && !finished; step++) {
        now += next(30_000)
        const choice = next(10)
        if (choice < 4 && !ended) {
          ended = next(20) === 0
          const uuid = `u${made++}`
          submitted.push(uuid)
          perform(manager.update(now, 'k', status(uuid, ended ? 'TASK_FINISHED' : 'TASK_RUNNING')).effects)
        } else if (choice < 7 && inFlight !== undefined) perform(manager.acknowledge(now, 'k', inFlight).effects)
        else if (choice === 7) perform(manager.retry(now))
        else if (choice === 8) manager.pause()
        else if (choice === 9 && next(3) === 0) {
          // A crash in the middle of the next append.
          manager = new UpdateManager()
          const { records, validBytes } = decodeRecords(Buffer.from(`${file}1 00000000 {"ty`))
          if (validBytes !== file.length)
            throw new Error(`seed ${seed}: ${validBytes} of ${file.length} bytes read back`)
          manager.restore('k', records)
        } else perform(manager.resume(now))
      }
      for (let drain = 0; drain < 300 && !finished; drain++) {
        perform(manager.resume(now))
        if (inFlight !== undefined) perform(manager.acknowledge(now, 'k', inFlight).effects)
      }
      const order = told.map(uuid => submitted.indexOf(uuid))
      const isOrdered = order.every((value, index) => index === 0 || value > (order[index - 1] ?? -1))
      if (!isOrdered) test.fail(`seed ${seed}: told in the order ${told}`)
      if (ended && told.at(-1) !== submitted.at(-1)) test.fail(`seed ${seed}: the end ${submitted.at(-1)} was not told`)
      if (ended !== finished) test.fail(`seed ${seed}: ended ${ended}, finished ${finished}`)
      const newest = submitted.at(-1)
      if (newest !== undefined && told.at(-1) !== newest) test.fail(`seed ${seed}: ${newest} was never told`)
    }
    test.pass('seeds 1 to 300')
  },
)
