import { userInfo } from 'node:os'
import type { Offer, SchedulerCall, TaskInfo } from '@meseta/common/protocol/mesos'
import { Scheduler } from '@meseta/sdk/scheduler'
import { Pool } from 'undici'
import { type Bench, compared } from './bench.ts'
import { startServer } from './support/child.ts'

const agents = 1000
const connections = 64

const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } })

function taskFor(offer: Offer, number: number): TaskInfo {
  return {
    name: 'bench',
    task_id: { value: `bench.${number}` },
    agent_id: offer.agent_id,
    resources: [scalar('cpus', 0.1), scalar('mem', 32)],
    command: {
      shell: true,
      value: 'sleep 1000',
      environment: { variables: [{ name: 'NUMBER', value: String(number) }] },
    },
    labels: { labels: [{ key: 'of', value: 'the launch benchmark' }] },
  }
}

const acceptOf = (offer: Offer, task: TaskInfo): Omit<SchedulerCall, 'framework_id'> => ({
  type: 'ACCEPT',
  accept: {
    offer_ids: [offer.id],
    operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }],
    filters: { refuse_seconds: 0 },
  },
})

/** Tasks a second from the first ACCEPT to the last TASK_RUNNING, every update acknowledged. Answers the calls it sent, too. */
async function launch(
  port: number,
  count: number,
  way: 'stream' | 'classic',
): Promise<{ rate: number; calls: object[] }> {
  const done = Promise.withResolvers<void>()
  const calls: object[] = []
  let launched = 0
  let running = 0
  let begun = 0
  const scheduler = new Scheduler({
    master: `http://127.0.0.1:${port}`,
    codec: 'json',
    framework: {
      user: userInfo().username,
      name: 'bench',
      roles: ['*'],
      checkpoint: false,
      failover_timeout: 0,
      capabilities: [{ type: 'MULTI_ROLE' }],
    },
    maxCalls: 100_000,
    calls: way,
    events: {
      subscribed: () => undefined,
      disconnected: reason => done.reject(new Error(reason)),
      ended: reason => done.reject(new Error(reason)),
      event(event) {
        for (const offer of event.offers?.offers ?? []) {
          if (launched === count) return
          if (begun === 0) begun = performance.now()
          launched += 1
          const call = acceptOf(offer, taskFor(offer, launched))
          if (calls.length < 1000) calls.push({ framework_id: { value: scheduler.frameworkId }, ...call })
          scheduler.call(call).catch(done.reject)
        }
        const status = event.update?.status
        if (!status) return
        if (status.uuid !== undefined) {
          const acknowledge = { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid }
          scheduler.call({ type: 'ACKNOWLEDGE', acknowledge }).catch(done.reject)
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
  return { rate, calls }
}

/** The same ACCEPTs sent to a server that only parses them. */
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
  summary: `tasks from ACCEPT to an acknowledged TASK_RUNNING with ${agents} simulated agents, one task a call, beside bare node:http parsing the same calls`,
  async run({ quick, say }) {
    const master = await startServer('launch-master.ts', [String(agents)])
    const parser = await startServer('accept-parser.ts')
    try {
      const count = quick ? 8_000 : 30_000
      say('warming up')
      await launch(master.port, 2_000, 'stream')
      say(`launching ${count} tasks over the stream of calls, then with a request for each call`)
      const { rate, calls } = await launch(master.port, count, 'stream')
      const classic = await launch(master.port, count / 2, 'classic')
      await parse(parser.port, calls, 5_000)
      const peer = await parse(parser.port, calls, 40_000)
      const limit = { name: 'bare node:http', value: peer }
      return [
        compared('tasks, stream of calls', '1/s', rate, limit, { least: 0.1 }),
        compared('tasks, a request each call', '1/s', classic.rate, limit, { least: 0.1 }),
      ]
    } finally {
      master.stop()
      parser.stop()
    }
  },
}
