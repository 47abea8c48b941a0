import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { CommandInfo } from '@meseta/common/protocol/mesos'
import { systemClock } from '@meseta/common/service/clock'
import t, { type Test } from 'tap'
import { HostProber } from '../src/checks/prober.ts'
import type { CheckTarget } from '../src/checks/target.ts'
import { isAlive, readStat } from '../src/containers/proc.ts'
import { tempFolder, until } from './harness.ts'

async function setUp(test: Test) {
  const directory = await tempFolder(test)
  const prober = new HostProber(systemClock, false)
  test.teardown(() => prober.close())
  const look = (target: CheckTarget, timeout = 5_000) =>
    prober.run({
      task: 'fw-1/web',
      probe: 'health',
      target,
      timeout,
      directory,
      environment: { PATH: '/usr/bin:/bin', NAME: 'value' },
      user: undefined,
    })
  const command = (value: string, timeout?: number, rest: CommandInfo = {}) =>
    look({ type: 'COMMAND', command: { value, ...rest } }, timeout)
  return { directory, look, command }
}

async function listening(test: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  test.teardown(() => server.close())
  await until('the server to listen', () => server.listening)
  return (server.address() as AddressInfo).port
}

t.test('an HTTP check passes with 200 to 399, after its redirects', async test => {
  const { look } = await setUp(test)
  const server = createServer((request, response) => {
    const [, kind, value = ''] = request.url?.split('/') ?? []
    if (kind === 'status') response.writeHead(Number(value)).end()
    else if (kind === 'to') response.writeHead(302, { location: `/status/${value}` }).end()
    else if (kind === 'round') response.writeHead(302, { location: '/round' }).end()
    else if (kind === 'nowhere') response.writeHead(302, { location: 'gopher://x/' }).end()
  })
  test.teardown(() => server.closeAllConnections())
  const port = await listening(test, server)
  const get = (path: string, timeout?: number) =>
    look({ type: 'HTTP', scheme: 'http', host: '127.0.0.1', port, path }, timeout)
  for (const [path, passed, status_code] of [
    ['/status/200', true, 200],
    ['status/204', true, 204],
    ['/status/399', true, 399],
    ['/status/400', false, 400],
    ['/status/503', false, 503],
    ['/to/200', true, 200],
    ['/to/500', false, 500],
    ['/round', true, 302],
  ] as const)
    test.match(await get(path), { passed, status: { type: 'HTTP', http: { status_code } } }, path)
  test.match(await get('/status/503'), { detail: `http://127.0.0.1:${port}/status/503 answered 503` })
  test.match(await get('/nowhere'), { passed: false, status: { type: 'HTTP', http: {} } })
  test.strictSame(await get('/silent', 100), {
    passed: false,
    detail: 'there was no answer within 0.1 s',
    status: { type: 'HTTP', http: {} },
  })
})

t.test('a TCP check passes when it is let in', async test => {
  const { look } = await setUp(test)
  const server = createTcpServer(socket => socket.destroy())
  const port = await listening(test, server)
  const target = { type: 'TCP', host: '127.0.0.1', port } as const
  test.strictSame(await look(target), { passed: true, status: { type: 'TCP', tcp: { succeeded: true } } })
  await new Promise(resolve => server.close(resolve))
  test.match(await look(target), {
    passed: false,
    detail: new RegExp(`^127.0.0.1:${port}: .*ECONNREFUSED`),
    status: { type: 'TCP', tcp: { succeeded: false } },
  })
})

t.test('a command passes with status 0, in the sandbox and the environment of the task', async test => {
  const { command, directory } = await setUp(test)
  test.match(await command('[ "$NAME" = value ] && touch here'), {
    passed: true,
    status: { command: { exit_code: 0 } },
  })
  test.equal(await readFile(join(directory, 'here'), 'utf8'), '')
  test.match(await command('exit 7'), {
    passed: false,
    detail: 'the command ended with status 7',
    status: { type: 'COMMAND', command: { exit_code: 7 } },
  })
  test.match(await command('kill -9 $$'), { passed: false, detail: 'the command ended with SIGKILL' })
  const missing = await command('/no/such/program', undefined, { shell: false })
  test.match(missing, { passed: false, detail: /ENOENT/, status: { type: 'COMMAND', command: {} } })
})

t.test('at its time limit a command is killed with all that it started', async test => {
  const { command, directory } = await setUp(test)
  const result = await command('sleep 1000 & echo $! > child; wait', 1_000)
  test.match(result, { passed: false, detail: 'there was no answer within 1 s', status: { command: {} } })
  const child = Number(await readFile(join(directory, 'child'), 'utf8'))
  await until('the end of the child', () => !isAlive(readStat(child)))
})
