import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const exec = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** What is published; `test` is not. */
const packages = [
  'common',
  'master',
  'agent',
  'frameworks/sdk',
  'frameworks/marathon',
  'universe',
  'router/gateway',
  'router/dns',
  'router/balancer',
  'router/ui',
  'cli',
]
/** Modules that act when they are loaded: the command line, the page, which needs a browser, and a thread of the master. */
const acting = new Set(['cli/dist/main.js', 'router/ui/dist/main.js', 'master/dist/replica/thread/main.js'])
/**
 * A process with nothing of the test runner's: published code has neither its loader nor our condition. The runner gives
 * its loader to each process that is spawned, whatever environment we ask for, so `env` takes it off again.
 */
const plain = (...args: string[]) =>
  exec('env', ['-i', `PATH=${process.env.PATH}`, `HOME=${process.env.HOME}`, process.execPath, ...args], {
    cwd: root,
    maxBuffer: 16 * 2 ** 20,
  })

/** Compiled modules of the sources there are: what was compiled from sources of the past is no part of a package. */
function* modules(): Generator<string> {
  for (const folder of packages) {
    for (const entry of readdirSync(join(root, folder, 'src'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name) || entry.name.endsWith('.d.ts')) continue
      const source = relative(join(root, folder, 'src'), join(entry.parentPath, entry.name))
      yield `${folder}/dist/${source.replace(/\.tsx?$/, '.js')}`
    }
  }
}

/** Loads each module of the list on standard input; prints those that can not be. */
const loader = `
const broken = []
let text = ''
for await (const chunk of process.stdin) text += chunk
for (const path of JSON.parse(text)) {
  try { await import(new URL(path, 'file://${root}')) } catch (error) { broken.push([path, String(error?.stack ?? error).slice(0, 400)]) }
}
process.stdout.write(JSON.stringify(broken))
process.exit()
`

t.test('what is published compiles, and every module of it loads in plain Node.js', async t => {
  await t.resolves(plain(join(root, 'node_modules/typescript/bin/tsc'), '-b', ...packages), 'tsc -b')
  const all = [...modules()]
  t.ok(all.length > 300, `${all.length} modules`)
  t.same(
    all.filter(path => !existsSync(join(root, path))),
    [],
    'each source has its module',
  )
  const child = plain('--input-type=module', '-e', loader)
  child.child.stdin!.end(JSON.stringify(all.filter(path => !acting.has(path))))
  t.same(JSON.parse((await child).stdout), [])
})

t.test('the compiled command line runs', async t => {
  const meseta = (...args: string[]) => plain(join(root, 'cli/dist/main.js'), ...args)
  t.match((await meseta('--help')).stdout, /^Usage:\n {4}meseta \[command\]\n/)
  t.match((await meseta('run', 'agent', '--help')).stdout, /--work-dir/, 'a component is loaded')
  const { stdout } = await meseta('package', 'render', 'web-demo', '--from', join(root, 'universe/packages'))
  t.match(JSON.parse(stdout), { id: 'web-demo' })
})
