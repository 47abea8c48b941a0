import t from 'tap'
import type { Member } from '../../src/coordination/election.ts'
import { type Coordination, type CoordinationOptions, openCoordination } from '../../src/coordination/open.ts'
import type { Store } from '../../src/coordination/store.ts'
import { type Client, loadClient } from '../../src/coordination/zookeeper/client.ts'
import { bears, seal, unseal } from '../../src/coordination/zookeeper/envelope.ts'
import { zookeeperMode } from '../../src/coordination/zookeeper-server.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { FaultyProxy } from '../support/faulty-proxy.ts'
import { quietLog } from '../support/log.ts'
import { until } from '../support/until.ts'
import { realEnsemble, realZookeeper, zookeeperSkip } from '../support/zookeeper.ts'
import { electionSuite } from './election-suite.ts'
import { bytes, codeOf, storeSuite, text } from './store-suite.ts'

const options: CoordinationOptions = { clock: systemClock, random: systemRandom, log: quietLog, sessionTimeout: 4_000 }
const skip = await zookeeperSkip()
t.setTimeout(100_000)

const connect = (servers: string, more: Partial<CoordinationOptions> = {}): Promise<Coordination> =>
  openCoordination(`zk://${servers}`, { ...options, ...more })

/**
 * Counts in a record with compare-and-set until told to stop, several counters at once, and makes new records beside it. What is answered
 * must be true: any CONFLICT of a record that nobody else writes is a lie about our own write.
 */
function writers(store: Store, folder: string, count: number) {
  let running = true
  let writes = 0
  const write = async (name: string) => {
    let version = await store.create(`${folder}/${name}`, bytes('0'))
    for (let i = 1; running; i += 1) {
      const next = await store.set(`${folder}/${name}`, bytes(`${i}`), version)
      if (next !== version + 1) throw new Error(`version ${next} after ${version}`)
      version = next
      await store.create(`${folder}/${name}/${i}`, bytes('made'))
      writes += 2
    }
    const found = await store.get(`${folder}/${name}`)
    if (found?.version !== version) throw new Error(`${name} has version ${found?.version}, not ${version}`)
    return (await store.list(`${folder}/${name}`)).length === version
  }
  const all = Promise.all(Array.from({ length: count }, (_, i) => write(`w${i}`)))
  return {
    get writes() {
      return writes
    },
    async stop(): Promise<boolean> {
      running = false
      return (await all).every(Boolean)
    },
  }
}

t.test('a mark in front of a value tells whose write it is, and nothing else looks like one', async t => {
  const writer = systemRandom.bytes(16)
  const stored = seal({ writer, op: 7 }, bytes('value'))
  t.equal(text(unseal(stored)), 'value')
  t.ok(bears(stored, { writer, op: 7 }))
  t.notOk(bears(stored, { writer, op: 8 }))
  t.notOk(bears(stored, { writer: systemRandom.bytes(16), op: 7 }))
  for (const foreign of ['', '{"hostname":"h"}', '\0', 'x'.repeat(100)]) {
    t.equal(text(unseal(Buffer.from(foreign))), foreign)
    t.notOk(bears(Buffer.from(foreign), { writer, op: 7 }))
  }
})

