import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseSelector } from '../src/api/label-selector.ts'
import { applyChange } from '../src/core/change/apply.ts'
import type { AppChange, Change, Outcome } from '../src/core/change/change.ts'
import { planSteps } from '../src/core/deploy/plan.ts'
import { Refusal } from '../src/core/errors.ts'
import type { App, Root } from '../src/core/model.ts'
import { emptyRoot, nextVersion } from '../src/core/root.ts'
import { settings } from './support/settings.ts'

let now = Date.parse('2026-01-01T00:00:00.000Z')

function apply(root: Root, change: Change, force = false): Outcome {
  now += 1_000
  return applyChange(change, {
    root,
    settings,
    force,
    version: nextVersion(now, root.version),
    history: { service: () => undefined, root: () => undefined },
  })
}

const create = (body: unknown, more: Partial<AppChange> = {}): Change => ({
  kind: 'apps',
  apps: [{ body, mode: 'create', partial: false, path: '', ...more }],
})
const update = (id: string, body: unknown, partial = true): Change => create(body, { id, mode: 'update', partial })

function appOf(root: Root, id: string): App {
  const service = root.services.get(id)
  if (service?.kind !== 'app') throw new Error(`there is no app ${id}`)
  return service.spec
}

/** The details of the refusal of a body, as `path: error`. */
function refusal(change: Change, root = emptyRoot): { status: number; message: string; paths: string[]; text: string } {
  try {
    apply(root, change)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const details = (error.details ?? []) as { path: string; errors: string[] }[]
    return {
      status: error.status,
      message: error.message,
      paths: details.map(one => one.path),
      text: JSON.stringify(error.body()),
    }
  }
  return { status: 0, message: 'accepted', paths: [], text: '' }
}

t.test('an app gets the defaults of the contract', async t => {
  const { root } = apply(emptyRoot, create({ id: 'a', cmd: 'sleep 1' }))
  t.match(appOf(root, '/a'), {
    id: '/a',
    instances: 1,
    cpus: 1,
    mem: 128,
    disk: 0,
    gpus: 0,
    executor: '',
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'default', labels: {} }],
    requirePorts: false,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    backoffSeconds: 1,
    backoffFactor: 1.15,
    maxLaunchDelaySeconds: 300,
    killSelection: 'YOUNGEST_FIRST',
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    role: '*',
  })
})

t.test('forms of before 1.5 become canonical', async t => {
  const read = (body: object): App => appOf(apply(emptyRoot, create({ id: 'a', ...body })).root, '/a')
  t.match(read({ cmd: 'ls', ports: [80, 0] }).portDefinitions, [{ port: 80, name: 'default' }, { port: 10_000 }])
  t.match(read({ cmd: 'ls', uris: ['http://x/a.tar.gz', 'http://x/a.sh'] }).fetch, [
    { extract: true },
    { extract: false },
  ])
  const bridge = read({
    container: { docker: { image: 'i', network: 'BRIDGE', portMappings: [{ containerPort: 80 }] } },
  })
  t.match(bridge.networks, [{ mode: 'container/bridge' }])
  t.match(bridge.container?.portMappings, [{ containerPort: 80, hostPort: 0, servicePort: 10_000, protocol: 'tcp' }])
  t.equal(bridge.portDefinitions, undefined)
  const user = read({ container: { docker: { image: 'i', network: 'USER' } }, ipAddress: { networkName: 'n' } })
  t.match(user.networks, [{ mode: 'container', name: 'n' }])
  const ip = read({ cmd: 'ls', ipAddress: { networkName: 'n', discovery: { ports: [{ number: 7777, name: 'p' }] } } })
  t.match(ip.container, { type: 'MESOS', portMappings: [{ containerPort: 7777, name: 'p' }] })
  t.equal(ip.container?.portMappings?.[0]?.hostPort, undefined, 'a container network needs no host port')
})

