import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modeText } from '@meseta/common/files/listed'
import t, { type Test } from 'tap'
import { SandboxFiles } from '../src/sandbox/files.ts'
import { swapWithLink, tempFolder } from './harness.ts'

async function setUp(test: Test) {
  const folder = await tempFolder(test)
  const sandbox = join(folder, 'slaves/a/frameworks/f/executors/e/runs/r')
  await mkdir(sandbox, { recursive: true })
  return { folder, sandbox, files: new SandboxFiles(folder, undefined, () => 'a') }
}

t.test('a folder that becomes a link while it is listed shows nothing of what lies elsewhere', async test => {
  const { folder, sandbox, files } = await setUp(test)
  const outside = join(folder, 'outside')
  await mkdir(outside)
  await mkdir(join(sandbox, 'inner'))
  await writeFile(join(outside, 'secret'), 'longer than the other')
  await writeFile(join(sandbox, 'inner', 'secret'), '')
  await writeFile(join(sandbox, 'inner', 'plain'), '')
  await swapWithLink(test, { inner: join(sandbox, 'inner'), aside: join(sandbox, 'aside'), outside })
  const shown = new Set<string>()
  for (let round = 0; round < 3_000; round++)
    for (const { path, size } of await files.browse(join(sandbox, 'inner')).catch(() => []))
      if (path.endsWith('secret')) shown.add(`${path} of ${size}`)
  test.strictSame(
    [...shown].filter(what => !what.endsWith(' of 0')),
    [],
  )
})

t.test('a listing tells of each thing what it is, through links that stay inside', async test => {
  const { folder, sandbox, files } = await setUp(test)
  await mkdir(join(sandbox, 'deep'))
  await writeFile(join(sandbox, 'deep/file'), 'four')
  await writeFile(join(folder, 'outside'), 'elsewhere')
  await symlink('deep/file', join(sandbox, 'near'))
  await symlink(join(folder, 'outside'), join(sandbox, 'far'))
  test.equal(spawnSync('mkfifo', [join(sandbox, 'pipe')]).status, 0)
  const listed = await files.browse(sandbox)
  test.strictSame(
    listed.map(({ path, mode }) => [path.slice(sandbox.length), modeText(mode)[0]]),
    [
      ['/deep', 'd'],
      ['/far', 'l'],
      ['/near', '-'],
      ['/pipe', 'p'],
    ],
  )
  test.equal(listed.find(({ path }) => path.endsWith('near'))?.size, 4)
  test.match(await files.browse(join(sandbox, 'near')), [{ path: join(sandbox, 'near'), size: 4 }])
  await test.rejects(files.browse(join(sandbox, 'far')), { message: /is inaccessible$/ })
  await test.rejects(files.browse(join(sandbox, 'none')), { message: /^there is no file/ })
})

t.test('a folder of endless names costs no more than a listing may show', async test => {
  const { sandbox, files } = await setUp(test)
  for (let index = 0; index < 10_050; index++) writeFileSync(join(sandbox, `${index}`), '')
  const listed = await files.browse(sandbox)
  test.equal(listed.length, 10_000)
})
