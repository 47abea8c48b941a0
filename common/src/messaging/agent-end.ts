import type { Logger } from 'pino'
import { encode } from '../protocol/codec.ts'
import type { AgentToMaster } from '../protocol/mesos.ts'
import type { Clock, Timer } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import { type AgentEffect, AgentMachine } from './agent-machine.ts'
import { type Bus, BusDownError, type Subscription } from './bus.ts'
import { EventQueue } from './event-queue.ts'
import { encodeFrame, type LinkFrame, tryDecode, tryDecodeFrame } from './frames.ts'
import { type AgentEnd, type AgentEndEvents, isLinkId } from './link.ts'
import { beacons, toAgent, toMaster } from './link-subjects.ts'
import { ackAfter } from './link-times.ts'

export interface AgentEndOptions {
  readonly bus: Bus
  readonly cluster: string
  /** This agent's link id (`isLinkId`), the same from its first start on. */
  readonly link: string
  /** The id that a master gave it, when it has one: said in announcements. */
  readonly agentId: () => string | undefined
  /** The epoch of the last `opened` of an earlier life: masters deposed since then are refused. 0, the default, when there was none. */
  readonly followed?: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Does something when the work in hand is done, before anything else comes: what was queued leaves then. A microtask unless said. */
  readonly soon?: (action: () => void) => void
  readonly events: AgentEndEvents
}

/** The bus, the clock and the codec around an AgentMachine. */
class BusAgentEnd implements AgentEnd {
  readonly #options: AgentEndOptions
  readonly #machine: AgentMachine
  readonly #queue: EventQueue
  readonly #subscriptions: readonly Subscription[]
  readonly #offState: () => void
  #tick: { readonly at: number; readonly timer: Timer } | undefined
  #ackTimer: Timer | undefined
  #flushing = false

  constructor(options: AgentEndOptions) {
    const { bus, cluster, link, clock, random } = options
    this.#options = options
    this.#machine = new AgentMachine(Math.floor(random.next() * 2 ** 32), options.followed)
    this.#queue = new EventQueue(clock)
    this.#subscriptions = [
      bus.subscribe(beacons(cluster), payload => this.#beacon(payload)),
      bus.subscribe(toAgent(cluster, link), payload => this.#frame(payload)),
    ]
    this.#offState = bus.onState(state =>
      this.#run(this.#machine.bus(clock.monotonic(), state === 'connected', options.agentId())),
    )
    this.#run(this.#machine.bus(clock.monotonic(), bus.state === 'connected', options.agentId()))
  }

  get open(): boolean {
    return this.#machine.open
  }

  get leader(): AgentEnd['leader'] {
    return this.#machine.leader
  }

  send(message: AgentToMaster): boolean {
    const payload = encode('meseta.v1.AgentToMaster', message)
    const { accepted, effects } = this.#machine.send(this.#options.clock.monotonic(), payload)
    if (effects.length > 0) this.#queue.later(this.#events(effects))
    this.#flushSoon()
    return accepted
  }

  async stop(): Promise<void> {
    this.#tick?.timer.cancel()
    this.#ackTimer?.cancel()
    this.#offState()
    this.#flush()
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#run(this.#machine.stop(this.#options.clock.monotonic()))
  }

  /** What is said in one turn of the loop leaves in one frame. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    const { soon = queueMicrotask } = this.#options
    soon(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    this.#queue.later(this.#events(this.#machine.flush(this.#options.clock.monotonic())))
    this.#schedule()
  }

  #beacon(bytes: Uint8Array): void {
    const { clock, agentId, log } = this.#options
    const read = tryDecode('meseta.v1.Beacon', bytes)
    if ('flaw' in read) log.warn({ reason: read.flaw }, 'a beacon that does not decode was ignored')
    else this.#run(this.#machine.beacon(clock.monotonic(), read.message, agentId()))
  }

  #frame(bytes: Uint8Array): void {
    const { clock, log } = this.#options
    const read = tryDecodeFrame(bytes)
    if ('flaw' in read) log.warn({ reason: read.flaw }, 'a frame of a master that does not decode was ignored')
    else this.#run(this.#machine.frame(clock.monotonic(), read.message))
  }

  #run(effects: readonly AgentEffect[]): void {
    try {
      this.#queue.now(this.#events(effects))
    } finally {
      if (this.#machine.owesAck) this.#ackTimer ??= this.#options.clock.after(ackAfter, () => this.#acknowledge())
      this.#schedule()
    }
  }

  /** A timer that is due earlier than need be stays: it looks again when it rings, a millisecond later at least. */
  #schedule(): void {
    const { clock, agentId } = this.#options
    const now = clock.monotonic()
    const at = this.#machine.nextTick(now)
    if (at === undefined || (this.#tick && this.#tick.at <= at)) return
    this.#tick?.timer.cancel()
    const timer = clock.after(Math.max(1, at - now), () => {
      this.#tick = undefined
      this.#run(this.#machine.tick(clock.monotonic(), agentId()))
    })
    this.#tick = { at, timer }
  }

  #acknowledge(): void {
    this.#ackTimer = undefined
    this.#run(this.#machine.acknowledge(this.#options.clock.monotonic()))
  }

  /** Publishes what is to be published; answers the events to tell. A message that does not decode ends the session. */
  #events(effects: readonly AgentEffect[]): (() => void)[] {
    const { events } = this.#options
    const told: (() => void)[] = []
    let broken = false
    for (const effect of effects) {
      if (effect.kind === 'publish') this.#put(effect.epoch, effect.frame)
      if (effect.kind === 'opened') told.push(() => events.opened(effect.master, effect.epoch))
      if (effect.kind === 'ended') told.push(() => events.ended(effect.reason))
      if (effect.kind !== 'received' || broken) continue
      const read = tryDecode('meseta.v1.MasterToAgent', effect.payload)
      if ('message' in read) told.push(() => events.received(read.message))
      else {
        broken = true
        told.push(...this.#unreadable(read.flaw))
      }
    }
    return told
  }

  #unreadable(flaw: string): (() => void)[] {
    const detail = `a message of the leader does not decode: ${flaw}`
    return this.#events(this.#machine.unreadable(this.#options.clock.monotonic(), detail))
  }

  #put(epoch: number, frame: LinkFrame): void {
    const { bus, cluster, link } = this.#options
    try {
      bus.publish(toMaster(cluster, epoch, link), encodeFrame(frame))
    } catch (error) {
      // It is still in the outbox, and is sent again when the bus returns.
      if (!(error instanceof BusDownError)) throw error
    }
  }
}

/** Seeks the leading master on the bus and keeps a session with it, for ever, until stopped. */
export function openAgentEnd(options: AgentEndOptions): AgentEnd {
  if (!isLinkId(options.link)) throw new TypeError(`${JSON.stringify(options.link)} is no link id`)
  return new BusAgentEnd(options)
}
