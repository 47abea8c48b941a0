import t from 'tap'
import { SortedRows } from '../src/events/sorted-rows.ts'

t.test('rows are in order, whatever comes and goes', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const order = (a: number, b: number) => a - b
  for (const begun of [0, 1, 256, 257, 3_000]) {
    const there = new Set(Array.from({ length: begun }, () => random(100_000)))
    const rows = new SortedRows([...there], order)
    for (let step = 0; step < 4_000; step += 1) {
      const row = random(step < 2_000 ? 100_000 : 5_000)
      if (there.delete(row)) rows.remove(row)
      else rows.add([...there.add(row)].at(-1)!)
      if (step % 400 > 0) continue
      const all = [...there].sort(order)
      const [from, n] = [random(all.length + 10), random(700)]
      t.equal(rows.length, all.length)
      t.same(rows.slice(0, all.length), all, `seed ${seed} begun ${begun} step ${step}`)
      t.same(rows.slice(from, n), all.slice(from, from + n), `seed ${seed} from ${from} n ${n}`)
    }
    for (const row of there) rows.remove(row)
    t.same([rows.length, rows.slice(0, 10)], [0, []])
    rows.add(1)
    t.same(rows.slice(0, 10), [1])
  }
})
