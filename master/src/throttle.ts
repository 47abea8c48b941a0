import type { Clock, Timer } from '@meseta/common/service/clock'
import { Lane } from './security/lane.ts'
import type { RateLimits } from './security/rate-limits.ts'
import type { Cluster } from './state/cluster.ts'
import type { Command } from './state/commands.ts'
import type { Effect } from './state/effects.ts'

type Call = Command & { readonly type: 'CALL' }

export interface ThrottleOptions {
  readonly limits: RateLimits
  readonly clock: Clock
  /** Says whose a framework is, where nobody was authenticated. Only read. */
  readonly cluster: Pick<Cluster, 'frameworks' | 'frameworksByStream'>
  readonly pass: (...commands: Command[]) => void
  /** What schedulers are told of calls that are dropped. */
  readonly say: (effect: Effect) => void
}

interface Counts {
  received: number
  processed: number
}

/** Of so many principals messages are counted; of more they are not. */
const maxCounted = 1_000

/**
 * Holds the calls of frameworks to the rate of their principal (Mesos contract 8.3): those above it wait, in order, and are answered when
 * they were done; those above its capacity are dropped. What else schedulers' streams say passes at once.
 */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #lanes = new Map<string, Lane<Call>>()
  readonly #aggregate: Lane<Call> | undefined
  readonly #timers = new Map<Lane<Call>, Timer>()
  readonly #counts = new Map<string, Counts>()

  constructor(options: ThrottleOptions) {
    this.#options = options
    const { limits, aggregate } = options.limits
    for (const [principal, limit] of limits) if (limit !== 'unlimited') this.#lanes.set(principal, new Lane(limit))
    this.#aggregate = aggregate && new Lane(aggregate)
  }

  take(...commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === 'CALL') this.#takeCall(command)
      else this.#options.pass(command)
    }
  }

  /** `frameworks/<principal>/messages_received` and `…_processed`. */
  get metrics(): Record<string, number> {
    const metrics: Record<string, number> = {}
    for (const [principal, { received, processed }] of this.#counts) {
      const prefix = `frameworks/${encodeURIComponent(principal)}`
      metrics[`${prefix}/messages_received`] = received
      metrics[`${prefix}/messages_processed`] = processed
    }
    return metrics
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #takeCall(call: Call): void {
    const { limits, clock } = this.#options
    const principal = this.#principalOf(call)
    this.#count(principal, 'received')
    const lane = principal !== undefined && limits.limits.has(principal) ? this.#lanes.get(principal) : this.#aggregate
    const entered = lane?.enter(call, clock.monotonic()) ?? 'now'
    if (entered === 'now') this.#pass([call])
    else if (entered === 'later') this.#wake(lane!)
    else this.#drop(call, `Message ${call.call.type} dropped: capacity(${lane!.limit.capacity}) exceeded`)
  }

  #principalOf({ principal, call }: Call): string | undefined {
    if (principal !== undefined) return principal
    if (call.type === 'SUBSCRIBE') return call.subscribe!.framework_info.principal
    return this.#options.cluster.frameworks.get(call.framework_id!.value)?.info.principal
  }

  /** Nothing of the call is done: it is answered 429, and the framework's stream tells of it. Who guesses a stream's id says nothing on it. */
  #drop({ request, call, streamId, principal }: Call, message: string): void {
    const { cluster, say } = this.#options
    say({ type: 'REPLY', request, status: 429, message })
    const framework = streamId === undefined ? undefined : cluster.frameworksByStream.get(streamId)
    if (!framework || framework.id !== call.framework_id?.value) return
    if (principal !== undefined && principal !== framework.info.principal) return
    say({ type: 'EVENT', streamId: streamId!, event: { type: 'ERROR', error: { message } } })
  }

  #pass(calls: readonly Call[]): void {
    for (const call of calls) this.#count(this.#principalOf(call), 'processed')
    this.#options.pass(...calls)
  }

  #wake(lane: Lane<Call>): void {
    if (this.#timers.has(lane)) return
    const { clock } = this.#options
    const wait = Math.max(1, lane.due - clock.monotonic())
    const timer = clock.after(wait, () => {
      this.#timers.delete(lane)
      this.#pass(lane.leave(clock.monotonic()))
      if (lane.waiting > 0) this.#wake(lane)
    })
    this.#timers.set(lane, timer)
  }

  #count(principal: string | undefined, what: keyof Counts): void {
    if (principal === undefined) return
    let counts = this.#counts.get(principal)
    if (!counts) {
      if (this.#counts.size >= maxCounted) return
      counts = { received: 0, processed: 0 }
      this.#counts.set(principal, counts)
    }
    counts[what] += 1
  }
}
