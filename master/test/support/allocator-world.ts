import type { Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import fc from 'fast-check'
import { type Allocation, Allocator, type AllocatorConfig, type Quota } from '../../src/allocator/allocator.ts'
import { isAncestor, topOf } from '../../src/allocator/roles.ts'
import { heartDefaults } from '../../src/state/config.ts'
import { addAgent, framework, of } from './allocator-bench.ts'

export const roles = ['a', 'a/x', 'b', 'c']
const frameworkIds = ['f', 'g', 'h']
const agentTexts = [
  'cpus:4;mem:512',
  'cpus:2;mem:256;ports:[1-10]',
  'cpus:1;mem:64;cpus(a):2;mem(a):128',
  'cpus:3;mem:192;disk(b):100',
  'cpus:8;mem:1024;gpus:1',
  JSON.stringify([
    { name: 'cpus', type: 'SCALAR', scalar: { value: 2 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 128 } },
    { name: 'cpus', type: 'SCALAR', scalar: { value: 4 }, revocable: {} },
  ]),
]
const names = ['cpus', 'mem'] as const

type Headroom = ReadonlyMap<string, { readonly free: number; readonly missing: number }>

interface Refusal {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly resources: Resources
  /** The last tick in which it holds. */
  readonly until: number
}

interface Framework {
  roles: readonly string[]
  readonly capabilities: readonly string[]
  active: boolean
  /** It does not drain its stream. */
  blocked: boolean
  readonly suppressed: Set<string>
}

/** What is done to an allocator, from numbers that a generator draws. */
export type Step =
  | { readonly do: 'tick' | 'cycle' }
  | { readonly do: 'decline'; readonly which: number; readonly seconds: number }
  | { readonly do: 'launch' | 'finish' | 'reserve'; readonly which: number }
  | { readonly do: 'suppress' | 'revive'; readonly which: number; readonly role: string }
  | { readonly do: 'disconnect' | 'connect' | 'remove' | 'block' | 'unblock'; readonly which: number }
  | { readonly do: 'update'; readonly which: number; readonly roles: readonly string[] }
  | { readonly do: 'addAgent'; readonly text: string }
  | { readonly do: 'removeAgent' | 'agentAway' | 'agentBack'; readonly which: number }
  | { readonly do: 'quota'; readonly quotas: ReadonlyMap<string, Quota> }

const which = fc.nat(30)
const amounts = fc.record({ cpus: fc.nat(8), mem: fc.nat(1024) }, { requiredKeys: [] })
const thousandths = (given: Partial<Record<'cpus' | 'mem', number>>): Map<string, number> =>
  new Map(names.filter(name => given[name]).map(name => [name, given[name]! * 1000] as const))
const quota = fc.tuple(amounts, amounts).map(([guarantee, more]): Quota => {
  const guarantees = thousandths(guarantee)
  const limits = thousandths(more)
  for (const [name, limit] of limits) limits.set(name, limit + (guarantees.get(name) ?? 0))
  return { guarantees, limits }
})

export const setUps = fc.record({
  agents: fc.array(fc.constantFrom(...agentTexts), { minLength: 1, maxLength: 5 }),
  frameworks: fc.array(
    fc.record({ roles: fc.subarray(roles, { minLength: 1 }), gpus: fc.boolean(), revocable: fc.boolean() }),
    {
      minLength: 1,
      maxLength: frameworkIds.length,
    },
  ),
  seed: fc.nat(1000),
})

const stepsWithout: fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constantFrom('tick', 'cycle') }),
  fc.record({ do: fc.constant('decline'), which, seconds: fc.constantFrom(0, 1, 3, 10) }),
  fc.record({ do: fc.constantFrom('launch', 'finish', 'reserve'), which }),
  fc.record({ do: fc.constantFrom('suppress', 'revive'), which, role: fc.constantFrom(...roles) }),
  fc.record({ do: fc.constantFrom('disconnect', 'connect', 'remove', 'block', 'unblock'), which }),
  fc.record({ do: fc.constant('update'), which, roles: fc.subarray(roles) }),
  fc.record({ do: fc.constant('addAgent'), text: fc.constantFrom(...agentTexts) }),
  fc.record({ do: fc.constantFrom('removeAgent', 'agentAway', 'agentBack'), which }),
]
const oneQuota: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('quota'),
  quotas: fc.dictionary(fc.constantFrom('a', 'b', 'c'), quota).map(given => new Map(Object.entries(given))),
})

