import { rfc1123 } from '@meseta/common/discovery/labels'
import { Packet } from 'dns2'
import t from 'tap'
import { RecordGenerator } from '../src/records/generator.ts'
import { RecordSet } from '../src/records/zone.ts'
import { createZones } from '../src/records/zones.ts'
import { KeptAnswers } from '../src/server/kept-answers.ts'
import { Responder } from '../src/server/responder.ts'
import { emptySections } from '../src/wire/message.ts'
import { agent, task } from './support/start.ts'

const soa = {
  nameserver: 'ns1.mesos.',
  contact: 'root.ns1.mesos.',
  nameserverTtl: 60,
  refresh: 60,
  retry: 600,
  expire: 86_400,
  minimum: 60,
}

function make(ready = true) {
  const zones = createZones({ origin: 'mesos', ttl: 60, srvPriority: 0, srvWeight: 1, ...soa })
  const generator = new RecordGenerator(
    {
      domain: 'mesos',
      rule: rfc1123,
      ipSources: ['netinfo'],
      unhealthy: 'last',
      nameserver: 'ns1.mesos.',
      nameserverAddresses: ['127.0.0.1'],
    },
    zones,
  )
  generator.putAgent('M-S0', agent('M-S0', '10.0.0.1'))
  generator.putMasters({ leader: { address: '10.0.0.5', port: 5050 }, configured: [] })
  const responder = new Responder(zones, () => ready, { truncateBit: true, recursion: true, ednsSize: 1232 })
  return { zones, generator, responder }
}

interface Asked {
  type?: number
  id?: number
  class?: number
  edns?: { size: number; version?: number }
  transport?: 'udp' | 'tcp'
}

/** A question written byte by byte, so that no code of ours makes what it reads. */
function question(name: string, { type = 1, id = 7, class: qclass = 1, edns }: Asked = {}): Buffer {
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .map(part => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]))
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0])
  const tail = Buffer.from([0, type >> 8, type & 255, qclass >> 8, qclass & 255])
  const opt = edns
    ? Buffer.from([0, 0, 41, edns.size >> 8, edns.size & 255, 0, edns.version ?? 0, 0, 0, 0, 0])
    : Buffer.alloc(0)
  return Buffer.concat([header, ...labels, tail, opt])
}

function ask(responder: Responder, name: string, asked: Asked = {}) {
  const reply = responder.respond(question(name, asked), asked.transport ?? 'udp')
  if (reply === undefined || !Buffer.isBuffer(reply)) throw new Error(`no answer for ${name}`)
  const packet = Packet.parse(reply)
  return {
    reply,
    packet,
    header: packet.header,
    answers: packet.answers,
    authorities: packet.authorities,
    additionals: packet.additionals,
  }
}

const forwards = (responder: Responder, name: string) => {
  const response = responder.respond(question(name), 'udp')
  return response !== undefined && !Buffer.isBuffer(response)
}

