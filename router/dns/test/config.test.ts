import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ReplyCache } from '../src/forwarder/cache.ts'
import { isReplyTo, lifetimes } from '../src/forwarder/reply.ts'
import { parseResolvConf, parseUpstream } from '../src/forwarder/resolv-conf.ts'
import { withMesosDnsConfig } from '../src/mesos-dns-config.ts'
import { ownAddresses, readSettings } from '../src/settings.ts'
import { readQuery } from '../src/wire/query.ts'
import { flagsOf } from './support/flags.ts'
import { startDns } from './support/start.ts'

const read = (config: unknown, argv: string[] = []) =>
  readSettings(withMesosDnsConfig(flagsOf(argv), JSON.stringify(config)), [])

t.test('a configuration file of mesos-dns is taken as it is', t => {
  const settings = read({
    zk: 'zk://10.0.0.1:2181/mesos',
    Masters: ['10.0.0.1:5050', '10.0.0.2:5050'],
    refreshSeconds: 60,
    ttl: 30,
    DOMAIN: 'Mesos.Example',
    port: 5353,
    resolvers: ['10.1.1.1', '10.1.1.2:5353'],
    timeout: 3,
    listener: '127.0.0.1',
    SOAMname: 'ns1.mesos',
    SOARname: 'root@ns1.mesos',
    SOARefresh: 61,
    IPSources: ['host', 'netinfo'],
    enforceRFC952: true,
    zoneResolvers: { 'Weave.local': ['10.2.2.2'] },
    dnson: true,
    mesosCredentials: { principal: 'p', secret: 's' },
    somethingNew: 1,
  })
  t.match(settings, {
    zone: {
      origin: 'mesos.example',
      ttl: 30,
      minimum: 30,
      nameserver: 'ns1.mesos.',
      contact: 'root.ns1.mesos.',
      refresh: 61,
    },
    records: { ipSources: ['host', 'netinfo'], rule: { max: 24 } },
    resolvers: [
      { address: '10.1.1.1', port: 53 },
      { address: '10.1.1.2', port: 5353 },
    ],
  })
  t.strictSame(
    settings.masters.map(url => url.host),
    ['10.0.0.1:5050', '10.0.0.2:5050'],
  )
  t.strictSame(settings.zoneResolvers.get('weave.local.'), [{ address: '10.2.2.2', port: 53 }])
  t.equal(read({ masters: ['1.1.1.1:5050'] }, ['--master=http://2.2.2.2:5050']).masters[0]?.host, '2.2.2.2:5050')
  t.end()
})

t.test('what it can not follow is named', t => {
  const refused: [unknown, RegExp][] = [
    [{}, /--master is needed/],
    [{ zk: 'zk://a/mesos' }, /--master is needed/],
    [{ masters: ['10.0.0.1'] }, /'masters' names '10\.0\.0\.1'/],
    [{ masters: ['a:5050', 'a:5050'] }, /'masters'/],
    [{ masters: ['a:0'] }, /'masters'/],
    [{ masters: ['a:1'], ttl: 'x' }, /'ttl' must be a number/],
    [{ masters: ['a:1'], dnson: false }, /'dnson'/],
    [{ masters: ['a:1'], mesosHTTPSOn: true }, /'mesosHTTPSOn' is not supported yet/],
    [{ masters: ['a:1'], IPSources: ['host', 'host'] }, /--ip-sources/],
    [{ masters: ['a:1'], resolvers: ['10.0.0.1', '10.0.0.1'] }, /twice/],
    [{ masters: ['a:1'], zoneResolvers: { mesos: ['10.0.0.1'] } }, /overlap/],
    [{ masters: ['a:1'], zoneResolvers: { 'dc.mesos': ['1.1.1.1'] }, domain: 'mesos' }, /overlap/],
    [{ masters: ['a:1'], domain: '' }, /--domain/],
    [{ masters: ['a:1'], domain: `${'d'.repeat(64)}.mesos` }, /--domain/],
    [{ masters: ['a:1'], resolvers: ['10.0.0.1', '10.0.0.1:53'] }, /'10\.0\.0\.1:53' is there twice/],
    [{ masters: ['a:1'], SOAMname: 'ns1..mesos' }, /--soa-mname=ns1\.\.mesos/],
    [{ masters: ['a:1'], SOARname: `${'x'.repeat(64)}@mesos` }, /--soa-rname/],
    [{ masters: ['a:1'], SOARefresh: -1 }, /--soa-refresh=-1: a whole number/],
    [{ masters: ['a:1'], SOARetry: 0.5 }, /--soa-retry/],
    [{ masters: ['a:1'], SOAExpire: 2 ** 32 }, /--soa-expire/],
    [[], /no JSON object/],
    [{ masters: ['a:1'], listener: '0.0.0.0' }, /--dns-ip=0\.0\.0\.0: .* loopback addresses only, since/],
    [{ masters: ['a:1'], listener: '192.168.1.4' }, /--dns-ip=192\.168\.1\.4: .*use --dns-ip=127\.0\.0\.1/],
  ]
  for (const [config, message] of refused) t.throws(() => read(config), { message }, JSON.stringify(config))
  t.doesNotThrow(() => read({ masters: ['a:1'], domain: 'dc.mesos', zoneResolvers: { 'acdc.mesos': ['1.1.1.1'] } }))
  t.throws(() => withMesosDnsConfig(flagsOf(), '{'), { message: /not JSON/ })
  t.equal(
    withMesosDnsConfig(flagsOf(), '{"__proto__":1,"constructor":2}').master,
    undefined,
    'unknown keys are passed over',
  )
  t.end()
})

