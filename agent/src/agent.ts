import { openAgentEnd } from '@meseta/common/messaging/agent-end'
import type { Bus } from '@meseta/common/messaging/bus'
import type { AgentEnd } from '@meseta/common/messaging/link'
import { linkOf } from '@meseta/common/messaging/link-subjects'
import type { ContainerID } from '@meseta/common/protocol/mesos'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'
import type { Logger } from 'pino'
import { layout } from './checkpoints/layout.ts'
import { loadCheckpoints } from './checkpoints/load.ts'
import type { CheckpointStore } from './checkpoints/store.ts'
import { type ContainerSpec, containerKey, LaunchError, type Launcher } from './containers/launcher.ts'
import type { AgentConfig } from './core/core.ts'
import { Heart } from './core/heart.ts'
import type { Command, Effect, Now, Probe, ProbeResult } from './core/messages.ts'
import { Lanes } from './lanes.ts'
import type { Volumes } from './volumes/volumes.ts'

/** What an agent is made of. A simulation gives its own of each; nothing else of the world is touched. */
export interface AgentParts {
  readonly config: AgentConfig
  /** Name of the cluster, for the subjects of the bus. */
  readonly cluster: string
  readonly bootId: string
  readonly checkpoints: CheckpointStore
  readonly launcher: Launcher
  readonly sandboxes: Sandboxes
  readonly volumes: Volumes
  readonly prober: Prober
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The agent can not go on: its disk fails, or the master told it to end. */
  fatal(error: Error): void
}

/** What the agent does about sandboxes beside running containers in them. */
export interface Sandboxes {
  link(path: string, target: string): Promise<void>
  /** The sandbox is not used any more: it is removed when it is old enough. */
  collect(path: string): void
}

/** Runs checks of tasks. Never rejects. */
export interface Prober {
  run(probe: Probe): Promise<ProbeResult>
}

/** An agent of these parts; it does nothing before `start`. */
export function createAgent(parts: AgentParts): Agent {
  return new Agent(parts)
}

/** How long ended tasks may wait for the acknowledgement of their ends while the agent is stopped, ms. */
const acknowledgementTime = 2_000

