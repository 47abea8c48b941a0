import { Resources } from '@meseta/common/resources/resources'
import t from 'tap'
import type { Allocation, Allocator, Quota } from '../src/allocator/allocator.ts'
import { allocatorOf, brief, framework, of } from './support/allocator-bench.ts'

const amounts = (text: string) =>
  new Map([...of(text).quantities()].map(([name, amount]) => [name, Math.round(amount * 1000)] as const))

/** `{ dev: ['cpus:2', 'cpus:4'] }`: guarantee and limit. */
const quotas = (texts: Record<string, [guarantee: string, limit: string]>): Map<string, Quota> =>
  new Map(
    Object.entries(texts).map(([role, [guarantee, limit]]) => [
      role,
      { guarantees: guarantee ? amounts(guarantee) : new Map(), limits: limit ? amounts(limit) : new Map() },
    ]),
  )

const sumOf = (allocations: readonly Allocation[], role: string) =>
  Resources.sum(allocations.filter(one => one.role === role).map(({ resources }) => resources))

const in_ = (role: string) => framework({ roles: [role] })
const consumed = (allocator: Allocator, role: string) => Object.fromEntries(allocator.quotaConsumption(role))

t.test('a limit', async t => {
  t.test('cuts what a role and all below it are given; the rest goes to others', async t => {
    const allocator = allocatorOf(['cpus:4;mem:400', 'cpus:4;mem:400'], { f: in_('dev/a'), g: in_('dev'), h: in_('x') })
    allocator.setQuotas(quotas({ dev: ['', 'cpus:3'] }))
    const given = allocator.cycle()
    const dev = sumOf(given, 'dev/a').plus(sumOf(given, 'dev').unallocated())
    t.equal(dev.scalar('cpus'), 3)
    t.equal(sumOf(given, 'x').scalar('cpus'), 5)
    t.equal(consumed(allocator, 'dev').cpus, 3000)
  })
  t.test('lets through what it does not name, and what is no scalar', async t => {
    const allocator = allocatorOf(['cpus:4;mem:400;ports:[1-5]'], { f: in_('dev') })
    allocator.setQuotas(quotas({ dev: ['', 'cpus:1'] }))
    t.ok(sumOf(allocator.cycle(), 'dev').unallocated().equals(of('cpus:1;mem:400;ports:[1-5]')))
  })
  t.test('counts reservations, allocated or not, and offers them beyond it', async t => {
    const allocator = allocatorOf(['cpus(dev):2;mem(dev):64;cpus:4;mem:400'], { f: in_('dev') })
    allocator.setQuotas(quotas({ dev: ['', 'cpus:3;mem:1000'] }))
    t.same(consumed(allocator, 'dev'), { cpus: 2000, mem: 64000 })
    const given = sumOf(allocator.cycle(), 'dev')
    t.equal(given.reserved().scalar('cpus'), 2)
    t.equal(given.unreserved().scalar('cpus'), 1)
    t.equal(consumed(allocator, 'dev').cpus, 3000, 'an allocated reservation counts once')
  })
  t.test('that is reached lets go when something comes back, at the tick', async t => {
    const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64'], { f: in_('dev') })
    allocator.setQuotas(quotas({ dev: ['', 'cpus:2;mem:64'] }))
    const [first, ...more] = allocator.cycle()
    t.same(more, [])
    t.same(allocator.tick(), [])
    allocator.recover('f', first!.agentId, 'dev', first!.resources, 100)
    const [second] = allocator.tick()
    t.not(second!.agentId, first!.agentId, 'the other agent, where nothing had changed')
  })
  t.test('that is raised or taken away lets go at the next cycle', async t => {
    const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64'], { f: in_('dev') })
    allocator.setQuotas(quotas({ dev: ['', 'cpus:2;mem:64'] }))
    t.equal(allocator.cycle().length, 1)
    allocator.setQuotas(new Map())
    t.equal(allocator.tick().length, 1)
  })
  t.test('follows a reservation that is made and undone', async t => {
    const allocator = allocatorOf(['cpus:4;mem:64'], { f: in_('dev') })
    const plain = of('cpus:2')
    const reserved = plain.reserve({ type: 'DYNAMIC', role: 'dev' })
    allocator.convert('a0', plain, reserved)
    t.same(consumed(allocator, 'dev'), { cpus: 2000 })
    const [offer] = allocator.cycle()
    t.equal(consumed(allocator, 'dev').cpus, 4000)
    allocator.convert('a0', plain, reserved, { frameworkId: 'f', role: 'dev' })
    t.equal(consumed(allocator, 'dev').cpus, 4000, 'what was consumed is reserved now')
    allocator.convert('a0', reserved, plain, { frameworkId: 'f', role: 'dev' })
    allocator.recover('f', 'a0', 'dev', offer!.resources)
    t.same(consumed(allocator, 'dev'), { cpus: 2000 })
    allocator.removeAgent('a0')
    t.same(consumed(allocator, 'dev'), {})
  })
})

