import t from 'tap'
import { openAgentEnd } from '../../src/messaging/agent-end.ts'
import type { LinkFrame } from '../../src/messaging/frames.ts'
import type { AgentEnd, LinkEnd, MasterEnd } from '../../src/messaging/link.ts'
import { openMasterEnd } from '../../src/messaging/master-end.ts'
import { Session } from '../../src/messaging/session.ts'
import {
  type BusFaults,
  createSimulatedNetwork,
  noFaults,
  type SimulatedBus,
  type SimulatedNetwork,
} from '../../src/messaging/simulated-bus.ts'
import type { MasterInfo } from '../../src/protocol/mesos.ts'
import { quietLog } from '../support/log.ts'
import { TestClock, TestRandom } from '../support/simulated-time.ts'

const masterInfo: MasterInfo = { id: 'master-1', ip: 16777343, port: 5050, hostname: '127.0.0.1' }

/** What one end was told, as text: `opened 3`, `received a7`, `ended GAP`. */
type Trace = string[]

class World {
  readonly clock = new TestClock()
  readonly random: TestRandom
  readonly network: SimulatedNetwork
  readonly trace: Trace = []
  readonly masterBus: SimulatedBus
  master: MasterEnd
  readonly masterTold = new Map<string, Trace>()
  readonly agents = new Map<string, { end: AgentEnd; bus: SimulatedBus; told: Trace; sent: number }>()
  heard = 0
  epoch = 1
  deposed: number | undefined

  constructor(seed: number, faults: BusFaults = noFaults) {
    this.random = new TestRandom(seed)
    const fail = (error: unknown) => {
      throw error
    }
    this.network = createSimulatedNetwork({ clock: this.clock, random: this.random, faults, failed: fail })
    this.masterBus = this.network.connect('master')
    this.master = this.lead(1)
  }

  lead(epoch: number, format?: number): MasterEnd {
    this.epoch = epoch
    const told = (link: string, what: string) => {
      const list = this.masterTold.get(link) ?? []
      list.push(what)
      this.masterTold.set(link, list)
      this.trace.push(`${this.clock.monotonic().toFixed(3)} master ${link} ${what}`)
    }
    this.master = openMasterEnd({
      bus: this.masterBus,
      cluster: 'test',
      epoch,
      masterInfo,
      clock: this.clock,
      random: this.random,
      log: quietLog,
      soon: action => this.clock.after(0, action),
      ...(format !== undefined && { format }),
      events: {
        opened: (link, agentId) => told(link, `opened ${agentId ?? '-'}`),
        received: (link, message) => told(link, `received ${message.unregister?.reason}`),
        ended: (link, { code }) => told(link, `ended ${code}`),
        heard: () => {
          this.heard += 1
        },
        deposed: newer => {
          this.deposed = newer
        },
      },
    })
    return this.master
  }

  agent(link: string, onOpen: (end: AgentEnd) => void = () => {}, followed = 0) {
    const bus = this.network.connect(link)
    const told: Trace = []
    const ends: LinkEnd[] = []
    const note = (what: string) => {
      told.push(what)
      this.trace.push(`${this.clock.monotonic().toFixed(3)} ${link} ${what}`)
    }
    const end = openAgentEnd({
      bus,
      cluster: 'test',
      link,
      agentId: () => `id-of-${link}`,
      followed,
      clock: this.clock,
      random: this.random,
      log: quietLog,
      soon: action => this.clock.after(0, action),
      events: {
        opened: (_, epoch) => {
          note(`opened ${epoch}`)
          onOpen(end)
        },
        received: message => note(`received ${message.shutdown?.message}`),
        ended: reason => {
          ends.push(reason)
          note(`ended ${reason.code}`)
        },
      },
    })
    const agent = { end, bus, told, sent: 0, ends }
    this.agents.set(link, agent)
    return agent
  }

  async stop(): Promise<void> {
    for (const { end } of this.agents.values()) await end.stop()
    await this.master.stop()
  }
}

const say = (text: string) => ({ unregister: { reason: text } })
const tell = (text: string) => ({ shutdown: { message: text } })

