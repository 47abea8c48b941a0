import fc from 'fast-check'
import t from 'tap'
import { encodeRecord, RecordDecoder } from '../../src/protocol/recordio.ts'
import { seedOf } from '../seed.ts'

const text = (records: Uint8Array[]) => records.map(record => Buffer.from(record).toString())

t.test('a record is its length, a newline and its bytes, in one buffer', async t => {
  t.equal(Buffer.from(encodeRecord('{"type":"HEARTBEAT"}')).toString(), '20\n{"type":"HEARTBEAT"}')
  t.equal(Buffer.from(encodeRecord('é')).toString(), '2\né', 'the length counts bytes')
  t.equal(Buffer.from(encodeRecord(new Uint8Array())).toString(), '0\n')
})

t.test('chunks mean nothing to the reader', async t => {
  const seed = seedOf(t)
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
      (records, sizes) => {
        const stream = Buffer.concat(records.map(encodeRecord))
        const decoder = new RecordDecoder()
        const found: Buffer[] = []
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number
          for (const record of decoder.push(stream.subarray(at, at + size))) found.push(Buffer.from(record))
          at += size
        }
        decoder.end()
        return Buffer.concat(records.map(encodeRecord)).equals(Buffer.concat(found.map(encodeRecord)))
      },
    ),
    { seed, numRuns: 500 },
  )
  t.strictSame(text(new RecordDecoder().push(Buffer.from('0\n1\na0\n'))), ['', 'a', ''], 'empty records too')
})

t.test('is strict and bounded', async t => {
  const rows: [what: string, stream: string, reason: RegExp][] = [
    ['no length', '\n{}', /no length/],
    ['a sign', '+5\nhello', /no digit/],
    ['a space', ' 5\nhello', /no digit/],
    ['a carriage return', '5\r\nhello', /no digit/],
    ['a newline after the record', '2\n{}\n2\n{}', /no length/],
    ['hexadecimal', '0x5\nhello', /no digit/],
    ['too large', '1025\n', /1025 bytes is larger than the limit of 1024/],
    ['too many digits', '0'.repeat(21), /more than 20 digits/],
    ['the largest length', `${'9'.repeat(20)}\n`, /larger than the limit/],
  ]
  for (const [what, stream, reason] of rows) {
    const decoder = new RecordDecoder({ maxRecordBytes: 1024 })
    t.throws(() => decoder.push(Buffer.from(stream)), { name: 'BadMessage', reason }, what)
    t.throws(() => decoder.push(Buffer.from('1\na')), { name: 'BadMessage', reason }, `${what}: and it stays broken`)
  }
  for (const [stream, reason] of [
    ['5\nhel', /after 3 of a record's 5 bytes/],
    ['12', /inside a record's length/],
  ] as const) {
    const decoder = new RecordDecoder()
    decoder.push(Buffer.from(stream))
    t.throws(() => decoder.end(), { name: 'BadMessage', reason }, stream)
  }
})

t.test('a claimed length costs nothing until its bytes arrive', async t => {
  const decoder = new RecordDecoder({ maxRecordBytes: 2 ** 40 })
  const before = process.memoryUsage().arrayBuffers
  decoder.push(Buffer.from(`${2 ** 39}\nabc`))
  t.ok(process.memoryUsage().arrayBuffers - before < 1 << 20)
})

t.test('takes linear time for tiny chunks', async t => {
  const cost = (bytes: number) => {
    const stream = encodeRecord(Buffer.alloc(bytes, 0x61))
    const decoder = new RecordDecoder()
    const start = process.hrtime.bigint()
    let records = 0
    for (let at = 0; at < stream.length; at += 1) records += decoder.push(stream.subarray(at, at + 1)).length
    t.equal(records, 1)
    return Number(process.hrtime.bigint() - start)
  }
  cost(50_000)
  const ratio = cost(800_000) / cost(100_000)
  t.ok(ratio < 40, `8 times the bytes cost ${ratio.toFixed(1)} times as much: far from 64 times`)
})
