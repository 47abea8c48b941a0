/** How long what a new leader has not yet spoken of stays: its agents have this long to come back (discovery contract 2.3). */
export const failoverGrace = 10 * 60_000
/** After its agent came back, a task that is still not there has this long to appear. */
export const agentGrace = 10_000

/** What a reader of the master's feed keeps: agents, frameworks and tasks, by key. */
export type Kept = 'agent' | 'framework' | 'task'

interface Entry {
  readonly kind: Kept
  readonly agent: string | undefined
  /** The current leader has spoken of it. */
  fresh: boolean
}

/** A key that has outlived its grace. */
export interface Expired {
  readonly kind: Kept
  readonly key: string
}

/**
 * Decides what of the last known state survives when the master's feed begins anew. Pure: time is a parameter (monotonic ms).
 *
 * The same leader's snapshot is complete: what it lacks is gone. Another leader knows its agents and tasks only as they come
 * back to it, so what it lacks is kept: tasks until ten seconds after their agent returned, everything else for ten minutes.
 * Blindness is not death: while no snapshot is complete, nothing expires at all.
 */
export class Retention {
  readonly #entries = new Map<string, Entry>()
  readonly #returned = new Map<string, number>()
  #leader: string | undefined
  #snapshotLeader: string | undefined
  #stale = 0
  #syncedAt: number | undefined
  #failover = false

  /** Number of entries that the current leader has not spoken of. */
  get stale(): number {
    return this.#stale
  }

  /** The feed begins anew: everything is in doubt. */
  reset(): void {
    for (const entry of this.#entries.values()) entry.fresh = false
    this.#stale = this.#entries.size
    this.#returned.clear()
    this.#syncedAt = undefined
    this.#snapshotLeader = undefined
  }

  /** The master says who leads: an identity that differs with each leader and each start. */
  leader(identity: string): void {
    this.#snapshotLeader = identity
  }

  put(kind: Kept, key: string, agent: string | undefined, now: number): void {
    const full = `${kind}:${key}`
    const known = this.#entries.get(full)
    if (known !== undefined && !known.fresh) this.#stale -= 1
    this.#entries.set(full, { kind, agent, fresh: true })
    if (kind === 'agent' && !this.#returned.has(key)) this.#returned.set(key, now)
  }

  /**
   * The key is gone, or the new snapshot lacks it: before `synced` that says nothing yet of what the new leader has not spoken of.
   * Answers whether to forget it now; if not, `expire` will say so.
   */
  del(kind: Kept, key: string): boolean {
    const full = `${kind}:${key}`
    const known = this.#entries.get(full)
    if (known !== undefined && !known.fresh) {
      if (this.#syncedAt === undefined) return false
      this.#stale -= 1
    }
    this.#entries.delete(full)
    if (kind === 'agent') this.#returned.delete(key)
    return true
  }

  /** The snapshot is complete. */
  synced(now: number): void {
    this.#failover = this.#leader !== undefined && this.#snapshotLeader !== this.#leader
    this.#leader = this.#snapshotLeader
    this.#syncedAt = now
  }

  /** Forgets and answers what has outlived its grace. Costs nothing when nothing is stale. */
  expire(now: number): Expired[] {
    if (this.#stale === 0 || this.#syncedAt === undefined) return []
    const gone: Expired[] = []
    for (const [full, entry] of this.#entries) {
      if (entry.fresh || !this.#isOver(entry, now)) continue
      this.#entries.delete(full)
      gone.push({ kind: entry.kind, key: full.slice(entry.kind.length + 1) })
    }
    this.#stale -= gone.length
    return gone
  }

  #isOver(entry: Entry, now: number): boolean {
    const synced = this.#syncedAt
    if (synced === undefined) return false
    if (!this.#failover || now - synced >= failoverGrace + agentGrace) return true
    if (entry.kind !== 'task' || entry.agent === undefined) return false
    const returned = this.#returned.get(entry.agent)
    return returned !== undefined && now - Math.max(returned, synced) >= agentGrace
  }
}
