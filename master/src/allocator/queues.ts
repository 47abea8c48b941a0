import { Resources } from '@meseta/common/resources/resources'
import type { HeartConfig } from '../state/config.ts'
import { bitsOf } from './capabilities.ts'
import type { Sorter } from './client-tree.ts'
import { DrfSorter } from './drf-sorter.ts'
import { admissions, clientDemands } from './eligibility.ts'
import { type Client, type FrameworkBook, type Holder, minimumOf, type RoleBook } from './model.ts'
import { noQuantities, quantitiesOf, type Totals } from './quantities.ts'
import type { Quotas } from './quotas.ts'
import { RandomSorter } from './random-sorter.ts'
import { topOf } from './roles.ts'
import { SharedUse } from './shared-use.ts'
import type { Shuffler } from './shuffle.ts'
import { plainOf, type View } from './view.ts'

type Config = Pick<HeartConfig, 'minAllocatable' | 'excludedFromSharing' | 'roleSorter' | 'frameworkSorter'>

/** Who asks for offers, in which order, and what each holds. */
export class Queues {
  readonly roles: Sorter<RoleBook>
  readonly #config: Config
  readonly #totals: Totals
  readonly #dice: Shuffler
  readonly #quotas: Quotas
  readonly #byName = new Map<string, RoleBook>()
  readonly #sharedUse = new SharedUse()
  readonly #freeNumbers: number[] = []
  /** Clients by number. */
  readonly #clients: (Client | undefined)[] = []
  /** Clients with offer constraints. */
  readonly #constrained = new Set<Client>()
  #ownMinimums = 0

  constructor(config: Config, totals: Totals, quotas: Quotas, dice: Shuffler) {
    this.#config = config
    this.#totals = totals
    this.#quotas = quotas
    this.#dice = dice
    this.roles = this.#sorter(config.roleSorter, false)
  }

  /** Whether all clients ask for the master's minimum, and for nothing less. */
  get oneMinimum(): boolean {
    return this.#ownMinimums === 0
  }

  /** Above every client's number. */
  get numbers(): number {
    return this.#clients.length
  }

  client(number: number): Client | undefined {
    return this.#clients[number]
  }

  [Symbol.iterator](): Iterator<RoleBook> {
    return this.#byName.values()
  }

  /** The client of a framework in a role; a new one is inactive until `refresh`. */
  join(framework: FrameworkBook, name: string): Client {
    const known = framework.clients.get(name)
    if (known) return known
    const client: Client = {
      number: this.#freeNumbers.pop() ?? this.#clients.length,
      framework,
      role: this.#byName.get(name) ?? this.#addRole(name),
      suppressed: framework.facts.suppressed.has(name),
      isLeaving: false,
      minimum: this.#config.minAllocatable,
      capabilities: 0,
      demands: 0,
      admitted: undefined,
      pending: false,
    }
    this.#clients[client.number] = client
    this.describe(client)
    framework.clients.set(name, client)
    client.role.members.add(framework.id, client)
    return client
  }

