import { Resources } from '@meseta/common/resources/resources'
import type { HeartConfig } from '../state/config.ts'
import { admits } from './constraints.ts'
import {
  type AgentBook,
  type AgentFacts,
  type Allocation,
  type Client,
  type FrameworkBook,
  type FrameworkFacts,
  type Holder,
  isAllocatable,
  minimumOf,
} from './model.ts'
import { quantitiesOf } from './quantities.ts'
import { Refusals } from './refusals.ts'
import { isAncestor } from './roles.ts'
import { SharedUse } from './shared-use.ts'
import { Shuffler } from './shuffle.ts'
import { type Quantities, Sorter, Totals } from './sorter.ts'

export type { Allocation } from './model.ts'

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
>

/**
 * Who is offered what (Mesos contract 5): hierarchical DRF over roles, DRF over the frameworks of a role, coarse-grained
 * offers, refusals by agent. It counts every allocation itself, so that no resource is ever given twice. A cycle visits the
 * agents where something changed since the last one. The stage of guaranteed quotas comes before `#visit`'s one when
 * there are quotas.
 */
export class Allocator {
  readonly #config: AllocatorConfig
  readonly #agents = new Map<string, AgentBook>()
  readonly #agentBySlot: (AgentBook | undefined)[] = []
  readonly #frameworks = new Map<string, FrameworkBook>()
  readonly #totals = new Totals()
  readonly #roles: Sorter
  /** By role, its frameworks. */
  readonly #members = new Map<string, Sorter>()
  readonly #refusals = new Refusals()
  readonly #sharedUse = new SharedUse()
  readonly #shuffler: Shuffler
  readonly #dirty = new Set<AgentBook>()
  readonly #freeClients: number[] = []
  #clients = 0
  #tick = 0
  #runs = 0

