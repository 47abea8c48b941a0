import { rfc1123 } from '@meseta/common/discovery/labels'
import t from 'tap'
import { RecordGenerator } from '../src/records/generator.ts'
import { taskHash, zbase32 } from '../src/records/hash.ts'
import { reverseName } from '../src/records/reverse.ts'
import type { RecordSettings } from '../src/records/settings.ts'
import type { RecordType, Zone, ZoneSettings } from '../src/records/zone.ts'
import { createZones } from '../src/records/zones.ts'

const zoneSettings: ZoneSettings = {
  origin: 'mesos',
  ttl: 60,
  nameserver: 'ns1.mesos.',
  nameserverTtl: 60,
  contact: 'root.ns1.mesos.',
  refresh: 60,
  retry: 600,
  expire: 86_400,
  minimum: 60,
  srvPriority: 0,
  srvWeight: 1,
}

function make(settings: Partial<RecordSettings> = {}) {
  const zones = createZones(zoneSettings)
  const generator = new RecordGenerator(
    {
      domain: 'mesos',
      rule: rfc1123,
      ipSources: ['netinfo', 'mesos', 'host'],
      unhealthy: 'last',
      nameserver: 'ns1.mesos.',
      nameserverAddresses: ['127.0.0.1'],
      ...settings,
    },
    zones,
  )
  return { zones, generator }
}

const agent = (id: string, ip: string) => ({ id, hostname: ip, pid: `slave(1)@${ip}:5051`, port: 5051 })

function task(id: string, extra: Record<string, unknown> = {}, ip = '10.1.0.1') {
  return {
    id,
    name: 'web',
    framework_id: 'F1',
    slave_id: 'M-S0',
    state: 'TASK_RUNNING',
    resources: { ports: '[31000-31000]' },
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1,
        container_status: { network_infos: [{ ip_addresses: [{ ip_address: ip }] }] },
      },
    ],
    ...extra,
  }
}

const values = (zone: Zone, name: string, type: RecordType = 'A') => [...(zone.get(name)?.values(type) ?? [])].sort()

function started(settings: Partial<RecordSettings> = {}) {
  const made = make(settings)
  made.generator.putAgent('M-S0', agent('M-S0', '10.0.0.1'))
  made.generator.putFramework('F1', { id: 'F1', name: 'marathon', hostname: '10.0.0.9' })
  return made
}

t.test('hashes are those of the contract', t => {
  t.equal(taskHash('test'), 'iffe9')
  t.equal(zbase32(Buffer.from([0, 0])), 'yyyy')
  t.equal(reverseName('10.1.2.3'), '3.2.1.10.in-addr.arpa.')
  t.equal(reverseName('fd01::1'), `1.${'0.'.repeat(27)}1.0.d.f.ip6.arpa.`)
  t.equal(reverseName('::ffff:1.2.3.4'), `4.0.3.0.2.0.1.0.f.f.f.f.${'0.'.repeat(20)}ip6.arpa.`)
  t.end()
})

t.test('masters, agents, frameworks and the name server have their records', t => {
  const { zones, generator } = started()
  generator.putAgent('M-S1', agent('M-S1', '10.0.0.2'))
  generator.putMasters({
    leader: { address: '10.0.1.2', port: 5050 },
    configured: ['10.0.1.1', '10.0.1.1', '10.0.1.2'],
  })
  t.strictSame(values(zones.mesos, 'leader.mesos.'), ['10.0.1.2'])
  t.strictSame(values(zones.mesos, '_leader._tcp.mesos.', 'SRV'), ['leader.mesos.:5050'])
  t.strictSame(values(zones.mesos, '_leader._udp.mesos.', 'SRV'), ['leader.mesos.:5050'])
  t.strictSame(values(zones.mesos, 'master.mesos.'), ['10.0.1.1', '10.0.1.2'])
  t.strictSame(values(zones.mesos, 'master0.mesos.'), ['10.0.1.1'])
  t.strictSame(values(zones.mesos, 'master1.mesos.'), ['10.0.1.2'])
  t.equal(zones.mesos.get('master2.mesos.'), undefined)
  t.strictSame(values(zones.mesos, 'slave.mesos.'), ['10.0.0.1', '10.0.0.2'])
  t.strictSame(values(zones.mesos, '_slave._tcp.mesos.', 'SRV'), ['slave.mesos.:5051'], 'one for each distinct port')
  t.strictSame(values(zones.mesos, 'ns1.mesos.'), ['127.0.0.1'])
  t.strictSame(values(zones.mesos, 'marathon.mesos.'), ['10.0.0.9'])
  t.equal(zones.mesos.get('_framework._tcp.marathon.mesos.'), undefined, 'no pid, no SRV')
  t.strictSame(values(zones.zk, 'zk-3.zk.'), ['10.0.1.1'], 'masters in turn')
  t.strictSame(values(zones.dcos, 'leader.dcos.thisdcos.directory.'), ['10.0.1.2'])
  generator.putMasters({ leader: { address: '10.0.1.9', port: 5050 }, configured: [] })
  t.strictSame(values(zones.mesos, 'master0.mesos.'), ['10.0.1.9'], 'with no list the leader is master0')
  t.equal(zones.mesos.get('master1.mesos.'), undefined)
  t.end()
})

