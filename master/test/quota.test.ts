import type { QuotaQuotaConfig, Resource } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import type { HeartConfig } from '../src/state/config.ts'
import { HeartBench } from './support/heart-bench.ts'

type Amounts = Record<string, number>
const scalars = (amounts: Amounts) =>
  Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, { value }]))
const quota = (role: string, guarantees: Amounts = {}, limits: Amounts = {}): QuotaQuotaConfig => ({
  role,
  guarantees: scalars(guarantees),
  limits: scalars(limits),
})
const update = (quota_configs: QuotaQuotaConfig[], force = false) =>
  ({ type: 'UPDATE_QUOTA', update_quota: { force, quota_configs } }) as const
const set = (role: string, guarantee: Resource[], force = false) =>
  ({ type: 'SET_QUOTA', set_quota: { quota_request: { role, guarantee, force } } }) as const
const remove = (role: string) => ({ type: 'REMOVE_QUOTA', remove_quota: { role } }) as const

/** A bench with so many agents of 4 cpus and 1024 MB. */
function withAgents(count: number, config: Partial<HeartConfig> = {}): HeartBench {
  const bench = new HeartBench(config)
  for (let index = 0; index < count; index++) bench.agent(`l${index}`, { pid: `slave(1)@10.0.0.${index}:1` })
  return bench
}

const links = (count: number) => [...Array(count).keys()].map(index => `l${index}`)
const offered = (bench: HeartBench, role: string) =>
  [...bench.heart.cluster.offers.values()]
    .filter(offer => offer.role === role)
    .reduce((sum, { resources }) => sum + resources.scalar('cpus'), 0)

t.test('a limit is durable first; then offers are taken back until the role is within it', async t => {
  const bench = withAgents(3)
  const framework = bench.framework({ role: 'a/b' })
  t.equal(offered(bench, 'a/b'), 12)
  bench.forgetEffects()
  bench.holdsWrites = true
  t.equal(bench.operate(update([quota('a', {}, { cpus: 5 })])), undefined)
  t.equal(offered(bench, 'a/b'), 12)
  bench.writeRegistry()
  bench.holdsWrites = false
  t.match(bench.answered(), { status: 200 })
  t.equal(bench.events(framework.stream).filter(({ type }) => type === 'RESCIND').length, 2)
  t.equal(offered(bench, 'a/b'), 4)
  bench.pass(3, links(3))
  t.ok(offered(bench, 'a/b') <= 5)
  t.test('also with a new leader', async t => {
    const next = bench.successor()
    t.match(next.tables.settings, { quotas: [{ role: 'a', limits: { cpus: { value: 5 } } }] })
    const again = next.framework({ role: 'a/b' })
    for (const id of bench.registry.keys()) next.reregister(`n${id}`, id)
    next.pass(2)
    t.ok(next.offers(again.stream).length > 0)
    t.ok(offered(next, 'a/b') <= 5)
  })
  t.test('and it is removed by a quota without guarantees and limits', async t => {
    t.match(bench.operate(update([quota('a')])), { status: 200 })
    t.same(bench.settings.quotas, [])
    bench.pass(2, links(3))
    t.equal(offered(bench, 'a/b'), 12)
  })
})

t.test('for a guarantee offers of others are taken back until it could be met', async t => {
  const bench = withAgents(4)
  const other = bench.framework({ role: 'other' })
  t.equal(offered(bench, 'other'), 16)
  bench.forgetEffects()
  t.match(bench.operate(update([quota('a', { cpus: 6 })])), { status: 200 })
  t.equal(bench.events(other.stream).filter(({ type }) => type === 'RESCIND').length, 2)
  t.equal(offered(bench, 'other'), 8)
  bench.pass(2, links(4))
  t.ok(offered(bench, 'other') <= 10, 'and held back')
  const framework = bench.framework({ role: 'a' })
  t.ok(offered(bench, 'a') >= 6)
  t.ok(bench.offers(framework.stream).length > 0)
})

t.test('what is free on a deactivated agent meets no guarantee', async t => {
  const bench = withAgents(2)
  const [first] = bench.registry.keys()
  bench.operate({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: first! } } })
  const other = bench.framework({ role: 'other' })
  t.equal(offered(bench, 'other'), 4)
  bench.forgetEffects()
  bench.operate(update([quota('a', { cpus: 3 })]))
  t.match(bench.events(other.stream), [{ type: 'RESCIND' }])
})

t.test('what is free is promised once', async t => {
  const bench = withAgents(2)
  const other = bench.framework({ role: 'other' })
  const [offer] = bench.offers(other.stream)
  bench.call(other, { type: 'DECLINE', decline: { offer_ids: [offer!.id], filters: { refuse_seconds: 600 } } })
  bench.forgetEffects()
  bench.operate(update([quota('a', { cpus: 3 }), quota('b', { cpus: 3 })]))
  t.match(bench.events(other.stream), [{ type: 'RESCIND' }])
})

t.test(
  'without force no limit is below what is consumed, offers aside, and no more is guaranteed than there is',
  async t => {
    const bench = withAgents(2)
    const framework = bench.framework({ role: 'a' })
    bench.launch(framework, bench.offers(framework.stream)[0]!, { resources: parseResources('cpus:3;mem:32') })
    bench.pass(1, links(2))
    t.equal(offered(bench, 'a'), 5)
    t.match(bench.operate(update([quota('a', {}, { cpus: 2 })])), { status: 400, message: /consumes 3 cpus/ })
    t.match(bench.operate(update([quota('a', {}, { cpus: 3 })])), { status: 200 })
    t.equal(offered(bench, 'a'), 0)
    t.match(bench.operate(update([quota('b', { cpus: 9 })])), { status: 400, message: /cluster has 8/ })
    t.match(bench.operate(update([quota('b', { cpus: 5 }), quota('c', { cpus: 4 })])), { status: 400 })
    t.same(
      bench.settings.quotas.map(({ role }) => role),
      ['a'],
      'none of a call that is refused',
    )
    t.match(bench.operate(update([quota('b', { cpus: 9 }), quota('a', {}, { cpus: 2 })], true)), { status: 200 })
  },
)

