import t from 'tap'
import type { Resource } from '../../src/protocol/mesos.ts'
import { isCheckpointed, withCheckpointed } from '../../src/resources/checkpointed.ts'
import { Resources } from '../../src/resources/resources.ts'
import { parseResources } from '../../src/resources/text.ts'

const dynamic = (resource: Resource, role: string): Resource => ({
  ...resource,
  reservations: [...(resource.reservations ?? []), { type: 'DYNAMIC', role }],
})
const [disk, staticDisk] = parseResources('disk:100;disk(r):100') as [Resource, Resource]
const source: NonNullable<Resource['disk']> = { source: { type: 'PATH', path: { root: '/disk' } } }
const volume = (resource: Resource, more: Partial<Resource> = {}): Resource => ({
  ...resource,
  disk: { ...resource.disk, persistence: { id: 'v' }, volume: { container_path: 'd', mode: 'RW' } },
  ...more,
})

t.test('what operations made is told from what was there, and found again in it', async t => {
  for (const [name, own, made] of [
    ['a reservation', disk, dynamic(disk, 'r')],
    ['one in a static reservation', staticDisk, dynamic(staticDisk, 'r/s')],
    ['a volume', disk, volume(dynamic(disk, 'r'))],
    ['a volume in a static reservation', staticDisk, volume(staticDisk)],
    ['a shared volume', disk, volume(dynamic(disk, 'r'), { shared: {} })],
    ['a volume on a disk of its own', { ...disk, disk: source }, volume(dynamic({ ...disk, disk: source }, 'r'))],
  ] as const) {
    const before = Resources.from([own])
    t.ok(before.filter(isCheckpointed).isEmpty, name)
    const after = Resources.from([made])
    t.ok(after.filter(isCheckpointed).equals(after))
    t.ok(withCheckpointed(before, after)?.equals(after))
    t.equal(withCheckpointed(Resources.from(parseResources('disk:99')), after), undefined)
  }
})

t.test('the rest stays', async t => {
  const own = Resources.from(parseResources('cpus:4;disk:300'))
  const made = Resources.from([dynamic(disk, 'r')])
  t.ok(withCheckpointed(own, made)?.equals(Resources.from(parseResources('cpus:4;disk:200')).plus(made)))
  t.ok(withCheckpointed(own, Resources.empty)?.equals(own))
})

t.test('shared volumes count once where it is asked which there are', async t => {
  const shared = Resources.from([volume(dynamic(disk, 'r'), { shared: {} })])
  const all = Resources.from(parseResources('cpus:1')).plus(shared).plus(shared)
  t.equal(all.shared().toArray().length, 2)
  t.ok(all.sharedOnce().equals(shared))
})
