import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { meseta, mesetaDone, processesOf, readCluster } from '../src/support/cluster.ts'
import { until } from '../src/support/until.ts'

t.setTimeout(240_000)

t.test('a cluster that can not go on ends without its tasks, and the next one adopts them', async t => {
  const workDir = mkdtempSync(join(tmpdir(), 'meseta-broken-'))
  t.teardown(async () => {
    await meseta(['down', '--work-dir', workDir])
    rmSync(workDir, { recursive: true, force: true })
  })
  const sleepers = () => processesOf(workDir).filter(({ command }) => command === 'sleep 1234')
  const up = () => mesetaDone(['up', '--agents', '2', '--no-ui', '--detach', '--work-dir', workDir])
  await up()
  const { marathon, pids } = readCluster(workDir)
  const put = (instances: number) =>
    fetch(`${marathon}/v2/apps/sleeper`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ cmd: 'exec sleep 1234', instances, cpus: 0.01, mem: 8 }),
    })
  t.ok((await put(4)).ok)
  await until('four tasks', () => sleepers().length === 4)
  const before = sleepers().map(({ pid }) => pid)

  // The disk of each agent fails where it notes what it runs; the first that is to note something ends the cluster.
  for (const agent of ['agent-1', 'agent-2']) {
    renameSync(join(workDir, agent, 'meta'), join(workDir, agent, 'aside'))
    writeFileSync(join(workDir, agent, 'meta'), '')
  }
  await put(8).catch(() => undefined)
  await until('the end of the cluster', () => pids.every(pid => !processesOf(workDir).some(found => found.pid === pid)))
  const told = await readFile(join(workDir, 'log/up.log'), 'utf8')
  t.match(told, /^ending the cluster; its tasks go on$/m)
  t.match(told, /agent-[12]: the agent can not go on: ENOTDIR/)
  const after = sleepers().map(({ pid }) => pid)
  t.ok(before.every(pid => after.includes(pid)))

  for (const agent of ['agent-1', 'agent-2']) {
    rmSync(join(workDir, agent, 'meta'))
    renameSync(join(workDir, agent, 'aside'), join(workDir, agent, 'meta'))
  }
  await up()
  await until('all tasks', async () => {
    const { app } = (await (await fetch(`${readCluster(workDir).marathon}/v2/apps/sleeper`)).json()) as {
      app: { instances: number; tasksRunning: number }
    }
    return app.tasksRunning === app.instances
  })
  const adopted = sleepers().map(({ pid }) => pid)
  t.ok(
    before.every(pid => adopted.includes(pid)),
    'the first four are the same processes',
  )
})
