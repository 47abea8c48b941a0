import { Resources } from '@meseta/common/resources/resources'
import t from 'tap'
import type { Sorter } from '../src/allocator/client-tree.ts'
import { OfferConstraints } from '../src/allocator/constraints.ts'
import { DrfSorter } from '../src/allocator/drf-sorter.ts'
import { Totals } from '../src/allocator/quantities.ts'
import { Refusals } from '../src/allocator/refusals.ts'
import { checkRole } from '../src/allocator/roles.ts'
import { Shuffler } from '../src/allocator/shuffle.ts'
import { addAgent, allocatorOf, brief, framework, of } from './support/allocator-bench.ts'

const offerable = (text: string) => ({ resources: of(text), mark: 0 })
const quantities = (amounts: Record<string, number>) => new Map(Object.entries(amounts))

type Names = DrfSorter<string>

function sorterOf(total: ReadonlyMap<string, number>, options: ConstructorParameters<typeof DrfSorter>[1] = {}): Names {
  const totals = new Totals()
  totals.add(total)
  return new DrfSorter<string>(totals, options)
}

/** The active clients in their order. */
function sorted(sorter: Sorter<string>): string[] {
  const clients: string[] = []
  sorter.walk(client => {
    clients.push(client)
    return false
  })
  return clients
}

t.test('the sorter of roles', async t => {
  const active = (sorter: Names, ...clients: string[]) => {
    for (const client of clients) {
      sorter.add(client, client)
      sorter.activate(client)
    }
  }
  t.test('siblings ascend by share, then by count, then by name', async t => {
    const sorter = sorterOf(quantities({ cpus: 100 }))
    active(sorter, 'c', 'b', 'a')
    t.same(sorted(sorter), ['a', 'b', 'c'])
    sorter.allocated('a', quantities({ cpus: 10 }))
    t.same(sorted(sorter), ['b', 'c', 'a'])
    sorter.changed('a', quantities({ cpus: 10 }), quantities({}))
    t.same(sorted(sorter), ['b', 'c', 'a'], 'what was allocated once comes later')
    sorter.deactivate('a')
    sorter.activate('a')
    t.same(sorted(sorter), ['b', 'c', 'a'], 'and deactivation does not forget it')
  })
  t.test('weights divide shares, at each level', async t => {
    const sorter = sorterOf(quantities({ cpus: 100 }))
    sorter.setWeights(new Map([['a', 3]]))
    active(sorter, 'a', 'b', 'b/x', 'b/y')
    sorter.allocated('a', quantities({ cpus: 20 }))
    sorter.allocated('b', quantities({ cpus: 10 }))
    t.same(sorted(sorter), ['a', 'b/x', 'b/y', 'b'])
    sorter.setWeights(new Map(Object.entries({ a: 3, b: 2 })))
    t.equal(sorted(sorter)[0], 'b/x')
  })
  t.test('a role that is a client and a parent competes among its children', async t => {
    const sorter = sorterOf(quantities({ cpus: 100 }))
    active(sorter, 'a', 'a/b', 'c')
    sorter.allocated('a/b', quantities({ cpus: 10 }))
    sorter.allocated('c', quantities({ cpus: 5 }))
    t.same(sorted(sorter), ['c', 'a', 'a/b'], 'the subtree a has 10 and comes after c')
    sorter.remove('a/b')
    t.same(sorted(sorter), ['a', 'c'])
    sorter.add('a/b/c', 'a/b/c')
    sorter.activate('a/b/c')
    t.same(sorted(sorter), ['a', 'a/b/c', 'c'])
  })
  t.test('excluded resources do not count', async t => {
    const sorter = sorterOf(quantities({ cpus: 10, gpus: 1 }), { excluded: ['gpus'] })
    active(sorter, 'a', 'b')
    sorter.allocated('a', quantities({ gpus: 1 }))
    sorter.allocated('b', quantities({ cpus: 1 }))
    t.same(sorted(sorter), ['a', 'b'])
  })
})

t.test('role names', async t => {
  for (const good of ['*', 'a', 'a/b', 'foo..bar', '...', 'foo/.bar', 'a-b', '__proto__'])
    t.equal(checkRole(good), undefined, good)
  for (const bad of ['', '/a', 'a/', 'a//b', '.', '..', 'a/..', '-a', 'a/-b', 'a b', 'a\tb', 'a\u007f', '*/a', 'a/*'])
    t.type(checkRole(bad), 'string', JSON.stringify(bad))
})

