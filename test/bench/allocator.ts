import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import { type Allocation, Allocator } from '@meseta/master/allocator/allocator'
import { heartDefaults } from '@meseta/master/state/config'
import { type Bench, bounded, compared, median, type Result } from './bench.ts'

const agentCount = 10_000
const frameworkCount = 200
/** How many agents change between two cycles, where few do. */
const few = 100
const sizes = [1_000, 10_000, 50_000]
const longTime = 1e6

/** Machines of several sizes, some with reservations: what one offers is not what the next one does. */
function resourcesOf(slot: number): Resources {
  const cpus = 4 << (slot % 5)
  const reserved = slot % 50 === 0 ? ';cpus(role-3):1;mem(role-3):512' : ''
  return Resources.from(parseResources(`cpus:${cpus};mem:${cpus * 4096};disk:100000;ports:[31000-32000]${reserved}`))
}

const roleOf = (index: number): string =>
  index % 5 === 0 ? `role-${index % 10}/team-${index % 50}` : `role-${index % 50}`

const factsOf = (index: number, isSuppressed = false) => ({
  info: { user: 'bench', name: 'bench' },
  roles: [roleOf(index)],
  suppressed: new Set(isSuppressed ? [roleOf(index)] : []),
  constraints: undefined,
  capabilities: new Set(['MULTI_ROLE', 'RESERVATION_REFINEMENT', 'REGION_AWARE']),
})

/** Frameworks in 50 roles, of which some are below others and some weigh more. */
function clusterOf(agents: number): Allocator {
  const weights = new Map(Array.from({ length: 10 }, (_, index) => [`role-${index}`, 1 + index] as const))
  const allocator = new Allocator({ ...heartDefaults, weights, maxOutstandingOffers: agents })
  for (let index = 0; index < frameworkCount; index++) {
    allocator.addFramework(`framework-${index}`, factsOf(index))
    allocator.activateFramework(`framework-${index}`)
  }
  const capabilities = ['MULTI_ROLE', 'HIERARCHICAL_ROLE', 'RESERVATION_REFINEMENT']
  for (let slot = 0; slot < agents; slot++)
    allocator.addAgent(`agent-${slot}`, {
      slot,
      info: { hostname: `h${slot}` },
      capabilities,
      total: resourcesOf(slot),
    })
  return allocator
}

/** Each framework in its turn is offered everything and refuses it for long. */
function refuseEverything(allocator: Allocator): void {
  for (let index = 0; index < frameworkCount; index++)
    allocator.updateFramework(`framework-${index}`, factsOf(index, true))
  for (let index = 0; index < frameworkCount; index++) {
    allocator.updateFramework(`framework-${index}`, factsOf(index))
    returnAll(allocator, allocator.cycle(), longTime)
    allocator.updateFramework(`framework-${index}`, factsOf(index, true))
  }
  for (let index = 0; index < frameworkCount; index++) allocator.updateFramework(`framework-${index}`, factsOf(index))
}

function returnAll(allocator: Allocator, allocations: readonly Allocation[], refuseSeconds?: number): void {
  for (const { frameworkId, agentId, role, resources } of allocations) {
    allocator.offerClosed(frameworkId)
    allocator.recover(frameworkId, agentId, role, resources, refuseSeconds)
  }
}

/** Milliseconds of processor that this thread takes: what else the machine does is not in them. */
function timeOf(action: () => void): number {
  const begun = process.threadCpuUsage()
  action()
  const { user, system } = process.threadCpuUsage(begun)
  return (user + system) / 1000
}

/** Everything is free and everybody wants it. The peer writes the offers that come out as JSON. */
function everythingFree(rounds: number): Result {
  const allocator = clusterOf(agentCount)
  const cycles: number[] = []
  const writing: number[] = []
  for (let round = 0; round < rounds; round++) {
    let allocations: Allocation[] = []
    cycles.push(
      timeOf(() => {
        allocations = allocator.cycle()
      }),
    )
    if (allocations.length < agentCount) throw new Error(`${allocations.length} offers for ${agentCount} free agents`)
    writing.push(timeOf(() => JSON.stringify(allocations.map(one => ({ ...one, resources: one.resources.toArray() })))))
    returnAll(allocator, allocations)
  }
  const peer = { name: 'the same offers written as JSON', value: median(writing) }
  return bounded('full cycle, all agents free', 'ms', median(cycles), 100, peer)
}

/** Everybody has refused everything, and all is asked again: 2,000,000 refusals are looked at. The peer walks as many cells. */
function everythingRefused(rounds: number): Result {
  const allocator = clusterOf(agentCount)
  refuseEverything(allocator)
  const cells = new Int32Array(agentCount * frameworkCount).fill(1)
  const cycles: number[] = []
  const walks: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let slot = 0; slot < agentCount; slot++) allocator.touch(`agent-${slot}`)
    cycles.push(
      timeOf(() => {
        if (allocator.cycle().length > 0) throw new Error('something was offered that is refused')
      }),
    )
    walks.push(timeOf(() => walk(cells)))
  }
  const peer = { name: 'a bare loop over as many cells', value: median(walks) }
  return bounded('full cycle, all agents refused by all', 'ms', median(cycles), 100, peer)
}

/** Frameworks one after the other for each agent, through a column by agent: the least that asking all pairs takes. */
function walk(cells: Int32Array): void {
  let sum = 0
  for (let slot = 0; slot < agentCount; slot++)
    for (let framework = 0; framework < frameworkCount; framework++) sum += cells[framework * agentCount + slot]!
  if (sum !== cells.length) throw new Error('the loop lost its way')
}

/** Microseconds an offer, where between two cycles a few of so many agents changed and all else is in use. */
function costPerOffer(agents: number, rounds: number): () => number {
  const allocator = clusterOf(agents)
  let held = allocator.cycle()
  return () => {
    const begunWith = held.length
    let next = 0
    const time = timeOf(() => {
      for (let round = 0; round < rounds; round++) {
        returnAll(allocator, held.slice(next, next + few))
        next += few
        held.push(...allocator.tick())
      }
    })
    const offers = held.length - begunWith
    held = held.slice(next)
    return (time * 1000) / offers
  }
}

/** In turn, so that what else the machine does falls on all alike. */
function fewChanges(turns: number): Result[] {
  const measures = sizes.map(size => ({ size, measure: costPerOffer(size, 200), values: [] as number[] }))
  for (const { measure } of measures) measure()
  for (let turn = 0; turn < turns; turn++) for (const { measure, values } of measures) values.push(measure())
  const [smallest, ...larger] = measures.map(({ size, values }) => ({
    name: `${size} agents`,
    value: Math.min(...values),
  }))
  return larger.map(({ name, value }) =>
    compared(`an offer where ${few} of ${name} change`, 'µs', value, smallest!, { most: 1.5 }),
  )
}

export const bench: Bench = {
  name: 'allocator',
  summary: `full cycles over ${agentCount} agents and ${frameworkCount} frameworks, and an offer's cost from 1,000 to 50,000 agents`,
  async run({ quick, say }) {
    say(`Full cycles over ${agentCount} agents and ${frameworkCount} frameworks…`)
    const rounds = quick ? 9 : 31
    const full = [everythingFree(rounds), everythingRefused(rounds)]
    say(`Cycles where ${few} agents changed, of ${sizes.join(', ')}…`)
    return [...full, ...fewChanges(quick ? 7 : 15)]
  },
}
