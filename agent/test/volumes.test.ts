import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Resource } from '@meseta/common/protocol/mesos'
import t, { type Test } from 'tap'
import { HostVolumes, volumePath } from '../src/volumes/volumes.ts'
import { log, tempFolder, until } from './harness.ts'

const volume = (role: string, source?: NonNullable<Resource['disk']>['source']): Resource => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 1 },
  reservations: [{ type: 'DYNAMIC', role }],
  disk: { persistence: { id: 'db' }, ...(source ? { source } : {}) },
})

async function setUp(test: Test) {
  const folder = await tempFolder(test)
  const volumes = new HostVolumes(folder, log)
  const path = join(folder, 'volumes', 'roles', 'web', 'db')
  const dropped = () => readdir(join(folder, 'volumes', 'dropped'))
  return { folder, volumes, path, dropped }
}

t.test('where a volume lies: by its role and id, below its disk', async test => {
  test.equal(volumePath('/work', volume('web')), '/work/volumes/roles/web/db')
  test.equal(volumePath('/work', volume('a/b')), '/work/volumes/roles/a b/db')
  const { reservations: _, ...rest } = volume('web')
  test.equal(volumePath('/work', { ...rest, role: 'web', reservation: {} }), '/work/volumes/roles/web/db')
  const onPath = volume('web', { type: 'PATH', path: { root: '/disk' } })
  test.equal(volumePath('/work', onPath), '/disk/volumes/roles/web/db')
  const below = volume('web', { type: 'PATH', path: { root: 'disks/1' } })
  test.equal(volumePath('/work', below), '/work/disks/1/volumes/roles/web/db', 'a relative one is of the work folder')
  test.equal(volumePath('/work', volume('web', { type: 'MOUNT', mount: { root: '/mnt' } })), '/mnt')
})

t.test('making and dropping may be repeated; what is in a volume stays until it is dropped', async test => {
  const { volumes, path, dropped } = await setUp(test)
  await volumes.make(path)
  await writeFile(join(path, 'file'), 'kept')
  await volumes.make(path)
  test.equal(await readFile(join(path, 'file'), 'utf8'), 'kept')
  await volumes.drop(path)
  await test.rejects(readdir(path), { code: 'ENOENT' })
  await volumes.drop(path)
  await volumes.make(path)
  test.strictSame(await readdir(path), [], 'a new one is empty')
  await until('the removal of what was dropped', async () => (await dropped()).length === 0)
})

t.test('what an earlier life had dropped and not removed is removed', async test => {
  const { folder, volumes, dropped } = await setUp(test)
  await mkdir(join(folder, 'volumes', 'dropped', 'volume-x', 'db', 'deep'), { recursive: true })
  await writeFile(join(folder, 'volumes', 'dropped', 'volume-x', 'db', 'deep', 'file'), '')
  volumes.start()
  await until('the removal of what was dropped', async () => (await dropped()).length === 0)
})

t.test('a disk that is a volume as a whole is emptied, and stays', async test => {
  const { folder, volumes } = await setUp(test)
  const disk = join(folder, 'mnt')
  await volumes.make(disk)
  await mkdir(join(disk, 'a', 'b'), { recursive: true })
  await writeFile(join(disk, 'file'), '')
  await volumes.drop(disk)
  test.strictSame(await readdir(disk), [])
})
