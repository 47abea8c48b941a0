import t from 'tap'
import { LogFile, type ReadFile } from '../src/act/files.ts'

/** A file as an agent reads it out: a character that is cut at the end of a piece is left to the next one. */
function file(text = '') {
  let bytes = Buffer.from(text)
  let reads = 0
  const read: ReadFile = async place => {
    if (!place) return { data: '', offset: bytes.length }
    reads += 1
    const piece = bytes.subarray(place.offset, place.offset + place.length)
    const whole = new TextDecoder().decode(piece, { stream: true })
    return { data: whole, offset: place.offset }
  }
  return {
    log: new LogFile(read),
    append: (more: string | Buffer) => {
      bytes = Buffer.concat([bytes, Buffer.from(more as string)])
    },
    replace: (more: string) => {
      bytes = Buffer.from(more)
    },
    get text() {
      return bytes.toString()
    },
    get reads() {
      return reads
    },
  }
}

t.test('a log is read from its end, in whole lines, back to its beginning', async t => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `${index} äöü€😀\n`).join('')
  const { log, text } = file(lines)
  let shown = await log.tail()
  t.match(shown, /^\d+ äöü€😀\n/)
  while (log.hasEarlier) shown = (await log.earlier()) + shown
  t.ok(shown === text, 'nothing is lost, and nothing twice')
})

t.test('all that was written since the last look is added, characters in pieces too', async t => {
  const one = file('first\n')
  let shown = await one.log.tail()
  one.append('x'.repeat(120_001))
  one.append(Buffer.from('€').subarray(0, 1))
  shown += await one.log.more()
  one.append(Buffer.from('€\n').subarray(1))
  shown += await one.log.more()
  t.ok(shown === one.text)
  const before = one.reads
  t.equal(await one.log.more(), '')
  t.equal(one.reads, before, 'what did not grow is not read')
})

t.test('what is too much to be added says how much of it is left out', async t => {
  const one = file('first\n')
  await one.log.tail()
  one.append(`${'x'.repeat(1_000_010)}end\n`)
  const more = await one.log.more()
  t.match(more, /^\n… 14 bytes are left out …\nx+end\n$/)
})

t.test('a file that was begun anew is read from its beginning; what is no text does not stop it', async t => {
  const one = file('something long\n')
  await one.log.tail()
  one.replace('new\n')
  t.equal(await one.log.more(), 'new\n')
  one.append(Buffer.from([0xe9, 0xe8, 10]))
  t.equal(await one.log.more(), '\ufffd\ufffd\n')
  t.equal(await one.log.more(), '')
})