const refused: readonly (readonly [string, object, path: string])[] = [
  ['cmd and args', { cmd: 'ls', args: ['ls'] }, '/'],
  ['nothing to run', {}, '/'],
  ['a job', { run: { cmd: 'ls' } }, '/run'],
  ['a short cmd', { cmd: 'x' }, '/cmd'],
  ['a type', { cmd: 'ls', cpus: 'many' }, '/cpus'],
  ['a fraction', { cmd: 'ls', instances: 1.5 }, '/instances'],
  ['negative', { cmd: 'ls', instances: -1 }, '/instances'],
  ['an id with a capital', { id: '/A', cmd: 'ls' }, '/id'],
  ['an id of 10 kB', { id: `/${'a'.repeat(10_000)}`, cmd: 'ls' }, '/id'],
  ['a reserved id', { id: '/a/tasks', cmd: 'ls' }, '/id'],
  ['the root', { id: '/', cmd: 'ls' }, '/id'],
  ['both fetch and uris', { cmd: 'ls', uris: [], fetch: [] }, '/uris'],
  ['both ports and portDefinitions', { cmd: 'ls', ports: [0], portDefinitions: [] }, '/ports'],
  [
    'old and new networks',
    { container: { docker: { image: 'i', network: 'HOST' } }, networks: [{ mode: 'host' }] },
    '/container/docker/network',
  ],
  ['docker without an image', { container: { type: 'DOCKER', docker: {} } }, '/container/docker/image'],
  [
    'mappings on the host',
    { cmd: 'ls', container: { type: 'MESOS', portMappings: [{ containerPort: 1 }] } },
    '/container/portMappings',
  ],
  [
    'definitions beside a bridge',
    { cmd: 'ls', networks: [{ mode: 'container/bridge' }], portDefinitions: [{ port: 1 }] },
    '/portDefinitions',
  ],
  ['a network without a name', { cmd: 'ls', networks: [{ mode: 'container' }] }, '/networks(0)/name'],
  [
    'the health of no port',
    { cmd: 'ls', portDefinitions: [], healthChecks: [{ protocol: 'HTTP' }] },
    '/healthChecks(0)/portIndex',
  ],
  [
    'two agent checks',
    { cmd: 'ls', healthChecks: [{ protocol: 'MESOS_HTTP' }, { protocol: 'MESOS_TCP' }] },
    '/healthChecks',
  ],
  [
    'a slow readiness check',
    { cmd: 'ls', readinessChecks: [{ portName: 'default', timeoutSeconds: 30 }] },
    '/readinessChecks(0)/timeoutSeconds',
  ],
  ['an operator', { cmd: 'ls', constraints: [['hostname', 'NEAR']] }, '/constraints(0)'],
  ['UNIQUE with a value', { cmd: 'ls', constraints: [['hostname', 'UNIQUE', 'x']] }, '/constraints(0)'],
  ['MAX_PER without', { cmd: 'ls', constraints: [['rack', 'max_per']] }, '/constraints(0)'],
  ['a bad expression', { cmd: 'ls', constraints: [['rack', 'LIKE', '(']] }, '/constraints(0)'],
  ['a foreign role', { cmd: 'ls', acceptedResourceRoles: ['slave_public'] }, '/acceptedResourceRoles'],
  [
    'capacity over 1',
    { cmd: 'ls', upgradeStrategy: { minimumHealthCapacity: 2 } },
    '/upgradeStrategy/minimumHealthCapacity',
  ],
  ['an undeclared secret', { cmd: 'ls', env: { P: { secret: 's' } } }, '/env/P/secret'],
  [
    'two instances of one',
    {
      cmd: 'ls',
      instances: 2,
      labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' },
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    },
    '/instances',
  ],
  [
    'a persistent path with a slash',
    {
      cmd: 'ls',
      container: { type: 'MESOS', volumes: [{ containerPath: '/d', mode: 'RW', persistent: { size: 1 } }] },
    },
    '/container/volumes(0)/containerPath',
  ],
  [
    'inactive after expunge',
    { cmd: 'ls', unreachableStrategy: { inactiveAfterSeconds: 2, expungeAfterSeconds: 1 } },
    '/unreachableStrategy/inactiveAfterSeconds',
  ],
  ['an integer over 32 bits', { cmd: 'ls', instances: 2 ** 31 }, '/instances'],
  [
    'a check each 69 years',
    { cmd: 'ls', healthChecks: [{ protocol: 'TCP', intervalSeconds: 2 ** 31 }] },
    '/healthChecks(0)/intervalSeconds',
  ],
  [
    'a readiness check that never waits',
    { cmd: 'ls', readinessChecks: [{ portName: 'default', timeoutSeconds: -1 }] },
    '/readinessChecks(0)/timeoutSeconds',
  ],
  [
    'expunged after 300 years',
    { cmd: 'ls', unreachableStrategy: { inactiveAfterSeconds: 1, expungeAfterSeconds: 9_500_000_000 } },
    '/unreachableStrategy/expungeAfterSeconds',
  ],
  ['itself', { cmd: 'ls', dependencies: ['/a'] }, '/dependencies(0)'],
  ['a version with more', { cmd: 'ls', version: '2020-01-01T00:00:00.000Z' }, '/version'],
]

