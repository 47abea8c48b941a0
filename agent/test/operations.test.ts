import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentToMaster, ApplyOperation, OfferOperation, Operation, Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t, { type Test } from 'tap'
import { FileCheckpoints } from '../src/checkpoints/files.ts'
import { layout } from '../src/checkpoints/layout.ts'
import { loadCheckpoints } from '../src/checkpoints/load.ts'
import type { StoredResources } from '../src/checkpoints/stored.ts'
import { Heart } from '../src/core/heart.ts'
import type { Effect } from '../src/core/messages.ts'
import { volumePath } from '../src/volumes/volumes.ts'
import { FakeMaster, hostAgent, newBus, taskInfo, tempFolder, until } from './harness.ts'
import { config, HeartBench } from './heart-bench.ts'

const resources = parseResources('cpus:4;mem:1024;disk:1000')
const reserved = (text: string): Resource[] =>
  parseResources(text).map(resource => ({ ...resource, reservations: [{ type: 'DYNAMIC', role: 'r' }] }))
const volume = (size: number, id = 'v'): Resource => ({
  ...reserved(`disk:${size}`)[0]!,
  disk: { persistence: { id }, volume: { container_path: 'data', mode: 'RW' } },
})
const uuidOf = (number: number) => ({ value: Buffer.from(`${number}`.padStart(16, '0')).toString('base64') })
const asked = (number: number, info: OfferOperation): ApplyOperation => ({
  uuid: uuidOf(number),
  framework_id: { value: 'fw-1' },
  info: { id: { value: `op-${number}` }, ...info },
})
const reserve = (...list: Resource[]): OfferOperation => ({ type: 'RESERVE', reserve: { resources: list } })
const create = (...volumes: Resource[]): OfferOperation => ({ type: 'CREATE', create: { volumes } })
const destroy = (...volumes: Resource[]): OfferOperation => ({ type: 'DESTROY', destroy: { volumes } })

function setUp() {
  const bench = new HeartBench({ resources })
  bench.register()
  bench.effects.length = 0
  const apply = (number: number, info: OfferOperation) => bench.master({ apply_operation: asked(number, info) })
  const told = (): Operation[] => bench.sent().flatMap(({ operation_update: update }) => update?.operation ?? [])
  const acknowledge = ({ uuid, latest_status }: Operation) =>
    bench.master({ acknowledge_operation: { uuid, status_uuid: latest_status.uuid! } })
  return { bench, core: bench.heart.core, apply, told, acknowledge }
}

/** What is done about an operation, in order. */
const steps = (effects: readonly Effect[]): string[] =>
  effects.map(effect => ('path' in effect ? `${effect.type} ${effect.path}` : effect.type))
const state = `write ${layout.resources}`
const path = '/work/volumes/roles/r/v'

t.test('an operation is stored before it is answered, and before a task that comes after it', async test => {
  const { bench, apply } = setUp()
  const allocated = { ...reserved('disk:300')[0]!, allocation_info: { role: 'r' } }
  test.strictSame(steps(apply(1, reserve(allocated))), [state, 'send'])
  const effects = apply(2, create(volume(100)))
  test.strictSame(steps(effects), [state, `make-volume ${path}`, 'send'])
  test.strictSame(
    effects.map(({ lane }) => lane),
    ['*', '*', 'operations'],
    'all lanes wait for the record and the folder',
  )
  test.match(effects[0], {
    value: {
      resources: [{ disk: { persistence: { id: 'v' } } }, { reservations: [{ role: 'r' }], scalar: { value: 200 } }],
      operations: [{ uuid: uuidOf(1) }, { uuid: uuidOf(2), latest_status: { state: 'OPERATION_FINISHED' } }],
    },
  })
  test.match(bench.sent().at(-1), {
    operation_update: {
      operation: {
        framework_id: { value: 'fw-1' },
        agent_id: { value: 'agent-1' },
        info: { type: 'CREATE' },
        latest_status: {
          operation_id: { value: 'op-2' },
          state: 'OPERATION_FINISHED',
          uuid: { value: /./ },
          agent_id: { value: 'agent-1' },
          converted_resources: [{ disk: { persistence: { id: 'v' } } }],
        },
      },
    },
  })
})

