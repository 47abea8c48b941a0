import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import type { AppChange } from '../src/core/change/change.ts'
import { World } from './support/world.ts'

const put = (id: string, body: object, mode: AppChange['mode'] = 'upsert') =>
  ({ kind: 'apps', apps: [{ id, body, mode, partial: true, path: '' }] }) as const

const succeeded = (world: World): number =>
  world.events.filter(event => event.eventType === 'deployment_success').length

t.test('an app is launched, runs, and its deployment succeeds', async t => {
  const world = new World({ random: seededRandom(1) })
  const call = world.change(put('/web', { cmd: 'sleep 100', instances: 3, cpus: 0.1, mem: 32 }))
  world.run(60_000, () => succeeded(world) === 1)
  t.match(world.answers.get(call), { ok: true, created: ['/web'] })
  t.equal(world.running('/web').length, 3)
  t.equal(world.state.deployments.size, 0)
  t.match(
    world.events.map(event => event.eventType),
    ['scheduler_registered_event', 'api_post_event', 'group_change_success', 'deployment_info'].sort() && [/./],
  )
})

t.test(
  'an upgrade never has fewer healthy instances than the minimum, and ends old ones only after new ones are healthy',
  async t => {
    for (const [minimum, over, seed] of [
      [1, 1, 2],
      [1, 0, 3],
      [0.5, 0, 4],
      [0.8, 0.2, 5],
    ] as const) {
      const world = new World({ random: seededRandom(seed) })
      const body = {
        cmd: 'serve',
        instances: 5,
        cpus: 0.1,
        mem: 32,
        upgradeStrategy: { minimumHealthCapacity: minimum, maximumOverCapacity: over },
        healthChecks: [{ protocol: 'HTTP', path: '/', intervalSeconds: 1 }],
      }
      world.change(put('/web', body))
      world.run(120_000, () => succeeded(world) === 1)
      t.equal(world.running('/web').length, 5)
      let least = Number.POSITIVE_INFINITY
      let most = 0
      world.watch = () => {
        const serving = world.running('/web').filter(({ id, task }) => {
          const instance = [...world.state.instances.values()].find(one => one.tasks.some(each => each.id === id))
          return !task.killed && instance !== undefined && world.state.servesWell(instance)
        })
        least = Math.min(least, serving.length)
        most = Math.max(most, world.running('/web').length)
      }
      world.change(put('/web', { env: { VERSION: '2' } }))
      world.run(300_000, () => succeeded(world) === 2)
      const current = world.state.root.services.get('/web')?.version
      t.ok(
        world.running('/web').every(task => task.version === current),
        'all run the new version',
      )
      t.ok(least >= Math.ceil(5 * minimum), `at least ${Math.ceil(5 * minimum)}: ${least} were healthy`)
      t.ok(most <= Math.max(5 + 1, Math.floor(5 * (1 + over))), `at most ${most} ran`)
    }
  },
)

t.test('routers are told before the tasks of a serving instance are', async t => {
  const world = new World({ random: seededRandom(6) })
  world.change(put('/web', { cmd: 'serve', instances: 2, cpus: 0.1, mem: 32 }))
  world.run(60_000, () => succeeded(world) === 1)
  const before = world.calls.length
  world.change(put('/web', { instances: 1 }))
  const [order] = [...world.state.kills.values()]
  t.ok(order, 'the instance is marked')
  t.notOk(
    world.calls.slice(before).some(call => call.kind === 'kill'),
    'and not yet told',
  )
  t.equal((order?.due ?? 0) - world.now, 1_000)
  world.run(60_000, () => succeeded(world) === 2)
  t.ok(world.calls.slice(before).some(call => call.kind === 'kill'))
  t.equal(world.running('/web').length, 1)
})

t.test('a task that fails is launched again, later each time, and what it waits for is said', async t => {
  const world = new World({ random: seededRandom(7), failures: 1 })
  world.change(put('/crash', { cmd: 'exit 1', cpus: 0.1, mem: 32, backoffSeconds: 5, backoffFactor: 2 }))
  world.run(120_000)
  const launches = world.calls.filter(call => call.kind === 'accept').length
  t.ok(launches >= 3 && launches <= 9, `${launches} launches in two minutes`)
  const incarnations = [...world.state.instances.values()].map(instance => instance.incarnation)
  t.same(incarnations, [launches], 'the same instance in its next incarnations')
  t.match(world.state.failures.get('/crash'), { state: 'TASK_FAILED', message: 'it failed' })
  const [service] = world.state.root.services.values()
  t.ok(service && world.state.backoff.until(service, world.now) !== undefined)
})

