import { spawnSync } from 'node:child_process'
import { link, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ControlFiles } from '../src/containers/control-files.ts'
import { readStat } from '../src/containers/proc.ts'
import { openLog } from '../src/containers/sandbox-paths.ts'
import { tempFolder } from './harness.ts'

t.test('a log is opened through no link of any kind', async test => {
  const folder = await tempFolder(test)
  const victim = join(folder, 'victim')
  await writeFile(victim, 'as it was')
  await symlink(victim, join(folder, 'symbolic'))
  await link(victim, join(folder, 'hard'))
  test.equal(spawnSync('mkfifo', [join(folder, 'pipe')]).status, 0)
  for (const name of ['symbolic', 'hard', 'pipe', '.']) test.throws(() => openLog(join(folder, name), undefined), name)
  test.equal(await readFile(victim, 'utf8'), 'as it was')
})

t.test('a process that has the number of a supervisor, and even its start time, is not taken for it', async test => {
  const folder = await tempFolder(test)
  const { pid, startTime } = readStat(process.pid)!
  test.notOk(new ControlFiles(folder).isSupervised({ value: 'container' }, { pid, startTime }))
})
