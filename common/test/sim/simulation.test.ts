import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { AmbientError, guardAmbient } from '../../src/sim/ambient.ts'
import { EventHeap } from '../../src/sim/event-heap.ts'
import { FaultPlan, type FaultRates } from '../../src/sim/faults.ts'
import { seededRandom } from '../../src/sim/random.ts'
import { failingSeed, runSeeds, type Scenario } from '../../src/sim/seeds.ts'
import { Simulation, SimulationFailure } from '../../src/sim/simulation.ts'

const failure = async (run: Promise<unknown>): Promise<SimulationFailure> => {
  try {
    await run
  } catch (error) {
    if (error instanceof SimulationFailure) return error
    throw error
  }
  throw new Error('the run did not fail')
}

t.test('a seed determines its random numbers, and they are spread evenly', async t => {
  const draws = (seed: number) => {
    const random = seededRandom(seed)
    return [
      random.next(),
      random.uuid(),
      [...random.bytes(5)],
      random.int(100),
      random.pick(['a', 'b', 'c']),
      random.shuffle([1, 2, 3, 4, 5]),
    ]
  }
  t.same(draws(7), draws(7))
  t.notSame(draws(7), draws(8))
  t.match(seededRandom(1).uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const random = seededRandom(3)
  const buckets = new Array<number>(10).fill(0)
  for (let n = 0; n < 100_000; n++) buckets[random.int(10)]! += 1
  for (const count of buckets) t.ok(Math.abs(count - 10_000) < 500, `${count} of 10,000`)
  const parent = seededRandom(5)
  const child = parent.fork('agent').next()
  parent.next()
  t.equal(parent.fork('agent').next(), child, 'a fork does not depend on what was drawn')
  t.not(parent.fork('other').next(), child)
  const one = seededRandom(9)
  const other = seededRandom(9)
  one.chance(0)
  t.equal(one.next(), other.next(), 'a chance of 0 draws nothing')
})

t.test('the heap gives events in order of time, tiebreak and scheduling, without the cancelled', async t => {
  const random = seededRandom(11)
  const heap = new EventHeap()
  const events = Array.from({ length: 3000 }, (_, order) => ({
    time: random.int(50),
    tiebreak: random.int(5),
    order,
    target: '',
    what: '',
    bytes: undefined,
    action: () => undefined,
    cancelled: random.chance(0.2),
  }))
  for (const event of events) heap.push(event)
  const expected = events
    .filter(event => !event.cancelled)
    .sort((a, b) => a.time - b.time || a.tiebreak - b.tiebreak || a.order - b.order)
    .map(event => event.order)
  const got: number[] = []
  for (let event = heap.pop(); event; event = heap.pop()) got.push(event.order)
  t.same(got, expected)
  t.equal(heap.nextTime(), undefined)
})

t.test('clocks run on simulated time, and promises settle between events', async t => {
  const simulation = new Simulation({ seed: 1, start: 1_000_000 })
  const process = simulation.process('a')
  const clock = process.clock()
  const told: string[] = []
  const tell = (what: string) => told.push(`${simulation.time} ${what}`)
  clock.after(10, async () => {
    tell('ten')
    await null
    for (let n = 0; n < 50; n++) await Promise.resolve()
    await new Promise<void>(resolve => queueMicrotask(resolve))
    tell('ten settled')
  })
  clock.after(10, () => tell('ten, second'))
  const every = clock.every(4, () => {
    tell('tick')
    if (simulation.time >= 12) every.cancel()
  })
  clock.after(11, () => tell('never')).cancel()
  clock.after(5, () => tell(`now ${clock.now()} monotonic ${clock.monotonic()}`))
  const result = await simulation.run({ until: 3_600_000 })
  t.same(told, [
    '4 tick',
    '5 now 1000005 monotonic 5',
    '8 tick',
    '10 ten',
    '10 ten settled',
    '10 ten, second',
    '12 tick',
  ])
  t.equal(result.time, 3_600_000)
  process.wallOffset = -5000
  t.equal(clock.now(), 1_000_000 + 3_600_000 - 5000)
})

t.test(
  'different processes at one instant come in an order that the seed decides; one process keeps its own',
  async t => {
    const order = async (seed: number) => {
      const simulation = new Simulation({ seed })
      const told: string[] = []
      for (const name of ['a', 'b', 'c']) {
        const clock = simulation.process(name).clock()
        clock.after(5, () => told.push(`${name}1`))
        clock.after(5, () => told.push(`${name}2`))
      }
      await simulation.run({ until: 10 })
      return told.join(' ')
    }
    const orders = new Set<string>()
    for (let seed = 0; seed < 60; seed++) orders.add(await order(seed))
    t.equal(orders.size, 6, 'all orders of three processes')
    for (const text of orders)
      for (const name of ['a', 'b', 'c']) t.ok(text.indexOf(`${name}1`) < text.indexOf(`${name}2`))
  },
)

t.test('what a process scheduled dies with it', async t => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('a')
  const told: string[] = []
  const first = process.clock()
  first.after(10, () => told.push('timer of the dead'))
  process.deliver(10, 'b', new Uint8Array([1]), () => told.push('message to the dead'))
  simulation
    .process('killer')
    .clock()
    .after(5, () => process.crash())
  simulation
    .process('killer')
    .clock()
    .after(6, () => {
      first.after(1, () => told.push('started by the dead'))
      process.deliver(1, 'b', new Uint8Array([1]), () => told.push('sent to the dead'))
      process.restart()
      first.after(1, () => told.push('started by the incarnation before'))
      process.clock().after(1, () => told.push('alive'))
    })
  await simulation.run({ until: 100 })
  t.same(told, ['alive'])
  t.equal(process.incarnation, 2)
  t.equal(process.alive, true)
})

