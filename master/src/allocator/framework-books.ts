import type { Agenda } from './agenda.ts'
import type { Client, FrameworkBook, FrameworkFacts } from './model.ts'
import type { Queues } from './queues.ts'
import type { Refusals } from './refusals.ts'

/** The frameworks, and in which of their roles they ask for offers. */
export class FrameworkBooks {
  readonly #queues: Queues
  readonly #refusals: Refusals
  readonly #agenda: Agenda
  readonly #byId = new Map<string, FrameworkBook>()

  constructor(queues: Queues, refusals: Refusals, agenda: Agenda) {
    this.#queues = queues
    this.#refusals = refusals
    this.#agenda = agenda
  }

  get(id: string): FrameworkBook | undefined {
    return this.#byId.get(id)
  }

  add(id: string, facts: FrameworkFacts): void {
    const framework: FrameworkBook = {
      id,
      facts,
      active: false,
      blocked: false,
      outstandingOffers: 0,
      waiting: new Set(),
      clients: new Map(),
    }
    this.#byId.set(id, framework)
    for (const role of facts.roles) this.#queues.join(framework, role)
  }

  remove(id: string): void {
    const framework = this.#byId.get(id)
    if (!framework) return
    for (const client of [...framework.clients.values()]) this.#leave(client)
    this.#byId.delete(id)
    this.#agenda.forgetFramework(framework)
  }

  /** Roles that it left stay in the books while it holds something there. */
  update(id: string, facts: FrameworkFacts): void {
    const framework = this.#byId.get(id)
    if (!framework) return
    framework.facts = facts
    for (const role of facts.roles) this.#queues.join(framework, role)
    for (const client of [...framework.clients.values()]) {
      client.isLeaving = !facts.roles.includes(client.role.name)
      if (this.leaveIfIdle(client)) continue
      client.suppressed = client.isLeaving || facts.suppressed.has(client.role.name)
      this.#queues.describe(client)
      this.#queues.refresh(client)
      this.#agenda.wants(client)
    }
  }

  setActive(id: string, active: boolean): void {
    const framework = this.#byId.get(id)
    if (!framework) return
    framework.active = active
    framework.blocked = false
    for (const client of framework.clients.values()) {
      this.#queues.refresh(client)
      if (active) this.#agenda.wants(client)
      else this.#refusals.clearClient(client.number)
    }
  }

  suppress(id: string, roles: readonly string[]): void {
    this.#setSuppressed(id, roles, true)
  }

  revive(id: string, roles: readonly string[]): void {
    for (const client of this.#setSuppressed(id, roles, false)) {
      this.#refusals.clearClient(client.number)
      this.#agenda.wants(client)
    }
  }

  #setSuppressed(id: string, roles: readonly string[], suppressed: boolean): Client[] {
    const clients = this.#byId.get(id)?.clients
    const known = roles.map(role => clients?.get(role)).filter(client => client !== undefined)
    for (const client of known) {
      client.suppressed = suppressed || client.isLeaving
      this.#queues.refresh(client)
    }
    return known
  }

  /** The client in a role, whether or not the role is one of the framework's (any more). */
  holderIn(framework: FrameworkBook, role: string): Client {
    const client = this.#queues.join(framework, role)
    client.isLeaving = !framework.facts.roles.includes(role)
    if (client.isLeaving) client.suppressed = true
    return client
  }

  /** Takes a framework out of a role that it has left, once it holds nothing there. */
  leaveIfIdle(client: Client): boolean {
    if (!client.isLeaving || !this.#queues.holdsNothing(client)) return false
    this.#leave(client)
    return true
  }

  #leave(client: Client): void {
    this.#refusals.clearClient(client.number)
    this.#queues.leave(client)
  }
}
