import { existsSync } from 'node:fs'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { removeTree } from '../src/sandbox/remove-tree.ts'
import { swapWithLink, tempFolder } from './harness.ts'

t.test('a tree goes with all that is in it, and nothing that its links lead to', async test => {
  const folder = await tempFolder(test)
  const tree = join(folder, 'tree')
  await mkdir(join(folder, 'outside'))
  await writeFile(join(folder, 'outside/kept'), '')
  await mkdir(join(tree, 'a/b/c'), { recursive: true })
  await writeFile(join(tree, 'a/b/c/file'), '')
  await symlink('../../outside', join(tree, 'a/link'))
  await symlink('nowhere', join(tree, 'a/b/broken'))
  await removeTree(tree)
  await removeTree(tree)
  await symlink('outside', tree)
  await removeTree(tree)
  test.strictSame(await readdir(folder), ['outside'])
  test.ok(existsSync(join(folder, 'outside/kept')))
})

t.test('a folder that becomes a link while it is removed leads nowhere', async test => {
  const folder = await tempFolder(test)
  const [outside, tree] = [join(folder, 'outside'), join(folder, 'tree')]
  await mkdir(outside)
  const kept = Array.from({ length: 20 }, (_, index) => `kept-${index}`)
  for (const name of kept) await writeFile(join(outside, name), '')
  await swapWithLink(test, { inner: join(tree, 'inner'), aside: join(tree, 'aside'), outside })
  for (let round = 0; round < 200; round++) {
    await mkdir(join(tree, 'inner'), { recursive: true }).catch(() => {})
    await writeFile(join(tree, 'inner', 'file'), '').catch(() => {})
    await removeTree(tree).catch(() => {})
  }
  const left = await readdir(outside)
  test.strictSame(
    kept.filter(name => !left.includes(name)),
    [],
  )
})

t.test('a tree that is deeper than files may be open goes too', async test => {
  const folder = await tempFolder(test)
  const tree = join(folder, 'tree')
  for (const side of ['left', 'right']) {
    await mkdir(join(tree, side, 'd/'.repeat(700)), { recursive: true })
    await writeFile(join(tree, side, 'd/'.repeat(700), 'file'), '')
  }
  const openFiles = async () => (await readdir('/proc/self/fd')).length
  const before = await openFiles()
  let most = before
  const watching = setInterval(async () => {
    most = Math.max(most, await openFiles())
  }, 1)
  test.teardown(() => clearInterval(watching))
  await removeTree(tree)
  test.strictSame(await readdir(folder), [])
  test.ok(most < before + 250, `${most} files were open`)
})