t.test('an agent hears the beacon, opens a session, and messages pass in both directions', async t => {
  const world = new World(1)
  const agent = world.agent('a1', end => end.send(say('register')))
  t.notOk(agent.end.send(say('too early')), 'nothing is sent without a session')
  world.clock.advance(1_500)
  t.ok(agent.end.open)
  t.same(world.masterTold.get('a1'), ['opened id-of-a1', 'received register'])
  t.ok(world.master.send('a1', tell('hello')))
  world.clock.advance(100)
  t.same(agent.told, ['opened 1', 'received hello'])
  t.equal(agent.end.leader?.beacon.master_info.id, 'master-1')
  t.ok(world.master.hearsItself)
  t.notOk(world.master.send('nobody', tell('x')))
  const before = world.heard
  world.clock.advance(60_000)
  t.ok(world.heard - before >= 11, 'it is heard each five seconds')
  t.same(agent.told.length, 2, 'nothing else happens')
  await world.stop()
})

t.test('a message over 256 KiB arrives whole', async t => {
  const world = new World(2)
  const text = 'x'.repeat(900_000)
  const agent = world.agent('a1', end => end.send(say(text)))
  world.clock.advance(2_000)
  t.same(world.masterTold.get('a1'), ['opened id-of-a1', `received ${text}`])
  t.ok(world.master.send('a1', tell(text)))
  world.clock.advance(100)
  t.equal(agent.told[1], `received ${text}`)
  await world.stop()
})

t.test('the outbox is bounded in messages and in bytes, and the session ends at the bound', async t => {
  for (const [name, text, count] of [
    ['messages', 'x', 1_001],
    ['bytes', 'x'.repeat(500_000), 17],
  ] as const) {
    const world = new World(3)
    const agent = world.agent('a1', end => end.send(say('register')))
    world.clock.advance(1_500)
    agent.bus.partition()
    let accepted = 0
    while (agent.end.send(say(text))) accepted += 1
    t.equal(accepted, count - 1, name)
    t.notOk(agent.end.open)
    world.clock.advance(0)
    t.equal(agent.ends[0]?.code, 'OUTBOX_FULL')
    agent.bus.heal()
    world.clock.advance(5_000)
    t.same(agent.told, ['opened 1', 'ended OUTBOX_FULL', 'opened 1'], 'a new session opens by itself')
    t.same(world.masterTold.get('a1'), [
      'opened id-of-a1',
      'received register',
      'ended NEW_SESSION',
      'opened id-of-a1',
      'received register',
    ])
    await world.stop()
  }
})

t.test('three minutes without the bus end no session, and everything catches up', async t => {
  const world = new World(4)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  agent.bus.down()
  world.masterBus.down()
  agent.end.send(say('update'))
  world.master.send('a1', tell('order'))
  world.clock.advance(180_000)
  t.notOk(world.master.hearsItself)
  agent.bus.up()
  world.masterBus.up()
  world.clock.advance(1_500)
  t.ok(world.master.hearsItself)
  t.same(agent.told, ['opened 1', 'received order'])
  t.same(world.masterTold.get('a1'), ['opened id-of-a1', 'received register', 'received update'])
  await world.stop()
})

t.test('a frozen bus, which nobody has noticed, ends no session either', async t => {
  const world = new World(5)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  agent.bus.partition()
  agent.end.send(say('update'))
  world.master.send('a1', tell('order'))
  world.clock.advance(180_000)
  agent.bus.heal()
  world.clock.advance(1_500)
  t.same(agent.told, ['opened 1', 'received order'])
  t.same(world.masterTold.get('a1'), ['opened id-of-a1', 'received register', 'received update'])
  await world.stop()
})

t.test('a new leader of a higher epoch ends the session and opens another; an older leader is refused', async t => {
  const world = new World(6)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  const old = world.master
  world.lead(2)
  world.clock.advance(1_500)
  t.same(agent.told, ['opened 1', 'ended NEW_LEADER', 'opened 2'])
  t.equal(world.deposed, 2, 'the older leader hears that it is deposed')
  t.ok(old.send('a1', tell('from the deposed')), 'it does not know yet')
  world.clock.advance(5_000)
  t.same(agent.told, ['opened 1', 'ended NEW_LEADER', 'opened 2'], 'its message is refused by its epoch')
  await old.stop()
  await world.stop()
})