t.test('a guarantee', async t => {
  t.test('comes first, whatever the shares are', async t => {
    const allocator = allocatorOf(
      ['cpus:2;mem:64', 'cpus:2;mem:64', 'cpus:2;mem:64', 'cpus:2;mem:64'],
      { f: in_('dev'), g: in_('a') },
      { weights: new Map([['a', 1000]]) },
    )
    allocator.setQuotas(quotas({ dev: ['cpus:6', ''] }))
    const given = allocator.cycle()
    t.equal(sumOf(given, 'dev').scalar('cpus'), 6)
    t.equal(sumOf(given, 'a').scalar('cpus'), 2)
  })
  t.test('holds back what it still needs while nobody of the role wants it', async t => {
    const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64', 'cpus:2;mem:64'], { g: in_('a') })
    allocator.setQuotas(quotas({ dev: ['cpus:3', ''] }))
    const given = allocator.cycle()
    t.equal(sumOf(given, 'a').scalar('cpus'), 3)
    t.equal(sumOf(given, 'a').scalar('mem'), 192, 'of what is not guaranteed nothing is held back')
    allocator.addFramework('f', in_('dev'))
    allocator.activateFramework('f')
    t.equal(sumOf(allocator.cycle(), 'dev').scalar('cpus'), 3)
  })
  t.test('is met with no more of an agent than it lacks and the surplus allows', async t => {
    const allocator = allocatorOf(['cpus:8;mem:512'], { f: in_('dev'), g: in_('a') })
    allocator.setQuotas(quotas({ dev: ['cpus:2;mem:64', 'cpus:3;mem:512'], ops: ['cpus:1', ''] }))
    const given = allocator.cycle()
    t.equal(sumOf(given, 'dev').scalar('cpus'), 3, 'up to its limit')
    t.equal(sumOf(given, 'dev').scalar('mem'), 512)
    t.equal(sumOf(given, 'a').scalar('cpus'), 4, 'one CPU is held back for ops')
  })
  t.test('is no offer beside another one of the same cycle: both stages are one offer', async t => {
    const allocator = allocatorOf(['cpus:4;mem:256;ports:[1-9]'], { f: in_('dev') })
    allocator.setQuotas(quotas({ dev: ['cpus:1', ''], ops: ['mem:128', ''] }))
    const given = allocator.cycle()
    t.equal(given.length, 1)
    t.ok(given[0]!.resources.unallocated().equals(of('cpus:4;mem:128;ports:[1-9]')))
  })
  t.test('of nested frameworks is their top role’s', async t => {
    const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64'], { f: in_('dev/x'), g: in_('a') })
    allocator.setQuotas(quotas({ dev: ['cpus:4', ''] }))
    t.same(brief(allocator.cycle()), ['f dev/x a0', 'f dev/x a1'])
  })
  t.test('is not held back from on agents that nobody can be offered', async t => {
    const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64'], { g: in_('a') })
    allocator.setQuotas(quotas({ dev: ['cpus:2', ''] }))
    allocator.setAgentActive('a1', false)
    t.equal(sumOf(allocator.cycle(), 'a').scalar('cpus'), 0)
    allocator.setAgentActive('a1', true)
    t.equal(sumOf(allocator.tick(), 'a').scalar('cpus'), 2)
  })
})