t.test('the component reads the file', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-dns-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'config.json')
  await writeFile(path, JSON.stringify({ masters: ['127.0.0.1:1'], ttl: 7, externalon: false, httpport: 0, port: 0 }))
  const dns = await startDns([`--mesos-dns-config=${path}`])
  t.match(await (await fetch(`${dns.url}/v1/config`)).json(), {
    TTL: 7,
    ExternalOn: false,
    File: path,
    Masters: ['127.0.0.1:1'],
  })
  await dns.handle.stop()
  await t.rejects(startDns(['--mesos-dns-config=/none']), { message: /can not be read/ })
})

t.test('servers to ask', t => {
  t.strictSame(parseUpstream('1.2.3.4'), { address: '1.2.3.4', port: 53 })
  t.strictSame(parseUpstream('fd01::1'), { address: 'fd01::1', port: 53 })
  t.strictSame(parseUpstream('[fd01::1]:5353'), { address: 'fd01::1', port: 5353 })
  for (const bad of ['', 'host', '1.2.3.4:0', '1.2.3.4:99999', '1.2.3', '[::1'])
    t.equal(parseUpstream(bad), undefined, bad)
  const conf =
    '# x\nnameserver 127.0.0.53\nnameserver 10.0.0.2 # y\n nameserver ::1\nnameserver fe80::1%eth0\nnameserver zzz\n'
  t.strictSame(
    parseResolvConf(conf).map(server => server.address),
    ['10.0.0.2', 'fe80::1%eth0'],
    'an address of one link is nothing without the link',
  )
  t.strictSame(
    parseResolvConf('nameserver 10.0.0.7\nnameserver 10.0.0.2\nnameserver FD01:0::7', ['10.0.0.7', 'fd01::7']),
    [{ address: '10.0.0.2', port: 53 }],
    'this machine is not asked by itself',
  )
  t.strictSame(ownAddresses('0.0.0.0', ['10.0.0.1']), ['10.0.0.1'])
  t.strictSame(ownAddresses('127.0.0.1', ['10.0.0.1']), ['127.0.0.1'])
  t.end()
})

t.test('what is kept of others is bounded with its questions, which a client can make long', t => {
  const header = '000781800001000100000000076578616d706c6503636f6d0000010001'
  const reply = Buffer.from(`${header}c00c000100010000012c000401020304`, 'hex')
  const query = readQuery(Buffer.from('000701000001000000000000076578616d706c6503636f6d0000010001', 'hex'))
  if (query === 'drop' || 'rcode' in query) throw new Error('unreadable')
  const cache = new ReplyCache()
  const key = (index: number) => `${index} `.padEnd(60_000)
  for (let index = 0; index < 1_000; index++) cache.set(key(index), reply, 0)
  const kept = Array.from({ length: 1_000 }, (_, index) => cache.get(key(index), query, 0)).filter(Boolean).length
  t.ok(kept > 0 && kept * 60_000 <= 16 * 1024 * 1024, `${kept} of 1000`)
  t.end()
})

t.test('replies from outside are checked, and 10,000 damaged ones break nothing', t => {
  const question = Buffer.from('000701000001000000000000076578616d706c6503636f6d0000010001', 'hex')
  const header = (counts: string, bits = '8180') => `0007${bits}0001${counts}076578616d706c6503636f6d0000010001`
  const record = (ttl: string) => `c00c00010001${ttl}000401020304`
  const good = Buffer.from(header('000200000000') + record('0000012c') + record('0000003c'), 'hex')
  t.ok(isReplyTo(question, good))
  t.match(lifetimes(good), { ttl: 60, places: [35, 51] })
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(good)
    copy[at] = value
    return copy
  }
  t.notOk(isReplyTo(question, changed(1, 8)), 'another id')
  t.notOk(isReplyTo(question, changed(2, 0x01)), 'no response')
  t.notOk(isReplyTo(question, changed(13, 0x66)), 'another question')
  t.ok(isReplyTo(question, changed(13, 0x45)), 'case does not matter')
  t.equal(lifetimes(changed(2, 0x83)), undefined, 'shortened ones are not kept')
  t.equal(lifetimes(changed(3, 0x82)), undefined, 'failures are not kept')
  const soa = 'c00c00060001000003840016c00cc00c00000001000000010000000100000001'
  const negative = Buffer.from(
    `${header('000000010000', '8183')}${soa}0000000a`.replace('0016c00cc00c', '0018c00cc00c'),
    'hex',
  )
  t.equal(lifetimes(negative)?.ttl, 10, 'the minimum of the SOA')
  t.equal(lifetimes(Buffer.from(header('000000000000', '8183'), 'hex')), undefined, 'nothing says for how long')
  const long = Buffer.from(negative)
  long.writeUInt32BE(86_400, long.length - 4)
  t.equal(lifetimes(long)?.ttl, 300, 'what is not there is not kept for long')
  const seed = 5
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  let kept = 0
  for (let round = 0; round < 10_000; round++) {
    const copy = Buffer.from(round % 2 ? good : negative)
    for (let flips = random(6); flips > 0; flips--) copy[random(copy.length)] = random(256)
    const reply = random(4) ? copy : copy.subarray(0, random(copy.length))
    if (!isReplyTo(question, reply)) continue
    const life = lifetimes(reply)
    if (life === undefined) continue
    kept += 1
    if (!life.places.every(place => place + 4 <= reply.length) || life.ttl <= 0) t.fail(reply.toString('hex'))
  }
  t.ok(kept > 500)
  t.end()
})
