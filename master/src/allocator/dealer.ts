import type { HeartConfig } from '../state/config.ts'
import type { Agenda, Visits } from './agenda.ts'
import { type Ineligibility, ineligible } from './eligibility.ts'
import { type AgentBook, type Allocation, type Client, type RoleBook, setPending } from './model.ts'
import type { Queues } from './queues.ts'
import type { Quotas } from './quotas.ts'
import type { Refusals } from './refusals.ts'
import type { Shuffler } from './shuffle.ts'
import { Free, nothingFree, type View } from './view.ts'

export type Withholding = Ineligibility | 'NOTHING_FREE' | 'TOO_SMALL' | 'FILTERED' | 'OFFERS_OUTSTANDING'

type Config = Pick<HeartConfig, 'minAllocatable' | 'maxOutstandingOffers'>

/**
 * One cycle (Mesos contract 5.3): gives what is free on agents to those who stand in the queues. First, where there are any, to
 * roles whose guarantee is not met; then to all, by fair share. An offer holds everything that its framework can be given of the agent.
 */
export class Dealer {
  readonly #config: Config
  readonly #queues: Queues
  readonly #quotas: Quotas
  readonly #refusals: Refusals
  readonly #agenda: Agenda
  readonly #shuffler: Shuffler
  // What the visit under way is about: fields, since a cycle makes millions of them.
  #agent!: AgentBook
  #view!: View
  #isWhole = true
  #stage: 'guarantees' | 'fair' = 'fair'
  #allocations: Allocation[] = []
  /** Where allocations are by client and agent, while there may be two of one. */
  readonly #indexes = new Map<string, number>()
  /** Agents of which a shared volume was given. */
  readonly #sharers = new Set<AgentBook>()

  constructor(config: Config, queues: Queues, quotas: Quotas, refusals: Refusals, agenda: Agenda, shuffler: Shuffler) {
    this.#config = config
    this.#queues = queues
    this.#quotas = quotas
    this.#refusals = refusals
    this.#agenda = agenda
    this.#shuffler = shuffler
  }

