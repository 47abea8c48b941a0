import type { Store } from '@meseta/common/coordination/store'
import type { Bus } from '@meseta/common/messaging/bus'
import type { LinkEnd, MasterEnd } from '@meseta/common/messaging/link'
import { openMasterEnd } from '@meseta/common/messaging/master-end'
import type { MasterCall } from '@meseta/common/protocol/mesos'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'
import type { Logger } from 'pino'
import { SchedulerEndpoint } from './api/scheduler.ts'
import { ChangeLog, logNote, logOperation } from './change-log.ts'
import { Timings } from './metrics/timings.ts'
import { raiseEpoch } from './registrar/epoch.ts'
import { Registrar } from './registrar/registrar.ts'
import { type RegistryTimeouts, registryTimeouts, TimedRegistrar } from './registrar/timed-registrar.ts'
import type { RateLimits } from './security/rate-limits.ts'
import type { Change } from './state/changes.ts'
import type { Command } from './state/commands.ts'
import type { HeartConfig } from './state/config.ts'
import type { Effect } from './state/effects.ts'
import { Heart } from './state/heart.ts'
import { Throttle } from './throttle.ts'

/** A call's status and, for a refusal, the reason. */
export type Answered = (status: number, message: string | undefined) => void

export interface MasterOptions {
  readonly config: HeartConfig
  /** The cluster's name on the bus. */
  readonly cluster: string
  readonly store: Store
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Asks an agent directly whether it lives; never rejects. */
  readonly probe: (pid: string) => Promise<boolean>
  /** This master can not go on. Called at most once. */
  readonly fatal: (error: Error) => void
  /** The registry has been read: changes follow. */
  readonly recovered: (clusterId: string) => void
  /** What changed, numbered without gaps, for the read model. */
  readonly changed: (seq: number, changes: readonly Change[]) => void
  /** Whether the next step may be taken; after a no, `goOn` is called. Without it, always. */
  readonly mayGoOn?: () => boolean
  readonly registryTimeouts?: RegistryTimeouts
  /** How much frameworks may say; anything unless given. */
  readonly rateLimits?: RateLimits | undefined
}

/**
 * A leading master without HTTP and election: heart, registrar, link to the agents and the schedulers' endpoint. The process and the
 * simulation put their own transports, clock and faults around it.
 */
export class Master {
  readonly scheduler: SchedulerEndpoint
  readonly registrar: Registrar
  readonly throttle: Throttle | undefined
  readonly timings = new Timings()
  readonly #options: MasterOptions
  readonly #heart: Heart
  readonly #registry: TimedRegistrar
  readonly #commands: Command[] = []
  readonly #replies = new Map<number, Answered>()
  readonly #changeLog: ChangeLog
  #running = false
  #awaited = false
  #stopped = false
  #link: MasterEnd | undefined
  #ticks: Timer | undefined
  #epoch: number | undefined
  #seq = 0
  /** Numbers of requests that are not schedulers' run below zero. */
  #requests = 0

  constructor(options: MasterOptions) {
    this.#options = options
    this.#changeLog = new ChangeLog(options.log)
    this.#heart = new Heart(options.config)
    this.registrar = new Registrar(options.store)
    const timeouts = options.registryTimeouts ?? registryTimeouts
    this.#registry = new TimedRegistrar(this.registrar, options.clock, timeouts, this.timings)
    this.scheduler = new SchedulerEndpoint({
      clock: options.clock,
      random: options.random,
      dispatch: (...commands) => (this.throttle ? this.throttle.take(...commands) : this.dispatch(...commands)),
    })
    this.throttle =
      options.rateLimits &&
      new Throttle({
        limits: options.rateLimits,
        clock: options.clock,
        cluster: this.#heart.cluster,
        pass: (...commands) => this.dispatch(...commands),
        say: effect => this.scheduler.carryOut(effect),
      })
  }

  get config(): HeartConfig {
    return this.#options.config
  }

  /** Read only: for metrics and for tests of invariants. */
  get heart(): Heart {
    return this.#heart
  }