t.test(
  'an agent that followed a newer leader before its restart refuses the deposed one, whom it hears first',
  async t => {
    const world = new World(6)
    const agent = world.agent('a1', undefined, 2)
    world.clock.advance(60_000)
    t.same(agent.told, ['ended REFUSED'], 'said once')
    t.match(agent.ends[0]?.detail, /epoch 1 is older than that of epoch 2/)
    const old = world.master
    world.lead(2)
    world.clock.advance(1_500)
    t.same(agent.told, ['ended REFUSED', 'opened 2'])
    await old.stop()
    await world.stop()
  },
)

t.test(
  'an older leader that is the only one for longer than a deposed one lives is followed: the store was begun anew',
  async t => {
    const world = new World(6)
    const agent = world.agent('a1', undefined, 2)
    world.clock.advance(119_000)
    t.same(agent.told, ['ended REFUSED'])
    agent.bus.partition()
    world.clock.advance(10_000)
    agent.bus.heal()
    world.clock.advance(119_000)
    t.same(agent.told, ['ended REFUSED'], 'what it did not hear says nothing')
    world.clock.advance(3_000)
    t.same(agent.told, ['ended REFUSED', 'opened 1'])
    world.lead(2)
    world.clock.advance(1_500)
    t.same(agent.told, ['ended REFUSED', 'opened 1', 'ended NEW_LEADER', 'opened 2'])
    await world.stop()
  },
)

t.test('an end of the session by the master starts a new one', async t => {
  const world = new World(7)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  world.master.close('a1', 'the agent is unreachable')
  world.clock.advance(3_000)
  t.same(agent.told, ['opened 1', 'ended CLOSED_BY_PEER', 'opened 1'])
  t.match(agent.ends[0]?.detail, /the agent is unreachable/)
  await world.stop()
})

t.test('a leader of another version is refused with both versions named; the previous one is taken', async t => {
  for (const [format, opens] of [
    [0, false],
    [1, true],
    [2, true],
    [3, false],
    [7, false],
  ] as const) {
    const world = new World(8)
    const old = world.master
    await old.stop()
    world.lead(1, format)
    const agent = world.agent('a1')
    world.clock.advance(2_500)
    t.equal(agent.end.open, opens, `format ${format}`)
    if (!opens) {
      t.equal(agent.ends[0]?.code, 'REFUSED')
      t.match(agent.ends[0]?.detail, new RegExp(`speaks link format ${format}, this side reads 2 and 1`))
      world.clock.advance(120_000)
      t.equal(agent.ends.length, 1, 'said once')
    }
    await world.stop()
  }
})

t.test('at most 64 agents register at once, and each of 1,000 gets its turn', async t => {
  const world = new World(9)
  await world.master.stop()
  for (let i = 0; i < 1_000; i += 1) world.agent(`a${i}`, end => end.send(say('register')))
  world.lead(2)
  world.clock.advance(30_000)
  t.ok([...world.agents.values()].every(({ end }) => end.open))
  t.equal(world.masterTold.size, 1_000)
  t.ok([...world.masterTold.values()].every(told => told.length === 2 && told[0]!.startsWith('opened')))
  let waiting = 0
  let most = 0
  for (const line of world.trace) {
    if (/^[\d.]+ a\d+ opened/.test(line)) waiting += 1
    if (/master a\d+ received/.test(line)) waiting -= 1
    most = Math.max(most, waiting)
  }
  t.ok(most <= 64, `at most ${most} at once`)
  await world.stop()
})

t.test('frames that are no frames, of foreign links and of unknown sessions do no harm', async t => {
  const world = new World(10)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  const stranger = world.network.connect('stranger')
  for (let i = 0; i < 2_000; i += 1) {
    const bytes = world.random.bytes(Math.floor(world.random.next() * 40))
    stranger.publish('m.test.1.a1', bytes)
    stranger.publish('a.test.a1', bytes)
    stranger.publish('l.test', bytes)
  }
  stranger.publish('m.test.1.~~', world.random.bytes(3))
  world.clock.advance(10_000)
  t.ok(agent.end.open)
  agent.end.send(say('still here'))
  world.clock.advance(3_000)
  t.equal(world.masterTold.get('a1')?.at(-1), 'received still here')
  await world.stop()
})

