import type { Attribute, NetworkInfo, Offer, Resource } from '@meseta/common/protocol/mesos'
import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import { Backoff } from '../src/core/backoff.ts'
import { unstamped } from '../src/core/change/apps.ts'
import { rollingBounds, rollingStep } from '../src/core/deploy/rolling.ts'
import { Problems } from '../src/core/errors.ts'
import { type HealthRecord, verdict, withResult } from '../src/core/health.ts'
import { conditionOf, executorId, type Placement, parseTaskId } from '../src/core/instance.ts'
import { buildAppTask } from '../src/core/launch/app-task.ts'
import { attributeText, placementOf, scalarText } from '../src/core/launch/attributes.ts'
import { refusingConstraint } from '../src/core/launch/constraints.ts'
import { matchOffer } from '../src/core/launch/match.ts'
import { buildPod } from '../src/core/launch/pod-task.ts'
import { Pool } from '../src/core/launch/pool.ts'
import { chooseHostPorts } from '../src/core/launch/ports.ts'
import type { AppService, PodService } from '../src/core/model.ts'
import { completeApp } from '../src/core/spec/app-canonical.ts'
import { modernise } from '../src/core/spec/app-legacy.ts'
import { appBody } from '../src/core/spec/app-shape.ts'
import { readPod } from '../src/core/spec/pod-shape.ts'
import { settings } from './support/settings.ts'

const scalar = (name: string, value: number, more: Partial<Resource> = {}): Resource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
})
const ports = (begin: number, end: number, more: Partial<Resource> = {}): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: [{ begin, end }] },
  ...more,
})

function appService(id: string, body: object): AppService {
  const problems = new Problems()
  const read = appBody({ id, ...body }, '', problems, true)
  problems.throwShape()
  const spec = completeApp(id, modernise(read as NonNullable<typeof read>, '', problems), settings)
  return { ...unstamped({ ...spec, role: spec.role || '*' }), version: '2026-01-01T00:00:00.000Z' }
}

const offer = (resources: Resource[], more: Partial<Offer> = {}): Offer => ({
  id: { value: 'O' },
  framework_id: { value: 'F' },
  agent_id: { value: 'A' },
  hostname: 'host',
  resources,
  ...more,
})

const random = seededRandom(1)
const context = {
  placed: [] as Placement[],
  instances: 1,
  distinct: () => 1,
  now: 0,
  settings,
  homeRegion: undefined,
  draw: () => random.next(),
}

t.test('rolling: the examples of the contract', async t => {
  for (const [wanted, minimumHealthCapacity, maximumOverCapacity, healthy, killNow, maxCapacity, resident] of [
    [10, 1, 1, 10, 0, 20, false],
    [10, 0.1, 1, 10, 9, 20, false],
    [10, 0.1, 0, 1, 0, 10, false],
    [3, 1, 0.7, 3, 0, 5, false],
    [3, 1, 0, 3, 0, 4, false],
    [3, 0.5, 0, 3, 1, 3, false],
    [1, 0.5, 0, 1, 0, 2, false],
    [1, 0.5, 0, 1, 1, 1, true],
    [5, 1, 0, 5, 1, 5, true],
    [5, 1, 0, 7, 3, 5, true],
    [5, 1, 0, 3, 0, 5, true],
  ] as const)
    t.match(
      rollingBounds({ wanted, minimumHealthCapacity, maximumOverCapacity, healthy, current: wanted, resident }),
      { killNow, maxCapacity },
      `${wanted} ${minimumHealthCapacity} ${maximumOverCapacity} ${healthy}`,
    )
})

