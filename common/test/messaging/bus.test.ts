import t from 'tap'
import { openAgentEnd } from '../../src/messaging/agent-end.ts'
import { type Bus, BusDownError } from '../../src/messaging/bus.ts'
import { openMasterEnd } from '../../src/messaging/master-end.ts'
import { createEmbeddedBus, openBus } from '../../src/messaging/open.ts'
import { createSimulatedNetwork } from '../../src/messaging/simulated-bus.ts'
import { matches } from '../../src/messaging/subjects.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { FaultyProxy } from '../support/faulty-proxy.ts'
import { quietLog } from '../support/log.ts'
import { natsSkip, realNats } from '../support/nats.ts'
import { freePorts } from '../support/ports.ts'
import { until } from '../support/until.ts'
import { busSuite } from './bus-suite.ts'

const options = { clock: systemClock, random: systemRandom, log: quietLog, reconnectJitter: 100, pingInterval: 200 }
const bytes = (text: string): Uint8Array => Buffer.from(text)

t.test('the embedded bus', async t => {
  await busSuite(t, async () => {
    const bus = createEmbeddedBus({ failed: () => {} })
    return { a: bus, b: bus, stop: () => bus.close() }
  })
  await t.test('refuses what nobody takes away in time', async t => {
    const bus = createEmbeddedBus()
    const payload = new Uint8Array(1024 * 1024)
    for (let i = 0; i < 64; i += 1) bus.publish('x', payload)
    t.throws(() => bus.publish('x', payload), BusDownError)
    await until('it is taken away', () => {
      try {
        bus.publish('x', payload)
        return true
      } catch {
        return false
      }
    })
    await bus.close()
  })
})

t.test('the simulated bus without faults', async t => {
  await busSuite(t, async () => {
    const network = createSimulatedNetwork({ clock: systemClock, random: systemRandom, failed: () => {} })
    const [a, b] = [network.connect('a'), network.connect('b')]
    return { a, b, stop: async () => void (await Promise.all([a.close(), b.close()])) }
  })
})