t.test('answers follow the table of the contract', t => {
  const { generator, responder } = make()
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.1'))
  generator.putTask('F1/t2', task('t2', 'api', 'fd01::2'))

  const a = ask(responder, 'api.marathon.mesos')
  t.match(a.header, { rcode: 0, aa: 1, qr: 1, rd: 1, ra: 1, tc: 0, id: 7 })
  t.strictSame(
    a.answers.map(({ address, ttl, name }) => [name, address, ttl]),
    [['api.marathon.mesos', '10.1.0.1', 60]],
  )
  t.match(ask(responder, 'api.marathon.mesos', { type: 28 }).answers, [{ type: 28 }])

  const srv = ask(responder, '_API._tcp.Marathon.mesos', { type: 33 })
  t.equal(srv.answers.length, 2)
  t.match(srv.answers[0], { name: '_API._tcp.Marathon.mesos', port: 31000, priority: 0, weight: 1, ttl: 60 })
  t.equal(srv.additionals.length, 2, 'one address for each target')
  t.strictSame(new Set(srv.answers.map(record => record.target)), new Set(srv.additionals.map(record => record.name)))

  const none = ask(responder, 'api.marathon.mesos', { type: 16 })
  t.match(none.header, { rcode: 0, aa: 1 })
  t.equal(none.answers.length, 0)
  t.match(none.authorities, [
    { name: 'api.marathon.mesos', type: 6, primary: 'ns1.mesos', admin: 'root.ns1.mesos', minimum: 60, ttl: 60 },
  ])

  const missing = ask(responder, 'nothing.marathon.mesos')
  t.match(missing.header, { rcode: 3, aa: 1 })
  t.match(missing.authorities, [{ name: 'nothing.marathon.mesos', type: 6 }])
  t.match(ask(responder, 'nothing.mesos', { type: 33 }).header, { rcode: 3 })
  t.match(ask(responder, 'api.marathon.mesos', { type: 33 }).header, { rcode: 0 })

  const soaAnswer = ask(responder, 'any.thing.mesos', { type: 6 })
  t.match([soaAnswer.header.rcode, soaAnswer.answers.length, soaAnswer.authorities.length], [0, 0, 1])
  t.match(ask(responder, 'mesos', { type: 6 }).answers, [{ type: 6 }])
  t.match(ask(responder, 'mesos').header, { rcode: 0 }, 'the domain itself exists')
  t.match(ask(responder, 'mesos', { type: 2 }).authorities, [{ type: 2, ns: 'ns1.mesos' }])

  const any = ask(responder, 'leader.mesos', { type: 255 })
  t.match([any.answers.length, any.authorities.map(record => record.type)], [1, [6, 2]])
  t.match(ask(responder, 'api.*.marathon.mesos').answers, [{ address: '10.1.0.1' }], '.* is removed')
  t.end()
})

t.test('address owners are lower-cased, the question is echoed as asked', t => {
  const { generator, responder } = make()
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.1'))
  for (let round = 0; round < 2; round++) {
    const { packet } = ask(responder, 'Api.MARATHON.mesos')
    t.equal(packet.questions[0]?.name, 'Api.MARATHON.mesos')
    t.equal(packet.answers[0]?.name, 'api.marathon.mesos')
  }
  t.end()
})

t.test('a kept answer is never older than its records', t => {
  const { generator, responder } = make()
  const ips = () => ask(responder, 'api.marathon.mesos').answers.map(record => record.address)
  const targets = () =>
    ask(responder, '_api._tcp.marathon.mesos', { type: 33 }).additionals.map(record => record.address)
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.1'))
  t.strictSame([ips(), targets()], [['10.1.0.1'], ['10.0.0.1']])
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.2'))
  generator.putAgent('M-S0', agent('M-S0', '10.0.0.8'))
  t.strictSame([ips(), targets()], [['10.1.0.2'], ['10.0.0.8']])
  generator.delTask('F1/t1')
  t.equal(ask(responder, 'api.marathon.mesos').header.rcode, 3)
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.3'))
  t.strictSame(ips(), ['10.1.0.3'])
  t.end()
})

t.test('kept answers are bounded in bytes, however long one is and however it is asked for', t => {
  const kept = new KeptAnswers()
  const set = new RecordSet()
  const long = { ...emptySections, answers: Buffer.alloc(200_000) }
  const sources = [{ set, version: set.version }]
  for (let index = 0; index < 1_000; index++) kept.set(`${index}`, { sections: long, keepable: true, sources })
  t.ok(kept.size > 0 && kept.size <= 64 * 1024 * 1024, `${kept.size} bytes`)
  t.equal(kept.get('0'), undefined)
  t.equal(kept.get('999')?.sections, long)
  set.add('A', '10.0.0.1')
  t.equal(kept.get('999'), undefined, 'its records have changed')
  t.end()
})