t.test('rolling: whatever is there, a step keeps the minimum and the room, and all states come to an end', async t => {
  const draw = seededRandom(42)
  for (let round = 0; round < 2_000; round += 1) {
    const wanted = draw.int(8)
    const strategy = {
      minimumHealthCapacity: draw.int(11) / 10,
      maximumOverCapacity: draw.int(11) / 10,
      resident: false,
    }
    let old = draw.int(10)
    let oldHealthy = draw.int(old + 1)
    let started = 0
    let newHealthy = 0
    let turns = 0
    for (; (old > 0 || newHealthy < wanted) && turns < 200; turns += 1) {
      const healthy = oldHealthy + newHealthy
      const step = rollingStep({
        wanted,
        ...strategy,
        old,
        oldHealthy,
        oldUnhealthy: old - oldHealthy,
        started,
        newHealthy,
        leaving: 0,
      })
      const unhealthyKilled = Math.min(step.kill, old - oldHealthy)
      oldHealthy -= step.kill - unhealthyKilled
      old -= step.kill
      started += step.start
      const minimum = Math.ceil(Math.round(wanted * strategy.minimumHealthCapacity * 1e9) / 1e9)
      if (newHealthy < wanted && old + step.kill <= wanted && oldHealthy + newHealthy < Math.min(minimum, healthy))
        t.fail(`${JSON.stringify({ wanted, strategy, old, oldHealthy, step })}: below the minimum`)
      if (newHealthy < started) newHealthy += 1
    }
    if (turns >= 200) t.fail(`stuck: ${JSON.stringify({ wanted, strategy, old, oldHealthy, started, newHealthy })}`)
  }
  t.pass('2000 restarts')
})

t.test('attributes as text', async t => {
  t.same([0.0005, 0.0015, 1, 2.5, 1.2345].map(scalarText), ['0', '0.002', '1', '2.5', '1.234'])
  const attribute = (one: Partial<Attribute>): string => attributeText({ name: 'x', type: 'TEXT', ...one } as Attribute)
  t.equal(
    attribute({
      type: 'RANGES',
      ranges: {
        range: [
          { begin: 6, end: 7 },
          { begin: 9, end: 9 },
        ],
      },
    }),
    '[6-7,9-9]',
  )
  t.equal(attribute({ type: 'SET', set: { item: ['1', '0'] } }), '{0,1}')
})

t.test('constraints', async t => {
  const at = (rack: string | undefined, hostname = 'h'): Placement => ({
    agentId: 'A',
    hostname,
    attributes: rack === undefined ? {} : { rack },
  })
  const holds = (
    constraint: string[],
    place: Placement,
    placed: Placement[] = [],
    instances = 1,
    groups = 2,
  ): boolean => refusingConstraint([constraint], place, { placed, instances, distinct: () => groups }) === undefined
  t.ok(holds(['hostname', 'UNIQUE'], at('a', 'h1'), [at('a', 'h2')]))
  t.notOk(holds(['@hostname', 'UNIQUE'], at('a', 'h1'), [at('b', 'h1')]))
  t.ok(holds(['rack', 'CLUSTER', 'a'], at('a')))
  t.notOk(holds(['rack', 'CLUSTER', 'a'], at('b')))
  t.ok(holds(['rack', 'CLUSTER'], at('b')), 'any, where nothing is placed')
  t.notOk(holds(['rack', 'CLUSTER'], at('b'), [at('a')]))
  t.ok(holds(['rack', 'LIKE', 'a.*'], at('abc')))
  t.notOk(holds(['rack', 'LIKE', 'a'], at('abc')), 'a full match')
  t.ok(holds(['rack', 'UNLIKE', 'a'], at('b')))
  t.ok(holds(['rack', 'UNLIKE', 'a'], at(undefined)), 'only UNLIKE holds where the field is missing')
  for (const operator of ['UNIQUE', 'CLUSTER', 'GROUP_BY']) t.notOk(holds(['rack', operator], at(undefined)))
  t.ok(holds(['rack', 'MAX_PER', '2'], at('a'), [at('a')]))
  t.notOk(holds(['rack', 'MAX_PER', '2'], at('a'), [at('a'), at('a')]))
  t.ok(holds(['rack', 'IS', '1.0001'], at('1')), 'scalars after rounding')
  t.notOk(holds(['rack', 'IS', 'b'], at('a')))
  t.ok(holds(['rack', 'GROUP_BY', '2'], at('b'), [at('a')], 3))
  t.notOk(holds(['rack', 'GROUP_BY', '2'], at('c'), [at('a'), at('b')], 4), 'no third group')
  t.ok(holds(['rack', 'GROUP_BY', '2'], at('a'), [at('a'), at('b')], 3), 'one may have one more')
  t.notOk(holds(['rack', 'GROUP_BY', '2'], at('a'), [at('a'), at('a'), at('b')], 4))
  t.ok(holds(['rack', 'GROUP_BY'], at('b'), [at('a')], 2), 'as many groups as there are values')
})