  /** Takes over what its framework says of itself. */
  describe(client: Client): void {
    const { facts } = client.framework
    const { name } = client.role
    const filters = facts.info.offer_filters
    const own = filters && Object.hasOwn(filters, name) ? filters[name] : undefined
    this.#ownMinimums -= client.minimum === this.#config.minAllocatable ? 0 : 1
    client.minimum = minimumOf(own, this.#config.minAllocatable)
    this.#ownMinimums += client.minimum === this.#config.minAllocatable ? 0 : 1
    client.capabilities = bitsOf(facts.capabilities)
    client.demands = clientDemands(facts, name)
    client.admitted = admissions(facts, name)
    if (client.admitted) this.#constrained.add(client)
    else this.#constrained.delete(client)
  }

  /** What constraints said of the agent in a slot holds no longer. */
  forgetAdmissions(slot: number): void {
    for (const { admitted } of this.#constrained) if (slot < admitted!.length) admitted![slot] = 0
  }

  leave(client: Client): void {
    const { role, framework } = client
    if (client.minimum !== this.#config.minAllocatable) this.#ownMinimums--
    this.#constrained.delete(client)
    if (client.pending) role.pending--
    client.pending = false
    this.#freeNumbers.push(client.number)
    this.#clients[client.number] = undefined
    framework.clients.delete(role.name)
    role.members.remove(framework.id)
    if (role.members.size > 0) this.#refreshRole(role)
    else {
      this.#byName.delete(role.name)
      this.roles.remove(role.name)
    }
  }

  /** Only those who can be offered something stand in the queues. */
  refresh({ role, framework, suppressed }: Client): void {
    if (framework.active && !suppressed) role.members.activate(framework.id)
    else role.members.deactivate(framework.id)
    this.#refreshRole(role)
  }

  #refreshRole({ name, members }: RoleBook): void {
    if (members.activeCount > 0) this.roles.activate(name)
    else this.roles.deactivate(name)
  }

  holdsNothing({ role, framework }: Client): boolean {
    return role.members.allocation(framework.id).size === 0
  }

  /** Books what was given of a view. */
  give(agentId: string, { role, framework }: Client, { resources, quantities, plain, isShared }: View): void {
    const owned = isShared ? quantitiesOf(resources.nonShared()) : quantities
    this.roles.allocated(role.name, owned)
    role.members.allocated(framework.id, owned)
    this.#quotas.consume(role.top, plain)
    if (isShared) this.#share(agentId, framework.id, role, Resources.empty, resources.shared())
  }

  /** Takes back what a framework held. */
  take(agentId: string, { frameworkId, role: name }: Holder, { resources, quantities, plain, isShared }: View): void {
    const role = this.#byName.get(name)
    if (!role) return
    const owned = isShared ? quantitiesOf(resources.nonShared()) : quantities
    this.roles.changed(name, owned, noQuantities)
    role.members.changed(frameworkId, owned, noQuantities)
    this.#quotas.release(role.top, plain)
    if (isShared) this.#share(agentId, frameworkId, role, resources.shared(), Resources.empty)
  }

  /** What a framework holds became something else. */
  change(agentId: string, { frameworkId, role: name }: Holder, less: Resources, more: Resources): void {
    const role = this.#byName.get(name)
    if (!role) return
    const before = less.shared()
    const after = more.shared()
    const minus = quantitiesOf(before.isEmpty ? less : less.nonShared())
    const plus = quantitiesOf(after.isEmpty ? more : more.nonShared())
    this.roles.changed(name, minus, plus)
    role.members.changed(frameworkId, minus, plus)
    this.#quotas.release(role.top, plainOf(less))
    this.#quotas.consume(role.top, plainOf(more))
    if (!before.isEmpty || !after.isEmpty) this.#share(agentId, frameworkId, role, before, after)
  }

  #share(agentId: string, frameworkId: string, role: RoleBook, less: Resources, more: Resources): void {
    const count = (sorter: Sorter<unknown>, client: string, holder: string) => {
      const minus = this.#sharedUse.remove(agentId, role.name, holder, less)
      sorter.changed(client, minus, noQuantities)
      sorter.changed(client, noQuantities, this.#sharedUse.add(agentId, role.name, holder, more))
    }
    count(this.roles, role.name, '')
    count(role.members, frameworkId, frameworkId)
  }

  /** What is reserved on an agent counts as consumed by its roles, and no longer what was. */
  reservations(before: Resources, after: Resources): void {
    for (const [role, resources] of before.reservations()) this.#quotas.release(topOf(role), quantitiesOf(resources))
    for (const [role, resources] of after.reservations()) this.#quotas.consume(topOf(role), quantitiesOf(resources))
  }

  #addRole(name: string): RoleBook {
    const role: RoleBook = {
      name,
      top: topOf(name),
      members: this.#sorter(this.#config.frameworkSorter, true),
      pending: 0,
    }
    this.#byName.set(name, role)
    this.roles.add(name, role)
    return role
  }

  #sorter<Value>(kind: 'drf' | 'random', flat: boolean): Sorter<Value> {
    if (kind === 'random') return new RandomSorter(this.#totals, this.#dice, { flat })
    return new DrfSorter(this.#totals, { flat, excluded: this.#config.excludedFromSharing })
  }
}
