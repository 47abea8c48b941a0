import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { Packet, TCPClient, UDPClient } from 'dns2'
import t from 'tap'
import { Forwarder } from '../src/forwarder/forwarder.ts'
import { serveTcp, tcpLimits } from '../src/server/tcp.ts'
import { answering, queryFor } from './support/outside.ts'
import { agent, cluster, scriptedFeed, startDns, task, until } from './support/start.ts'

function resolverAt(place: string): Resolver {
  const resolver = new Resolver({ timeout: 3_000, tries: 1 })
  resolver.setServers([place])
  return resolver
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    error => (error as NodeJS.ErrnoException).code ?? '',
  )

const base = {
  'cluster cluster': cluster('m1'),
  'agent M-S0': agent('M-S0', '127.0.0.2'),
  'framework F1': { id: 'F1', name: 'marathon', hostname: '127.0.0.1' },
}

async function fill(feed: Awaited<ReturnType<typeof scriptedFeed>>, bodies: Record<string, unknown>) {
  for (const [name, body] of Object.entries(bodies)) {
    const at = name.indexOf(' ')
    feed.put(name.slice(0, at), name.slice(at + 1), body)
  }
}

t.test('names follow the feeds, over UDP and TCP, for two independent clients', async t => {
  const master = await scriptedFeed()
  const balancer = await scriptedFeed()
  await fill(master, base)
  const dns = await startDns([
    `--master=http://127.0.0.1:1,${master.url}`,
    `--balancer=${balancer.url}`,
    '--resolvers=',
  ])
  t.teardown(async () => {
    await dns.handle.stop()
    await Promise.all([master.close(), balancer.close()])
  })
  const resolver = resolverAt(dns.place)
  await until(
    () => code(resolver.resolve4('leader.mesos')),
    seen => seen === 'answered',
  )
  t.equal(await code(resolver.resolve4('web.marathon.mesos')), 'ENOTFOUND')

  master.put('task', 'F1/t1', task('t1', 'web', '127.0.0.2'))
  await until(
    () => code(resolver.resolve4('web.marathon.mesos')),
    seen => seen === 'answered',
  )
  t.strictSame(await resolver.resolve4('web.marathon.mesos'), ['127.0.0.2'])
  t.match(await resolver.resolveSrv('_web._tcp.marathon.mesos'), [{ port: 31000, weight: 1, priority: 0 }])

  balancer.put('vip', 'v', { name: 'web.marathon.l4lb.thisdcos.directory', address: '127.11.5.6', backends: [{}] })
  await until(
    () => code(resolver.resolve4('web.marathon.l4lb.thisdcos.directory')),
    seen => seen === 'answered',
  )
  t.strictSame(await resolver.resolve4('web.marathon.dclb.thisdcos.directory'), ['127.11.5.6'])

  for (const client of [
    UDPClient({ dns: '127.0.0.1', port: dns.port }),
    TCPClient({ dns: '127.0.0.1', port: dns.port }),
  ]) {
    const reply = await client('web.marathon.mesos', 'A')
    t.match(reply.answers, [{ name: 'web.marathon.mesos', address: '127.0.0.2', ttl: 60 }])
  }
  for (let index = 0; index < 60; index++)
    master.put('task', `F1/n${index}`, task(`n${index}`, 'wide', `127.0.1.${index + 1}`))
  await until(
    () => fetch(`${dns.url}/v1/hosts/wide.marathon.mesos`).then(r => r.json() as Promise<unknown[]>),
    list => list.length === 60,
  )
  t.equal((await resolver.resolve4('wide.marathon.mesos')).length, 60, 'the client comes back over TCP')

  master.del('task', 'F1/t1')
  await until(
    () => code(resolver.resolve4('web.marathon.mesos')),
    seen => seen === 'ENOTFOUND',
  )
})

