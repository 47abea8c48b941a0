import type { HeartConfig } from '../state/config.ts'
import { can } from './capabilities.ts'
import type { Dealer } from './dealer.ts'
import type { AgentBook, Client } from './model.ts'
import { quantitiesOf } from './quantities.ts'
import type { Queues } from './queues.ts'
import type { Quotas } from './quotas.ts'
import { type AgentOffer, groupKey, type Reason, type RoleExplanation, type World } from './reasons.ts'
import type { Refusals } from './refusals.ts'
import { View } from './view.ts'

/** How many agents of a group are named, and how many groups of a role there are at most; the smallest are left off. */
const maxExamples = 3
const maxGroups = 100
/** How many agents are looked at without a pause: some milliseconds. */
const agentsAPart = 2_048

type Config = Pick<HeartConfig, 'maxOutstandingOffers'>

/** A reason whose shares are compared only when they are told: of many agents one is. */
type Found = Exclude<Reason, { code: 'GIVEN_TO' }> | { readonly code: 'GIVEN_TO'; readonly offer: AgentOffer }

interface Group {
  found: Found
  agents: number
  readonly examples: string[]
}

function join(group: Group, { id }: AgentBook, found: Found): void {
  group.agents++
  if (group.examples.length < maxExamples) group.examples.push(id)
  if (found.code === 'FILTERED' && group.found.code === 'FILTERED' && found.ticks > group.found.ticks)
    group.found = found
}

/** What tells one group from another. */
function keyOf(found: Found): string {
  return found.code === 'GIVEN_TO' ? `${found.code} ${found.offer.role} ${found.offer.frameworkId}` : groupKey(found)
}

/** What a cycle knows, besides the agents. */
export interface Books {
  readonly queues: Queues
  readonly quotas: Quotas
  readonly refusals: Refusals
  readonly dealer: Dealer
}

/** The last cycle's decision about one client, made again on the same books: nothing is noted while a cycle runs. */
export class Explainer {
  readonly #config: Config
  readonly #books: Books
  readonly #world: World
  readonly #isPaused: boolean
  readonly #tick: number

  constructor(config: Config, books: Books, world: World, now: { readonly tick: number; readonly isPaused: boolean }) {
    this.#config = config
    this.#books = books
    this.#world = world
    this.#isPaused = now.isPaused
    this.#tick = now.tick
  }

