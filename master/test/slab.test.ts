import t from 'tap'
import { Slab } from '../src/state/tasks/slab.ts'

const nothing = () => undefined
const record = (text: string, length = 40) => Buffer.from(text.padEnd(length))
const read = (slab: Slab, place: number) => Buffer.from(slab.get(place)).toString().trim()

t.test('a place that was freed is used again, but not while the slab is held', async t => {
  const slab = new Slab()
  const first = slab.put(record('first'))
  const second = slab.put(record('second'))
  const release = slab.hold(nothing)
  slab.free(first)
  const third = slab.put(record('third'))
  t.not(third, first)
  t.equal(read(slab, first), 'first', 'who holds it reads on')
  release()
  t.equal(slab.put(record('fourth')), first)
  t.equal(read(slab, second), 'second')
})

t.test('no record has the place -1, which others keep for none', async t => {
  const slab = new Slab()
  const places = [slab.put(record('a', 40_000)), slab.put(record('b')), slab.put(record('c', 40_000))]
  t.notOk(places.includes(-1))
  t.same(
    places.map(place => read(slab, place)),
    ['a', 'b', 'c'],
  )
})

t.test('what was freed before a hold does not wait for it, and the oldest hold counts', async t => {
  const slab = new Slab()
  const large = slab.put(record('large', 100_000))
  const [one, other] = [slab.put(record('one')), slab.put(record('other'))]
  const full = slab.bytes
  const older = slab.hold(nothing)
  slab.free(one)
  const newer = slab.hold(nothing)
  slab.free(other)
  slab.free(large)
  t.equal(slab.bytes, full)
  older()
  t.equal(read(slab, other), 'other')
  t.equal(read(slab, large), 'large')
  t.equal(slab.put(record('next')), one)
  older()
  newer()
  newer()
  t.ok(slab.bytes < full - 100_000)
})

t.test('when too much is kept for those who hold the slab, the oldest is asked to give up, once', async t => {
  const slab = new Slab(1_000)
  const asked: string[] = []
  const older = slab.hold(() => asked.push('older'))
  const newer = slab.hold(() => asked.push('newer'))
  for (let i = 0; i < 24; i++) slab.free(slab.put(record(`${i}`)))
  t.same(asked, [])
  slab.free(slab.put(record('one too many')))
  slab.free(slab.put(record('and more')))
  slab.free(slab.put(record('and more')))
  t.same(asked, ['older'])
  older()
  newer()
  const again = slab.hold(() => asked.push('again'))
  slab.free(slab.put(record('few')))
  again()
  t.same(asked, ['older'], 'what was kept is given back')
})
