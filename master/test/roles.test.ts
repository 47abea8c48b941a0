import t from 'tap'
import { legacyRoleOf, rolesIn } from '../src/replica/roles.ts'
import { HeartBench } from './support/heart-bench.ts'

const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }] }

t.test('what a role has counts for it and for each role above it', async t => {
  const bench = new HeartBench()
  bench.agent('l1', { resources: 'cpus:4;mem:1024;cpus(a/b/c):2;mem(x):64' })
  const framework = bench.framework({ ...multi, roles: ['a/b'] })
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.pass(2)
  const roles = Object.fromEntries(
    rolesIn(bench.tables, new Map([['a', 3]])).map(role => [role.name, legacyRoleOf(role)] as const),
  )
  t.same(Object.keys(roles), ['a', 'a/b', 'a/b/c', 'x'])
  for (const name of ['a', 'a/b'])
    t.match(roles[name], { allocated: { cpus: 1, mem: 32 }, offered: { cpus: 3, mem: 992 }, reserved: { cpus: 2 } })
  t.match(roles['a/b/c'], { allocated: { cpus: 0 }, offered: { cpus: 0 }, reserved: { cpus: 2, mem: 0 } })
  t.match(roles.x, { reserved: { cpus: 0, mem: 64 }, frameworks: [] })
  t.match(roles.a, { weight: 3, frameworks: [] })
  t.match(roles['a/b'], { weight: 1, frameworks: [framework.id] })
})

t.test('a framework that wanders through roles leaves nothing behind in them', async t => {
  const bench = new HeartBench()
  bench.agent('l1')
  let framework = bench.framework({ ...multi, roles: ['r0'] })
  for (let number = 1; number < 20; number++) {
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    framework = bench.framework({ ...multi, roles: [`r${number}`], id: { value: framework.id } })
    bench.pass(1)
  }
  t.same([...bench.tables.frameworks.get(framework.id)!.holdings.keys()], ['r19'])
})
