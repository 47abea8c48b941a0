import type { Clock } from '@meseta/common/service/clock'
import type { Random } from '@meseta/common/service/random'
import type { Transport } from '../server/responder.ts'
import { headerBytes } from '../wire/constants.ts'
import { readName } from '../wire/names.ts'
import type { Query } from '../wire/query.ts'
import { cacheKey, ReplyCache } from './cache.ts'
import { exchangeTcp, exchangeUdp } from './exchange.ts'
import type { Upstream } from './resolv-conf.ts'

/** What became of a question that went outside. `refused`: nobody may be asked; `dropped`: too many are in work. */
export type Outcome = Buffer | 'refused' | 'failed' | 'dropped'

export interface ForwarderOptions {
  readonly resolvers: readonly Upstream[]
  /** Servers of particular zones, by name with final dot; no zone lies within another. */
  readonly zoneResolvers: ReadonlyMap<string, readonly Upstream[]>
  readonly clock: Clock
  readonly random: Pick<Random, 'bytes'>
  /** Patience with one server, and with all of them, ms. */
  readonly timeout: number
  readonly wholeTimeout?: number
  /** Questions in work; beyond it they are dropped (contract 2.2). */
  readonly inFlight?: number
  readonly failed?: (server: Upstream, error: Error) => void
}

const mostInFlight = 1024
const wholeTimeout = 10_000

/** Asks other servers what is not ours to answer: in order, over the client's transport, until one answers. */
export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #cache = new ReplyCache()
  readonly #exchanges = new Map<string, Promise<Buffer | undefined>>()
  #inWork = 0

  constructor(options: ForwarderOptions) {
    this.#options = options
  }

  get inFlight(): number {
    return this.#inWork
  }

  async ask(query: Query, transport: Transport): Promise<Outcome> {
    const servers = this.#serversFor(query)
    if (servers.length === 0) return 'refused'
    const key = cacheKey(query, transport)
    const kept = this.#cache.get(key, query, this.#options.clock.monotonic())
    if (kept !== undefined) return kept
    if (this.#inWork >= (this.#options.inFlight ?? mostInFlight)) return 'dropped'
    this.#inWork += 1
    const reply = await (this.#exchanges.get(key) ?? this.#start(key, query, transport, servers))
    this.#inWork -= 1
    return reply === undefined ? 'failed' : addressedTo(query, reply)
  }

  #serversFor(query: Query): readonly Upstream[] {
    const { zoneResolvers, resolvers } = this.#options
    const name = readName(query.message, headerBytes) ?? ''
    for (const [zone, servers] of zoneResolvers) if (name === zone || name.endsWith(`.${zone}`)) return servers
    return resolvers
  }

  /** Questions that are alike and asked at the same time go out once. */
  #start(key: string, query: Query, transport: Transport, servers: readonly Upstream[]): Promise<Buffer | undefined> {
    const work = this.#exchange(query, transport, servers).then(reply => {
      this.#exchanges.delete(key)
      if (reply !== undefined) this.#cache.set(key, reply, this.#options.clock.monotonic())
      return reply
    })
    this.#exchanges.set(key, work)
    return work
  }

  async #exchange(query: Query, transport: Transport, servers: readonly Upstream[]): Promise<Buffer | undefined> {
    const { clock, random, timeout, failed } = this.#options
    const deadline = clock.monotonic() + (this.#options.wholeTimeout ?? wholeTimeout)
    const exchange = transport === 'udp' ? exchangeUdp : exchangeTcp
    for (const server of servers) {
      const limit = Math.min(timeout, deadline - clock.monotonic())
      if (limit <= 0) return undefined
      const question = Buffer.from(query.message)
      question.set(random.bytes(2), 0)
      try {
        return await exchange(server, question, clock, limit)
      } catch (error) {
        failed?.(server, error as Error)
      }
    }
    return undefined
  }
}

/** The reply under the client's own id, its question in the client's own spelling. */
function addressedTo(query: Query, reply: Buffer): Buffer {
  const own = Buffer.from(reply)
  query.message.copy(own, 0, 0, 2)
  if (own.readUInt16BE(4) === 1) query.message.copy(own, headerBytes, headerBytes, query.questionEnd)
  return own
}
