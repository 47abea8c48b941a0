import type { SchedulerAttributeConstraint } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import t from 'tap'
import type { Allocation, Allocator, Quota } from '../src/allocator/allocator.ts'
import { OfferConstraints } from '../src/allocator/constraints.ts'
import type { Reason, World } from '../src/allocator/reasons.ts'
import { explainCall, explainOffers } from '../src/api/explain-offers.ts'
import { told } from '../src/api/offer-sentences.ts'
import type { ApiRequest } from '../src/api/transport.ts'
import { allocatorOf, framework, of } from './support/allocator-bench.ts'
import { HeartBench } from './support/heart-bench.ts'

const worldOf = (offers: readonly Allocation[] = [], away: readonly string[] = []): World => ({
  offersOf: agentId => offers.filter(one => one.agentId === agentId),
  isConnected: agentId => !away.includes(agentId),
})

/** Why `f` has of the agent what it has. */
function reason(allocator: Allocator, world: World, agentId = 'a0', role?: string): Reason {
  return whole(allocator.explain('f', world, { role, agentId }))![0]!.agent!.reason
}

/** All parts at once. */
function whole<Value>(parts: Generator<void, Value>): Value {
  for (;;) {
    const part = parts.next()
    if (part.done) return part.value
  }
}

const small = 'cpus:4;mem:100'