t.test('a scheduler with a pid has an SRV, one with a name is resolved first', t => {
  const { zones, generator } = make()
  t.equal(generator.putFramework('F1', { id: 'F1', name: 'Team A.Jobs', pid: 'scheduler-1@10.0.0.4:9000' }), undefined)
  t.strictSame(values(zones.mesos, '_framework._tcp.teama.jobs.mesos.', 'SRV'), ['teama.jobs.mesos.:9000'])
  t.equal(generator.putFramework('F2', { id: 'F2', name: 'chronos', hostname: 'Node-7' }), 'node-7')
  t.ok(generator.needsHost('node-7'))
  generator.putHost('node-7', ['10.0.0.7', 'fd01::7'])
  t.notOk(generator.needsHost('node-7'))
  t.strictSame(values(zones.mesos, 'chronos.mesos.'), ['10.0.0.7'])
  t.strictSame(values(zones.mesos, 'chronos.mesos.', 'AAAA'), ['fd01::7'])
  generator.delFramework('F2')
  t.equal(zones.mesos.get('chronos.mesos.'), undefined)
  t.equal(generator.putFramework('F3', { id: 'F3', name: 'chronos', hostname: 'node-7' }), 'node-7', 'resolved anew')
  t.end()
})

t.test('a task without discovery information', t => {
  const { zones, generator } = started()
  generator.putTask('F1/t1', task('t1'))
  const own = `web-${taskHash('t1')}-s0.marathon`
  const { mesos } = zones
  t.strictSame(values(mesos, 'web.marathon.mesos.'), ['10.1.0.1'])
  t.strictSame(values(mesos, `${own}.mesos.`), ['10.1.0.1'])
  t.strictSame(values(mesos, 'web.marathon.slave.mesos.'), ['10.0.0.1'])
  t.strictSame(values(mesos, `${own}.slave.mesos.`), ['10.0.0.1'])
  for (const protocol of ['tcp', 'udp']) {
    t.strictSame(values(mesos, `_web._${protocol}.marathon.mesos.`, 'SRV'), [`${own}.slave.mesos.:31000`])
    t.strictSame(values(mesos, `_web._${protocol}.marathon.slave.mesos.`, 'SRV'), [`${own}.slave.mesos.:31000`])
  }
  t.strictSame(values(zones.reverse, '1.0.1.10.in-addr.arpa.', 'PTR'), [`${own}.mesos.`])
  t.strictSame(values(zones.reverse, '1.0.0.10.in-addr.arpa.', 'PTR'), ['slave.mesos.'])
  t.end()
})

t.test('a task with discovery information', t => {
  const { zones, generator } = started()
  const ports = [
    { number: 80, name: 'Http', protocol: 'tcp' },
    { number: 53, name: '' },
    { number: 99, name: 'both', protocol: 'tcp,udp' },
  ]
  generator.putTask('F1/t1', task('t1', { discovery: { name: 'web.blue.team', ports: { ports } } }))
  const { mesos } = zones
  const own = `web-blue-team-${taskHash('t1')}-s0.marathon`
  const srv = (name: string) => values(mesos, `${name}.marathon.mesos.`, 'SRV')
  t.strictSame(
    srv('_web-blue-team._tcp'),
    [53, 80, 99].map(port => `${own}.mesos.:${port}`),
  )
  t.strictSame(
    srv('_web-blue-team._udp'),
    [53, 99].map(port => `${own}.mesos.:${port}`),
  )
  t.strictSame(srv('_web-blue-team._tcpudp'), [`${own}.mesos.:99`])
  t.strictSame(srv('_http._web-blue-team._tcp'), [`${own}.mesos.:80`])
  t.strictSame(values(mesos, '_web-blue-team._tcp.marathon.slave.mesos.', 'SRV'), [`${own}.slave.mesos.:31000`])
  t.strictSame(values(mesos, 'web.blue.team.marathon.mesos.'), ['10.1.0.1'], 'also under the raw name')
  t.match(srv('_web.blue.team._tcp')[0], /^web\.blue\.team-/)
  t.equal(mesos.get('web.marathon.mesos.'), undefined, 'the discovery name replaces the task name')
  t.end()
})

