/** How an agent that is silent for too long is judged. */
export type Verdict = 'dead' | 'probe'

/** Others are heard when one of them spoke within this time, milliseconds: two heartbeats and a little. */
const heardLately = 31_000

/**
 * When each agent was last heard, in one array by slot, scanned each second (Mesos contract 7.5). Silence is evidence only
 * while this master hears its own echo and some other agent; alone, the agent must also fail a direct question. Time spent
 * blind does not count: after it every agent's silence starts anew.
 */
export class Liveness {
  readonly #limit: number
  #lastHeard = new Float64Array(64)
  /** A slot that is watched has 1; one whose probe is under way has 2. */
  #watched = new Uint8Array(64)
  #slots = 0
  /** Since when this master hears; nothing before it counts. */
  #hearingSince = 0
  #blindSince: number | undefined

  /** `limit`: the silence, in milliseconds, that makes an agent unreachable. */
  constructor(limit: number) {
    this.#limit = limit
  }

  watch(slot: number, now: number): void {
    while (slot >= this.#watched.length) this.#grow()
    this.#watched[slot] = 1
    this.#lastHeard[slot] = now
    this.#slots = Math.max(this.#slots, slot + 1)
  }

  unwatch(slot: number): void {
    this.#watched[slot] = 0
  }

  heard(slot: number, now: number): void {
    this.#lastHeard[slot] = now
    if (this.#watched[slot] === 2) this.#watched[slot] = 1
  }

  /** Since when this master does not hear itself; undefined while it does. */
  get blindSince(): number | undefined {
    return this.#blindSince
  }

  /** Since when this master hears itself without a break; deadlines about others count from here at the earliest. */
  get hearingSince(): number {
    return this.#hearingSince
  }

  /** Calls back for each agent whose silence has become evidence, or could be after a probe. */
  scan(now: number, hearsItself: boolean, judge: (slot: number, verdict: Verdict) => void): void {
    if (!hearsItself) {
      this.#blindSince ??= now
      return
    }
    if (this.#blindSince !== undefined) {
      this.#blindSince = undefined
      this.#hearingSince = now
    }
    const deadline = now - this.#limit
    if (this.#hearingSince > deadline) return
    const newest = this.#newestTwo()
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#watched[slot] !== 1 || this.#lastHeard[slot]! > deadline) continue
      const other = newest.slot === slot ? newest.second : newest.first
      if (now - other <= heardLately) judge(slot, 'dead')
      else {
        this.#watched[slot] = 2
        judge(slot, 'probe')
      }
    }
  }

  /** The answer to a probe: a living agent's clock starts anew, a dead one may be judged. Answers whether it is dead. */
  probed(slot: number, alive: boolean, now: number): boolean {
    if (this.#watched[slot] !== 2) return false
    this.#watched[slot] = 1
    if (alive) this.#lastHeard[slot] = now
    return !alive
  }

  #newestTwo(): { slot: number; first: number; second: number } {
    const newest = { slot: -1, first: -Infinity, second: -Infinity }
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#watched[slot] === 0) continue
      const heard = this.#lastHeard[slot]!
      if (heard > newest.first) {
        newest.second = newest.first
        newest.first = heard
        newest.slot = slot
      } else if (heard > newest.second) newest.second = heard
    }
    return newest
  }

  #grow(): void {
    const lastHeard = new Float64Array(this.#lastHeard.length * 2)
    lastHeard.set(this.#lastHeard)
    this.#lastHeard = lastHeard
    const watched = new Uint8Array(this.#watched.length * 2)
    watched.set(this.#watched)
    this.#watched = watched
  }
}
