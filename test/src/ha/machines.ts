import { type Agent, createAgent } from '@meseta/agent/agent'
import { MemoryCheckpoints } from '@meseta/agent/checkpoints/memory'
import { SimulatedMachine } from '@meseta/agent/containers/simulated-launcher'
import { MemoryVolumes } from '@meseta/agent/volumes/memory'
import type { Bus } from '@meseta/common/messaging/bus'
import { parseResources } from '@meseta/common/resources/text'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import { hash32 } from '@meseta/common/sim/random'

const log = createLogger({ name: 'agent', level: 'silent' })

/** The real agent on a machine whose containers are simulated: each runs some seconds, or until it is killed. */
export class LiveMachine {
  readonly machine: SimulatedMachine
  readonly agent: Agent
  /** How often a process of each task was started. */
  readonly starts = new Map<string, number>()

  constructor({ bus, number, failed }: { bus: Bus; number: number; failed: (error: Error) => void }) {
    const ip = `10.0.0.${number}`
    this.machine = new SimulatedMachine(systemClock, ({ directory }) => {
      const hash = hash32(taskOf(directory), number)
      return { ends: { after: 100 + (hash % 4_000), exit: { kind: 'exited', code: 0 } } }
    })
    const launcher = this.machine.launcher()
    const start = launcher.start.bind(launcher)
    launcher.start = spec => {
      const task = taskOf(spec.directory)
      this.starts.set(task, (this.starts.get(task) ?? 0) + 1)
      return start(spec)
    }
    this.agent = createAgent({
      config: {
        workDir: '/ha',
        hostname: ip,
        ip,
        port: 5051,
        endpoint: `${ip}:5051`,
        version: '1.11.0',
        resources: parseResources('cpus:4;mem:4096'),
        attributes: [],
        capabilities: [],
        taskPath: '/bin',
        nodePath: '/bin/node',
        environment: {},
        shutdownGrace: 1_000,
      },
      cluster: 'meseta',
      bootId: 'boot',
      checkpoints: new MemoryCheckpoints(),
      launcher,
      sandboxes: { link: async () => undefined, collect: () => undefined },
      volumes: new MemoryVolumes(),
      prober: { run: async () => ({ passed: true }) },
      bus,
      clock: systemClock,
      random: systemRandom,
      log,
      fatal: failed,
    })
  }

  get id(): string | undefined {
    return this.agent.heart.core.agentId
  }

  /** Tasks whose process has not ended. */
  get running(): number {
    return [...this.machine.containers.values()].filter(({ pid, exit }) => pid !== undefined && !exit).length
  }
}

const taskOf = (directory: string): string => /\/executors\/(.+)\/runs\//.exec(directory)?.[1] ?? directory