t.test('before the first data the domain is SERVFAIL, and other names are still forwarded', async t => {
  const outside = createSocket('udp4')
  outside.bind(0, '127.0.0.1')
  await once(outside, 'listening')
  const ports = new Set<number>()
  const ids = new Set<number>()
  outside.on('message', (message, peer) => {
    ports.add(peer.port)
    ids.add(message.readUInt16BE(0))
    const query = Packet.parse(message)
    const wrong = Buffer.from(message)
    wrong[0] = (wrong[0]! + 1) & 255
    wrong[2] = wrong[2]! | 0x80
    outside.send(wrong, peer.port, peer.address)
    const reply = Packet.createResponseFromRequest(query)
    reply.answers.push(Packet.createResourceFromQuestion(query.questions[0]!, { ttl: 300, address: '9.9.9.9' }))
    outside.send(reply.toBuffer(), peer.port, peer.address)
  })
  const dns = await startDns(['--master=http://127.0.0.1:1', `--resolvers=127.0.0.1:${outside.address().port}`])
  t.teardown(async () => {
    await dns.handle.stop()
    outside.close()
  })
  const resolver = resolverAt(dns.place)
  t.equal(await code(resolver.resolve4('web.marathon.mesos')), 'ESERVFAIL')
  t.strictSame(await resolver.resolve4('a.example.com'), ['9.9.9.9'], 'a reply with another id is passed over')
  const [cached] = await resolver.resolve4('a.example.com', { ttl: true })
  t.equal(ports.size, 1, 'the second came from the cache')
  t.ok(cached !== undefined && cached.ttl <= 300 && cached.ttl > 290)
  await Promise.all(Array.from({ length: 20 }, (_, index) => resolver.resolve4(`n${index}.example.com`)))
  t.ok(ports.size > 10 && ids.size > 10, 'ports and ids are not reused')
  const health = (await (await fetch(`${dns.url}/health`)).json()) as {
    status: string
    checks: Record<string, { sentence: string }>
  }
  t.equal(health.status, 'degraded')
  t.match(health.checks.master?.sentence, /SERVFAIL/)
})

t.test('with no resolver other names are refused; with dead ones they fail', async t => {
  const zones = '--zone-resolvers={"corp.example":["127.0.0.1:9"]}'
  const alone = await startDns(['--master=http://127.0.0.1:1', '--external=false', zones])
  const dead = await startDns(['--master=http://127.0.0.1:1', '--resolvers=127.0.0.1:9', '--resolver-timeout=200ms'])
  t.teardown(() => Promise.all([alone.handle.stop(), dead.handle.stop()]))
  t.equal(await code(resolverAt(alone.place).resolve4('example.com')), 'EREFUSED')
  t.equal(await code(resolverAt(alone.place).resolve4('db.corp.example')), 'EREFUSED')
  t.equal(await code(resolverAt(dead.place).resolve4('example.com')), 'ESERVFAIL')
  t.match(await dead.metrics.metrics(), /meseta_dns_forwarder_failures_total [1-9]/)
})

t.test('a new leader does not flush the names it has not heard of', async t => {
  const master = await scriptedFeed()
  await fill(master, {
    ...base,
    'task F1/t1': task('t1', 'web', '127.0.0.2'),
    'task F1/t2': task('t2', 'old', '127.0.0.2'),
  })
  const dns = await startDns([`--master=${master.url}`, '--resolvers='])
  t.teardown(async () => {
    await dns.handle.stop()
    await master.close()
  })
  const resolver = resolverAt(dns.place)
  await until(
    () => code(resolver.resolve4('old.marathon.mesos')),
    seen => seen === 'answered',
  )
  master.restart({ 'cluster cluster': cluster('m2', '127.0.0.9') })
  await until(
    () => resolver.resolve4('leader.mesos'),
    seen => seen[0] === '127.0.0.9',
  )
  t.strictSame(await resolver.resolve4('web.marathon.mesos'), ['127.0.0.2'])
  t.strictSame(await resolver.resolve4('old.marathon.mesos'), ['127.0.0.2'])
  t.strictSame(await resolver.resolve4('slave.mesos'), ['127.0.0.2'])
  master.restart({
    ...base,
    'cluster cluster': cluster('m2', '127.0.0.9'),
    'task F1/t1': task('t1', 'web', '127.0.0.2'),
  })
  await until(
    () => code(resolver.resolve4('old.marathon.mesos')),
    seen => seen === 'ENOTFOUND',
  )
  t.strictSame(await resolver.resolve4('web.marathon.mesos'), ['127.0.0.2'], 'the same leader’s snapshot is complete')
})

t.test('a resolver that can not even be connected to is passed over', async t => {
  const outside = await answering('9.9.9.9')
  // The kernel refuses to connect to a broadcast address; where there is no IPv6 it does so for each resolver of that kind.
  const dns = await startDns(['--master=http://127.0.0.1:1', `--resolvers=255.255.255.255,${outside.place}`])
  t.teardown(async () => {
    await dns.handle.stop()
    outside.close()
  })
  t.strictSame(await resolverAt(dns.place).resolve4('example.com'), ['9.9.9.9'])
})

t.test('a TCP client that has said all still gets the answer that comes later', async t => {
  const server = await serveTcp('127.0.0.1', 0, (_message, _transport, reply) => {
    client.once('close', () => t.fail('cut off before the answer'))
    setImmediate(() => setImmediate(() => reply(Buffer.from([9]))))
  })
  t.teardown(() => server.close())
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  client.end(Buffer.from([0, 1, 7]))
  const [answer] = (await once(client, 'data')) as [Buffer]
  client.removeAllListeners('close')
  t.strictSame([...answer], [0, 1, 9])
  await once(client, 'end')
})

