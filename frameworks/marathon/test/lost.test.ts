import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import type { AppChange } from '../src/core/change/change.ts'
import type { Instance } from '../src/core/instance.ts'
import type { Service } from '../src/core/model.ts'
import { World } from './support/world.ts'

const put = (id: string, body: object, mode: AppChange['mode'] = 'upsert') =>
  ({ kind: 'apps', apps: [{ id, body, mode, partial: true, path: '' }] }) as const
const serve = { cmd: 'serve', cpus: 0.1, mem: 32 }
const settled = (world: World): boolean => world.state.deployments.size === 0

t.test('what the master says again of an unreachable instance changes nothing', async t => {
  const world = new World({ random: seededRandom(1) })
  const unreachableStrategy = { inactiveAfterSeconds: 30, expungeAfterSeconds: 3_600 }
  world.change(put('/web', { ...serve, unreachableStrategy }))
  world.run(60_000, () => settled(world))
  const lost = world.running('/web')[0]?.id as string
  world.update(lost, 'TASK_UNREACHABLE')
  world.run(120_000, () => world.running('/web').length === 1)
  world.run(1_000)
  const known = [...world.state.instances.values()]
  t.same(known.map(one => one.condition).sort(), ['Running', 'UnreachableInactive'])
  const events = world.events.length
  for (let turn = 0; turn < 3; turn += 1)
    world.step([
      {
        type: 'status',
        status: {
          task_id: { value: lost },
          state: 'TASK_UNREACHABLE',
          reason: 'REASON_RECONCILIATION',
          timestamp: world.now / 1000,
        },
      },
    ])
  t.same(
    [...world.state.instances.values()].map(one => [one.id, one.condition, one.unreachableSince]),
    known.map(one => [one.id, one.condition, one.unreachableSince]),
  )
  t.same(world.events.slice(events), [])
})

t.test('an instance that was told to end and whose agent is lost is not waited for, whatever the strategy', async t => {
  const world = new World({ random: seededRandom(2) })
  world.change(put('/web', { ...serve, instances: 2, unreachableStrategy: 'disabled' }))
  world.run(60_000, () => settled(world))
  const [first, second] = world.running('/web').map(one => one.id) as [string, string]
  world.stubborn = true
  world.change(put('/web', { instances: 1 }))
  world.run(5_000)
  const going = [...world.state.kills.keys()]
  t.equal(going.length, 1)
  const lost = [first, second].find(id => id.startsWith(going[0] as string)) as string
  world.update(lost, 'TASK_UNREACHABLE')
  world.run(20_000)
  t.ok(settled(world))
  t.equal(world.state.instances.size, 1)
  t.equal(world.state.killsSent.size, 0)
})

t.test('a plain kill of what becomes unreachable is a replacement, and holds no place among the kills', async t => {
  const world = new World({ random: seededRandom(3) })
  world.change(put('/web', { ...serve, unreachableStrategy: 'disabled' }))
  world.run(60_000, () => settled(world))
  const [old] = world.running('/web').map(one => one.id) as [string]
  world.stubborn = true
  const [instance] = world.state.instances.keys()
  world.command(call => ({ type: 'kill', call, instances: [instance as string], wipe: false }))
  world.run(1_000)
  t.equal(world.state.killsSent.size, 1)
  world.update(old, 'TASK_UNREACHABLE')
  world.run(60_000, () => world.running('/web').length === 1)
  t.equal(world.running('/web').length, 1)
  t.not(world.running('/web')[0]?.id, old)
  t.equal(world.state.killsSent.size, 0)
})

const container = (name: string) => ({ name, exec: { command: { shell: 'serve' } }, resources: { cpus: 0.1, mem: 32 } })
const pod = (more: object = {}) =>
  ({
    kind: 'pod',
    mode: 'create',
    body: { id: '/pod', containers: [container('a'), container('b')], ...more },
  }) as const

t.test('a pod of which one container has failed and the rest is unreachable is replaced', async t => {
  const world = new World({ random: seededRandom(4) })
  world.change(pod())
  world.run(60_000, () => settled(world) && world.state.instances.size === 1)
  const [before] = [...world.state.instances.values()] as [Instance]
  const [a, b] = before.tasks.map(task => task.id) as [string, string]
  world.update(a, 'TASK_FAILED')
  world.run(100)
  world.update(b, 'TASK_UNREACHABLE')
  world.run(60_000)
  const all = [...world.state.instances.values()]
  t.equal(all.length, 1)
  t.equal(all[0]?.condition, 'Running')
  t.not(all[0]?.id, before.id)
})

