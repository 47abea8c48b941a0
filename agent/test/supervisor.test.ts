import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ControlFiles } from '../src/containers/control-files.ts'
import { findTools, supervisorArguments } from '../src/containers/supervisor.ts'
import { tempFolder, until } from './harness.ts'

const tools = findTools('/usr/bin:/bin', process.execPath)

function supervise(control: string, command: string): ChildProcess {
  return spawn(tools.sh, supervisorArguments(control, tools, ['/bin/sh', '-c', command]), {
    detached: true,
    // The task's two logs.
    stdio: ['ignore', 'ignore', 'ignore', 2],
  })
}

t.test('a supervisor that can not say on disk who it is starts nothing', async test => {
  const folder = await tempFolder(test)
  // Every write to it fails as on a full disk. A task that nobody finds again would run on for ever beside the next one.
  await symlink('/dev/full', join(folder, 'pid.own'))
  const [code] = await once(supervise(folder, `touch ${join(folder, 'ran')}`), 'exit')
  test.notOk(existsSync(join(folder, 'ran')))
  test.notOk(existsSync(join(folder, 'pid')))
  test.equal(code, 125)
})

const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

t.test(
  'the exit status is kept on a disk that has become full',
  { skip: !mayMount && 'only root mounts a small disk' },
  async test => {
    const folder = await tempFolder(test)
    const runtime = join(folder, 'runtime')
    await mkdir(runtime)
    test.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'small', runtime]).status, 0)
    test.teardown(() => spawnSync('umount', [runtime]))
    const files = new ControlFiles(runtime)
    const id = { value: 'c' }
    const control = await files.create(id, 'boot', folder)
    const wait = join(folder, 'wait')
    await writeFile(wait, '')
    const child = supervise(
      control,
      `echo up > ${join(folder, 'up')}; while [ -e ${wait} ]; do sleep 0.02; done; exit 7`,
    )
    const ended = once(child, 'exit')
    await until('the task', () => existsSync(join(folder, 'up')))
    await test.rejects(writeFile(join(runtime, 'fill'), Buffer.alloc(128 * 1024)), { code: 'ENOSPC' })
    await rm(wait)
    await ended
    test.strictSame(files.exit(id), { kind: 'exited', code: 7 })
    test.match(await readFile(join(control, 'pid'), 'utf8'), /^\d+ \(/)
  },
)
