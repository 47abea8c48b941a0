import fc from 'fast-check'
import t from 'tap'
import { decode, encode } from '../../src/protocol/codec.ts'
import type { Resource } from '../../src/protocol/mesos.ts'
import { normalize, toBothFormats, toOldFormat } from '../../src/resources/formats.ts'
import * as ranges from '../../src/resources/ranges.ts'
import { Resources } from '../../src/resources/resources.ts'
import { formatResources, parseResources } from '../../src/resources/text.ts'
import { validateResources } from '../../src/resources/validate.ts'
import { seedOf } from '../seed.ts'
import { additive, bag, list } from './random-resources.ts'

const seed = seedOf(t)
const RUNS = 400

function law<T extends unknown[]>(
  name: string,
  parts: { [K in keyof T]: fc.Arbitrary<T[K]> },
  holds: (...values: T) => boolean | undefined,
): void {
  t.test(name, async t => {
    fc.assert(
      fc.property(fc.tuple(...parts), values => holds(...(values as T)) !== false),
      { seed, numRuns: RUNS },
    )
    t.pass(`${RUNS} cases`)
  })
}

const { empty } = Resources

law('what the other laws are tried on is valid', [list], resources => validateResources(resources) === undefined)
const few = fc
  .array(fc.tuple(fc.nat(30), fc.nat(6)), { maxLength: 6 })
  .map(list => list.map(([begin, length]) => ({ begin, end: begin + length })))