t.test('matching: what fits, and every reason why something does not', async t => {
  const service = appService('/a', {
    cmd: 'ls',
    cpus: 2,
    mem: 512,
    disk: 100,
    portDefinitions: [{ port: 0 }, { port: 0 }],
  })
  const match = (resources: Resource[], more: Partial<Offer> = {}, of: AppService = service) => {
    const one = offer(resources, more)
    return matchOffer(of, one, placementOf(one), new Pool(resources), context)
  }
  const enough = [scalar('cpus', 2), scalar('mem', 512), scalar('disk', 100), ports(31_000, 31_001)]
  const fit = match(enough)
  t.ok('hostPorts' in fit && new Set(fit.hostPorts).size === 2)
  t.match(match([scalar('cpus', 1.999), scalar('mem', 100), ports(31_000, 31_000)]), [
    { reason: 'InsufficientCpus', needs: 2, has: 1.999 },
    { reason: 'InsufficientMemory', needs: 512, has: 100 },
    { reason: 'InsufficientDisk', needs: 100, has: 0 },
    { reason: 'InsufficientPorts', needs: 2, has: 1 },
  ])
  t.match(match(enough, { allocation_info: { role: 'other' } }), [{ reason: 'UnfulfilledRole' }])
  const fixed = appService('/a', { cmd: 'ls', cpus: 1, mem: 32, ports: [31_005], requirePorts: true })
  t.match(match(enough, {}, fixed), [{ reason: 'InsufficientPorts', needs: '31005' }])
  const maintained = match(enough, { unavailability: { start: { nanoseconds: 0 } } })
  t.match(maintained, [{ reason: 'AgentMaintenance' }])
  t.match(match([...enough, scalar('gpus', 1)]), [{ reason: 'DeclinedScarceResources' }])
  const labels = { labels: [{ key: 'marathon_framework_id', value: 'other' }] }
  const dynamic = (more: object): Resource[] =>
    enough.map(one => ({ ...one, reservations: [{ type: 'DYNAMIC' as const, role: '*', ...more }] }))
  t.match(
    match(dynamic({ labels })),
    [{ reason: 'InsufficientCpus', has: 0 }, {}, {}, {}],
    'what is reserved for something else is not ours',
  )
  t.ok('hostPorts' in match(dynamic({})), 'what an operator has reserved for the role is')
})

t.test('maintenance: not from shortly before its window to the end of it', async t => {
  const service = appService('/a', { cmd: 'ls', cpus: 1, mem: 1, portDefinitions: [] })
  const resources = [scalar('cpus', 1), scalar('mem', 1)]
  const fits = (now: number, drainingSeconds = 0, duration?: number): boolean => {
    const start = { nanoseconds: 1_000e9 }
    const unavailability = { start, ...(duration !== undefined && { duration: { nanoseconds: duration * 1e9 } }) }
    const one = offer(resources, { unavailability })
    const own = { ...context, now: now * 1000, settings: { ...settings, drainingSeconds } }
    return 'hostPorts' in matchOffer(service, one, placementOf(one), new Pool(resources), own)
  }
  t.ok(fits(999))
  t.notOk(fits(1_000))
  t.notOk(fits(999, 60))
  t.ok(fits(939, 60))
  t.notOk(fits(1_099, 0, 100))
  t.ok(fits(1_100, 0, 100))
  t.notOk(fits(1_000_000), 'one without an end has none')
})

