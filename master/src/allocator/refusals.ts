import type { Resources } from '@meseta/common/resources/resources'

const none = -1
/** Buckets of the expiry wheel; a refusal further away than one turn is looked at once a turn. */
const spokes = 1024

/** What is to be offered of an agent. */
export interface Offerable {
  readonly resources: Resources
  /** Its number among those of its agent that were ever found refused; 0: none yet. */
  mark: number
}

/**
 * What frameworks refused, by client (a framework in a role) and agent slot, with the tick at which each refusal ends
 * (Mesos contract 5.3.6). Refusals live in columns of one growing table, chained by number: no timer and no object each.
 * Adding costs one chain, a tick costs what ends in it.
 */
export class Refusals {
  /**
   * By agent slot, since a cycle asks for all clients of one agent; two cells a client: its first refusal, and the mark of what was
   * last found refused. The second spares looking again, until a refusal goes.
   */
  readonly #rows: (Int32Array | undefined)[] = []
  /** The last mark by agent slot; never one twice, whoever has the slot. */
  readonly #marks: number[] = []
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
   * `all`: what is free there, when `resources` are just that.
   */
  add(client: number, agent: number, resources: Resources, expiry: number, all?: Offerable): void {
    let row = this.#rows[agent]
    if (!row || 2 * client >= row.length) row = this.#grownRow(client, agent)
    const end = Math.max(expiry, this.#tick + 1)
    this.#dropSmaller(row[2 * client]!, resources, end)
    const entry = this.#take()
    this.#resources[entry] = resources
    this.#expiry[entry] = end
    this.#agent[entry] = agent
    this.#client[entry] = client
    this.#next[entry] = row[2 * client]!
    row[2 * client] = entry
    this.#counts[client] = (this.#counts[client] ?? 0) + 1
    this.#hang(entry)
    if (all) row[2 * client + 1] = this.#markOf(all, agent)
  }

  #dropSmaller(head: number, resources: Resources, end: number): void {
    for (let entry = head; entry !== none; entry = this.#next[entry]!) {
      if (this.#expiry[entry]! > end || !resources.contains(this.#resources[entry]!)) continue
      this.#unchain(entry)
      this.#resources[entry] = undefined
    }
  }

  /** Whether a refusal of this client covers an offer of this on this agent. */
  covers(client: number, agent: number, offered: Offerable): boolean {
    const row = this.#rows[agent]
    if (row === undefined || 2 * client >= row.length) return false
    if (row[2 * client + 1] === offered.mark && offered.mark !== 0) return true
    for (let entry = row[2 * client]!; entry !== none; entry = this.#next[entry]!) {
      if (!this.#resources[entry]!.contains(offered.resources)) continue
      row[2 * client + 1] = this.#markOf(offered, agent)
      return true
    }
    return false
  }

  /** Of the clients 0 to below `clients` those that are not known to have refused what bears this mark; by one look at a row. */
  undecided(agent: number, mark: number, clients: number): number[] {
    const row = this.#rows[agent]
    const undecided: number[] = []
    for (let client = 0; client < clients; client++)
      if (row === undefined || row[2 * client + 1] !== mark) undecided.push(client)
    return undecided
  }

  #markOf(offered: Offerable, agent: number): number {
    if (offered.mark === 0) {
      offered.mark = (this.#marks[agent] ?? 0) + 1
      this.#marks[agent] = offered.mark
    }
    return offered.mark
  }

  /** The tick at which the last refusal ends that covers such an offer, or undefined when none does. */
  until(client: number, agent: number, resources: Resources): number | undefined {
    let last: number | undefined
    const row = this.#rows[agent]
    if (row === undefined || 2 * client >= row.length) return undefined
    for (let entry = row[2 * client]!; entry !== none; entry = this.#next[entry]!) {
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
    for (const row of this.#rows) if (row && 2 * client < row.length) this.#clear(row, client)
  }

  /** Forgets all refusals on an agent. */
  clearAgent(agent: number): void {
    const row = this.#rows[agent]
    if (!row) return
    for (let client = 0; 2 * client < row.length; client++) this.#clear(row, client)
    this.#rows[agent] = undefined
  }

  /** An entry taken off its chain stays on the wheel, without resources, until its spoke comes by. */
  #clear(row: Int32Array, client: number): void {
    for (let entry = row[2 * client]!; entry !== none; entry = this.#next[entry]!) {
      this.#resources[entry] = undefined
      this.#counts[client]!--
    }
    row[2 * client] = none
    row[2 * client + 1] = 0
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
    const row = this.#rows[this.#agent[entry]!]!
    this.#counts[client]!--
    row[2 * client + 1] = 0
    if (row[2 * client] === entry) {
      row[2 * client] = this.#next[entry]!
      return
    }
    let previous = row[2 * client]!
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

  #grownRow(client: number, agent: number): Int32Array {
    const old = this.#rows[agent] ?? new Int32Array(0)
    const row = new Int32Array(Math.max(8, 2 * client + 2, old.length * 2))
    row.set(old)
    for (let cell = old.length; cell < row.length; cell += 2) row[cell] = none
    this.#rows[agent] = row
    return row
  }
}

function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(array)
  return larger
}
