import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { startZookeeperServer, zookeeperReady } from '@meseta/common/coordination/zookeeper-server'
import { startNatsServer } from '@meseta/common/messaging/nats-server'
import { systemClock as clock } from '@meseta/common/service/clock'
import { systemRandom as random } from '@meseta/common/service/random'
import { electedMaster } from '@meseta/sdk/leader'
import { Scheduler } from '@meseta/sdk/scheduler'
import { MasterProcesses } from '../src/ha/masters.ts'
import { json } from '../src/support/http.ts'
import { missingServers } from '../src/support/servers.ts'
import { until } from '../src/support/until.ts'
import { type Bench, bounded } from './bench.ts'
import { startServer } from './support/child.ts'
import { log } from './support/component.ts'
import { freePort } from './support/free-port.ts'

const tasksEach = 10
const id = 'bench'

/** A framework that has all the tasks, and takes offers for what they are here: a sign that the master allocates. */
function framework(masters: ReturnType<typeof electedMaster>, offered: () => void): Scheduler {
  const scheduler = new Scheduler({
    master: masters,
    framework: {
      id: { value: id },
      user: 'bench',
      name: 'bench',
      roles: ['*'],
      failover_timeout: 1e6,
      checkpoint: true,
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
    },
    events: {
      subscribed: () => undefined,
      disconnected: () => undefined,
      ended: reason => {
        throw new Error(reason)
      },
      event: ({ offers }) => {
        if (!offers?.offers) return
        offered()
        const decline = { offer_ids: offers.offers.map(({ id }) => id), filters: { refuse_seconds: 1_000 } }
        scheduler.call({ type: 'DECLINE', decline }).catch(() => undefined)
      },
    },
  })
  return scheduler
}

/** How many agents are registered with this leader, and how many tasks run. */
async function counts(url: string): Promise<{ agents: number; tasks: number }> {
  const metrics = await json<Record<string, number>>(`${url}/metrics/snapshot`)
  return { agents: metrics['master/slaves_active'] ?? 0, tasks: metrics['master/tasks_running'] ?? 0 }
}

export const bench: Bench = {
  name: 'failover',
  summary:
    'the leading master of three is killed with 10,000 agents and 100,000 tasks: seconds beyond the ZooKeeper session until the first offers of the next one, and until all agents and tasks are back',
  async run({ quick, say }) {
    const missing = missingServers()
    if (missing) throw new Error(`failover needs servers: ${missing}`)
    const agents = quick ? 2_000 : 10_000
    const tasks = agents * tasksEach
    // ZooKeeper keeps the session of a dead leader for so long, seconds.
    const session = quick ? 4 : 10
    const folder = await mkdtemp(join(tmpdir(), 'meseta-bench-'))
    const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
    try {
      const zookeeper = await startZookeeperServer({ clock, folder: join(folder, 'zk'), clientPort: await freePort() })
      ends.push(() => zookeeper.process.stop())
      const nats = await startNatsServer({ clock, folder: join(folder, 'nats'), port: await freePort() })
      ends.push(() => nats.process.stop())
      await zookeeperReady(zookeeper, clock)
      const store = `zk://127.0.0.1:${zookeeper.clientPort}/mesos`
      const bus = `nats://127.0.0.1:${nats.port}`
      const ports = [await freePort(), await freePort(), await freePort()]
      const masters = new MasterProcesses({ folder, store, bus, ports, sessionTimeout: `${session}s` })
      ends.push(() => masters.stop())
      const first = await until('a leader', () => masters.leader(), 60_000)
      const { election, close } = await openCoordination(store, { clock, random, log })
      ends.push(close)

      say(`${agents} agents come with ${tasks} tasks`)
      const host = await startServer('returning-agents.ts', [bus, String(agents), String(tasksEach), id])
      ends.push(host.stop)
      let offeredAt: number | undefined
      const scheduler = framework(electedMaster(election, '/'), () => {
        offeredAt ??= performance.now()
      })
      ends.push(() => scheduler.stop())
      await until('offers and all tasks', async () => offeredAt && (await counts(first)).tasks === tasks, 60_000, 200)

      say('the leader is killed')
      offeredAt = undefined
      const killed = performance.now()
      masters.of(first).child.kill('SIGKILL')
      await until('the first offers', () => offeredAt, 120_000, 10)
      const backAt = await until(
        'all agents and tasks',
        async () => {
          const leader = await masters.leader()
          const now = leader === undefined || leader === first ? undefined : await counts(leader)
          return now?.agents === agents && now.tasks === tasks && performance.now()
        },
        120_000,
        100,
      )
      const beyond = (at: number) => (at - killed) / 1000 - session
      const peer = { name: 'the session timeout', value: session }
      return [
        bounded('first offers, beyond the session', 's', Math.max(0, beyond(offeredAt!)), 10, peer),
        bounded('all agents and tasks, beyond the session', 's', Math.max(0, beyond(backAt)), 30, peer),
      ]
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}
