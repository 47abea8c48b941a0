import t from 'tap'
import { AddressBook, isOwnLoopback } from '../src/table/addresses.ts'
import { parseVip, vipKey, vipText } from '../src/table/vip-labels.ts'
import { VipTable } from '../src/table/vip-table.ts'

const agent = (id: string, ip: string) => ({ id, hostname: ip, pid: `slave(1)@${ip}:5051`, port: 5051 })

interface Port {
  number: number
  protocol?: string
  labels: Record<string, string>
}

function task(id: string, ports: Port[], extra: Record<string, unknown> = {}, ips = ['10.0.0.1']) {
  const network = { ip_addresses: ips.map(ip_address => ({ ip_address })) }
  return {
    id,
    name: 'api',
    framework_id: 'F1',
    framework_name: 'marathon',
    slave_id: 'S0',
    state: 'TASK_RUNNING',
    resources: { ports: '[31000-31001]' },
    statuses: [{ state: 'TASK_RUNNING', timestamp: 1, container_status: { network_infos: [network] } }],
    discovery: {
      name: 'api',
      ports: {
        ports: ports.map(({ number, protocol = 'tcp', labels }) => ({
          number,
          protocol,
          labels: { labels: Object.entries(labels).map(([key, value]) => ({ key, value })) },
        })),
      },
    },
    ...extra,
  }
}

function make() {
  const table = new VipTable()
  table.putAgent('S0', agent('S0', '10.0.0.1'))
  table.putAgent('S1', agent('S1', '10.0.0.2'))
  return table
}

const places = (table: VipTable, key: string) =>
  table
    .get(key)
    ?.backends.map(({ ip, port, weight }) => `${ip}:${port}/${weight}`)
    .sort()

const api = 'api.marathon.l4lb.thisdcos.directory:80/tcp'

t.test('label values follow the contract', t => {
  const key = (value: string, framework = 'marathon') => {
    const vip = parseVip(value, 'tcp', framework)
    return vip && vipKey(vip)
  }
  t.equal(key('/api:80'), api)
  t.equal(key('api:80'), api)
  t.equal(key('/api.hello-world:80', 'hello-world'), 'api.hello-world.hello-world.l4lb.thisdcos.directory:80/tcp')
  t.equal(key('/Team A/x_y:8080', 'dev/kafka'), 'teamax-y.devkafka.l4lb.thisdcos.directory:8080/tcp')
  t.equal(key('1.2.3.4:5000'), '1.2.3.4:5000/tcp')
  t.equal(key('fd01:c::9:80'), 'fd01:c::9:80/tcp')
  t.equal(key('[FD01:c::9]:80'), 'fd01:c::9:80/tcp')
  for (const bad of [
    '',
    ':',
    'api',
    'api:',
    'api:0',
    'api:70000',
    'api:x',
    ':80',
    '/:80',
    'api:8 0',
    `${'a.'.repeat(200)}:80`,
  ])
    t.equal(key(bad), undefined, JSON.stringify(bad.slice(0, 20)))
  t.equal(key('api:80', '---'), undefined)
  t.equal(vipText(parseVip('1.2.3.4:5000', 'udp', 'm')!), '1.2.3.4:5000')
  t.end()
})