t.test('what the rules forbid is 422 and names the field', async t => {
  for (const [name, body, path] of refused) {
    const got = refusal(create({ id: '/a', ...body }))
    t.equal(got.status, 422, name)
    t.ok(got.paths.includes(path), `${name}: ${path} in ${got.text.slice(0, 300)}`)
  }
})

t.test('all services together are bounded, however their number was asked for', async t => {
  const { root } = apply(emptyRoot, create({ id: '/g/a', cmd: 'ls', instances: 60_000 }))
  t.match(refusal(create({ id: '/b', cmd: 'ls', instances: 50_000 }), root), { status: 422, paths: ['/instances'] })
  const scaled: Change = { kind: 'group', id: '/g', mode: 'update', body: { scaleBy: 1e300 } }
  t.match(refusal(scaled, root), { status: 422, paths: ['/instances'] })
  t.equal(refusal(create({ id: '/b', cmd: 'ls', instances: 40_000 }), root).status, 0)
})

t.test('times in a pod have the bounds of those in an app', async t => {
  const pod = (container: object, more: object = {}): Change => ({
    kind: 'pod',
    mode: 'create',
    body: { id: '/p', containers: [{ name: 'c', resources: { cpus: 1, mem: 1 }, ...container }], ...more },
  })
  t.equal(refusal(pod({})).status, 0)
  for (const [change, path] of [
    [pod({ lifecycle: { killGracePeriodSeconds: 1e10 } }), '/containers(0)/lifecycle/killGracePeriodSeconds'],
    [
      pod({ healthCheck: { exec: { command: { shell: 'ls' } }, timeoutSeconds: -1 } }),
      '/containers(0)/healthCheck/timeoutSeconds',
    ],
    [pod({}, { scheduling: { backoff: { maxLaunchDelay: 1e10 } } }), '/scheduling/backoff/maxLaunchDelay'],
  ] as const)
    t.match(refusal(change), { status: 422, paths: [path] })
})

t.test('wrong shapes: never a crash, always a 4xx that names a field', async t => {
  const values = [null, 0, -1, 1.5, 'x', '', true, [], [null], {}, { x: 1 }, [[]], { secret: 5 }]
  const fields = [
    'id',
    'cmd',
    'args',
    'instances',
    'cpus',
    'env',
    'labels',
    'container',
    'networks',
    'portDefinitions',
    'healthChecks',
    'constraints',
    'fetch',
    'upgradeStrategy',
    'unreachableStrategy',
    'secrets',
    'dependencies',
    'ipAddress',
    'residency',
    'check',
    'version',
  ]
  for (const field of fields)
    for (const value of values) {
      const got = refusal(create({ id: '/a', cmd: 'ls', [field]: value }))
      t.ok(
        got.status === 0 || got.status === 422,
        `${field}=${JSON.stringify(value)}: ${got.status} ${got.text.slice(0, 200)}`,
      )
      if (got.status === 422) t.ok(got.paths.length > 0, `${field}=${JSON.stringify(value)} names a field`)
    }
  for (const body of [null, 5, 'x', [], [{}]]) t.equal(refusal(create(body)).status, 422)
})