t.test('a volume leaves the record before its folder goes; resizing leaves the folder alone', async test => {
  const { apply, core } = setUp()
  apply(1, reserve(...reserved('disk:300')))
  apply(2, create(volume(100)))
  const grow: OfferOperation = {
    type: 'GROW_VOLUME',
    grow_volume: { volume: volume(100), addition: reserved('disk:50')[0]! },
  }
  test.strictSame(steps(apply(3, grow)), [state, 'send'])
  const effects = apply(4, destroy(volume(150)))
  test.strictSame(steps(effects), [state, `drop-volume ${path}`, 'send'])
  test.match(effects[0], { value: { dropped: [path] } })
  test.ok(core.total.contains(Resources.from(reserved('disk:300'))))
})

t.test('its end is told again after 10 s, doubling to 10 min, until it is acknowledged', async test => {
  const { bench, apply, told, acknowledge } = setUp()
  apply(1, reserve(...reserved('cpus:1')))
  const at: number[] = []
  for (let seen = 1; at.length < 8; bench.pass(1_000))
    if (told().length > seen) {
      seen = told().length
      at.push(bench.mono)
    }
  const waits = at.slice(1).map((time, index) => Math.round((time - at[index]!) / 1_000))
  test.strictSame(waits, [20, 40, 80, 160, 320, 600, 600])
  test.equal(new Set(told().map(({ latest_status }) => latest_status.uuid!.value)).size, 1)
  const [operation] = told()
  bench.master({ acknowledge_operation: { uuid: operation!.uuid, status_uuid: uuidOf(9) } })
  test.equal(bench.heart.core.operations.size, 1, 'another uuid acknowledges nothing')
  test.match(acknowledge(operation!), [{ type: 'write', path: layout.resources, value: { operations: [] } }])
  const count = told().length
  bench.pass(3_600_000)
  test.equal(told().length, count)
  acknowledge(operation!)
})

t.test('the same operation again changes nothing, and is answered again', async test => {
  const { apply, core, told } = setUp()
  apply(1, reserve(...reserved('cpus:1')))
  const { total } = core
  test.strictSame(steps(apply(1, reserve(...reserved('cpus:1')))), ['send'])
  test.ok(core.total.equals(total))
  test.strictSame(told()[0], told()[1])
})

t.test('one that does not fit changes nothing, and the master is told what there is', async test => {
  const { bench, apply, core } = setUp()
  apply(1, create(volume(100)))
  test.match(bench.sent().slice(-2), [
    { operation_update: { operation: { latest_status: { state: 'OPERATION_DROPPED', message: /not all there/ } } } },
    { update_agent: { total_resources: [{ name: 'cpus' }, { name: 'disk' }, { name: 'mem' }] } },
  ])
  test.ok(core.total.equals(Resources.from(resources)))
})

t.test(
  'without a master nothing is told; the next one hears what there is, then each end that is not acknowledged',
  async test => {
    const { bench, apply, told } = setUp()
    apply(1, reserve(...reserved('cpus:1')))
    bench.step({ type: 'link-ended' })
    const before = told().length
    bench.pass(3_600_000)
    test.equal(told().length, before)
    bench.step({ type: 'link-opened', epoch: 2 })
    test.match(bench.sent().at(-1), {
      reregister: {
        checkpointed_resources: [{ name: 'cpus', reservations: [{ role: 'r' }] }],
        operations: [{ uuid: uuidOf(1) }],
      },
    })
    bench.master({ reregistered: { agent_id: { value: 'agent-1' } } })
    test.equal(told().length, before + 1)
  },
)

t.test('a task with a reservation or volume that is not here is dropped, alone or in a group', async test => {
  const { bench, apply } = setUp()
  apply(1, reserve(...reserved('cpus:1;disk:100')))
  apply(2, create(volume(100)))
  bench.run('good', { resources: [...reserved('cpus:1'), volume(100)] })
  bench.master({
    run_task: { framework_info: { ...frameworkInfo }, task: taskInfo('bad', 'true', { resources: reserved('mem:1') }) },
  })
  const tasks = ['x', 'y'].map(id => taskInfo(id, 'true', { resources: [volume(50, 'n')] }))
  bench.master({
    run_task_group: {
      framework_info: { ...frameworkInfo },
      executor: { executor_id: { value: 'e' }, type: 'DEFAULT' },
      task_group: { tasks },
    },
  })
  test.strictSame(bench.told('good'), ['TASK_STARTING', 'TASK_RUNNING'])
  for (const id of ['bad', 'x', 'y']) test.strictSame(bench.told(id), ['TASK_DROPPED'])
  test.match(
    bench.sent().find(({ status_update: update }) => update?.status.task_id.value === 'bad'),
    {
      status_update: { status: { reason: 'REASON_RESOURCES_UNKNOWN', message: /does not have .*mem\(dynamic r\):1/ } },
    },
  )
})
const frameworkInfo = {
  id: { value: 'fw-1' },
  name: 'f',
  user: 'nobody',
  checkpoint: true,
  capabilities: [{ type: 'PARTITION_AWARE' as const }],
}

