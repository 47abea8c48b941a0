import { LRUCache } from 'lru-cache'
import { flags, headerBytes } from '../wire/constants.ts'
import type { Query } from '../wire/query.ts'
import { lifetimes } from './reply.ts'

interface Kept {
  readonly reply: Buffer
  readonly places: readonly number[]
  readonly since: number
  readonly until: number
}

/** Kept replies, and the bytes of them and of their keys in all; the least used go first. */
const mostReplies = 10_000
const mostBytes = 16 * 1024 * 1024

/** Replies from outside, for as long as their TTL says. Times are monotonic ms. */
export class ReplyCache {
  readonly #kept = new LRUCache<string, Kept>({
    max: mostReplies,
    maxSize: mostBytes,
    sizeCalculation: (kept, key) => kept.reply.length + key.length + 64,
  })

  /** The reply to the query as of now: its own id and question, TTLs less their age. */
  get(key: string, query: Query, now: number): Buffer | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    if (now >= kept.until) {
      this.#kept.delete(key)
      return undefined
    }
    const reply = Buffer.from(kept.reply)
    query.message.copy(reply, 0, 0, 2)
    query.message.copy(reply, headerBytes, headerBytes, query.questionEnd)
    const age = Math.floor((now - kept.since) / 1000)
    for (const place of kept.places) reply.writeUInt32BE(Math.max(0, reply.readUInt32BE(place) - age), place)
    return reply
  }

  /** Keeps a reply that may be kept. */
  set(key: string, reply: Buffer, now: number): void {
    const life = lifetimes(reply)
    if (life === undefined) return
    this.#kept.set(key, { reply, places: life.places, since: now, until: now + life.ttl * 1000 })
  }
}

/** What makes two queries alike to a resolver: the question, the transport, the flags that change the reply, EDNS and its DO bit. */
export function cacheKey({ message, questionEnd, edns }: Query, transport: string): string {
  const bits = (message[2]! & flags.RD) | (message[3]! & 0x30)
  const options = edns === undefined ? '' : message.toString('latin1', questionEnd)
  return `${transport}${bits}${message.toString('latin1', headerBytes, questionEnd).toLowerCase()}${options}`
}