  /** What has come and is not done yet. */
  get waiting(): { readonly messages: number; readonly commands: number; readonly requests: number } {
    const messages = this.#commands.filter(({ type }) => type === 'LINK_MESSAGE').length
    return { messages, commands: this.#commands.length, requests: this.#replies.size + this.scheduler.unanswered }
  }

  /** Set once it leads. */
  get epoch(): number | undefined {
    return this.#epoch
  }

  /** Whether the registry has been read, so that calls can be answered. */
  get recovered(): boolean {
    return this.#link !== undefined
  }

  /** Since when its own echo does not return, so that silence of agents means nothing; milliseconds since 1970. */
  get blindSince(): number | undefined {
    const since = this.#heart.cluster.liveness.blindSince
    const { clock } = this.#options
    return since === undefined ? undefined : clock.now() - (clock.monotonic() - since)
  }

  /** Takes over: raises the epoch, reads the registry, opens the link. Call it once, when elected. */
  async lead(): Promise<void> {
    const { store, config, clock, random, log, bus, cluster } = this.#options
    const epoch = await raiseEpoch(store)
    const { agents, settings, clusterId } = await this.#registry.recover(config.masterInfo)
    if (this.#stopped) return
    this.#options.recovered(clusterId)
    this.#epoch = epoch
    this.dispatch({ type: 'RECOVERED', agents, settings })
    // What it found could not be taken.
    if (this.#stopped) return
    this.#link = openMasterEnd({
      bus,
      cluster,
      epoch,
      masterInfo: config.masterInfo,
      clock,
      random,
      log,
      events: {
        opened: (link, agentId) => this.#soon({ type: 'LINK_OPENED', link, agentId }),
        received: (link, message) => this.#soon({ type: 'LINK_MESSAGE', link, message }),
        ended: (link, reason) => this.#linkEnded(link, reason),
        heard: link => this.#soon({ type: 'HEARD', link }),
        deposed: newer => this.#fail(new Error(`another master leads with epoch ${newer}, after this one's ${epoch}`)),
      },
    })
    const interval = Math.min(1_000, config.allocationInterval)
    this.#ticks = clock.every(interval, () => this.dispatch({ type: 'TICK', hearsItself: this.#link!.hearsItself }))
    log.info({ epoch, agents: agents.length }, 'leading')
  }

  /** Gives the heart commands and carries out what it says; what comes while it does so waits its turn. */
  dispatch(...commands: readonly Command[]): void {
    if (this.#stopped) return
    for (const command of commands) this.#commands.push(command)
    this.together(() => undefined)
  }

  /** What the bus brings in one turn becomes one step. In order with all else: every command waits in the same queue. */
  #soon(command: Command): void {
    if (this.#stopped) return
    this.#commands.push(command)
    if (this.#running || this.#awaited) return
    this.#awaited = true
    queueMicrotask(() => {
      this.#awaited = false
      this.dispatch()
    })
  }

  /** What `action` dispatches becomes one step: many calls that came at once cost less so, and their answers leave together. */
  together(action: () => void): void {
    if (this.#running || this.#stopped) {
      action()
      return
    }
    this.#running = true
    try {
      action()
      this.#drain()
    } catch (error) {
      // What was to be done is lost in part: this master is not to be believed any more. Another one takes over.
      this.#fail(new Error(`the master failed: ${(error as Error).message}`, { cause: error }))
    } finally {
      this.#running = false
    }
  }

  /** Takes the steps that had to wait. */
  goOn(): void {
    this.together(() => undefined)
  }

  /** An operator's call that changes something. Calls back with the status and, for a refusal, the reason. */
  operate(call: MasterCall, principal: string | undefined, answered: Answered): void {
    const request = --this.#requests
    this.#replies.set(request, (status, refusal) => {
      logOperation(this.#options.log, call, principal, { status, refusal })
      answered(status, refusal)
    })
    this.dispatch({ type: 'OPERATE', request, call, principal })
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#ticks?.cancel()
    this.throttle?.stop()
    this.scheduler.stop()
    await this.#link?.stop()
  }

  #drain(): void {
    const { clock, changed, mayGoOn } = this.#options
    while (this.#commands.length > 0 && (mayGoOn?.() ?? true)) {
      const commands = this.#commands.splice(0)
      const { allocator } = this.#heart.cluster
      const { runs } = allocator
      const monotonic = clock.monotonic()
      const effects = this.#heart.step({ wall: clock.now(), monotonic }, commands)
      if (allocator.runs !== runs) this.timings.allocationRun.add(clock.monotonic() - monotonic)
      const changes = effects.flatMap(effect => (effect.type === 'CHANGE' ? effect.change : []))
      // Readers first: whoever is told of a change by what follows finds it there.
      if (changes.length > 0) changed(++this.#seq, changes)
      for (const change of changes) this.#changeLog.log(change)
      for (const effect of effects) this.#carryOut(effect)
    }
  }

  #carryOut(effect: Effect): void {
    if (this.scheduler.carryOut(effect)) return
    switch (effect.type) {
      case 'SEND':
        this.#link?.send(effect.link, effect.message)
        return
      case 'CLOSE_LINK':
        this.#link?.close(effect.link, effect.reason)
        return
      case 'PERSIST':
        this.#persist(effect)
        return
      case 'ALLOCATE_SOON':
        this.#allocateSoon()
        return
      case 'PROBE':
        void this.#options
          .probe(effect.pid)
          .then(alive => this.dispatch({ type: 'PROBED', agentId: effect.agentId, alive }))
        return
      case 'NOTE':
        logNote(this.#options.log, effect.note)
        return
      case 'ABDICATE':
        this.#fail(new Error(effect.reason))
        return
      case 'REPLY':
        this.#replies.get(effect.request)?.(effect.status, effect.message)
        this.#replies.delete(effect.request)
        return
      default:
    }
  }

  #allocateSoon(): void {
    const { clock } = this.#options
    const wished = clock.monotonic()
    clock.after(0, () => {
      this.timings.allocationLatency.add(clock.monotonic() - wished)
      this.dispatch({ type: 'ALLOCATE' })
    })
  }

  #persist({ op, change }: Effect & { type: 'PERSIST' }): void {
    this.#registry.apply(change).then(
      () => this.dispatch({ type: 'PERSISTED', op }),
      (error: Error) => this.#fail(error),
    )
  }

  /** A session that the agent itself ended or began anew says that its process did; a broken one says nothing of it. */
  #linkEnded(link: string, { code }: LinkEnd): void {
    this.#soon({ type: 'LINK_ENDED', link, restarted: code === 'NEW_SESSION' || code === 'CLOSED_BY_PEER' })
  }

  #fail(error: Error): void {
    if (this.#stopped) return
    void this.stop()
    this.#options.fatal(error)
  }
}
