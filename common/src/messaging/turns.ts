import { chunkBytes } from './session.ts'

/** A place in the queue is kept for this long after the last announcement. Milliseconds. */
const waitsFor = 15_000
/** A turn that the agent does not take, or in which nothing arrives, ends after this time. */
const turnFor = 10_000
/** Agents in the queue; further ones announce themselves again until there is room. */
const maxWaiting = 100_000

/** An agent that asks for a session. */
export interface Announced {
  readonly link: string
  readonly announcement: number
  readonly agentId: string | undefined
  /** The link format that it writes. */
  readonly format: number
}

interface Waiting {
  readonly announced: Announced
  readonly seenAt: number
}

/** What keeps the bus's buffer for the leader small after an election. */
export const defaultTurns = { agents: 64, bytes: 16 * 1024 * 1024 } as const

/** Who may register now. An agent keeps its turn until its first message has arrived whole; a frame each is in flight. */
export class Turns {
  readonly #limit: number
  readonly #waiting = new Map<string, Waiting>()
  readonly #taken = new Map<string, number>()

  constructor({ agents, bytes }: { readonly agents: number; readonly bytes: number }) {
    this.#limit = Math.max(1, Math.min(agents, Math.floor(bytes / chunkBytes)))
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Queues an agent, or keeps its place. */
  announce(now: number, announced: Announced): void {
    const { link } = announced
    if (this.#waiting.has(link) || this.#waiting.size < maxWaiting) this.#waiting.set(link, { announced, seenAt: now })
  }

  /** The next agent to have a turn, when there is one and a place is free. */
  next(now: number): Announced | undefined {
    if (this.#taken.size >= this.#limit) return undefined
    for (const [link, { seenAt, announced }] of this.#waiting) {
      this.#waiting.delete(link)
      if (now - seenAt > waitsFor) continue
      this.#taken.set(link, now)
      return announced
    }
    return undefined
  }

  has(link: string): boolean {
    return this.#taken.has(link)
  }

  /** Something arrived in this turn. */
  progress(now: number, link: string): void {
    if (this.#taken.has(link)) this.#taken.set(link, now)
  }

  /** The turn is over, and a place is free. */
  done(link: string): void {
    this.#taken.delete(link)
  }

  /** Turns in which nothing happened for too long; they are over. At most the limit of turns is looked at. */
  expire(now: number): string[] {
    const expired: string[] = []
    for (const [link, at] of this.#taken) if (now - at >= turnFor) expired.push(link)
    for (const link of expired) this.#taken.delete(link)
    return expired
  }
}
