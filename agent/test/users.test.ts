import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { CommandInfoURI, Volume } from '@meseta/common/protocol/mesos'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'
import { isAlive, readStat } from '../src/containers/proc.ts'
import { framework, registeredHost, taskInfo, until } from './harness.ts'

const nobody = 65534
const rootOnly = process.getuid?.() !== 0 && 'only an agent that is root switches users'

/** An agent that is root, whose tasks run as nobody. */
async function setUp(test: Test) {
  const { folder, master, host } = await registeredHost(test, { switchUser: true })
  const executors = join(folder, 'slaves/agent-1/frameworks/fw-1/executors')
  const sandbox = (task: string) => join(executors, task, 'runs/latest')
  const read = (task: string, file: string) => readFile(join(sandbox(task), file), 'utf8')
  return { folder, master, host, sandbox, read }
}

t.test('a command of a check runs as the user of its task', { skip: rootOnly }, async test => {
  const { master, read } = await setUp(test)
  master.run('checked', 'sleep 1000', {
    health_check: {
      type: 'COMMAND',
      delay_seconds: 0,
      interval_seconds: 1000,
      command: { value: 'id -u > who.new && id -G >> who.new && mv who.new who' },
    },
  })
  await until('the check to have run', () => master.of('checked').some(status => status.healthy !== undefined))
  test.equal(await read('checked', 'who'), `${nobody}\n${nobody}\n`)
})

t.test('what a command of a check leaves behind ends with it, or with the task', { skip: rootOnly }, async test => {
  const { master, read } = await setUp(test)
  const leave = (name: string) => `sh -c 'echo $$ > ${name}; exec sleep 1000' &`
  master.run('checked', 'sleep 1000', {
    health_check: {
      type: 'COMMAND',
      delay_seconds: 0,
      interval_seconds: 1000,
      command: {
        value: `${leave('near')} setsid ${leave('far')} until [ -s near ] && [ -s far ]; do sleep 0.02; done`,
      },
    },
  })
  await until('the check to have passed', () => master.of('checked').some(status => status.healthy === true))
  const runs = async (name: string) => isAlive(readStat(Number(await read('checked', name))))
  await until('the end of what stayed in the group', async () => !(await runs('near')))
  test.ok(await runs('far'))
  master.kill('checked')
  await master.status('checked', 'TASK_KILLED')
  test.notOk(await runs('far'))
})

t.test('no user but the agent reads its checkpoints, which hold the environment of tasks', async test => {
  const { folder, master } = await setUp(test)
  master.run('web', 'sleep 1000')
  await master.status('web', 'TASK_RUNNING')
  test.equal((await stat(join(folder, 'meta'))).mode & 0o777, 0o700)
})

t.test('variables of a task reach nothing that runs as root', { skip: rootOnly }, async test => {
  const { master, sandbox } = await setUp(test)
  // The dynamic loader leaves a file of each program that has this in its environment.
  const variables = [
    { name: 'LD_DEBUG', value: 'statistics' },
    { name: 'LD_DEBUG_OUTPUT', value: join(sandbox('traced'), 'trace') },
  ]
  master.run('traced', { value: 'id -u', environment: { variables } })
  await master.status('traced', 'TASK_FINISHED')
  const owners = await Promise.all(
    (await readdir(sandbox('traced')))
      .filter(name => name.startsWith('trace.'))
      .map(async name => (await stat(join(sandbox('traced'), name))).uid),
  )
  test.ok(owners.length > 0, 'the loader told of the task')
  test.ok(
    owners.every(uid => uid === nobody),
    `owners: ${owners}`,
  )
})