t.test('another region than the master’s only where a region or zone is asked for', async t => {
  const domain = { fault_domain: { region: { name: 'far' }, zone: { name: 'z' } } }
  const resources = [scalar('cpus', 1), scalar('mem', 1)]
  const fits = (constraints: string[][], homeRegion: string | undefined): boolean => {
    const service = appService('/a', { cmd: 'ls', cpus: 1, mem: 1, portDefinitions: [], constraints })
    const one = offer(resources, { domain })
    return 'hostPorts' in matchOffer(service, one, placementOf(one), new Pool(resources), { ...context, homeRegion })
  }
  t.notOk(fits([], 'near'))
  t.ok(fits([], 'far'))
  t.ok(fits([], undefined))
  t.ok(fits([['@region', 'IS', 'far']], 'near'))
  t.ok(fits([['@zone', 'LIKE', 'z']], 'near'))
  t.notOk(fits([['@region', 'IS', 'near']], 'near'))
})

t.test('host ports: the same one twice is none, and any differ from the fixed', async t => {
  const pool = new Pool([ports(31_000, 31_002)])
  const roles = new Set(['*'])
  const choose = (...asked: (number | undefined)[]) => chooseHostPorts(asked, pool, roles, () => 0)
  t.equal(choose(31_000, 31_000), undefined)
  t.equal(choose(31_003), undefined)
  t.same(choose(0, 31_000, undefined, 0), [31_001, 31_000, null, 31_002])
  t.equal(choose(0, 0, 0, 0), undefined)
})

t.test('what may be taken away again, shared, or is a disk of its own is not for plain tasks', async t => {
  const source = { type: 'PATH' as const, path: { root: '/d' } }
  const pool = new Pool([
    scalar('cpus', 1, { revocable: {} }),
    scalar('disk', 1, { shared: {} }),
    scalar('disk', 2, { disk: { source } }),
    scalar('disk', 4, { disk: { persistence: { id: 'p' } } }),
  ])
  for (const name of ['cpus', 'disk']) t.equal(pool.available(name, new Set(['*'])), 0)
})

t.test('reserved resources are used first, and go to their role only', async t => {
  const reserved = { reservations: [{ type: 'STATIC' as const, role: 'web' }] }
  const pool = new Pool([scalar('cpus', 1), scalar('cpus', 1, reserved)])
  t.equal(pool.available('cpus', new Set(['*'])), 1)
  const taken = pool.take('cpus', 1.5, new Set(['*', 'web']))
  t.same(
    taken.map(one => [one.scalar?.value, one.reservations?.[0]?.role]),
    [
      [1, 'web'],
      [0.5, undefined],
    ],
  )
  t.equal(pool.available('cpus', new Set(['*', 'web'])), 0.5)
})

t.test('a task: environment, command, ports, discovery, checks', async t => {
  const service = appService('/group/web', {
    cmd: 'serve $PORT0',
    cpus: 0.5,
    mem: 64,
    env: { PORT: 'mine', A: 'b' },
    labels: { 'VIP-0': '/web:80', long: 'x'.repeat(600) },
    portDefinitions: [
      { port: 0, name: 'http', labels: { VIP_0: '/web:80' } },
      { port: 9000, protocol: 'udp,tcp' },
    ],
    healthChecks: [{ protocol: 'MESOS_HTTP', path: '/up' }],
    taskKillGracePeriodSeconds: 7,
    fetch: [{ uri: 'http://x/a.tgz' }],
    user: 'www',
  })
  const task = buildAppTask({
    service,
    taskId: 'T',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'host', attributes: {} },
    resources: [],
    hostPorts: [31_000, 31_001],
    enforceRole: false,
    envPrefix: '',
    draw: () => 0,
  })
  const env = Object.fromEntries(task.command?.environment?.variables?.map(one => [one.name, one.value]) ?? [])
  t.match(env, {
    MESOS_TASK_ID: 'T',
    MARATHON_APP_ID: '/group/web',
    MARATHON_APP_RESOURCE_CPUS: '0.5',
    MARATHON_APP_RESOURCE_MEM: '64.0',
    MARATHON_APP_LABELS: 'VIP_0',
    MARATHON_APP_LABEL_VIP_0: '/web:80',
    HOST: 'host',
    PORT0: '31000',
    PORT1: '31001',
    PORTS: '31000,31001',
    PORT_9000: '31001',
    PORT_HTTP: '31000',
    PORT: 'mine',
    A: 'b',
  })
  t.match(task, {
    name: 'web.group',
    command: { shell: true, value: 'serve $PORT0', user: 'www', uris: [{ value: 'http://x/a.tgz', extract: true }] },
    health_check: { type: 'HTTP', http: { port: 31_000, path: '/up', scheme: 'http' } },
    kill_policy: { grace_period: { nanoseconds: 7e9 } },
    discovery: { name: 'web.group', visibility: 'FRAMEWORK' },
  })
  t.same(
    task.discovery?.ports?.ports?.map(port => [port.number, port.protocol]),
    [
      [31_000, 'tcp'],
      [31_001, 'udp'],
      [31_001, 'tcp'],
    ],
  )
  t.match(task.discovery?.ports?.ports?.[0]?.labels?.labels, [
    { key: 'VIP_0' },
    { key: 'network-scope', value: 'host' },
  ])
  const args = buildAppTask({
    service: appService('/a', {
      args: ['sleep', '5'],
      container: { type: 'DOCKER', docker: { image: 'i', network: 'BRIDGE', portMappings: [{ containerPort: 0 }] } },
    }),
    taskId: 'T',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    resources: [],
    hostPorts: [31_500],
    enforceRole: true,
    envPrefix: 'X_',
    draw: () => 0,
  })
  t.match(args, {
    command: { shell: false, arguments: ['sleep', '5'] },
    container: {
      type: 'DOCKER',
      docker: {
        network: 'BRIDGE',
        port_mappings: [{ host_port: 31_500, container_port: 31_500 }],
        parameters: [{ key: 'label', value: 'MESOS_TASK_ID=T' }],
      },
    },
  })
  t.ok(args.command?.environment?.variables?.some(one => one.name === 'X_PORT0' && one.value === '31500'))
})