t.test('each reason, with its numbers', async t => {
  t.test('OFFERED and GIVEN_TO, by which shares', async t => {
    const allocator = allocatorOf([small, small], { f: framework(), g: framework() }, { maxOutstandingOffers: 1 })
    const offers = allocator.cycle()
    const [theirs] = offers.filter(({ frameworkId }) => frameworkId === 'g')
    const [ours] = offers.filter(({ frameworkId }) => frameworkId === 'f')
    t.equal(reason(allocator, worldOf(offers), ours!.agentId).code, 'OFFERED')
    t.match(reason(allocator, worldOf(offers), theirs!.agentId), {
      code: 'GIVEN_TO',
      frameworkId: 'g',
      role: 'r',
      ours: { path: 'f', share: 0.5, weight: 1, allocations: 1 },
      theirs: { path: 'g', share: 0, weight: 1, allocations: 0 },
    })
  })
  t.test('GIVEN_TO another role: where the ways part', async t => {
    const facts = { f: framework({ roles: ['a/x'] }), g: framework({ roles: ['b/y'] }) }
    const allocator = allocatorOf([small], facts, { weights: new Map([['b', 2]]) })
    allocator.suppress('f', ['a/x'])
    const offers = allocator.cycle()
    allocator.revive('f', ['a/x'])
    t.match(reason(allocator, worldOf(offers)), { ours: { path: 'a' }, theirs: { path: 'b', weight: 2, share: 0 } })
  })
  t.test('NOTHING_FREE where all is in use, and what is reserved to others', async t => {
    const allocator = allocatorOf([small, 'cpus(other):4;mem(other):100'], { f: framework() })
    allocator.cycle()
    t.equal(reason(allocator, worldOf()).code, 'NOTHING_FREE')
    t.equal(reason(allocator, worldOf(), 'a1').code, 'NOTHING_FREE')
  })
  t.test('TOO_SMALL', async t => {
    const allocator = allocatorOf(['cpus:0.005;mem:20'], { f: framework() })
    allocator.cycle()
    const free = new Map(Object.entries({ cpus: 5, mem: 20_000 }))
    t.match(reason(allocator, worldOf()), { code: 'TOO_SMALL', free })
  })
  t.test('FILTERED until', async t => {
    const allocator = allocatorOf([small], { f: framework() })
    const [offer] = allocator.cycle()
    allocator.recover('f', 'a0', 'r', offer!.resources, 10)
    allocator.tick()
    t.same(reason(allocator, worldOf()), { code: 'FILTERED', ticks: 10 })
  })
  t.test('GPU, REGION, CAPABILITY, CONSTRAINT', async t => {
    const onlyWith = (attribute_constraints: SchedulerAttributeConstraint[]) =>
      OfferConstraints.compile({ role_constraints: { r: { groups: [{ attribute_constraints }] } } }, ['r'], {
        maxMem: 4096,
        maxProgramSize: 100,
      }) as OfferConstraints
    const selector = { attribute_name: 'rack' }
    const racks = onlyWith([{ selector, predicate: { exists: {} } }])
    const noRacks = onlyWith([{ selector, predicate: { not_exists: {} } }])
    const codeOf = (facts: Parameters<typeof framework>[0], agent: object, total = small) => {
      const allocator = allocatorOf([], { f: framework(facts) })
      const capabilities = ['MULTI_ROLE', 'HIERARCHICAL_ROLE']
      allocator.addAgent('a0', { slot: 0, info: { hostname: 'h' }, capabilities, total: of(total), ...agent })
      allocator.cycle()
      return reason(allocator, worldOf())
    }
    const away = { fault_domain: { region: { name: 'there' }, zone: { name: 'z' } } }
    t.equal(codeOf({}, {}, 'cpus:1;mem:64;gpus:1').code, 'GPU')
    t.same(codeOf({}, { info: { hostname: 'h', domain: away } }), { code: 'REGION', region: 'there' })
    t.same(codeOf({}, { capabilities: [] }), { code: 'CAPABILITY', capability: 'MULTI_ROLE' })
    const nested = codeOf({ roles: ['a/b'] }, { capabilities: ['MULTI_ROLE'] })
    t.same(nested, { code: 'CAPABILITY', capability: 'HIERARCHICAL_ROLE' })
    t.equal(codeOf({ constraints: racks }, {}).code, 'CONSTRAINT')
    t.equal(codeOf({ constraints: noRacks }, {}).code, 'NOTHING_FREE', 'let in, and in use now')
  })
  t.test('QUOTA_LIMIT and QUOTA_HEADROOM', async t => {
    const quota = (guarantees: object, limits: object): Quota => ({
      guarantees: new Map(Object.entries(guarantees)),
      limits: new Map(Object.entries(limits)),
    })
    const allocator = allocatorOf([small, small], { f: framework() })
    allocator.setQuotas(new Map([['r', quota({}, { cpus: 4_000, mem: 100_000 })]]))
    const offers = allocator.cycle()
    const other = offers[0]!.agentId === 'a0' ? 'a1' : 'a0'
    t.same(reason(allocator, worldOf(offers), other), {
      code: 'QUOTA_LIMIT',
      quotaRole: 'r',
      name: 'cpus',
      limit: 4_000,
      consumed: 4_000,
    })
    const kept = allocatorOf([small], { f: framework() })
    kept.setQuotas(new Map([['prod', quota({ cpus: 8_000, mem: 100_000 }, {})]]))
    t.same(kept.cycle(), [])
    t.same(reason(kept, worldOf()), { code: 'QUOTA_HEADROOM', name: 'cpus', available: 4_000, required: 8_000 })
  })
  t.test('OFFERS_OUTSTANDING', async t => {
    const allocator = allocatorOf([small, small], { f: framework() }, { maxOutstandingOffers: 1 })
    const offers = allocator.cycle()
    const other = offers[0]!.agentId === 'a0' ? 'a1' : 'a0'
    const expected = { code: 'OFFERS_OUTSTANDING', outstanding: 1, most: 1, blocked: false }
    t.same(reason(allocator, worldOf(offers), other), expected)
  })
  t.test('SUPPRESSED, DEACTIVATED, UNAVAILABLE, PAUSED, NEXT_CYCLE', async t => {
    const allocator = allocatorOf([small], { f: framework() })
    t.same(reason(allocator, worldOf()), { code: 'NEXT_CYCLE' })
    allocator.suppress('f', ['r'])
    t.same(reason(allocator, worldOf()), { code: 'SUPPRESSED' })
    allocator.deactivateFramework('f')
    t.same(reason(allocator, worldOf()), { code: 'DEACTIVATED', subject: 'framework' })
    allocator.activateFramework('f')
    allocator.revive('f', ['r'])
    allocator.setWhitelist([])
    t.same(reason(allocator, worldOf()), { code: 'UNAVAILABLE', because: 'NOT_WHITELISTED' })
    t.same(reason(allocator, worldOf([], ['a0'])), { code: 'UNAVAILABLE', because: 'DISCONNECTED' })
    allocator.setAgentActive('a0', false)
    t.same(reason(allocator, worldOf()), { code: 'DEACTIVATED', subject: 'agent' })
    allocator.setPaused(true)
    t.same(reason(allocator, worldOf()), { code: 'PAUSED' })
  })
})

