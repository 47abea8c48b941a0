import fc from 'fast-check'
import t from 'tap'
import { type Allocation, Allocator } from '../src/allocator/allocator.ts'
import { DrfSorter } from '../src/allocator/drf-sorter.ts'
import { Totals } from '../src/allocator/quantities.ts'
import { heartDefaults } from '../src/state/config.ts'
import { addAgent, allocatorOf, framework } from './support/allocator-bench.ts'
import { setUps, steps, World } from './support/allocator-world.ts'

/** `RUNS=10000 SEED=…` for a longer search. */
const parameters = (numRuns: number) => ({
  numRuns: Number(process.env.RUNS ?? numRuns),
  seed: Number(process.env.SEED ?? 5),
})

for (const sorter of ['drf', 'random'] as const) {
  const config = { roleSorter: sorter, frameworkSorter: sorter }
  t.test(`whatever happens, with the ${sorter} sorter`, async t => {
    t.test(
      'nothing is given twice, nobody gets what he refused or suppressed, and what somebody wants is offered',
      async () => {
        fc.assert(
          fc.property(setUps, steps(false), (setUp, done) => {
            const world = new World(setUp, config)
            for (const step of done) world.take(step)
          }),
          parameters(300),
        )
      },
    )
    t.test('no role is given more than its limit, and what guarantees lack is kept for them', async () => {
      fc.assert(
        fc.property(setUps, steps(true), (setUp, done) => {
          const world = new World(setUp, config)
          for (const step of done) world.take(step)
        }),
        parameters(300),
      )
    })
    t.test('nobody has more offers than he may, and who may have more again gets them', async () => {
      fc.assert(
        fc.property(setUps, steps(false), fc.integer({ min: 1, max: 3 }), (setUp, done, maxOutstandingOffers) => {
          const world = new World(setUp, { ...config, maxOutstandingOffers })
          for (const step of done) world.take(step)
        }),
        parameters(300),
      )
    })
    t.test('the same seed and steps give the same offers', async t => {
      fc.assert(
        fc.property(setUps, steps(true), (setUp, done) => {
          const traces = [new World(setUp, config), new World(setUp, config)].map(world => {
            for (const step of done) world.take(step)
            return world.trace.join('\n')
          })
          return traces[0] === traces[1]
        }),
        parameters(50),
      )
      t.pass()
    })
  })
}

t.test(
  'nobody envies a sibling more than one offer, by weighted dominant share, at each level of the tree',
  async () => {
    const weight = fc.constantFrom(1, 2, 3, 0.5)
    const leaves = ['a', 'b/x', 'b/y', 'b/z', 'c', 'c/x']
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 80 }),
        fc.subarray(leaves, { minLength: 1 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c', ...leaves), weight),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(100),
        (agents, roles, weights, each, seed) => {
          const weightOf = (path: string) => weights[path] ?? 1
          const frameworks = Object.fromEntries(
            roles.flatMap(role =>
              Array.from({ length: each }, (_, index) => [`${role}:${index}`, framework({ roles: [role] })]),
            ),
          )
          const texts = Array.from({ length: agents }, () => 'cpus:1;mem:100')
          const allocator = allocatorOf(texts, frameworks, { seed, weights: new Map(Object.entries(weights)) })
          const given = allocator.cycle()
          if (given.length !== agents) throw new Error(`${agents} agents, and ${given.length} offers`)
          for (const siblings of siblingsOf(roles)) checkEnvy(given, siblings, weightOf)
          for (const role of roles)
            checkEnvy(
              given,
              Object.keys(frameworks).filter(id => id.startsWith(`${role}:`)),
              () => 1,
            )
        },
      ),
      parameters(200),
    )
  },
)

/** Nodes that compete with each other, each as a path; one that is a role and a parent competes below itself as `path/.`. */
function siblingsOf(roles: readonly string[]): string[][] {
  const isParent = (path: string) => roles.some(role => role.startsWith(`${path}/`))
  const leaves = roles.map(role => (isParent(role) ? `${role}/.` : role))
  const tops = [...new Set(leaves.map(leaf => leaf.split('/')[0]!))]
  return [tops, ...tops.map(top => leaves.filter(leaf => leaf.startsWith(`${top}/`)))].filter(
    ({ length }) => length > 1,
  )
}

/** What each has, less one offer, is no more than what any other has, by weight. */
function checkEnvy(
  given: readonly Allocation[],
  siblings: readonly string[],
  weightOf: (path: string) => number,
): void {
  const has = (path: string) =>
    given.filter(({ role, frameworkId }) => {
      if (path.includes(':')) return frameworkId === path
      return path.endsWith('/.') ? `${role}/.` === path : role === path || role.startsWith(`${path}/`)
    }).length
  for (const one of siblings)
    for (const other of siblings) {
      const mine = (has(one) - 1) / weightOf(one)
      const theirs = has(other) / weightOf(other)
      if (mine > theirs + 1e-9) throw new Error(`${other} envies ${one}: ${has(other)} and ${has(one)}`)
    }
}

