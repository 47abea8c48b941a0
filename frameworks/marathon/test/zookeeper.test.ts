import { openCoordination } from '@meseta/common/coordination/open'
import { zookeeperMode } from '@meseta/common/coordination/zookeeper-server'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import { ScriptedCluster } from '@meseta/sdk/testing/scripted-agents'
import t, { type Test } from 'tap'
import { Client } from './support/client.ts'
import { runMarathon } from './support/process.ts'
import { realZookeeper, Wire, zookeeperSkip } from './support/zookeeper.ts'

const skip = await zookeeperSkip()
t.setTimeout(100_000)

const agents = [1, 2].map(n => ({ hostname: `127.0.0.${n}`, cpus: 8, mem: 8_000 }))
const app = (id: string) => ({ id, cmd: 'serve', cpus: 0.1, mem: 32, instances: 2 })
const ids = (cluster: ScriptedCluster): string[] => cluster.running().map(task => task.info.task_id.value)

const connect = (port: number, root: string, sessionTimeout = 4_000) =>
  openCoordination(`zk://127.0.0.1:${port}${root}`, {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'test', level: 'silent' }),
    sessionTimeout,
  })

/** A ZooKeeper server, and a master that leads in it; Marathons on it are found by their own ports. */
async function world(t: Test) {
  const server = await realZookeeper(t.testdir({}))
  const { clientPort } = server
  const cluster = await ScriptedCluster.start(agents)
  const masters = await connect(clientPort, '', 10_000)
  const lead = async (cluster: ScriptedCluster) => {
    const { hostname: ip, port } = new URL(cluster.master.url)
    return masters.election.contend(
      '/mesos',
      'json.info_',
      Buffer.from(JSON.stringify({ address: { ip, port: Number(port) } })),
    )
  }
  const candidacy = await lead(cluster)
  t.teardown(async () => {
    server.process.signal('SIGCONT')
    await masters.close()
    await cluster.stop()
    await server.process.stop()
  })
  return {
    server,
    cluster,
    candidacy,
    lead,
    async marathon(port = clientPort, sessionTimeout = 4_000) {
      const coordination = await connect(port, '/meseta', sessionTimeout)
      const master = `zk://user:secret@127.0.0.1:${clientPort},localhost:${clientPort}/mesos`
      const running = await runMarathon(coordination, master)
      let stopped = false
      const stop = async (): Promise<void> => {
        if (stopped) return
        stopped = true
        await running.stop()
        await coordination.close()
      }
      t.teardown(stop)
      return { ...running, stop, client: new Client(running.url) }
    },
  }
}

/** The process that is asked leads itself: it would ask the leader otherwise. */
const leads = (client: Client): Promise<unknown> =>
  client.until('/v2/info', info => info.leader === client.url.slice('http://'.length) && info.frameworkId, 30_000)

t.test(
  'a leader that is cut off: what it has acknowledged is there, what it has not is answered 503',
  { skip },
  async t => {
    const { server, cluster, marathon } = await world(t)
    const { wire, port } = await Wire.to(server.clientPort)
    t.teardown(() => wire.close())
    const first = await marathon(port)
    await leads(first.client)
    const second = await marathon()
    const made = await second.client.post('/v2/apps', app('/before'))
    t.match(made, { status: 201 })
    t.equal(made.headers.get('x-marathon-leader'), first.url, 'a follower sends on to the leader')
    await second.client.deployed()
    const before = ids(cluster)

    wire.cut()
    const pending = [first, second].map(({ client }, n) => client.post('/v2/apps', app(`/lost-${n}`)))
    t.match((await first.client.get('/v2/apps/before')).body.app, { tasksRunning: 2 }, 'what it knows is still read')
    await leads(second.client)
    await second.client.until('/v2/apps/before', body => body.app?.tasksRunning === 2)
    t.same(ids(cluster), before, 'no task ended')
    t.match(await second.client.post('/v2/apps', app('/after')), { status: 201 })
    await second.client.deployed()

    wire.mend()
    const [direct, forwarded] = await Promise.all(pending)
    t.match(direct, { status: 503, body: { message: /whether the change was made is not known/ } })
    t.ok(forwarded?.status === 503 || forwarded?.status === 502, 'a follower waits for the leader for 10 s')
    t.match(await first.fatal, /session|failed over/)
    await first.stop()
    t.same(
      (await second.client.get('/v2/apps')).body.apps.map((one: { id: string }) => one.id).sort(),
      ['/after', '/before'],
      'the store refused the deposed',
    )
    t.equal(ids(cluster).length, 4)
  },
)

t.test('while ZooKeeper stands still a change waits and says so, and is made when it goes on', { skip }, async t => {
  const { server, cluster, marathon } = await world(t)
  const { client } = await marathon(server.clientPort, 10_000)
  await leads(client)
  await client.post('/v2/apps', app('/before'))
  await client.deployed()
  server.process.signal('SIGSTOP')
  while ((await zookeeperMode(server.clientPort)) !== undefined);
  const pending = client.post('/v2/apps', app('/waits'))
  await client.until('/health', health => health.checks.store?.status === 'degraded', 30_000)
  t.match((await client.get('/v2/apps/before')).body.app, { tasksRunning: 2 })
  t.equal(ids(cluster).length, 2, 'nothing is launched before its record is stored')
  server.process.signal('SIGCONT')
  const answer = await pending
  t.match(answer, { status: 201 })
  await client.until('/v2/apps/waits', body => body.app?.tasksRunning === 2)
  await client.until('/health', health => health.status === 'ok')
})

t.test('the masters are found by their election in ZooKeeper, and followed to another', { skip }, async t => {
  const { cluster, candidacy, lead, marathon } = await world(t)
  const { client } = await marathon()
  await leads(client)
  t.ok(cluster.master.connected)
  const config = (await client.get('/v2/info')).body.marathon_config
  t.match(config.master, /^zk:\/\/\[hidden\]@127\.0\.0\.1/, 'and nobody is told the password')
  const other = await ScriptedCluster.start(agents)
  t.teardown(() => other.stop())
  const next = await lead(other)
  await candidacy.withdraw()
  await next.elected
  await client.post('/v2/apps', app('/a'))
  await client.until('/v2/apps/a', body => body.app?.tasksRunning === 2)
  t.equal(other.running().length, 2)
  t.equal(other.master.frameworkId, cluster.master.frameworkId)
})