t.test('to ask changes nothing: the next cycle is the one that it would have been', async t => {
  const cycles = [false, true].map(asks => {
    const allocator = allocatorOf([small, small, small], { f: framework(), g: framework({ roles: ['s'] }) })
    const trace: string[] = []
    for (let round = 0; round < 5; round++) {
      const offers = allocator.tick()
      trace.push(JSON.stringify(offers.map(one => [one.frameworkId, one.agentId, one.resources.toArray()])))
      if (asks) whole(allocator.explain('f', worldOf(offers)))
      for (const one of offers) allocator.recover(one.frameworkId, one.agentId, one.role, one.resources, 2)
      if (asks) whole(allocator.explain('g', worldOf(), { agentId: 'a1' }))
    }
    return trace.join('\n')
  })
  t.equal(cycles[0], cycles[1])
})

t.test('many agents are few groups, with a few of each named', async t => {
  const allocator = allocatorOf(
    Array.from({ length: 500 }, () => small),
    { f: framework(), g: framework() },
  )
  const offers = allocator.cycle()
  const { groups } = whole(allocator.explain('f', worldOf(offers)))![0]!
  t.equal(groups.length, 2)
  t.equal(
    groups.reduce((sum, { agents }) => sum + agents, 0),
    500,
  )
  for (const { examples } of groups) t.equal(examples.length, 3)
})

t.test('in parts, between which what is explained may go', async t => {
  const allocator = allocatorOf(
    Array.from({ length: 5_000 }, () => small),
    { f: framework(), g: framework() },
  )
  const offers = allocator.cycle()
  const parts = allocator.explain('f', worldOf(offers))
  t.equal(parts.next().done, false)
  for (const one of offers) allocator.recover(one.frameworkId, one.agentId, one.role, one.resources)
  allocator.removeFramework('f')
  allocator.removeFramework('g')
  allocator.removeAgent('a4999')
  const [explained] = whole(parts)!
  t.equal(
    explained!.groups.reduce((sum, { agents }) => sum + agents, 0),
    4_999,
  )
})