law('ranges are sets of numbers', [few, few], (x, y) => {
  const numbers = (list: typeof x) =>
    new Set(list.flatMap(({ begin, end }) => Array.from({ length: end - begin + 1 }, (_, at) => begin + at)))
  const [a, b] = [ranges.fromRanges(x), ranges.fromRanges(y)]
  const [m, n] = [numbers(x), numbers(y)]
  const same = (found: ranges.Ranges, wanted: Set<number>) => {
    const list = ranges.toRanges(found)
    const isCoalesced = list.every(({ begin, end }, at) => begin <= end && (at === 0 || begin > list[at - 1]!.end + 1))
    return isCoalesced && [...numbers(list)].every(one => wanted.has(one)) && numbers(list).size === wanted.size
  }
  return (
    same(a, m) &&
    same(ranges.union(a, b), new Set([...m, ...n])) &&
    same(ranges.difference(a, b), new Set([...m].filter(one => !n.has(one)))) &&
    ranges.covers(a, b) === [...n].every(one => m.has(one))
  )
})
law('a + b = b + a', [bag, bag], (a, b) => a.plus(b).equals(b.plus(a)))
law('(a + b) + c = a + (b + c)', [bag, bag, bag], (a, b, c) =>
  a
    .plus(b)
    .plus(c)
    .equals(a.plus(b.plus(c))),
)
law('a + 0 = a, a - 0 = a, a - a = 0', [bag], a => {
  return a.plus(empty).equals(a) && empty.plus(a).equals(a) && a.minus(empty).equals(a) && a.minus(a).isEmpty
})
law('(a + b) - b = a, where sums are exact', [additive, additive], (a, b) => a.plus(b).minus(b).equals(a))
law('(a - b) + (a and b) = a', [bag, bag], (a, b) => a.minus(b).plus(a.intersect(b)).equals(a))
law('a - (b + c) = (a - b) - c', [bag, bag, bag], (a, b, c) => a.minus(b.plus(c)).equals(a.minus(b).minus(c)))
law('a contains b exactly when b can be taken out: (a - b) + b = a', [bag, bag], (a, b) => {
  return a.contains(b) === a.minus(b).plus(b).equals(a)
})
law('a + b contains both', [bag, bag], (a, b) => a.plus(b).contains(a) && a.plus(b).contains(b))
law('containing each other is being equal', [bag, bag], (a, b) => {
  return a.equals(b) === (a.contains(b) && b.contains(a)) && (a.equals(b) ? a.minus(b).isEmpty : true)
})
law('the order of a list does not matter, and its sum is its bag', [list], resources => {
  const bagged = Resources.from(resources)
  const one = (resource: Resource) => Resources.from([resource])
  return bagged.equals(Resources.from([...resources].reverse())) && bagged.equals(Resources.sum(resources.map(one)))
})
law('a bag is the bag of its array', [bag], a => Resources.from(a.toArray()).equals(a))
law('quantities add up', [additive, additive], (a, b) => {
  const [x, y] = [a.nonShared(), b.nonShared()]
  const sum = x.plus(y)
  return sum.names().every(name => sum.thousandths(name) === x.thousandths(name) + y.thousandths(name))
})
law('allocating and taking back changes nothing else', [bag], a => {
  const allocated = a.allocateTo('r')
  return (
    allocated.unallocated().equals(a.unallocated()) &&
    sameTotals(allocated, a) &&
    (a.isEmpty || !a.contains(allocated)) &&
    (allocated.allocations().get('r') ?? empty).equals(allocated)
  )
})
law('a part and the rest are the whole', [bag], a => {
  const byRole = Resources.sum(a.reservations().values())
  return (
    a.unreserved().plus(a.reserved()).equals(a) &&
    byRole.equals(a.reserved()) &&
    a.revocable().plus(a.nonRevocable()).equals(a) &&
    a.shared().plus(a.nonShared()).equals(a)
  )
})
law('unreserve undoes reserve', [bag], a => {
  const reserved = a.reserve({ type: 'DYNAMIC', role: 'a/b/c/d', principal: 'p' })
  return reserved.unreserve().equals(a) && sameTotals(reserved, a) && reserved.reservedTo('a/b/c/d').equals(reserved)
})
law('both formats, and either alone, are read as the same', [list], resources => {
  const normal = resources.map(normalize)
  const old = normal.map(toOldFormat).filter(one => one !== undefined)
  const expressible = normal.filter(({ reservations = [] }) => reservations.length < 2)
  return (
    validateResources(normal.map(toBothFormats)) === undefined &&
    validateResources(old) === undefined &&
    Resources.from(normal.map(toBothFormats)).equals(Resources.from(resources)) &&
    Resources.from(old).equals(Resources.from(expressible)) &&
    old.every(one => one.reservations === undefined && one.role !== undefined)
  )
})
law('protobuf carries a bag', [bag], a => {
  const carried = a.toArray().map(one => decode('mesos.v1.Resource', encode('mesos.v1.Resource', one)))
  return Resources.from(carried).equals(a)
})
law('what text can say it says back', [bag], a => {
  const plain = a.filter(({ disk, revocable, reservations = [] }) => {
    return !disk && !revocable && reservations.length < 2 && reservations[0]?.type !== 'DYNAMIC'
  })
  return Resources.from(parseResources(formatResources(plain))).equals(plain)
})
law(
  'chopping gives no more than the limits, and nothing that was not there',
  [additive, fc.nat(60), fc.nat(60)],
  (a, cpus, disk) => {
    const bagged = a.nonShared()
    const chopped = bagged.chop(
      new Map([
        ['cpus', cpus],
        ['disk', disk],
      ]),
    )
    return (
      bagged.contains(chopped) &&
      chopped.scalar('cpus') <= cpus &&
      chopped.scalar('disk') <= disk &&
      chopped.scalar('mem') === bagged.scalar('mem') &&
      (bagged.scalar('cpus') > cpus || chopped.scalar('cpus') === bagged.scalar('cpus'))
    )
  },
)
law('what is found is there, and serves', [bag, bag], (a, b) => {
  const wanted = b.filter(({ disk, revocable }) => !disk && !revocable).withoutReservations()
  const found = a.find(wanted, 'dev')
  if (found === undefined) return !a.unreserved().contains(wanted)
  return a.contains(found) && found.withoutReservations().equals(wanted)
})
law('RESERVE and UNRESERVE are inverse, and keep the quantities', [bag, bag], (a, b) => {
  const what = b.filter(({ disk, revocable }) => disk?.persistence === undefined && revocable === undefined)
  const reserved = what.reserve({ type: 'DYNAMIC', role: 'a/b/c/d' }).toArray()
  const total = a.plus(what)
  const there = total.applyOperation({ type: 'RESERVE', reserve: { resources: reserved } })
  if ('refused' in there) return false
  const back = there.resources.applyOperation({ type: 'UNRESERVE', unreserve: { resources: reserved } })
  return 'resources' in back && back.resources.equals(total) && sameTotals(there.resources, total)
})
law(
  'CREATE and DESTROY are inverse, and keep the quantities',
  [bag, fc.constantFrom(1, 7.5, 20), fc.boolean()],
  (a, value, isShared) => {
    const reservations = [{ type: 'DYNAMIC' as const, role: 'dev' }]
    const disk: Resource = { name: 'disk', type: 'SCALAR', scalar: { value }, reservations }
    const volume: Resource = {
      ...disk,
      disk: { persistence: { id: 'new' }, volume: { mode: 'RW', container_path: 'data' } },
      ...(isShared ? { shared: {} } : {}),
    }
    const total = a.plus(Resources.from([disk]))
    const there = total.applyOperation({ type: 'CREATE', create: { volumes: [volume] } })
    if ('refused' in there) return false
    const back = there.resources.applyOperation({ type: 'DESTROY', destroy: { volumes: [volume] } })
    return 'resources' in back && back.resources.equals(total) && sameTotals(there.resources, total)
  },
)
law(
  'GROW_VOLUME and SHRINK_VOLUME are inverse, and keep the quantities',
  [bag, fc.constantFrom(1, 7.5, 20)],
  (a, value) => {
    const reservations = [{ type: 'STATIC' as const, role: 'dev' }]
    const addition: Resource = { name: 'disk', type: 'SCALAR', scalar: { value }, reservations }
    const volume: Resource = { ...addition, scalar: { value: 100 }, disk: { persistence: { id: 'new' } } }
    const total = a.plus(Resources.from([addition, volume]))
    const there = total.applyOperation({ type: 'GROW_VOLUME', grow_volume: { volume, addition } })
    if ('refused' in there) return false
    const grown = { ...volume, scalar: { value: 100 + value } }
    const back = there.resources.applyOperation({
      type: 'SHRINK_VOLUME',
      shrink_volume: { volume: grown, subtract: { value } },
    })
    return 'resources' in back && back.resources.equals(total) && sameTotals(there.resources, total)
  },
)

function sameTotals(a: Resources, b: Resources): boolean {
  const [x, y] = [a.quantities(), b.quantities()]
  return x.size === y.size && [...x].every(([name, value]) => y.get(name) === value)
}