t.test('a partial change keeps what it leaves out; null is no change; two fields are cleared', async t => {
  const { root } = apply(
    emptyRoot,
    create({ id: '/a', cmd: 'ls', labels: { x: '1' }, resourceLimits: { cpus: 2 }, instances: 3 }),
  )
  const next = apply(root, update('/a', { cpus: 2, ports: null, dependencies: null, labels: null })).root
  t.match(appOf(next, '/a'), { cpus: 2, labels: { x: '1' }, instances: 3, cmd: 'ls' })
  t.equal(appOf(next, '/a').resourceLimits, undefined)
  t.match(appOf(next, '/a').portDefinitions, [{ port: 10_000 }], 'it keeps its service port')
  const whole = apply(next, update('/a', { cmd: 'ls' }, false)).root
  t.match(appOf(whole, '/a'), { instances: 1, labels: {}, cpus: 1 })
  t.match(appOf(apply(root, update('/a', { args: ['x'] })).root, '/a'), { args: ['x'], cmd: undefined })
})

t.test('stamps: a new configuration, only another number, a restart, nothing', async t => {
  const { root } = apply(emptyRoot, create({ id: '/a', cmd: 'ls' }))
  const first = root.services.get('/a')
  const scaled = apply(root, update('/a', { instances: 2 })).root.services.get('/a')
  t.match(scaled, { lastConfigChangeAt: first?.lastConfigChangeAt })
  t.equal(scaled?.lastScalingAt, scaled?.version)
  const changed = apply(root, update('/a', { cpus: 2 })).root.services.get('/a')
  t.match(changed, { lastConfigChangeAt: changed?.version, lastScalingAt: changed?.version })
  const restarted = apply(root, { kind: 'restart', id: '/a' }).root.services.get('/a')
  t.match(restarted, { lastConfigChangeAt: restarted?.version, lastScalingAt: first?.lastScalingAt })
  t.equal(apply(root, update('/a', { cmd: 'ls' })).root.services.get('/a'), first, 'unchanged apps keep theirs')
})

t.test('groups replace, keep, scale and expand', async t => {
  const app = (id: string, more = {}) => ({ id, cmd: 'serve', ...more })
  const { root } = apply(emptyRoot, {
    kind: 'group',
    id: '/',
    mode: 'create',
    body: { id: '/g', apps: [app('a'), app('b', { instances: 3 })], groups: [{ id: 'h', apps: [app('c')] }] },
  })
  t.same([...root.services.keys()].sort(), ['/g/a', '/g/b', '/g/h/c'])
  const put = (body: object): Root => apply(root, { kind: 'group', id: '/g', mode: 'update', body }).root
  t.same(
    [...put({ apps: [app('b')] }).services.keys()].sort(),
    ['/g/b', '/g/h/c'],
    'an absent list keeps what is there',
  )
  t.same([...put({ groups: [] }).services.keys()].sort(), ['/g/a', '/g/b'])
  t.same(
    [...put({ scaleBy: 1.5 }).services.values()].map(one => one.kind === 'app' && one.spec.instances),
    [2, 5, 2],
  )
  t.equal(refusal({ kind: 'group', id: '/g', mode: 'update', body: { scaleBy: 2, apps: [] } }, root).status, 422)
  t.equal(refusal({ kind: 'group', id: '/', mode: 'create', body: { id: '/g' } }, root).status, 409)
  const foreign = refusal({ kind: 'group', id: '/g', mode: 'update', body: { apps: [app('/x/y')] } }, root)
  t.same(foreign.paths, ['/apps(0)/id'])
  const circle = refusal(
    {
      kind: 'group',
      id: '/g',
      mode: 'update',
      body: { apps: [app('a', { dependencies: ['b'] }), app('b', { dependencies: ['../g/a'] })] },
    },
    root,
  )
  t.match(circle, { status: 422, paths: ['/dependencies'] })
})