t.test('an agent that dies between any two steps has applied each operation once, or not at all', async test => {
  const { bench, apply } = setUp()
  const operations = [
    reserve(...reserved('disk:300')),
    create(volume(100)),
    destroy(volume(100)),
    create(volume(100), volume(50, 'w')),
    destroy(volume(50, 'w')),
  ]
  for (const [index, operation] of operations.entries()) apply(index + 1, operation)
  const effects = [...bench.effects]
  for (let done = 0; done <= effects.length; done++) {
    const folders = new Set<string>()
    let stored: StoredResources | undefined
    const perform = (effect: Effect) => {
      if (effect.type === 'write' && effect.path === layout.resources) stored = effect.value as StoredResources
      else if (effect.type === 'make-volume') folders.add(effect.path)
      else if (effect.type === 'drop-volume') folders.delete(effect.path)
    }
    for (const effect of effects.slice(0, done)) perform(effect)
    const next = new Heart({ ...config, resources }, 'next')
    const recovered = {
      followed: 1,
      agentId: 'agent-1',
      isAgentNoted: true,
      frameworks: [],
      resources: stored,
      errors: [],
    }
    for (const effect of next.recover({ wall: 0, mono: 0 }, recovered, [])) perform(effect)

    const known = [...next.core.operations.keys()]
    test.strictSame(
      known,
      operations.slice(0, known.length).map((_, index) => uuidOf(index + 1).value),
    )
    let total = Resources.from(resources)
    for (const operation of operations.slice(0, known.length)) {
      const applied = total.applyOperation(operation)
      if ('refused' in applied) throw new Error(applied.refused)
      total = applied.resources
    }
    test.ok(next.core.total.equals(total), `after ${done} steps`)
    test.strictSame(
      [...folders].sort(),
      total
        .persistentVolumes()
        .toArray()
        .map(one => volumePath('/work', one))
        .sort(),
      `the folders after ${done} steps`,
    )
  }
})

t.test('an agent whose machine has less than its volumes and reservations does not start', async test => {
  const stored: StoredResources = { version: 1, resources: [volume(100)], operations: [], dropped: [] }
  const heart = new Heart({ ...config, resources: parseResources('disk:99') }, 'seed')
  const recovered = { followed: 0, agentId: 'a', isAgentNoted: true, frameworks: [], resources: stored, errors: [] }
  test.throws(() => heart.recover({ wall: 0, mono: 0 }, recovered, []), /do not fit into its resources .*disk.*99/)
})

t.test('nor one that can not read which there are', async test => {
  const folder = await tempFolder(test)
  const checkpoints = new FileCheckpoints(folder)
  await checkpoints.write(layout.resources, '{"version":')
  await test.rejects(loadCheckpoints(checkpoints), /resources_and_operations\.state is damaged/)
})

t.test('a new agent on the machine has its volumes, and not the operations of the one before', async test => {
  const { bench, apply } = setUp()
  apply(1, reserve(...reserved('disk:100')))
  apply(2, create(volume(100)))
  const stored = bench.of('write').at(-1)!.value as StoredResources
  const next = new HeartBench({ resources })
  next.effects.push(
    ...next.heart.recover(
      { wall: 0, mono: 0 },
      { followed: 0, agentId: undefined, isAgentNoted: false, frameworks: [], resources: stored, errors: [] },
      [],
    ),
  )
  next.step({ type: 'link-opened', epoch: 2 })
  test.match(next.sent(), [{ register: { checkpointed_resources: [{ disk: { persistence: { id: 'v' } } }] } }])
  test.equal(next.heart.core.operations.size, 0)
})

