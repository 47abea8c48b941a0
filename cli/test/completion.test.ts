import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cleanEnv, command, meseta } from './support/command.ts'
import { type ScriptedRouter, scriptedRouter } from './support/router.ts'
import { world } from './support/world.ts'

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** The words that are offered after `line`, whose last word is being typed. */
async function offered(router: ScriptedRouter | undefined, ...line: readonly string[]): Promise<string[]> {
  const env: Record<string, string> = router ? { MESETA_CLUSTER: router.url } : {}
  const { code, stdout, stderr } = await meseta(['__complete', ...line], { env })
  if (code !== 0 || stderr !== '') throw new Error(`exit ${code}: ${stderr}`)
  return stdout.split('\n').flatMap(text => (text === '' ? [] : [text.split('\t')[0]!]))
}

t.test('commands, flags, values of flags and live names are offered', async t => {
  const router = await scriptedRouter(t, world)
  const rows: [line: string[], words: string[]][] = [
    [['pack'], ['package']],
    [['__'], []],
    [
      ['app', 'st'],
      ['start', 'stop'],
    ],
    [['app', 'version', ''], ['list']],
    [['marathon', 'pod', 's'], ['show']],
    [['app', 'list', '--j'], ['--json']],
    [['app', 'list', '--h'], ['--help']],
    [['up', '--log-level', 'w'], ['warn']],
    [['up', '--agents', ''], []],
    [
      ['app', 'show', ''],
      ['/shop/web', '/test-id'],
    ],
    [['app', 'show', '--json', '/t'], ['/test-id']],
    [['app', 'show', '--app-version', 'v1', '/t'], ['/test-id']],
    [['app', 'scale', '/test-id', ''], []],
    [['marathon', 'app', 'restart', '/s'], ['/shop/web']],
    [['app', 'version', 'list', '/t'], ['/test-id']],
    [['app', 'add', ''], []],
    [['marathon', 'deployment', 'stop', ''], ['D1']],
    [['marathon', 'group', 'show', ''], ['/shop']],
    [['marathon', 'pod', 'remove', ''], ['/pair']],
    [['package', 'install', 'we'], ['web-demo']],
    [['package', 'repo', 'remove', ''], ['Meseta']],
    [
      ['task', 'log', 'web.'],
      ['web.1', 'web.2'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['run', 'ma'],
      ['master', 'marathon'],
    ],
    [['nonsense', ''], []],
  ]
  for (const [line, words] of rows) t.same(await offered(router, ...line), words, line.join(' '))
  t.same(await offered(undefined, 'app', 'show', '--cluster', router.url, '/t'), ['/test-id'], 'of the named cluster')
  t.same(await offered(undefined, 'app', 'show', `--cluster=${router.url}`, '/t'), ['/test-id'])
})

t.test('without an answer nothing is offered, silently, and soon', async t => {
  t.same(await offered(undefined, 'app', 'show', ''), [])
  const broken = await scriptedRouter(t, { 'GET /marathon/v2/apps': { body: '<html>' } })
  t.same(await offered(broken, 'app', 'show', ''), [])

  const silent = createServer(socket => socket.on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const began = Date.now()
  const address = `127.0.0.1:${(silent.address() as { port: number }).port}`
  t.same(await offered(undefined, 'app', 'show', '--cluster', address, ''), [])
  const waited = Date.now() - began
  // The limit of a second, and the start of a process on a machine that is busy.
  t.ok(waited > 900 && waited < 10_000, `it took ${waited} ms`)
})

/** A folder with a `meseta` for shells to call. */
function shellFolder(t: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-shell-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const quoted = [process.execPath, ...command].map(word => `'${word}'`).join(' ')
  writeFileSync(join(folder, 'meseta'), `#!/bin/sh\nexec ${quoted} "$@"\n`)
  chmodSync(join(folder, 'meseta'), 0o755)
  return folder
}

t.test(
  'bash completes, and takes no name for code',
  { skip: has('bash') ? false : 'there is no bash here' },
  async t => {
    const folder = shellFolder(t)
    const trap = join(folder, 'ran')
    const ids = ['web one', `$(touch ${trap})`, `\`touch ${trap}\``, 'web;x', 'plain.1', "it's"]
    const router = await scriptedRouter(t, {
      ...world,
      'GET /mesos/master/tasks': { body: { tasks: ids.map(id => ({ id, state: 'TASK_RUNNING' })) } },
    })
    const script = `
set -u
source <(meseta completion bash)
complete -p meseta
try() { COMP_WORDS=(meseta "$@"); COMP_CWORD=$#; _meseta; printf '[%s]' "\${COMPREPLY[@]-}"; echo; }
try app sho
try ''
try app list --js
try task log ''
try task log plain
try app show zzz
`
    const bash = spawn('bash', ['--norc', '-c', script], {
      env: cleanEnv({ PATH: `${folder}:${process.env.PATH}`, MESETA_CLUSTER: router.url }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [stdout, stderr] = await Promise.all(
      [bash.stdout, bash.stderr].map(stream => stream.setEncoding('utf8').toArray()),
    )
    t.equal(stderr!.join(''), '')
    const lines = stdout!.join('').split('\n')
    t.equal(lines[0], 'complete -o default -F _meseta meseta')
    t.equal(lines[1], '[show]')
    t.match(lines[2], /^\[up\]\[down\].*\[completion\]\[help\]$/)
    t.equal(lines[3], '[--json]')
    const quoted = execFileSync('bash', ['-c', `printf '[%q]' "$@"`, 'bash', ...ids], { encoding: 'utf8' })
    t.equal(lines[4], quoted, 'each name as one word that a shell reads as it is')
    t.equal(lines[5], '[plain.1]')
    t.equal(lines[6], '[]')
    t.notOk(existsSync(trap), 'no name was run')
  },
)

for (const shell of ['zsh', 'fish']) {
  t.test(`${shell} reads its script`, { skip: has(shell) ? false : `there is no ${shell} here` }, async t => {
    const { stdout } = await meseta(['completion', shell])
    const check = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' })
    t.same([check.status, check.stderr], [0, ''])
  })
}

t.test('each script is the shell of its name, and calls the command for words', async t => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await meseta(['completion', shell])
    t.equal(code, 0)
    t.match(stdout, /meseta __complete/)
  }
  t.match(await meseta(['completion', '__proto__']), { code: 2, stderr: /the shells are bash, zsh, fish/ })
})
