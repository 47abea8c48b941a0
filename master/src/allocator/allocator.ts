import { Resources } from '@meseta/common/resources/resources'
import type { HeartConfig } from '../state/config.ts'
import { Agenda } from './agenda.ts'
import { AgentBooks } from './agent-books.ts'
import { Dealer } from './dealer.ts'
import { Explainer } from './explainer.ts'
import { FrameworkBooks } from './framework-books.ts'
import type { AgentBook, AgentFacts, Allocation, Client, FrameworkFacts, Holder, Quota } from './model.ts'
import { type Quantities, Totals } from './quantities.ts'
import { Queues } from './queues.ts'
import { Quotas } from './quotas.ts'
import type { RoleExplanation, World } from './reasons.ts'
import { Refusals } from './refusals.ts'
import { Shuffler } from './shuffle.ts'
import { View } from './view.ts'

export type { Allocation, Quota } from './model.ts'

export type AllocatorConfig = Pick<
  HeartConfig,
  | 'seed'
  | 'allocationInterval'
  | 'minAllocatable'
  | 'filterGpuResources'
  | 'excludedFromSharing'
  | 'weights'
  | 'domain'
  | 'maxOutstandingOffers'
  | 'roleSorter'
  | 'frameworkSorter'
>

/**
 * Who is offered what (Mesos contract 5): hierarchical DRF over roles, DRF over the frameworks of a role, quotas, coarse-grained
 * offers, refusals by agent. It counts every allocation itself, so that no resource is ever given twice. This is where all that
 * changes comes in; `Agenda` keeps what a cycle must look at, `Dealer` deals it out.
 */
export class Allocator {
  readonly #config: AllocatorConfig
  readonly #totals = new Totals()
  readonly #quotas = new Quotas()
  readonly #refusals = new Refusals()
  readonly #agenda = new Agenda()
  readonly #queues: Queues
  readonly #agents: AgentBooks
  readonly #frameworks: FrameworkBooks
  readonly #dealer: Dealer
  #paused = false
  #tick = 0
  #runs = 0

  constructor(config: AllocatorConfig) {
    this.#config = config
    const shuffler = new Shuffler(config.seed)
    this.#queues = new Queues(config, this.#totals, this.#quotas, shuffler)
    this.#queues.roles.setWeights(config.weights)
    this.#agents = new AgentBooks(config, this.#totals, this.#quotas, this.#queues, this.#refusals, this.#agenda)
    this.#frameworks = new FrameworkBooks(this.#queues, this.#refusals, this.#agenda)
    this.#dealer = new Dealer(config, this.#queues, this.#quotas, this.#refusals, this.#agenda, shuffler)
  }

  /** How many cycles there were. */
  get runs(): number {
    return this.#runs
  }

  addAgent(id: string, facts: AgentFacts): void {
    this.#agents.add(id, facts)
  }

  /** Forgets an agent; what is still allocated there must have been recovered before. */
  removeAgent(id: string): void {
    const agent = this.#agents.get(id)
    if (agent) this.#agents.remove(agent)
  }

  updateAgent(id: string, facts: AgentFacts): void {
    const agent = this.#agents.get(id)
    if (agent) this.#agents.update(agent, facts)
  }

