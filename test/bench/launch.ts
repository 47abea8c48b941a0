import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { natsServerMissing, startNatsServer } from '@meseta/common/messaging/nats-server'
import type { Offer, SchedulerCall, TaskInfo } from '@meseta/common/protocol/mesos'
import { systemClock } from '@meseta/common/service/clock'
import { Scheduler } from '@meseta/sdk/scheduler'
import { Pool } from 'undici'
import { type Bench, compared, type Result, reached } from './bench.ts'
import { startServer } from './support/child.ts'
import { freePort } from './support/free-port.ts'
import { cpuOf } from './support/usage.ts'

const connections = 64
/** Calls that are kept for the peer. */
const keptCalls = 20_000
/** How many tasks a framework launches with one offer. */
const tasksAnAccept = 10

const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } })

function taskFor(offer: Offer, number: number): TaskInfo {
  return {
    name: 'bench',
    task_id: { value: `bench.${number}` },
    agent_id: offer.agent_id,
    resources: [scalar('cpus', 0.01), scalar('mem', 10)],
    command: {
      shell: true,
      value: 'sleep 1000',
      environment: { variables: [{ name: 'NUMBER', value: String(number) }] },
    },
    labels: { labels: [{ key: 'of', value: 'the launch benchmark' }] },
  }
}

const acceptOf = (offer: Offer, tasks: TaskInfo[]): Omit<SchedulerCall, 'framework_id'> => ({
  type: 'ACCEPT',
  accept: {
    offer_ids: [offer.id],
    operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
    filters: { refuse_seconds: 0 },
  },
})

interface Launched {
  /** Tasks a second from the first ACCEPT to the last TASK_RUNNING, every update acknowledged. */
  readonly rate: number
  /** Some of the calls that it took, evenly and in their order. */
  readonly calls: readonly object[]
  /** Calls a task. */
  readonly callsATask: number
}

/** Launches so many tasks and waits until all of them run. */
async function launch(port: number, count: number, way: 'stream' | 'classic'): Promise<Launched> {
  const done = Promise.withResolvers<void>()
  const calls: object[] = []
  // Two acknowledgements a task; from the whole run, since it begins with more ACCEPTs than it goes on with.
  const stride = Math.ceil((count * (2 + 1 / tasksAnAccept)) / keptCalls)
  let sent = 0
  let launched = 0
  let running = 0
  let begun = 0
  const call = (one: Omit<SchedulerCall, 'framework_id'>) => {
    sent += 1
    if (sent % stride === 0) calls.push({ framework_id: { value: scheduler.frameworkId }, ...one })
    scheduler.call(one).catch(done.reject)
  }
  const scheduler = new Scheduler({
    master: `http://127.0.0.1:${port}`,
    codec: way === 'classic' ? 'json' : 'protobuf',
    framework: {
      user: userInfo().username,
      name: 'bench',
      roles: ['*'],
      checkpoint: false,
      failover_timeout: 0,
      capabilities: [{ type: 'MULTI_ROLE' }],
    },
    maxCalls: 1_000_000,
    calls: way,
    events: {
      subscribed: () => undefined,
      disconnected: reason => done.reject(new Error(reason)),
      ended: reason => done.reject(new Error(reason)),
      event(event) {
        for (const offer of event.offers?.offers ?? []) {
          if (launched >= count) return
          if (begun === 0) begun = performance.now()
          const tasks = Array.from({ length: Math.min(tasksAnAccept, count - launched) }, (_, index) =>
            taskFor(offer, launched + index + 1),
          )
          launched += tasks.length
          call(acceptOf(offer, tasks))
        }
        const status = event.update?.status
        if (!status) return
        if (status.uuid !== undefined) {
          const acknowledge = { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid }
          call({ type: 'ACKNOWLEDGE', acknowledge })
        }
        if (status.state === 'TASK_RUNNING') {
          running += 1
          if (running === count) done.resolve()
        } else if (status.state !== 'TASK_STARTING') done.reject(new Error(`${status.state}: ${status.message}`))
      },
    },
  })
  await done.promise
  const rate = count / ((performance.now() - begun) / 1000)
  await scheduler.teardown()
  return { rate, calls, callsATask: sent / count }
}

/** Calls a second of a server that only parses them: the same ones, in the same order. */
async function parse(port: number, calls: readonly object[], count: number): Promise<number> {
  const bodies = calls.map(call => JSON.stringify(call))
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections })
  let next = 0
  const begun = performance.now()
  const client = async () => {
    while (next < count) {
      const body = bodies[next++ % bodies.length]!
      const answer = await pool.request({
        path: '/',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      await answer.body.dump()
      if (answer.statusCode !== 202) throw new Error(`the parser answered ${answer.statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  const rate = count / ((performance.now() - begun) / 1000)
  await pool.close()
  return rate
}

export const bench: Bench = {
  name: 'launch',
  summary:
    'tasks from ACCEPT to an acknowledged TASK_RUNNING with 10,000 simulated agents on NATS, beside bare node:http that parses the same calls',
  async run({ quick, say }) {
    const missing = natsServerMissing()
    if (missing !== undefined) throw new Error(`launch needs NATS: ${missing}`)
    const folder = await mkdtemp(join(tmpdir(), 'meseta-bench-'))
    const nats = await startNatsServer({ clock: systemClock, folder, port: await freePort() })
    const bus = `nats://127.0.0.1:${nats.port}`
    const master = await startServer('launch-master.ts', [bus])
    const agents = quick ? 2_000 : 10_000
    say(`${agents} agents register`)
    const host = await startServer('launch-agents.ts', [bus, String(agents)])
    const parser = await startServer('accept-parser.ts')
    try {
      const count = quick ? 20_000 : 200_000
      say('warming up')
      await launch(master.port, count / 4, 'stream')
      const results: Result[] = []
      for (const way of ['stream', 'classic'] as const) {
        say(`launching ${count} tasks, ${way === 'stream' ? 'over the stream of calls' : 'a request for each call'}`)
        const before = [await cpuOf(master.child), await cpuOf(host.child)] as const
        const { rate, calls, callsATask } = await launch(master.port, count, way)
        const used = ((await cpuOf(master.child)) - before[0]) / count
        const hosts = ((await cpuOf(host.child)) - before[1]) / count
        say(`processor time a task: master ${used.toFixed(0)} µs, simulated agents ${hosts.toFixed(0)} µs`)
        await parse(parser.port, calls, 5_000)
        const peer = (await parse(parser.port, calls, 40_000)) / callsATask
        const limit = { name: 'bare node:http', value: peer }
        results.push(
          way === 'stream'
            ? reached('tasks, stream of calls', '1/s', rate, 10_000, limit)
            : compared('tasks, a request each call', '1/s', rate, limit, { least: 0.5 }),
        )
      }
      return results
    } finally {
      for (const { stop } of [master, host, parser]) stop()
      await nats.process.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
