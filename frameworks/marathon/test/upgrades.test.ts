import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import type { AppChange } from '../src/core/change/change.ts'
import { rollingBounds } from '../src/core/deploy/rolling.ts'
import type { Instance } from '../src/core/instance.ts'
import { World } from './support/world.ts'

const put = (id: string, body: object, mode: AppChange['mode'] = 'upsert') =>
  ({ kind: 'apps', apps: [{ id, body, mode, partial: true, path: '' }] }) as const
const serve = { cmd: 'serve', cpus: 0.1, mem: 32 }
const settled = (world: World): boolean => world.state.deployments.size === 0
const instances = (world: World): Instance[] => [...world.state.instances.values()]

t.test('an upgrade to fewer instances ends the surplus at once', async t => {
  const strategy = { minimumHealthCapacity: 1, maximumOverCapacity: 0, resident: false }
  t.match(rollingBounds({ ...strategy, wanted: 3, current: 7, healthy: 3 }), { killNow: 4 })
  t.match(rollingBounds({ ...strategy, wanted: 3, current: 4, healthy: 7 }), { killNow: 4 })
})

t.test('new instances that are healthy and not ready replace no old ones', async t => {
  const world = new World({ random: seededRandom(1) })
  const readinessChecks = [{ portName: 'http' }]
  const portDefinitions = [{ port: 0, name: 'http' }]
  world.change(put('/web', { ...serve, readinessChecks, portDefinitions }))
  world.run(10_000)
  const ready = (instance: Instance): void =>
    world.step([
      {
        type: 'readiness',
        instance: instance.id,
        taskId: instance.tasks[0]?.id ?? '',
        result: { name: 'readinessCheck', ready: true },
      },
    ])
  t.notOk(settled(world), 'the first deployment waits for it, too')
  for (const one of instances(world)) ready(one)
  t.ok(settled(world))
  const [old] = instances(world) as [Instance]
  world.change(put('/web', { env: { V: '2' } }))
  world.run(60_000)
  t.equal(instances(world).length, 2)
  t.ok(world.state.instances.has(old.id))
  for (const one of instances(world)) if (one.id !== old.id) ready(one)
  world.run(60_000, () => settled(world))
  t.notOk(world.state.instances.has(old.id))
  t.equal(world.running('/web').length, 1)
})

t.test('a restart does not wait for the delay of what failed before', async t => {
  const world = new World({ random: seededRandom(2), failures: 1 })
  world.change(put('/web', { ...serve, backoffSeconds: 3_000, maxLaunchDelaySeconds: 3_000 }))
  world.run(60_000)
  const launches = (): number => world.calls.filter(call => call.kind === 'accept').length
  t.equal(launches(), 1)
  world.change({ kind: 'restart', id: '/web' }, true)
  world.run(30_000)
  t.equal(launches(), 2)
})

t.test('killing and scaling down ends the instances that were named', async t => {
  const world = new World({ random: seededRandom(3) })
  world.change(put('/web', { ...serve, instances: 4 }))
  world.run(60_000, () => settled(world))
  const named = instances(world)
    .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
    .slice(0, 2)
    .map(one => one.id)
  world.change({ kind: 'scale-down', victims: new Map([['/web', named]]) })
  world.run(60_000, () => settled(world))
  t.equal(world.state.instances.size, 2)
  for (const id of named) t.notOk(world.state.instances.has(id), 'the oldest, which would be the last of their own')
})

t.test('a task is killed by the failure after as many as are allowed', async t => {
  const world = new World({ random: seededRandom(4) })
  world.healthy = () => false
  world.change(
    put('/web', {
      ...serve,
      healthChecks: [{ protocol: 'TCP', gracePeriodSeconds: 0, intervalSeconds: 10, maxConsecutiveFailures: 3 }],
    }),
  )
  const failures = (): number => world.events.filter(event => event.eventType === 'failed_health_check_event').length
  world.run(120_000, () => world.events.some(event => event.eventType === 'unhealthy_instance_kill_event'))
  t.equal(failures(), 4)
})