t.test('answers are rotated, shortened to what the client takes, and say so', t => {
  const { generator, responder } = make()
  for (let index = 0; index < 60; index++)
    generator.putTask(`F1/t${index}`, task(`t${index}`, 'api', `10.1.0.${index}`))
  const first = (id: number) => ask(responder, 'api.marathon.mesos', { id }).answers[0]?.address
  t.equal(new Set(Array.from({ length: 60 }, (_, id) => first(id))).size, 60, 'each comes first once')
  const plain = ask(responder, 'api.marathon.mesos', { id: 55 })
  t.equal(plain.header.tc, 1)
  t.ok(plain.reply.length <= 512)
  t.equal(plain.answers.length, 29)
  t.equal(new Set(plain.answers.map(record => record.address)).size, 29)
  const edns = ask(responder, 'api.marathon.mesos', { edns: { size: 4096 } })
  t.equal(edns.answers.length, 60, 'the larger buffer of the client is honoured')
  t.equal(edns.header.tc, 0)
  t.match(edns.additionals, [{ type: 41, class: 1232 }])
  const small = ask(responder, 'api.marathon.mesos', { edns: { size: 100 } })
  t.ok(small.reply.length <= 512 && small.answers.length === 29)
  const tcp = ask(responder, '_api._tcp.marathon.mesos', { type: 33, transport: 'tcp' })
  t.equal(tcp.answers.length, 60)
  t.equal(tcp.additionals.length, 60)
  t.equal(tcp.header.tc, 0)
  const udp = ask(responder, '_api._tcp.marathon.mesos', { type: 33, edns: { size: 1232 } })
  t.equal(udp.header.tc, 1)
  t.match(udp.additionals, [{ type: 41 }], 'additional records go first')
  t.end()
})

t.test('other EDNS versions, classes and transfers are refused in their own way', t => {
  const { responder } = make()
  const bad = ask(responder, 'leader.mesos', { edns: { size: 1232, version: 1 } })
  t.equal(bad.header.rcode, 16, 'BADVERS, its high part in the OPT')
  t.equal(bad.reply[3]! & 15, 0)
  t.equal(ask(responder, 'leader.mesos', { class: 3 }).header.rcode, 5)
  t.equal(ask(responder, 'mesos', { type: 252 }).header.rcode, 5)
  t.equal(ask(make(false).responder, 'leader.mesos').header.rcode, 2, 'SERVFAIL before the first data')
  t.end()
})

t.test('an OPT is found among other records, and only there', t => {
  const { responder } = make()
  const records = (name: string, counts: readonly [number, number, number], ...records: readonly string[]) => {
    const message = Buffer.concat([question(name), ...records.map(record => Buffer.from(record, 'hex'))])
    counts.forEach((count, index) => {
      message.writeUInt16BE(count, 6 + index * 2)
    })
    const reply = responder.respond(message, 'udp')
    if (!Buffer.isBuffer(reply)) throw new Error('no reply')
    return { rcode: reply[3]! & 15, opt: reply.readUInt16BE(10) }
  }
  const opt = '0000290400000000000000'
  const other = 'c00c00fa00ff00000000000301ab02'
  t.strictSame(records('leader.mesos', [0, 0, 2], other, opt), { rcode: 0, opt: 1 })
  t.strictSame(records('leader.mesos', [0, 0, 2], opt, other), { rcode: 0, opt: 1 })
  t.strictSame(records('leader.mesos', [1, 0, 1], other, opt), { rcode: 0, opt: 1 })
  t.strictSame(records('leader.mesos', [0, 0, 1], other), { rcode: 0, opt: 0 }, 'one that speaks no EDNS')
  t.strictSame(records('leader.mesos', [0, 0, 2], opt, opt), { rcode: 1, opt: 0 }, 'two of them')
  t.strictSame(records('leader.mesos', [0, 0, 2], opt), { rcode: 1, opt: 0 }, 'fewer records than announced')
  t.strictSame(records('leader.mesos', [0, 0, 1], other.slice(0, -2)), { rcode: 1, opt: 0 }, 'cut off')
  t.strictSame(records('leader.mesos', [0, 0, 1], `01${'61'.repeat(1)}${opt.slice(2)}`), { rcode: 1, opt: 0 })
  t.end()
})