  /** With all agents in groups, or one of them. Many are looked at in parts: between two of them other things may be done. */
  *explain(client: Client, agents: Iterable<AgentBook>, agent?: AgentBook): Generator<void, RoleExplanation> {
    const { roles } = this.#books.queues
    const { name } = client.role
    const [{ share, weight }] = roles.compare(name, name)
    const role = { role: name, share, weight }
    if (!agent) return { ...role, ...(yield* this.#groups(client, agents)) }
    const reason = this.#compared(client, this.#reason(client, agent))
    return { ...role, groups: [], omitted: 0, agent: { reason, free: agent.free.resources } }
  }

  *#groups(client: Client, agents: Iterable<AgentBook>): Generator<void, Pick<RoleExplanation, 'groups' | 'omitted'>> {
    const groups = new Map<string, Group>()
    let looked = 0
    for (const agent of agents) {
      if (++looked % agentsAPart === 0) yield
      const found = this.#reason(client, agent)
      const key = keyOf(found)
      const group = groups.get(key)
      if (group) join(group, agent, found)
      else groups.set(key, { found, agents: 1, examples: [agent.id] })
    }
    const sorted = [...groups.values()].sort((a, b) => b.agents - a.agents)
    return {
      groups: sorted
        .slice(0, maxGroups)
        .map(({ found, ...rest }) => ({ reason: this.#compared(client, found), ...rest })),
      omitted: sorted.slice(maxGroups).reduce((sum, group) => sum + group.agents, 0),
    }
  }

  #reason(client: Client, agent: AgentBook): Found {
    const offers = [...this.#world.offersOf(agent.id)]
    const own = offers.find(one => one.frameworkId === client.framework.id && one.role === client.role.name)
    if (own) return { code: 'OFFERED', resources: own.resources }
    return this.#ofClient(client) ?? this.#ofAgent(agent) ?? this.#ofBoth(client, agent, offers)
  }

  /** What stands against the client wherever it asks. */
  #ofClient({ framework, suppressed }: Client): Found | undefined {
    if (this.#isPaused) return { code: 'PAUSED' }
    if (!framework.active) return { code: 'DEACTIVATED', subject: 'framework' }
    return suppressed ? { code: 'SUPPRESSED' } : undefined
  }

  /** What stands against the agent whoever asks. */
  #ofAgent({ id, active, listed }: AgentBook): Found | undefined {
    if (!this.#world.isConnected(id)) return { code: 'UNAVAILABLE', because: 'DISCONNECTED' }
    if (!active) return { code: 'DEACTIVATED', subject: 'agent' }
    return listed ? undefined : { code: 'UNAVAILABLE', because: 'NOT_WHITELISTED' }
  }

  #ofBoth(client: Client, agent: AgentBook, offers: readonly AgentOffer[]): Found {
    const { dealer } = this.#books
    const view = agent.free.for(client.role.name)
    const code = dealer.withholds(agent, client, view)
    if (code === 'NOTHING_FREE' || code === 'TOO_SMALL') return this.#tooLittle(code, client, agent, view, offers)
    if (code !== undefined) return this.#numbers(code, client, agent, view)
    const may = this.#within(client, view)
    const cut = may === view ? code : dealer.withholds(agent, client, may)
    if (cut === 'NOTHING_FREE' || cut === 'TOO_SMALL') return this.#quota(client, view)
    return cut === undefined ? { code: 'NEXT_CYCLE' } : this.#numbers(cut, client, agent, may)
  }

  /** What quotas leave of a view, in whichever stage gives more. */
  #within({ role: { top } }: Client, view: View): View {
    const { quotas } = this.#books
    return quotas.isEmpty ? view : (quotas.guaranteed(top, view) ?? quotas.fair(top, view))
  }

  /** Too little is free: either others were offered it, or it is in use. */
  #tooLittle(
    code: 'NOTHING_FREE' | 'TOO_SMALL',
    client: Client,
    agent: AgentBook,
    view: View,
    offers: readonly AgentOffer[],
  ): Found {
    for (const offer of offers) {
      const bag = offer.resources.unallocated()
      const { whole } = agent.lastFree
      const lacked = (whole.resources === bag ? whole : new View(bag)).visibleTo(client.capabilities)
      if (lacked.isEnough(client.minimum) && !lacked.isEmpty) return { code: 'GIVEN_TO', offer }
    }
    const seen = view.visibleTo(client.capabilities)
    if (code === 'NOTHING_FREE' || agent.free.isEmpty) return { code: 'NOTHING_FREE' }
    return { code, free: seen.quantities, minimum: client.minimum }
  }

  /** Where two of one role compete, their shares in it count; else those of the roles where their ways part. */
  #compared({ role, framework }: Client, found: Found): Reason {
    if (found.code !== 'GIVEN_TO') return found
    const { frameworkId, role: other, resources } = found.offer
    const { roles } = this.#books.queues
    const given = quantitiesOf(resources)
    const [ours, theirs] =
      other === role.name
        ? role.members.compare(framework.id, frameworkId, given)
        : roles.compare(role.name, other, given)
    return { code: 'GIVEN_TO', frameworkId, role: other, ours, theirs }
  }

  #numbers(code: ReturnType<Dealer['withholds']> & string, client: Client, agent: AgentBook, view: View): Found {
    const seen = view.visibleTo(client.capabilities)
    switch (code) {
      case 'REGION':
        return { code, region: agent.region! }
      case 'CAPABILITY': {
        const missing = client.demands & ~agent.capabilities
        return { code, capability: missing & can.MULTI_ROLE ? 'MULTI_ROLE' : 'HIERARCHICAL_ROLE' }
      }
      case 'FILTERED': {
        const until = this.#books.refusals.until(client.number, agent.slot, seen.resources)!
        return { code, ticks: until - this.#tick }
      }
      case 'OFFERS_OUTSTANDING': {
        const { outstandingOffers, blocked } = client.framework
        return { code, outstanding: outstandingOffers, most: this.#config.maxOutstandingOffers, blocked }
      }
      case 'TOO_SMALL':
        return { code, free: seen.quantities, minimum: client.minimum }
      default:
        return { code }
    }
  }

  /** The first of the amounts that a quota cut. */
  #quota({ role: { top } }: Client, view: View): Found {
    const { quotas } = this.#books
    for (const [name, amount] of view.plain) {
      if (quotas.room(top, name) < amount) {
        const consumed = quotas.consumption(top).get(name) ?? 0
        return { code: 'QUOTA_LIMIT', quotaRole: top, name, limit: quotas.of(top).limits.get(name)!, consumed }
      }
      if (quotas.surplus(name) < amount) return { code: 'QUOTA_HEADROOM', name, ...quotas.headroom(name) }
    }
    return { code: 'NOTHING_FREE' }
  }
}
