import type { Resources } from '@meseta/common/resources/resources'

const none = -1
/** Buckets of the expiry wheel; a refusal further away than one turn is looked at once a turn. */
const spokes = 1024

/**
 * What frameworks refused, by client (a framework in a role) and agent slot, with the tick at which each refusal ends
 * (Mesos contract 5.3.6). Refusals live in columns of one growing table, chained by number: no timer and no object each.
 * Adding costs one chain, a tick costs what ends in it.
 */
export class Refusals {
  /** First refusal by agent slot, then by client: a cycle asks for all clients of one agent. */
  readonly #heads: (Int32Array | undefined)[] = []
  readonly #counts: number[] = []
  readonly #wheel = new Int32Array(spokes).fill(none)
  #free = none
  #next = new Int32Array(64)
  #spoke = new Int32Array(64)
  #expiry = new Float64Array(64)
  #agent = new Int32Array(64)
  #client = new Int32Array(64)
  #resources: (Resources | undefined)[] = []
  #used = 0
  #tick = 0

  /**
   * Withholds from a client, on an agent, whatever `resources` contain, until `expiry` (a tick). Smaller refusals that end no
   * later say nothing beside it and go, so that a framework with long filters and short tasks does not pile them up.
   */
  add(client: number, agent: number, resources: Resources, expiry: number): void {
    let heads = this.#heads[agent]
    if (!heads || client >= heads.length) heads = this.#grownHeads(client, agent)
    const end = Math.max(expiry, this.#tick + 1)
    this.#dropSmaller(heads[client]!, resources, end)
    const entry = this.#take()
    this.#resources[entry] = resources
    this.#expiry[entry] = end
    this.#agent[entry] = agent
    this.#client[entry] = client
    this.#next[entry] = heads[client]!
    heads[client] = entry
    this.#counts[client] = (this.#counts[client] ?? 0) + 1
    this.#hang(entry)
  }

  #dropSmaller(head: number, resources: Resources, end: number): void {
    for (let entry = head; entry !== none; entry = this.#next[entry]!) {
      if (this.#expiry[entry]! > end || !resources.contains(this.#resources[entry]!)) continue
      this.#unchain(entry)
      this.#resources[entry] = undefined
    }
  }

  /** Whether a refusal of this client covers an offer of `resources` on this agent. */
  covers(client: number, agent: number, resources: Resources): boolean {
    const heads = this.#heads[agent]
    if (!heads || client >= heads.length) return false
    for (let entry = heads[client]!; entry !== none; entry = this.#next[entry]!) {
      if (this.#resources[entry]!.contains(resources)) return true
    }
    return false
  }

  /** The tick at which the last refusal ends that covers such an offer, or undefined when none does. */
  until(client: number, agent: number, resources: Resources): number | undefined {
    let last: number | undefined
    const heads = this.#heads[agent]
    if (!heads || client >= heads.length) return undefined
    for (let entry = heads[client]!; entry !== none; entry = this.#next[entry]!) {
      if (this.#resources[entry]!.contains(resources)) last = Math.max(last ?? 0, this.#expiry[entry]!)
    }
    return last
  }

  /** How many refusals of a client are in force. */
  count(client: number): number {
    return this.#counts[client] ?? 0
  }

  /** Ends what expires up to `tick` and calls back with each agent slot concerned. */
  advance(tick: number, expired: (agent: number) => void): void {
    const turns = Math.min(tick - this.#tick, spokes)
    for (let turn = 1; turn <= turns; turn++) this.#turn((tick - turns + turn) % spokes, tick, expired)
    this.#tick = tick
  }

  /** Forgets all refusals of a client, on REVIVE and when it goes. */
  clearClient(client: number): void {
    if (this.count(client) === 0) return
    for (const heads of this.#heads) if (heads && client < heads.length) this.#clear(heads, client)
  }

  /** Forgets all refusals on an agent. */
  clearAgent(agent: number): void {
    const heads = this.#heads[agent]
    if (!heads) return
    for (let client = 0; client < heads.length; client++) this.#clear(heads, client)
    this.#heads[agent] = undefined
  }

  /** An entry taken off its chain stays on the wheel, without resources, until its spoke comes by. */
  #clear(heads: Int32Array, client: number): void {
    for (let entry = heads[client]!; entry !== none; entry = this.#next[entry]!) {
      this.#resources[entry] = undefined
      this.#counts[client]!--
    }
    heads[client] = none
  }

  #turn(spoke: number, tick: number, expired: (agent: number) => void): void {
    let entry = this.#wheel[spoke]!
    this.#wheel[spoke] = none
    while (entry !== none) {
      const following = this.#spoke[entry]!
      if (this.#resources[entry] === undefined) this.#release(entry)
      else if (this.#expiry[entry]! <= tick) {
        expired(this.#agent[entry]!)
        this.#unchain(entry)
        this.#release(entry)
      } else this.#hang(entry)
      entry = following
    }
  }

  #hang(entry: number): void {
    const spoke = this.#expiry[entry]! % spokes
    this.#spoke[entry] = this.#wheel[spoke]!
    this.#wheel[spoke] = entry
  }

  #unchain(entry: number): void {
    const client = this.#client[entry]!
    const heads = this.#heads[this.#agent[entry]!]!
    this.#counts[client]!--
    if (heads[client] === entry) {
      heads[client] = this.#next[entry]!
      return
    }
    let previous = heads[client]!
    while (this.#next[previous] !== entry) previous = this.#next[previous]!
    this.#next[previous] = this.#next[entry]!
  }

  #take(): number {
    if (this.#free !== none) {
      const entry = this.#free
      this.#free = this.#next[entry]!
      return entry
    }
    if (this.#used === this.#next.length) this.#grow()
    return this.#used++
  }

  #release(entry: number): void {
    this.#resources[entry] = undefined
    this.#next[entry] = this.#free
    this.#free = entry
  }

  #grow(): void {
    const size = this.#next.length * 2
    this.#next = grown(this.#next, size)
    this.#spoke = grown(this.#spoke, size)
    this.#agent = grown(this.#agent, size)
    this.#client = grown(this.#client, size)
    const expiry = new Float64Array(size)
    expiry.set(this.#expiry)
    this.#expiry = expiry
  }

  #grownHeads(client: number, agent: number): Int32Array {
    const old = this.#heads[agent] ?? new Int32Array(0)
    const heads = new Int32Array(Math.max(4, client + 1, old.length * 2)).fill(none)
    heads.set(old)
    this.#heads[agent] = heads
    return heads
  }
}

function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(array)
  return larger
}
