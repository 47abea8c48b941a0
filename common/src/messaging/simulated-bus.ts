import { Listeners } from '../coordination/listeners.ts'
import type { Clock } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import { type Bus, BusDownError, type BusState, checkPayload, type Subscription } from './bus.ts'
import { checkSubject, SubscriptionTable } from './subjects.ts'

/** What goes wrong between a publisher and each of its receivers; chances from 0 to 1. */
export interface BusFaults {
  readonly loss: number
  readonly duplication: number
  /** The chance that a message does not wait for those before it. */
  readonly reordering: number
  /** Shortest and longest time on the way, milliseconds. */
  readonly delay: readonly [number, number]
}

/** Nothing goes wrong, and a message takes one millisecond. */
export const noFaults: BusFaults = { loss: 0, duplication: 0, reordering: 0, delay: [1, 1] }

/** One process's connection to a simulated network. */
export interface SimulatedBus extends Bus {
  /** The connection is lost, and noticed: messages to and from it are lost, `publish` throws, the state is `disconnected`. */
  down(): void
  up(): void
  /** The connection is frozen or the process cut off, and nobody has noticed: messages to and from it are lost in silence. */
  partition(): void
  heal(): void
  /** `kill -9` of the process: it hears and says nothing any more, and what it had said still arrives. */
  kill(): void
}

export interface SimulatedNetwork {
  faults: BusFaults
  connect(name: string): SimulatedBus
  /** Messages that were lost, repeated, overtook others and arrived. */
  readonly counts: { lost: number; repeated: number; reordered: number; delivered: number }
}

interface Receiver {
  readonly connection: Connection
  readonly received: (payload: Uint8Array, subject: string) => void
  active: boolean
}

/** A bus whose faults are drawn from a seed, under a clock: the same seed gives the same run. */
class Network implements SimulatedNetwork {
  faults: BusFaults
  readonly counts = { lost: 0, repeated: 0, reordered: 0, delivered: 0 }
  readonly table = new SubscriptionTable<Receiver>()
  readonly failed: (error: unknown) => void
  readonly #clock: Clock
  readonly #random: Random
  /** When the latest message of a publisher to a receiver arrives: those after it arrive later. */
  readonly #latest = new Map<string, number>()

  constructor({ clock, random, faults, failed }: SimulatedNetworkOptions) {
    this.#clock = clock
    this.#random = random
    this.faults = faults ?? noFaults
    this.failed = failed
  }

  connect(name: string): SimulatedBus {
    return new Connection(this, name)
  }

  send(from: Connection, subject: string, payload: Uint8Array): void {
    for (const receiver of this.table.receivers(subject)) {
      const copies = this.#chance(this.faults.duplication) ? 2 : 1
      this.counts.repeated += copies - 1
      for (let copy = 0; copy < copies; copy += 1) this.#carry(from, receiver, subject, payload)
    }
  }

  #carry(from: Connection, receiver: Receiver, subject: string, payload: Uint8Array): void {
    if (!from.reachable || from.killed || this.#chance(this.faults.loss)) {
      this.counts.lost += 1
      return
    }
    const { connection } = receiver
    const breaks = connection.breaks + from.breaks
    this.#clock.after(this.#delay(from, connection), () => {
      // What was on its way when a connection broke is lost with it.
      const lost = !connection.reachable || connection.breaks + from.breaks !== breaks
      if (lost) this.counts.lost += 1
      else if (receiver.active) {
        this.counts.delivered += 1
        this.#deliver(receiver, subject, payload)
      }
    })
  }

  #deliver(receiver: Receiver, subject: string, payload: Uint8Array): void {
    try {
      receiver.received(payload, subject)
    } catch (error) {
      this.failed(error)
    }
  }

  #delay(from: Connection, to: Connection): number {
    const [shortest, longest] = this.faults.delay
    const now = this.#clock.monotonic()
    const drawn = now + shortest + this.#random.next() * (longest - shortest)
    if (this.#chance(this.faults.reordering)) {
      this.counts.reordered += 1
      return drawn - now
    }
    const way = `${from.name}\0${to.name}`
    const arrival = Math.max(drawn, this.#latest.get(way) ?? 0)
    this.#latest.set(way, arrival)
    return arrival - now
  }

  #chance(chance: number): boolean {
    return chance > 0 && this.#random.next() < chance
  }
}

class Connection implements SimulatedBus {
  readonly name: string
  /** How often the connection has broken. */
  breaks = 0
  readonly #network: Network
  readonly #states: Listeners<[BusState]>
  readonly #receivers = new Map<Receiver, () => void>()
  #state: BusState = 'connected'
  #partitioned = false
  #killed = false

  constructor(network: Network, name: string) {
    this.#network = network
    this.name = name
    this.#states = new Listeners(network.failed)
  }

  get state(): BusState {
    return this.#state
  }

  get reachable(): boolean {
    return this.#state === 'connected' && !this.#partitioned
  }

  get killed(): boolean {
    return this.#killed
  }

  publish(subject: string, payload: Uint8Array): void {
    checkSubject(subject)
    checkPayload(subject, payload)
    if (this.#state !== 'connected') throw new BusDownError()
    this.#network.send(this, subject, payload)
  }

  subscribe(subject: string, received: Receiver['received']): Subscription {
    const receiver: Receiver = { connection: this, received, active: true }
    const off = this.#network.table.add(subject, receiver)
    this.#receivers.set(receiver, off)
    return { unsubscribe: () => this.#drop(receiver) }
  }

  onState(listener: (state: BusState) => void): () => void {
    return this.#states.add(listener)
  }

  async close(): Promise<void> {
    for (const receiver of [...this.#receivers.keys()]) this.#drop(receiver)
    this.#become('closed')
  }

  down(): void {
    if (this.#state === 'connected') this.#become('disconnected')
  }

  up(): void {
    if (this.#state === 'disconnected') this.#become('connected')
  }

  partition(): void {
    this.#partitioned = true
    this.breaks += 1
  }

  heal(): void {
    this.#partitioned = false
  }

  kill(): void {
    this.#killed = true
    for (const receiver of [...this.#receivers.keys()]) this.#drop(receiver)
  }

  #drop(receiver: Receiver): void {
    receiver.active = false
    this.#receivers.get(receiver)?.()
    this.#receivers.delete(receiver)
  }

  #become(state: BusState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.breaks += 1
    this.#states.tell(state)
  }
}

export interface SimulatedNetworkOptions {
  readonly clock: Clock
  readonly random: Random
  readonly faults?: BusFaults
  /** Told of a receiver or listener that threw. */
  readonly failed: (error: unknown) => void
}

/** A network to which each simulated process connects a bus of its own. */
export function createSimulatedNetwork(options: SimulatedNetworkOptions): SimulatedNetwork {
  return new Network(options)
}
