import t, { type Test } from 'tap'
import type { OfferOperation, Resource } from '../../src/protocol/mesos.ts'
import { normalize, toBothFormats, toOldFormat } from '../../src/resources/formats.ts'
import { Resources } from '../../src/resources/resources.ts'
import { checkRole, isStrictSubrole } from '../../src/resources/roles.ts'
import { formatResources, parseResources } from '../../src/resources/text.ts'
import { validateResources, validateVolume } from '../../src/resources/validate.ts'

const of = (text: string) => Resources.from(parseResources(text))
const scalar = (name: string, value: number, more: Partial<Resource> = {}): Resource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
})
const disk = (value: number, more: Partial<Resource> = {}) => scalar('disk', value, more)
const dynamic = (role: string, principal?: string) =>
  principal === undefined ? { type: 'DYNAMIC' as const, role } : { type: 'DYNAMIC' as const, role, principal }
const ports = (...range: [number, number][]): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: range.map(([begin, end]) => ({ begin, end })) },
})
const volume = (id: string, value: number, more: Partial<Resource> = {}): Resource =>
  disk(value, {
    reservations: [dynamic('dev')],
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: 'data' } },
    ...more,
  })

t.test('scalars have three fixed decimals', async t => {
  for (const [value, wanted] of [
    [1.5011, 1.501],
    [1.5015, 1.502],
    [0.1 + 0.2, 0.3],
    [0.0004, 0],
    [0.0005, 0.001],
    [0, 0],
  ] as const)
    t.equal(Resources.from([scalar('cpus', value)]).scalar('cpus'), wanted, `${value} is ${wanted}`)
  let sum = Resources.empty
  for (let turn = 0; turn < 1000; turn += 1) sum = sum.plus(of('cpus:0.1'))
  t.equal(sum.scalar('cpus'), 100, 'a thousand tenths are a hundred')
  t.ok(sum.minus(of('cpus:100')).isEmpty)
  t.ok(of('cpus:1').minus(of('cpus:2')).isEmpty, 'nothing is less than nothing')
  t.ok(of('cpus:0.3').contains(of('cpus:0.1').plus(of('cpus:0.2'))))
})

t.test('ranges are inclusive and coalesce', async t => {
  const sum = Resources.from([ports([20000, 40000])]).plus(Resources.from([ports([30000, 50000], [10000, 20000])]))
  t.strictSame(sum.toArray(), [ports([10000, 50000])])
  const rest = Resources.from([ports([10000, 50000])]).minus(Resources.from([ports([10000, 20000], [30000, 50000])]))
  t.strictSame(rest.toArray(), [ports([20001, 29999])])
  t.strictSame(of('ports:[1-2]').plus(of('ports:[3-4]')).ranges('ports'), [{ begin: 1, end: 4 }], 'neighbours')
  t.notOk(of('ports:[1-2,4-5]').contains(of('ports:[2-4]')))
  t.strictSame(of('bugs:{a,b}').plus(of('bugs:{b,c}')).minus(of('bugs:{a}')).set('bugs'), ['b', 'c'])
})

