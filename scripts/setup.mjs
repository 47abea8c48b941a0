// Makes a checkout ready to run: the right Node.js, the dependencies, the test runner, the page.
// Plain JavaScript without dependencies, for any Node.js from 18 on. It speaks on stderr only,
// and costs a tenth of a second when there is nothing to do.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const forTests = process.argv.includes('--test')
const oldest = [22, 18]

const say = text => process.stderr.write(`meseta set-up: ${text}\n`)

function fail(text) {
  say(text)
  process.exit(1)
}

function atLeast(version, [major, minor]) {
  const [m, n] = version.split('.').map(Number)
  return m > major || (m === major && n >= minor)
}

/** The environment without what the outer npm run put there: an inner npm would take it for its own. */
function cleanEnvironment(extra = {}) {
  const env = { ...process.env, ...extra }
  for (const name of Object.keys(env)) {
    if (/^npm_(package|lifecycle|command)/.test(name)) delete env[name]
  }
  return env
}

function npmCommand() {
  const path = process.env.npm_execpath
  return path && /\.[cm]?js$/.test(path) ? path : undefined
}

function runNpm(node, args, cwd, env) {
  const npm = npmCommand()
  const [command, list] = npm ? [node, [npm, ...args]] : ['npm', args]
  return spawnSync(command, list, { cwd, env, stdio: ['ignore', 2, 2] })
}

/** The Node.js that runs Meseta: the machine's own when it is recent enough, else the pinned one, which a second run is run by. */
function chooseNode() {
  const isPinned = realpathSync(process.execPath).startsWith(join(realpathSync(root), 'runtime/'))
  if (!isPinned && atLeast(process.versions.node, oldest)) return { binary: process.execPath, pinned: false }
  const name = `node-${process.platform}-${process.arch}`
  const wanted = JSON.parse(readFileSync(join(root, 'runtime/package.json'), 'utf8')).optionalDependencies[name]
  if (!wanted) {
    fail(
      `Node.js ${process.versions.node} is too old and no pinned one exists for ${process.platform}-${process.arch}; install Node.js ${oldest.join('.')} or later`,
    )
  }
  const folder = join(root, 'runtime/node_modules', name)
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== wanted) {
    say(`this Node.js is ${process.versions.node}; fetching ${wanted} for Meseta alone (once)`)
    const result = runNpm(
      process.execPath,
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      join(root, 'runtime'),
      cleanEnvironment(),
    )
    if (result.status !== 0 || !existsSync(manifest)) {
      fail(
        `could not fetch Node.js ${wanted} from the package registry; check the network, or install Node.js ${oldest.join('.')} or later, and run the command again`,
      )
    }
  }
  return { binary: join(folder, 'bin/node'), pinned: true }
}

function headersOf(node) {
  const folder = dirname(dirname(node.binary))
  return existsSync(join(folder, 'include/node/node_version.h')) ? folder : undefined
}

function abiOf(node) {
  if (!node.pinned) return process.versions.modules
  const header = readFileSync(join(headersOf(node), 'include/node/node_version.h'), 'utf8')
  return /#define\s+NODE_MODULE_VERSION\s+(\d+)/.exec(header)?.[1] ?? 'unknown'
}

function installDependencies(node) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = createHash('sha256')
    .update(lock)
    .update(readFileSync(join(root, '.taprc')))
    .update(abiOf(node))
    .digest('hex')
  const stamp = join(root, 'node_modules/.meseta')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('installing dependencies (half a minute, once)')
  const env = cleanEnvironment({ PATH: [dirname(node.binary), process.env.PATH].join(delimiter) })
  const headers = headersOf(node)
  if (headers) env.npm_config_nodedir = headers
  const result = runNpm(node.binary, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], root, env)
  if (result.status !== 0) fail('npm ci failed (its words are above); mend that and run the command again')
  const tap = spawnSync(node.binary, [join(root, 'node_modules/tap/dist/esm/run.mjs'), 'build'], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 2],
  })
  if (tap.status !== 0) say('the test runner could not be prepared; npm test may fail')
  writeFileSync(stamp, wanted)
}

/** Scripts say plain `node`: npm puts node_modules/.bin first on the path, so the pinned one is found there. */
function linkNode(node) {
  const link = join(root, 'node_modules/.bin/node')
  let current
  try {
    current = lstatSync(link).isSymbolicLink() ? readlinkSync(link) : ''
  } catch {}
  if (!node.pinned) {
    if (current !== undefined) rmSync(link)
    return
  }
  if (current === node.binary) return
  rmSync(link, { force: true })
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(node.binary, link)
}

function newest(folder) {
  let time = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs)
  }
  return time
}

function buildPage(node) {
  const script = join(root, 'router/ui/build.mjs')
  if (!existsSync(script)) return
  const built = join(root, 'router/ui/dist/page/index.html')
  if (existsSync(built) && statSync(built).mtimeMs >= newest(join(root, 'router/ui/src'))) return
  const result = spawnSync(node.binary, [script], { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) say('the web page could not be built; everything else works')
}

/** Installs what only tests need, where that is possible; what is missing skips its tests. */
function installSystemPackages() {
  if (process.platform !== 'linux') return
  const wanted = JSON.parse(readFileSync(join(root, 'test/system-packages.json'), 'utf8'))
  const missing = Object.entries(wanted)
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name)
  if (missing.length === 0) return
  const asRoot = process.getuid() === 0
  const sudo = !asRoot && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 }).status === 0
  const apt = ['/usr/bin/apt-get', '/bin/apt-get'].find(path => existsSync(path))
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (!apt || (!asRoot && !sudo)) {
    say(`some tests need system packages that are missing; they are skipped. To have them, run as root: ${command}`)
    return
  }
  say(`installing system packages for tests: ${missing.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = args => {
    const [file, ...rest] = sudo ? ['sudo', '-n', apt, ...args] : [apt, ...args]
    return spawnSync(file, rest, { env, stdio: ['ignore', 'ignore', 2] }).status === 0
  }
  const done = run(['update']) && run(['install', '-y', '--no-install-recommends', ...missing])
  if (!done) say('not all could be installed; the tests that need them are skipped')
}

const node = chooseNode()
installDependencies(node)
linkNode(node)
buildPage(node)
if (forTests) installSystemPackages()