t.test('the first address source that yields any is used', t => {
  const bare = {
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1,
        labels: [{ key: 'Docker.NetworkSettings.IPAddress', value: '172.17.0.2' }],
      },
    ],
  }
  const first = (ipSources: RecordSettings['ipSources'], body: unknown) => {
    const { zones, generator } = started({ ipSources })
    generator.putTask('F1/t1', body)
    return values(zones.mesos, 'web.marathon.mesos.')
  }
  t.strictSame(first(['host', 'netinfo'], task('t1')), ['10.0.0.1'])
  t.strictSame(first(['netinfo', 'host'], task('t1')), ['10.1.0.1'])
  t.strictSame(first(['netinfo', 'docker', 'host'], task('t1', bare)), ['172.17.0.2'])
  t.strictSame(first(['netinfo', 'mesos', 'host'], task('t1', bare)), ['10.0.0.1'])
  t.strictSame(first(['netinfo'], task('t1', bare)), [])
  t.end()
})

t.test('only running tasks on known agents have names, whatever the order of arrival', t => {
  const { zones, generator } = make()
  generator.putTask('F1/t1', task('t1', { framework_name: 'marathon' }))
  t.equal(zones.mesos.get('web.marathon.mesos.'), undefined, 'its agent is not known')
  generator.putAgent('M-S0', agent('M-S0', '10.0.0.1'))
  t.strictSame(values(zones.mesos, 'web.marathon.slave.mesos.'), ['10.0.0.1'])
  generator.putFramework('F1', { id: 'F1', name: 'other' })
  t.equal(zones.mesos.get('web.marathon.mesos.'), undefined)
  t.strictSame(values(zones.mesos, 'web.other.mesos.'), ['10.1.0.1'])
  generator.putAgent('M-S0', agent('M-S0', '10.0.0.3'))
  t.strictSame(values(zones.mesos, 'web.other.slave.mesos.'), ['10.0.0.3'])
  for (const state of ['TASK_STAGING', 'TASK_KILLING', 'TASK_FINISHED']) {
    generator.putTask('F1/t1', task('t1', { state }))
    t.equal(zones.mesos.get('web.other.mesos.'), undefined, state)
  }
  generator.putTask('F1/t1', task('t1'))
  generator.delAgent('M-S0')
  t.equal(zones.mesos.get('web.other.mesos.'), undefined)
  generator.delTask('F1/t1')
  generator.delFramework('F1')
  t.equal(zones.dcos.size, 0)
  t.equal(zones.reverse.size, 0)
  t.equal(zones.mesos.size, 1, 'only the name server is left')
  t.end()
})

t.test('unhealthy tasks follow --dns-unhealthy', t => {
  const shown = (unhealthy: RecordSettings['unhealthy'], health: (boolean | undefined)[]) => {
    const { zones, generator } = started({ unhealthy })
    health.forEach((healthy, index) => {
      generator.putTask(`F1/t${index}`, task(`t${index}`, { healthy }, `10.1.0.${index}`))
    })
    return values(zones.mesos, 'web.marathon.mesos.').length
  }
  t.equal(shown('include', [true, false, false]), 3)
  t.equal(shown('exclude', [true, false, undefined]), 2)
  t.equal(shown('exclude', [false]), 0)
  t.equal(shown('last', [false, true, undefined]), 2)
  t.equal(shown('last', [false, false]), 2)
  const { zones, generator } = started()
  const ips = () => values(zones.mesos, 'web.marathon.mesos.')
  generator.putTask('F1/a', task('a', { healthy: true }, '10.1.0.1'))
  generator.putTask('F1/b', task('b', { healthy: false }, '10.1.0.2'))
  t.strictSame(ips(), ['10.1.0.1'])
  generator.putTask('F1/a', task('a', { healthy: false }, '10.1.0.1'))
  t.strictSame(ips(), ['10.1.0.1', '10.1.0.2'], 'no healthy one is left')
  generator.putTask('F1/b', task('b', { healthy: true }, '10.1.0.2'))
  t.strictSame(ips(), ['10.1.0.2'])
  generator.delTask('F1/b')
  t.strictSame(ips(), ['10.1.0.1'])
  t.end()
})