/** A running agent, without its HTTP interface. */
export class Agent {
  readonly heart: Heart
  readonly #parts: AgentParts
  readonly #lanes: Lanes
  readonly #listeners = new Set<() => void>()
  #link: AgentEnd | undefined
  #timer: { readonly at: number; readonly timer: Timer } | undefined
  #stopped = false
  #recovered = false

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#lanes = new Lanes(error => {
      if (!this.#stopped) parts.fatal(new Error(`the agent can not go on: ${error.message}`, { cause: error }))
    })
    this.heart = new Heart(parts.config, Buffer.from(parts.random.bytes(16)).toString('hex'))
  }

  /** Whether the earlier life's tasks were taken over; until then nothing is answered. */
  get recovered(): boolean {
    return this.#recovered
  }

  get link(): AgentEnd | undefined {
    return this.#link
  }

  /** Recovers, then looks for a master. */
  async start(): Promise<void> {
    const { checkpoints, launcher, bootId } = this.#parts
    const link = await this.#linkId()
    await checkpoints.write(layout.bootId, `${bootId}\n`)
    const recovered = await loadCheckpoints(checkpoints)
    const containers = await launcher.recover()
    const errors = [...recovered.errors, ...containers.flatMap(({ problem }) => problem ?? [])]
    for (const error of errors) this.#parts.log.error({ checkpoint: error }, 'a checkpoint was not read')
    this.#perform(this.heart.recover(this.#now(), { ...recovered, errors }, containers))
    for (const { id, state } of containers) if (state.kind === 'running') void this.#wait(id)
    await this.#lanes.idle()
    this.#recovered = true
    this.#open(link)
    this.#schedule()
  }

  /** Ends the agent; its tasks run on, and are taken over by the next start. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.timer.cancel()
    await this.#lanes.idle()
    await this.#link?.stop()
    await this.#parts.launcher.close()
  }

  /** Tells the heart what happened, and does what it decides. */
  submit(...commands: Command[]): void {
    if (this.#stopped) return
    this.#perform(this.heart.step(this.#now(), commands))
    this.#schedule()
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls back after each step. Answers a function that ends it. */
  onStep(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Kills all tasks, each with its grace period, and takes no new ones. Resolves with their number when nothing of them is left
   * and their ends are stored; the master gets a moment to acknowledge these, too.
   */
  async stopTasks(): Promise<number> {
    const count = this.heart.liveTasks()
    this.submit({ type: 'stop-tasks' })
    await this.#when(() => this.heart.liveTasks() === 0)
    await this.#when(() => this.heart.core.tasks.size === 0, acknowledgementTime)
    await this.#lanes.idle()
    return count
  }

  /** Takes leave of the master; the next start is a new agent. */
  async unregister(reason: string): Promise<void> {
    this.submit({ type: 'unregister', reason })
    await this.#lanes.idle()
  }

  /** Resolves when a condition holds after a step, or when the time is over. */
  async #when(holds: () => boolean, limit?: number): Promise<void> {
    if (holds()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const off = this.onStep(() => {
      if (holds()) resolve()
    })
    const timer = limit === undefined ? undefined : this.#parts.clock.after(limit, resolve)
    await promise
    timer?.cancel()
    off()
  }

  async #linkId(): Promise<string> {
    const { checkpoints, random } = this.#parts
    const stored = await checkpoints.read(layout.linkId)
    if (stored !== undefined) return Buffer.from(stored).toString('utf8').trim()
    const id = random.uuid()
    await checkpoints.write(layout.linkId, `${id}\n`)
    return id
  }

  #open(link: string): void {
    const { bus, cluster, clock, random, log } = this.#parts
    this.#link = openAgentEnd({
      bus,
      cluster,
      link: linkOf(bus.identity, link),
      clock,
      random,
      log,
      agentId: () => this.heart.core.agentId,
      followed: bus.isPrivate ? 0 : this.heart.core.followed,
      events: {
        opened: (_, epoch) => this.submit({ type: 'link-opened', epoch }),
        received: message => this.submit({ type: 'master', message }),
        ended: reason => {
          if (reason.code === 'REFUSED') log.warn({ reason }, 'there is no session with the master')
          else log.info({ reason }, 'the session with the master ended')
          this.submit({ type: 'link-ended' })
        },
      },
    })
  }

  #now(): Now {
    return { wall: this.#parts.clock.now(), mono: this.#parts.clock.monotonic() }
  }

  #schedule(): void {
    const at = this.heart.nextDeadline()
    if (at === this.#timer?.at || this.#stopped) return
    this.#timer?.timer.cancel()
    this.#timer = undefined
    if (at === undefined) return
    const { clock } = this.#parts
    const timer = clock.after(Math.max(0, Math.ceil(at - clock.monotonic())), () => {
      this.#timer = undefined
      this.submit({ type: 'tick' })
    })
    this.#timer = { at, timer }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'log') this.#parts.log[effect.level](effect.fields, effect.text)
      else this.#lanes.run(effect.lane, () => this.#do(effect))
    }
  }

  /** Does one effect; a promise is waited for before the next of its lane. */
  #do(effect: Effect): void | Promise<void> {
    const { checkpoints, launcher, sandboxes, volumes } = this.#parts
    switch (effect.type) {
      case 'write':
        return checkpoints.write(effect.path, JSON.stringify(effect.value))
      case 'append':
        return checkpoints.append(effect.path, effect.text)
      case 'replace':
        return checkpoints.write(effect.path, effect.text)
      case 'link':
        return checkpoints.link(effect.path, effect.target)
      case 'forget':
        return checkpoints.remove(effect.path)
      case 'sandbox-link':
        return sandboxes.link(effect.path, effect.target)
      case 'collect':
        return sandboxes.collect(effect.path)
      case 'make-volume':
        return volumes.make(effect.path)
      case 'drop-volume':
        return volumes.drop(effect.path)
      case 'launch':
        void this.#launch(effect.spec)
        return
      case 'reap':
        void this.#reap(effect.container, effect.grace)
        return
      case 'kill':
        void launcher.kill(effect.container, effect.signal)
        return
      case 'remove':
        return this.#remove(effect.container)
      case 'destroy':
        return this.#destroy(effect.container)
      case 'probe':
        void this.#probe(effect.run)
        return
      case 'send':
        this.#link?.send(effect.message)
        return
      case 'halt':
        this.#parts.fatal(new Error(effect.message))
        return
      case 'log':
        return
    }
  }

  async #launch(spec: ContainerSpec): Promise<void> {
    const { launcher, log } = this.#parts
    try {
      await launcher.prepare(spec)
      const { pid } = await launcher.start(spec)
      this.submit({ type: 'started', container: spec.id, pid })
    } catch (error) {
      const known = error instanceof LaunchError ? error : undefined
      if (known === undefined) log.error({ err: error, container_id: containerKey(spec.id) }, 'a launch failed')
      const message = known?.message ?? `Failed to launch container: ${(error as Error).message}`
      const reason = known?.reason ?? 'REASON_CONTAINER_LAUNCH_FAILED'
      this.submit({ type: 'launch-failed', container: spec.id, message, reason })
      return
    }
    await this.#wait(spec.id)
  }

  async #wait(container: ContainerID): Promise<void> {
    const exit = await this.#parts.launcher.wait(container)
    this.submit({ type: 'exited', container, exit })
  }

  async #reap(container: ContainerID, grace: number): Promise<void> {
    await this.#parts.launcher.reap(container, grace)
    this.submit({ type: 'reaped', container })
  }

  async #destroy(container: ContainerID): Promise<void> {
    const { launcher } = this.#parts
    await launcher.kill(container, 9)
    await launcher.reap(container, 0)
    await this.#remove(container)
  }

  /** What can not be removed is found, and removed, by the next start. */
  async #remove(container: ContainerID): Promise<void> {
    const { launcher, log } = this.#parts
    await launcher.remove(container).catch(error => {
      log.warn({ err: error, container_id: containerKey(container) }, 'a container was not removed')
    })
  }

  async #probe(run: Probe): Promise<void> {
    const result = await this.#parts.prober.run(run)
    this.submit({ type: 'probed', task: run.task, probe: run.probe, result })
  }
}