t.test('examples worked out by the definition of DRF', async t => {
  const cases = [
    {
      name: 'the paper’s: 9 CPUs, 18 GB; A wants <1, 4>, B <3, 1>',
      total: { cpus: 9, mem: 18 },
      users: { A: { demand: { cpus: 1, mem: 4 }, weight: 1 }, B: { demand: { cpus: 3, mem: 1 }, weight: 1 } },
      tasks: { A: 3, B: 2 },
    },
    {
      name: 'equal totals of 30; A wants <1, 3>, B <1, 1>: half of the second resource each',
      total: { cpus: 30, mem: 30 },
      users: { A: { demand: { cpus: 1, mem: 3 }, weight: 1 }, B: { demand: { cpus: 1, mem: 1 }, weight: 1 } },
      tasks: { A: 5, B: 15 },
    },
    {
      name: 'one resource is max-min fairness',
      total: { cpus: 12 },
      users: { A: { demand: { cpus: 1 }, weight: 1 }, B: { demand: { cpus: 2 }, weight: 1 } },
      tasks: { A: 6, B: 3 },
    },
    {
      name: 'a weight of three: three times the dominant share',
      total: { cpus: 16, mem: 16 },
      users: { A: { demand: { cpus: 1 }, weight: 3 }, B: { demand: { cpus: 1 }, weight: 1 } },
      tasks: { A: 12, B: 4 },
    },
    {
      name: 'weights with different dominant resources: 2/3 of the CPUs for A beside 1/3 of the memory for B',
      total: { cpus: 12, mem: 12 },
      users: { A: { demand: { cpus: 2, mem: 1 }, weight: 2 }, B: { demand: { cpus: 1, mem: 1 }, weight: 1 } },
      tasks: { A: 4, B: 4 },
    },
  ]
  for (const { name, total, users, tasks } of cases) t.same(played(total, users), tasks, name)
})

type Amounts = Readonly<Partial<Record<'cpus' | 'mem', number>>>

/** Whoever is first in the order starts a task, until his does not fit any more: Algorithm 1 of the paper. */
function played(
  total: Amounts,
  users: Readonly<Record<string, { demand: Amounts; weight: number }>>,
): Record<string, number> {
  const totals = new Totals()
  totals.add(new Map(Object.entries(total)))
  const sorter = new DrfSorter<string>(totals)
  sorter.setWeights(new Map(Object.entries(users).map(([user, { weight }]) => [user, weight])))
  for (const user of Object.keys(users)) {
    sorter.add(user, user)
    sorter.activate(user)
  }
  const left = new Map(Object.entries(total))
  const tasks: Record<string, number> = {}
  for (;;) {
    let next = ''
    sorter.walk(user => {
      next = user
      return true
    })
    const demand = new Map(Object.entries(users[next]!.demand))
    if ([...demand].some(([name, amount]) => amount > left.get(name)!)) return tasks
    for (const [name, amount] of demand) left.set(name, left.get(name)! - amount)
    tasks[next] = (tasks[next] ?? 0) + 1
    sorter.allocated(next, demand)
  }
}

t.test('the order that is kept is the order that sorting gives', async () => {
  const client = fc.constantFrom('a', 'b', 'c/x', 'c/y', 'c', 'd/x/y', 'd/x/z')
  const change = fc.record({ client, kind: fc.nat(5), cpus: fc.integer({ min: 1, max: 9 }), mem: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), changes => {
      const totals = new Totals()
      totals.add(new Map(Object.entries({ cpus: 1000, mem: 1000 })))
      const kept = new DrfSorter<string>(totals)
      const history: ((sorter: DrfSorter<string>) => void)[] = []
      const act = (action: (sorter: DrfSorter<string>) => void) => {
        history.push(action)
        action(kept)
      }
      for (const { client, kind, cpus, mem } of changes) {
        const amounts = new Map(Object.entries({ cpus, mem }))
        act(sorter => sorter.add(client, client))
        act(sorter => sorter.activate(client))
        if (kind < 3) act(sorter => sorter.allocated(client, amounts))
        else if (kind === 3) act(sorter => sorter.changed(client, new Map(sorter.allocation(client)), new Map()))
        else if (kind === 4) act(sorter => sorter.remove(client))
        else act(sorter => sorter.setWeights(new Map([[client, cpus]])))
        const sorted = new DrfSorter<string>(totals)
        for (const action of history) action(sorted)
        if (order(kept).join() !== order(sorted).join())
          throw new Error(`${order(kept)} is kept, ${order(sorted)} is right`)
      }
    }),
    parameters(100),
  )
})

function order(sorter: DrfSorter<string>): string[] {
  const clients: string[] = []
  sorter.walk(client => {
    clients.push(client)
    return false
  })
  return clients
}

t.test('what one declines goes to another at once, and comes back after its time', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), seconds => {
      const allocator = new Allocator(heartDefaults)
      for (const id of ['f', 'g']) {
        allocator.addFramework(id, framework())
        allocator.activateFramework(id)
      }
      addAgent(allocator, 0, 'cpus:4;mem:100')
      const [first] = allocator.cycle()
      allocator.recover(first!.frameworkId, 'a0', 'r', first!.resources, seconds)
      const [second] = allocator.tick()
      if (second?.frameworkId === first!.frameworkId) throw new Error('offered to the one that had declined')
      allocator.recover(second!.frameworkId, 'a0', 'r', second!.resources, 1_000)
      let ticks = 1
      for (; allocator.tick().length === 0; ticks++) if (ticks > seconds + 2) throw new Error('never offered again')
      if (ticks < seconds) throw new Error(`offered again after ${ticks} of ${seconds} s`)
    }),
    parameters(20),
  )
})
