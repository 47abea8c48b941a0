import t, { type Test } from 'tap'
import { type Booted, bootCluster } from '../src/support/boot.ts'
import { meseta } from '../src/support/cluster.ts'
import { addresses } from '../src/support/dns-client.ts'
import { json, send } from '../src/support/http.ts'
import { missingServers } from '../src/support/servers.ts'
import { until } from '../src/support/until.ts'

// A cluster as a company runs it: every component a process of its own, on real ZooKeeper and NATS servers.
const skip = missingServers()
const limit = 120_000
/** Longer than a link needs to notice. NATS_AWAY_SECONDS=200 is the outage that operators fear: longer than agents may be silent. */
const natsAway = Number(process.env.NATS_AWAY_SECONDS ?? 20) * 1_000
const whole = 590_000 + natsAway
t.setTimeout(whole)

interface State {
  readonly slaves: readonly { readonly active: boolean }[]
  readonly unreachable_slaves: number
  readonly frameworks: readonly {
    readonly name: string
    readonly active: boolean
    readonly tasks: readonly {
      readonly id: string
      readonly state: string
      readonly statuses: readonly { readonly container_status?: { readonly executor_pid?: number } }[]
    }[]
  }[]
}

const app = {
  id: '/steady',
  cmd: 'sleep 100000',
  instances: 3,
  cpus: 0.05,
  mem: 32,
}

function processOf(booted: Booted, component: string, url?: string) {
  const found = booted
    .cluster()
    .processes.find(process => process.component === component && (url === undefined || process.url === url))
  if (!found) throw new Error(`the cluster has no ${component}`)
  return found
}

const state = (booted: Booted) => json<State>(`${booted.cluster().router}/mesos/master/state`)

/** The running tasks of Marathon with the pids of their processes, as the leading master knows them. */
async function tasks(booted: Booted): Promise<string[]> {
  const { frameworks } = await state(booted)
  const marathon = frameworks.find(({ name }) => name === 'marathon')
  return (marathon?.tasks ?? [])
    .filter(task => task.state === 'TASK_RUNNING')
    .map(task => `${task.id} ${task.statuses.at(-1)?.container_status?.executor_pid}`)
    .sort()
}

/** Everything is back: agents and Marathon connected, and the very same tasks run. */
async function caughtUp(t: Test, booted: Booted, before: readonly string[]): Promise<void> {
  await until(
    'three agents and Marathon are connected',
    async () => {
      const { slaves, frameworks, unreachable_slaves } = await state(booted)
      const connected = frameworks.some(({ name, active }) => name === 'marathon' && active)
      return slaves.filter(({ active }) => active).length === 3 && unreachable_slaves === 0 && connected
    },
    60_000,
  )
  t.same(await tasks(booted), before, 'no task died')
}

/** Kills with SIGKILL, and waits until another process has taken the place. */
async function killAndWait(booted: Booted, component: string, url?: string): Promise<void> {
  const victim = processOf(booted, component, url)
  process.kill(victim.pid, 'SIGKILL')
  await until(
    `${victim.name} runs again`,
    async () => {
      const now = booted.cluster().processes.find(({ name }) => name === victim.name)
      if (!now || now.pid === victim.pid) return false
      const answer = await fetch(`${now.url}/health`, { signal: AbortSignal.timeout(1_000) })
      await answer.body?.cancel()
      return answer.status < 500
    },
    40_000,
  )
}