t.test('a pod: one executor, one task for each container', async t => {
  const problems = new Problems()
  const spec = readPod(
    {
      id: '/p',
      environment: { A: '1', MESOS_TASK_ID: 'mine' },
      volumes: [{ name: 'shared' }],
      containers: [
        {
          name: 'web',
          exec: { command: { shell: 'serve' } },
          resources: { cpus: 1, mem: 32 },
          endpoints: [{ name: 'http', hostPort: 0 }],
          volumeMounts: [{ name: 'shared', mountPath: 'data' }],
        },
        { name: 'log', exec: { command: { argv: ['tail', '-f'] } }, resources: { cpus: 0.5, mem: 16 } },
      ],
    },
    '',
    problems,
    settings,
  )
  t.notOk(problems.any)
  const service: PodService = {
    kind: 'pod',
    spec: spec as NonNullable<typeof spec>,
    version: 'v',
    lastScalingAt: 'v',
    lastConfigChangeAt: 'v',
  }
  const [web, log] = service.spec.containers
  const { executor, tasks } = buildPod({
    service,
    frameworkId: 'F',
    executorId: 'instance-p.u',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    executorResources: [scalar('cpus', 0.1)],
    enforceRole: false,
    tasks: [
      { id: 'T1', container: web as NonNullable<typeof web>, resources: [], hostPorts: [31_000] },
      { id: 'T2', container: log as NonNullable<typeof log>, resources: [], hostPorts: [] },
    ],
  })
  t.match(executor, { type: 'DEFAULT', executor_id: { value: 'instance-p.u' } })
  const env = Object.fromEntries(tasks[1]?.command?.environment?.variables?.map(one => [one.name, one.value]) ?? [])
  t.match(env, {
    MESOS_TASK_ID: 'T2',
    A: '1',
    ENDPOINT_HTTP: '31000',
    EP_HOST_HTTP: '31000',
    MARATHON_CONTAINER_ID: 'log',
  })
  t.match(tasks[0]?.container?.volumes, [
    { container_path: 'data', source: { sandbox_path: { path: 'volumes/shared' } } },
  ])
  t.match(tasks[1]?.command, { shell: false, value: 'tail', arguments: ['tail', '-f'] })
})

function podService(body: object): PodService {
  const problems = new Problems()
  const spec = readPod(body, '', problems, settings) as NonNullable<ReturnType<typeof readPod>>
  problems.throwShape()
  return { kind: 'pod', spec, version: 'v', lastScalingAt: 'v', lastConfigChangeAt: 'v' }
}

