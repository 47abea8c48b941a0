import { beacons as beaconsOf } from '@meseta/common/messaging/link-subjects'
import { createEmbeddedBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import t, { type Test } from 'tap'
import { type Agent, createAgent } from '../src/agent.ts'
import { MemoryCheckpoints } from '../src/checkpoints/memory.ts'
import { SimulatedMachine } from '../src/containers/simulated-launcher.ts'
import { MemoryVolumes } from '../src/volumes/memory.ts'
import { FakeMaster, framework, log, newBus, until } from './harness.ts'

/** A simulated machine with its disk, and the agents that live on it one after the other. */
function setUp(test: Test, bus = newBus()) {
  const checkpoints = new MemoryCheckpoints()
  const machine = new SimulatedMachine(systemClock, ({ argv }) => {
    const [, what, number] = /^(exit|fail) ?(\d*)/.exec(argv.at(-1) ?? '') ?? []
    if (what === 'exit') return { ends: { after: 1, exit: { kind: 'exited', code: Number(number) } } }
    return what === 'fail' ? { fails: { message: 'it was told to fail' } } : {}
  })
  const lives: Agent[] = []
  const agent = async () => {
    const life = createAgent({
      config: {
        workDir: '/sim',
        hostname: 'sim',
        ip: '10.0.0.1',
        port: 5051,
        endpoint: '10.0.0.1:5051',
        version: '1.11.0',
        resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 4 } }],
        attributes: [],
        capabilities: [],
        taskPath: '/bin',
        nodePath: '/bin/node',
        environment: {},
        shutdownGrace: 5_000,
      },
      cluster: 'test',
      bootId: 'boot',
      checkpoints,
      launcher: machine.launcher(),
      sandboxes: { link: async () => {}, collect: () => {} },
      volumes: new MemoryVolumes(),
      prober: { run: async () => ({ passed: true }) },
      bus,
      clock: systemClock,
      random: systemRandom,
      log,
      fatal: error => test.fail(error.message),
    })
    lives.push(life)
    await life.start()
    return life
  }
  test.teardown(async () => {
    for (const life of lives) await life.stop()
    await bus.close()
  })
  return { bus, machine, checkpoints, agent }
}

t.test('on a simulated machine tasks run, end, fail, are killed and recovered as on a real one', async test => {
  const { bus, machine, agent, checkpoints } = setUp(test)
  const master = new FakeMaster(bus)
  test.teardown(() => master.stop())
  const first = await agent()
  await master.registered()
  master.run('good', 'exit 0')
  master.run('bad', 'exit 5')
  master.run('never', 'fail')
  master.run('long', 'sleep')
  await master.status('good', 'TASK_FINISHED')
  test.match(await master.status('bad', 'TASK_FAILED'), { message: 'Command exited with status 5' })
  test.match(await master.status('never', 'TASK_FAILED'), { message: 'it was told to fail' })
  await master.status('long', 'TASK_RUNNING')
  await until('the acknowledgements', () => first.heart.core.tasks.size === 1)
  await first.stop()
  test.equal(machine.containers.size, 1)
  await agent()
  const again = await until('re-registration', () => master.reregistrations[0])
  test.strictSame(
    again.tasks?.map(task => `${task.name} ${task.state}`),
    ['long TASK_RUNNING'],
  )
  master.kill('long')
  await master.status('long', 'TASK_KILLED')
  await until('nothing to be left', async () => {
    const left = await checkpoints.list('slaves/agent-1/frameworks')
    return machine.containers.size === 0 && left.length === 0
  })
})

t.test('after a reboot executors are dead, and the agent keeps its id', async test => {
  const { bus, machine, agent } = setUp(test)
  const master = new FakeMaster(bus)
  test.teardown(() => master.stop())
  const first = await agent()
  await master.registered()
  master.run('long', 'sleep')
  await master.status('long', 'TASK_RUNNING')
  await first.stop()
  machine.reboot()
  await agent()
  test.match(await master.status('long', 'TASK_FAILED'), {
    reason: 'REASON_EXECUTOR_TERMINATED',
    message: 'Abnormal executor termination: the machine was restarted',
  })
  test.equal(master.reregistrations[0]?.agent_info.id?.value, 'agent-1')
})

t.test('a master deposed since is refused after a restart, though it is heard first', async test => {
  const { bus, checkpoints, agent } = setUp(test)
  const newer = new FakeMaster(bus, 'test', 2)
  const first = await agent()
  await until('the answer of the master', () => first.heart.core.agentId)
  await first.stop()
  await newer.stop()
  test.match(JSON.parse(Buffer.from((await checkpoints.read('followed_epoch'))!).toString()), { epoch: 2 })
  const deposed = new FakeMaster(bus, 'test', 1)
  test.teardown(() => deposed.stop())
  await agent()
  let beacons = 0
  bus.subscribe(beaconsOf('test'), () => {
    beacons += 1
  })
  await until('two beacons of the deposed master', () => beacons >= 2)
  test.strictSame(deposed.received, [])
  const next = new FakeMaster(bus, 'test', 3)
  test.teardown(() => next.stop())
  await until('re-registration with the next master', () => next.reregistrations[0])
  test.strictSame(deposed.received, [])
})

t.test('launches, kills and acknowledgements may come twice, and unknown tasks are answered', async test => {
  const { bus, machine, agent } = setUp(test)
  const master = new FakeMaster(bus)
  test.teardown(() => master.stop())
  await agent()
  await master.registered()
  master.run('long', 'sleep')
  master.run('long', 'sleep')
  await master.status('long', 'TASK_RUNNING')
  test.equal(machine.containers.size, 1)
  master.kill('long')
  master.kill('long')
  const killed = await master.status('long', 'TASK_KILLED')
  master.acknowledge(killed)
  master.kill('nowhere')
  test.match(await master.status('nowhere', 'TASK_LOST'), { source: 'SOURCE_AGENT' })
  master.send({ shutdown_framework: { framework_id: { value: 'gone' } } })
  master.run('evil', 'sleep', { task_id: { value: '../../etc' } })
  master.run('second', 'sleep')
  await master.status('second', 'TASK_RUNNING')
  test.equal(machine.containers.size, 1, 'an id that is a path runs nothing')
  master.send({ shutdown_framework: { framework_id: framework.id ?? { value: '' } } })
  await until('the end of the framework', () => machine.containers.size === 0)
})

t.test('where no earlier master can be, the one of a store that was begun anew is followed at once', async test => {
  const { checkpoints, agent, bus } = setUp(test, createEmbeddedBus({ isPrivate: true }))
  await checkpoints.write('followed_epoch', JSON.stringify({ version: 1, epoch: 7 }))
  const master = new FakeMaster(bus, 'test', 1)
  test.teardown(() => master.stop())
  const life = await agent()
  await until('the answer of the master', () => life.heart.core.agentId)
  await life.stop()
  test.match(JSON.parse(Buffer.from((await checkpoints.read('followed_epoch'))!).toString()), { epoch: 1 })
})