t.test(
  'a pod that is not wanted any more and of which one container has failed: the others are told to end',
  async t => {
    const world = new World({ random: seededRandom(5) })
    world.change(pod())
    world.run(60_000, () => settled(world) && world.state.instances.size === 1)
    const [before] = [...world.state.instances.values()] as [Instance]
    const [a, b] = before.tasks.map(task => task.id) as [string, string]
    world.update(a, 'TASK_FAILED')
    world.run(100)
    world.change({ kind: 'delete', service: 'pod', id: '/pod' })
    world.run(5_000, () => world.state.instances.size === 0)
    t.equal(world.tasks.get(b)?.state, 'TASK_KILLED')
  },
)

t.test('a launch of which no master knows any more is asked for again, and replaced', async t => {
  const world = new World({ random: seededRandom(6) })
  world.change(put('/web', serve))
  world.run(60_000, () => settled(world))
  world.run(1_000)
  const [lost] = world.running('/web').map(one => one.id) as [string]
  world.tasks.delete(lost)
  world.silent = true
  world.crash()
  world.run(120_000)
  world.silent = false
  world.run(700_000, () => world.running('/web').length === 1)
  t.equal(world.running('/web').length, 1)
})

t.test('a task that does not come to run is given up after the limit, also by the next process', async t => {
  const world = new World({ random: seededRandom(7) })
  world.slow = true
  world.change(put('/web', serve))
  world.run(20_000)
  t.match([...world.state.instances.values()], [{ condition: 'Staging', incarnation: 1 }])
  world.crash()
  world.run(20_000)
  t.match([...world.state.instances.values()], [{ condition: 'Staging', incarnation: 1 }])
  world.run(400_000, () => [...world.state.instances.values()][0]?.incarnation === 2)
  t.match([...world.state.instances.values()], [{ incarnation: 2 }])
})

t.test('an instance that is going still holds its place among UNIQUE ones', async t => {
  const world = new World({ random: seededRandom(8), agents: 1 })
  const constraints = [['hostname', 'UNIQUE']]
  world.change(put('/web', { ...serve, constraints, unreachableStrategy: 'disabled' }))
  world.run(60_000, () => settled(world))
  const [old] = world.running('/web').map(one => one.id) as [string]
  world.stubborn = true
  world.command(call => ({ type: 'kill', call, instances: [...world.state.instances.keys()], wipe: true }))
  world.run(60_000)
  t.same(
    world.running('/web').map(one => one.id),
    [old],
    'the other waits for it',
  )
  world.update(old, 'TASK_KILLED')
  world.run(60_000, () => world.running('/web').length === 1)
  t.equal(world.running('/web').length, 1)
})

t.test('agents that are gone count for no group of GROUP_BY', async t => {
  const world = new World({ random: seededRandom(9), agents: 4 })
  const constraints = [['hostname', 'GROUP_BY']]
  world.change(put('/web', { ...serve, constraints, instances: 2 }))
  world.run(60_000, () => settled(world))
  world.agents = 2
  for (const agentId of ['A2', 'A3']) world.step([{ type: 'agent-lost', agentId }])
  for (const { id, task } of world.running('/web')) if (task.agent >= 2) world.update(id, 'TASK_FAILED')
  world.change(put('/web', { instances: 4 }), true)
  world.run(120_000, () => settled(world))
  t.equal(world.running('/web').length, 4, 'two on each of the two that are left')
})

t.test('a launch of what has failed before starts the delay anew; an agent that is drained ends it', async t => {
  const world = new World({ random: seededRandom(10) })
  world.change(put('/web', { ...serve, instances: 1, backoffSeconds: 30 }))
  world.run(60_000, () => settled(world))
  const service = world.state.root.services.get('/web') as Service
  world.update(world.running('/web')[0]?.id as string, 'TASK_FAILED')
  world.run(1_000)
  const until = world.state.backoff.until(service, world.now) as number
  t.ok(until > world.now)
  world.slow = true
  world.run(60_000, () => [...world.state.instances.values()].some(one => one.condition === 'Provisioned'))
  t.ok(world.now >= until)
  t.equal(world.state.backoff.until(service, world.now), world.now + 30_000)
  world.run(1_000)
  const [instance] = [...world.state.instances.values()] as [Instance]
  world.update(instance.tasks[0]?.id as string, 'TASK_KILLED', 'REASON_AGENT_DRAINING')
  world.run(100)
  t.equal(world.state.backoff.until(service, world.now), undefined)
})

t.test('instances that wait while a delay starts anew are launched when it is over', async t => {
  const world = new World({ random: seededRandom(11), agents: 1, settings: { maxInstancesPerOffer: 1 } })
  world.change(put('/web', { ...serve, backoffSeconds: 5, maxLaunchDelaySeconds: 5 }))
  world.run(60_000, () => settled(world))
  world.update(world.running('/web')[0]?.id as string, 'TASK_FAILED')
  world.change(put('/web', { instances: 3 }), true)
  world.run(29_000, () => world.running('/web').length === 3)
  t.equal(world.running('/web').length, 3)
})