t.test(
  'the present, timers, randomness and fetch throw while a simulation runs, and work again afterwards',
  async t => {
    const attempts: Record<string, () => unknown> = {
      'Date.now': () => Date.now(),
      'new Date()': () => new Date(),
      'Date()': () => Date(),
      setTimeout: () => setTimeout(() => undefined, 0),
      setInterval: () => setInterval(() => undefined, 1),
      setImmediate: () => setImmediate(() => undefined),
      'timers/promises': () => sleep(1),
      'Math.random': () => Math.random(),
      'performance.now': () => performance.now(),
      'process.hrtime': () => process.hrtime(),
      'crypto.randomUUID': () => crypto.randomUUID(),
      'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
      'named randomBytes': () => randomBytes(1),
      'named randomUUID': () => randomUUID(),
      fetch: () => fetch('http://127.0.0.1:1/'),
    }
    const simulation = new Simulation({ seed: 1 })
    const reached: string[] = []
    simulation
      .process('a')
      .clock()
      .after(1, async () => {
        for (const attempt of Object.values(attempts)) {
          await null
          try {
            attempt()
            reached.push('nothing thrown')
          } catch (error) {
            if (error instanceof AmbientError) reached.push('guarded')
          }
        }
        reached.push(new Date(0).toISOString(), String(new Date(5) instanceof Date), String(Date.UTC(1970, 0)))
      })
    await simulation.run({ until: 10 })
    t.same(reached, [...Object.keys(attempts).map(() => 'guarded'), '1970-01-01T00:00:00.000Z', 'true', '0'])
    t.ok(Date.now() > 0 && new Date() instanceof Date && Math.random() < 1 && randomBytes(1).length === 1)
    await sleep(1)

    const release = guardAmbient()
    t.throws(() => Date.now(), AmbientError)
    release()
    t.equal(typeof Date.now(), 'number')
    const throwing = new Simulation({ seed: 1 })
    throwing
      .process('a')
      .clock()
      .after(1, () => Date.now())
    t.match((await failure(throwing.run({ until: 2 }))).message, /a threw: AmbientError: Date\.now\(\)/)
    t.equal(typeof Date.now(), 'number', 'restored after a failure too')
  },
)

t.test('a failure names the seed, what broke, and the last events', async t => {
  const simulation = new Simulation({ seed: 42, history: 3 })
  const clock = simulation.process('master').clock()
  let count = 0
  clock.every(1000, () => {
    count += 1
    simulation.note('master', `offers ${count}`)
  })
  simulation.invariant('at most five', () => (count > 5 ? `${count} offers` : undefined))
  const broken = await failure(simulation.run({ until: 1e6 }))
  t.equal(broken.seed, 42)
  t.match(broken.message, /^seed 42: the invariant 'at most five' is broken: 6 offers\nthe last events:\n/)
  t.match(
    broken.message,
    /5\.000000 {2}master {2}offers 5\n\s+6\.000000 {2}master {2}timer\n\s+6\.000000 {2}master {2}offers 6$/,
  )
  t.equal(broken.message.split('\n').length, 5)

  const failed = new Simulation({ seed: 2 })
  failed
    .process('a')
    .clock()
    .after(1, () => failed.fail('told by a listener'))
  t.match((await failure(failed.run({ until: 2 }))).what, 'told by a listener')
  const endless = new Simulation({ seed: 3, maxEvents: 1000 })
  endless
    .process('a')
    .clock()
    .every(0, () => undefined)
  t.match((await failure(endless.run({ until: 1 }))).what, /gave up after 1000 events/)
  t.throws(
    () =>
      endless
        .process('a')
        .clock()
        .after(Number.NaN, () => undefined),
    RangeError,
  )
})

