import type { Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import t from 'tap'
import { allocatorOf, brief, framework, of } from './support/allocator-bench.ts'

const dynamic = { type: 'DYNAMIC' as const, role: 'r' }
const volume = (size: number, more: Partial<Resource> = {}): Resources =>
  Resources.from([
    {
      name: 'disk',
      type: 'SCALAR',
      scalar: { value: size },
      reservations: [dynamic],
      disk: { persistence: { id: 'v' }, volume: { container_path: 'data', mode: 'RW' } },
      ...more,
    },
  ])
const holder = { frameworkId: 'f', role: 'r' }

t.test('what nobody holds is converted in the total, and offered as what it became', async t => {
  const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework(), g: framework({ roles: ['s'] }) })
  const plain = of('cpus:4;mem:100')
  allocator.convert('a0', plain, plain.reserve(dynamic))
  const [only, ...more] = allocator.cycle()
  t.same(more, [], 's sees no reservation of r')
  t.ok(only!.resources.unallocated().equals(plain.reserve(dynamic)))
})

t.test('what a framework holds is converted in its hands, and comes back as what it became', async t => {
  const allocator = allocatorOf(['cpus:4;mem:100;disk:10'], { f: framework() })
  const [offer] = allocator.cycle()
  const plain = of('disk:10')
  const reserved = plain.reserve(dynamic)
  allocator.convert('a0', plain, reserved, holder)
  allocator.convert('a0', reserved, volume(10), holder)
  t.ok(allocator.available('a0').isEmpty)
  t.ok(allocator.allocated('a0').equals(of('cpus:4;mem:100').plus(volume(10))))
  t.equal([...allocator.roleMetrics()][0]!.share, 1)
  allocator.recover('f', 'a0', 'r', offer!.resources.minus(plain.allocateTo('r')).plus(volume(10).allocateTo('r')))
  t.ok(allocator.available('a0').equals(of('cpus:4;mem:100').plus(volume(10))))
  t.equal([...allocator.roleMetrics()][0]!.share, 0)
})

t.test('a volume that grew and shrank keeps the quantities', async t => {
  const allocator = allocatorOf(['cpus:4;mem:100;disk(r):10'], { f: framework() })
  const reserved = of('disk(r):10')
  const stat = { reservations: [{ type: 'STATIC' as const, role: 'r' }] }
  allocator.convert('a0', of('disk(r):4'), volume(4, stat))
  allocator.cycle()
  allocator.convert('a0', volume(4, stat).plus(of('disk(r):2')), volume(6, stat), holder)
  allocator.convert('a0', volume(6, stat), volume(1, stat).plus(of('disk(r):5')), holder)
  t.equal(allocator.allocated('a0').scalar('disk'), reserved.scalar('disk'))
  t.ok(allocator.available('a0').isEmpty)
})

t.test('an agent that is touched is visited by the next cycle', async t => {
  const allocator = allocatorOf(['cpus:4;mem:100'], { f: framework() })
  const [offer] = allocator.cycle()
  allocator.recover('f', 'a0', 'r', offer!.resources, 0)
  allocator.touch('a0')
  t.equal(allocator.cycle().length, 1)
})

t.test('a shared volume', async t => {
  const shared = volume(10, { shared: {} })
  const both = { capabilities: ['MULTI_ROLE', 'SHARED_RESOURCES'] }
  const setUp = () => {
    const allocator = allocatorOf(['cpus:4;mem:200;disk:10'], { f: framework(both), g: framework(both) })
    allocator.convert('a0', of('disk:10'), shared)
    return allocator
  }
  const held = shared.allocateTo('r')

  t.test('is offered while it is in use, to one framework a cycle', async t => {
    const allocator = setUp()
    const [first, ...more] = allocator.cycle()
    t.same(more, [])
    const task = of('cpus:1;mem:64').allocateTo('r').plus(held)
    allocator.recover('f', 'a0', 'r', first!.resources.minus(task), 100)
    const [second, ...others] = allocator.cycle()
    t.same(brief([second!]), ['g r a0'])
    t.same(others, [])
    t.ok(second!.resources.contains(held), 'g is offered the volume that f uses')
    t.equal(allocator.allocated('a0').shared().toArray().length, 2, 'held twice')
  })
  t.test('counts once towards the share of a framework and of its role, however often they hold it', async t => {
    const allocator = setUp()
    const [first] = allocator.cycle()
    allocator.recover('f', 'a0', 'r', first!.resources.minus(held), 100)
    const share = () => [...allocator.roleMetrics()][0]!.share
    t.equal(share(), 1)
    allocator.occupy('f', 'a0', 'r', held)
    allocator.occupy('g', 'a0', 'r', held)
    t.equal(share(), 1)
    allocator.recover('f', 'a0', 'r', held)
    allocator.recover('f', 'a0', 'r', held)
    t.equal(share(), 1, 'g has it')
    allocator.recover('g', 'a0', 'r', held)
    t.equal(share(), 0)
    t.ok(allocator.allocated('a0').isEmpty)
  })
  t.test('is there once, whoever has it, and is hidden from those who can not share', async t => {
    const allocator = setUp()
    allocator.occupy('f', 'a0', 'r', held)
    allocator.occupy('f', 'a0', 'r', held)
    t.equal(allocator.available('a0').shared().toArray().length, 1)
    allocator.addFramework('h', framework())
    allocator.activateFramework('h')
    allocator.suppress('f', ['r'])
    allocator.suppress('g', ['r'])
    const [offer] = allocator.cycle()
    t.equal(offer!.frameworkId, 'h')
    t.ok(offer!.resources.shared().isEmpty)
  })
  t.test('that is destroyed in an offer is plain disk again', async t => {
    const allocator = setUp()
    const [offer] = allocator.cycle()
    const disk = of('disk:10').reserve(dynamic)
    allocator.convert('a0', shared, disk, holder)
    t.ok(allocator.available('a0').isEmpty)
    t.ok(allocator.allocated('a0').shared().isEmpty)
    allocator.recover('f', 'a0', 'r', offer!.resources.minus(held).plus(disk.allocateTo('r')))
    t.ok(allocator.allocated('a0').isEmpty)
  })
})
