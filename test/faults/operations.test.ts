import { type Agent, createAgent } from '@meseta/agent/agent'
import { MemoryCheckpoints } from '@meseta/agent/checkpoints/memory'
import type { CheckpointStore } from '@meseta/agent/checkpoints/store'
import { SimulatedMachine } from '@meseta/agent/containers/simulated-launcher'
import { MemoryVolumes } from '@meseta/agent/volumes/memory'
import { volumePath } from '@meseta/agent/volumes/volumes'
import { createMemoryCoordination, noFaults } from '@meseta/common/coordination/memory'
import {
  createSimulatedNetwork,
  noFaults as noBusFaults,
  type SimulatedBus,
  type SimulatedNetwork,
} from '@meseta/common/messaging/simulated-bus'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import type { Clock } from '@meseta/common/service/clock'
import type { SeededRandom } from '@meseta/common/sim/random'
import { Simulation } from '@meseta/common/sim/simulation'
import { Master } from '@meseta/master/master'
import { heartDefaults } from '@meseta/master/state/config'
import { pino } from 'pino'
import t from 'tap'
import { Keeper } from './support/keeper.ts'

const log = pino({ level: 'silent' })
const machine = 'cpus:4;mem:1024;disk:1000'
const own = Resources.from(parseResources(machine))
const names = ['cpus', 'mem', 'disk']
const capabilities = (
  ['MULTI_ROLE', 'RESERVATION_REFINEMENT', 'RESOURCE_PROVIDER', 'AGENT_OPERATION_FEEDBACK', 'RESIZE_VOLUME'] as const
).map(type => ({ type }))
const masterInfo = (id: string) => ({ id, ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' })

/** A real agent's heart on a disk that outlives it. */
class Host {
  agent: Agent | undefined
  readonly volumes = new MemoryVolumes()
  readonly #checkpoints = new MemoryCheckpoints()
  readonly #simulation: Simulation
  readonly #network: SimulatedNetwork
  readonly #name: string
  #bus: SimulatedBus | undefined

  constructor(simulation: Simulation, network: SimulatedNetwork, name: string) {
    this.#simulation = simulation
    this.#network = network
    this.#name = name
  }

  start(): void {
    const process = this.#simulation.process(this.#name)
    process.restart()
    const clock = process.clock()
    const random = process.random()
    this.#bus = this.#network.connect(`${this.#name}#${process.incarnation}`)
    this.agent = createAgent({
      config: {
        workDir: '/sim',
        hostname: this.#name,
        ip: '10.0.0.1',
        port: 5051,
        endpoint: `${this.#name}:5051`,
        version: '1.11.0',
        resources: parseResources(machine),
        attributes: [],
        capabilities,
        taskPath: '/bin',
        nodePath: '/bin/node',
        environment: {},
        shutdownGrace: 5_000,
      },
      cluster: 'meseta',
      bootId: 'boot',
      checkpoints: slowDisk(this.#checkpoints, clock, random),
      launcher: new SimulatedMachine(clock, () => ({})).launcher(),
      sandboxes: { link: async () => undefined, collect: () => undefined },
      volumes: this.volumes,
      prober: { run: async () => ({ passed: true }) },
      bus: this.#bus,
      clock,
      random,
      log,
      fatal: error => this.#simulation.fail(`${this.#name} gave up`, error),
    })
    this.agent.start().catch(error => this.#simulation.fail(`${this.#name} did not start`, error))
  }

  /** kill -9. */
  crash(): void {
    this.#bus?.partition()
    this.#simulation.process(this.#name).crash()
    void this.agent?.stop()
    this.agent = undefined
  }
}

/** A write takes up to 4 ms, before or after it is done; a dead agent does not learn of it. */
function slowDisk(disk: CheckpointStore, clock: Clock, random: SeededRandom): CheckpointStore {
  const pause = (time: number) => new Promise<void>(resolve => clock.after(time, resolve))
  const slowly = async (write: () => Promise<void>) => {
    await pause(random.int(3))
    await write()
    await pause(random.int(3))
  }
  return {
    write: (path, text) => slowly(() => disk.write(path, text)),
    append: (path, text) => slowly(() => disk.append(path, text)),
    truncate: (path, length) => slowly(() => disk.truncate(path, length)),
    link: (path, target) => slowly(() => disk.link(path, target)),
    remove: path => slowly(() => disk.remove(path)),
    read: path => disk.read(path),
    readLink: path => disk.readLink(path),
    list: path => disk.list(path),
  }
}

/** Masters, agents and a framework that changes what agents have; agents and masters die, then all is well. Answers what differs. */
async function run(seed: number): Promise<{ hash: string; finished: number; dropped: number; differences: string[] }> {
  const simulation = new Simulation({ seed })
  const world = simulation.process('world')
  const random = world.random()
  const clock = world.clock()
  const failed = (error: unknown) => simulation.fail('a listener failed', error)
  const faults = { loss: 0.05, duplication: 0.05, reordering: 0.05, delay: [1, 20] as const }
  const network = createSimulatedNetwork({ clock, random: world.random(), faults, failed })
  const servers = createMemoryCoordination({ clock, random: world.random(), failed, faults: noFaults })
  const keeper = new Keeper(clock, world.random())
  const hosts = ['a', 'b'].map(name => new Host(simulation, network, name))
  const process = simulation.process('master')
  let master: Master | undefined
  let bus: SimulatedBus | undefined
  const startMaster = () => {
    bus?.partition()
    process.restart()
    bus = network.connect(`master-${process.incarnation}`)
    master = new Master({
      config: { ...heartDefaults, seed, masterInfo: masterInfo(`M${process.incarnation}`) },
      cluster: 'meseta',
      store: servers.connect().store,
      bus,
      clock: process.clock(),
      random: process.random(),
      log,
      probe: async () => true,
      fatal: error => simulation.fail('the master gave up', error),
      recovered: () => undefined,
      changed: () => undefined,
    })
    const started = master
    void master.lead().then(() => keeper.attach(started), failed)
  }
  simulation.invariant('every agent has what its machine has, and nothing is given twice', () => {
    for (const { agent } of hosts)
      for (const name of names)
        if (agent && agent.heart.core.total.scalar(name) !== own.scalar(name)) return `an agent has another ${name}`
    const { cluster } = master?.heart ?? {}
    for (const agent of cluster?.agents.values() ?? [])
      if (!agent.total.contains(cluster!.allocator.allocated(agent.id))) return `too much of ${agent.id} is given`
    return keeper.contradiction
  })
  simulation.schedule('world', 0, 'start', () => {
    startMaster()
    for (const host of hosts) host.start()
  })
  for (let at = 5_000; at < 60_000; at += 1_000 + random.int(4_000)) {
    const victim = random.int(4)
    simulation.schedule('world', at, 'trouble', () => {
      const host = hosts[victim]
      if (!host) startMaster()
      else if (host.agent) {
        host.crash()
        simulation.schedule('world', 200, 'return', () => host.start())
      }
    })
  }
  simulation.schedule('world', 61_000, 'peace', () => {
    network.faults = noBusFaults
    keeper.busy = false
  })
  const { hash } = await simulation.run({ until: 200_000 })

  const differences: string[] = []
  for (const { agent, volumes } of hosts) {
    const { total, id, operations } = agent!.heart.core
    const known = master!.heart.cluster.agents.get(id)!
    if (!known.total.equals(total)) differences.push(`the master thinks that ${id} has something else`)
    if (!keeper.expected(id, own).equals(total)) differences.push(`${id} has not what its finished operations made`)
    if (operations.size > 0) differences.push(`${id} waits for the acknowledgement of ${operations.size} operations`)
    const folders = total
      .persistentVolumes()
      .toArray()
      .map(volume => volumePath('/sim', volume))
    if (JSON.stringify([...volumes.paths].sort()) !== JSON.stringify(folders.sort()))
      differences.push(`${id} has the folders ${[...volumes.paths]} for the volumes ${folders}`)
  }
  if (master!.heart.cluster.operations.size > 0) differences.push('the master waits for operations')
  differences.push(...keeper.unanswered.map(name => `nothing is known of operation ${name}`))
  return { hash, finished: keeper.count('OPERATION_FINISHED'), dropped: keeper.count('OPERATION_DROPPED'), differences }
}

t.test(
  'operations survive deaths of masters and agents at any step: each is done once or not at all, and all know which',
  async t => {
    let finished = 0
    let dropped = 0
    for (let seed = 1; seed <= 12; seed++) {
      const result = await run(seed)
      t.same(result.differences, [], `seed ${seed}`)
      finished += result.finished
      dropped += result.dropped
    }
    t.ok(finished > 400, `${finished} were done`)
    t.ok(dropped > 0, `${dropped} were lost on their way`)
  },
)

t.test('and the same seed runs the same way', async t => {
  t.equal((await run(7)).hash, (await run(7)).hash)
})
