import { type Agent, createAgent } from '@meseta/agent/agent'
import { MemoryCheckpoints } from '@meseta/agent/checkpoints/memory'
import type { CheckpointStore } from '@meseta/agent/checkpoints/store'
import { containerKey, type Launcher } from '@meseta/agent/containers/launcher'
import { type Fate, SimulatedMachine } from '@meseta/agent/containers/simulated-launcher'
import { MemoryVolumes } from '@meseta/agent/volumes/memory'
import type { SimulatedBus, SimulatedNetwork } from '@meseta/common/messaging/simulated-bus'
import { parseResources } from '@meseta/common/resources/text'
import type { Clock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { hash32, type SeededRandom } from '@meseta/common/sim/random'
import type { SimProcess, Simulation } from '@meseta/common/sim/simulation'

const cpusOfMachine = 4

const capabilities = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
  'RESOURCE_PROVIDER',
  'AGENT_OPERATION_FEEDBACK',
  'AGENT_DRAINING',
] as const

const log = createLogger({ name: 'simulated', level: 'silent' })

/** A machine with its disk, its containers and the agents that live on it one after the other. */
export class SimulatedHost {
  readonly process: SimProcess
  readonly machine: SimulatedMachine
  readonly volumes = new MemoryVolumes()
  agent: Agent | undefined
  bus: SimulatedBus | undefined
  readonly #simulation: Simulation
  readonly #network: SimulatedNetwork
  readonly #checkpoints = new MemoryCheckpoints()
  readonly #number: number
  /** Tasks that were ever started, on any machine. */
  readonly #started: Set<string>
  #boots = 1
  #cutOff = false

  constructor(simulation: Simulation, network: SimulatedNetwork, number: number, started: Set<string>) {
    this.#simulation = simulation
    this.#network = network
    this.#number = number
    this.#started = started
    this.process = simulation.process(`agent-${number}`)
    const { seed } = simulation
    this.machine = new SimulatedMachine(simulation.process(`machine-${number}`).clock(), ({ id }) =>
      fateOf(hash32(containerKey(id), seed)),
    )
  }

  get name(): string {
    return this.process.name
  }

  /** Containers whose process has not ended. */
  get running(): number {
    return [...this.machine.containers.values()].filter(({ pid, exit }) => pid !== undefined && !exit).length
  }

  start(): void {
    this.process.restart()
    const clock = this.process.clock()
    const random = this.process.random()
    const bus = this.#network.connect(`${this.name}#${this.process.incarnation}`)
    if (this.#cutOff) bus.partition()
    const ip = `10.0.0.${this.#number}`
    const agent = createAgent({
      config: {
        workDir: '/sim',
        hostname: this.name,
        ip,
        port: 5051,
        endpoint: this.endpoint,
        version: '1.11.0',
        resources: parseResources(`cpus:${cpusOfMachine};mem:1024;disk:512`),
        attributes: [],
        capabilities: capabilities.map(type => ({ type })),
        taskPath: '/bin',
        nodePath: '/bin/node',
        environment: {},
        shutdownGrace: 5_000,
      },
      cluster: 'meseta',
      bootId: `boot-${this.#boots}`,
      checkpoints: slowDisk(this.#checkpoints, clock, random),
      launcher: this.#launcher(),
      sandboxes: { link: async () => undefined, collect: () => undefined },
      volumes: this.volumes,
      prober: { run: async () => ({ passed: true }) },
      bus,
      clock,
      random,
      log,
      // As a service manager does: whatever ended it, it is started again.
      fatal: error => {
        this.#simulation.note(this.name, error.message)
        this.#simulation.schedule(this.name, 0, 'gives up', () => {
          if (this.agent !== agent) return
          this.crash()
          this.#simulation.schedule(this.name, 1_000, 'is started again', () => this.startIfDown())
        })
      },
    })
    this.agent = agent
    this.bus = bus
    agent.start().catch(error => this.#simulation.fail(`${this.name} did not start`, error))
  }

  /** `host:port`, by which a master asks the agent itself. */
  get endpoint(): string {
    return `10.0.0.${this.#number}:5051`
  }

  get answers(): boolean {
    return this.agent !== undefined && !this.#cutOff
  }

  /** The network to this machine is gone, and the agent does not know. */
  cutOff(): void {
    this.#cutOff = true
    this.bus?.partition()
  }

  heal(): void {
    this.#cutOff = false
    this.bus?.heal()
  }

  /** No machine runs more than it has, and no task is started twice: that can break only when a container starts. */
  #launcher(): Launcher {
    const launcher = this.machine.launcher()
    const start = launcher.start.bind(launcher)
    launcher.start = async spec => {
      const task = /\/executors\/(.+)\/runs\//.exec(spec.directory)?.[1] ?? spec.directory
      if (this.#started.has(task)) this.#simulation.fail(`${this.name} starts ${task}, which was started before`)
      this.#started.add(task)
      const started = await start(spec)
      const { running } = this
      if (running > cpusOfMachine)
        this.#simulation.fail(`${this.name} runs ${running} containers of 1 cpu on ${cpusOfMachine}`)
      return started
    }
    return launcher
  }

  startIfDown(): void {
    if (!this.agent) this.start()
  }

  /** `kill -9` of the agent; its containers run on. */
  crash(): void {
    this.bus?.partition()
    this.process.crash()
    void this.agent?.stop()
    this.agent = undefined
  }

  /** The power fails: the agent and its containers end, the disk stays. */
  losePower(): void {
    this.crash()
    this.machine.reboot()
    this.#boots += 1
  }
}

/** A third of the containers run until they are killed, a third succeed and a third fail within 30 s. */
function fateOf(hash: number): Fate {
  if (hash % 3 === 0) return {}
  return { ends: { after: 200 + (hash % 29_800), exit: { kind: 'exited', code: (hash % 3) - 1 } } }
}

/**
 * A disk that takes up to 4 ms: before the write or after it, so that an agent may die with it done and not know it. What a dead
 * agent waits for never comes.
 */
function slowDisk(disk: CheckpointStore, clock: Clock, random: SeededRandom): CheckpointStore {
  const slowly = async (write: () => Promise<void>) => {
    await pause(clock, random.int(3))
    await write()
    await pause(clock, random.int(3))
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

const pause = (clock: Clock, time: number) =>
  time === 0 ? undefined : new Promise<void>(resolve => clock.after(time, resolve))
