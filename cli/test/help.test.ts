import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { examples } from '../src/commands/examples.ts'
import { formatHelp, pathOf } from '../src/output/help.ts'
import { createProgram, withDescendants } from '../src/program.ts'
import { meseta } from './support/command.ts'
import { scriptedRouter } from './support/router.ts'

const commands = () => [...withDescendants(createProgram())].filter(command => !command.name().startsWith('_'))
const leaves = () => commands().filter(command => command.commands.length === 0)
const words = (path: string) => path.split(' ').slice(1).join(' ')

t.test('every command has a text, and an example that it takes', async t => {
  const paths = leaves().map(pathOf)
  t.same(Object.keys(examples).sort(), paths.map(words).sort())
  for (const path of paths) {
    const lines = examples[words(path)]!
    t.ok(lines.length > 0)
    for (const line of lines) {
      // What stands in quotes is one word; what a shell does with the rest is its affair.
      const [call] = /meseta [^|><)]*/.exec(line) ?? ['']
      t.ok(`${call.trim()} `.startsWith(`${path} `), line)
      if (path === 'meseta run') continue
      const parsed = call
        .trim()
        .split(' ')
        .slice(1)
        .map(word => word.replaceAll('"', ''))
      const program = createProgram()
      for (const command of withDescendants(program)) command.action(() => undefined)
      await t.resolves(program.parseAsync(parsed, { from: 'user' }), line)
    }
  }
  for (const command of commands()) {
    t.ok(command.description(), pathOf(command))
    for (const option of command.options) t.ok(option.description, `${pathOf(command)} ${option.flags}`)
  }
})

t.test('what speaks to a cluster prints JSON when asked, and can be told which cluster', async t => {
  const other = new Set(['completion', 'help', 'run', 'ui', 'up', 'down', 'package render'])
  for (const command of leaves()) {
    const path = words(pathOf(command))
    const flags = command.options.map(({ long }) => long)
    if (!['completion', 'help', 'run', 'ui'].includes(path)) t.ok(flags.includes('--json'), `${path} --json`)
    if (!other.has(path)) t.ok(flags.includes('--cluster') && flags.includes('--work-dir'), path)
  }
})

t.test('help has the form of the contract', async t => {
  const list = leaves().find(command => pathOf(command) === 'meseta marathon deployment list')!
  t.equal(
    formatHelp(list),
    `list running deployments

Usage:
    meseta marathon deployment list [flags]

Examples:
    meseta marathon deployment list

Options:
    --cluster <address>
        address of the router or work-dir of the cluster (MESETA_CLUSTER)
    -h, --help
        help for list
    --json
        print JSON
    -q, --quiet
        ids only
    --work-dir <folder>
        the cluster of this machine in that folder (MESETA_WORK_DIR)
`,
  )
  for (const command of commands()) {
    const text = formatHelp(command)
    const titles = [...text.matchAll(/^[A-Z]\w+:$/gm)].map(([title]) => title)
    const isGroup = command.commands.length > 0
    t.same(titles, [
      'Usage:',
      ...(isGroup ? ['Commands:'] : ['Examples:']),
      ...(command.name() === 'run' ? [] : ['Options:']),
    ])
    for (const line of text.split('\n')) t.match(line, /^(?:\S.*| {4}\S.*| {8}\S.*|)$/, 'columns 0, 4 and 8')
    if (isGroup) t.match(text, /\nUse "meseta[\w ]* \[command\] --help" for more information about a command\.\n$/)
  }
})

t.test('help is asked for in many ways, and is no error', async t => {
  const asked = [
    '',
    '--help',
    '-h',
    'help',
    'app',
    'app --help',
    'help app',
    'app help',
    'help app list',
    'app help list',
    'app list -h',
    'run --help',
    'run',
  ]
  const answers = await Promise.all(
    asked.map(async line => ({ line, ...(await meseta(line.split(' ').filter(Boolean))) })),
  )
  for (const { line, code, stdout, stderr } of answers) {
    t.same({ code, stderr }, { code: 0, stderr: '' }, `meseta ${line}`)
    t.match(stdout, /^Usage:\n {4}meseta/m, `meseta ${line}`)
  }
  const of = (wanted: string) => answers.find(({ line }) => line === wanted)!.stdout
  t.equal(of(''), of('--help'))
  t.equal(of('app'), of('help app'))
  t.equal(of('app list -h'), of('help app list'))
  t.equal(of('app list -h'), of('app help list'))
})