t.test('a message that the codec refuses is refused at once, and the session goes on', async t => {
  const world = new World(11)
  const agent = world.agent('a1', end => end.send(say('register')))
  world.clock.advance(1_500)
  t.throws(() => agent.end.send({ exited_executor: {} } as never), { name: 'BadMessage' })
  t.ok(agent.end.open)
  await world.stop()
})

t.test('what is on its way unacknowledged is bounded; the first message goes frame by frame', async t => {
  const small = new Session(1, 1, { slowStart: false, format: 1 })
  for (let i = 0; i < 400; i += 1) small.queue(0, new Uint8Array(10))
  t.equal(small.take(0).length, 256)
  t.equal(small.take(999).length, 0, 'nothing is due again yet')
  t.equal(small.take(1_000).length, 256, 'all of it is sent again')
  small.receive(1_001, { epoch: 1, session: 1, kind: 'ACK', ack: 200 })
  t.equal(small.take(1_001).length, 144, 'the rest')

  const large = new Session(1, 1, { slowStart: false, format: 1 })
  for (let i = 0; i < 10; i += 1) large.queue(0, new Uint8Array(500_000))
  t.ok(bytesOf(large.take(0)) <= 1024 * 1024)

  const first = new Session(1, 1, { slowStart: true, format: 2 })
  first.queue(0, new Uint8Array(600_000))
  first.queue(0, new Uint8Array(10))
  for (const seq of [1, 2, 3]) {
    t.same(
      first.take(0).map(frame => frame.seq),
      [seq],
    )
    first.receive(0, { epoch: 1, session: 1, kind: 'ACK', ack: seq })
  }
  t.equal(first.take(0).length, 1)
})

t.test('messages that were queued together go in one frame, but not to a peer of the former format', async t => {
  for (const [format, frames] of [
    [1, 200],
    [2, 4],
  ] as const) {
    const from = new Session(1, 1, { slowStart: false, format })
    const to = new Session(1, 1, { slowStart: false, format })
    const messages = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i))
    for (const message of messages) from.queue(0, message)
    const sent = from.take(0)
    t.equal(sent.length, frames, `format ${format}`)
    t.same(
      sent.flatMap(frame => to.receive(0, frame).messages),
      messages,
    )
    from.receive(0, to.ack('ACK'))
    t.notOk(from.unsettled)
  }
})

t.test(
  'what comes again in another frame than before is taken once, and what is larger than a frame goes alone',
  async t => {
    const from = new Session(1, 1, { slowStart: false, format: 2 })
    const to = new Session(1, 1, { slowStart: false, format: 2 })
    const queue = (...bytes: number[]) => {
      for (const byte of bytes) from.queue(0, Uint8Array.of(byte))
    }
    queue(1, 2)
    const first = from.take(0)
    t.same(to.receive(0, first[0]!).messages, [Uint8Array.of(1), Uint8Array.of(2)])
    queue(3)
    from.take(500)
    const again = from.take(1_000)
    t.equal(again.length, 1, 'all that is not acknowledged is in one frame now')
    t.same(to.receive(0, again[0]!).messages, [Uint8Array.of(3)])
    t.same(to.receive(0, again[0]!).messages, [], 'and nothing of it is taken twice')
    from.receive(1_000, to.ack('ACK'))
    queue(4)
    from.queue(0, new Uint8Array(200_000))
    from.queue(0, new Uint8Array(200_000))
    from.queue(0, new Uint8Array(300_000))
    queue(5)
    const shapes = from.take(1_000).map(({ payload, chunks = 1 }) => [payload?.length, chunks])
    t.same(shapes, [
      [2, 1],
      [1, 1],
      [1, 2],
      [1, 2],
      [1, 1],
    ])
  },
)

t.test('an acknowledgement of what was not sent, and chunks that do not follow, end the session', async t => {
  for (const frame of [
    { kind: 'ACK', ack: 1 },
    { kind: 'DATA', seq: 1, chunk: 1, chunks: 2 },
    { kind: 'DATA', seq: 1, chunk: 0, chunks: 1_000_000 },
    { kind: 'DATA', seq: 1, chunk: 0, chunks: 2, payload: [Uint8Array.of(1), Uint8Array.of(2)] },
  ] as const) {
    const { end } = new Session(1, 1, { slowStart: false, format: 2 }).receive(0, { epoch: 1, session: 1, ...frame })
    t.equal(end?.code, 'GAP', JSON.stringify(frame))
  }
})

