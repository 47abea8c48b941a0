import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeMaster, hostAgent, newBus, tempFolder, until } from './harness.ts'

const nobody = 65534
const rootOnly = process.getuid?.() !== 0 && 'only an agent that is root switches users'

/** An agent that is root, whose tasks run as nobody. */
async function setUp(test: Test) {
  const folder = await tempFolder(test)
  const bus = newBus()
  const master = new FakeMaster(bus)
  const host = hostAgent(folder, bus, {}, 3_600_000, true)
  test.teardown(async () => {
    await host.agent.stopTasks()
    await host.stop()
    await master.stop()
    await bus.close()
  })
  await host.start()
  await master.registered()
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
