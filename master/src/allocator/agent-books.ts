import { SharedKinds } from '@meseta/common/resources/kind'
import { Resources } from '@meseta/common/resources/resources'
import type { HeartConfig } from '../state/config.ts'
import type { Agenda } from './agenda.ts'
import { bitsOf } from './capabilities.ts'
import { freeOn } from './dealer.ts'
import { agentDemands } from './eligibility.ts'
import type { AgentBook, AgentFacts } from './model.ts'
import { type Quantities, quantitiesOf, type Totals } from './quantities.ts'
import type { Queues } from './queues.ts'
import type { Quotas } from './quotas.ts'
import type { Refusals } from './refusals.ts'
import { nothingFree } from './view.ts'

type Config = Pick<HeartConfig, 'filterGpuResources' | 'domain'>

/** The agents, what each has and what of it is free; whatever depends on that learns of each change. */
export class AgentBooks {
  readonly #config: Config
  readonly #totals: Totals
  readonly #quotas: Quotas
  readonly #queues: Queues
  readonly #refusals: Refusals
  readonly #agenda: Agenda
  readonly #kinds = new SharedKinds()
  readonly #byId = new Map<string, AgentBook>()
  readonly #bySlot: (AgentBook | undefined)[] = []
  #whitelist: ReadonlySet<string> | undefined

  constructor(config: Config, totals: Totals, quotas: Quotas, queues: Queues, refusals: Refusals, agenda: Agenda) {
    this.#config = config
    this.#totals = totals
    this.#quotas = quotas
    this.#queues = queues
    this.#refusals = refusals
    this.#agenda = agenda
  }

  get(id: string): AgentBook | undefined {
    return this.#byId.get(id)
  }

  inSlot(slot: number): AgentBook | undefined {
    return this.#bySlot[slot]
  }

  all(): Iterable<AgentBook> {
    return this.#byId.values()
  }

  /** What is free and counts towards quotas, on each agent that can be offered. */
  *plain(): Iterable<Quantities> {
    for (const agent of this.#byId.values()) if (isOpen(agent)) yield agent.free.whole.plain
  }

  add(id: string, facts: AgentFacts): void {
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
    this.#byId.set(id, agent)
    this.#bySlot[facts.slot] = agent
    this.#describe(agent, facts)
  }

  remove(agent: AgentBook): void {
    this.change(agent, () => this.setTotal(agent, Resources.empty))
    this.#refusals.clearAgent(agent.slot)
    this.#queues.forgetAdmissions(agent.slot)
    this.#byId.delete(agent.id)
    this.#bySlot[agent.slot] = undefined
    this.#agenda.forget(agent)
  }

  /** A changed total alone ends no refusal; changed attributes do (Mesos contract 5.3.6). */
  update(agent: AgentBook, facts: AgentFacts): void {
    if (JSON.stringify(agent.info.attributes) !== JSON.stringify(facts.info.attributes))
      this.#refusals.clearAgent(agent.slot)
    this.#queues.forgetAdmissions(agent.slot)
    this.#describe(agent, facts)
  }

  #describe(agent: AgentBook, facts: AgentFacts): void {
    const { domain, filterGpuResources } = this.#config
    this.change(agent, () => {
      agent.info = facts.info
      agent.capabilities = bitsOf(facts.capabilities)
      agent.demands = agentDemands(facts, filterGpuResources, domain?.fault_domain?.region?.name)
      agent.region = facts.info.domain?.fault_domain?.region?.name
      agent.listed = this.#isListed(facts.info.hostname)
      this.setTotal(agent, facts.total.withShared(this.#kinds))
    })
  }

  setWhitelist(hostnames: Iterable<string> | undefined): void {
    this.#whitelist = hostnames === undefined ? undefined : new Set(hostnames)
    for (const agent of this.#byId.values())
      this.change(agent, () => {
        agent.listed = this.#isListed(agent.info.hostname)
      })
  }

  #isListed(hostname: string): boolean {
    return this.#whitelist?.has(hostname) ?? true
  }

  /** Within a `change`. */
  setTotal(agent: AgentBook, total: Resources): void {
    this.#totals.change(quantitiesOf(agent.total), quantitiesOf(total))
    this.#queues.reservations(agent.total, total)
    agent.total = total
  }

  /** Does what changes what is free on an agent, or whether it can be offered. */
  change(agent: AgentBook, action: () => void): void {
    const { hasGuarantees } = this.#quotas
    if (hasGuarantees && isOpen(agent)) this.#quotas.taken(agent.free.whole.plain)
    action()
    agent.free = freeOn(agent)
    if (hasGuarantees && isOpen(agent)) this.#quotas.freed(agent.free.whole.plain)
    this.#agenda.changed(agent)
  }
}

const isOpen = ({ active, listed }: AgentBook): boolean => active && listed