export const steps = (withQuotas: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof({ weight: 3, arbitrary: stepsWithout[0]! }, ...stepsWithout.slice(1), ...(withQuotas ? [oneQuota] : [])),
    {
      minLength: 10,
      maxLength: 60,
    },
  )

/** An allocator beside a model of what it must have done, which is checked after every step. */
export class World {
  readonly allocator: Allocator
  readonly trace: string[] = []
  readonly #maxOutstanding: number
  readonly #agents = new Map<string, { total: Resources; active: boolean }>()
  readonly #frameworks = new Map<string, Framework>()
  #quotas: ReadonlyMap<string, Quota> = new Map()
  #offers: Allocation[] = []
  #tasks: Allocation[] = []
  #refusals: Refusal[] = []
  #ticks = 0
  #slots = 0
  #reservations = 0

  constructor(
    setUp: typeof setUps extends fc.Arbitrary<infer Value> ? Value : never,
    config: Partial<AllocatorConfig> = {},
  ) {
    this.allocator = new Allocator({ ...heartDefaults, seed: setUp.seed, ...config })
    this.#maxOutstanding = config.maxOutstandingOffers ?? heartDefaults.maxOutstandingOffers
    for (const [index, { roles, gpus, revocable }] of setUp.frameworks.entries()) {
      const capabilities = ['MULTI_ROLE', 'RESERVATION_REFINEMENT']
      if (gpus) capabilities.push('GPU_RESOURCES')
      if (revocable) capabilities.push('REVOCABLE_RESOURCES')
      this.#subscribe(frameworkIds[index]!, {
        roles,
        capabilities,
        active: true,
        blocked: false,
        suppressed: new Set(),
      })
    }
    for (const text of setUp.agents) this.#addAgent(text)
  }

  #subscribe(id: string, one: Framework): void {
    this.#frameworks.set(id, one)
    this.allocator.addFramework(id, framework({ roles: one.roles, capabilities: [...one.capabilities] }))
    this.allocator.activateFramework(id)
  }

  #addAgent(text: string): void {
    const slot = this.#slots++
    addAgent(this.allocator, slot, text)
    this.#agents.set(`a${slot}`, { total: of(text), active: true })
  }

  take(step: Step): void {
    this.trace.push(JSON.stringify(step))
    switch (step.do) {
      case 'tick':
      case 'cycle':
        this.#deal(step.do)
        break
      case 'decline':
        for (const offer of pick(this.#offers, step.which)) this.#return(offer, offer.resources, step.seconds)
        break
      case 'launch':
        for (const offer of pick(this.#offers, step.which)) this.#launch(offer)
        break
      case 'finish':
        for (const task of pick(this.#tasks, step.which)) this.#giveBack(task, task.resources)
        break
      case 'reserve':
        this.#reserve(step.which)
        break
      case 'quota':
        this.#quotas = step.quotas
        this.allocator.setQuotas(step.quotas)
        break
      default:
        this.#member(step)
    }
    this.#forgetLeft()
    this.#check()
  }

  #member(step: Step & { which?: number }): void {
    const frameworkId = [...this.#frameworks.keys()][(step.which ?? 0) % Math.max(1, this.#frameworks.size)]
    const agentId = [...this.#agents.keys()][(step.which ?? 0) % Math.max(1, this.#agents.size)]
    if (step.do === 'addAgent') this.#addAgent(step.text)
    else if (step.do === 'removeAgent' || step.do === 'agentAway' || step.do === 'agentBack') {
      if (agentId !== undefined) this.#agent(step.do, agentId)
    } else if (frameworkId !== undefined) this.#framework(step, frameworkId)
  }

  #agent(action: 'removeAgent' | 'agentAway' | 'agentBack', id: string): void {
    for (const offer of this.#offers.filter(({ agentId }) => agentId === id)) this.#forget(offer)
    if (action !== 'removeAgent') {
      this.#agents.get(id)!.active = action === 'agentBack'
      this.allocator.setAgentActive(id, action === 'agentBack')
      return
    }
    for (const task of this.#tasks.filter(({ agentId }) => agentId === id)) this.#forget(task)
    this.allocator.removeAgent(id)
    this.#agents.delete(id)
    this.#refusals = this.#refusals.filter(({ agentId }) => agentId !== id)
  }

  #framework(step: Step, id: string): void {
    const one = this.#frameworks.get(id)!
    if (step.do === 'block' || step.do === 'unblock') {
      one.blocked = one.active && step.do === 'block'
      this.allocator.setBlocked(id, one.blocked)
    } else if (step.do === 'update') this.#update(id, one, step.roles)
    else if (step.do === 'suppress') {
      this.allocator.suppress(id, [step.role])
      if (one.roles.includes(step.role)) one.suppressed.add(step.role)
    } else if (step.do === 'revive') {
      this.allocator.revive(id, [step.role])
      one.suppressed.delete(step.role)
      this.#refusals = this.#refusals.filter(({ frameworkId, role }) => frameworkId !== id || role !== step.role)
    } else if (step.do === 'connect') {
      one.active = true
      one.blocked = false
      this.allocator.activateFramework(id)
    } else if (step.do === 'disconnect' || step.do === 'remove') this.#leave(id, one, step.do === 'remove')
  }

  /** Its tasks in roles that it leaves run on; offers in them are taken back. */
  #update(id: string, one: Framework, to: readonly string[]): void {
    const left = one.roles.filter(role => !to.includes(role))
    for (const offer of this.#offers.filter(({ frameworkId, role }) => frameworkId === id && left.includes(role)))
      this.#forget(offer)
    one.roles = to
    for (const role of left) one.suppressed.delete(role)
    const { capabilities, suppressed } = one
    this.allocator.updateFramework(id, framework({ roles: to, capabilities: [...capabilities], suppressed }))
  }

  /** Who has left a role and has nothing there any more takes his refusals with him. */
  #forgetLeft(): void {
    const held = [...this.#offers, ...this.#tasks]
    const isIdle = (id: string, role: string) => !held.some(one => one.frameworkId === id && one.role === role)
    this.#refusals = this.#refusals.filter(
      ({ frameworkId: id, role }) => this.#frameworks.get(id)!.roles.includes(role) || !isIdle(id, role),
    )
  }

  #leave(id: string, one: Framework, forEver: boolean): void {
    this.allocator.deactivateFramework(id)
    one.active = false
    one.blocked = false
    this.#refusals = this.#refusals.filter(({ frameworkId }) => frameworkId !== id)
    for (const offer of this.#offers.filter(({ frameworkId }) => frameworkId === id)) this.#forget(offer)
    if (!forEver) return
    for (const task of this.#tasks.filter(({ frameworkId }) => frameworkId === id)) this.#forget(task)
    this.allocator.removeFramework(id)
    this.#frameworks.delete(id)
    this.#subscribe(id, { ...one, active: true, blocked: false, suppressed: new Set() })
  }

  /** Takes an offer or a task away, without a refusal. */
  #forget(one: Allocation): void {
    if (this.#offers.includes(one)) this.allocator.offerClosed(one.frameworkId)
    this.#offers = this.#offers.filter(other => other !== one)
    this.#tasks = this.#tasks.filter(other => other !== one)
    this.#giveBack(one, one.resources)
  }

  #return(offer: Allocation, resources: Resources, seconds: number): void {
    this.allocator.offerClosed(offer.frameworkId)
    this.#giveBack(offer, resources, seconds)
    if (seconds === 0 || resources.isEmpty) return
    const { frameworkId, agentId, role } = offer
    this.#refusals.push({
      frameworkId,
      agentId,
      role,
      resources: resources.unallocated(),
      until: this.#ticks + seconds,
    })
  }

  #giveBack({ frameworkId, agentId, role }: Allocation, resources: Resources, seconds?: number): void {
    this.allocator.recover(frameworkId, agentId, role, resources, seconds)
  }

  #launch(offer: Allocation): void {
    const wanted = of('cpus:1;mem:64')
    const taken = offer.resources.intersect(wanted.allocateTo(offer.role))
    if (!taken.isEmpty) this.#tasks.push({ ...offer, resources: taken })
    this.#return(offer, offer.resources.minus(taken), 3)
  }

  /** A framework reserves a CPU of its offer, or an operator one that is free. */
  #reserve(which: number): void {
    const plain = of('cpus:1')
    const index = which % (this.#offers.length + 1)
    const offer = this.#offers[index]
    const agentId = offer?.agentId ?? [...this.#agents.keys()][which % Math.max(1, this.#agents.size)]
    if (agentId === undefined) return
    const role = offer?.role ?? 'b'
    if (!(offer ? offer.resources.unallocated() : this.allocator.available(agentId)).contains(plain)) return
    const reserved = plain.reserve({ type: 'DYNAMIC', role, principal: `p${this.#reservations++ % 2}` })
    this.allocator.convert(agentId, plain, reserved, offer && { frameworkId: offer.frameworkId, role })
    const agent = this.#agents.get(agentId)!
    agent.total = agent.total.minus(plain).plus(reserved)
    if (!offer) return
    const resources = offer.resources.minus(plain.allocateTo(role)).plus(reserved.allocateTo(role))
    this.#offers[index] = { ...offer, resources }
  }

  #deal(how: 'tick' | 'cycle'): void {
    if (how === 'tick') this.#ticks++
    const before = new Map(roles.map(role => [topOf(role), new Map(this.allocator.quotaConsumption(role))]))
    const reserve = this.#headroom()
    const given = how === 'tick' ? this.allocator.tick() : this.allocator.cycle()
    this.#refusals = this.#refusals.filter(({ until }) => until >= this.#ticks)
    this.trace.push(
      ...given.map(one => `${one.frameworkId} ${one.role} ${one.agentId} ${JSON.stringify(one.resources.toArray())}`),
    )
    for (const one of given) this.#checkOffer(one)
    this.#offers.push(...given)
    for (const id of this.#frameworks.keys())
      expect(
        this.#offers.filter(one => one.frameworkId === id).length <= this.#maxOutstanding,
        `${id} has too many offers`,
      )
    this.#checkLimits(before)
    this.#checkHeadroom(reserve)
    if (this.#quotas.size === 0) this.#checkNothingIsLeft()
  }

  #checkOffer({ frameworkId, agentId, role, resources }: Allocation): void {
    const one = this.#frameworks.get(frameworkId)!
    const bag = resources.unallocated()
    expect(one.active, `${frameworkId} is not active and was offered something`)
    expect(!one.blocked, `${frameworkId} is blocked and was offered something`)
    expect(one.roles.includes(role), `${frameworkId} is not in ${role} and was offered something in it`)
    expect(!one.suppressed.has(role), `${frameworkId} suppressed ${role} and was offered something in it`)
    expect(this.#agents.get(agentId)!.active, `${agentId} is away and was offered`)
    expect(
      !this.#isRefused(frameworkId, role, agentId, bag),
      `${frameworkId} was offered what it refused on ${agentId}`,
    )
    expect(!bag.scalar('gpus') || one.capabilities.includes('GPU_RESOURCES'), `${frameworkId} was offered GPUs`)
    expect(bag.revocable().isEmpty || one.capabilities.includes('REVOCABLE_RESOURCES'), `${frameworkId} sees revocable`)
    for (const owner of bag.reservations().keys())
      expect(owner === role || isAncestor(owner, role), `${role} was offered what is reserved to ${owner}`)
  }

  #isRefused(frameworkId: string, role: string, agentId: string, bag: Resources): boolean {
    return this.#refusals.some(
      one =>
        one.frameworkId === frameworkId && one.role === role && one.agentId === agentId && one.resources.contains(bag),
    )
  }

  #checkLimits(before: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
    for (const [role, { limits }] of this.#quotas)
      for (const [name, limit] of limits) {
        const consumed = this.allocator.quotaConsumption(role).get(name) ?? 0
        const most = Math.max(limit, before.get(role)?.get(name) ?? 0)
        expect(consumed <= most, `${role} consumes ${consumed} of ${name}, and may have ${most}`)
      }
  }

  /** By name: what is free and plain, and what guarantees lack. */
  #headroom(): Headroom {
    const open = Resources.sum(
      [...this.#agents].filter(([, { active }]) => active).map(([id]) => this.allocator.available(id)),
    )
    return new Map(
      names.map(name => {
        let missing = 0
        for (const [role, { guarantees }] of this.#quotas)
          missing += Math.max(0, (guarantees.get(name) ?? 0) - (this.allocator.quotaConsumption(role).get(name) ?? 0))
        return [name, { free: open.unreserved().nonRevocable().thousandths(name), missing }]
      }),
    )
  }

  #checkHeadroom(before: Headroom): void {
    for (const [name, { free, missing }] of this.#headroom()) {
      const then = before.get(name)!
      const isKept = free >= missing || then.missing - missing >= then.free - free
      expect(isKept, `guarantees lack ${missing} of ${name}, and only ${free} is free after a cycle`)
    }
  }

  /** What somebody may be offered is offered. */
  #checkNothingIsLeft(): void {
    for (const [agentId, { active }] of this.#agents) {
      if (!active) continue
      for (const [frameworkId, one] of this.#frameworks) {
        const outstanding = this.#offers.filter(offer => offer.frameworkId === frameworkId).length
        if (!one.active || one.blocked || outstanding >= this.#maxOutstanding) continue
        for (const role of one.roles) {
          if (one.suppressed.has(role)) continue
          const seen = this.#seenBy(agentId, one, role)
          const isEnough = seen.thousandths('cpus') >= 10 || seen.thousandths('mem') >= 32_000
          if (!isEnough || this.#isRefused(frameworkId, role, agentId, seen)) continue
          throw new Error(
            `${JSON.stringify(seen.toArray())} of ${agentId} is free, and ${frameworkId} in ${role} wants it`,
          )
        }
      }
    }
  }

  #seenBy(agentId: string, { capabilities }: Framework, role: string): Resources {
    const { total } = this.#agents.get(agentId)!
    if (total.scalar('gpus') > 0 && !capabilities.includes('GPU_RESOURCES')) return Resources.empty
    return this.allocator.available(agentId).filter(({ reservations, revocable }: Resource) => {
      if (revocable && !capabilities.includes('REVOCABLE_RESOURCES')) return false
      const owner = reservations?.at(-1)?.role
      return owner === undefined || owner === role || isAncestor(owner, role)
    })
  }

  #check(): void {
    const held = [...this.#offers, ...this.#tasks]
    const consumed = new Map<string, Resources>()
    const consume = (role: string, bag: Resources) =>
      consumed.set(topOf(role), (consumed.get(topOf(role)) ?? Resources.empty).plus(bag.withoutReservations()))
    for (const [id, { total }] of this.#agents) {
      const here = held.filter(({ agentId }) => agentId === id)
      const given = Resources.sum(here.map(({ resources }) => resources.unallocated()))
      expect(given.plus(this.allocator.available(id)).equals(total), `on ${id} held and free are not the total`)
      for (const [role, bag] of total.reservations()) consume(role, bag)
      for (const { role, resources } of here) consume(role, resources.unallocated().unreserved().nonRevocable())
    }
    for (const role of ['a', 'b', 'c'])
      for (const name of names) {
        const actual = this.allocator.quotaConsumption(role).get(name) ?? 0
        const expected = consumed.get(role)?.thousandths(name) ?? 0
        expect(actual === expected, `${role} consumes ${expected} of ${name}, and ${actual} is counted`)
      }
    this.#checkShares(held)
  }

  /** Who holds nothing has no share: what a client gave back, or left behind, counts no longer. */
  #checkShares(held: readonly Allocation[]): void {
    for (const { role, share } of this.allocator.roleMetrics()) {
      const mine = Resources.sum(held.filter(one => one.role === role).map(one => one.resources.unallocated()))
      const all = Resources.sum([...this.#agents.values()].map(({ total }) => total))
      let expected = 0
      for (const [name, amount] of mine.quantities()) expected = Math.max(expected, amount / all.scalar(name))
      expect(Math.abs(share - expected) < 1e-9, `the share of ${role} is ${expected}, and ${share} is told`)
    }
  }
}

/** Takes one out of a list, if there is any. */
function pick<Item>(list: Item[], which: number): Item[] {
  return list.length === 0 ? [] : list.splice(which % list.length, 1)
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}