/** A client that counts on a server over a lossy way: numbered requests, resent until acknowledged, applied once. */
function counting(faults: Partial<FaultRates>, safeguards: { resend: boolean; dedupe: boolean }): Scenario {
  return async seed => {
    const simulation = new Simulation({ seed })
    const plan = new FaultPlan(simulation.random.fork('faults'), faults)
    const [client, server] = [simulation.process('client'), simulation.process('server')]
    const clock = client.clock()
    const seen = new Set<number>()
    let total = 0
    let acknowledged = 0
    const serve = (bytes: Uint8Array) => {
      const number = bytes[0]!
      if (!safeguards.dedupe || !seen.has(number)) total += 1
      seen.add(number)
      plan.send('server', client, simulation.time, bytes, answer => {
        if (answer[0] === acknowledged + 1) acknowledged += 1
      })
    }
    const send = () => {
      const next = acknowledged + 1
      if (next > 20) return
      plan.send('client', server, simulation.time, Uint8Array.of(next), serve)
      clock.after(50, () => {
        if (safeguards.resend || acknowledged >= next) send()
      })
    }
    send()
    simulation.invariant('counted once', () => (total > seen.size ? `${total} for ${seen.size} requests` : undefined))
    simulation
      .process('observer')
      .clock()
      .after(59_000, () => {
        if (acknowledged !== 20) simulation.fail('not all requests were acknowledged')
      })
    return simulation.run({ until: 60_000 })
  }
}
const harsh: Partial<FaultRates> = { loss: 0.2, duplication: 0.1, reordering: 0.2, delay: [1, 30] }

t.test('seeds replay exactly, and taking a safeguard out is seen by a seed', async t => {
  const whole = counting(harsh, { resend: true, dedupe: true })
  const first = Math.floor(Math.random() * 2 ** 30)
  t.comment(`first seed ${first}`)
  const result = await runSeeds(whole, { first, count: 100, twiceEvery: 5 })
  t.equal(result.runs, 100)
  t.not((await whole(1)).hash, (await whole(2)).hash)
  t.equal((await whole(7)).hash, (await whole(7)).hash)

  const doubled = await failingSeed(counting(harsh, { resend: true, dedupe: false }), { first: 1, count: 20 })
  t.match(doubled?.what, /counted once/)
  const stuck = await failingSeed(counting(harsh, { resend: false, dedupe: true }), { first: 1, count: 20 })
  t.match(stuck?.what, /not all requests/)
  const again = await failingSeed(counting(harsh, { resend: true, dedupe: false }), { first: doubled!.seed, count: 1 })
  t.equal(again?.message, doubled?.message, 'the same seed breaks the same way')
  t.equal(await failingSeed(whole, { first: 1, count: 20 }), undefined)
})

t.test('a run that its seed does not determine is found out', async t => {
  let drift = 0
  const drifting: Scenario = async seed => {
    const simulation = new Simulation({ seed })
    drift += 1
    simulation
      .process('a')
      .clock()
      .after(drift, () => undefined)
    return simulation.run({ until: 1000 })
  }
  t.match((await failure(runSeeds(drifting, { first: 5, count: 1 }))).message, /seed 5: two runs differ/)
})

t.test('a crash may fall between any two effects, and all such points can be tried', async t => {
  const performed: string[][] = []
  for (let crashAt = 0; ; crashAt++) {
    const simulation = new Simulation({ seed: 1 })
    const plan = new FaultPlan(simulation.random, {}, { crashAt })
    const process = simulation.process('a')
    const done: string[] = []
    const lived = plan.perform(process, ['write', 'send', 'acknowledge'], effect => done.push(effect))
    performed.push(done)
    t.equal(process.alive, lived)
    if (plan.points <= crashAt) break
  }
  t.same(performed, [
    [],
    ['write'],
    ['write', 'send'],
    ['write', 'send', 'acknowledge'],
    ['write', 'send', 'acknowledge'],
  ])
})

t.test('faults come as often as asked, and a way keeps its order without them', async t => {
  const plan = new FaultPlan(seededRandom(4), { loss: 0.1, duplication: 0.2, storeError: 0.3, delay: [1, 9] })
  let last = 0
  let copies = 0
  for (let now = 0; now < 10_000; now++) {
    for (const delay of plan.arrivals('a>b', now)) {
      copies += 1
      if (now + delay < last) t.fail('overtaken')
      last = now + delay
    }
  }
  t.ok(Math.abs(plan.counts.lost - 1000) < 150, `${plan.counts.lost} lost`)
  t.equal(copies, 10_000 - plan.counts.lost + plan.counts.repeated)
  const outcomes = { works: 0, 'fails before': 0, 'fails after': 0 }
  for (let n = 0; n < 10_000; n++) outcomes[plan.storeOutcome()] += 1
  t.ok(Math.abs(outcomes.works - 7000) < 250)
  t.ok(Math.abs(outcomes['fails before'] - outcomes['fails after']) < 300)
})

t.test('thousands of simulated seconds pass in a real one', async t => {
  const simulation = new Simulation({ seed: 1 })
  for (let agent = 0; agent < 10; agent++) {
    const process = simulation.process(`agent-${agent}`)
    process.clock().every(1000, async () => {
      await null
      simulation.process('master').deliver(5, process.name, new Uint8Array(100), () => undefined)
    })
  }
  const started = performance.now()
  const { events } = await simulation.run({ until: 3_600_000 })
  const seconds = (performance.now() - started) / 1000
  t.comment(`3,600 simulated seconds, ${events} events, in ${seconds.toFixed(2)} s`)
  t.ok(seconds < 20, 'a generous bound for a busy machine')
})
