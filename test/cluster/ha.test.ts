import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { startZookeeperServer, zookeeperReady } from '@meseta/common/coordination/zookeeper-server'
import { startNatsServer } from '@meseta/common/messaging/nats-server'
import { openBus } from '@meseta/common/messaging/open'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { systemClock as clock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom as random } from '@meseta/common/service/random'
import { electedMaster } from '@meseta/sdk/leader'
import t, { type Test } from 'tap'
import { LaunchingFramework } from '../src/ha/launching-framework.ts'
import { LiveMachine } from '../src/ha/machines.ts'
import { MasterProcesses } from '../src/ha/masters.ts'
import { json } from '../src/support/http.ts'
import { freePorts } from '../src/support/ports.ts'
import { missingServers } from '../src/support/servers.ts'
import { until } from '../src/support/until.ts'

// Three masters on a real ZooKeeper and a real NATS, whose leader dies again and again while a framework launches.
const deaths = 5
const machines = 4
/** ZooKeeper keeps the session of a dead leader for so long. */
const sessionSeconds = 3
const timeout = 300_000
t.setTimeout(590_000)

interface Ground {
  readonly masters: MasterProcesses
  readonly machines: readonly LiveMachine[]
  readonly framework: LaunchingFramework
  readonly failures: Error[]
}

async function open(t: Test): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-ha-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  t.teardown(async () => {
    for (const end of ends.reverse()) await end()
  })
  const [zkPort, natsPort, ...ports] = await freePorts(5)
  const zookeeper = await startZookeeperServer({ clock, folder: join(folder, 'zk'), clientPort: zkPort! })
  ends.push(() => zookeeper.process.stop())
  const nats = await startNatsServer({ clock, folder: join(folder, 'nats'), port: natsPort! })
  ends.push(() => nats.process.stop())
  await zookeeperReady(zookeeper, clock)
  const store = `zk://127.0.0.1:${zkPort}/mesos`
  const busUrl = `nats://127.0.0.1:${natsPort}`
  const masters = new MasterProcesses({
    folder,
    store,
    bus: busUrl,
    ports,
    sessionTimeout: `${sessionSeconds}s`,
  })
  ends.push(() => masters.stop())
  const log = createLogger({ name: 'ha', level: 'silent' })
  const bus = await openBus(busUrl, { clock, random, log })
  ends.push(() => bus.close())
  const failures: Error[] = []
  const live = Array.from(
    { length: machines },
    (_, index) => new LiveMachine({ bus, number: index + 1, failed: error => failures.push(error) }),
  )
  for (const { agent } of live) {
    await agent.start()
    ends.push(() => agent.stop())
  }
  await until('a leader', () => masters.leader(), 60_000)
  const { election, close } = await openCoordination(store, { clock, random, log })
  // A leader that stands still says nothing of it: who leads is read where the masters write it.
  const framework = new LaunchingFramework({ masters: electedMaster(election, '/'), most: 60 })
  ends.push(close)
  ends.push(() => framework.stop())
  return { masters, machines: live, framework, failures }
}

/** Tasks are launched and told of as running, after what has happened before. */
async function works({ framework }: Ground): Promise<void> {
  const launched = framework.tasks.size
  await until(
    'new tasks that run',
    () => {
      framework.reconcile()
      const newer = [...framework.tasks.values()].slice(launched)
      return newer.filter(({ updates }) => updates.some(({ state }) => state === 'TASK_RUNNING')).length >= 20
    },
    60_000,
    200,
  )
}

/** Another one leads, and who does not points to it. */
async function succession(test: Test, { masters }: Ground, before: string): Promise<string> {
  const leader = await until(
    'another leader',
    async () => {
      const now = await masters.leader()
      return now !== before && now
    },
    60_000,
  )
  // One may be on its way to start again.
  const follower = await until('a follower', async () => {
    for (const url of masters.urls) if (url !== leader && (await masters.status(url)) === 307) return url
    return undefined
  })
  const answer = await fetch(`${follower}/state`, { redirect: 'manual' })
  await answer.body?.cancel()
  test.equal(answer.headers.get('location'), `//${new URL(leader).host}/state`, 'a follower points to the leader')
  const health = await json<{ checks: object }>(`${follower}/health`, { headers: { accept: 'application/json' } })
  test.same(Object.keys(health.checks).sort(), ['bus', 'election', 'store'], '/health says what it depends on')
  return leader
}

t.test('masters die under load, and nothing is lost or doubled', { skip: missingServers(), timeout }, async t => {
  const ground = await open(t)
  const { masters, framework } = ground
  await works(ground)
  const ids = ground.machines.map(({ id }) => id)
  let leader = await until('the leader', () => masters.leader())

  await t.test(`the leader is killed ${deaths} times`, { timeout }, async test => {
    for (let death = 0; death < deaths; death++) {
      masters.of(leader).child.kill('SIGKILL')
      leader = await succession(test, ground, leader)
      await works(ground)
    }
  })

  await t.test('a leader that stood still for longer than its session ends when it wakes', { timeout }, async test => {
    const deposed = masters.of(leader)
    deposed.child.kill('SIGSTOP')
    const next = await succession(test, ground, leader)
    await works(ground)
    deposed.child.kill('SIGCONT')
    await deposed.ended
    test.pass('it ended')
    await works(ground)
    test.equal(await masters.leader(), next, 'and the other leads on')
  })

  await t.test('everything comes to its end', { timeout }, async test => {
    await until(
      'all tasks to have ended',
      () => {
        framework.wind()
        return framework.live.length === 0
      },
      60_000,
      500,
    )
    test.same(framework.broken, [], 'updates came in order, of what was launched')
    const starts = new Map(ground.machines.flatMap(({ starts }) => [...starts]))
    test.same(
      [...starts].filter(([, times]) => times > 1),
      [],
      'no task was started twice',
    )
    const lost = [...framework.tasks.values()].filter(
      ({ id, state }) => starts.has(id) && state !== 'TASK_FINISHED' && state !== 'TASK_KILLED',
    )
    test.same(
      lost.map(({ id, state }) => `${id} ${state}`),
      [],
      'what was started ended by itself or was killed',
    )
    const unheard = [...framework.tasks.values()].filter(
      ({ id, updates }) => starts.has(id) && !updates.some(({ state }) => isTerminal(state)),
    )
    test.same(
      unheard.map(({ id, state }) => `${id} ${state}`),
      [],
      'and every end was told by an update',
    )
    test.comment(`${framework.tasks.size} tasks, ${starts.size} started, ${framework.subscriptions} subscriptions`)
    test.ok(framework.subscriptions > deaths, 'each leader was subscribed to')
    await until('no container is left', () => ground.machines.every(({ machine }) => machine.containers.size === 0))
    test.same(
      ground.machines.map(({ id }) => id),
      ids,
      'agents keep their ids',
    )
    const { slaves } = await json<{ slaves: { id: string; active: boolean }[] }>(`${await masters.leader()}/slaves`)
    test.same(slaves.map(({ id }) => id).sort(), [...ids].sort(), 'the registry has them, and no others')
    test.same(ground.failures, [], 'no agent gave up')
  })
})
