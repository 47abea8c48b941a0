import { SharedKinds } from '@meseta/common/resources/kind'
import { Resources } from '@meseta/common/resources/resources'
import type { HeartConfig } from '../state/config.ts'
import { Agenda } from './agenda.ts'
import { bitsOf } from './capabilities.ts'
import { Dealer, freeOn, setPending } from './dealer.ts'
import { agentDemands } from './eligibility.ts'
import type {
  AgentBook,
  AgentFacts,
  Allocation,
  Client,
  FrameworkBook,
  FrameworkFacts,
  Holder,
  Quota,
} from './model.ts'
import { type Quantities, quantitiesOf, Totals } from './quantities.ts'
import { Queues } from './queues.ts'
import { Quotas } from './quotas.ts'
import { Refusals } from './refusals.ts'
import { Shuffler } from './shuffle.ts'
import { nothingFree, View } from './view.ts'

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
  readonly #agents = new Map<string, AgentBook>()
  readonly #agentBySlot: (AgentBook | undefined)[] = []
  readonly #frameworks = new Map<string, FrameworkBook>()
  readonly #totals = new Totals()
  readonly #quotas = new Quotas()
  readonly #refusals = new Refusals()
  readonly #agenda = new Agenda()
  readonly #kinds = new SharedKinds()
  readonly #queues: Queues
  readonly #dealer: Dealer
  #whitelist: ReadonlySet<string> | undefined
  #paused = false
  #tick = 0
  #runs = 0

  constructor(config: AllocatorConfig) {
    this.#config = config
    const shuffler = new Shuffler(config.seed)
    this.#queues = new Queues(config, this.#totals, this.#quotas, shuffler)
    this.#queues.roles.setWeights(config.weights)
    this.#dealer = new Dealer(config, this.#queues, this.#quotas, this.#refusals, this.#agenda, shuffler)
  }

  /** How many cycles there were. */
  get runs(): number {
    return this.#runs
  }

  addAgent(id: string, facts: AgentFacts): void {
    const agent: AgentBook = {
      id,
      slot: facts.slot,
      info: facts.info,
      total: Resources.empty,
      allocated: Resources.empty,
      free: nothingFree,
      lastFree: nothingFree,
      active: true,
      listed: true,
      demands: 0,
      capabilities: 0,
      region: undefined,
    }
    this.#agents.set(id, agent)
    this.#agentBySlot[facts.slot] = agent
    this.#describe(agent, facts)
  }

  /** Forgets an agent; what is still allocated there must have been recovered before. */
  removeAgent(id: string): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    this.#withdraw(agent)
    this.#setTotal(agent, Resources.empty)
    this.#refusals.clearAgent(agent.slot)
    this.#queues.forgetAdmissions(agent.slot)
    this.#agents.delete(id)
    this.#agentBySlot[agent.slot] = undefined
    this.#agenda.forget(agent)
  }

  /** A changed total alone ends no refusal; changed attributes do (Mesos contract 5.3.6). */
  updateAgent(id: string, facts: AgentFacts): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    if (JSON.stringify(agent.info.attributes) !== JSON.stringify(facts.info.attributes))
      this.#refusals.clearAgent(agent.slot)
    this.#queues.forgetAdmissions(agent.slot)
    this.#describe(agent, facts)
  }

  #describe(agent: AgentBook, facts: AgentFacts): void {
    const { domain, filterGpuResources } = this.#config
    this.#withdraw(agent)
    agent.info = facts.info
    agent.capabilities = bitsOf(facts.capabilities)
    agent.demands = agentDemands(facts, filterGpuResources, domain?.fault_domain?.region?.name)
    agent.region = facts.info.domain?.fault_domain?.region?.name
    agent.listed = this.#whitelist?.has(facts.info.hostname) ?? true
    this.#setTotal(agent, facts.total.withShared(this.#kinds))
    this.#release(agent)
  }

  #setTotal(agent: AgentBook, total: Resources): void {
    this.#totals.change(quantitiesOf(agent.total), quantitiesOf(total))
    this.#queues.reservations(agent.total, total)
    agent.total = total
  }

  /** What is free on an agent is about to change, or whether it can be offered. `#release` follows. */
  #withdraw(agent: AgentBook): void {
    if (this.#quotas.hasGuarantees && isOpen(agent)) this.#quotas.taken(agent.free.whole.plain)
  }

  #release(agent: AgentBook): void {
    agent.free = freeOn(agent)
    if (this.#quotas.hasGuarantees && isOpen(agent)) this.#quotas.freed(agent.free.whole.plain)
    this.#agenda.changed(agent)
  }

  /** An inactive agent is offered to nobody. */
  setAgentActive(id: string, active: boolean): void {
    const agent = this.#agents.get(id)
    if (!agent || agent.active === active) return
    this.#withdraw(agent)
    agent.active = active
    this.#release(agent)
  }

  /** Only agents of these hostnames are offered; undefined: all. */
  setWhitelist(hostnames: Iterable<string> | undefined): void {
    this.#whitelist = hostnames === undefined ? undefined : new Set(hostnames)
    for (const agent of this.#agents.values()) {
      this.#withdraw(agent)
      agent.listed = this.#whitelist?.has(agent.info.hostname) ?? true
      this.#release(agent)
    }
  }

  /** Replaces all weights. */
  setWeights(weights: ReadonlyMap<string, number>): void {
    this.#queues.roles.setWeights(weights)
  }

  /** Replaces all quotas, by top-level role. */
  setQuotas(quotas: ReadonlyMap<string, Quota>): void {
    const open = [...this.#agents.values()].filter(isOpen)
    this.#quotas.set(
      quotas,
      (function* () {
        for (const { free } of open) yield free.whole.plain
      })(),
    )
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
    const framework: FrameworkBook = {
      id,
      facts,
      active: false,
      blocked: false,
      outstandingOffers: 0,
      waiting: new Set(),
      clients: new Map(),
    }
    this.#frameworks.set(id, framework)
    for (const role of facts.roles) this.#queues.join(framework, role)
  }

  /** Forgets a framework and its refusals; what it holds must have been recovered before. */
  removeFramework(id: string): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    for (const client of [...framework.clients.values()]) {
      this.#refusals.clearClient(client.number)
      this.#queues.leave(client)
    }
    this.#frameworks.delete(id)
    this.#agenda.forgetFramework(framework)
  }

  /** New description, roles, suppression or constraints. Roles that it left stay in the books while it holds something there. */
  updateFramework(id: string, facts: FrameworkFacts): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    framework.facts = facts
    for (const role of facts.roles) this.#queues.join(framework, role)
    for (const client of [...framework.clients.values()]) {
      client.isLeaving = !facts.roles.includes(client.role.name)
      if (client.isLeaving && this.#leaveIfIdle(client)) continue
      client.suppressed = client.isLeaving || facts.suppressed.has(client.role.name)
      this.#queues.describe(client)
      this.#queues.refresh(client)
      this.#agenda.wants(client)
    }
  }

  activateFramework(id: string): void {
    this.#setFrameworkActive(id, true)
  }

  /** What it refused goes with it: whoever subscribes next need not know of it. */
  deactivateFramework(id: string): void {
    this.#setFrameworkActive(id, false)
    for (const { number } of this.#frameworks.get(id)?.clients.values() ?? []) this.#refusals.clearClient(number)
  }

  #setFrameworkActive(id: string, active: boolean): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    framework.active = active
    framework.blocked = false
    for (const client of framework.clients.values()) {
      this.#queues.refresh(client)
      if (active) this.#agenda.wants(client)
    }
  }

  /** A framework that does not drain its stream gets no offers until it does. */
  setBlocked(id: string, blocked: boolean): void {
    const framework = this.#frameworks.get(id)
    if (framework) framework.blocked = blocked
  }

  suppress(id: string, roles: readonly string[]): void {
    this.#setSuppressed(id, roles, true)
  }

  /** Ends suppression and refusals in these roles. */
  revive(id: string, roles: readonly string[]): void {
    for (const client of this.#setSuppressed(id, roles, false)) {
      this.#refusals.clearClient(client.number)
      this.#agenda.wants(client)
    }
  }

  #setSuppressed(id: string, roles: readonly string[], suppressed: boolean) {
    const clients = this.#frameworks.get(id)?.clients
    const known = roles.map(role => clients?.get(role)).filter(client => client !== undefined)
    for (const client of known) {
      client.suppressed = suppressed
      this.#queues.refresh(client)
    }
    return known
  }

  /** Books what is already in use, when an agent (re-)registers with tasks. The role need not be one of the framework's any more. */
  occupy(frameworkId: string, agentId: string, role: string, resources: Resources): void {
    const agent = this.#agents.get(agentId)
    const framework = this.#frameworks.get(frameworkId)
    if (!agent || !framework || resources.isEmpty) return
    const client = this.#queues.join(framework, role)
    client.isLeaving = !framework.facts.roles.includes(role)
    if (client.isLeaving) client.suppressed = true
    this.#withdraw(agent)
    const held = new View(resources.unallocated())
    agent.allocated = agent.allocated.plus(held.resources)
    this.#queues.give(agent.id, client, held)
    this.#release(agent)
  }

  /** Takes back what a framework held in a role on an agent, and notes a refusal of so many seconds. */
  recover(frameworkId: string, agentId: string, role: string, resources: Resources, refuseSeconds?: number): void {
    if (resources.isEmpty) return
    const agent = this.#agents.get(agentId)
    const framework = this.#frameworks.get(frameworkId)
    const client = framework?.clients.get(role)
    const bag = resources.unallocated()
    this.#queues.take(agentId, { frameworkId, role }, viewOf(bag, agent, client))
    if (agent) {
      this.#withdraw(agent)
      agent.allocated = agent.allocated.minus(bag)
      this.#release(agent)
    }
    if (!framework || !client) return
    if (agent && refuseSeconds) this.#refuse(client, agent, bag, refuseSeconds)
    if (client.isLeaving) this.#leaveIfIdle(client)
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

  /** Takes a framework out of a role that it has left, once it holds nothing there. */
  #leaveIfIdle(client: Client): boolean {
    if (!this.#queues.holdsNothing(client)) return false
    this.#refusals.clearClient(client.number)
    this.#queues.leave(client)
    return true
  }

  /**
   * An operation changed an agent's resources (Mesos contract 6.7). Both bags are without their allocation; what is consumed must be
   * there. `holder`: who has them, offered or accepted, and has what they became. A shared volume that is there already is held once more.
   */
  convert(agentId: string, consumed: Resources, converted: Resources, holder?: Holder): void {
    const agent = this.#agents.get(agentId)
    if (!agent) return
    this.#withdraw(agent)
    const rest = agent.total.minus(consumed)
    this.#setTotal(agent, rest.plus(converted.filter(({ shared }) => !shared)).plus(converted.shared().minus(rest)))
    if (holder) {
      agent.allocated = agent.allocated.minus(consumed).plus(converted)
      this.#queues.change(agentId, holder, consumed, converted)
    }
    this.#release(agent)
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
      const agent = this.#agentBySlot[slot]
      if (agent) this.#agenda.changed(agent)
    })
    this.#agenda.reviewWithheld(this.#quotas.version)
    return this.cycle()
  }

  /** Allocates what is free where something changed. Each allocation becomes one offer. */
  cycle(): Allocation[] {
    if (this.#paused) return []
    this.#runs++
    const visits = this.#agenda.take(this.#agents.values(), this.#config.maxOutstandingOffers)
    const allocations = this.#dealer.deal(visits)
    for (const client of visits.clients) setPending(client, false)
    return allocations
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
      if (members.size > 0)
        for (const { clients } of this.#frameworks.values()) {
          const client = clients.get(name)
          if (client) refusals += this.#refusals.count(client.number)
        }
      yield { role: name, share: this.#queues.roles.share(name), refusals }
    }
  }

  /** Each quota beside what is consumed of it; for metrics. */
  *quotaMetrics(): Iterable<Quota & { role: string; consumed: Quantities }> {
    for (const [role, quota] of this.#quotas) yield { role, ...quota, consumed: this.#quotas.consumption(role) }
  }
}

/** What is known already of a bag that comes back as it was offered. */
function viewOf(bag: Resources, agent: AgentBook | undefined, client: Client | undefined): View {
  if (!agent || !client) return new View(bag)
  const offered = agent.lastFree.for(client.role.name).visibleTo(client.capabilities)
  return offered.resources === bag ? offered : new View(bag)
}

const isOpen = ({ active, listed }: AgentBook): boolean => active && listed
