import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { Packet } from 'dns2'
import t from 'tap'
import { cacheKey, ReplyCache } from '../src/forwarder/cache.ts'
import { Forwarder, type ForwarderOptions } from '../src/forwarder/forwarder.ts'
import { HostNames } from '../src/host-names.ts'
import { RecordGenerator } from '../src/records/generator.ts'
import { createZones } from '../src/records/zones.ts'
import { readSettings } from '../src/settings.ts'
import { flagsOf } from './support/flags.ts'
import { answering, queryFor } from './support/outside.ts'

const forwarder = (options: Partial<ForwarderOptions>) =>
  new Forwarder({
    resolvers: [],
    zoneResolvers: new Map(),
    clock: systemClock,
    random: systemRandom,
    timeout: 2_000,
    ...options,
  })

const addressIn = (outcome: unknown) => (Buffer.isBuffer(outcome) ? Packet.parse(outcome).answers[0]?.address : outcome)

t.test('a zone with servers of its own is asked there, other names elsewhere', async t => {
  const [zone, rest] = await Promise.all([answering('10.1.1.1'), answering('10.2.2.2')])
  t.teardown(() => [zone, rest].forEach(server => void server.close()))
  const asked = forwarder({ resolvers: [rest.server], zoneResolvers: new Map([['corp.example.', [zone.server]]]) })
  const address = async (name: string) => addressIn(await asked.ask(queryFor(name), 'udp'))
  t.equal(await address('db.CORP.example'), '10.1.1.1')
  t.equal(await address('corp.example'), '10.1.1.1')
  t.equal(await address('notcorp.example'), '10.2.2.2')
  t.equal(await address('example'), '10.2.2.2')
  const alone = forwarder({ zoneResolvers: new Map([['corp.example.', [zone.server]]]) })
  t.equal(await alone.ask(queryFor('example.com'), 'udp'), 'refused', 'nobody knows other names')
})

t.test('questions that are alike and asked at the same time go out once', async t => {
  const outside = await answering('10.1.1.1')
  t.teardown(() => outside.close())
  const asked = forwarder({ resolvers: [outside.server] })
  const names = ['a.example', 'A.example', 'a.EXAMPLE']
  const replies = await Promise.all(names.map(name => asked.ask(queryFor(name), 'udp')))
  t.equal(outside.asked.length, 1)
  t.strictSame(
    replies.map(reply => Buffer.isBuffer(reply) && Packet.parse(reply).questions[0]?.name),
    names,
    'each in its own spelling',
  )
})

t.test('what is kept grows older, and ends with its TTL', t => {
  const query = queryFor('a.example')
  const reply = Packet.createResponseFromRequest(Packet.parse(query.message))
  reply.answers.push(Packet.createResourceFromQuestion(reply.questions[0]!, { ttl: 300, address: '10.1.1.1' }))
  const cache = new ReplyCache()
  const key = cacheKey(query, 'udp')
  cache.set(key, reply.toBuffer(), 1_000)
  const ttl = (now: number) => {
    const kept = cache.get(key, query, now)
    return kept && Packet.parse(kept).answers[0]?.ttl
  }
  t.strictSame([ttl(1_000), ttl(1_999), ttl(101_000), ttl(300_999), ttl(301_000)], [300, 300, 200, 1, undefined])
  t.not(cacheKey(query, 'tcp'), key, 'a reply that fitted one transport is not given over the other')
  t.equal(cacheKey(queryFor('A.Example'), 'udp'), key)
  t.end()
})

t.test('a host name that could not be resolved is tried again while a framework has it', async t => {
  const settings = readSettings(flagsOf(['--master=http://127.0.0.1:1']), [])
  const generator = new RecordGenerator(settings.records, createZones(settings.zone))
  // No look-up of the network: a name like this is none anywhere.
  const host = generator.putFramework('F1', { id: 'F1', name: 'chronos', hostname: 'a..b' })
  const waits: number[] = []
  const log = { info: () => undefined }
  const hosts = await new Promise<HostNames>(resolve => {
    const clock = {
      ...systemClock,
      after: (delay: number, action: () => void) => {
        waits.push(delay)
        if (waits.length === 3) {
          generator.delFramework('F1')
          setImmediate(() => {
            action()
            resolve(names)
          })
        } else setImmediate(action)
        return { cancel: () => undefined }
      },
    }
    const names = new HostNames({ clock, log } as unknown as ConstructorParameters<typeof HostNames>[0], generator)
    names.want(host)
  })
  hosts.stop()
  t.strictSame(waits, [30_000, 30_000, 30_000], 'and not once it has gone')
})