t.test('a deployment that is rolled back keeps the instances that still run the old version', async t => {
  const world = new World({ random: seededRandom(8) })
  const body = {
    cmd: 'serve',
    instances: 4,
    cpus: 0.1,
    mem: 32,
    healthChecks: [{ protocol: 'HTTP', path: '/', intervalSeconds: 1 }],
  }
  world.change(put('/web', body))
  world.run(120_000, () => succeeded(world) === 1)
  const old = new Set(world.running('/web').map(task => task.id))
  world.healthy = info => !info.command?.environment?.variables?.some(one => one.name === 'BAD')
  world.change(put('/web', { env: { BAD: '1' } }))
  world.run(30_000)
  const [deployment] = world.state.deployments.keys()
  t.equal(world.running('/web').length, 8, 'four new ones that never become healthy')
  const call = world.command(one => ({ type: 'cancel-deployment', call: one, id: deployment as string, force: false }))
  world.run(120_000, () => world.state.deployments.size === 0)
  t.match(world.answers.get(call), { ok: true })
  t.same(new Set(world.running('/web').map(task => task.id)), old)
  t.same(
    world.state.root.services.get('/web')?.kind === 'app' && world.state.root.services.get('/web')?.spec.labels,
    {},
  )
})

t.test('a locked app refuses another change, and takes it by force', async t => {
  const world = new World({ random: seededRandom(9) })
  world.change(put('/web', { cmd: 'serve', instances: 2, cpus: 100, mem: 32 }))
  world.run(5_000)
  const refused = world.change(put('/web', { cpus: 0.1 }))
  t.match(world.answers.get(refused), { ok: false, refusal: { status: 409, message: /force=true/ } })
  const forced = world.change(put('/web', { cpus: 0.1 }), true)
  t.match(world.answers.get(forced), { ok: true })
  t.ok(world.events.some(event => event.eventType === 'deployment_failed'))
  world.run(60_000, () => world.state.deployments.size === 0)
  t.equal(world.running('/web').length, 2)
})

t.test('a smaller definition of what waits asks for offers anew', async t => {
  const world = new World({ random: seededRandom(14) })
  world.change(put('/big', { cmd: 'serve', cpus: 100, mem: 32 }))
  world.run(30_000)
  const before = world.calls.length
  world.change(put('/big', { cpus: 1 }), true)
  t.match(
    world.calls.slice(before).map(call => call.kind),
    ['revive'],
  )
})

t.test('services are deployed after those they depend on', async t => {
  const world = new World({ random: seededRandom(10) })
  const body = {
    apps: [
      { id: 'front', cmd: 'serve', cpus: 0.1, mem: 32, dependencies: ['back'] },
      { id: 'back', cmd: 'serve', cpus: 0.1, mem: 32, dependencies: ['../store'] },
    ],
  }
  world.change({ kind: 'group', id: '/', mode: 'create', body: { id: '/shop', ...body } })
  const first: string[] = []
  world.watch = () => {
    for (const app of ['/shop/front', '/shop/back'])
      if (world.running(app).length > 0 && !first.includes(app)) first.push(app)
  }
  world.run(60_000, () => succeeded(world) === 1)
  t.same(first, ['/shop/back', '/shop/front'])
})

t.test('an agent that is gone for long: its instance is replaced, and what returns is surplus', async t => {
  const world = new World({ random: seededRandom(11) })
  const unreachableStrategy = { inactiveAfterSeconds: 30, expungeAfterSeconds: 600 }
  world.change(put('/web', { cmd: 'serve', instances: 2, cpus: 0.1, mem: 32, unreachableStrategy }))
  world.run(60_000, () => succeeded(world) === 1)
  const lost = world.running('/web')[0]?.id as string
  world.update(lost, 'TASK_UNREACHABLE')
  world.run(10_000)
  t.equal(world.state.instances.size, 2, 'it is waited for')
  world.run(60_000, () => world.running('/web').length === 2)
  t.equal(world.state.instances.size, 3, 'and replaced, but not forgotten')
  world.update(lost, 'TASK_RUNNING')
  world.run(60_000, () => world.running('/web').length === 2 && world.state.instances.size === 2)
  t.equal(world.running('/web').length, 2)
})