const launchPod = (service: PodService, hostPorts: (number | null)[] = []) =>
  buildPod({
    service,
    frameworkId: 'F',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    executorResources: [],
    enforceRole: false,
    tasks: service.spec.containers.map(container => ({ id: container.name, container, resources: [], hostPorts })),
  })

t.test('arguments of a pod are given to the entry point of the image, unless they replace it', async t => {
  const command = (exec: object) => {
    const image = { kind: 'DOCKER', id: 'nginx' }
    const service = podService({
      id: '/p',
      containers: [{ name: 'c', resources: { cpus: 1, mem: 1 }, image, exec }],
    })
    return launchPod(service).tasks[0]?.command
  }
  const argv = ['-g', 'daemon off;']
  t.match(command({ command: { argv } }), { shell: false, value: undefined, arguments: argv })
  t.match(command({ command: { argv }, overrideEntrypoint: true }), { shell: false, value: '-g', arguments: argv })
  t.match(command({ command: { shell: 'ls' } }), { shell: true, value: 'ls' })
})

t.test('host ports are mapped on the network they name', async t => {
  const networks = ['one', 'two'].map(name => ({ mode: 'container', name }))
  const mapped = (infos: NetworkInfo[] | undefined) =>
    infos?.map(info => [info.name, info.port_mappings?.map(one => `${one.host_port}:${one.container_port}`)])
  const portMappings = [{ containerPort: 80, hostPort: 0, networkNames: ['two'] }]
  const app = buildAppTask({
    service: appService('/a', { cmd: 'ls', networks, container: { type: 'MESOS', portMappings } }),
    taskId: 'T',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    resources: [],
    hostPorts: [31_000],
    enforceRole: false,
    envPrefix: '',
    draw: () => 0,
  })
  const expected = [
    ['one', undefined],
    ['two', ['31000:80']],
  ]
  t.same(mapped(app.container?.network_infos), expected)
  const endpoints = [{ name: 'http', containerPort: 80, hostPort: 0, networkNames: ['two'] }]
  const pod = podService({
    id: '/p',
    networks,
    containers: [{ name: 'c', resources: { cpus: 1, mem: 1 }, endpoints }],
  })
  t.same(mapped(launchPod(pod, [31_000]).executor.container?.network_infos), expected)
})

t.test('container ports that are left to us differ', async t => {
  const portMappings = [{ containerPort: 0 }, { containerPort: 1025 }, { containerPort: 0 }]
  const task = buildAppTask({
    service: appService('/a', {
      cmd: 'ls',
      networks: [{ mode: 'container', name: 'n' }],
      container: { type: 'MESOS', portMappings },
    }),
    taskId: 'T',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    resources: [],
    hostPorts: [null, null, null],
    enforceRole: false,
    envPrefix: '',
    draw: () => 0,
  })
  t.same(
    task.discovery?.ports?.ports?.map(port => port.number),
    [1026, 1025, 1027],
  )
})

t.test('seccomp, IPC and cgroups are asked of the agent', async t => {
  const linuxInfo = { seccomp: { unconfined: true }, ipcInfo: { mode: 'PRIVATE', shmSize: 64 } }
  const linux_info = { seccomp: { unconfined: true }, ipc_mode: 'PRIVATE', shm_size: 64 }
  const app = buildAppTask({
    service: appService('/a', { cmd: 'ls', container: { type: 'MESOS', linuxInfo } }),
    taskId: 'T',
    executorId: 'E',
    placement: { agentId: 'A', hostname: 'h', attributes: {} },
    resources: [],
    hostPorts: [],
    enforceRole: false,
    envPrefix: '',
    draw: () => 0,
  })
  t.same(app.container?.linux_info, linux_info)
  const container = { resources: { cpus: 1, mem: 1 } }
  const limited = launchPod(
    podService({
      id: '/p',
      linuxInfo,
      containers: [
        { name: 'a', ...container, resourceLimits: { mem: 2 } },
        { name: 'b', ...container, linuxInfo },
      ],
    }),
  )
  t.same(limited.executor.container, { type: 'MESOS', linux_info })
  t.same(
    limited.tasks.map(task => task.container?.linux_info),
    [{ share_cgroups: false }, { ...linux_info, share_cgroups: false }],
  )
  const plain = launchPod(podService({ id: '/p', containers: [{ name: 'a', ...container }] }))
  t.same([plain.executor.container, plain.tasks[0]?.container], [undefined, undefined])
})

