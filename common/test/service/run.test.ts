import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Health } from '../../src/service/health.ts'
import { createLogger } from '../../src/service/logger.ts'
import { counter, createRegistry } from '../../src/service/metrics.ts'
import { until } from './support.ts'

const fixture = fileURLToPath(new URL('./fixture-component.ts', import.meta.url))

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  out(): string
  err(): string
}

const running: ChildProcess[] = []
t.teardown(() => {
  for (const child of running) child.kill('SIGKILL')
})

function run(argv: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ['--conditions=meseta-source', fixture, ...argv], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let out = ''
  let err = ''
  child.stdout!.on('data', chunk => {
    out += String(chunk)
  })
  child.stderr!.on('data', chunk => {
    err += String(chunk)
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>(resolve =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  return { child, ended, out: () => out, err: () => err }
}

async function listening(process: Running): Promise<string> {
  await until('the listening line', () => process.out().includes('\n'))
  return JSON.parse(process.out()).url
}

t.test('a component names the prefixes of its environment variables, and the first that is set counts', async t => {
  const one = run(['--port=0'], { MESOS_IP: '127.0.0.9' })
  t.match(await listening(one), /^http:\/\/127\.0\.0\.9:/)
  const other = run(['--port=0'], { MESOS_IP: '127.0.0.9', MESETA_IP: '127.0.0.8' })
  t.match(await listening(other), /^http:\/\/127\.0\.0\.8:/)
})

t.test('it says where it listens, serves, and stops on SIGTERM and SIGINT', async t => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const one = run(['--port', '0'], { MESETA_PASSWORD: 'hunter2' })
    const url = await listening(one)
    t.match(JSON.parse(one.out()), {
      event: 'listening',
      component: 'fixture',
      url: /^http:\/\/127\.0\.0\.1:\d+$/,
      endpoints: { other: 'udp:1' },
    })
    t.equal(one.out().trim().split('\n').length, 1, 'one line on standard output')
    t.equal((await fetch(`${url}/health`)).status, 200)
    t.match(await (await fetch(`${url}/metrics`)).text(), /process_cpu_seconds_total/)
    t.notMatch(await (await fetch(`${url}/flags`)).text(), /hunter2/)
    one.child.kill(signal)
    t.same(await one.ended, { code: 0, signal: null })
    t.match(one.err(), /"msg":"stopped"/)
    t.notMatch(one.err(), /hunter2/, 'secrets are not logged')
    for (const line of one.err().trim().split('\n')) t.match(JSON.parse(line), { component: 'fixture', level: /info/ })
  }
})

t.test('a second signal ends what does not stop', async t => {
  const one = run(['--mode', 'hang'])
  await listening(one)
  one.child.kill('SIGTERM')
  await until('it is stopping', () => one.err().includes('"msg":"stopping"'))
  one.child.kill('SIGTERM')
  t.same(await one.ended, { code: 1, signal: null })
})

t.test('wrong flags end it with 2 and a sentence', async t => {
  const table: [string[], RegExp][] = [
    [['--prot', '1'], /^fixture: there is no flag --prot .*did you mean --port\?/],
    [['--port', 'x'], /'x' is not a number/],
    [['--needy'], /--store \(or --zk\) is needed/],
    [['--needy', '--zk', 'zk://127.0.0.1:1/x'], /--bus is needed/],
  ]
  for (const [argv, message] of table) {
    const one = run(argv)
    t.equal((await one.ended).code, 2, argv.join(' '))
    t.match(one.err(), message)
    t.equal(one.out(), '')
  }
  const help = run(['--help'])
  t.equal((await help.ended).code, 0)
  t.match(help.out(), /^fixture: does nothing.*--port=<number>.*--store=<string>.*--log-file/s)
})

t.test('it ends with 1 and the reason when it can not start or go on', async t => {
  for (const [argv, reason] of [
    [['--ip', '0.0.0.0'], /loopback addresses only where there is no authentication/],
    [['--mode', 'misuse'], /uses 'store' and does not name it/],
  ] as const) {
    const one = run(argv)
    t.equal((await one.ended).code, 1, argv.join(' '))
    t.match(one.err(), reason)
  }
  for (const [mode, reason] of [
    ['fatal', /leadership is lost/],
    ['throw', /a mistake/],
    ['reject', /a forgotten promise/],
  ] as const) {
    const one = run(['--mode', mode])
    await fetch(`${await listening(one)}/break`, { method: 'POST' })
    t.same(await one.ended, { code: 1, signal: null }, mode)
    t.match(one.err(), reason)
  }
})

t.test('it ends with 3 when somebody else has its port: another one can be chosen', async t => {
  const first = run(['--port', '0'])
  const { port } = new URL(await listening(first))
  const second = run(['--port', port])
  t.match(await second.ended, { code: 3 })
  t.match(second.err(), new RegExp(`127\\.0\\.0\\.1:${port}: the port is taken`))
})

t.test('it lives on when whoever started it has gone, and logs to a file', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-run-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'meseta.yaml')
  const file = join(folder, 'logs', 'fixture.log')
  writeFileSync(config, `log-file: ${file}\nlog_level: debug\n`)
  const one = run(['--config', config])
  const url = await listening(one)
  one.child.stdout!.destroy()
  one.child.stderr!.destroy()
  t.equal((await fetch(`${url}/health`)).status, 200)
  t.match(readFileSync(file, 'utf8'), /"msg":"listening"/)
  one.child.kill('SIGTERM')
  t.equal((await one.ended).code, 0)
  const unread = run([])
  const unreadUrl = await listening(unread)
  unread.child.stderr!.destroy()
  unread.child.kill('SIGTERM')
  t.equal((await unread.ended).code, 0, 'a log that nobody reads is no error')
  t.ok(unreadUrl)
})

t.test('a log event is one line, with secrets hidden', async t => {
  const lines: string[] = []
  const log = createLogger({ name: 'tested', level: 'info', stream: { write: line => void lines.push(line) } })
  log.debug('not this')
  log.info(
    { task_id: 't1', password: 'p1', headers: { authorization: 'p2', 'set-cookie': 'p3' }, a: { b: { token: 'p4' } } },
    'two\nlines',
  )
  t.equal(lines.length, 1)
  t.equal(lines[0]!.trim().split('\n').length, 1)
  t.notMatch(lines[0], /p[1234]"/)
  t.match(JSON.parse(lines[0]!), {
    level: 'info',
    component: 'tested',
    task_id: 't1',
    password: '[hidden]',
    msg: 'two\nlines',
  })
})

t.test('the worst check is the health of the whole, and listeners hear of changes only', async t => {
  const health = new Health()
  const heard: string[] = []
  const off = health.onChange(report => heard.push(report.status))
  health.set('a', 'ok', 'works')
  health.set('b', 'degraded', 'slow')
  health.set('b', 'degraded', 'slow')
  health.set('c', 'down', 'gone')
  health.remove('c')
  health.remove('c')
  t.same(heard, ['ok', 'degraded', 'down', 'degraded'])
  t.same(health.get('b'), { status: 'degraded', sentence: 'slow' })
  off()
  health.set('b', 'ok', 'fast')
  t.equal(heard.length, 4)
  t.equal(health.status, 'ok')
})

t.test('a metric that is asked for again is the same one', async t => {
  const registry = createRegistry()
  const config = { name: 'meseta_test_total', help: 'x', labelNames: ['a'] as const }
  counter(registry, config).inc({ a: '1' })
  counter(registry, config).inc({ a: '1' })
  t.match(await registry.metrics(), /meseta_test_total\{a="1"\} 2/)
})
