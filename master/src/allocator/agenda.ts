import { type AgentBook, type Client, type FrameworkBook, setPending } from './model.ts'

/** Agents to be visited, and whether everybody is asked there, or only the clients that are pending. */
export interface Visits {
  readonly agents: AgentBook[]
  readonly isWhole: (agent: AgentBook) => boolean
}

/**
 * What changed since the last cycle: of agents everything, of clients what they are to every agent. Who is not on it had said no to
 * what is free, and would again.
 */
export class Agenda {
  #changed = new Set<AgentBook>()
  #pending: Client[] = []
  #all = false
  /** Where a quota withheld something. */
  readonly #withheld = new Set<AgentBook>()
  #withheldAt = 0
  /** Frameworks with agents waiting for them. */
  readonly #waiting = new Set<FrameworkBook>()

  changed(agent: AgentBook): void {
    this.#changed.add(agent)
  }

  /** Everything there is. */
  everything(): void {
    this.#all = true
  }

  /** A client may take what it did not before. */
  wants(client: Client): void {
    if (client.pending) return
    setPending(client, true)
    this.#pending.push(client)
  }

  withheld(agent: AgentBook): void {
    this.#withheld.add(agent)
  }

  /** An agent is kept for a framework until that takes offers again. */
  waits(agent: AgentBook, framework: FrameworkBook): void {
    framework.waiting.add(agent)
    this.#waiting.add(framework)
  }

  forget(agent: AgentBook): void {
    this.#changed.delete(agent)
    this.#withheld.delete(agent)
    for (const { waiting } of this.#waiting) waiting.delete(agent)
  }

  forgetFramework(framework: FrameworkBook): void {
    this.#waiting.delete(framework)
  }

  /** Where a quota withheld something is looked at again, when by the quotas' `version` there may be more. */
  reviewWithheld(version: number): void {
    if (version === this.#withheldAt) return
    this.#withheldAt = version
    for (const agent of this.#withheld) this.#changed.add(agent)
    this.#withheld.clear()
  }

  /**
   * What is to be visited in a cycle, of `agents`, which are all there are. First what changed; then, as long as frameworks take more
   * than they were given, what waits for them. The agenda is empty then.
   */
  *rounds(agents: Iterable<AgentBook>, maxOutstanding: number): Generator<Visits> {
    const changed = this.#changed
    const pending = this.#pending
    const all = this.#all
    this.#changed = new Set()
    this.#pending = []
    this.#all = false
    const visited = all || pending.length > 0 ? agents : changed
    yield { agents: [...visited].filter(canGive), isWhole: all ? () => true : agent => changed.has(agent) }
    for (const client of pending) setPending(client, false)
    for (;;) {
      const served = this.#serve(maxOutstanding)
      if (served.length === 0) return
      yield { agents: served, isWhole: () => true }
    }
  }

  /** Each framework that takes offers again is asked for as many of its agents as it may have offers. What has nothing now comes by itself. */
  #serve(maxOutstanding: number): AgentBook[] {
    const served = new Set<AgentBook>()
    for (const framework of this.#waiting) {
      if (framework.blocked) continue
      let room = maxOutstanding - framework.outstandingOffers
      for (const agent of framework.waiting) {
        if (room <= 0) break
        framework.waiting.delete(agent)
        if (!canGive(agent)) continue
        served.add(agent)
        room--
      }
      if (framework.waiting.size === 0) this.#waiting.delete(framework)
    }
    return [...served]
  }
}

const canGive = ({ active, listed, free }: AgentBook): boolean => active && listed && !free.isEmpty