t.test('refusals', async t => {
  t.test('hold for what they contain, for that client and agent, until after their tick', async t => {
    const refusals = new Refusals()
    refusals.add(1, 5, of('cpus:2;mem:100'), 3)
    t.ok(refusals.covers(1, 5, offerable('cpus:2;mem:100')))
    t.ok(refusals.covers(1, 5, offerable('cpus:1')))
    t.notOk(refusals.covers(1, 5, offerable('cpus:3')), 'a larger offer passes')
    t.notOk(refusals.covers(2, 5, offerable('cpus:1')))
    t.notOk(refusals.covers(1, 4, offerable('cpus:1')))
    const expired: number[] = []
    refusals.advance(2, agent => expired.push(agent))
    t.ok(refusals.covers(1, 5, offerable('cpus:1')))
    refusals.advance(3, agent => expired.push(agent))
    t.notOk(refusals.covers(1, 5, offerable('cpus:1')))
    t.same(expired, [5])
  })
  t.test('that are said again replace the ones before', async t => {
    const refusals = new Refusals()
    for (let tick = 1; tick <= 1_000; tick++) refusals.add(0, 0, of('cpus:2;mem:8'), 1_000 + tick)
    t.equal(refusals.count(0), 1)
    refusals.add(0, 0, of('cpus:1;mem:8'), 3_000)
    t.equal(refusals.count(0), 2, 'a smaller one that lasts longer stays beside it')
    refusals.advance(2_000, () => undefined)
    t.notOk(refusals.covers(0, 0, offerable('cpus:2;mem:8')))
    t.ok(refusals.covers(0, 0, offerable('cpus:1;mem:8')))
  })
  t.test('of several on one agent each keeps its own time', async t => {
    const refusals = new Refusals()
    refusals.add(0, 0, of('cpus:2;mem:8'), 5_000)
    refusals.add(0, 0, of('cpus:3;mem:4'), 10)
    refusals.advance(20, () => undefined)
    t.ok(refusals.covers(0, 0, offerable('cpus:2;mem:8')))
    t.notOk(refusals.covers(0, 0, offerable('cpus:3')))
    refusals.advance(4_999, () => undefined)
    t.equal(refusals.count(0), 1)
    refusals.advance(5_000, () => undefined)
    t.equal(refusals.count(0), 0)
  })
  t.test('follow a simple model, whatever is done', async t => {
    const seed = Number(process.env.SEED ?? 7)
    t.comment(`SEED=${seed}`)
    const dice = new Shuffler(seed)
    const roll = (sides: number) => dice.shuffle([...Array(sides).keys()])[0]!
    const refusals = new Refusals()
    // The same ones are asked for again and again, as an allocator does.
    const offers = new Map<string, ReturnType<typeof offerable>>()
    const offer = (agent: number, cpus: number) => {
      const key = `${agent} ${cpus}`
      if (!offers.has(key)) offers.set(key, offerable(`cpus:${cpus}`))
      return offers.get(key)!
    }
    let model: { client: number; agent: number; cpus: number; expiry: number }[] = []
    let tick = 0
    for (let step = 0; step < 3_000; step++) {
      const client = roll(4)
      const agent = roll(20)
      const action = roll(10)
      if (action < 6) {
        const expiry = tick + 1 + roll(action === 5 ? 3_000 : 5)
        const cpus = 1 + roll(8)
        const said = offer(agent, cpus)
        refusals.add(client, agent, said.resources, expiry, roll(2) === 0 ? said : undefined)
        model = model.filter(
          entry => entry.client !== client || entry.agent !== agent || entry.cpus > cpus || entry.expiry > expiry,
        )
        model.push({ client, agent, cpus, expiry })
      } else if (action === 6) {
        refusals.clearClient(client)
        model = model.filter(entry => entry.client !== client)
      } else if (action === 7) {
        refusals.clearAgent(agent)
        model = model.filter(entry => entry.agent !== agent)
      } else {
        tick += 1 + roll(3)
        refusals.advance(tick, () => undefined)
        model = model.filter(entry => entry.expiry > tick)
      }
      const cpus = 1 + roll(8)
      const expected = model.some(entry => entry.client === client && entry.agent === agent && entry.cpus >= cpus)
      if (refusals.covers(client, agent, offer(agent, cpus)) !== expected) return t.fail(`differs at step ${step}`)
      const count = model.filter(entry => entry.client === client).length
      if (refusals.count(client) !== count) return t.fail(`counts differ at step ${step}`)
    }
    t.pass('3,000 steps')
  })
})

