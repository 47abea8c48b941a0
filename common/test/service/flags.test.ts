import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { commonFlags } from '../../src/service/common-flags.ts'
import { parseBytes, parseDuration } from '../../src/service/flag-text.ts'
import { defineFlags, shownFlags } from '../../src/service/flags.ts'
import { FlagError, formatHelp, parseFlags } from '../../src/service/parse-flags.ts'

const definitions = defineFlags({
  name: { type: 'string', help: 'A name.' },
  port: { type: 'number', default: 5050, help: 'A port.' },
  quiet: { type: 'boolean', default: false, help: 'Says less.' },
  agent_timeout: { type: 'duration', default: 75_000, help: 'Patience.' },
  limit: { type: 'bytes', default: 64 * 1024 * 1024, help: 'A size.' },
  roles: { type: 'list', help: 'Roles.' },
  weights: { type: 'json', help: 'Weights.' },
  level: { type: 'string', default: 'info', choices: ['info', 'warn'], help: 'A level.' },
  password: { type: 'string', secret: true, help: 'A password.' },
})

const read = (...argv: string[]) => parseFlags(definitions, { argv })
const refusal = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof FlagError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('the command line is read in all its spellings', async t => {
  const table: [string[], Record<string, unknown>][] = [
    [[], { name: undefined, port: 5050, quiet: false, agent_timeout: 75_000, level: 'info' }],
    [['--name', 'a'], { name: 'a' }],
    [['--name=a=b'], { name: 'a=b' }],
    [['--name='], { name: '' }],
    [['--name', '--odd'], { name: '--odd' }],
    [['--port', '0'], { port: 0 }],
    [['--port=1.5e3'], { port: 1500 }],
    [['--quiet'], { quiet: true }],
    [['--quiet', '--port', '1'], { quiet: true, port: 1 }],
    [['--quiet', 'false'], { quiet: false }],
    [['--quiet=false'], { quiet: false }],
    [['--no-quiet'], { quiet: false }],
    [['--agent-timeout', '10mins'], { agent_timeout: 600_000 }],
    [['--agent_timeout=250ms'], { agent_timeout: 250 }],
    [['--limit', '8MB'], { limit: 8 * 1024 * 1024 }],
    [['--roles', 'a, b,c'], { roles: ['a', 'b', 'c'] }],
    [['--roles='], { roles: [] }],
    [['--weights', '{"a":2}'], { weights: { a: 2 } }],
  ]
  for (const [argv, expected] of table) t.match(read(...argv), expected, argv.join(' ') || 'nothing')
})

t.test('durations and sizes have the units that operators know', async t => {
  const durations = {
    '1000000ns': 1,
    '5us': 0.005,
    '7ms': 7,
    '75secs': 75_000,
    '1sec': 1000,
    '10mins': 600_000,
    '1.5hrs': 5_400_000,
    '2days': 172_800_000,
    '1weeks': 604_800_000,
    '3s': 3000,
    '3m': 180_000,
    '3h': 10_800_000,
    '3d': 259_200_000,
    '0': 0,
  }
  for (const [text, expected] of Object.entries(durations)) t.equal(parseDuration(text), expected, text)
  for (const text of ['', '5', '-5s', 'secs', '5 fortnights', '5s5s', 'NaNs', '1e3s'])
    t.equal(parseDuration(text), undefined, text)
  const sizes = { '12': 12, '1B': 1, '1KB': 1024, '1.5MB': 1_572_864, '2gb': 2_147_483_648, '1TB': 2 ** 40 }
  for (const [text, expected] of Object.entries(sizes)) t.equal(parseBytes(text), expected, text)
  for (const text of ['', 'MB', '-1', '1PB', '1MBB', 'toString']) t.equal(parseBytes(text), undefined, text)
})