const bytesOf = (frames: readonly LinkFrame[]): number =>
  frames.flatMap(({ payload = [] }) => payload).reduce((sum, { length }) => sum + length, 0)

/** Runs one seed: three agents and the master talk through a bus that loses, repeats, reorders, delays, breaks and freezes. */
function storm(seed: number): World {
  const dice = new TestRandom(seed ^ 0x5eed)
  const faults: BusFaults = {
    loss: dice.next() * 0.2,
    duplication: dice.next() * 0.2,
    reordering: dice.next() * 0.2,
    delay: [0, dice.next() * 200],
  }
  const world = new World(seed, faults)
  for (const link of ['a1', 'a2', 'a3']) {
    const agent = world.agent(link, end => {
      agent.sent = 0
      if (end.send(say(`${agent.sent}`))) agent.sent += 1
    })
  }
  const orders = new Map<string, number>()
  for (let step = 0; step < 300; step += 1) {
    world.clock.advance(dice.next() * 400)
    for (const [link, agent] of world.agents) {
      const roll = dice.next()
      if (roll < 0.4 && agent.end.open && agent.end.send(say(`${agent.sent}`))) agent.sent += 1
      else if (roll < 0.42) agent.bus.down()
      else if (roll < 0.44) agent.bus.partition()
      else if (roll < 0.6) {
        agent.bus.up()
        agent.bus.heal()
      } else if (roll < 0.605) world.master.close(link, 'chaos')
      else if (roll < 0.9) {
        const last = world.masterTold.get(link)?.findLast(told => !told.startsWith('received'))
        if (last?.startsWith('ended')) orders.set(link, 0)
        const number = orders.get(link) ?? 0
        if (world.master.send(link, tell(`${number}`))) orders.set(link, number + 1)
      }
    }
    const roll = dice.next()
    if (roll < 0.01) world.masterBus.down()
    else if (roll < 0.02) world.masterBus.partition()
    else if (roll < 0.2) {
      world.masterBus.up()
      world.masterBus.heal()
    }
  }
  world.network.faults = noFaults
  for (const bus of [world.masterBus, ...[...world.agents.values()].map(agent => agent.bus)]) {
    bus.up()
    bus.heal()
  }
  world.clock.advance(60_000)
  return world
}

/** Numbers received since each `opened` begin at 0 and have no gap and no repetition. */
function flaw(told: Trace): string | undefined {
  let open = false
  let next = 0
  for (const what of told) {
    const [word, rest] = what.split(' ')
    if (word === 'opened') {
      if (open) return 'opened twice'
      open = true
      next = 0
    } else if (word === 'ended') open = false
    else {
      if (!open) return `received ${rest} without a session`
      if (Number(rest) !== next) return `received ${rest} where ${next} was due`
      next += 1
    }
  }
  return open ? undefined : 'no session at the end'
}

t.test('within a session every message arrives once and in order, whatever the bus does', async t => {
  let delivered = 0
  let sessions = 0
  for (let seed = 1; seed <= 120; seed += 1) {
    const world = storm(seed)
    for (const [link, agent] of world.agents) {
      const master = world.masterTold.get(link) ?? []
      const wrong = flaw(master)
      if (wrong) t.fail(`seed ${seed}, master about ${link}: ${wrong}`)
      if (!agent.end.open) t.fail(`seed ${seed}: ${link} has no session at the end`)
      const last = master.slice(master.findLastIndex(told => told.startsWith('opened')) + 1)
      if (last.length !== agent.sent)
        t.fail(`seed ${seed}: of ${agent.sent} messages of ${link}, ${last.length} arrived`)
      delivered += master.filter(told => told.startsWith('received')).length
      sessions += master.filter(told => told.startsWith('opened')).length
    }
  }
  t.ok(delivered > 10_000, `${delivered} messages in ${sessions} sessions`)
  t.ok(sessions > 400, 'sessions broke and began again')
})

t.test('the same seed gives the same run', async t => {
  for (const seed of [3, 17, 99]) t.same(storm(seed).trace, storm(seed).trace, `seed ${seed}`)
})