t.test('cycles', async t => {
  t.test('one offer per framework, role and agent holds everything there', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100;ports:[1-10]'], { f: framework() })
    const [allocation, ...more] = allocator.cycle()
    t.same(more, [])
    t.ok(allocation!.resources.equals(of('cpus:4;mem:100;ports:[1-10]').allocateTo('r')))
    t.same(allocator.cycle(), [])
    t.ok(allocator.available('a0').isEmpty)
  })
  t.test('equal frameworks converge to equal shares', async t => {
    const agents = Array.from({ length: 20 }, () => 'cpus:1;mem:64')
    const allocator = allocatorOf(agents, { f: framework(), g: framework(), h: framework({ roles: ['s'] }) })
    const counts: Record<string, number> = {}
    for (const { frameworkId } of allocator.cycle()) counts[frameworkId] = (counts[frameworkId] ?? 0) + 1
    t.same(counts, { f: 5, g: 5, h: 10 })
  })
  t.test('a role of twice the weight gets twice as much', async t => {
    const frameworks = { f: framework({ roles: ['heavy'] }), g: framework({ roles: ['light'] }) }
    const agents = Array.from({ length: 30 }, () => 'cpus:1;mem:100')
    const allocator = allocatorOf(agents, frameworks, { weights: new Map([['heavy', 2]]) })
    const given = allocator.cycle()
    t.equal(given.filter(({ role }) => role === 'heavy').length, 20)
    t.equal(given.length, 30)
  })
  t.test('what is declined goes to others, and comes back after its time', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework(), g: framework() })
    const [first] = allocator.cycle()
    t.equal(first!.frameworkId, 'f')
    allocator.offerClosed('f')
    allocator.recover('f', 'a0', 'r', first!.resources, 3)
    const [second] = allocator.tick()
    t.equal(second!.frameworkId, 'g')
    allocator.offerClosed('g')
    allocator.recover('g', 'a0', 'r', second!.resources, 100)
    t.same(brief(allocator.tick()), [])
    t.same(brief(allocator.tick()), [])
    t.same(brief(allocator.tick()), ['f r a0'], 'three seconds and a following tick')
  })
  t.test('no filter when refuse_seconds is 0', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework() })
    const [first] = allocator.cycle()
    allocator.recover('f', 'a0', 'r', first!.resources, 0)
    t.equal(allocator.tick().length, 1)
  })
  t.test('revive ends refusals; suppress ends offers', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework() })
    const [first] = allocator.cycle()
    allocator.recover('f', 'a0', 'r', first!.resources, 1_000)
    t.same(allocator.tick(), [])
    allocator.revive('f', ['r'])
    const [again] = allocator.cycle()
    t.equal(again!.frameworkId, 'f')
    allocator.suppress('f', ['r'])
    allocator.recover('f', 'a0', 'r', again!.resources)
    t.same(allocator.tick(), [])
    allocator.revive('f', ['r'])
    t.equal(allocator.cycle().length, 1)
  })
  t.test('a deactivated framework or agent gets nothing and is not offered', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework() })
    allocator.setAgentActive('a0', false)
    t.same(allocator.cycle(), [])
    allocator.setAgentActive('a0', true)
    allocator.deactivateFramework('f')
    t.same(allocator.cycle(), [])
    allocator.activateFramework('f')
    t.equal(allocator.cycle().length, 1)
  })
  t.test('too little is not offered, unless the framework says how little it takes', async t => {
    const small = { r: { min_allocatable_resources: { quantities: [] } } }
    const allocator = allocatorOf(['cpus:0.001;mem:31'], {
      f: framework(),
      g: framework({ info: { user: 'u', name: 'g', offer_filters: small } }),
    })
    t.same(brief(allocator.cycle()), ['g r a0'])
  })
  t.test('agents with GPUs go to those that ask for GPUs', async t => {
    const facts = { f: framework(), g: framework({ capabilities: ['MULTI_ROLE', 'GPU_RESOURCES'] }) }
    t.same(brief(allocatorOf(['cpus:1;mem:64;gpus:1'], facts).cycle()), ['g r a0'])
    t.same(brief(allocatorOf(['cpus:1;mem:64;gpus:1'], facts, { filterGpuResources: false }).cycle()), ['f r a0'])
  })
  t.test('agents of another region go to those that are aware of regions', async t => {
    const domain = { fault_domain: { region: { name: 'here' }, zone: { name: 'z' } } }
    const facts = { f: framework(), g: framework({ capabilities: ['MULTI_ROLE', 'REGION_AWARE'] }) }
    const allocator = allocatorOf([], facts, { domain })
    addAgent(allocator, 0, 'cpus:1;mem:64', { domain: 'there' })
    t.same(brief(allocator.cycle()), ['g r a0'])
  })
  t.test('reservations go to their role and those below it, and nobody else', async t => {
    const allocator = allocatorOf(['cpus(a):2;mem(a):64;cpus:1;mem:32'], {
      f: framework({ roles: ['b'] }),
      g: framework({ roles: ['a/x'] }),
    })
    const allocations = allocator.cycle()
    const mine = Resources.sum(
      allocations.filter(({ frameworkId }) => frameworkId === 'f').map(({ resources }) => resources),
    )
    t.notOk([...mine.reservations().keys()].length, 'b sees no reservation of a')
    const below = allocations.find(({ frameworkId }) => frameworkId === 'g')!.resources
    t.equal(below.reservations().get('a')?.scalar('cpus'), 2, 'a/x is offered what is reserved to a')
    const sibling = allocatorOf(['cpus(a):2;mem(a):64'], { f: framework({ roles: ['ab'] }) })
    t.same(sibling.cycle(), [], 'a name that begins alike is no role below')
  })
  t.test('what a framework can not understand is hidden', async t => {
    const revocable = [{ name: 'cpus', type: 'SCALAR' as const, scalar: { value: 8 }, revocable: {} }]
    const total = of('cpus:1;mem:64').plus(Resources.from(revocable))
    const offered = (capabilities: string[]) => {
      const allocator = allocatorOf([], { f: framework({ capabilities }) })
      allocator.addAgent('a0', { slot: 0, info: { hostname: 'h' }, capabilities: ['MULTI_ROLE'], total })
      return allocator.cycle()[0]!.resources.scalar('cpus')
    }
    t.equal(offered(['MULTI_ROLE']), 1)
    t.equal(offered(['MULTI_ROLE', 'REVOCABLE_RESOURCES']), 9)
  })
  t.test('offer constraints let agents in or keep them out', async t => {
    const selector = { pseudoattribute_type: 'HOSTNAME' as const }
    const groups = [{ attribute_constraints: [{ selector, predicate: { text_equals: { value: 'h1' } } }] }]
    const limits = { maxMem: 4_096, maxProgramSize: 100 }
    const constraints = OfferConstraints.compile({ role_constraints: { r: { groups } } }, ['r'], limits)
    if (typeof constraints === 'string') throw new Error(constraints)
    const allocator = allocatorOf(['cpus:1;mem:64', 'cpus:1;mem:64'], { f: framework({ constraints }) })
    t.same(brief(allocator.cycle()), ['f r a1'])
  })
  t.test('a framework that does not drain its stream waits, and is served when it does', async t => {
    const allocator = allocatorOf(['cpus:1;mem:64'], { f: framework() })
    allocator.setBlocked('f', true)
    t.same(allocator.cycle(), [])
    allocator.setBlocked('f', false)
    t.equal(allocator.cycle().length, 1)
  })
  t.test('with its share of unanswered offers a framework gets no more until it answers', async t => {
    const allocator = allocatorOf(['cpus:1;mem:64', 'cpus:1;mem:64'], { f: framework() }, { maxOutstandingOffers: 1 })
    const [only, ...more] = allocator.cycle()
    t.same(more, [])
    allocator.offerClosed('f')
    allocator.recover('f', only!.agentId, 'r', only!.resources, 100)
    t.equal(allocator.tick().length, 1)
  })
  t.test('a shrunken total does not give twice', async t => {
    const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework() })
    const [all] = allocator.cycle()
    allocator.updateAgent('a0', {
      slot: 0,
      info: { hostname: 'h0' },
      capabilities: ['MULTI_ROLE'],
      total: of('cpus:2;mem:50'),
    })
    allocator.recover('f', 'a0', 'r', all!.resources)
    t.ok(allocator.available('a0').equals(of('cpus:2;mem:50')))
  })
})