t.test('URIs are fetched as the user of their task', { skip: rootOnly }, async test => {
  const { folder, master, sandbox, read } = await setUp(test)
  await writeFile(join(folder, 'secret'), 'secret', { mode: 0o600 })
  await writeFile(join(folder, 'of-the-group'), 'secret', { mode: 0o640 })
  await writeFile(join(folder, 'tool'), 'tool')
  const archive = pack()
  archive.entry({ name: 'a/b/c' }, 'deep')
  archive.finalize()
  await writeFile(join(folder, 'deep.tar'), await buffer(archive))
  const uris = (...values: CommandInfoURI[]) => ({ value: 'true', uris: values })
  const refused = { path: join(folder, 'secret'), url: `file://${folder}/secret`, group: join(folder, 'of-the-group') }
  for (const [task, value] of Object.entries(refused)) {
    master.run(task, uris({ value, output_file: 'got' }))
    test.match(await master.status(task, 'TASK_FAILED'), {
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: /: it can not be read by the task's user: EACCES$/,
    })
    test.notOk((await readdir(sandbox(task))).includes('got'))
  }
  master.run(
    'deep',
    uris({ value: join(folder, 'tool'), output_file: 'x/y/tool' }, { value: join(folder, 'deep.tar') }),
  )
  await master.status('deep', 'TASK_FINISHED')
  test.equal(await read('deep', 'a/b/c'), 'deep')
  const { uid, mode } = await stat(`${sandbox('deep')}/`)
  test.strictSame([uid, mode & 0o777], [nobody, 0o750], 'no other user looks into the sandbox')
  for (const path of ['x', 'x/y', 'x/y/tool', 'a', 'a/b', 'a/b/c', 'stderr', 'stdout'])
    test.equal((await stat(join(sandbox('deep'), path))).uid, nobody, path)
})

t.test('a kill ends a fetch that goes on as another user', { skip: rootOnly }, async test => {
  const { master } = await setUp(test)
  const server = createServer((_request, response) => response.writeHead(200).write('begin')).listen(0, '127.0.0.1')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const asked = once(server, 'request')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  master.run('slow', { value: 'true', uris: [{ value: `http://127.0.0.1:${port}/slow` }] })
  await asked
  master.kill('slow')
  test.match(await master.status('slow', 'TASK_KILLED'), { reason: 'REASON_TASK_KILLED_DURING_LAUNCH' })
})

t.test('a link that a task planted leads no volume of another task elsewhere', { skip: rootOnly }, async test => {
  const { folder, master, sandbox } = await setUp(test)
  const victim = join(folder, 'victim')
  await mkdir(join(victim, 'deep'), { recursive: true })
  const executor = { type: 'DEFAULT', executor_id: { value: 'pod' } } as const
  const launch = (id: string, command: string, path: string) => {
    const volume: Volume = {
      mode: 'RW',
      container_path: 'volume',
      source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'PARENT', path } },
    }
    const tasks = [taskInfo(id, command, { container: { type: 'MESOS', volumes: [volume] } })]
    master.send({ run_task_group: { framework_info: framework, executor, task_group: { tasks } } })
  }
  launch('planter', `ln -s ${victim} volume/evil && ln -s ${victim} volume/way && echo planted; sleep 1000`, 'common/a')
  await master.status('planter', 'TASK_RUNNING')
  await until('the links', async () =>
    (await readFile(join(sandbox('pod'), 'tasks/planter/stdout'), 'utf8')).includes('planted'),
  )
  for (const [id, path] of [
    ['last', 'common/a/evil'],
    ['between', 'common/a/way/deep'],
    ['made', 'common/a/way/new'],
  ] as const) {
    launch(id, 'true', path)
    test.match(await master.status(id, 'TASK_FAILED'), {
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: /the volume at .* can not be made: '(evil|way)' on its way is no folder/,
    })
  }
  for (const path of ['', 'deep']) test.equal((await stat(join(victim, path))).uid, 0, path)
  test.strictSame(await readdir(victim), ['deep'])
  launch('good', 'touch volume/x; sleep 1000', 'common/b/c')
  await until('a volume of its own', async () => stat(join(sandbox('pod'), 'common/b/c/x')).catch(() => undefined))
  for (const path of ['common', 'common/b', 'common/b/c'])
    test.equal((await stat(join(sandbox('pod'), path))).uid, nobody, path)
})