t.test('cut off from the master nothing is killed; afterwards it goes on', async t => {
  const world = new World({ random: seededRandom(12) })
  world.change(put('/web', { cmd: 'serve', instances: 3, cpus: 0.1, mem: 32 }))
  world.run(60_000, () => succeeded(world) === 1)
  world.disconnect(60_000)
  const before = world.calls.length
  world.change(put('/web', { instances: 1 }))
  world.run(30_000)
  t.notOk(world.calls.slice(before).some(call => call.kind === 'kill'))
  t.equal(world.running('/web').length, 3)
  world.run(120_000, () => world.state.deployments.size === 0)
  t.equal(world.running('/web').length, 1)
})

t.test('a deleted app leaves nothing behind', async t => {
  const world = new World({ random: seededRandom(13) })
  world.change(put('/group/web', { cmd: 'serve', instances: 3, cpus: 0.1, mem: 32 }))
  world.run(60_000, () => succeeded(world) === 1)
  world.change({ kind: 'delete-group', id: '/group' })
  world.run(60_000, () => succeeded(world) === 2)
  t.equal(world.state.instances.size, 0)
  t.equal([...world.records.keys()].filter(path => /^(services|instances|versions|failures)\//.test(path)).length, 0)
  t.ok(world.events.some(event => event.eventType === 'app_terminated_event'))
})

/** Two apps that change together: after no crash may one have changed without the other. */
const pair = (value: string) => {
  const apps = ['a', 'b'].map(id => ({ id, cmd: 'serve', cpus: 0.1, mem: 32, env: { V: value } }))
  return { kind: 'group', id: '/pair', mode: 'update', body: { apps } } as const
}

// Whatever happens between two writes: what was answered holds, and all that is wanted comes to run, and nothing else.
const base = Number(process.env.SEED ?? 1000)
t.test(`random changes, failures, losses and crashes at any write (seeds from ${base})`, async t => {
  for (let seed = base; seed < base + 60; seed += 1) {
    const random = seededRandom(seed)
    const world = new World({ random, crashes: 0.01, failures: 0.02 })
    const acknowledged = new Map<string, object | undefined>()
    const pending: { call: number; id: string; body: object | undefined }[] = []
    for (let round = 0; round < 25; round += 1) {
      const id = `/app-${Math.floor(random.next() * 4)}`
      const body =
        random.next() < 0.2
          ? undefined
          : {
              cmd: 'serve',
              cpus: 0.1,
              mem: 32,
              instances: Math.floor(random.next() * 5),
              env: { V: String(Math.floor(random.next() * 3)) },
            }
      const change = body === undefined ? ({ kind: 'delete', service: 'app', id } as const) : put(id, body)
      pending.push({ call: world.change(change, true), id, body })
      if (random.next() < 0.4) world.change(pair(String(Math.floor(random.next() * 100))), true)
      world.run(random.next() * 8_000)
      if (random.next() < 0.1) world.disconnect(random.next() * 20_000)
      const values = ['/pair/a', '/pair/b'].map(one => {
        const service = world.state.root.services.get(one)
        return service?.kind === 'app' ? service.spec.env.V : undefined
      })
      t.equal(values[0], values[1], `seed ${seed}: what changes together is never half applied`)
      for (const one of pending.splice(0)) {
        const answer = world.answers.get(one.call)
        if (answer?.ok) acknowledged.set(one.id, one.body)
        else if (answer === undefined) acknowledged.delete(one.id) // lost with the process: made or not
      }
    }
    world.run(1_200_000, () => false)
    const story = `seed ${seed}, ${world.crashed} crashes`
    for (const [id, body] of acknowledged) {
      const service = world.state.root.services.get(id)
      if (body === undefined) t.equal(service, undefined, `${story}: ${id} stays deleted`)
      else t.match(service?.spec, body, `${story}: ${id} is as acknowledged`)
    }
    t.equal(world.state.deployments.size, 0, `${story}: all deployments end`)
    for (const [id, service] of world.state.root.services) {
      const tasks = world.running(id)
      t.equal(tasks.length, service.kind === 'app' ? service.spec.instances : 0, `${story}: ${id} runs as wanted`)
    }
    const known = new Set([...world.state.instances.values()].flatMap(one => one.tasks.map(task => task.id)))
    const strays = [...world.tasks].filter(([id, task]) => task.state === 'TASK_RUNNING' && !known.has(id))
    t.same(
      strays.map(([id]) => id),
      [],
      `${story}: nothing runs that is not known`,
    )
    if (!t.passing()) break
  }
})