t.test('what adds up, and what stands apart (contract 6.4)', async t => {
  const base = disk(10)
  const path = { type: 'PATH' as const, path: { root: '/a' } }
  const rows: [what: string, a: Resource, b: Resource, entries: number][] = [
    ['the same', base, disk(5), 1],
    ['another allocation', base, disk(5, { allocation_info: { role: 'r' } }), 2],
    ['another reservation', base, disk(5, { reservations: [dynamic('r')] }), 2],
    ['another principal', disk(5, { reservations: [dynamic('r')] }), disk(5, { reservations: [dynamic('r', 'p')] }), 2],
    ['another type of reservation', disk(5, { role: 'r' }), disk(5, { reservations: [dynamic('r')] }), 2],
    [
      'the same reservation in the other format',
      disk(5, { role: 'r' }),
      disk(5, { reservations: [{ type: 'STATIC', role: 'r' }] }),
      1,
    ],
    [
      'a refinement',
      disk(5, { reservations: [dynamic('r')] }),
      disk(5, { reservations: [dynamic('r'), dynamic('r/s')] }),
      2,
    ],
    ['revocable', base, disk(5, { revocable: {} }), 2],
    ['of a provider', base, disk(5, { provider_id: { value: 'p' } }), 2],
    ['PATH disks of one root', disk(5, { disk: { source: path } }), disk(6, { disk: { source: path } }), 1],
    [
      'PATH disks of two roots',
      disk(5, { disk: { source: path } }),
      disk(6, { disk: { source: { ...path, path: { root: '/b' } } } }),
      2,
    ],
    [
      'MOUNT disks',
      disk(5, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } }),
      disk(5, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } }),
      2,
    ],
    [
      'BLOCK disks',
      disk(5, { disk: { source: { type: 'BLOCK' } } }),
      disk(5, { disk: { source: { type: 'BLOCK' } } }),
      2,
    ],
    ['RAW disks', disk(5, { disk: { source: { type: 'RAW' } } }), disk(5, { disk: { source: { type: 'RAW' } } }), 1],
    [
      'RAW disks with an id',
      disk(5, { disk: { source: { type: 'RAW', id: 'x' } } }),
      disk(5, { disk: { source: { type: 'RAW', id: 'x' } } }),
      2,
    ],
    ['persistent volumes', volume('v', 5), volume('v', 5), 2],
    ['shared volumes', volume('v', 5, { shared: {} }), volume('v', 5, { shared: {} }), 2],
  ]
  for (const [what, a, b, entries] of rows) {
    const both = Resources.from([a, b])
    t.equal(both.toArray().length, entries, what)
    t.ok(both.minus(Resources.from([a])).equals(Resources.from([b])), `${what}: one without the other`)
  }
  const provided = (value: string) => disk(5, { provider_id: { value } })
  const mounted = (root: string) => disk(5, { disk: { source: { type: 'MOUNT', mount: { root } } } })
  const raw = (more: object) => disk(5, { disk: { source: { type: 'RAW', id: 'x', ...more } } })
  const apart: [what: string, a: Resource, b: Resource][] = [
    ['two providers', provided('p'), provided('q')],
    ['two mounts', mounted('/m'), mounted('/n')],
    ['two volumes', volume('v', 5), volume('w', 5)],
    ['two sizes of a volume', volume('v', 5), volume('v', 4)],
    ['a shared volume and one that is not', volume('v', 5, { shared: {} }), volume('v', 5)],
    ['a volume and the disk under it', volume('v', 5), disk(5, { reservations: [dynamic('dev')] })],
    ['two ids', raw({}), raw({ id: 'y' })],
    ['two profiles', raw({ profile: 'fast' }), raw({ profile: 'slow' })],
    ['two vendors', raw({ vendor: 'a' }), raw({ vendor: 'b' })],
    ['other metadata', raw({ metadata: { labels: [{ key: 'a' }] } }), raw({})],
  ]
  for (const [what, a, b] of apart) t.notOk(Resources.from([a]).contains(Resources.from([b])), `${what}: not the same`)
  const labels = (...keys: string[]) => ({ labels: keys.map(key => ({ key, value: 'v' })) })
  const labelled = (...keys: string[]) => disk(1, { reservations: [{ ...dynamic('r'), labels: labels(...keys) }] })
  t.equal(Resources.from([labelled('a', 'b'), labelled('b', 'a')]).toArray().length, 1, 'the order of labels')
  t.equal(Resources.from([labelled('a'), labelled('b')]).toArray().length, 2, 'other labels')
  t.equal(Resources.from([scalar('a\u0000S', 1), scalar('a', 1)]).names().length, 2, 'names that look like keys')
})

t.test('what is whole is given whole', async t => {
  const mount = disk(100, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } })
  const bag = Resources.from([mount, disk(40)])
  t.notOk(bag.contains(Resources.from([{ ...mount, scalar: { value: 50 } }])), 'half of a MOUNT disk is not in it')
  t.ok(bag.minus(Resources.from([{ ...mount, scalar: { value: 50 } }])).equals(bag))
  t.strictSame(bag.chop(new Map([['disk', 90]])).toArray(), [disk(40)], 'and chopping drops it')
  t.equal(bag.chop(new Map([['disk', 140]])).scalar('disk'), 140)
  t.equal(bag.chop(new Map([['disk', 30]])).scalar('disk'), 30)
  t.ok(bag.chop(new Map([['cpus', 0]])).equals(bag), 'what has no limit stays as it is')
  t.ok(
    Resources.from([volume('v', 5)]).contains(
      Resources.from([
        volume('v', 5, {
          disk: { persistence: { id: 'v', principal: 'p' }, volume: { mode: 'RW', container_path: 'elsewhere' } },
        }),
      ]),
    ),
    'how a volume is mounted this time does not make it another one',
  )
})

