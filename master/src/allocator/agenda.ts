import type { AgentBook, Client, FrameworkBook } from './model.ts'

/** What a cycle is to look at. */
export interface Visits {
  readonly agents: AgentBook[]
  /** Whether everybody is asked, or only the clients that are pending. */
  readonly isWhole: (agent: AgentBook) => boolean
  /** Those clients. */
  readonly clients: readonly Client[]
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
    client.pending = true
    client.role.pending++
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

  /** What is to be visited now, of `agents`, which are all there are; the agenda is empty then. */
  take(agents: Iterable<AgentBook>, maxOutstanding: number): Visits {
    for (const framework of this.#waiting) this.#serve(framework, maxOutstanding)
    const changed = this.#changed
    const clients = this.#pending
    const all = this.#all
    this.#changed = new Set()
    this.#pending = []
    this.#all = false
    const visited = all || clients.length > 0 ? agents : changed
    const open: AgentBook[] = []
    for (const agent of visited) if (agent.active && agent.listed && !agent.free.isEmpty) open.push(agent)
    return { agents: open, isWhole: all ? () => true : agent => changed.has(agent), clients }
  }

  /** A framework that takes offers again is asked for as many of its agents as it may have offers. */
  #serve(framework: FrameworkBook, maxOutstanding: number): void {
    if (framework.blocked) return
    let room = maxOutstanding - framework.outstandingOffers
    for (const agent of framework.waiting) {
      if (room-- <= 0) return
      framework.waiting.delete(agent)
      this.#changed.add(agent)
    }
    this.#waiting.delete(framework)
  }
}
