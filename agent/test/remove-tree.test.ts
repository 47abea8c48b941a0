import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { removeTree } from '../src/sandbox/remove-tree.ts'
import { tempFolder } from './harness.ts'

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
  const outside = join(folder, 'outside')
  await mkdir(outside)
  const kept = Array.from({ length: 20 }, (_, index) => `kept-${index}`)
  for (const name of kept) await writeFile(join(outside, name), '')
  for (let round = 0; round < 30; round++) {
    const tree = join(folder, `tree-${round}`)
    const inner = join(tree, 'inner')
    await mkdir(inner, { recursive: true })
    for (let index = 0; index < round; index++) await writeFile(join(inner, `file-${index}`), '')
    const removal = removeTree(tree).catch(() => {})
    for (let turn = 0; turn < round; turn++) await Promise.resolve()
    await rename(inner, join(folder, `moved-${round}`)).catch(() => {})
    await symlink(outside, inner).catch(() => {})
    await removal
  }
  test.strictSame((await readdir(outside)).sort(), kept.sort())
})