  constructor(config: AllocatorConfig) {
    this.#config = config
    this.#roles = new Sorter(this.#totals, { excluded: config.excludedFromSharing })
    for (const [role, weight] of config.weights) this.#roles.setWeight(role, weight)
    this.#shuffler = new Shuffler(config.seed)
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
      capabilities: new Set(facts.capabilities),
      total: facts.total,
      allocated: Resources.empty,
      available: facts.total,
      sharedGiven: Resources.empty,
      active: true,
      hasGpus: facts.total.scalar('gpus') > 0,
      region: facts.info.domain?.fault_domain?.region?.name,
    }
    this.#agents.set(id, agent)
    this.#agentBySlot[facts.slot] = agent
    this.#totals.add(quantitiesOf(facts.total))
    this.#dirty.add(agent)
  }

  /** Forgets an agent; what is still allocated there must have been recovered before. */
  removeAgent(id: string): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    this.#totals.remove(quantitiesOf(agent.total))
    this.#refusals.clearAgent(agent.slot)
    this.#agents.delete(id)
    this.#agentBySlot[agent.slot] = undefined
    this.#dirty.delete(agent)
  }

  /** A changed total alone ends no refusal; changed attributes do (Mesos contract 5.3.6). */
  updateAgent(id: string, facts: AgentFacts): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    this.#totals.remove(quantitiesOf(agent.total))
    this.#totals.add(quantitiesOf(facts.total))
    if (JSON.stringify(agent.info.attributes) !== JSON.stringify(facts.info.attributes))
      this.#refusals.clearAgent(agent.slot)
    agent.info = facts.info
    agent.capabilities = new Set(facts.capabilities)
    agent.total = facts.total
    agent.available = freeOn(agent)
    agent.hasGpus = facts.total.scalar('gpus') > 0
    agent.region = facts.info.domain?.fault_domain?.region?.name
    this.#dirty.add(agent)
  }

  /** An inactive agent is offered to nobody. */
  setAgentActive(id: string, active: boolean): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    agent.active = active
    if (active) this.#dirty.add(agent)
  }

  addFramework(id: string, facts: FrameworkFacts): void {
    const framework: FrameworkBook = {
      id,
      facts,
      active: false,
      blocked: false,
      outstandingOffers: 0,
      clients: new Map(),
    }
    this.#frameworks.set(id, framework)
    for (const role of facts.roles) this.#join(framework, role)
  }

  /** Forgets a framework and its refusals; what it holds must have been recovered before. */
  removeFramework(id: string): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    for (const client of [...framework.clients.values()]) this.#leave(framework, client)
    this.#frameworks.delete(id)
  }

  /** New description, roles, suppression or constraints. Roles that it left stay in the books while it holds something there. */
  updateFramework(id: string, facts: FrameworkFacts): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    framework.facts = facts
    for (const role of facts.roles) this.#join(framework, role)
    for (const client of [...framework.clients.values()]) {
      if (facts.roles.includes(client.role)) {
        client.suppressed = facts.suppressed.has(client.role)
        client.minimum = this.#minimum(facts, client.role)
      } else if (this.#holdsNothing(framework, client)) this.#leave(framework, client)
      else client.suppressed = true
    }
    this.#refreshActivity(framework)
    this.#everyAgent()
  }

  activateFramework(id: string): void {
    this.#setFrameworkActive(id, true)
  }

  /** What it refused goes with it: whoever subscribes next need not know of it. */
  deactivateFramework(id: string): void {
    this.#setFrameworkActive(id, false)
    for (const { number } of this.#frameworks.get(id)?.clients.values() ?? []) this.#refusals.clearClient(number)
  }

  /** A framework that does not drain its stream gets no offers until it does. */
  setBlocked(id: string, blocked: boolean): void {
    const framework = this.#frameworks.get(id)
    if (!framework || framework.blocked === blocked) return
    framework.blocked = blocked
    if (!blocked) this.#everyAgent()
  }

  suppress(id: string, roles: readonly string[]): void {
    const framework = this.#frameworks.get(id)
    for (const role of roles) {
      const client = framework?.clients.get(role)
      if (client) client.suppressed = true
    }
    if (framework) this.#refreshActivity(framework)
  }

  /** Ends suppression and refusals in these roles. */
  revive(id: string, roles: readonly string[]): void {
    const framework = this.#frameworks.get(id)
    for (const role of roles) {
      const client = framework?.clients.get(role)
      if (!client) continue
      client.suppressed = false
      this.#refusals.clearClient(client.number)
    }
    if (framework) this.#refreshActivity(framework)
    this.#everyAgent()
  }

  /** Books what is already in use, when an agent (re-)registers with tasks. The role need not be one of the framework's any more. */
  occupy(frameworkId: string, agentId: string, role: string, resources: Resources): void {
    const agent = this.#agents.get(agentId)
    const framework = this.#frameworks.get(frameworkId)
    if (!agent || !framework || resources.isEmpty) return
    const client = framework.clients.get(role) ?? this.#join(framework, role)
    if (!framework.facts.roles.includes(role)) client.suppressed = true
    this.#book(agent, frameworkId, role, resources)
  }

  /** Takes back what a framework held in a role on an agent, and notes a refusal of so many seconds. */
  recover(frameworkId: string, agentId: string, role: string, resources: Resources, refuseSeconds?: number): void {
    if (resources.isEmpty) return
    const agent = this.#agents.get(agentId)
    if (agent) {
      agent.allocated = agent.allocated.minus(resources.unallocated())
      agent.available = freeOn(agent)
      this.#dirty.add(agent)
    }
    this.#uncount(agentId, frameworkId, role, resources)
    const framework = this.#frameworks.get(frameworkId)
    const client = framework?.clients.get(role)
    if (!framework || !client) return
    if (agent && refuseSeconds) this.#refuse(client, agent, resources, refuseSeconds)
    if (!framework.facts.roles.includes(role) && this.#holdsNothing(framework, client)) this.#leave(framework, client)
  }

  /**
   * An operation changed an agent's resources (Mesos contract 6.7). Both bags are without their allocation; what is consumed must be
   * there. `holder`: who has them, offered or accepted, and has what they became.
   */
  convert(agentId: string, consumed: Resources, converted: Resources, holder?: Holder): void {
    const agent = this.#agents.get(agentId)
    if (!agent) return
    this.#totals.remove(quantitiesOf(agent.total))
    agent.total = agent.total.minus(consumed).plus(converted)
    this.#totals.add(quantitiesOf(agent.total))
    if (holder) {
      agent.allocated = agent.allocated.minus(consumed).plus(converted)
      this.#recount(agentId, holder, consumed, converted)
    }
    agent.available = freeOn(agent)
    this.#dirty.add(agent)
  }

  /** The next cycle visits the agent, whatever changed there. */
  touch(agentId: string): void {
    const agent = this.#agents.get(agentId)
    if (agent) this.#dirty.add(agent)
  }

  /** An offer of a framework is no longer outstanding. */
  offerClosed(frameworkId: string): void {
    const framework = this.#frameworks.get(frameworkId)
    if (framework) framework.outstandingOffers--
  }

  /** A tick of the allocation interval: refusals end, then a cycle. */
  tick(): Allocation[] {
    this.#tick++
    this.#refusals.advance(this.#tick, slot => {
      const agent = this.#agentBySlot[slot]
      if (agent) this.#dirty.add(agent)
    })
    return this.cycle()
  }

  /** Allocates what is available on the agents where something changed. Each allocation becomes one offer. */
  cycle(): Allocation[] {
    this.#runs++
    const agents = this.#shuffler.shuffle([...this.#dirty])
    this.#dirty.clear()
    const allocations: Allocation[] = []
    for (const agent of agents) if (agent.active && !agent.available.isEmpty) this.#visit(agent, allocations)
    this.#endSharing(agents)
    return allocations
  }

  /** What is free on an agent; for reports and tests. */
  available(agentId: string): Resources {
    return this.#agents.get(agentId)?.available ?? Resources.empty
  }

  /** What is offered or in use on an agent; for reports and tests. */
  allocated(agentId: string): Resources {
    return this.#agents.get(agentId)?.allocated ?? Resources.empty
  }

  /** The dominant share of a role, and how many refusals its frameworks have in force; for metrics. */
  *roleMetrics(): Iterable<{ role: string; share: number; refusals: number }> {
    for (const [role, members] of this.#members) {
      let refusals = 0
      if (members.size > 0)
        for (const { clients } of this.#frameworks.values()) {
          const client = clients.get(role)
          if (client) refusals += this.#refusals.count(client.number)
        }
      yield { role, share: this.#roles.share(role), refusals }
    }
  }

  #visit(agent: AgentBook, allocations: Allocation[]): void {
    for (const role of this.#roles.sort()) {
      if (agent.available.isEmpty) return
      const offered = this.#offerable(agent, role)
      if (offered.isEmpty) continue
      for (const frameworkId of this.#members.get(role)!.sort()) {
        const framework = this.#frameworks.get(frameworkId)!
        const allocation = this.#allocate(agent, framework, framework.clients.get(role)!, offered)
        if (!allocation) continue
        allocations.push(allocation)
        break
      }
    }
  }

  /** A shared volume goes to one framework a cycle (Mesos contract 5.3.7): who else may have it is visited in the next one. */
  #endSharing(agents: readonly AgentBook[]): void {
    for (const agent of agents) {
      if (agent.sharedGiven.isEmpty) continue
      agent.sharedGiven = Resources.empty
      agent.available = freeOn(agent)
    }
  }

  /** What a role may be offered of an agent: its own and its ancestors' reservations, and what is reserved to nobody. */
  #offerable(agent: AgentBook, role: string): Resources {
    return agent.available.filter(({ reservations }) => {
      const owner = reservations?.at(-1)?.role
      return owner === undefined || owner === role || isAncestor(owner, role)
    })
  }

  #allocate(agent: AgentBook, framework: FrameworkBook, client: Client, offered: Resources): Allocation | undefined {
    if (client.suppressed || !this.#mayHave(agent, framework, client.role)) return undefined
    const { capabilities } = framework.facts
    const resources = visible(offered, capabilities)
    if (resources.isEmpty || !isAllocatable(quantitiesOf(resources), client.minimum)) return undefined
    if (this.#refusals.covers(client.number, agent.slot, resources)) return undefined
    if (framework.blocked || framework.outstandingOffers >= this.#config.maxOutstandingOffers) {
      this.#dirty.add(agent)
      return undefined
    }
    const allocated = resources.allocateTo(client.role)
    const shared = resources.shared()
    agent.sharedGiven = agent.sharedGiven.plus(shared)
    if (shared !== resources && !shared.isEmpty) this.#dirty.add(agent)
    this.#book(agent, framework.id, client.role, allocated)
    framework.outstandingOffers++
    return { frameworkId: framework.id, agentId: agent.id, role: client.role, resources: allocated }
  }

  /** The rules about agents as a whole (Mesos contract 5.3.4). */
  #mayHave(agent: AgentBook, { facts }: FrameworkBook, role: string): boolean {
    const { capabilities, constraints } = facts
    if (agent.hasGpus && this.#config.filterGpuResources && !capabilities.has('GPU_RESOURCES')) return false
    if (this.#isRemote(agent) && !capabilities.has('REGION_AWARE')) return false
    if (capabilities.has('MULTI_ROLE') && !agent.capabilities.has('MULTI_ROLE')) return false
    if (role.includes('/') && !agent.capabilities.has('HIERARCHICAL_ROLE')) return false
    return admits(constraints, role, agent.info)
  }

  #isRemote({ region }: AgentBook): boolean {
    return region !== undefined && region !== this.#config.domain?.fault_domain?.region?.name
  }

  #book(agent: AgentBook, frameworkId: string, role: string, resources: Resources): void {
    agent.allocated = agent.allocated.plus(resources.unallocated())
    agent.available = freeOn(agent)
    this.#count(agent.id, frameworkId, role, resources)
  }

  #count(agentId: string, frameworkId: string, role: string, resources: Resources): void {
    const members = this.#members.get(role)!
    const shared = resources.shared()
    const quantities = quantitiesOf(shared.isEmpty ? resources : resources.nonShared())
    this.#roles.allocated(role, quantities)
    members.allocated(frameworkId, quantities)
    if (shared.isEmpty) return
    this.#roles.changed(role, none, this.#sharedUse.add(agentId, role, '', shared))
    members.changed(frameworkId, none, this.#sharedUse.add(agentId, role, frameworkId, shared))
  }

  /** A conversion is no allocation: the number of those stays. */
  #recount(agentId: string, { frameworkId, role }: Holder, consumed: Resources, converted: Resources): void {
    const members = this.#members.get(role)
    if (!members) return
    this.#uncount(agentId, frameworkId, role, consumed)
    const added = quantitiesOf(converted.nonShared())
    const shared = converted.shared()
    this.#roles.changed(role, none, added)
    members.changed(frameworkId, none, added)
    this.#roles.changed(role, none, this.#sharedUse.add(agentId, role, '', shared))
    members.changed(frameworkId, none, this.#sharedUse.add(agentId, role, frameworkId, shared))
  }

  #uncount(agentId: string, frameworkId: string, role: string, resources: Resources): void {
    const members = this.#members.get(role)
    if (!members) return
    const shared = resources.shared()
    const quantities = quantitiesOf(shared.isEmpty ? resources : resources.nonShared())
    this.#roles.changed(role, quantities, none)
    members.changed(frameworkId, quantities, none)
    if (shared.isEmpty) return
    this.#roles.changed(role, this.#sharedUse.remove(agentId, role, '', shared), none)
    members.changed(frameworkId, this.#sharedUse.remove(agentId, role, frameworkId, shared), none)
  }

  /** A refusal lasts at least one interval, and ends only after a following tick. */
  #refuse(client: Client, agent: AgentBook, resources: Resources, seconds: number): void {
    const ticks = Math.max(1, Math.ceil((seconds * 1000) / this.#config.allocationInterval))
    this.#refusals.add(client.number, agent.slot, resources.unallocated(), this.#tick + ticks + 1)
  }

  #join(framework: FrameworkBook, role: string): Client {
    const known = framework.clients.get(role)
    if (known) return known
    const client: Client = {
      number: this.#freeClients.pop() ?? this.#clients++,
      role,
      suppressed: framework.facts.suppressed.has(role),
      minimum: this.#minimum(framework.facts, role),
    }
    framework.clients.set(role, client)
    let members = this.#members.get(role)
    if (!members) {
      members = new Sorter(this.#totals, { flat: true, excluded: this.#config.excludedFromSharing })
      this.#members.set(role, members)
      this.#roles.add(role)
    }
    members.add(framework.id)
    return client
  }

  #leave(framework: FrameworkBook, client: Client): void {
    this.#refusals.clearClient(client.number)
    this.#freeClients.push(client.number)
    framework.clients.delete(client.role)
    const members = this.#members.get(client.role)!
    members.remove(framework.id)
    if (members.size > 0) this.#refreshRole(client.role)
    else {
      this.#members.delete(client.role)
      this.#roles.remove(client.role)
    }
  }

  #holdsNothing(framework: FrameworkBook, client: Client): boolean {
    return this.#members.get(client.role)!.allocation(framework.id).size === 0
  }

  #minimum(facts: FrameworkFacts, role: string) {
    const filters = facts.info.offer_filters
    return minimumOf(filters && Object.hasOwn(filters, role) ? filters[role] : undefined, this.#config.minAllocatable)
  }

  #setFrameworkActive(id: string, active: boolean): void {
    const framework = this.#frameworks.get(id)
    if (!framework) return
    framework.active = active
    framework.blocked = false
    this.#refreshActivity(framework)
    if (active) this.#everyAgent()
  }

  /** Only those who can be offered something stand in the queues. */
  #refreshActivity(framework: FrameworkBook): void {
    for (const client of framework.clients.values()) {
      const members = this.#members.get(client.role)!
      if (framework.active && !client.suppressed) members.activate(framework.id)
      else members.deactivate(framework.id)
      this.#refreshRole(client.role)
    }
  }

  #refreshRole(role: string): void {
    if (this.#members.get(role)!.activeCount > 0) this.#roles.activate(role)
    else this.#roles.deactivate(role)
  }

  #everyAgent(): void {
    for (const agent of this.#agents.values()) this.#dirty.add(agent)
  }
}

const none: Quantities = new Map()

/** What can be given now: a shared volume too while others have it, but to one framework in a cycle. */
function freeOn({ total, allocated, sharedGiven }: AgentBook): Resources {
  return total.minus(allocated.nonShared()).minus(sharedGiven)
}

/** What a framework with these capabilities may see. */
function visible(resources: Resources, capabilities: ReadonlySet<string>): Resources {
  return resources.filter(
    ({ shared, revocable, reservations }) =>
      (!shared || capabilities.has('SHARED_RESOURCES')) &&
      (!revocable || capabilities.has('REVOCABLE_RESOURCES')) &&
      ((reservations?.length ?? 0) < 2 || capabilities.has('RESERVATION_REFINEMENT')),
  )
}