t.test('each suffix goes to its zone, and names come back as they were asked', t => {
  const { generator, responder } = make()
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.1'))
  const vip = { name: 'api.marathon.l4lb.thisdcos.directory', address: '127.11.0.9', backends: [{}] }
  generator.putVip('x', vip)
  const ip = (name: string) => ask(responder, name).answers.map(record => record.address)
  for (const name of [
    'l4lb.thisdcos.directory',
    'dclb.thisdcos.directory',
    'l4lb.thisdcos.global',
    'dclb.thisdcos.global',
  ])
    t.strictSame(ip(`api.marathon.${name}`), ['127.11.0.9'], name)
  t.equal(ask(responder, 'api.marathon.l4lb.thisdcos.directory').answers[0]?.ttl, 5)
  t.strictSame(ip('api.marathon.agentip.dcos.thisdcos.directory'), ['10.0.0.1'])
  t.strictSame(ip('api.marathon.mesos.thisdcos.directory'), ['10.1.0.1'])
  const srv = ask(responder, '_api._tcp.marathon.mesos.thisdcos.directory', { type: 33 })
  t.match(srv.answers, [{ target: /\.marathon\.slave\.mesos\.thisdcos\.directory$/, ttl: 5, priority: 1, weight: 1 }])
  t.match(srv.additionals, [{ name: /\.mesos\.thisdcos\.directory$/, address: '10.0.0.1' }])
  t.strictSame(ip('leader.dcos.thisdcos.directory'), ['10.0.0.5'])
  t.equal(ask(responder, 'x.other.thisdcos.directory').header.rcode, 3)
  t.match(ask(responder, 'x.l4lb.thisdcos.directory').authorities, [{ primary: 'ns.spartan', minimum: 1 }])
  t.strictSame(ip('ready.spartan'), ['127.0.0.1'])
  t.strictSame(ip('localhost'), ['127.0.0.1'])
  t.match(ask(responder, '1.0.1.10.in-addr.arpa', { type: 12 }).answers, [{ domain: /^api-.*\.marathon\.mesos$/ }])
  t.ok(forwards(responder, '9.9.9.9.in-addr.arpa'), 'an unknown address is asked outside')
  t.ok(forwards(responder, 'example.com'))
  t.ok(forwards(responder, 'notmesos'))
  t.end()
})

t.test('names that no label can hold are not ours to find', t => {
  const { generator, responder } = make()
  const names = ['__proto__', 'constructor', '../../etc', 'a'.repeat(10_000), 'ü', '..', '']
  names.forEach((name, index) => {
    generator.putTask(
      `F1/t${index}`,
      task(`t${index}`, name, '10.1.0.1', { discovery: { name, ports: { ports: [{ number: 1, name }] } } }),
    )
  })
  t.equal(ask(responder, `${'a'.repeat(63)}.marathon.mesos`).answers.length, 1)
  t.equal(ask(responder, 'constructor.marathon.mesos').answers.length, 1)
  t.equal(ask(responder, 'etc.marathon.mesos').answers.length, 1)
  t.equal(ask(responder, '__proto__.marathon.mesos').answers.length, 1, 'only as the raw name')
  t.equal(ask(responder, 'tostring.marathon.mesos').header.rcode, 3)
  t.end()
})

t.test('10,000 damaged packets never crash it, and what answers is a reply', t => {
  const seed = 20_261
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const { generator, responder } = make()
  generator.putTask('F1/t1', task('t1', 'api', '10.1.0.1'))
  const samples = [
    question('api.marathon.mesos', { edns: { size: 4096 } }),
    question('_api._tcp.marathon.mesos', { type: 33 }),
    question('example.com', { type: 255 }),
  ]
  const counts = { replies: 0, drops: 0, forwards: 0 }
  for (let round = 0; round < 10_000; round++) {
    const packet = Buffer.concat([
      samples[random(samples.length)]!,
      Buffer.alloc(random(4) === 0 ? random(40) : 0, random(256)),
    ])
    for (let flips = random(6); flips > 0; flips--) packet[random(packet.length)] = random(256)
    const message = random(5) === 0 ? packet.subarray(0, random(packet.length)) : packet
    const response = responder.respond(message, random(2) ? 'udp' : 'tcp')
    if (response === undefined) counts.drops += 1
    else if (!Buffer.isBuffer(response)) counts.forwards += 1
    else {
      counts.replies += 1
      if ((response[2]! & 0x80) === 0 || response[0] !== message[0] || response[1] !== message[1])
        t.fail('no reply to it')
      Packet.parse(response)
    }
  }
  t.comment(JSON.stringify(counts))
  t.ok(counts.replies > 1_000 && counts.drops > 100 && counts.forwards > 100)
  t.equal(responder.respond(Buffer.alloc(11), 'udp'), undefined)
  t.equal((responder.respond(Buffer.alloc(12), 'udp') as Buffer)[3], 1, 'no question is FORMERR')
  t.end()
})