t.test('coordination over a real ZooKeeper server', { skip, timeout: 60_000 }, async t => {
  const folder = t.testdir({})
  let server = await realZookeeper(folder)
  const port = server.clientPort
  t.teardown(() => server.process.stop())
  const here = `127.0.0.1:${port}`

  await t.test('the store', async t => {
    await storeSuite(t, async () => {
      const { store, close } = await connect(`${here}/suite/store`)
      return { store, stop: close }
    })
  })

  await t.test('the election', async t => {
    await electionSuite(t, async () => {
      const [a, b] = [await connect(`${here}/suite/election`), await connect(`${here}/suite/election`)]
      return { a: a.election, b: b.election, endA: () => a.close(), stop: () => b.close() }
    })
  })

  await t.test('candidates hold what they say and nothing else, where existing tools look', async t => {
    const { election, store, close } = await connect(`${here}/mesos`)
    const info = '{"hostname":"h","ip":16777226,"port":5050}'
    const candidacy = await election.contend('/', 'json.info_', bytes(info))
    await candidacy.elected
    const raw = await connect(here)
    const names = await raw.store.list('/mesos')
    t.match(names[0], /^json\.info_\d{10}$/)
    const tool = await rawClient(here)
    t.equal(await rawRead(tool, `/mesos/${names[0]}`), info)
    tool.close()
    await store.create('/x', bytes('ours'))
    await candidacy.withdraw()
    await raw.close()
    await close()
  })

  await t.test('a candidate whose record is deleted by hand has ended', async t => {
    const { election, close } = await connect(`${here}/byhand`)
    const candidacy = await election.contend('/m', 'info_', bytes('x'))
    const tool = await rawClient(here)
    await new Promise<void>(resolve => tool.a_delete_('/byhand/m/info_0000000000', -1, () => resolve()))
    t.match(await candidacy.ended, /info_0000000000 is gone/)
    tool.close()
    await close()
  })

  await t.test('with a user and password what is created belongs to it, and the world may read', async t => {
    const owner = await connect(`u:secret@${here}/secured`)
    await owner.store.create('/a/b', bytes('x'))
    const candidacy = await owner.election.contend('/', 'info_', bytes('said'))
    const stranger = await connect(`${here}/secured`)
    t.equal(text((await stranger.store.get('/a/b'))?.value), 'x')
    const calls: Promise<unknown>[] = [
      stranger.store.set('/a/b', bytes('y'), 0),
      stranger.store.create('/a/c', bytes('y')),
      stranger.store.create('/d', bytes('y')),
      stranger.store.delete('/a/b', 0),
    ]
    for (const call of calls)
      await t.rejects(call, { code: 'UNAVAILABLE', message: /refuses access.*user and password/ })
    let said: string | undefined
    stranger.election.watch('/', 'info_', (members: readonly Member[]) => {
      said = text(members[0]?.data)
    })
    await until('the stranger sees the candidate', () => said === 'said')
    const again = await connect(`u:secret@${here}/secured`)
    t.equal(await again.store.set('/a/b', bytes('y'), 0), 1)
    await candidacy.withdraw()
    await Promise.all([owner.close(), stranger.close(), again.close()])
  })

  await t.test('writes through a connection that is cut again and again answer truly, once', async t => {
    const proxy = await FaultyProxy.start(port)
    const { store, close } = await connect(`127.0.0.1:${proxy.port}/cut`)
    const work = writers(store, '/w', 8)
    for (let cuts = 0; cuts < 5; cuts += 1) {
      const before = work.writes
      await until('writes go on', () => work.writes > before + 10)
      proxy.delay = cuts % 3 === 0 ? 3 : 0
      proxy.cut()
    }
    t.ok(await work.stop(), `${work.writes} writes, each done once`)
    await close()
    await proxy.stop()
  })

  await t.test('after a lost connection watches tell once, and again of what changes', async t => {
    const proxy = await FaultyProxy.start(port)
    const [watching, other] = [await connect(`127.0.0.1:${proxy.port}/rewatch`), await connect(`${here}/rewatch`)]
    const told: string[] = []
    const states: string[] = []
    watching.store.onState(state => states.push(state))
    watching.store.watch('/a', what => told.push(what))
    proxy.refusing = true
    proxy.cut()
    await until('it is suspended', () => watching.store.state === 'suspended')
    await other.store.create('/a', bytes('while away'))
    const waiting = watching.store.get('/a')
    proxy.refusing = false
    await until('it is connected', () => watching.store.state === 'connected')
    t.equal(text((await waiting)?.value), 'while away', 'a read that waited for the connection')
    await until('the watch tells', () => told.includes('data') && told.includes('children'))
    told.length = 0
    await other.store.set('/a', bytes('later'), 0)
    await until('the watch goes on', () => told.includes('data'))
    t.same(states, ['suspended', 'connected'])
    await Promise.all([watching.close(), other.close()])
    await proxy.stop()
  })

  await t.test('without a connection operations wait for their time, then say so', async t => {
    const proxy = await FaultyProxy.start(port)
    const { store, close } = await connect(`127.0.0.1:${proxy.port}/late`, { operationTimeout: 500 })
    proxy.frozen = true
    await t.rejects(store.create('/a', bytes('x')), { code: 'UNAVAILABLE', message: /not known whether/ })
    proxy.refusing = true
    proxy.cut()
    await until('it is suspended', () => store.state === 'suspended')
    await t.rejects(store.create('/b', bytes('x')), { code: 'UNAVAILABLE', message: /was not done/ })
    proxy.frozen = false
    proxy.refusing = false
    await until('it is connected', () => store.state === 'connected')
    t.equal(await store.get('/b'), undefined)
    await close()
    await proxy.stop()
  })

  await t.test('a session that expires is lost for ever, its candidate is gone, and another leads', async t => {
    const proxy = await FaultyProxy.start(port)
    const a = await connect(`127.0.0.1:${proxy.port}/expire`, { sessionTimeout: 1_000 })
    const b = await connect(`${here}/expire`)
    const first = await a.election.contend('/m', 'info_', bytes('a'))
    await first.elected
    const second = await b.election.contend('/m', 'info_', bytes('b'))
    proxy.refusing = true
    proxy.cut()
    await until('it is suspended', () => a.store.state === 'suspended')
    const late = codeOf(a.store.create('/late', bytes('x')))
    await second.elected
    proxy.refusing = false
    t.match(await first.ended, /session was lost/)
    t.equal(await late, 'LOST')
    t.equal(a.store.state, 'lost')
    t.equal(await codeOf(a.store.get('/x')), 'LOST')
    t.equal(await codeOf(a.election.contend('/m', 'info_', bytes('a'))), 'LOST')
    t.equal(await b.store.get('/late'), undefined, 'the deposed wrote nothing')
    await Promise.all([a.close(), b.close()])
    await proxy.stop()
  })

  await t.test('a frozen server, and one killed and started again, lose nothing that was answered', async t => {
    const { store, close } = await connect(`${here}/killed`, { sessionTimeout: 6_000 })
    const work = writers(store, '/w', 4)
    await until('writes go on', () => work.writes > 20)
    server.process.signal('SIGSTOP')
    const frozen = work.writes
    await until('its silence is noticed', () => store.state === 'suspended')
    server.process.signal('SIGCONT')
    await until('writes go on', () => work.writes > frozen + 20)
    server.process.signal('SIGKILL')
    await server.process.exited
    server = await realZookeeper(folder, port)
    const restarted = work.writes
    await until('writes go on', () => work.writes > restarted + 20)
    t.ok(await work.stop(), `${work.writes} writes, each done once`)
    t.equal(store.state, 'connected')
    await close()
  })
})