t.test('one TCP connection takes many questions at once; too long ones end it', async t => {
  const dns = await startDns(['--master=http://127.0.0.1:1', '--external=false'])
  t.teardown(() => dns.handle.stop())
  const ask = (id: number) => {
    const message = Buffer.from(
      `${id.toString(16).padStart(4, '0')}01000001000000000000096c6f63616c686f73740000010001`,
      'hex',
    )
    return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])
  }
  const socket = connect(dns.port, '127.0.0.1')
  const all = Buffer.concat(Array.from({ length: 500 }, (_, id) => ask(id)))
  socket.write(all.subarray(0, 1001))
  socket.write(all.subarray(1001))
  socket.end()
  let held = Buffer.alloc(0)
  for await (const chunk of socket) held = Buffer.concat([held, chunk as Buffer])
  const ids: number[] = []
  for (let at = 0; at < held.length; at += held.readUInt16BE(at) + 2) ids.push(held.readUInt16BE(at + 2))
  t.strictSame(
    ids,
    Array.from({ length: 500 }, (_, id) => id),
  )
  const long = connect(dns.port, '127.0.0.1')
  long.on('error', () => undefined)
  long.write(Buffer.from([255, 255, 1, 2, 3]))
  await once(long, 'close')
})

t.test('TCP: silent connections are closed, at the bound the longest silent one, slow questions held back', async t => {
  const replies: ((reply: Buffer) => void)[] = []
  const limits = { ...tcpLimits, connections: 2, idle: 200, inFlight: 2 }
  const server = await serveTcp('127.0.0.1', 0, (_message, _transport, reply) => replies.push(reply), limits)
  t.teardown(() => server.close())
  const first = connect(server.port, '127.0.0.1')
  const silent = connect(server.port, '127.0.0.1')
  silent.on('error', () => undefined)
  await Promise.all([once(first, 'connect'), once(silent, 'connect')])
  // Half a question is silence too: who drips bytes holds no place.
  silent.write(Buffer.from([0, 9, 1]))
  first.write(Buffer.from([0, 1, 7]))
  await until(
    () => replies.length,
    count => count === 1,
  )
  replies.shift()?.(Buffer.from([8]))
  await once(first, 'data')
  const third = connect(server.port, '127.0.0.1')
  await Promise.all([once(third, 'connect'), once(silent, 'close')])
  t.notOk(first.destroyed || third.destroyed, 'those that ask and those that are new stay')
  first.write(Buffer.from([0, 1, 7, 0, 1, 7, 0, 1, 7]))
  await until(
    () => replies.length,
    count => count === 2,
  )
  replies[0]?.(Buffer.from([9]))
  const [answer] = (await once(first, 'data')) as [Buffer]
  t.strictSame([...answer], [0, 1, 9])
  await until(
    () => replies.length,
    count => count === 3,
  )
  await once(first, 'close')
  replies[1]?.(Buffer.from([9]))
  t.pass('a reply for a closed connection is passed over')
})

t.test('TCP: who does not read its answers is not read either', async t => {
  let asked = 0
  const server = await serveTcp('127.0.0.1', 0, (_message, _transport, reply) => {
    asked += 1
    reply(Buffer.alloc(60_000))
  })
  t.teardown(() => server.close())
  const client = connect(server.port, '127.0.0.1')
  client.write(Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([0, 1, 7]))))
  await once(client, 'readable')
  t.ok(asked < 500, `${asked} of 2000`)
  let bytes = 0
  for await (const chunk of client) {
    bytes += (chunk as Buffer).length
    if (bytes === 2_000 * 60_002) break
  }
  t.equal(asked, 2_000, 'and is, as it reads')
})