  /** An inactive agent is offered to nobody. */
  setAgentActive(id: string, active: boolean): void {
    const agent = this.#agents.get(id)
    if (!agent || agent.active === active) return
    this.#agents.change(agent, () => {
      agent.active = active
    })
  }

  /** Only agents of these hostnames are offered; undefined: all. */
  setWhitelist(hostnames: Iterable<string> | undefined): void {
    this.#agents.setWhitelist(hostnames)
  }

  /** Replaces all weights. */
  setWeights(weights: ReadonlyMap<string, number>): void {
    this.#queues.roles.setWeights(weights)
  }

  /** Replaces all quotas, by top-level role. */
  setQuotas(quotas: ReadonlyMap<string, Quota>): void {
    this.#quotas.set(quotas, this.#agents.plain())
    this.#agenda.everything()
  }

  /** What a top-level role and all below it consume of their quota: reservations, and what is allocated besides. */
  quotaConsumption(role: string): Quantities {
    return this.#quotas.consumption(role)
  }

  /** What all agents have together. */
  clusterQuantities(): Quantities {
    return this.#totals.amounts
  }

  /** While paused nobody is offered anything; what changes meanwhile is not forgotten. */
  setPaused(paused: boolean): void {
    this.#paused = paused
  }

  addFramework(id: string, facts: FrameworkFacts): void {
    this.#frameworks.add(id, facts)
  }

  /** Forgets a framework and its refusals; what it holds must have been recovered before. */
  removeFramework(id: string): void {
    this.#frameworks.remove(id)
  }

  /** New description, roles, suppression or constraints. */
  updateFramework(id: string, facts: FrameworkFacts): void {
    this.#frameworks.update(id, facts)
  }

  activateFramework(id: string): void {
    this.#frameworks.setActive(id, true)
  }

  /** What it refused goes with it: whoever subscribes next need not know of it. */
  deactivateFramework(id: string): void {
    this.#frameworks.setActive(id, false)
  }

  /** A framework that does not drain its stream gets no offers until it does. */
  setBlocked(id: string, blocked: boolean): void {
    const framework = this.#frameworks.get(id)
    if (framework) framework.blocked = blocked
  }

  suppress(id: string, roles: readonly string[]): void {
    this.#frameworks.suppress(id, roles)
  }

  /** Ends suppression and refusals in these roles. */
  revive(id: string, roles: readonly string[]): void {
    this.#frameworks.revive(id, roles)
  }

  /** Books what is already in use, when an agent (re-)registers with tasks. The role need not be one of the framework's any more. */
  occupy(frameworkId: string, agentId: string, role: string, resources: Resources): void {
    const agent = this.#agents.get(agentId)
    const framework = this.#frameworks.get(frameworkId)
    if (!agent || !framework || resources.isEmpty) return
    const held = new View(resources.unallocated())
    this.#agents.change(agent, () => {
      agent.allocated = agent.allocated.plus(held.resources)
      this.#queues.give(agent.id, this.#frameworks.holderIn(framework, role), held)
    })
  }

  /** Takes back what a framework held in a role on an agent, and notes a refusal of so many seconds. */
  recover(frameworkId: string, agentId: string, role: string, resources: Resources, refuseSeconds?: number): void {
    if (resources.isEmpty) return
    const agent = this.#agents.get(agentId)
    const client = this.#frameworks.get(frameworkId)?.clients.get(role)
    const bag = resources.unallocated()
    this.#queues.take(agentId, { frameworkId, role }, viewOf(bag, agent, client))
    if (agent)
      this.#agents.change(agent, () => {
        agent.allocated = agent.allocated.minus(bag)
      })
    if (!client) return
    if (agent && refuseSeconds) this.#refuse(client, agent, bag, refuseSeconds)
    this.#frameworks.leaveIfIdle(client)
  }

  /** A refusal lasts at least one interval, and ends only after a following tick. */
  #refuse(client: Client, agent: AgentBook, bag: Resources, seconds: number): void {
    const ticks = Math.max(1, Math.ceil((seconds * 1000) / this.#config.allocationInterval))
    const all = agent.free.for(client.role.name).visibleTo(client.capabilities)
    const isAll = all.resources.equals(bag)
    // What is the same object is seen to be the same at once.
    const refused = isAll ? all.resources : bag
    this.#refusals.add(client.number, agent.slot, refused, this.#tick + ticks + 1, isAll ? all : undefined)
  }

  /**
   * An operation changed an agent's resources (Mesos contract 6.7). Both bags are without their allocation; what is consumed must be
   * there. `holder`: who has them, offered or accepted, and has what they became. A shared volume that is there already is held once more.
   */
  convert(agentId: string, consumed: Resources, converted: Resources, holder?: Holder): void {
    const agent = this.#agents.get(agentId)
    if (!agent) return
    this.#agents.change(agent, () => {
      const rest = agent.total.minus(consumed)
      this.#agents.setTotal(agent, rest.plus(converted.nonShared()).plus(converted.shared().minus(rest)))
      if (!holder) return
      agent.allocated = agent.allocated.minus(consumed).plus(converted)
      this.#queues.change(agentId, holder, consumed, converted)
    })
  }

  /** The next cycle visits the agent, whatever changed there. */
  touch(agentId: string): void {
    const agent = this.#agents.get(agentId)
    if (agent) this.#agenda.changed(agent)
  }

  /** An offer of a framework is no longer outstanding. */
  offerClosed(frameworkId: string): void {
    const framework = this.#frameworks.get(frameworkId)
    if (framework) framework.outstandingOffers--
  }

  /** A tick of the allocation interval: refusals end, what quotas withheld is looked at again, then a cycle. */
  tick(): Allocation[] {
    this.#tick++
    this.#refusals.advance(this.#tick, slot => {
      const agent = this.#agents.inSlot(slot)
      if (agent) this.#agenda.changed(agent)
    })
    this.#agenda.reviewWithheld(this.#quotas.version)
    return this.cycle()
  }

  /** Allocates what is free where something changed. Each allocation becomes one offer. */
  cycle(): Allocation[] {
    if (this.#paused) return []
    this.#runs++
    return this.#dealer.deal(this.#agenda.rounds(this.#agents.all(), this.#config.maxOutstandingOffers))
  }

  /** What is free on an agent; for reports and tests. */
  available(agentId: string): Resources {
    return this.#agents.get(agentId)?.free.resources ?? Resources.empty
  }

  /** What is offered or in use on an agent; for reports and tests. */
  allocated(agentId: string): Resources {
    return this.#agents.get(agentId)?.allocated ?? Resources.empty
  }

  /** The dominant share of a role, and how many refusals its frameworks have in force; for metrics. */
  *roleMetrics(): Iterable<{ role: string; share: number; refusals: number }> {
    for (const { name, members } of this.#queues) {
      let refusals = 0
      for (const { number } of members) refusals += this.#refusals.count(number)
      yield { role: name, share: this.#queues.roles.share(name), refusals }
    }
  }

  /** Each quota beside what is consumed of it; for metrics. */
  *quotaMetrics(): Iterable<Quota & { role: string; consumed: Quantities }> {
    for (const [role, quota] of this.#quotas) yield { role, ...quota, consumed: this.#quotas.consumption(role) }
  }

  /**
   * Why a framework has been offered what it has, in each of its roles: by groups of agents, or of one agent. Undefined: there is no such
   * framework, and an empty list: it has no such role, or there is no such agent. It is made in parts, for whoever must not wait so long.
   */
  *explain(
    frameworkId: string,
    world: World,
    { role, agentId }: { readonly role?: string | undefined; readonly agentId?: string | undefined } = {},
  ): Generator<void, RoleExplanation[] | undefined> {
    const framework = this.#frameworks.get(frameworkId)
    if (!framework) return undefined
    const agent = agentId === undefined ? undefined : this.#agents.get(agentId)
    if (agentId !== undefined && !agent) return []
    const books = { queues: this.#queues, quotas: this.#quotas, refusals: this.#refusals, dealer: this.#dealer }
    const explainer = new Explainer(this.#config, books, world, { tick: this.#tick, isPaused: this.#paused })
    const explained: RoleExplanation[] = []
    for (const client of [...framework.clients.values()])
      if (role === undefined || client.role.name === role)
        explained.push(yield* explainer.explain(client, this.#agents.all(), agent))
    return explained
  }
}

/** What is known already of a bag that comes back as it was offered. */
function viewOf(bag: Resources, agent: AgentBook | undefined, client: Client | undefined): View {
  if (!agent || !client) return new View(bag)
  const offered = agent.lastFree.for(client.role.name).visibleTo(client.capabilities)
  return offered.resources === bag ? offered : new View(bag)
}