t.test('shared volumes have a multiplicity, and count once', async t => {
  const one = Resources.from([volume('v', 64, { shared: {} })])
  const three = one.plus(one).plus(one)
  t.equal(three.toArray().length, 3)
  t.equal(three.scalar('disk'), 64)
  t.ok(three.minus(one).contains(one.plus(one)))
  t.notOk(three.minus(one).contains(three))
  t.ok(three.minus(three).isEmpty)
  const destroy: OfferOperation = { type: 'DESTROY', destroy: { volumes: one.toArray() } }
  t.match(three.applyOperation(destroy), { refused: /held more than once/ })
  const after = one.applyOperation(destroy)
  t.strictSame('resources' in after && after.resources.toArray(), [disk(64, { reservations: [dynamic('dev')] })])
})

t.test('parts by role', async t => {
  const bag = of('cpus:4;mem(dev):10;ports(ops):[1-2]').plus(
    Resources.from([scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: 'ops' }, dynamic('ops/web')] })]),
  )
  t.equal(formatResources(bag.unreserved()), 'cpus:4')
  t.equal(formatResources(bag.reservedTo('ops')), 'ports(ops):[1-2]', 'its own, not those of roles below it')
  t.strictSame([...bag.reservations().keys()].sort(), ['dev', 'ops', 'ops/web'])
  t.strictSame(
    bag.quantities(),
    new Map([
      ['cpus', 5],
      ['mem', 10],
    ]),
  )
  t.ok(bag.allocateTo('x').unallocated().equals(bag))
  t.strictSame(bag.allocateTo('x').toArray()[0]?.allocation_info, { role: 'x' })
  t.equal(bag.find(of('mem:5'), 'dev')?.scalar('mem'), 5)
  t.equal(bag.find(of('mem:5'), 'ops'), undefined, 'not from the reservations of others')
  t.equal(formatResources(of('cpus(dev):1;cpus:3').find(of('cpus:2'), 'dev') as Resources), 'cpus:1;cpus(dev):1')
})

t.test('wire formats (contract 6.3)', async t => {
  const rows: [what: string, normal: Resource, both: Resource, old: Resource | undefined][] = [
    ['unreserved', scalar('cpus', 1), scalar('cpus', 1, { role: '*' }), scalar('cpus', 1, { role: '*' })],
    [
      'static',
      scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: 'a' }] }),
      scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: 'a' }], role: 'a' }),
      scalar('cpus', 1, { role: 'a' }),
    ],
    [
      'dynamic',
      scalar('cpus', 1, { reservations: [dynamic('a', 'p')] }),
      scalar('cpus', 1, { reservations: [dynamic('a', 'p')], role: 'a', reservation: { principal: 'p' } }),
      scalar('cpus', 1, { role: 'a', reservation: { principal: 'p' } }),
    ],
    [
      'refined',
      scalar('cpus', 1, { reservations: [dynamic('a'), dynamic('a/b')] }),
      scalar('cpus', 1, { reservations: [dynamic('a'), dynamic('a/b')] }),
      undefined,
    ],
  ]
  for (const [what, normal, both, old] of rows) {
    t.strictSame(toBothFormats(normal), both, `${what}: both`)
    t.strictSame(toOldFormat(normal), old, `${what}: old`)
    t.strictSame(normalize(both), normal, `${what}: read from both`)
    if (old) t.strictSame(normalize(old), normal, `${what}: read from the old one`)
    t.equal(validateResources([both]), undefined)
    t.strictSame(Resources.from([normal]).inBothFormats(), [both])
    t.strictSame(Resources.from([normal]).inOldFormat(), old ? [old] : [])
  }
})

