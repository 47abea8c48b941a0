import type { Logger } from 'pino'
import { encode } from '../protocol/codec.ts'
import type { MasterInfo, MasterToAgent } from '../protocol/mesos.ts'
import type { Clock, Timer } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import { type Bus, BusDownError, type Subscription } from './bus.ts'
import { EventQueue } from './event-queue.ts'
import { encodeFrame, tryDecode, tryDecodeFrame } from './frames.ts'
import { isLinkId, type MasterEnd, type MasterEndEvents } from './link.ts'
import { allToMaster, beacons, echoLink, linkIn, toAgent, toMaster } from './link-subjects.ts'
import { ackAfter, beaconEvery, echoWithin, tickEvery } from './link-times.ts'
import { linkVersion } from './link-version.ts'
import { type MasterEffect, MasterMachine } from './master-machine.ts'
import { defaultTurns } from './turns.ts'

export interface MasterEndOptions {
  readonly bus: Bus
  readonly cluster: string
  /** This leader's epoch, higher than that of any leader before it. */
  readonly epoch: number
  readonly masterInfo: MasterInfo
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Does something when the work in hand is done, before anything else comes: what was queued leaves then. A microtask unless said. */
  readonly soon?: (action: () => void) => void
  readonly events: MasterEndEvents
  /** How many agents may (re-)register at once, and how many bytes of theirs may be in flight; 64 and 16 MiB. */
  readonly turns?: { readonly agents: number; readonly bytes: number }
  /** The format that this master writes on the link; its own version by default. */
  readonly format?: number
}

/** The bus, the clock and the codec around a MasterMachine. */
class BusMasterEnd implements MasterEnd {
  readonly #options: MasterEndOptions
  readonly #machine: MasterMachine
  readonly #queue: EventQueue
  readonly #beacon: Uint8Array
  readonly #echo: Uint8Array
  readonly #subscriptions: readonly Subscription[]
  readonly #offState: () => void
  readonly #timers: readonly Timer[]
  #ackTimer: Timer | undefined
  #heardItselfAt: number
  #deposed = false
  #flushing = false

  constructor(options: MasterEndOptions) {
    const { bus, cluster, clock, epoch, masterInfo, turns = defaultTurns, format = linkVersion } = options
    this.#options = options
    this.#machine = new MasterMachine({ epoch, turns, format })
    this.#queue = new EventQueue(clock)
    this.#beacon = encode('meseta.v1.Beacon', { epoch, master_info: masterInfo, format })
    this.#echo = encodeFrame({ epoch, session: 0, kind: 'ECHO' })
    this.#heardItselfAt = Number.NEGATIVE_INFINITY
    this.#subscriptions = [
      bus.subscribe(allToMaster(cluster, epoch), (payload, subject) => this.#heard(linkIn(subject), payload)),
      bus.subscribe(beacons(cluster), payload => this.#otherBeacon(payload)),
    ]
    this.#offState = bus.onState(state => this.#run(this.#machine.bus(clock.monotonic(), state === 'connected')))
    this.#run(this.#machine.bus(clock.monotonic(), bus.state === 'connected'))
    this.#timers = [
      clock.every(tickEvery, () => this.#run(this.#machine.tick(clock.monotonic()))),
      clock.every(beaconEvery, () => this.#shine()),
    ]
    this.#shine()
  }

  get hearsItself(): boolean {
    const { bus, clock } = this.#options
    return bus.state === 'connected' && clock.monotonic() - this.#heardItselfAt <= echoWithin
  }

  send(link: string, message: MasterToAgent): boolean {
    const payload = encode('meseta.v1.MasterToAgent', message)
    const { accepted, effects } = this.#machine.send(this.#options.clock.monotonic(), link, payload)
    if (effects.length > 0) this.#queue.later(this.#events(effects))
    this.#flushSoon()
    return accepted
  }

  close(link: string, reason: string): void {
    this.#flush()
    const end = { code: 'CLOSED_BY_PEER', detail: reason } as const
    this.#queue.later(this.#events(this.#machine.close(this.#options.clock.monotonic(), link, end)))
  }

  async stop(): Promise<void> {
    this.#flush()
    for (const timer of this.#timers) timer.cancel()
    this.#ackTimer?.cancel()
    this.#offState()
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#queue.now(this.#events(this.#machine.stop(this.#options.clock.monotonic())))
  }

  /** What one turn of the loop says to an agent leaves in one frame. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    const { soon = queueMicrotask } = this.#options
    soon(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    this.#queue.later(this.#events(this.#machine.flush(this.#options.clock.monotonic())))
  }

  #shine(): void {
    const { cluster, epoch } = this.#options
    this.#put(beacons(cluster), this.#beacon)
    this.#put(toMaster(cluster, epoch, echoLink), this.#echo)
  }

  #heard(link: string, bytes: Uint8Array): void {
    const { clock, events, log, epoch } = this.#options
    const now = clock.monotonic()
    if (link === echoLink) this.#heardItselfAt = now
    if (!isLinkId(link)) return
    const read = tryDecodeFrame(bytes)
    if ('flaw' in read) {
      log.warn({ link, reason: read.flaw }, 'a frame that does not decode was ignored')
      return
    }
    if (read.message.epoch !== epoch) return
    events.heard(link)
    this.#run(this.#machine.frame(now, link, read.message))
  }

  #otherBeacon(bytes: Uint8Array): void {
    if (this.#deposed) return
    const read = tryDecode('meseta.v1.Beacon', bytes)
    if ('flaw' in read || read.message.epoch <= this.#options.epoch) return
    this.#deposed = true
    this.#options.events.deposed?.(read.message.epoch)
  }

  #run(effects: readonly MasterEffect[]): void {
    this.#queue.now(this.#events(effects))
    if (this.#machine.owesAcks) this.#ackTimer ??= this.#options.clock.after(ackAfter, () => this.#acknowledge())
  }

  #acknowledge(): void {
    this.#ackTimer = undefined
    this.#run(this.#machine.acknowledge())
  }

  /** Publishes what is to be published; answers the events to tell. A message that does not decode ends its session. */
  #events(effects: readonly MasterEffect[]): (() => void)[] {
    const { cluster, events } = this.#options
    const told: (() => void)[] = []
    const broken = new Set<string>()
    for (const effect of effects) {
      const { link } = effect
      if (effect.kind === 'publish') this.#put(toAgent(cluster, link), encodeFrame(effect.frame))
      if (effect.kind === 'opened') told.push(() => events.opened(link, effect.agentId))
      if (effect.kind === 'ended') told.push(() => events.ended(link, effect.reason))
      if (effect.kind !== 'received' || broken.has(link)) continue
      const read = tryDecode('meseta.v1.AgentToMaster', effect.payload)
      if ('message' in read) told.push(() => events.received(link, read.message))
      else {
        broken.add(link)
        told.push(...this.#unreadable(link, read.flaw))
      }
    }
    return told
  }

  #unreadable(link: string, flaw: string): (() => void)[] {
    const end = { code: 'GAP', detail: `a message of the agent does not decode: ${flaw}` } as const
    return this.#events(this.#machine.close(this.#options.clock.monotonic(), link, end))
  }

  #put(subject: string, payload: Uint8Array): void {
    try {
      this.#options.bus.publish(subject, payload)
    } catch (error) {
      // What matters is still in an outbox, and is sent again when the bus returns.
      if (!(error instanceof BusDownError)) throw error
    }
  }
}

/** Beacons, and keeps a session with each agent that answers, until stopped. Only the leader opens one. */
export function openMasterEnd(options: MasterEndOptions): MasterEnd {
  return new BusMasterEnd(options)
}
