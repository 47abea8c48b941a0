import t from 'tap'
import { type CoordinationFaults, createMemoryCoordination, noFaults } from '../../src/coordination/memory.ts'
import { StoreError } from '../../src/coordination/store.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { TestClock, TestRandom } from '../support/simulated-time.ts'
import { electionSuite } from './election-suite.ts'
import { bytes, codeOf, storeSuite, text } from './store-suite.ts'

const failed = () => {}
const slow: CoordinationFaults = { ...noFaults, delay: [0, 2], watchDelay: [0, 5], staleRead: 0.5 }

for (const [name, faults] of [
  ['without faults', noFaults],
  ['with delays and old reads', slow],
] as const) {
  t.test(`the store in memory, ${name}`, async t => {
    await storeSuite(t, async () => {
      const servers = createMemoryCoordination({ clock: systemClock, random: systemRandom, faults, failed })
      const { store, close } = servers.connect()
      return { store, stop: close }
    })
  })
  t.test(`the election in memory, ${name}`, async t => {
    await electionSuite(t, async () => {
      const servers = createMemoryCoordination({ clock: systemClock, random: systemRandom, faults, failed })
      const [a, b] = [servers.connect(), servers.connect()]
      return { a: a.election, b: b.election, endA: async () => a.expire(), stop: () => b.close() }
    })
  })
}

/** Servers under a clock of the test. */
function world(seed: number, faults: CoordinationFaults = noFaults) {
  const clock = new TestClock()
  const random = new TestRandom(seed)
  return { clock, random, servers: createMemoryCoordination({ clock, random, faults, failed }) }
}

t.test('while the connection is lost operations wait, then go on or fail with UNAVAILABLE', async t => {
  const { clock, servers } = world(1)
  const a = servers.connect()
  const states: string[] = []
  a.store.onState(state => states.push(state))
  a.suspend()
  const short = a.store.create('/a', bytes('x'))
  await clock.pass(5_000)
  a.resume()
  t.equal(await short, 0)
  a.suspend()
  const long = codeOf(a.store.create('/b', bytes('x')))
  await clock.pass(20_000)
  t.equal(await long, 'UNAVAILABLE')
  a.resume()
  t.same(states, ['suspended', 'connected', 'suspended', 'connected'])
})

t.test('a deposed leader that has not noticed writes nothing, and ends when it notices', async t => {
  const { clock, servers } = world(2)
  const [old, next] = [servers.connect(), servers.connect()]
  const first = await old.election.contend('/m', 'info_', bytes('old'))
  await first.elected
  const second = await next.election.contend('/m', 'info_', bytes('next'))
  old.suspend()
  const late = codeOf(old.store.create('/late', bytes('x')))
  old.expire()
  await second.elected
  t.equal(old.store.state, 'suspended', 'it does not know yet')
  old.resume()
  t.equal(await late, 'LOST')
  t.equal(old.store.state, 'lost')
  t.match(await first.ended, /./)
  await clock.pass(1_000)
  t.equal(await next.store.get('/late'), undefined)
})

t.test('a write that answers UNAVAILABLE was done, was not, or is done later: each is seen', async t => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= 200; seed += 1) {
    const faults = { ...noFaults, delay: [1, 50] as const, unavailableBefore: 0.3, unavailableAfter: 0.4 }
    const { clock, servers } = world(seed, faults)
    const { store } = servers.connect()
    const write = codeOf(store.create('/a', bytes('x')))
    let code: string | undefined | null = null
    void write.then(answer => {
      code = answer
    })
    while (code === null) await clock.pass(1)
    servers.faults = noFaults
    const now = (await store.get('/a')) !== undefined
    await clock.pass(200)
    const later = (await store.get('/a')) !== undefined
    seen.add(`${code} ${now} ${later}`)
  }
  t.same([...seen].sort(), [
    'UNAVAILABLE false false',
    'UNAVAILABLE false true',
    'UNAVAILABLE true true',
    'undefined true true',
  ])
})

/** Two sessions count in one record by compare-and-set through every fault; each knows what was surely, and what was perhaps counted. */
async function count(seed: number): Promise<{ value: number; sure: number; perhaps: number; trace: string[] }> {
  const faults: CoordinationFaults = {
    delay: [0, 30],
    watchDelay: [0, 100],
    unavailableBefore: 0.1,
    unavailableAfter: 0.1,
    staleRead: 0.3,
  }
  const { clock, random, servers } = world(seed, faults)
  const trace: string[] = []
  let sure = 0
  let perhaps = 0
  let running = true
  const counter = async (name: string) => {
    let session = servers.connect()
    while (running) {
      try {
        const found = await session.store.get('/count')
        const value = Number(text(found?.value) ?? 0) + 1
        if (found) await session.store.set('/count', bytes(`${value}`), found.version)
        else await session.store.create('/count', bytes(`${value}`))
        sure += 1
        trace.push(`${clock.monotonic().toFixed(2)} ${name} counted ${value}`)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        trace.push(`${clock.monotonic().toFixed(2)} ${name} ${error.code}`)
        if (error.code === 'UNAVAILABLE' || error.code === 'LOST') perhaps += 1
        if (error.code === 'LOST') session = servers.connect()
      }
      await new Promise<void>(resolve => clock.after(random.next() * 20, resolve))
      const roll = random.next()
      if (roll < 0.03) session.suspend()
      if (roll < 0.01) session.expire()
      if (roll < 0.03) clock.after(random.next() * 500, () => session.resume())
    }
  }
  const counters = [counter('a'), counter('b')]
  await clock.pass(8_000)
  running = false
  servers.faults = noFaults
  await clock.pass(60_000)
  await Promise.all(counters)
  const value = Number(text((await servers.connect().store.get('/count'))?.value) ?? 0)
  return { value, sure, perhaps, trace }
}

t.test('nothing that was answered is lost or doubled, whatever goes wrong', async t => {
  let counted = 0
  for (let seed = 1; seed <= 15; seed += 1) {
    const { value, sure, perhaps } = await count(seed)
    if (value < sure || value > sure + perhaps) t.fail(`seed ${seed}: ${value} of ${sure} sure and ${perhaps} perhaps`)
    counted += sure
  }
  t.ok(counted > 500, `${counted} counted`)
})

t.test('the same seed gives the same run', async t => {
  const [first, second] = [await count(5), await count(5)]
  t.same(first, second)
})
