import { join } from 'node:path'
import type { Bus } from '@meseta/common/messaging/bus'
import type { Clock } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'
import type { Logger } from 'pino'
import { Agent } from './agent.ts'
import { FileCheckpoints } from './checkpoints/files.ts'
import { HostProber } from './checks/prober.ts'
import { readBootId } from './containers/proc.ts'
import { ProcessLauncher } from './containers/process-launcher.ts'
import type { AgentConfig } from './core/core.ts'
import type { FetcherLimits } from './fetcher/fetch-uris.ts'
import { Fetcher } from './fetcher/fetcher.ts'
import { SandboxCollector } from './sandbox/collector.ts'
import { HostVolumes } from './volumes/volumes.ts'

export interface HostAgentOptions {
  readonly config: AgentConfig
  readonly cluster: string
  readonly runtimeDir: string
  readonly switchUser: boolean
  /** Age at which sandboxes of ended tasks are removed, ms. */
  readonly gcDelay: number
  readonly fetcher: FetcherLimits
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  fatal(error: Error): void
}

/** An agent on this machine: plain processes, files below the work folder. */
export class HostAgent {
  readonly agent: Agent
  readonly launcher: ProcessLauncher
  readonly sandboxes: SandboxCollector
  readonly fetcher: Fetcher
  readonly #prober: HostProber
  readonly #volumes: HostVolumes

  constructor(options: HostAgentOptions) {
    const { config, clock, log } = options
    const bootId = readBootId()
    this.fetcher = new Fetcher(options.fetcher, clock)
    this.launcher = new ProcessLauncher({
      clock,
      runtimeDir: options.runtimeDir,
      bootId,
      searchPath: config.taskPath,
      nodePath: config.nodePath,
      switchUser: options.switchUser,
      fetch: (spec, user, signal) => this.fetcher.fetch(spec, user, signal),
    })
    this.sandboxes = new SandboxCollector({
      workDir: config.workDir,
      delay: options.gcDelay,
      interval: Math.min(60_000, Math.max(1_000, options.gcDelay)),
      isInUse: path => [...this.agent.heart.core.executors.values()].some(({ directory }) => directory === path),
      clock,
      log,
    })
    this.#volumes = new HostVolumes(config.workDir, log)
    this.#prober = new HostProber(clock, options.switchUser)
    this.agent = new Agent({
      ...options,
      bootId,
      checkpoints: new FileCheckpoints(join(config.workDir, 'meta')),
      launcher: this.launcher,
      sandboxes: this.sandboxes,
      volumes: this.#volumes,
      prober: this.#prober,
    })
  }

  async start(): Promise<void> {
    await this.agent.start()
    await this.sandboxes.start()
    this.#volumes.start()
  }

  /** Ends the agent; its tasks run on. */
  async stop(): Promise<void> {
    this.sandboxes.stop()
    await this.agent.stop()
    await this.#prober.close()
  }
}