t.test('a cluster of processes', { skip, timeout: whole }, async t => {
  const booted = await bootCluster(t, ['--processes', '--masters', '3', '--agents', '3'])
  const marathon = () => `${booted.cluster().router}/marathon`
  await send('POST', `${marathon()}/v2/apps`, app)
  const before = await until('three running tasks', async () => {
    const running = await tasks(booted)
    return running.length === 3 && running
  })

  await t.test('killing the leading master moves leadership, and no task dies', { timeout: limit }, async t => {
    const leader = booted.cluster().master
    process.kill(processOf(booted, 'master', leader).pid, 'SIGKILL')
    await until('another master leads', () => booted.cluster().master !== leader, 60_000)
    await caughtUp(t, booted, before)
    // A change that was acknowledged by the new leader's Marathon session is done.
    await send('PUT', `${marathon()}/v2/apps/steady`, { instances: 4 })
    await until('a fourth task', async () => (await tasks(booted)).length === 4)
    await send('PUT', `${marathon()}/v2/apps/steady`, { instances: 3 })
    await until('three tasks again', async () => (await tasks(booted)).length === 3)
  })

  for (const component of ['marathon', 'universe', 'gateway', 'dns', 'balancer', 'agent']) {
    await t.test(`${component} killed with SIGKILL is started again, and no task dies`, { timeout: limit }, async t => {
      const running = await until('three running tasks', async () => {
        const now = await tasks(booted)
        return now.length === 3 && now
      })
      await killAndWait(booted, component)
      await caughtUp(t, booted, running)
    })
  }

  await t.test('names still answer, and the command line sees a healthy cluster', { timeout: limit }, async t => {
    await until(
      'addresses of the app',
      async () => (await addresses(booted.cluster(), 'udp', 'steady.marathon.mesos')).length > 0,
    )
    const status = await until(
      'a healthy status',
      async () => {
        const result = await meseta(['status', '--json', '--work-dir', booted.workDir])
        return result.code === 0 && result
      },
      30_000,
      500,
    )
    t.ok(status.stdout.includes('"components"'))
  })

  await t.test(
    'NATS away: nothing is marked unreachable, no task dies, and all catches up',
    { timeout: limit + natsAway },
    async t => {
      const running = await tasks(booted)
      const nats = processOf(booted, 'nats')
      process.kill(nats.pid, 'SIGSTOP')
      const stopped = Date.now()
      while (Date.now() - stopped < natsAway) {
        const { unreachable_slaves } = await state(booted)
        t.equal(unreachable_slaves, 0)
        await new Promise(resolve => setTimeout(resolve, 5_000))
      }
      process.kill(nats.pid, 'SIGCONT')
      await caughtUp(t, booted, running)
      await send('PUT', `${marathon()}/v2/apps/steady`, { instances: 4 })
      await until('a launch over the bus that is back', async () => (await tasks(booted)).length === 4, 60_000)
      await send('PUT', `${marathon()}/v2/apps/steady`, { instances: 3 })
      await until('three tasks again', async () => (await tasks(booted)).length === 3, 60_000)
    },
  )

  const kept = async () => {
    const { app: now } = await json<{ app: { env: Record<string, string>; tasksRunning: number } }>(
      `${marathon()}/v2/apps/steady`,
    )
    return now.env.MARK === 'kept' && now.tasksRunning === 3
  }

  await t.test('ZooKeeper restarted: no acknowledged change is lost', { timeout: limit }, async t => {
    await send('PUT', `${marathon()}/v2/apps/steady?force=true`, { env: { MARK: 'kept' }, instances: 3 })
    await killAndWaitServer(booted)
    await until('the change is still there', kept, 90_000)
    // Not only in memory: another process reads it back.
    await killAndWait(booted, 'marathon')
    await until('the change is read back', kept, 60_000)
    t.pass('kept')
  })

  await t.test('ZooKeeper away: a change is refused with the reason, or kept', { timeout: limit }, async t => {
    const zookeeper = processOf(booted, 'zookeeper')
    process.kill(zookeeper.pid, 'SIGSTOP')
    const changing = fetch(`${marathon()}/v2/apps/steady?force=true`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ labels: { CHANGED: 'yes' } }),
      signal: AbortSignal.timeout(60_000),
    })
    await new Promise(resolve => setTimeout(resolve, 25_000))
    process.kill(zookeeper.pid, 'SIGCONT')
    const answer = await changing
    const text = await answer.text()
    t.comment(`${answer.status} ${text}`)
    if (answer.ok) {
      await until('the change is there', async () => {
        const { app: now } = await json<{ app: { labels: Record<string, string> } }>(`${marathon()}/v2/apps/steady`)
        return now.labels.CHANGED === 'yes'
      })
    } else {
      t.equal(answer.status, 503)
      t.match(text, /store|leader|ZooKeeper/i)
    }
    // Refused or not, it may have been made: then three new tasks take the place of the three.
    await until('three tasks', async () => (await tasks(booted)).length === 3, 60_000)
    await caughtUp(t, booted, await tasks(booted))
  })
})

/** ZooKeeper serves no HTTP: its place is taken when its pid is another one. */
async function killAndWaitServer(booted: Booted): Promise<void> {
  const victim = processOf(booted, 'zookeeper')
  process.kill(victim.pid, 'SIGKILL')
  await until(
    'ZooKeeper runs again',
    () => {
      const now = booted.cluster().processes.find(({ component }) => component === 'zookeeper')
      return now !== undefined && now.pid !== victim.pid
    },
    40_000,
  )
}