t.test('which ports ask for a virtual IP, and where they lead', t => {
  const labels = (labels: Record<string, string>, extra: Partial<Port> = {}) => ({ number: 31000, labels, ...extra })
  const shown = (ports: Port[], extra: Record<string, unknown> = {}, ips?: string[]) => {
    const table = make()
    table.putTask('F1/t', task('t', ports, extra, ips))
    return Object.fromEntries(table.takeChanges().map(key => [key, places(table, key)]))
  }
  t.strictSame(shown([labels({ VIP_0: '/api:80', vip_1: '1.2.3.4:5000', xVIP: '/no:1' })]), {
    [api]: ['10.0.0.1:31000/1'],
    '1.2.3.4:5000/tcp': ['10.0.0.1:31000/1'],
  })
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { protocol: 'UDP' })]), {
    'api.marathon.l4lb.thisdcos.directory:80/udp': ['10.0.0.1:31000/1'],
  })
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { protocol: 'sctp' })]), {})
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { number: 0 })]), {})
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { number: 80 })], {}, ['172.16.0.9', 'fd01::9']), {
    [api]: ['172.16.0.9:80/1', 'fd01::9:80/1'],
  })
  t.strictSame(
    shown([labels({ VIP_0: '1.2.3.4:80', VIP_1: 'fd01::1:80' }, { number: 80 })], {}, ['172.16.0.9', 'fd01::9']),
    {
      '1.2.3.4:80/tcp': ['172.16.0.9:80/1'],
      'fd01::1:80/tcp': ['fd01::9:80/1'],
    },
  )
  const mapped = {
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1,
        container_status: {
          network_infos: [
            {
              ip_addresses: [{ ip_address: '172.16.0.9' }],
              port_mappings: [{ host_port: 31001, container_port: 80, protocol: 'tcp' }],
            },
          ],
        },
      },
    ],
  }
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { number: 80 })], mapped), { [api]: ['10.0.0.1:31001/1'] })
  t.strictSame(shown([labels({ VIP_0: '/api:80', 'network-scope': 'host' }, { number: 31001 })], mapped), {
    [api]: ['10.0.0.1:31001/1'],
  })
  const docker = { container: { docker: { port_mappings: [{ host_port: 31001, container_port: 80 }] } } }
  t.strictSame(shown([labels({ VIP_0: '/api:80' }, { number: 80 })], docker, ['172.17.0.3']), {
    [api]: ['10.0.0.1:31001/1'],
  })
  const old = {
    discovery: undefined,
    labels: [
      { key: 'vip_Port1', value: 'udp://old:99' },
      { key: 'VIP_PORT7', value: 'tcp://old:99' },
    ],
  }
  t.strictSame(shown([], old), { 'old.marathon.l4lb.thisdcos.directory:99/udp': ['10.0.0.1:31001/1'] })
  t.end()
})

t.test('weights follow the contract', t => {
  const table = make()
  const port = { number: 31000, labels: { VIP_0: '/api:80' } }
  const weight = (extra: Record<string, unknown>) => {
    table.putTask('F1/t', task('t', [port], extra))
    return table.get(api)?.backends[0]?.weight
  }
  t.equal(weight({}), 1)
  t.equal(weight({ healthy: true, health_check: {} }), 1)
  t.equal(weight({ healthy: false, health_check: {} }), 0)
  t.equal(weight({ health_check: {} }), 0, 'no result yet')
  t.equal(weight({ state: 'TASK_KILLING' }), 0)
  for (const state of ['TASK_STAGING', 'TASK_STARTING', 'TASK_FINISHED', 'TASK_LOST', 'TASK_UNREACHABLE', '', 'x'])
    t.equal(weight({ state }), undefined, state)
  t.equal(weight({}), 1)
  table.putInstance('t', { healthy: null, killing: false })
  t.equal(weight({}), 1, 'not known is no verdict')
  table.putInstance('t', { healthy: false, killing: false })
  t.equal(table.get(api)?.backends[0]?.weight, 0)
  t.strictSame(table.takeChanges(), [api])
  table.putInstance('t', { healthy: true, killing: true })
  t.equal(table.get(api)?.backends[0]?.weight, 0, 'about to be killed')
  table.delInstance('t')
  t.equal(table.get(api)?.backends[0]?.weight, 1)
  t.end()
})

t.test('one virtual IP has the backends of all who ask for it, and each change costs its own', t => {
  const table = make()
  const port = { number: 31000, labels: { VIP_0: '/api:80', VIP_1: '/all:81' } }
  for (let index = 0; index < 500; index++)
    table.putTask(`F1/t${index}`, task(`t${index}`, [{ number: 31000 + index, labels: port.labels }]))
  t.strictSame([...table.takeChanges()].sort(), ['all.marathon.l4lb.thisdcos.directory:81/tcp', api])
  t.equal(table.get(api)?.backends.length, 500)
  table.putTask('F1/t7', task('t7', [{ number: 31007, labels: port.labels }]))
  t.strictSame(table.takeChanges(), [], 'the same again changes nothing')
  table.putTask('F1/t7', task('t7', [{ number: 31007, labels: { VIP_0: '/api:80' } }]))
  t.strictSame(table.takeChanges(), ['all.marathon.l4lb.thisdcos.directory:81/tcp'])
  t.equal(table.get('all.marathon.l4lb.thisdcos.directory:81/tcp')?.backends.length, 499)
  table.putAgent('S1', agent('S1', '10.0.0.3'))
  t.strictSame(table.takeChanges(), [], 'nobody is on that agent')
  table.delAgent('S0')
  t.equal(table.get(api), undefined)
  t.end()
})