t.test('which resources are valid', async t => {
  const stack = (...reservations: Resource['reservations'] & {}) => scalar('cpus', 1, { reservations })
  const valid: Resource[] = [
    scalar('gpus', 0),
    stack({ type: 'STATIC', role: 'a' }, dynamic('a/b'), dynamic('a/b/c')),
    scalar('cpus', 1, { role: '*' }),
    volume('v', 1),
    volume('v', 1, { shared: {} }),
    ports([1, 2], [2, 3]),
    { name: 's', type: 'SET', set: { item: ['a', 'b'] } },
    disk(1, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } }),
  ]
  for (const one of valid) t.equal(validateResources([one]), undefined, formatResources([one]))
  const invalid: [resource: Resource, reason: RegExp][] = [
    [scalar('', 1), /no name/],
    [scalar('cpus', -1), /negative/],
    [scalar('cpus', Number.NaN), /no amount/],
    [scalar('cpus', Number.POSITIVE_INFINITY), /no amount/],
    [scalar('cpus', 1e15), /more than/],
    [scalar('cpus', 0.00001), /smallest amount/],
    [{ name: 'cpus', type: 'SCALAR' }, /exactly the value of its type SCALAR, not none/],
    [{ ...ports([1, 2]), scalar: { value: 1 } }, /not SCALAR and RANGES/],
    [{ ...ports([1, 2]), type: 'SET' }, /type SET, not RANGES/],
    [{ name: 'x', type: 'TEXT' }, /TEXT/],
    [ports([2, 1]), /begins after its end/],
    [ports([-1, 1]), /negative/],
    [ports([1.5, 2]), /whole/],
    [{ name: 's', type: 'SET', set: { item: ['a', 'a'] } }, /twice/],
    [scalar('cpus', 1, { reservation: {} }), /'\*', which can not be reserved/],
    [stack(dynamic('*')), /'\*', which can not be reserved/],
    [stack({ role: 'a' }), /without a type/],
    [stack({ type: 'DYNAMIC' }), /without a role/],
    [stack(dynamic('-a')), /starts with '-'/],
    [stack(dynamic('a'), dynamic('a')), /no subrole/],
    [stack(dynamic('a'), dynamic('ab')), /no subrole/],
    [stack(dynamic('a'), { type: 'STATIC', role: 'a/b' }), /STATIC/],
    [scalar('cpus', 1, { reservations: [dynamic('a')], role: 'b', reservation: {} }), /one thing in reservations/],
    [scalar('cpus', 1, { reservations: [dynamic('a')], role: 'a' }), /one thing in reservations/],
    [scalar('cpus', 1, { reservations: [dynamic('a', 'p')], role: 'a', reservation: {} }), /one thing in reservations/],
    [scalar('cpus', 1, { reservations: [dynamic('a'), dynamic('a/b')], role: 'a' }), /refined/],
    [scalar('cpus', 1, { allocation_info: { role: 'a//b' } }), /allocated/],
    [scalar('cpus', 1, { disk: {} }), /only the scalar disk/],
    [disk(1, { disk: { volume: { mode: 'RW', container_path: 'x' } } }), /without disk.persistence/],
    [disk(1, { disk: { persistence: { id: 'v' } } }), /must be reserved/],
    [volume('../v', 1), /persistence.id that must not contain/],
    [volume('v', 1, { revocable: {} }), /revocable/],
    [scalar('cpus', 1, { revocable: {}, role: 'a' }), /revocable/],
    [disk(1, { shared: {} }), /only persistent volumes/],
    [disk(1, { disk: { source: { type: 'UNKNOWN' } } }), /UNKNOWN/],
    [disk(1, { disk: { source: { type: 'PATH', mount: { root: '/' } } } }), /mount/],
  ]
  for (const [one, reason] of invalid) t.match(validateResources([scalar('mem', 1), one]), reason, String(reason))
  t.match(validateResources([scalar('mem', 1), scalar('cpus', -1)]), /^resource 1 \('cpus'\) is negative/)
  t.equal(validateVolume(volume('v', 1)), undefined)
  const from = (...given: [Partial<NonNullable<Resource['disk']>>, RegExp]) =>
    t.match(validateVolume(disk(1, { role: 'a', disk: given[0] })), given[1], String(given[1]))
  from({}, /persistence/)
  from({ persistence: { id: 'v' } }, /no disk.volume/)
  from({ persistence: { id: 'v' }, volume: { mode: 'RO', container_path: 'x' } }, /RW/)
  from({ persistence: { id: 'v' }, volume: { mode: 'RW', container_path: 'x', host_path: '/x' } }, /host_path/)
})

