import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerCertificate } from 'node:tls'
import { nkeys } from 'nats'
import t from 'tap'
import { openAgentEnd } from '../../src/messaging/agent-end.ts'
import type { Bus } from '../../src/messaging/bus.ts'
import { identityIn, linkIn, linkOf } from '../../src/messaging/link-subjects.ts'
import { openMasterEnd } from '../../src/messaging/master-end.ts'
import { readNatsProof } from '../../src/messaging/nats/proof.ts'
import { natsTls } from '../../src/messaging/nats/tls.ts'
import { openBus } from '../../src/messaging/open.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { quietLog } from '../support/log.ts'
import { natsSkip, realNats } from '../support/nats.ts'
import { until } from '../support/until.ts'

const shared = { clock: systemClock, random: systemRandom, log: quietLog }

t.test('a link says who an agent proved to be', async t => {
  t.same([linkOf(undefined, 'u-1'), linkOf('alice', 'u-1')], ['u-1', 'alice.u-1'])
  t.same([identityIn('u-1'), identityIn('alice.u-1')], ['u-1', 'alice'])
  t.same([linkIn('m.c.12.u-1'), linkIn('m.a%2eb.3.alice.u-1')], ['u-1', 'alice.u-1'])
})

t.test('a proof is read from its file, which alone is named when it holds none', async t => {
  const folder = t.testdir({})
  const read = (text: string) => {
    writeFileSync(join(folder, 'proof'), text)
    return readNatsProof(join(folder, 'proof'))
  }
  const seed = Buffer.from(nkeys.createUser().getSeed()).toString()
  t.same(read(`${seed}\n`), { seed })
  t.same(read('{"principal":"p","secret":"s"}'), { user: 'p', password: 's' })
  t.throws(() => read('SUhush'), { message: /^--bus-credentials: .*proof holds neither/ })
  t.throws(() => readNatsProof(join(folder, 'none')), { message: /^--bus-credentials: can not read/ })
})

/** What docs/security.md tells an operator to write, for one master and two agents of the cluster `test`. */
const configOf = (alice: string) => `
authorization {
  users: [
    { user: master, password: secret-m, permissions: { publish: ["a.test.>", "l.test", "m.test.*._echo"], subscribe: ["m.test.>", "l.test"] } }
    { nkey: ${alice}, permissions: { publish: ["m.test.*.${alice}.*"], subscribe: ["l.test", "a.test.${alice}.*"] } }
    { user: bob, password: secret-b, permissions: { publish: ["m.test.*.bob.*"], subscribe: ["l.test", "a.test.bob.*"] } }
  ]
}
`