t.test('hostile labels and bodies are read or passed over', t => {
  const table = make()
  const values = [
    '__proto__:80',
    'constructor:80',
    '../../x:80',
    `${'a'.repeat(5_000)}:80`,
    'a:80\n',
    'ü:80',
    '%00:80',
    '127.0.0.1:22',
  ]
  values.forEach((value, index) => {
    table.putTask(`F1/t${index}`, task(`t${index}`, [{ number: 31000, labels: { VIP_0: value } }]))
  })
  const names = ['proto', 'constructor', 'x', 'a'.repeat(63), '00']
  t.strictSame(
    new Set(table.takeChanges()),
    new Set(['127.0.0.1:22/tcp', ...names.map(name => `${name}.marathon.l4lb.thisdcos.directory:80/tcp`)]),
  )
  for (const body of [null, 1, [], { id: 't' }, JSON.parse('{"__proto__":1}')]) {
    table.putTask('F1/x', body)
    table.putAgent('x', body)
    table.putFramework('x', body)
    table.putInstance('x', body)
  }
  t.end()
})

t.test('addresses are chosen by hash, kept, and unique until they run out', t => {
  const book = new AddressBook()
  const first = book.propose('name:api.marathon')!
  t.match(first, /^127\.11\.\d+\.\d+$/)
  t.equal(new AddressBook().propose('name:api.marathon'), first, 'equal everywhere')
  book.claim(first, 'name:other')
  const second = book.propose('name:api.marathon')!
  t.not(second, first, 'the next free one')
  book.claim(second, 'name:api.marathon')
  t.equal(book.propose('name:api.marathon'), second)
  const seen = new Set<string>([first, second])
  for (let index = seen.size; index < 65_534; index++) {
    const address = book.propose(`name:${index % 2_000 === 0 ? index : 'same'}`)!
    book.claim(address, `name:x${index}`)
    seen.add(address)
    if (seen.size >= 3_000) break
  }
  t.equal(seen.size, 3_000)
  t.notOk([...seen].some(address => address === '127.11.0.0' || address === '127.11.255.255'))
  t.equal(book.release('name:api.marathon'), second)
  t.equal(book.of('name:api.marathon'), undefined)
  t.ok(isOwnLoopback('127.3.4.5') && isOwnLoopback('::1'))
  t.notOk(isOwnLoopback('1.2.3.4'))
  t.end()
})

t.test('whatever comes in whatever order, nothing is left when all is gone', t => {
  const seed = 99
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const table = new VipTable()
  for (let step = 0; step < 20_000; step++) {
    const [id, a] = [`t${random(30)}`, `S${random(4)}`]
    const kind = random(8)
    const labels = { VIP_0: ['/a:80', '/b:80', '1.2.3.4:5', 'bad'][random(4)]!, VIP_1: '/a:80' }
    if (kind < 4)
      table.putTask(
        id,
        task(id, [{ number: 31000 + random(3), labels }], {
          slave_id: a,
          state: ['TASK_RUNNING', 'TASK_KILLING', 'TASK_LOST'][random(3)],
        }),
      )
    else if (kind === 4) table.delTask(id)
    else if (kind === 5) table.putAgent(a, agent(a, `10.0.0.${random(3)}`))
    else if (kind === 6) table.delAgent(a)
    else table.putInstance(id, { healthy: [true, false, null][random(3)], killing: random(2) === 0 })
    if (step % 100 === 0) for (const key of table.takeChanges()) t.ok((table.get(key)?.backends.length ?? 1) > 0)
  }
  for (let index = 0; index < 30; index++) table.delTask(`t${index}`)
  t.match(table.counts, { tasks: 0, vips: 0 })
  t.end()
})