t.test('names of dcos.thisdcos.directory', t => {
  const { zones, generator } = started()
  generator.putFramework('F1', { id: 'F1', name: 'a.b' })
  const ip = (kind: string) => values(zones.dcos, `web.a-b.${kind}.dcos.thisdcos.directory.`)
  generator.putTask('F1/t1', task('t1'))
  t.strictSame([ip('agentip'), ip('containerip'), ip('autoip')], [['10.0.0.1'], ['10.1.0.1'], ['10.1.0.1']])
  const mapped = {
    network_infos: [
      { ip_addresses: [{ ip_address: '10.1.0.1' }], port_mappings: [{ host_port: 31000, container_port: 80 }] },
    ],
  }
  generator.putTask(
    'F1/t1',
    task('t1', { statuses: [{ state: 'TASK_RUNNING', timestamp: 1, container_status: mapped }] }),
  )
  t.strictSame([ip('agentip'), ip('containerip'), ip('autoip')], [['10.0.0.1'], ['10.1.0.1'], ['10.0.0.1']])
  generator.putTask('F1/t1', task('t1', { statuses: [{ state: 'TASK_RUNNING', timestamp: 1 }] }))
  t.strictSame([ip('agentip'), ip('containerip'), ip('autoip')], [['10.0.0.1'], [], ['10.0.0.1']])
  t.end()
})

t.test('virtual IPs have names while they have backends', t => {
  const { zones, generator } = make()
  const vip = (port: number, backends: unknown[]) => ({
    name: 'api.marathon.l4lb.thisdcos.directory',
    address: '127.11.3.4',
    port,
    backends,
  })
  const ips = () => values(zones.vips, 'api.marathon.l4lb.thisdcos.directory.')
  generator.putVip('a:80/tcp', vip(80, [{}]))
  generator.putVip('a:81/tcp', vip(81, [{}]))
  t.strictSame(ips(), ['127.11.3.4'])
  generator.putVip('a:80/tcp', vip(80, []))
  t.strictSame(ips(), ['127.11.3.4'], 'the other port still holds it')
  generator.delVip('a:81/tcp')
  t.strictSame(ips(), [])
  for (const body of [
    null,
    {},
    { name: 'evil.example.com', address: '1.2.3.4', backends: [{}] },
    { name: 'x.l4lb.thisdcos.directory', address: 'no', backends: [{}] },
  ])
    generator.putVip('h', body)
  t.equal(zones.vips.size, 0)
  t.end()
})

t.test('a change costs its own records only', t => {
  const { zones, generator } = started()
  for (let index = 0; index < 5_000; index++)
    generator.putTask(
      `F1/t${index}`,
      task(`t${index}`, { name: `app${index % 500}` }, `10.2.${index >> 8}.${index & 255}`),
    )
  const touched: string[] = []
  zones.mesos.onChange(name => touched.push(name))
  generator.putTask('F1/t7', task('t7', { name: 'app7' }, '10.9.9.9'))
  t.strictSame(
    [...new Set(touched)].sort(),
    ['app7.marathon.mesos.', `app7-${taskHash('t7')}-s0.marathon.mesos.`].sort(),
  )
  touched.length = 0
  generator.putTask('F1/t7', task('t7', { name: 'app7' }, '10.9.9.9'))
  t.strictSame(touched, [], 'the same again changes nothing')
  const before = zones.mesos.size
  generator.delTask('F1/t7')
  t.equal(before - zones.mesos.size, 7)
  t.equal(touched.length, 7)
  t.equal(values(zones.mesos, 'app7.marathon.mesos.').length, 9, 'the other nine keep the name')
  t.end()
})

t.test('records come and go without remainder in any order', t => {
  const seed = 4711
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const { zones, generator } = make()
  const empty = Object.values(zones).map(zone => zone.size)
  for (let step = 0; step < 20_000; step++) {
    const [id, a, f] = [`t${random(40)}`, `M-S${random(4)}`, `F${random(3)}`]
    const kind = random(10)
    if (kind < 5) {
      const extra = {
        slave_id: a,
        framework_id: f,
        framework_name: 'late',
        name: ['web', 'Api.v1', '../x', '__proto__', ''][random(5)],
        state: ['TASK_RUNNING', 'TASK_RUNNING', 'TASK_KILLING'][random(3)],
        healthy: [true, false, undefined][random(3)],
        discovery: random(2)
          ? { name: ['D.x', 'constructor'][random(2)], ports: { ports: [{ number: 80 }] } }
          : undefined,
      }
      generator.putTask(`x/${id}`, task(id, extra, `10.1.${random(2)}.${random(4)}`))
    } else if (kind < 7) generator.delTask(`x/${id}`)
    else if (kind === 7) generator.putAgent(a, agent(a, `10.0.0.${random(3)}`))
    else if (kind === 8) generator.putFramework(f, { name: ['m', 'a.b', '__proto__'][random(3)], hostname: '10.0.0.1' })
    else if (random(2)) generator.delAgent(a)
    else generator.delFramework(f)
  }
  for (let index = 0; index < 40; index++) generator.delTask(`x/t${index}`)
  for (let index = 0; index < 4; index++) generator.delAgent(`M-S${index}`)
  for (let index = 0; index < 3; index++) generator.delFramework(`F${index}`)
  t.strictSame(
    Object.values(zones).map(zone => zone.size),
    empty,
  )
  t.end()
})