t.test(
  'NATS lets each agent speak under its own name alone, and hear nothing of others',
  { skip: natsSkip },
  async t => {
    const pair = nkeys.createUser()
    const alice = pair.getPublicKey()
    const server = await realNats(t.testdir({}), undefined, configOf(alice))
    const url = `nats://127.0.0.1:${server.port}`
    const buses: Bus[] = []
    t.teardown(async () => {
      for (const bus of buses) await bus.close()
      await server.process.stop()
    })
    const open = async (proof: Parameters<typeof openBus>[1]['proof']) => {
      const bus = await openBus(url, { ...shared, proof, reconnectJitter: 100 })
      buses.push(bus)
      return bus
    }
    const master = await open({ user: 'master', password: 'secret-m' })
    const ofAlice = await open({ seed: Buffer.from(pair.getSeed()).toString() })
    const ofBob = await open({ user: 'bob', password: 'secret-b' })
    const stranger = await open(undefined)
    const liar = await open({ user: 'bob', password: 'secret-m' })
    await until('they are connected', () => [master, ofAlice, ofBob].every(({ state }) => state === 'connected'))
    t.same([ofAlice.identity, ofBob.identity, stranger.identity], [alice, 'bob', undefined])

    const heard: string[] = []
    master.subscribe('m.test.>', (_payload, subject) => heard.push(subject))
    for (const subject of ['a.test.>', 'm.test.>', `a.test.${alice}.*`])
      ofBob.subscribe(subject, () => heard.push(`bob: ${subject}`))
    ofBob.subscribe('a.test.bob.*', (_payload, subject) => heard.push(`bob: ${subject}`))
    const nothing = new Uint8Array(1)
    await until('bob hears', () => {
      master.publish('a.test.bob.0', nothing)
      return heard.includes('bob: a.test.bob.0')
    })
    for (const subject of [
      `m.test.1.${alice}.1`,
      'm.test.1.bob',
      'm.test.1._echo',
      'a.test.bob.1',
      'l.test',
      `a.test.${alice}.1`,
    ])
      ofBob.publish(subject, nothing)
    ofBob.publish('m.test.1.bob.1', nothing)
    master.publish(`a.test.${alice}.1`, nothing)
    master.publish('a.test.bob.2', nothing)
    const news = () => heard.filter(subject => !subject.endsWith('.0')).sort()
    await until('what may be said is heard', () => news().length >= 2)
    t.same(news(), ['bob: a.test.bob.2', 'm.test.1.bob.1'])
    t.same([stranger.state, liar.state], ['disconnected', 'disconnected'])

    const opened: string[] = []
    const masterInfo = { id: 'M', ip: 0, port: 5050, hostname: 'h' }
    const ignore = () => undefined
    const end = openMasterEnd({
      ...shared,
      bus: master,
      cluster: 'test',
      epoch: 1,
      masterInfo,
      events: { opened: link => opened.push(link), received: ignore, ended: ignore, heard: ignore, deposed: ignore },
    })
    const agents = [ofAlice, ofBob].map(bus =>
      openAgentEnd({
        ...shared,
        bus,
        cluster: 'test',
        link: linkOf(bus.identity, 'u-1'),
        agentId: () => undefined,
        followed: 0,
        events: { opened: ignore, received: ignore, ended: ignore },
      }),
    )
    await until('both agents have a session', () => opened.length === 2)
    t.same(opened.sort(), [`${alice}.u-1`, 'bob.u-1'].sort())
    await until('the master hears itself', () => end.hearsItself)
    for (const agent of agents) await agent.stop()
    await end.stop()
  },
)

t.test('over TLS only servers of a known authority are believed', { skip: natsSkip || opensslMissing() }, async t => {
  const folder = t.testdir({ nats: {} })
  for (const name of ['ours', 'other'])
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...[
          '-subj',
          '/CN=nats',
          '-addext',
          'subjectAltName=IP:127.0.0.1',
          '-keyout',
          `${name}.key`,
          '-out',
          `${name}.pem`,
        ],
      ],
      { cwd: folder, stdio: 'ignore' },
    )
  const config = `tls { cert_file: "${join(folder, 'ours.pem')}", key_file: "${join(folder, 'ours.key')}" }
authorization { user: p, password: s }`
  const server = await realNats(join(folder, 'nats'), undefined, config)
  const open = (ca: string) =>
    openBus(`nats://127.0.0.1:${server.port}`, {
      ...shared,
      proof: { user: 'p', password: 's' },
      ca: readFileSync(join(folder, ca), 'utf8'),
      reconnectJitter: 100,
    })
  const good = await open('ours.pem')
  const bad = await open('other.pem')
  t.teardown(async () => {
    await good.close()
    await bad.close()
    await server.process.stop()
  })
  await until('it is connected', () => good.state === 'connected')
  t.equal(bad.state, 'disconnected')
})

function opensslMissing(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'openssl is not installed'
  }
}

t.test(
  'a server of the bus has a certificate for the name that it was called by, or for one that is configured',
  async t => {
    const { checkServerIdentity } = natsTls('ca', ['10.0.0.1:4222', 'nats.example', '[::1]:4222'])
    const isBelieved = (host: string, subjectaltname: string) =>
      checkServerIdentity!(host, { subject: { CN: 'x' }, subjectaltname } as unknown as PeerCertificate) === undefined
    for (const [host, names] of [
      ['localhost', 'IP Address:10.0.0.1'],
      ['localhost', 'IP Address:0:0:0:0:0:0:0:1'],
      ['localhost', 'DNS:other, DNS:nats.example'],
      ['told.example', 'DNS:told.example'],
      ['told.example', 'DNS:nats.example'],
    ] as const)
      t.equal(isBelieved(host, names), true, names)
    for (const [host, names] of [
      ['localhost', 'IP Address:10.0.0.2'],
      ['localhost', 'DNS:localhost'],
      ['localhost', 'DNS:10.0.0.1'],
      ['told.example', 'DNS:evil.example'],
    ] as const)
      t.equal(isBelieved(host, names), false, names)
  },
)