/** An agent with a disk on this machine, and its master. */
async function realAgent(test: Test, switchUser = false) {
  const folder = await tempFolder(test)
  const bus = newBus()
  const master = new FakeMaster(bus)
  const finished = (number: number) =>
    until(`the end of operation ${number}`, () =>
      master.received
        .flatMap(({ operation_update: update }: AgentToMaster) => update?.operation ?? [])
        .find(({ uuid }) => uuid.value === uuidOf(number).value),
    )
  const start = async () => {
    const host = hostAgent(folder, bus, { resources }, 3_600_000, switchUser)
    await host.start()
    return host
  }
  const first = await start()
  const lives = [first]
  test.teardown(async () => {
    const last = lives.at(-1)!
    await last.agent.stopTasks()
    await last.stop()
    await master.stop()
    await bus.close()
  })
  await master.registered()
  const restart = async () => {
    await lives.at(-1)!.stop()
    lives.push(await start())
    await until('re-registration', () => master.reregistrations.length === lives.length - 1)
  }
  const apply = async (number: number, info: OfferOperation) => {
    master.send({ apply_operation: asked(number, info) })
    return (await finished(number)).latest_status.state
  }
  return { folder, master, apply, restart, path: join(folder, 'volumes', 'roles', 'r', 'v') }
}

t.test('what a task writes into a volume outlives it and the agent, and goes with the volume', async test => {
  const { master, apply, restart, path } = await realAgent(test)
  test.equal(await apply(1, reserve(...reserved('disk:100'))), 'OPERATION_FINISHED')
  test.equal(await apply(2, create(volume(100))), 'OPERATION_FINISHED')
  const resources = [...parseResources('cpus:0.1'), volume(100)]
  master.run('writer', 'echo kept > data/file', { resources })
  await master.status('writer', 'TASK_FINISHED')
  test.equal(await readFile(join(path, 'file'), 'utf8'), 'kept\n')
  await restart()
  test.match(master.reregistrations[0], {
    checkpointed_resources: [{ disk: { persistence: { id: 'v' } } }],
    operations: [{ uuid: uuidOf(1) }, { uuid: uuidOf(2) }],
  })
  master.run('reader', 'test "$(cat data/file)" = kept && echo more >> data/file', { resources })
  await master.status('reader', 'TASK_FINISHED')
  test.equal(await apply(3, destroy(volume(100))), 'OPERATION_FINISHED')
  await test.rejects(stat(path), { code: 'ENOENT' })
  test.equal(await apply(4, create(volume(100))), 'OPERATION_FINISHED')
  await test.rejects(stat(join(path, 'file')), { code: 'ENOENT' }, 'a new volume is empty')
})

t.test(
  "each task of a group has the volume in its own sandbox, and that of the executor in the executor's",
  async test => {
    const { master, apply, path } = await realAgent(test)
    await apply(1, reserve(...reserved('disk:200')))
    await apply(2, create(volume(100), volume(50, 'w')))
    await writeFile(join(path, 'file'), 'here')
    const own = {
      ...volume(50, 'w'),
      disk: { ...volume(50, 'w').disk!, volume: { container_path: 'own', mode: 'RW' as const } },
    }
    master.send({
      run_task_group: {
        framework_info: { ...frameworkInfo },
        executor: { executor_id: { value: 'e' }, type: 'DEFAULT', resources: [own] },
        task_group: {
          tasks: [taskInfo('a', 'test "$(cat data/file)" = here && test -d ../../own', { resources: [volume(100)] })],
        },
      },
    })
    await master.status('a', 'TASK_FINISHED')
  },
)

t.test('a volume at a path outside the sandbox fails its task', async test => {
  const { master, apply } = await realAgent(test)
  await apply(1, reserve(...reserved('disk:200')))
  await apply(2, create(volume(100)))
  for (const [id, container_path] of [
    ['absolute', '/data'],
    ['above', '../data'],
  ] as const) {
    const resources = [
      { ...volume(100), disk: { ...volume(100).disk!, volume: { container_path, mode: 'RW' as const } } },
    ]
    master.run(id, 'true', { resources })
    test.match(await master.status(id, 'TASK_FAILED'), { message: /persistent volume at .* outside the sandbox/ })
  }
})

const rootless = process.getuid?.() !== 0 && 'only root can run tasks as another user'
t.test('a volume belongs to the user of the task that has it', { skip: rootless }, async test => {
  const { master, apply, path } = await realAgent(test, true)
  await apply(1, reserve(...reserved('disk:200')))
  await apply(2, create(volume(100)))
  master.run('a', 'echo mine > data/file', { resources: [volume(100)] })
  await master.status('a', 'TASK_FINISHED')
  test.not((await stat(path)).uid, 0)
})