  /** One round after the other; what is visited in a round may depend on the one before. */
  deal(rounds: Iterable<Visits>): Allocation[] {
    this.#allocations = []
    for (const visits of rounds) this.#round(visits)
    this.#indexes.clear()
    for (const agent of this.#sharers) agent.free = freeOn(agent)
    this.#sharers.clear()
    return this.#allocations
  }

  #round({ agents, isWhole }: Visits): void {
    for (const agent of agents) agent.lastFree = agent.free
    if (this.#quotas.hasGuarantees) {
      this.#stage = 'guarantees'
      for (const agent of this.#shuffler.shuffle(agents)) this.#visit(agent, isWhole(agent))
    }
    this.#stage = 'fair'
    for (const agent of this.#shuffler.shuffle(agents)) this.#visit(agent, isWhole(agent))
  }

  /** Why a client gets nothing of a view of an agent, or undefined when it is to have it. */
  withholds(agent: AgentBook, client: Client, view: View): Withholding | undefined {
    const unfit = ineligible(agent, client)
    if (unfit) return unfit
    const seen = view.visibleTo(client.capabilities)
    if (seen.isEmpty) return 'NOTHING_FREE'
    if (!seen.isEnough(client.minimum)) return 'TOO_SMALL'
    if (this.#refusals.covers(client.number, agent.slot, seen)) return 'FILTERED'
    const { blocked, outstandingOffers } = client.framework
    return blocked || outstandingOffers >= this.#config.maxOutstandingOffers ? 'OFFERS_OUTSTANDING' : undefined
  }

  #visit(agent: AgentBook, isWhole: boolean): void {
    const few = isWhole ? this.#undecided(agent) : undefined
    this.#agent = agent
    this.#isWhole = isWhole && few === undefined
    for (const client of few ?? []) setPending(client, true)
    this.#queues.roles.walk(this.#visitRole)
    for (const client of few ?? []) setPending(client, false)
  }

  /**
   * Who is to be asked about an agent, when that is few: most have refused exactly what is free, and would be asked in vain. What is cut
   * out of it by a quota or a capability they have refused with it.
   */
  #undecided({ slot, free }: AgentBook): Client[] | undefined {
    const { mark } = free.whole
    const { numbers } = this.#queues
    if (mark === 0) return undefined
    const undecided = this.#refusals.undecided(slot, mark, numbers)
    if (undecided.length * 4 > numbers) return undefined
    return undecided
      .map(number => this.#queues.client(number))
      .filter(client => client !== undefined)
      .filter(({ pending, suppressed, framework }) => !pending && !suppressed && framework.active)
  }

  /** Answers whether there is nothing left for anybody. */
  readonly #visitRole = (role: RoleBook): boolean => {
    const { free } = this.#agent
    if (free.isEmpty) return true
    if (this.#queues.oneMinimum && !free.whole.isEnough(this.#config.minAllocatable)) return true
    if (!this.#isWhole && role.pending === 0) return false
    if (this.#stage === 'guarantees' && !this.#quotas.isUnsatisfied(role.top)) return false
    if (this.#look(role)) role.members.walk(this.#visitClient)
    return false
  }

  /** Notes what the role may have of the agent, and answers whether that is anything. */
  #look(role: RoleBook): boolean {
    const view = this.#agent.free.for(role.name)
    const may = this.#quotas.isEmpty ? view : this.#within(role.top, view)
    if (!may || may.isEmpty) return false
    this.#view = may
    return true
  }

  #within(top: string, view: View): View | undefined {
    if (this.#stage === 'guarantees') return this.#quotas.guaranteed(top, view)
    const may = this.#quotas.fair(top, view)
    if (may !== view) this.#agenda.withheld(this.#agent)
    return may
  }

  /** Answers whether there is nothing left for the role. */
  readonly #visitClient = (client: Client): boolean => {
    if (!this.#isWhole && !client.pending) return false
    const reason = this.withholds(this.#agent, client, this.#view)
    if (reason === undefined) {
      this.#give(client, this.#view.visibleTo(client.capabilities))
      return !this.#look(client.role)
    }
    if (reason === 'OFFERS_OUTSTANDING') this.#agenda.waits(this.#agent, client.framework)
    return false
  }

  #give(client: Client, given: View): void {
    const agent = this.#agent
    take(agent, given)
    this.#queues.give(agent.id, client, given)
    if (this.#quotas.hasGuarantees) this.#quotas.taken(given.plain)
    if (given.isShared) this.#shared(agent, given)
    this.#note(client, given)
    client.framework.waiting.delete(agent)
  }

  #note(client: Client, given: View): void {
    const { framework, role } = client
    const resources = given.resources.allocateTo(role.name)
    if (this.#quotas.hasGuarantees) {
      const key = `${client.number} ${this.#agent.slot}`
      const index = this.#indexes.get(key)
      if (index !== undefined) {
        const before = this.#allocations[index]!
        this.#allocations[index] = { ...before, resources: before.resources.plus(resources) }
        return
      }
      this.#indexes.set(key, this.#allocations.length)
    }
    framework.outstandingOffers++
    this.#allocations.push({ frameworkId: framework.id, agentId: this.#agent.id, role: role.name, resources })
  }

  /** A shared volume goes to one framework a cycle: the next one looks whether others want it too (Mesos contract 5.3.7). */
  #shared(agent: AgentBook, given: View): void {
    this.#sharers.add(agent)
    if (!given.resources.nonShared().isEmpty) this.#agenda.changed(agent)
  }
}

/** Takes what was given out of what is free. */
function take(agent: AgentBook, { resources }: View): void {
  agent.allocated = agent.allocated.plus(resources)
  const rest = agent.free.resources.minus(resources)
  agent.free = rest.isEmpty ? nothingFree : new Free(rest)
}

/** What can be given of an agent. What comes back whole is known already, with all that was found out about it. */
export function freeOn({ total, allocated, lastFree }: AgentBook): Free {
  const rest = total.minus(allocated.nonShared())
  if (rest.isEmpty) return nothingFree
  return rest.equals(lastFree.resources) ? lastFree : new Free(rest)
}