t.test('usage errors: exit 2, on stderr, with what may have been meant', async t => {
  const rows: [args: string, stderr: string][] = [
    ['lst', 'Error: unknown command "lst"\nhint: `meseta --help` shows its commands\n'],
    ['pakage', 'Error: unknown command "pakage"\nDid you mean "package"?\n'],
    ['app lst', 'Error: unknown command "lst" for "meseta app"\nDid you mean "list"?\n'],
    ['app lst --json', 'Error: unknown command "lst" for "meseta app"\nDid you mean "list"?\n'],
    ['help app lst', 'Error: unknown command "lst" for "meseta app"\nDid you mean "list"?\n'],
    ['marathon apps', 'Error: unknown command "apps" for "meseta marathon"\nDid you mean "app"?\n'],
    ['--jsn', 'Error: unknown flag: --jsn\nhint: `meseta --help` shows what it takes\n'],
    [
      '--cluster x app list',
      'Error: unknown flag: --cluster\nhint: write it behind the command: `meseta … --cluster`\n',
    ],
    ['app -q list', 'Error: unknown flag: -q\nhint: write it behind the command: `meseta app … -q`\n'],
    ['app list --jsno', 'Error: unknown flag: --jsno\nDid you mean "--json"?\n'],
    [
      'app show',
      'Error: accepts 1 arg(s), received 0: <id> is missing\nhint: `meseta app show --help` shows what it takes\n',
    ],
    [
      'app list x',
      'Error: unknown command "x" for "meseta app list"\nhint: `meseta app list --help` shows what it takes\n',
    ],
    [
      'app start a 1 2',
      'Error: accepts between 1 and 2 arg(s), received 3\nhint: `meseta app start --help` shows what it takes\n',
    ],
    [
      'app show --app-version',
      "Error: option '--app-version <version>' argument missing\nhint: `meseta app show --help` shows what it takes\n",
    ],
    [
      'package render x',
      "Error: required option '--from <folder>' not specified\nhint: `meseta package render --help` shows what it takes\n",
    ],
    [
      'package repo remove',
      'Error: requires at least 1 arg(s), only received 0: <name> is missing\nhint: `meseta package repo remove --help` shows what it takes\n',
    ],
  ]
  await Promise.all(
    rows.map(async ([line, stderr]) => t.same(await meseta(line.split(' ')), { code: 2, stdout: '', stderr }, line)),
  )
  const { code, stderr } = await meseta(['up', '--log-level', 'loud'])
  t.match({ code, stderr }, { code: 2, stderr: /Allowed choices are trace, debug, info, warn, error/ })
})

t.test('help, usage errors and completion load no server code and touch no network', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-modules-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const hook = join(folder, 'hook.mjs')
  writeFileSync(
    hook,
    `import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import net from 'node:net'
const log = text => appendFileSync(process.env.MODULES, text + '\\n')
registerHooks({ load(url, context, next) { log(url); return next(url, context) } })
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) { log('connect'); return connect.apply(this, args) }
`,
  )
  const loadedBy = async (args: readonly string[], name: string, env = {}) => {
    const file = join(folder, name)
    writeFileSync(file, '')
    await meseta(args, { node: ['--import', hook], env: { MODULES: file, ...env } })
    return readFileSync(file, 'utf8').trim().split('\n')
  }
  const server =
    /\/(master|agent|frameworks|universe|router)\/(src|\w+\/src)\/|node_modules\/(ink|react|fastify|undici|pino|zookeeper|nats|lmdb)\/|\/cli\/src\/(ui|client|cluster)\/|connect/
  const cases = [
    ['--help'],
    ['app', 'list', '--help'],
    ['nonsense'],
    ['up', '--bad'],
    ['completion', 'bash'],
    ['--version'],
  ]
  for (const args of cases) {
    const loaded = await loadedBy(args, 'a')
    t.ok(loaded.some(url => url.endsWith('/cli/src/program.ts')))
    const isHeavy = (url: string) =>
      server.test(url) && !/client\/(names|find-cluster)|cluster\/(cluster-file|work-dir)/.test(url)
    t.same(loaded.filter(isHeavy), [], args.join(' '))
    t.ok(loaded.length < 60, `${args.join(' ')}: ${loaded.length} modules`)
  }
  const router = await scriptedRouter(t)
  const listed = await loadedBy(['app', 'list'], 'c', { MESETA_CLUSTER: router.url })
  t.ok(listed.includes('connect') && listed.some(url => server.test(url)), 'what is loaded and connected is seen')
  t.equal(router.asked.length, 1)
  const completed = await loadedBy(['__complete', 'pack'], 'b', { MESETA_CLUSTER: router.url })
  t.notOk(completed.includes('connect'), 'commands are completed without the cluster')
  t.equal(router.asked.length, 1)
})