t.test('subjects match by their parts', async t => {
  for (const [pattern, subject, wanted] of [
    ['a', 'a', true],
    ['a', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['*.b', 'a.b', true],
    ['>', 'a.b', true],
  ] as const)
    t.equal(matches(pattern, subject), wanted, `${pattern} ${subject}`)
})

t.test('a bus url that can not be used is refused, without its password', async t => {
  for (const url of [
    'nats://',
    'nats://u:secret@',
    'nats://u:secret@h:x',
    'kafka://h',
    'embedded:x',
    'nats://u:%zz@h',
  ]) {
    const error = await openBus(url, options).then(
      () => undefined,
      (error: Error) => error,
    )
    t.equal(error?.name, 'BusUrlError', url)
    t.notMatch(error?.message, /secret/)
  }
})

t.test('the bus over a real NATS server', { skip: natsSkip }, async t => {
  const server = await realNats(t.testdir({}))
  t.teardown(() => server.process.stop())
  const connect = async (port = server.port): Promise<Bus> => {
    const bus = await openBus(`nats://127.0.0.1:${port}`, options)
    await until('the connection', () => bus.state === 'connected')
    return bus
  }
  await busSuite(t, async () => {
    const [a, b] = [await connect(), await connect()]
    return { a, b, stop: async () => void (await Promise.all([a.close(), b.close()])) }
  })

  await t.test('a cut connection is seen, publishing throws, and all returns by itself', async t => {
    const proxy = await FaultyProxy.start(server.port)
    const bus = await connect(proxy.port)
    const other = await connect()
    const states: string[] = []
    bus.onState(state => states.push(state))
    const heard: string[] = []
    bus.subscribe('back', payload => heard.push(Buffer.from(payload).toString()))
    proxy.refusing = true
    proxy.cut()
    await until('it is disconnected', () => bus.state === 'disconnected')
    t.throws(() => bus.publish('x', bytes('x')), BusDownError)
    const whileDown: string[] = []
    bus.subscribe('later', payload => whileDown.push(Buffer.from(payload).toString()))
    proxy.refusing = false
    await until('it is connected', () => bus.state === 'connected')
    await until('both subscriptions work', () => {
      other.publish('back', bytes('1'))
      other.publish('later', bytes('2'))
      return heard.includes('1') && whileDown.includes('2')
    })
    t.same(states, ['disconnected', 'connected'])
    await bus.close()
    await other.close()
    await proxy.stop()
  })

  await t.test('a frozen server is noticed within three pings, and taken again when it goes on', async t => {
    const bus = await connect()
    server.process.signal('SIGSTOP')
    await until('it is noticed', () => bus.state === 'disconnected', 5_000)
    server.process.signal('SIGCONT')
    await until('it is connected', () => bus.state === 'connected')
    t.pass()
    await bus.close()
  })

  await t.test('a frozen server is not given more than 64 MiB', async t => {
    const bus = await openBus(`nats://127.0.0.1:${server.port}`, { ...options, pingInterval: 60_000 })
    await until('the connection', () => bus.state === 'connected')
    server.process.signal('SIGSTOP')
    const payload = new Uint8Array(1024 * 1024)
    let sent = 0
    t.throws(() => {
      for (; sent < 100; sent += 1) bus.publish('x', payload)
    }, /has not taken/)
    t.equal(sent, 64)
    server.process.signal('SIGCONT')
    await until('it takes again', () => {
      try {
        bus.publish('x', payload)
        return true
      } catch {
        return false
      }
    })
    await bus.close()
  })
})

t.test('the agent link over a NATS server that is killed, started late and frozen', { skip: natsSkip }, async t => {
  const folder = t.testdir({})
  const [port] = await freePorts(1)
  const busOf = () => openBus(`nats://127.0.0.1:${port}`, options)
  const [masterBus, agentBus] = [await busOf(), await busOf()]
  t.equal(agentBus.state, 'disconnected', 'nobody is there yet, and that is no error')
  const common = { cluster: 'a cluster.of>mine', clock: systemClock, random: systemRandom, log: quietLog }
  const told: string[] = []
  const masterTold: string[] = []
  const agent = openAgentEnd({
    ...common,
    bus: agentBus,
    link: 'agent-1',
    agentId: () => undefined,
    events: {
      opened: () => void agent.send({ unregister: { reason: '0' } }),
      received: message => void told.push(`${message.shutdown?.message}`),
      ended: ({ code }) => void told.push(`ended ${code}`),
    },
  })
  const master = openMasterEnd({
    ...common,
    bus: masterBus,
    epoch: 3,
    masterInfo: { id: 'm', ip: 1, port: 5050 },
    events: {
      opened: () => {},
      received: (_, message) => void masterTold.push(`${message.unregister?.reason}`),
      ended: (_, { code }) => void masterTold.push(`ended ${code}`),
      heard: () => {},
    },
  })
  let server = await realNats(folder, port)
  t.teardown(() => server.process.stop())
  await until('the agent has registered', () => masterTold.includes('0'))
  t.ok(master.hearsItself)
  for (let i = 1; i <= 200; i += 1) {
    t.ok(agent.send({ unregister: { reason: `${i}` } }))
    t.ok(master.send('agent-1', { shutdown: { message: `${i}` } }))
    if (i === 50) server.process.signal('SIGKILL')
    if (i === 100) {
      await server.process.exited
      server = await realNats(folder, port)
    }
    if (i === 150) server.process.signal('SIGSTOP')
    if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await until('the silence is noticed', () => masterBus.state === 'disconnected' && agentBus.state === 'disconnected')
  t.notOk(master.hearsItself)
  server.process.signal('SIGCONT')
  await until('everything has arrived', () => masterTold.length === 201 && told.length === 200)
  t.same(
    masterTold,
    Array.from({ length: 201 }, (_, i) => `${i}`),
  )
  t.same(
    told,
    Array.from({ length: 200 }, (_, i) => `${i + 1}`),
  )
  await agent.stop()
  await master.stop()
  await agentBus.close()
  await masterBus.close()
})
