import t from 'tap'
import { systemRandom } from '../../src/service/random.ts'

t.test('no draw of the system randomness comes twice, of whatever length', async t => {
  const seen = new Set<string>()
  const lengths = [8, 16, 24, 33, 255, 256, 257, 10_000]
  for (let draw = 0; draw < 4_000; draw++) {
    const length = lengths[draw % lengths.length]!
    const bytes = systemRandom.bytes(length)
    if (bytes.length !== length) t.fail(`${bytes.length} bytes instead of ${length}`)
    seen.add(Buffer.from(bytes).toString('hex'))
  }
  t.equal(seen.size, 4_000)
  t.equal(systemRandom.bytes(0).length, 0)
})

t.test('what was drawn belongs to who drew it', async t => {
  const first = systemRandom.bytes(16)
  const before = Buffer.from(first).toString('hex')
  const second = systemRandom.bytes(16)
  second.fill(255)
  t.equal(Buffer.from(first).toString('hex'), before)
  t.ok(first.buffer !== second.buffer || first.byteOffset !== second.byteOffset)
})

t.test('numbers are spread over [0, 1)', async t => {
  const tenths = new Array<number>(10).fill(0)
  for (let draw = 0; draw < 10_000; draw++) tenths[Math.floor(systemRandom.next() * 10)]! += 1
  // 1,000 each with a deviation of 30: ten deviations away is no accident.
  for (const count of tenths) t.ok(count > 700 && count < 1_300, `${tenths}`)
})
