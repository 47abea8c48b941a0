import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { meseta, mesetaDone, processesOf, readCluster } from '../src/support/cluster.ts'
import { until } from '../src/support/until.ts'

t.setTimeout(240_000)

interface Slave {
  readonly id: string
  readonly active: boolean
  readonly deactivated: boolean
  readonly drain_info?: { readonly state: string }
}

t.test('agents are drained and given back, with the tasks of an app moving to where they may run', async t => {
  const workDir = mkdtempSync(join(tmpdir(), 'meseta-draining-'))
  t.teardown(async () => {
    await meseta(['down', '--work-dir', workDir])
    rmSync(workDir, { recursive: true, force: true })
  })
  const up = () => mesetaDone(['up', '--agents', '2', '--no-ui', '--detach', '--work-dir', workDir])
  const sleepers = () => processesOf(workDir).filter(({ command }) => command === 'sleep 4321')
  const slaves = async () => {
    const response = await fetch(`${readCluster(workDir).master}/slaves`)
    return ((await response.json()) as { slaves: Slave[] }).slaves
  }
  const operate = async (type: string, agentId: string, more: object = {}) => {
    const response = await fetch(`${readCluster(workDir).master}/api/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type, [type.toLowerCase()]: { agent_id: { value: agentId }, ...more } }),
    })
    return response.status
  }
  /** How many tasks of the app run on an agent. */
  const runningOn = async (agentId: string) => {
    const { tasks } = (await (await fetch(`${readCluster(workDir).marathon}/v2/apps/sleeper/tasks`)).json()) as {
      tasks: { slaveId: string; state: string }[]
    }
    return tasks.filter(({ slaveId, state }) => slaveId === agentId && state === 'TASK_RUNNING').length
  }
  await up()
  const app = { id: '/sleeper', cmd: 'exec sleep 4321', instances: 4, cpus: 0.01, mem: 8 }
  await fetch(`${readCluster(workDir).marathon}/v2/apps`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(app),
  })
  await until('the tasks', () => sleepers().length === 4)
  const ids = (await slaves()).map(({ id }) => id)
  const first = (await runningOn(ids[0]!)) > 0 ? ids[0]! : ids[1]!
  const second = ids.find(id => id !== first)!

  t.equal(await operate('DRAIN_AGENT', first, { max_grace_period: { seconds: 1 } }), 200)
  await until('all tasks on the second', async () => (await runningOn(second)) === 4)
  await until('the first to be drained', async () => {
    const found = (await slaves()).find(({ id }) => id === first)
    return found?.drain_info?.state === 'DRAINED'
  })
  t.equal(sleepers().length, 4)

  await mesetaDone(['down', '--keep-tasks', '--work-dir', workDir])
  await up()
  await until('both agents', async () => (await slaves()).length === 2)
  t.match(
    (await slaves()).find(({ id }) => id === first),
    {
      active: false,
      deactivated: true,
      drain_info: { state: 'DRAINED' },
    },
  )
  t.equal(await operate('REACTIVATE_AGENT', second), 400)
  t.equal(await operate('REACTIVATE_AGENT', first), 200)
  t.equal(await operate('DRAIN_AGENT', second), 200)
  await until('all tasks on the first', async () => (await runningOn(first)) === 4)
  await until('those of the second to end', () => sleepers().length === 4)
})