t.test('at most so many questions wait for other servers', async t => {
  const silent = createSocket('udp4')
  silent.bind(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const forwarder = new Forwarder({
    resolvers: [{ address: '127.0.0.1', port: silent.address().port }],
    zoneResolvers: new Map(),
    clock: systemClock,
    random: systemRandom,
    timeout: 300,
    inFlight: 4,
  })
  const outcomes = await Promise.all(
    Array.from({ length: 6 }, (_, index) => forwarder.ask(queryFor(`n${index}`), 'udp')),
  )
  t.strictSame(outcomes, ['failed', 'failed', 'failed', 'failed', 'dropped', 'dropped'])
  t.equal(forwarder.inFlight, 0)
})

t.test('a taken port is an error that says so, and nothing is left listening', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  await t.rejects(startDns(['--master=http://127.0.0.1:1', `--dns-port=${port}`]), {
    message: /TCP.*taken.*--dns-port/,
    code: 'EADDRINUSE',
  })
  await t.rejects(startDns(['--master=http://127.0.0.1:1', '--domain=a b']), { message: /--domain/ })
  await t.rejects(startDns(['--master=ftp://x']), { message: /--master: 'ftp:/ })
  await t.rejects(startDns(['--master=zk://127.0.0.1:2181/mesos']), { message: /ZooKeeper is not asked here/ })
  await t.rejects(startDns(['--master=http://127.0.0.1:1', '--resolvers=nonsense']), { message: /--resolvers/ })
  await t.rejects(startDns(['--master=http://127.0.0.1:1', '--zone-resolvers={"x.mesos":["1.1.1.1"]}']), {
    message: /overlap/,
  })
})

t.test('the HTTP API of mesos-dns', async t => {
  const master = await scriptedFeed()
  await fill(master, { ...base, 'task F1/t1': task('t1', 'web', '127.0.0.2') })
  const dns = await startDns([`--master=${master.url}`, '--resolvers='])
  t.teardown(async () => {
    await dns.handle.stop()
    await master.close()
  })
  const get = async (path: string, headers = {}) => {
    const response = await fetch(dns.url + path, { headers })
    const text = await response.text()
    return {
      status: response.status,
      text,
      etag: response.headers.get('etag') ?? '',
      type: response.headers.get('content-type') ?? '',
    }
  }
  const json = async (path: string) => JSON.parse((await get(path)).text)
  await until(
    () => json('/v1/hosts/Web.marathon.mesos.'),
    seen => seen[0].ip !== '',
  )
  t.strictSame(await json('/v1/hosts/web.*.marathon.mesos'), [{ host: 'web.marathon.mesos.', ip: '127.0.0.2' }])
  t.strictSame(await json('/v1/hosts/none.mesos'), [{ host: '', ip: '' }])
  const [service] = await json('/v1/services/_Web._tcp.marathon.mesos')
  t.match(service, {
    service: '_Web._tcp.marathon.mesos',
    host: /^web-.*\.marathon\.slave\.mesos\.$/,
    ip: '127.0.0.2',
    port: '31000',
  })
  t.strictSame(await json('/v1/services/x'), [{ service: '', host: '', ip: '', port: '' }])
  t.match(await get('/v1/hosts/x/ports'), { status: 501, text: 'To be implemented...' })
  t.match(await json('/v1/version'), { Service: 'Mesos-DNS', URL: /mesos-dns/, Version: /./ })
  t.match(await json('/v1/config'), {
    TTL: 60,
    Domain: 'mesos',
    DnsOn: true,
    IPSources: ['netinfo', 'mesos', 'host'],
    MesosCredentials: { Secret: '' },
  })
  t.match(await json('/v1/enumerate'), { frameworks: [{ name: 'marathon', tasks: [{ name: 'web', id: 't1' }] }] })
  const dump = await get('/v1/axfr')
  t.match(JSON.parse(dump.text), {
    TTL: 60,
    Domain: 'mesos',
    Mname: 'ns1.mesos.',
    Records: { As: { 'web.marathon.mesos.': ['127.0.0.2'] } },
  })
  t.ok(JSON.parse(dump.text).Serial > 1_700_000_000, 'the serial is the time of the last change')
  t.equal((await get('/v1/axfr', { 'if-none-match': dump.etag })).status, 304)
  t.match(await get('/nothing'), { status: 404, type: /text\/plain/ })
  t.equal((await get(`/v1/watch?name=${'a'.repeat(300)}`)).status, 400)
  t.match((await get('/metrics')).text, /meseta_dns_zone_records\{zone="mesos"\} \d+/)

  const watch = await fetch(`${dns.url}/v1/watch?name=web.marathon.mesos`)
  const reader = watch.body!.pipeThrough(new TextDecoderStream()).getReader()
  t.match((await reader.read()).value, /"host":"127.0.0.2"/)
  master.put('task', 'F1/t1', task('t1', 'web', '127.0.0.3'))
  t.match((await reader.read()).value, /"host":"127.0.0.3"/)
  await reader.cancel()

  const alias = await fetch(`${dns.url}/v1/watch?name=Web.marathon.mesos.thisdcos.directory`)
  const aliasReader = alias.body!.pipeThrough(new TextDecoderStream()).getReader()
  const asked = '"name":"web.marathon.mesos.thisdcos.directory."'
  t.match((await aliasReader.read()).value, `${asked},"records":[{"rtype":"A","host":"127.0.0.3"}]`)
  master.put('task', 'F1/t1', task('t1', 'web', '127.0.0.4'))
  t.match((await aliasReader.read()).value, `${asked},"records":[{"rtype":"A","host":"127.0.0.4"}]`)
  await aliasReader.cancel()
})
