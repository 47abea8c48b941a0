import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Why this can not be tried here, or false. The checkout must be readable, or nobody could not run anything from it. */
function obstacle(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become another user'
  const look = `require('fs').readFileSync(${JSON.stringify(join(root, 'package.json'))})`
  const { status } = spawnSync(process.execPath, ['-e', look], { uid: 65534, gid: 65534, stdio: 'ignore' })
  return status === 0 ? false : `the user nobody can not read ${dirname(root)} or run ${process.execPath}`
}

/** A PATH of Node.js and coreutils only: no compiler, no curl, no Python. */
function barePath(folder: string): string {
  const bin = join(folder, 'bin')
  spawnSync('mkdir', [bin])
  const { stdout } = spawnSync(
    'sh',
    ['-c', 'command -v dpkg >/dev/null && dpkg -L coreutils | grep -E "^(/usr)?/bin/"'],
    { encoding: 'utf8' },
  )
  const programs = stdout.trim().split('\n').filter(Boolean)
  for (const program of [...programs, '/bin/sh']) {
    try {
      symlinkSync(program, join(bin, program.split('/').at(-1)!))
    } catch {
      // Listed twice.
    }
  }
  symlinkSync(process.execPath, join(bin, 'node'))
  return bin
}

t.setTimeout(240_000)

t.test(
  'the demo holds for the user nobody with node and coreutils only',
  { skip: obstacle(), timeout: 240_000 },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'meseta-nobody-'))
    chmodSync(folder, 0o777)
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const PATH = barePath(folder)
    const child = spawn(
      process.execPath,
      ['--conditions=meseta-source', '--import', './scripts/tsx.mjs', 'test/src/demo.ts', '--json'],
      {
        cwd: root,
        uid: 65534,
        gid: 65534,
        env: { PATH, HOME: folder, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
    })
    const [code] = (await once(child, 'close')) as [number | null]
    const output = JSON.parse(text) as { ok: boolean; steps: { ok: boolean }[] }
    t.same(
      output.steps.filter(({ ok }) => !ok),
      [],
    )
    t.equal(code, 0)
  },
)