t.test('ids of tasks, today’s and older ones', async t => {
  const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e'
  t.match(parseTaskId(`a_b.instance-${uuid}._app.3`), { service: '/a/b', instance: `a_b.instance-${uuid}` })
  t.match(parseTaskId(`a_b.instance-${uuid}.web.1`), { service: '/a/b' })
  t.match(parseTaskId(`a_b.marathon-${uuid}`), { service: '/a/b' })
  t.match(parseTaskId(`a_b.${uuid}`), { service: '/a/b' })
  t.match(parseTaskId(`a_b_${uuid}`), { service: '/a/b' })
  t.equal(parseTaskId('something'), undefined)
  t.equal(executorId(`a_b.instance-${uuid}`), `instance-a_b.${uuid}`)
})

t.test('conditions by state and reason', async t => {
  const of = (state: string, reason?: string, message?: string) =>
    conditionOf({
      task_id: { value: 'T' },
      state: state as 'TASK_LOST',
      ...(reason !== undefined && { reason: reason as 'REASON_RECONCILIATION' }),
      ...(message !== undefined && { message }),
    })
  t.equal(of('TASK_LOST', 'REASON_RECONCILIATION'), 'Unreachable')
  t.equal(of('TASK_LOST', 'REASON_AGENT_REMOVED'), 'Unreachable')
  t.equal(of('TASK_LOST', 'REASON_INVALID_OFFERS'), 'Gone')
  t.equal(of('TASK_LOST', 'REASON_RECONCILIATION', 'Reconciliation: Task is unknown to the agent'), 'Unknown')
  t.equal(of('TASK_GONE_BY_OPERATOR'), 'Gone')
})

t.test('backoff grows to its limit, restarts with progress, and is dropped', async t => {
  const service = appService('/a', { cmd: 'ls', backoffSeconds: 1, backoffFactor: 2, maxLaunchDelaySeconds: 5 })
  const backoff = new Backoff()
  t.equal(backoff.until(service, 0), undefined)
  backoff.ended(service, 'Killed', 0)
  t.equal(backoff.until(service, 0), undefined, 'killed does not count')
  const delays = [1, 2, 3, 4].map(turn => {
    backoff.ended(service, 'Failed', turn)
    return (backoff.until(service, turn) ?? 0) - turn
  })
  t.same(delays, [1_000, 2_000, 4_000, 5_000])
  backoff.moved(service, 10_000)
  t.equal(backoff.until(service, 10_000), 15_000)
  t.equal(backoff.until(service, 60_000), undefined)
  backoff.ended(service, 'Failed', 60_000)
  t.equal(backoff.until(service, 60_000), 61_000, 'it begins anew')
  t.ok(backoff.reset(service))
  t.notOk(backoff.reset(service))
})

t.test('health: grace, counting, verdict', async t => {
  let record: HealthRecord | undefined
  record = withResult(record, { index: 0, alive: false, cause: 'refused' }, 1, true)
  t.match(record, { alive: false, consecutiveFailures: 0, lastFailureCause: 'refused' })
  record = withResult(record, { index: 0, alive: true }, 2, true)
  t.match(record, { alive: true, firstSuccess: 2 })
  record = withResult(record, { index: 0, alive: false }, 3, true)
  t.equal(record.consecutiveFailures, 1, 'after a first success grace is over')
  t.equal(verdict([], 0), null)
  t.equal(verdict([undefined], 1), null)
  t.equal(verdict([{ alive: true, consecutiveFailures: 0 }], 1), true)
  t.equal(verdict([{ alive: true, consecutiveFailures: 0 }], 2), null)
  t.equal(
    verdict(
      [
        { alive: true, consecutiveFailures: 0 },
        { alive: false, consecutiveFailures: 1 },
      ],
      2,
    ),
    false,
  )
})