t.test('every reason has one sentence', async t => {
  const standing = { path: 'a', share: 0.25, weight: 2, allocations: 3 }
  const reasons: Reason[] = [
    { code: 'OFFERED', resources: Resources.empty },
    { code: 'GIVEN_TO', frameworkId: 'g', role: 'r', ours: standing, theirs: { ...standing, path: 'b', share: 0 } },
    { code: 'NOTHING_FREE' },
    { code: 'TOO_SMALL', free: new Map([['cpus', 5]]), minimum: [new Map([['cpus', 10]]), new Map([['mem', 32_000]])] },
    { code: 'FILTERED', ticks: 7 },
    { code: 'GPU' },
    { code: 'REGION', region: 'x' },
    { code: 'CAPABILITY', capability: 'MULTI_ROLE' },
    { code: 'CONSTRAINT' },
    { code: 'QUOTA_LIMIT', quotaRole: 'r', name: 'cpus', limit: 1_500, consumed: 1_000 },
    { code: 'QUOTA_HEADROOM', name: 'mem', available: 1_000, required: 2_000 },
    { code: 'OFFERS_OUTSTANDING', outstanding: 3, most: 3, blocked: false },
    { code: 'OFFERS_OUTSTANDING', outstanding: 0, most: 3, blocked: true },
    { code: 'SUPPRESSED' },
    { code: 'DEACTIVATED', subject: 'framework' },
    { code: 'UNAVAILABLE', because: 'DISCONNECTED' },
    { code: 'PAUSED' },
    { code: 'NEXT_CYCLE' },
  ]
  for (const one of reasons) {
    const { code, sentence } = told(one, { secondsATick: 2, nameOf: id => `the one called ${id}` })
    t.equal(code, one.code)
    t.match(sentence, /^[A-Z].*\.$/s, sentence)
    t.notMatch(sentence, /undefined|NaN|\[object/)
  }
  const words = { secondsATick: 2, nameOf: (id: string) => id }
  t.match(told(reasons[4]!, words), { seconds: 14 })
  t.match(told(reasons[3]!, words), {
    sentence: 'Only cpus:0.005 is free there, and an offer holds at least cpus:0.01 or mem:32.',
  })
  t.match(told(reasons[1]!, words), { sentence: /b had 0, a 0\.125\.$/ })
})

t.test('the endpoint', async t => {
  const bench = new HeartBench()
  const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }], roles: ['r', 's'] }
  const { id, stream } = bench.framework({ ...multi, name: 'one' })
  const agentId = bench.agent('l1')
  const { cluster } = bench.heart
  const request = (method: string, query: string, body: object | string = ''): ApiRequest => ({
    method,
    path: '/explain/offers',
    query,
    headers: {},
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  })
  const get = async (query: string) => JSON.parse(String((await explainOffers(cluster, request('GET', query))).body))
  const offer = bench.offers(stream)[0]!

  t.test('groups by role, and all about one agent', async t => {
    t.match(await get(`framework_id=${id}`), {
      framework_id: { value: id },
      name: 'one',
      connected: true,
      outstanding_offers: 1,
      roles: [
        {
          role: 'r',
          suppressed: false,
          share: 1,
          weight: 1,
          reasons: [{ code: 'OFFERED', agents: 1, examples: [{ value: agentId }] }],
        },
        { role: 's', share: 0, reasons: [{ code: 'GIVEN_TO', framework_id: id, role: 'r', agents: 1 }] },
      ],
    })
    const about = await get(`framework_id=${id}&role=r&agent_id=${agentId}`)
    t.match(about, {
      agent_id: { value: agentId },
      hostname: 'h',
      roles: [{ role: 'r', reason: { code: 'OFFERED' }, free: [], offers: [{ offer_id: offer.id, role: 'r' }] }],
    })
    t.equal(about.roles.length, 1)
  })
  t.test('refuses what it can not answer', async t => {
    const refused = async (query: string, method = 'GET') => {
      const answered = explainOffers(cluster, request(method, query))
      return (await answered.catch((error: { status: number }) => error)).status
    }
    t.equal(await refused(''), 400)
    t.equal(await refused('framework_id=nobody'), 404)
    t.equal(await refused(`framework_id=${id}&role=other`), 404)
    t.equal(await refused(`framework_id=${id}&agent_id=none`), 404)
    t.equal(await refused(`framework_id=${id}`, 'POST'), 405)
  })
  t.test('as a call', async t => {
    const ask = (body: object | string) => explainCall(cluster, request('POST', '', body))
    const explain_offers = { framework_id: { value: id }, role: 'r' }
    t.match(JSON.parse(String((await ask({ type: 'EXPLAIN_OFFERS', explain_offers })).body)), {
      type: 'EXPLAIN_OFFERS',
      explain_offers: { roles: [{ role: 'r' }] },
    })
    for (const bad of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      {},
      { type: 'EXPLAIN_OFFERS' },
      { type: 'GET_STATE', explain_offers },
    ])
      await t.rejects(ask(bad), Object.assign(new Error(), { status: 400 }), JSON.stringify(bad))
    t.equal((await explainCall(cluster, request('GET', ''))).status, 405)
  })
})