t.test('why a deployment waits counts those that are not healthy now', async t => {
  const world = new World({ random: seededRandom(6) })
  const healthy = new Set<string>()
  world.healthy = ({ task_id }) => healthy.has(task_id.value)
  const healthChecks = [{ protocol: 'TCP', gracePeriodSeconds: 300, intervalSeconds: 1 }]
  world.change(put('/web', { ...serve, instances: 3, healthChecks }))
  const said = () => world.waits.get('/web')?.sentence
  world.run(10_000)
  t.equal(said(), '3 running instances are not healthy yet (of 3 wanted, at least 3 must be)')
  const [first, second, third] = [...world.tasks.keys()]
  for (const id of [first!, second!]) healthy.add(id)
  world.run(1_500)
  t.equal(said(), '1 running instance is not healthy yet (of 3 wanted, at least 3 must be)')
  healthy.add(third!)
  world.run(60_000, () => settled(world))
  t.equal(said(), undefined)
})

t.test('so many launches on one offer and in one period, and the rest of an offer is wanted at once', async t => {
  const settings = { maxInstancesPerOffer: 3, launchTokens: 7 }
  const world = new World({ random: seededRandom(5), settings, agents: 2 })
  world.slow = true
  world.change(put('/web', { ...serve, instances: 20 }))
  const accepts = () => world.calls.flatMap(call => (call.kind === 'accept' ? [call] : []))
  const launched = (): number => instances(world).filter(one => one.condition !== 'Scheduled').length
  world.run(20_000)
  t.equal(launched(), 7)
  t.same(
    accepts().map(call => [call.operations[0]?.launch?.task_infos?.length, call.refuseSeconds]),
    [
      [3, 0],
      [3, 0],
      [1, 0],
    ],
  )
  world.run(30_000)
  t.equal(launched(), 14, 'a period later as many again')
})

t.test('no more than 100 kills wait for their answer', async t => {
  const world = new World({ random: seededRandom(6), agents: 20 })
  world.change(put('/web', { ...serve, instances: 130, cpus: 0.001, mem: 1 }))
  world.run(600_000, () => settled(world))
  world.stubborn = true
  const kills = (): number => world.calls.filter(call => call.kind === 'kill').length
  world.command(call => ({ type: 'kill', call, instances: [...world.state.instances.keys()], wipe: false }))
  world.run(20_000)
  t.equal(kills(), 100)
  world.stubborn = false
  world.run(120_000, () => world.state.kills.size === 0)
  t.equal(world.state.killsSent.size, 0)
})

t.test('a rollback does not wait for the delay that the old configuration had', async t => {
  const world = new World({ random: seededRandom(7) })
  world.change(put('/web', { ...serve, backoffSeconds: 3_000, maxLaunchDelaySeconds: 3_000 }))
  world.run(60_000, () => settled(world))
  world.update(world.running('/web')[0]?.id as string, 'TASK_FAILED')
  world.run(1_000)
  world.change(put('/web', { cpus: 100 }))
  world.run(10_000)
  t.equal(world.running('/web').length, 0)
  const [id] = [...world.state.deployments.keys()] as [string]
  world.command(call => ({ type: 'cancel-deployment', call, id, force: false }))
  world.run(30_000, () => world.running('/web').length === 1)
  t.equal(world.running('/web').length, 1)
})

t.test('tasks of nobody: what runs is killed, what has ended is told, what is unreachable is left', async t => {
  const world = new World({ random: seededRandom(8) })
  world.run(1_000)
  const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e'
  const seen = (state: 'TASK_RUNNING' | 'TASK_KILLED' | 'TASK_UNREACHABLE'): string[] => {
    const [calls, events] = [world.calls.length, world.events.length]
    const task_id = { value: `gone.instance-${uuid}._app.1` }
    world.step([{ type: 'status', status: { task_id, state, agent_id: { value: 'A0' }, uuid: 'AAAA', timestamp: 0 } }])
    return [
      ...world.calls.slice(calls).map(call => call.kind),
      ...world.events.slice(events).map(event => event.eventType),
    ]
  }
  t.same(seen('TASK_RUNNING'), ['kill', 'acknowledge'])
  t.same(seen('TASK_KILLED'), ['acknowledge', 'unknown_instance_terminated_event'])
  t.same(seen('TASK_UNREACHABLE'), ['acknowledge'])
})

t.test('after a burst of three, offers are asked for once in an interval', async t => {
  const world = new World({ random: seededRandom(9) })
  const revives = (): number => world.calls.filter(call => call.kind === 'revive').length
  world.run(1_000)
  for (let n = 0; n < 10; n += 1) {
    world.change(put(`/app-${n}`, { ...serve, cpus: 100 }))
    world.run(10)
  }
  t.equal(revives(), 3)
  world.run(4_000)
  t.ok(revives() <= 4)
  world.run(5_000)
  t.ok(revives() >= 4, 'those who were not asked for are asked for then')
})