t.test('no offers while paused; then what changed meanwhile is offered', async t => {
  const allocator = allocatorOf(['cpus:2;mem:64'], { f: framework() })
  allocator.setPaused(true)
  t.same(allocator.cycle(), [])
  t.same(allocator.tick(), [])
  allocator.setPaused(false)
  t.equal(allocator.cycle().length, 1)
})

t.test('only agents of the whitelist are offered', async t => {
  const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:2;mem:64'], { f: framework() })
  allocator.setWhitelist(['h1'])
  t.same(brief(allocator.cycle()), ['f r a1'])
  allocator.setWhitelist(undefined)
  t.same(brief(allocator.cycle()), ['f r a0'])
})

t.test('weights that are set at run time replace the ones before', async t => {
  const agents = Array.from({ length: 30 }, () => 'cpus:1;mem:100')
  const allocator = allocatorOf(agents, { f: in_('a'), g: in_('b') }, { weights: new Map([['a', 2]]) })
  allocator.setWeights(new Map([['b', 2]]))
  t.equal(allocator.cycle().filter(({ role }) => role === 'b').length, 20)
})

t.test('the cluster’s quantities are those of all agents', async t => {
  const allocator = allocatorOf(['cpus:2;mem:64', 'cpus:0.5;mem(r):36'], { f: framework() })
  t.same(Object.fromEntries(allocator.clusterQuantities()), { cpus: 2500, mem: 100_000 })
})

t.test('random sorters', async t => {
  const random = { roleSorter: 'random', frameworkSorter: 'random' } as const
  const agents = Array.from({ length: 2_000 }, () => 'cpus:1;mem:100')
  const countsOf = (allocations: readonly Allocation[]) => {
    const counts: Record<string, number> = {}
    for (const { frameworkId } of allocations) counts[frameworkId] = (counts[frameworkId] ?? 0) + 1
    return counts
  }
  t.test('serve by weight, level by level', async t => {
    const frameworks = { f: in_('a'), g: in_('b/x'), h: in_('b/y') }
    const given = countsOf(
      allocatorOf(agents, frameworks, { ...random, weights: new Map(Object.entries({ a: 2, 'b/x': 3 })) }).cycle(),
    )
    const near = (actual: number, expected: number) => Math.abs(actual - expected) < expected * 0.12
    t.ok(near(given.f!, 2_000 * (2 / 3)), `a has two thirds: ${given.f}`)
    t.ok(near(given.g!, 2_000 * (1 / 3) * (3 / 4)), `b/x three quarters of a third: ${given.g}`)
  })
  t.test('give an inactive subtree no weight', async t => {
    const allocator = allocatorOf(agents, { f: in_('a'), g: in_('b'), h: in_('c') }, random)
    allocator.suppress('h', ['c'])
    const given = countsOf(allocator.cycle())
    t.equal(given.h, undefined)
    t.ok(Math.abs(given.f! - 1_000) < 120, `half: ${given.f}`)
  })
  t.test('draw the same for a seed', async t => {
    const draw = (seed: number) =>
      allocatorOf(agents.slice(0, 50), { f: in_('a'), g: in_('b') }, { ...random, seed })
        .cycle()
        .map(({ frameworkId, agentId }) => frameworkId + agentId)
        .join()
    t.equal(draw(1), draw(1))
    t.not(draw(1), draw(2))
  })
})