t.test('what can not be read is refused with the flag, the place and the nearest known flag', async t => {
  const table: [string[], RegExp][] = [
    [['--pott', '1'], /no flag --pott \(command line\); did you mean --port\?/],
    [['--agent-timeuot=1s'], /did you mean --agent-timeout\?/],
    [['--zzzzzzzzzzzzzz'], /see --help/],
    [['--no-port'], /no flag --no-port/],
    [['--no-quiet=true'], /no flag --no-quiet/],
    [['--port', 'x'], /--port \(command line\): 'x' is not a number/],
    [['--port='], /is not a number/],
    [['--port=Infinity'], /is not a number/],
    [['--quiet=perhaps'], /--quiet .*true or false/],
    [['--agent-timeout', '75'], /--agent-timeout .*75secs/],
    [['--level', 'loud'], /'loud' is not one of info, warn/],
    [['--weights', '{'], /--weights .*JSON/],
    [['--weights', '@/nowhere/x.json'], /can not read \/nowhere\/x.json/],
    [['--name'], /--name needs a value/],
    [['--name', '--quiet'], /--name needs a value/],
    [['--port', '1', '--port', '2'], /given twice/],
    [['serve'], /'serve' is not a flag/],
    [['--__proto__', '1'], /no flag --__proto__/],
    [['--constructor=1'], /no flag --constructor/],
  ]
  for (const [argv, message] of table)
    t.match(
      refusal(() => read(...argv)),
      message,
      argv.join(' '),
    )
  t.equal(
    refusal(() =>
      parseFlags(defineFlags({ pin: { type: 'number', secret: true, help: '' } }), { argv: ['--pin=12x4'] }),
    ).includes('12x4'),
    false,
  )
  t.match(
    refusal(() => parseFlags(defineFlags({ id: { type: 'string', required: true, help: 'Who.' } }), { argv: [] })),
    /--id is needed: Who\./,
  )
})

t.test('command line before environment before file before defaults', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-flags-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'meseta.yaml')
  writeFileSync(file, 'port: 1\nname: file\nagent-timeout: 5secs\nroles: [a, b]\nquiet: true\nweights: {x: 1}\n')
  const env = { MESETA_PORT: '2', MESOS_NAME: 'mesos', MESETA_CONFIG: file, MESETA_UNRELATED: 'x' }
  const envPrefixes = ['MESETA_', 'MESOS_']
  t.match(parseFlags(definitions, { argv: ['--port=3'], env, envPrefixes }), {
    port: 3,
    name: 'mesos',
    agent_timeout: 5000,
    roles: ['a', 'b'],
    quiet: true,
    weights: { x: 1 },
    limit: 64 * 1024 * 1024,
  })
  t.match(parseFlags(definitions, { argv: [], env, envPrefixes }), { port: 2 })
  t.match(parseFlags(definitions, { argv: ['--config', file] }), { port: 1, name: 'file' })
  t.match(
    refusal(() => parseFlags(definitions, { argv: [], env: { MESETA_PORT: 'x' } })),
    /environment variable MESETA_PORT/,
  )
  const broken: [string, RegExp][] = [
    ['prot: 1', /no flag --prot \(.*meseta.yaml\); did you mean --port/],
    ['port: [1]', /a list is not a number/],
    ['port: {a: 1}', /a mapping is not a number/],
    ['agent_timeout: 5', /75secs/],
    ['port: 1\nPORT: 2', /stands twice/],
    ['- a', /name: value/],
    ['a: [', /as YAML/],
    ['config: x', /no flag --config/],
  ]
  for (const [text, message] of broken) {
    writeFileSync(file, text)
    t.match(
      refusal(() => parseFlags(definitions, { argv: [], file })),
      message,
      text,
    )
  }
  writeFileSync(join(folder, 'w.json'), '{"role":3}')
  t.match(read('--weights', `file://${join(folder, 'w.json')}`), { weights: { role: 3 } })
  t.match(read('--weights', join(folder, 'w.json')), { weights: { role: 3 } }, 'an absolute path, as Mesos takes it')
})

t.test('help names every flag with type and default, and shown flags hide secrets', async t => {
  const help = formatHelp(definitions)
  for (const part of [
    '--port=<number>  (default: 5050)',
    '--[no-]quiet',
    '75secs',
    '64MB',
    'info | warn',
    '--config',
    '--help',
    'Patience.',
  ])
    t.ok(help.includes(part), part)
  t.same(shownFlags(definitions, { port: 1, password: 'hunter2' }), { port: 1, password: '[hidden]' })
  t.same(shownFlags(definitions, { name: 'zk://u:p@h1:2181,h2:2181/m' }), { name: 'zk://[hidden]@h1:2181,h2:2181/m' })
  t.match(parseFlags(commonFlags(5050), { argv: ['--work-dir', '/x'] }), {
    ip: '127.0.0.1',
    port: 5050,
    work_dir: '/x',
    cluster_name: 'meseta',
  })
})
