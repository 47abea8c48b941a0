import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskInfo } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { isAlive, readAllStats, readStat } from '../src/containers/proc.ts'
import { Processes } from '../src/containers/process-table.ts'
import type { HostAgent } from '../src/host-agent.ts'
import { FakeMaster, framework, hostAgent, newBus, registeredHost, taskInfo, tempFolder, until } from './harness.ts'

const sandboxOf = (host: HostAgent, task: string) => {
  const { core } = host.agent.heart
  return join(core.config.workDir, 'slaves/agent-1/frameworks/fw-1/executors', task, 'runs/latest')
}
const output = (host: HostAgent, task: string, file = 'stdout') => readFile(join(sandboxOf(host, task), file), 'utf8')

t.test('a command runs in its sandbox with the environment of the contract, and its end is told', async test => {
  // The test runner itself adds to the environment of what is spawned; this one the agent alone could pass on.
  process.env.MESETA_AGENTS_OWN = 'secret'
  test.teardown(() => {
    delete process.env.MESETA_AGENTS_OWN
  })
  const { master, host } = await registeredHost(test)
  master.run('hello', 'echo out; echo err >&2; env; pwd', {
    command: {
      value: 'echo out; echo err >&2; env; pwd',
      environment: { variables: [{ name: 'GREETING', value: 'hi there' }] },
    },
  })
  const starting = await master.status('hello', 'TASK_STARTING')
  test.match(starting, {
    source: 'SOURCE_EXECUTOR',
    agent_id: { value: 'agent-1' },
    executor_id: { value: 'hello' },
    container_status: {
      container_id: { value: String },
      executor_pid: Number,
      network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.1' }] }],
    },
  })
  const finished = await master.status('hello', 'TASK_FINISHED')
  test.strictSame(master.statesOf('hello'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'])
  test.equal(finished.message, 'Command exited with status 0')
  const out = await output(host, 'hello')
  test.match(out, /^out$/m)
  test.match(out, /^GREETING=hi there$/m)
  test.match(out, /^MESOS_TASK|^MESOS_FRAMEWORK_ID=fw-1$/m)
  test.match(out, /^MESOS_ALLOCATION_ROLE=\*$/m)
  test.match(out, new RegExp(`^MESETA_NODE=${process.execPath}$`, 'm'))
  test.notMatch(out, /MESETA_AGENTS_OWN|npm_/, "the agent's own environment stays out")
  test.equal(await output(host, 'hello', 'stderr'), 'err\n')
  await until('the executor to be forgotten', () => host.agent.heart.core.executors.size === 0)
})

t.test('values of the environment stand in no command line, whatever their names', async test => {
  const { master, host } = await registeredHost(test)
  const variables = [
    { name: 'PLAIN', value: 'first-secret "$HOME"\n2nd line' },
    { name: 'spring.password', value: 'second-secret' },
    { name: 'UID', value: 'third-secret' },
  ]
  // Tells its environment, and stays.
  const teller = { value: 'tail', shell: false, arguments: ['tail', '-c', '+1', '-f', '/proc/self/environ'] }
  master.run('odd', { ...teller, environment: { variables } })
  master.run('plain', { ...teller, environment: { variables: variables.slice(0, 1) } })
  for (const [task, expected] of [
    ['plain', variables.slice(0, 1)],
    ['odd', variables],
  ] as const) {
    await master.status(task, 'TASK_RUNNING')
    await until('the environment', async () => (await output(host, task)).includes('PLAIN='))
    const seen = (await output(host, task)).split('\0')
    for (const { name, value } of expected) test.ok(seen.includes(`${name}=${value}`), `${task}: ${name}`)
    test.notMatch(seen.join('\n'), /_meseta_/)
    const lines = await Promise.all(
      readAllStats().map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    )
    test.strictSame(
      lines.filter(line => /first-secret|second-secret|third-secret/.test(line)),
      [],
    )
  }
  // Through Node.js, which ignores this signal itself.
  master.run('broken-pipe', { value: 'kill -s PIPE $$', environment: { variables } })
  test.match(await master.status('broken-pipe', 'TASK_FAILED'), {
    message: 'Command terminated with signal Broken pipe',
  })
  master.run('not-there', { shell: false, value: 'no-such-program', environment: { variables } })
  test.match(await master.status('not-there', 'TASK_FAILED'), { message: 'Command exited with status 127' })
})

t.test('what daemonizes out of its session is found by its environment and ends with the task', async test => {
  const { master, host } = await registeredHost(test)
  const daemon =
    'setsid sh -c "(echo \\$\\$ > daemon; exec sleep 1000) & exit"; until [ -s daemon ]; do sleep 0.02; done'
  const pidOf = async (task: string) => Number(await output(host, task, 'daemon'))
  master.run('killed', `${daemon}; echo up; sleep 1000`)
  const { container_status } = await master.status('killed', 'TASK_RUNNING')
  await until('the daemon', async () => (await output(host, 'killed')).includes('up'))
  const pid = await pidOf('killed')
  test.not(readStat(pid)?.session, container_status?.executor_pid, 'it left the session')
  master.kill('killed')
  await master.status('killed', 'TASK_KILLED')
  test.notOk(isAlive(readStat(pid)))
  master.run('over', daemon)
  await master.status('over', 'TASK_FINISHED')
  test.notOk(isAlive(readStat(await pidOf('over'))))
})

t.test('exit codes and signals are told apart', async test => {
  const { master } = await registeredHost(test)
  const ends: [string, string, string][] = [
    ['exit 3', 'TASK_FAILED', 'Command exited with status 3'],
    ['exit 137', 'TASK_FAILED', 'Command exited with status 137'],
    ['kill -9 $$', 'TASK_FAILED', 'Command terminated with signal Killed'],
    ['kill -15 $$', 'TASK_FAILED', 'Command terminated with signal Terminated'],
    ['kill -11 $$', 'TASK_FAILED', 'Command terminated with signal Segmentation fault'],
    ['kill -2 $$', 'TASK_FAILED', 'Command terminated with signal Interrupt'],
    ['true', 'TASK_FINISHED', 'Command exited with status 0'],
  ]
  for (const [index, [command]] of ends.entries()) master.run(`end-${index}`, command)
  for (const [index, [command, state, message]] of ends.entries())
    test.equal((await master.status(`end-${index}`, state)).message, message, command)
  master.run('argv', { value: '/bin/echo', shell: false, arguments: ['echo', 'a b', '$HOME'] })
  await master.status('argv', 'TASK_FINISHED')
  master.run('missing', { value: '/no/such/program', shell: false })
  test.equal((await master.status('missing', 'TASK_FAILED')).message, 'Command exited with status 127')
})

t.test('a kill ends the whole process tree, after the grace period by force', async test => {
  const { master, host } = await registeredHost(test)
  master.run('polite', "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done")
  master.run('stubborn', "trap '' TERM; (trap '' TERM; sleep 1000) & sleep 1000 & echo up; wait; sleep 1000")
  const { container_status } = await master.status('stubborn', 'TASK_RUNNING')
  await master.status('polite', 'TASK_RUNNING')
  await until('both to be set up', async () => (await output(host, 'stubborn')).includes('up'))
  const pid = container_status?.executor_pid ?? 0
  const supervisor = { pid, startTime: readStat(pid)?.startTime ?? 0 }
  const members = () => new Processes(readAllStats(), 0).membersOf(supervisor)
  test.ok(members().length >= 2)
  await until('the trap', () => readStat(pid) !== undefined)
  master.kill('polite')
  master.kill('stubborn', 300)
  test.match(await master.status('polite', 'TASK_KILLED'), { message: 'Command exited with status 0' })
  test.match(await master.status('stubborn', 'TASK_KILLED'), { message: 'Command terminated with signal Killed' })
  test.strictSame(master.statesOf('polite'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED'])
  test.equal(await output(host, 'polite'), 'bye\n')
  test.strictSame(members(), [], 'no grandchild is left')
})

t.test('what a command leaves in its session ends with it', async test => {
  const { master } = await registeredHost(test)
  master.run('litter', 'sleep 1000 & echo $! > child; exit 0')
  const { container_status } = await master.status('litter', 'TASK_RUNNING')
  await master.status('litter', 'TASK_FINISHED')
  const left = readAllStats().filter(stat => stat.session === container_status?.executor_pid && isAlive(stat))
  test.strictSame(
    left.map(stat => stat.pid),
    [],
  )
})

t.test('a killed supervisor fails its task and takes the rest along', async test => {
  const { master } = await registeredHost(test)
  master.run('orphaned', 'sleep 1000')
  const pid = (await master.status('orphaned', 'TASK_RUNNING')).container_status?.executor_pid ?? 0
  process.kill(pid, 'SIGKILL')
  test.match(await master.status('orphaned', 'TASK_FAILED'), {
    reason: 'REASON_EXECUTOR_TERMINATED',
    message: 'Abnormal executor termination: its supervisor ended by SIGKILL',
  })
  test.strictSame(
    readAllStats().filter(stat => stat.session === pid && isAlive(stat)),
    [],
  )
})

t.test('max_completion_time fails a task by force', async test => {
  const { master } = await registeredHost(test)
  master.run('slow', 'sleep 1000', { max_completion_time: { nanoseconds: 2e8 } })
  test.match(await master.status('slow', 'TASK_FAILED'), { reason: 'REASON_MAX_COMPLETION_TIME_REACHED' })
  test.notOk(master.statesOf('slow').includes('TASK_KILLING'))
})

t.test('what can not run here fails at once and says why', async test => {
  const { master } = await registeredHost(test)
  master.run('docker', 'true', { container: { type: 'DOCKER', docker: { image: 'nginx' } } })
  master.run('mesos-image', 'true', {
    container: { type: 'MESOS', mesos: { image: { type: 'DOCKER', docker: { name: 'nginx' } } } },
  })
  master.run('host-volume', 'true', {
    container: { type: 'MESOS', volumes: [{ mode: 'RW', container_path: 'data', host_path: '/etc' }] },
  })
  master.run('no-command', {})
  master.run('own-executor', undefined, {
    executor: { executor_id: { value: 'mine' }, command: { value: './executor' } },
  })
  for (const [id, message] of [
    ['docker', /images come with the container launchers/],
    ['mesos-image', /images come with the container launchers/],
    ['host-volume', /"data".*HOST_PATH.*needs a container launcher/],
    ['no-command', /the command has no 'value'/],
    ['own-executor', /executors that frameworks bring along are not supported by this agent yet/],
  ] as const)
    test.match(await master.status(id, 'TASK_FAILED'), {
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message,
    })
})

t.test('what is in the place of a log fails the launch, and leaves no file open', async test => {
  const { master, host } = await registeredHost(test)
  const volume = { mode: 'RW', container_path: 'stderr', source: { type: 'SANDBOX_PATH', sandbox_path: { path: 'x' } } }
  const openFiles = () => readdir('/proc/self/fd')
  const before = (await openFiles()).length
  for (const id of ['one', 'two', 'three']) {
    master.run(id, 'true', { container: { type: 'MESOS', volumes: [volume] } } as Partial<TaskInfo>)
    test.match(await master.status(id, 'TASK_FAILED'), {
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: /^Failed to launch container: .*stderr/,
    })
  }
  await until('all to be forgotten', () => host.agent.heart.core.executors.size === 0)
  test.ok((await openFiles()).length <= before + 1, `${before} files were open before`)
})

t.test('a group lives in nested sandboxes, shares volumes, and dies together', async test => {
  const { master, host } = await registeredHost(test)
  const executor = { type: 'DEFAULT', executor_id: { value: 'pod' }, framework_id: { value: 'fw-1' } } as const
  const volume = {
    mode: 'RW',
    container_path: 'shared',
    source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'PARENT', path: 'common' } },
  } as const
  const member = (id: string, value: string) => ({
    name: id,
    task_id: { value: id },
    agent_id: { value: 'agent-1' },
    command: { value },
    container: { type: 'MESOS' as const, volumes: [volume] },
  })
  master.send({
    run_task_group: {
      framework_info: framework,
      executor,
      task_group: {
        tasks: [
          member('one', 'echo hi > shared/note; sleep 1000'),
          member('two', 'until [ -f shared/note ]; do sleep 0.02; done; cat shared/note; exit 7'),
        ],
      },
    },
  })
  const failed = await master.status('two', 'TASK_FAILED')
  test.equal(failed.message, 'Command exited with status 7')
  test.ok(failed.container_status?.container_id?.parent?.value)
  await master.status('one', 'TASK_KILLED')
  const run = sandboxOf(host, 'pod')
  test.equal(await readFile(join(run, 'tasks/two/stdout'), 'utf8'), 'hi\n')
  await until('the end of the executor to be told', () =>
    master.received.some(message => message.exited_executor?.executor_id.value === 'pod'),
  )
})

t.test('a group of which one can not run runs none', async test => {
  const { master, host } = await registeredHost(test)
  const executor = { type: 'DEFAULT', executor_id: { value: 'pod' } } as const
  const image = { type: 'MESOS', mesos: { image: { type: 'DOCKER', docker: { name: 'nginx' } } } } as const
  const tasks = [taskInfo('with-image', 'true', { container: image }), taskInfo('beside', 'sleep 1000')]
  master.send({ run_task_group: { framework_info: framework, executor, task_group: { tasks } } })
  await master.status('with-image', 'TASK_FAILED')
  test.match(await master.status('beside', 'TASK_KILLED'), { reason: 'REASON_TASK_KILLED_DURING_LAUNCH' })
  await until('the executor to be forgotten', () => host.agent.heart.core.executors.size === 0)
})

t.test('sandboxes are removed at their age, and not those of running tasks', async test => {
  const folder = await tempFolder(test)
  const bus = newBus()
  const master = new FakeMaster(bus)
  const host = hostAgent(folder, bus, {}, 1)
  test.teardown(async () => {
    await host.agent.stopTasks()
    await host.stop()
    await master.stop()
  })
  await host.start()
  await master.registered()
  master.run('running', 'sleep 1000')
  await master.status('running', 'TASK_RUNNING')
  const { directory } = [...host.agent.heart.core.executors.values()].find(executor => executor.id === 'running')!
  // Before the other: when that one is old enough, this one is.
  host.sandboxes.collect(directory)
  master.run('over', 'true')
  await master.status('over', 'TASK_FINISHED')
  const executors = join(folder, 'slaves/agent-1/frameworks/fw-1/executors')
  await until('the old sandbox to go', async () => {
    await host.sandboxes.sweep()
    return (await readdir(executors)).join() === 'running'
  })
  test.ok((await readdir(directory)).includes('stdout'))
  test.equal(host.sandboxes.counts.succeeded, 1)
})