t.test('what is refused', async t => {
  const bench = withAgents(1, { roles: new Set(['a', 'a/b']) })
  const refused: [string, QuotaQuotaConfig[]][] = [
    ['a nested role', [quota('a/b', {}, { cpus: 1 })]],
    ['all roles', [quota('*', {}, { cpus: 1 })]],
    ['a bad name', [quota('-a', {}, { cpus: 1 })]],
    ['an unknown role', [quota('unknown', {}, { cpus: 1 })]],
    ['a negative amount', [quota('a', { cpus: -1 })]],
    ['no number', [quota('a', {}, { cpus: Number.NaN })]],
    ['too much', [quota('a', {}, { cpus: 1e12 + 1 })]],
    ['too much memory', [quota('a', {}, { mem: 2 ** 40 + 1 })]],
    ['a guarantee above the limit', [quota('a', { cpus: 2 }, { cpus: 1 })]],
    ['a role twice', [quota('a', {}, { cpus: 1 }), quota('a', {}, { cpus: 2 })]],
    ['one bad of two', [quota('a', {}, { cpus: 1 }), quota('a/b', {}, { cpus: 1 })]],
  ]
  for (const [name, configs] of refused) t.match(bench.operate(update(configs, true)), { status: 400 }, name)
  t.same(bench.settings.quotas, [])
  t.match(bench.operate(update([quota('a', { mem: 2 ** 40 }, { cpus: 1e12 })], true)), { status: 200 })
})

t.test('the older calls', async t => {
  const bench = withAgents(2)
  t.match(bench.operate(set('a', parseResources('cpus:9'))), { status: 409 })
  t.match(bench.operate(set('a', parseResources('cpus:2;mem:64'))), { status: 200 })
  t.match(bench.settings.quotas, [quota('a', { cpus: 2, mem: 64 }, { cpus: 2, mem: 64 })])
  t.match(bench.operate(set('a', parseResources('cpus:1'))), { status: 400, message: /already/ })
  for (const [name, call] of [
    ['ranges', set('b', parseResources('ports:[1-2]'))],
    ['reserved', set('b', parseResources('cpus(x):1'))],
    ['twice', set('b', [...parseResources('cpus:1'), ...parseResources('cpus:1')])],
    ['nothing', set('b', [])],
    ['nested', set('b/c', parseResources('cpus:1'))],
  ] as const)
    t.match(bench.operate(call), { status: 400 }, name)
  t.match(bench.operate(set('b', parseResources('cpus:900'), true)), { status: 200 })
  t.match(bench.operate(remove('a')), { status: 200 })
  t.match(bench.operate(remove('a')), { status: 400 })
  t.same(
    bench.settings.quotas.map(({ role }) => role),
    ['b'],
  )
})

t.test('a quota can be removed of a role that is none of --roles any more', async t => {
  const first = withAgents(1)
  first.operate(update([quota('a', {}, { cpus: 1 })]))
  const bench = first.successor({ roles: new Set(['b']) })
  t.match(bench.operate(remove('a')), { status: 200 })
  t.same(bench.settings.quotas, [])
})

t.test('a new leader with quotas offers nothing before most agents are back', async t => {
  const first = withAgents(10)
  first.operate(update([quota('a', { cpus: 4 })]))
  const ids = [...first.registry.keys()]
  const leader = () => {
    const bench = first.successor()
    bench.framework({ role: 'b' })
    for (const [index, id] of ids.slice(0, 7).entries()) bench.reregister(`l${index}`, id)
    bench.pass(2, links(7))
    t.equal(bench.heart.cluster.offers.size, 0)
    return bench
  }
  const patient = leader()
  patient.reregister('l7', ids[7]!)
  t.ok(patient.heart.cluster.offers.size > 0, 'eight of ten')
  const late = leader()
  late.pass(597, links(7))
  t.equal(late.heart.cluster.offers.size, 0)
  late.pass(2, links(7))
  t.ok(late.heart.cluster.offers.size > 0, 'after ten minutes')
  t.test('or when the last quota is removed', async t => {
    const bench = leader()
    t.match(bench.operate(remove('a')), { status: 200 })
    bench.pass(1, links(7))
    t.ok(bench.heart.cluster.offers.size > 0)
  })
  t.test('and without quotas at once', async t => {
    const bench = withAgents(2).successor()
    bench.framework()
    bench.reregister('l0', ids[0]!)
    t.equal(bench.heart.cluster.offers.size, 1)
  })
})

t.test('a call about many roles looks at each of them a few times', async t => {
  const bench = withAgents(1)
  bench.framework({ role: 'b' })
  let reads = 0
  const counted = (index: number): QuotaQuotaConfig => ({
    ...quota(`role-${index}`),
    get limits() {
      reads++
      return scalars({ cpus: 1 })
    },
    get role() {
      reads++
      return `role-${index}`
    },
  })
  const roles = 1_000
  t.match(bench.operate(update([...Array(roles).keys()].map(counted))), { status: 200 })
  t.equal(bench.settings.quotas.length, roles)
  t.ok(reads < 50 * roles, `${reads} reads`)
})