t.test('coordination over an ensemble of three whose leader is killed', { skip }, async t => {
  const { servers, start } = await realEnsemble(t.testdir({}))
  t.teardown(() => Promise.all(servers.map(server => server.process.stop())))
  const address = servers.map(server => `127.0.0.1:${server.clientPort}`).join()
  const { store, election, close } = await connect(`${address}/meseta`)
  const candidacy = await election.contend('/m', 'info_', bytes('x'))
  await candidacy.elected
  let ended = false
  void candidacy.ended.then(() => {
    ended = true
  })
  const work = writers(store, '/w', 4)
  await until('writes go on', () => work.writes > 20)
  const modes = await Promise.all(servers.map(server => zookeeperMode(server.clientPort)))
  const leader = modes.indexOf('leader')
  servers[leader]!.process.signal('SIGKILL')
  await servers[leader]!.process.exited
  const before = work.writes
  await until('writes go on without it', () => work.writes > before + 40)
  servers[leader] = await start(leader + 1)
  t.ok(await work.stop(), `${work.writes} writes, each done once`)
  t.notOk(ended, 'the session and its candidacy have moved to another server')
  await close()
})

/** A client as an existing tool has it: no marks, no folder of ours. */
async function rawClient(address: string): Promise<Client> {
  const ClientClass = await loadClient()
  const client = new ClientClass({})
  const connected = new Promise<void>(resolve => client.on('connect', resolve))
  client.init({ connect: address, timeout: 4_000, debug_level: 0, host_order_deterministic: false })
  await connected
  return client
}

const rawRead = (client: Client, path: string): Promise<string> =>
  new Promise(resolve => client.a_get(path, false, (_code, _message, _stat, data) => resolve(`${data}`)))