t.test('operations that are refused', async t => {
  const bag = of('cpus:4;mem:100;disk:100').plus(Resources.from([volume('v', 10), disk(5, { role: 'dev' })]))
  const reserved = [scalar('cpus', 9, { reservations: [dynamic('a')] })]
  const grow = (addition: Resource, on = volume('v', 10)): OfferOperation => ({
    type: 'GROW_VOLUME',
    grow_volume: { volume: on, addition },
  })
  const shrink = (value: number, on = volume('v', 10)): OfferOperation => ({
    type: 'SHRINK_VOLUME',
    shrink_volume: { volume: on, subtract: { value } },
  })
  const rows: [operation: OfferOperation, reason: RegExp][] = [
    [{ type: 'RESERVE', reserve: { resources: reserved } }, /not all there/],
    [{ type: 'RESERVE', reserve: { resources: [scalar('cpus', 1)] } }, /no dynamic reservation/],
    [{ type: 'RESERVE', reserve: { resources: [scalar('cpus', 1, { role: 'a' })] } }, /no dynamic reservation/],
    [
      {
        type: 'RESERVE',
        reserve: { source: [scalar('cpus', 2)], resources: [scalar('cpus', 1, { reservations: [dynamic('a')] })] },
      },
      /more than their reservations/,
    ],
    [{ type: 'UNRESERVE', unreserve: { resources: [disk(5, { role: 'dev' })] } }, /no dynamic reservation/],
    [{ type: 'UNRESERVE', unreserve: { resources: [volume('v', 10)] } }, /persistent volume/],
    [{ type: 'CREATE', create: { volumes: [disk(5)] } }, /persistence/],
    [{ type: 'CREATE', create: { volumes: [volume('w', 500)] } }, /not all there/],
    [{ type: 'DESTROY', destroy: { volumes: [disk(5)] } }, /no persistent volume/],
    [{ type: 'DESTROY', destroy: { volumes: [volume('w', 10)] } }, /not all there/],
    [grow(disk(5)), /not of the reservation/],
    [grow(disk(0, { reservations: [dynamic('dev')] })), /more than 0/],
    [grow(disk(5), volume('v', 10, { shared: {} })), /shared/],
    [grow(disk(5), volume('v', 10, { provider_id: { value: 'p' } })), /provider/],
    [grow(disk(5), disk(5)), /no disk.persistence/],
    [shrink(10), /less than/],
    [shrink(0), /more than 0/],
    [shrink(1, volume('v', 10, { shared: {} })), /shared/],
    [{ type: 'CREATE_DISK' }, /provider/],
    [{ type: 'UNKNOWN' }, /no conversion/],
    [{}, /without a type/],
  ]
  for (const [operation, reason] of rows) t.match(bag.applyOperation(operation), { refused: reason }, String(reason))
  const launched = bag.applyOperation({ type: 'LAUNCH', launch: { task_infos: [] } })
  t.ok('resources' in launched && launched.resources.equals(bag), 'a launch converts nothing')
  const moved = bag.applyOperation({
    type: 'RESERVE',
    reserve: {
      source: [scalar('cpus', 1)],
      resources: [scalar('cpus', 1, { reservations: [dynamic('a'), dynamic('a/b')] })],
    },
  })
  t.equal(
    'resources' in moved && moved.resources.reservedTo('a/b').scalar('cpus'),
    1,
    'an operator reserves in one step',
  )
})

t.test('names of roles (contract 5.1)', async (t: Test) => {
  for (const role of ['*', 'a', 'a/b', 'foo..bar', '...', 'foo/.bar', 'a-b', 'ä'])
    t.equal(checkRole(role), undefined, role)
  for (const role of ['', '/a', 'a/', 'a//b', '.', 'a/..', 'a/*', '*/a', '-a', 'a/-b', 'a b', 'a\tb', 'a\u007f'])
    t.ok(checkRole(role), JSON.stringify(role))
  t.ok(isStrictSubrole('a/b', 'a'))
  t.notOk(isStrictSubrole('ab', 'a'))
  t.notOk(isStrictSubrole('a', 'a'))
})
