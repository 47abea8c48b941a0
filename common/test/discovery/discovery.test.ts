import t from 'tap'
import { parsePid, readAgent } from '../../src/discovery/agent.ts'
import { domainFragment, label, rfc952 } from '../../src/discovery/labels.ts'
import { agentGrace, failoverGrace, Retention } from '../../src/discovery/retention.ts'
import { mostPorts, readPorts, readTask } from '../../src/discovery/task.ts'

t.test('labels follow the contract table', t => {
  const a = (count: number) => 'a'.repeat(count)
  const table: [string, string][] = [
    ['API_v2.Web', 'api-v2-web'],
    ['web.blue.team', 'web-blue-team'],
    ['--x--', 'x'],
    ['a/b c:d\u00e9', 'abcd'],
    [`${a(62)}---bcd`, `${a(62)}b`],
    [a(70), a(63)],
    ['---', ''],
    ['', ''],
    ['9lives', '9lives'],
    ['../..', '----'.slice(0, 0)],
  ]
  for (const [name, expected] of table) t.equal(label(name), expected, name)
  t.equal(label('9-lives', rfc952), 'lives')
  t.equal(label('b'.repeat(30), rfc952), 'b'.repeat(24))
  t.equal(domainFragment('Team A.Jobs-1.2'), 'teama.jobs-1.2')
  t.equal(domainFragment('Team A.Jobs-1.2', rfc952), 'teama.jobs-1')
  t.equal(domainFragment('dev/kafka'), 'devkafka')
  t.equal(domainFragment('..a..b.'), 'a.b')
  t.end()
})

t.test('pids and agents', t => {
  t.strictSame(parsePid('slave(1)@10.0.0.7:5051'), { host: '10.0.0.7', port: 5051 })
  t.strictSame(parsePid('slave(1)@[fd01::1]:5051'), { host: 'fd01::1', port: 5051 })
  t.equal(parsePid('nothing'), undefined)
  t.match(readAgent({ id: 'S0', hostname: 'node-1', pid: 'slave(1)@10.0.0.7:5051' }), {
    address: '10.0.0.7',
    port: 5051,
  })
  t.equal(readAgent({ id: 'S0', hostname: '127.0.0.2', port: 7 })?.address, '127.0.0.2')
  t.equal(readAgent({ id: 'S0', hostname: 'node-1' })?.address, undefined)
  t.equal(readAgent({ hostname: 'x' }), undefined)
  t.end()
})

t.test('a task is read from its newest running status', t => {
  const status = (state: string, timestamp: number, ip: string, healthy?: boolean) => ({
    state,
    timestamp,
    healthy,
    labels: [{ key: 'Docker.NetworkSettings.IPAddress', value: '172.17.0.9' }],
    container_status: { network_infos: [{ ip_addresses: [{ ip_address: ip }] }] },
  })
  const task = readTask({
    id: 't1',
    framework_id: 'F',
    slave_id: 'S',
    name: 'web',
    state: 'TASK_RUNNING',
    resources: { ports: '[31000-31001, 31005-31005]' },
    health_check: {},
    statuses: [
      status('TASK_RUNNING', 9, '9.0.0.9', true),
      status('TASK_RUNNING', 5, '9.0.0.5', false),
      status('TASK_STARTING', 11, '9.0.0.11'),
    ],
    discovery: {
      name: 'd',
      ports: {
        ports: [
          { number: 80, protocol: 'tcp', labels: { labels: [{ key: 'VIP_0', value: '/a:80' }] } },
          { number: 'x' },
        ],
      },
    },
  })
  t.match(task, { ports: [31000, 31001, 31005], healthy: true, hasHealthCheck: true, discoveryName: 'd' })
  t.strictSame(task?.addresses, { netinfo: ['9.0.0.9'], docker: ['172.17.0.9'], mesos: [] })
  t.strictSame(task?.discoveryPorts, [
    { number: 80, name: '', protocol: 'tcp', labels: [{ key: 'VIP_0', value: '/a:80' }] },
  ])
  t.end()
})

t.test('hostile task bodies are read as absent, and ports are bounded', t => {
  for (const body of [
    null,
    7,
    [],
    {},
    { id: 3 },
    { id: 'a', framework_id: {}, slave_id: 'S' },
    JSON.parse('{"__proto__":{"id":"x"}}'),
  ])
    t.equal(readTask(body), undefined)
  const odd = readTask({
    id: 'a',
    framework_id: 'F',
    slave_id: 'S',
    statuses: 'x',
    discovery: [1],
    labels: 9,
    resources: { ports: ['1'] },
    container: 'c',
  })
  t.match(odd, { ports: [], labels: [], discoveryPorts: [], discoveryName: '' })
  t.equal(readPorts('[1-65535]').length, mostPorts)
  t.strictSame(readPorts('[0-1, 70000-70001]'), [1])
  t.end()
})

t.test('the same leader’s new snapshot is complete at once', t => {
  const kept = new Retention()
  kept.leader('m1')
  kept.put('agent', 'S0', undefined, 0)
  kept.put('task', 'F/t1', 'S0', 0)
  kept.put('task', 'F/t2', 'S0', 0)
  kept.synced(0)
  kept.reset()
  t.equal(kept.stale, 3)
  t.strictSame(kept.expire(1_000_000), [], 'nothing goes while the snapshot is incomplete')
  kept.leader('m1')
  kept.put('agent', 'S0', undefined, 10)
  kept.put('task', 'F/t1', 'S0', 10)
  t.equal(kept.del('task', 'F/t2'), false, 'lacking before synced is no deletion')
  kept.synced(10)
  t.strictSame(kept.expire(10), [{ kind: 'task', key: 'F/t2' }])
  t.equal(kept.stale, 0)
  t.equal(kept.del('task', 'F/t1'), true)
  t.end()
})

t.test('another leader keeps what it has not heard of, for a while', t => {
  const kept = new Retention()
  kept.leader('m1')
  for (const agent of ['S0', 'S1']) {
    kept.put('agent', agent, undefined, 0)
    kept.put('task', `F/${agent}`, agent, 0)
  }
  kept.synced(0)
  kept.reset()
  kept.leader('m2')
  kept.synced(100)
  t.strictSame(kept.expire(101), [])
  kept.put('agent', 'S0', undefined, 5_000)
  t.strictSame(kept.expire(5_000 + agentGrace - 1), [])
  t.strictSame(kept.expire(5_000 + agentGrace), [{ kind: 'task', key: 'F/S0' }])
  t.strictSame(
    kept
      .expire(100 + failoverGrace + agentGrace)
      .map(gone => gone.key)
      .sort(),
    ['F/S1', 'S1'],
  )
  t.equal(kept.stale, 0)
  t.end()
})
