import t from 'tap'
import { Distribution } from '../../src/service/distribution.ts'

t.test('how values are spread', async t => {
  const distribution = new Distribution()
  t.same(distribution.entries('x'), {}, 'nothing before the first')
  for (let value = 100; value >= 0; value--) distribution.add(value)
  t.same(distribution.entries('x'), {
    x: 0,
    'x/count': 101,
    'x/min': 0,
    'x/max': 100,
    'x/p50': 50,
    'x/p90': 90,
    'x/p95': 95,
    'x/p99': 99,
    'x/p999': 99.9,
    'x/p9999': 99.99,
  })
})

t.test('the newest values count', async t => {
  const distribution = new Distribution(3)
  for (const value of [1_000, 1, 2, 3]) distribution.add(value)
  t.match(distribution.entries('x'), { x: 3, 'x/count': 3, 'x/min': 1, 'x/max': 3, 'x/p50': 2 })
})