t.test('plans: stop, start, then by the length of the way of dependencies', async t => {
  const app = (id: string, dependencies: string[] = [], more = {}) => ({ id, cmd: 'serve', dependencies, ...more })
  const made = apply(emptyRoot, {
    kind: 'group',
    id: '/g',
    mode: 'update',
    body: { apps: [app('a'), app('b', ['a']), app('c', ['b']), app('d')] },
  }).root
  const next = apply(made, {
    kind: 'group',
    id: '/g',
    mode: 'update',
    body: {
      apps: [
        app('a', [], { cpus: 2 }),
        app('b', ['a'], { instances: 4 }),
        app('c', ['b'], { cpus: 2, instances: 0 }),
        app('e', ['c']),
      ],
    },
  }).root
  const steps = planSteps({ before: made, after: next, restarts: new Set(), kills: new Map() })
  t.same(
    steps.map(step => step.map(action => `${action.kind} ${action.id}`)),
    [['Stop /g/d'], ['Start /g/e'], ['Restart /g/a'], ['Scale /g/b'], ['Scale /g/c'], ['Scale /g/e']],
  )
  t.same(planSteps({ before: made, after: made, restarts: new Set(), kills: new Map() }), [])
})

t.test('roles follow the top group where it says so', async t => {
  const made = apply(emptyRoot, {
    kind: 'group',
    id: '/',
    mode: 'create',
    body: { id: '/team', enforceRole: true },
  }).root
  const { root } = apply(made, create({ id: '/team/a', cmd: 'ls' }))
  t.equal(appOf(root, '/team/a').role, 'team')
  t.same(refusal(create({ id: '/team/b', cmd: 'ls', role: 'other' }), made).paths, ['/role'])
  t.equal(appOf(apply(emptyRoot, create({ id: '/free/a', cmd: 'ls', role: 'free' })).root, '/free/a').role, 'free')
})

t.test('service ports are unique, stay with their app and run out', async t => {
  let root = emptyRoot
  for (const id of ['/a', '/b', '/c']) root = apply(root, create({ id, cmd: 'ls' })).root
  t.same(
    [...root.services.values()].map(one => one.kind === 'app' && one.spec.portDefinitions?.[0]?.port),
    [10_000, 10_001, 10_002],
  )
  root = apply(root, { kind: 'delete', service: 'app', id: '/b' }).root
  t.equal(appOf(apply(root, create({ id: '/d', cmd: 'ls' })).root, '/d').portDefinitions?.[0]?.port, 10_001)
})

t.test('label selectors', async t => {
  const labels = { env: 'prod', tier: 'web', 'a/b': '1' }
  for (const [selector, matches] of [
    ['env', true],
    ['env==prod', true],
    ['env==prod, tier==db', false],
    ['env!=test', true],
    ['missing!=test', false],
    ['tier in (web,db)', true],
    ['tier notin (web,db)', false],
    ['missing notin (x)', false],
    ['a\\/b==1', true],
    ['instance', false],
  ] as const)
    t.equal(parseSelector(selector)(labels), matches, selector)
  for (const bad of ['', 'a==', 'a in', 'a in (', 'a b', '==']) t.throws(() => parseSelector(bad), Refusal, bad)
})

t.test('real app files: accepted or refused as the contract says', async t => {
  const folder = fileURLToPath(new URL('../../../test/data/marathon-apps/', import.meta.url))
  const names: Record<string, RegExp> = {
    '01': /'cmd' or 'args'/,
    '03': /containers\(0\)\/healthCheck\/timeoutSeconds/,
    '21': /"\/acceptedResourceRoles"/,
    '27': /"\/acceptedResourceRoles"/,
    '39': /"\/run"/,
  }
  const kinds: Record<string, 'pod' | 'group'> = { '03': 'pod', '17': 'pod', '31': 'pod', '15': 'group', '23': 'group' }
  const files = readdirSync(folder).filter(name => name.endsWith('.json'))
  t.equal(files.length, 20)
  for (const file of files) {
    const number = file.slice(0, 2)
    const body: unknown = JSON.parse(readFileSync(`${folder}${file}`, 'utf8'))
    const kind = kinds[number]
    const change: Change =
      kind === 'group'
        ? { kind, id: '/', mode: 'create', body }
        : kind === 'pod'
          ? { kind, mode: 'create', body }
          : create(body)
    const got = refusal(change)
    const wrong = names[number]
    t.equal(got.status, wrong === undefined ? 0 : 422, `${file}: ${got.text.slice(0, 300)}`)
    if (wrong !== undefined) t.match(got.text, wrong)
  }
})
