import { createMemoryCoordination } from '@meseta/common/coordination/memory'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { seededRandom } from '@meseta/common/sim/random'
import { ScriptedCluster } from '@meseta/sdk/testing/scripted-agents'
import t from 'tap'
import { Records } from '../src/shell/records.ts'
import { Client } from './support/client.ts'
import { newServers, startMarathon } from './support/process.ts'

t.setTimeout(50_000)

const agents = [1, 2].map(n => ({ hostname: `127.0.0.${n}`, cpus: 8, mem: 8_000 }))
const app = (id: string, more = {}) => ({ id, cmd: 'serve', cpus: 0.1, mem: 32, ...more })
const ids = (cluster: ScriptedCluster): string[] =>
  cluster
    .running()
    .map(task => task.info.task_id.value)
    .sort()

t.test(
  'a follower sends everything on to the leader, and takes over when it dies; tasks go on as they are',
  async t => {
    const cluster = await ScriptedCluster.start(agents)
    const servers = newServers()
    const first = await startMarathon(servers, cluster.master.url)
    await new Client(first.url).until('/v2/info', info => info.frameworkId)
    const second = await startMarathon(servers, cluster.master.url)
    t.teardown(async () => {
      await second.stop()
      await cluster.stop()
    })
    const client = new Client(second.url)
    const made = await client.post('/v2/apps', app('/a', { instances: 3 }))
    t.equal(made.status, 201)
    t.match(made.headers.get('x-marathon-via'), /^1\.1 127\.0\.0\.1:\d+$/)
    t.equal(made.headers.get('x-marathon-leader'), first.url)
    await client.deployed()
    const events = await client.send('GET', '/v2/events', undefined, { accept: 'text/event-stream' })
    t.match(events, { status: 302 })
    t.equal(events.headers.get('location'), `${first.url}/v2/events`)
    const before = ids(cluster)
    const frameworkId = cluster.master.frameworkId
    const running = await client.put('/v2/apps/a', { cpus: 100 })
    await first.kill()
    await client.until('/v2/info', info => info.elected === true && info.leader === second.url.slice(7))
    await client.until('/v2/apps/a', body => body.app?.tasksRunning === 3)
    t.same(ids(cluster), before, 'the same tasks')
    t.equal(cluster.master.frameworkId, frameworkId)
    t.match((await client.get('/v2/deployments')).body, [{ id: running.body.deploymentId }], 'the deployment goes on')
    t.match(await client.delete(`/v2/deployments/${running.body.deploymentId}`), { status: 200 })
    await client.deployed()
    t.same(ids(cluster), before)
    t.same((await client.get('/v2/apps/a/versions')).body.versions.length, 3)
    await client.delete('/v2/apps/a')
    await client.deployed()
    t.same(ids(cluster), [])
  },
)

t.test('a process that loses its session ends; a graceful one leaves the tasks alone', async t => {
  const cluster = await ScriptedCluster.start(agents)
  const servers = newServers()
  const first = await startMarathon(servers, cluster.master.url)
  const client = new Client(first.url)
  await client.post('/v2/apps', app('/a'))
  await client.deployed()
  const before = ids(cluster)
  await first.stop()
  const second = await startMarathon(servers, cluster.master.url)
  await new Client(second.url).until('/v2/apps/a', body => body.app?.tasksRunning === 1)
  t.same(ids(cluster), before)
  await second.kill()
  t.match(await second.fatal, /leadership or candidacy is lost/)
  await cluster.stop()
})

t.test(
  'without the store a change waits and says so, and is made when it is back; what runs is still shown',
  async t => {
    const cluster = await ScriptedCluster.start(agents)
    const marathon = await startMarathon(newServers(), cluster.master.url)
    t.teardown(async () => {
      await marathon.stop()
      await cluster.stop()
    })
    const client = new Client(marathon.url)
    await client.post('/v2/apps', app('/a'))
    await client.deployed()
    const before = ids(cluster)
    marathon.coordination.suspend()
    const answer = client.post('/v2/apps', app('/b'))
    await client.until('/health', body => body.checks.store?.status === 'degraded')
    t.match((await client.get('/health')).body.checks.store.sentence, /changes wait/)
    t.equal((await client.get('/v2/apps/a')).body.app.tasksRunning, 1)
    t.same(ids(cluster), before, 'nothing is launched before its record is stored')
    marathon.coordination.resume()
    t.equal((await answer).status, 201)
    await client.until('/v2/apps/b', body => body.app.tasksRunning === 1)
    t.match((await client.get('/health')).body, { status: 'ok' })
  },
)

t.test('records survive a store that loses answers', async t => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = seededRandom(seed)
    const servers = createMemoryCoordination({ clock: systemClock, random, failed: error => t.fail(String(error)) })
    servers.faults = {
      delay: [0, 2],
      watchDelay: [0, 0],
      unavailableBefore: 0.2,
      unavailableAfter: 0.2,
      staleRead: 0.3,
    }
    const health = new Health()
    const open = () =>
      new Records({
        store: servers.connect().store,
        clock: { ...systemClock, after: (_delay, action) => systemClock.after(0, action) },
        health,
        base: '/marathon/state',
        failed: error => t.fail(`seed ${seed}: ${error.message}`),
      })
    const records = open()
    const expected = new Map<string, string | undefined>()
    for (let round = 0; round < 30; round += 1) {
      const id = `/a${random.int(5)}`
      const value = random.chance(0.3) ? null : JSON.stringify({ format: 1, failure: { appId: id, round } })
      records.write([{ path: `failures/${id.slice(1)}`, value }])
      expected.set(id, value ?? undefined)
      if (random.chance(0.3)) await new Promise(resolve => setTimeout(resolve, 2))
    }
    await records.close()
    const stored = await open().takeOver()
    const found = new Map(stored.failures.map(one => [String(one.appId), JSON.stringify({ format: 1, failure: one })]))
    for (const [id, value] of expected) t.equal(found.get(id), value, `seed ${seed}: ${id}`)
  }
})
