import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const update = (...weight_infos: { role?: string; weight: number }[]) =>
  ({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } }) as const

t.test('weights are changed: durable first, and all offers are taken back where a role is in use', async t => {
  const bench = new HeartBench({ weights: new Map([['a', 3]]) })
  bench.agent('l1')
  const framework = bench.framework({ role: 'b/c' })
  t.equal(bench.heart.cluster.offers.size, 1)
  bench.forgetEffects()
  bench.holdsWrites = true
  t.equal(bench.operate(update({ role: 'b', weight: 2.5 })), undefined)
  t.equal(bench.heart.cluster.offers.size, 1)
  t.match(bench.tables.settings, { weights: [] })
  bench.writeRegistry()
  t.match(bench.answered(), { status: 200 })
  t.match(bench.events(framework.stream), [{ type: 'RESCIND' }])
  t.same(
    bench.tables.settings.weights,
    [
      { role: 'a', weight: 3 },
      { role: 'b', weight: 2.5 },
    ],
    'those of --weights were the first',
  )
  t.same(bench.settings.weights, bench.tables.settings.weights)
  bench.pass(1, ['l1'])
  t.equal(bench.offers(framework.stream).length, 1, 'offered again with the tick')
  t.test('and with a new leader they count, whatever its flags say', async t => {
    const next = bench.successor({ weights: new Map([['a', 100]]) })
    t.same(next.tables.settings.weights, bench.settings.weights)
  })
})

t.test('offers stay where no role is in use', async t => {
  const bench = new HeartBench()
  bench.agent('l1')
  bench.framework({ role: 'b' })
  t.match(bench.operate(update({ role: 'other', weight: 2 })), { status: 200 })
  t.equal(bench.heart.cluster.offers.size, 1)
})

t.test('the heavier role has more', async t => {
  const bench = new HeartBench()
  t.match(bench.operate(update({ role: 'heavy', weight: 3 })), { status: 200 })
  bench.framework({ role: 'heavy' })
  bench.framework({ role: 'light' })
  for (const index of Array(8).keys()) bench.agent(`l${index}`, { pid: `slave(1)@10.0.0.${index}:1` })
  const ofHeavy = [...bench.heart.cluster.offers.values()].filter(({ role }) => role === 'heavy')
  t.equal(ofHeavy.length, 6)
})

t.test('two calls at once are both kept', async t => {
  const bench = new HeartBench()
  bench.holdsWrites = true
  bench.operate(update({ role: 'a', weight: 2 }))
  bench.operate(update({ role: 'b', weight: 3 }))
  bench.writeRegistry()
  t.same(bench.settings.weights, [
    { role: 'a', weight: 2 },
    { role: 'b', weight: 3 },
  ])
})

t.test('what is refused changes nothing', async t => {
  const bench = new HeartBench({ roles: new Set(['a']) })
  for (const infos of [
    [{ role: 'a', weight: 0 }],
    [{ role: 'a', weight: -1 }],
    [{ role: 'a', weight: Number.NaN }],
    [{ role: 'a', weight: Number.POSITIVE_INFINITY }],
    [{ weight: 1 }],
    [{ role: 'a//b', weight: 1 }],
    [{ role: 'unknown', weight: 1 }],
    [
      { role: 'a', weight: 2 },
      { role: 'a', weight: 0 },
    ],
  ])
    t.match(bench.operate(update(...infos)), { status: 400 }, JSON.stringify(infos))
  t.same(bench.settings.weights, [])
  t.match(bench.operate(update()), { status: 200 }, 'nothing to change is fine')
})
