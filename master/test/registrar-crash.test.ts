import { createMemoryCoordination, type MemoryCluster, noFaults } from '@meseta/common/coordination/memory'
import { StoreError } from '@meseta/common/coordination/store'
import { runSeeds } from '@meseta/common/sim/seeds'
import { Simulation } from '@meseta/common/sim/simulation'
import t from 'tap'
import { raiseEpoch } from '../src/registrar/epoch.ts'
import { Registrar } from '../src/registrar/registrar.ts'
import type { RegistryEntry } from '../src/state/commands.ts'

const masterInfo = { id: 'M', ip: 1, port: 5050 }
/** Small, so that entries of a few hundred bytes move about. */
const shape = { maxBytes: 1_000, spread: 8 }
const agents = 30
const leaders = 6

/** What may be found of an agent: what was promised last, or what was asked for since. */
type Possible = string[]

function described(size: number, mark: number): RegistryEntry | undefined {
  if (size < 60) return undefined
  if (size < 150) return { state: 'unreachable', since: mark }
  const attributes = [{ name: 'a', type: 'TEXT' as const, text: { value: 'x'.repeat(size) } }]
  return { state: 'admitted', info: { hostname: `h${mark}`, attributes } }
}

const text = (entry: RegistryEntry | undefined) => JSON.stringify(entry ?? null)

/** Leaders follow each other: each changes entries at random until it dies, somewhere; the next must find what was promised. */
async function succession(seed: number) {
  const simulation = new Simulation({ seed })
  const process = simulation.process('master')
  const { random } = simulation
  const failed = (error: unknown) => simulation.fail('a listener failed', error)
  const faults = { ...noFaults, delay: [1, 20] as const, staleRead: 0.1 }
  const servers: MemoryCluster = createMemoryCoordination({
    clock: simulation.process('servers').clock(),
    random: simulation.process('servers').random(),
    failed,
    faults,
  })
  const possible = new Map<string, Possible>()
  let marks = 0
  let finished = 0
  const check = (found: ReadonlyMap<string, string>) => {
    for (let agent = 0; agent < agents; agent++) {
      const id = `S${agent}`
      const is = found.get(id) ?? 'null'
      const may = possible.get(id) ?? ['null']
      if (!may.includes(is))
        simulation.fail(`${id} is ${is.slice(0, 80)}, and may be ${may.map(one => one.slice(0, 80))}`)
      possible.set(id, [is])
    }
  }
  const change = (registrar: Registrar) => {
    const id = `S${Math.floor(random.next() * agents)}`
    const entry = described(random.next() * 900, ++marks)
    const may = possible.get(id)!
    may.push(text(entry))
    registrar.apply({ id, entry }).then(
      () => may.splice(0, may.indexOf(text(entry))),
      error => {
        // The dead hear that their session is gone.
        if (!(error instanceof StoreError && error.code === 'LOST')) simulation.fail('a write failed', error)
      },
    )
  }
  const lead = async (number: number) => {
    const session = servers.connect()
    const { store } = session
    await raiseEpoch(store)
    const registrar = new Registrar(store, shape)
    const recovered = await registrar.recover(masterInfo)
    if (new Set(recovered.agents.map(({ id }) => id)).size !== recovered.agents.length)
      simulation.fail('an agent is there twice')
    check(new Map(recovered.agents.map(({ id, entry }) => [id, text(entry)])))
    const clock = process.clock()
    clock.every(3, () => {
      for (let times = Math.floor(random.next() * 4); times > 0; times--) change(registrar)
    })
    simulation.schedule('world', 20 + random.next() * 300, 'the leader dies', () => {
      process.restart()
      session.expire()
      if (number < leaders) void lead(number + 1).catch(error => simulation.fail('it does not lead', error))
      else finished++
    })
  }
  simulation.schedule('world', 0, 'the first leader', () => {
    void lead(1).catch(error => simulation.fail('it does not lead', error))
  })
  return simulation.run({ until: () => finished > 0 })
}

t.test('whenever a leader dies, the next one finds what was promised, and each agent once', async t => {
  const { runs, events } = await runSeeds(seed => succession(seed), { first: 1, count: 60 })
  t.equal(runs, 60, `${events} events`)
})
