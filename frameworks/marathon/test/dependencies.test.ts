import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import { dependencyDepths, dependencyGraph } from '../src/core/dependencies.ts'
import type { Group, Root, Service } from '../src/core/model.ts'
import { ancestorsOf, isBelow } from '../src/core/paths.ts'

type Needs = Readonly<Record<string, readonly string[]>>

/** A root of services and groups with nothing but dependencies. */
const rootOf = (services: Needs, groups: Needs): Pick<Root, 'services' | 'groups'> => ({
  services: new Map(
    Object.entries(services).map(([id, dependencies]) => [
      id,
      { kind: 'app', spec: { id, dependencies } } as unknown as Service,
    ]),
  ),
  groups: new Map(
    Object.entries(groups).map(([id, dependencies]) => [id, { dependencies, version: '' } as unknown as Group]),
  ),
})

/** The same by the words of the contract, service by service; undefined for a circle. */
function slowDepths(services: Needs, groups: Needs): Record<string, number> | undefined {
  const ids = Object.keys(services)
  const expand = (id: string): string[] => (services[id] ? [id] : ids.filter(one => isBelow(one, id)))
  const needs = (id: string): string[] =>
    [id, '/', ...ancestorsOf(id)]
      .flatMap(one => (one === id ? services[one] : groups[one]) ?? [])
      .flatMap(expand)
      .filter(one => one !== id)
  const depths: Record<string, number> = {}
  const visit = (id: string, way: readonly string[]): boolean => {
    if (way.includes(id)) return false
    if (id in depths) return true
    const all = needs(id)
    if (!all.every(one => visit(one, [...way, id]))) return false
    depths[id] = Math.max(0, ...all.map(one => (depths[one] ?? 0) + 1))
    return true
  }
  return ids.every(id => visit(id, [])) ? depths : undefined
}

const sorted = (depths: Record<string, number> | undefined) =>
  depths && Object.entries(depths).sort(([a], [b]) => (a < b ? -1 : 1))

t.test('depths and circles are those of the services, whatever is said by groups', async t => {
  let circles = 0
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = seededRandom(seed)
    const groups: Record<string, string[]> = { '/': [], '/g': [], '/g/i': [], '/h': [], '/h/j': [], '/k': [] }
    const services: Record<string, string[]> = {}
    for (const group of Object.keys(groups))
      for (let n = random.int(3); n > 0; n -= 1) services[`${group === '/' ? '' : group}/s${n}`] = []
    const all = [...Object.keys(groups), ...Object.keys(services)]
    for (let n = random.int(5); n > 0; n -= 1) {
      const from = all[random.int(all.length)] as string
      const list = services[from] ?? groups[from]
      list?.push(all[random.int(all.length)] as string)
    }
    const depths = dependencyDepths(rootOf(services, groups))
    const expected = slowDepths(services, groups)
    if (expected === undefined) circles += 1
    const found = depths && Object.fromEntries(depths)
    if (JSON.stringify(sorted(found)) !== JSON.stringify(sorted(expected)))
      t.same(found, expected, `seed ${seed}: ${JSON.stringify({ services, groups })}`)
  }
  t.ok(circles > 300 && circles < 2_700, `${circles} of them are circles`)
})

t.test('the work grows with the services and dependencies, not with their product', async t => {
  const edges = (count: number): number => {
    const services: Record<string, string[]> = { '/alone': ['/a', '/b'] }
    for (let n = 0; n < count; n += 1) {
      services[`/a/s${n}`] = []
      services[`/b/s${n}`] = ['/a']
      services[`/c/s${n}`] = ['/b', '/alone']
    }
    const graph = dependencyGraph(rootOf(services, { '/': [], '/a': [], '/b': ['/a'], '/c': ['/b', '/a'] }))
    return [...(graph?.followers.values() ?? [])].reduce((sum, followers) => sum + followers.length, 0)
  }
  t.ok(edges(2_000) <= edges(200) * 10, `${edges(200)} edges for 600 services, ${edges(2_000)} for 6,000`)
  t.ok(edges(2_000) <= 6_000 * 5)
})

t.test('all of a group that wait for the group are a circle that is seen at once', async t => {
  const services: Record<string, string[]> = {}
  for (let n = 0; n < 1_000; n += 1) services[`/a/s${n}`] = ['/a']
  t.equal(dependencyGraph(rootOf(services, {})), undefined)
})
