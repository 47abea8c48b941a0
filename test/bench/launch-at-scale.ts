import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { natsServerMissing, startNatsServer } from '@meseta/common/messaging/nats-server'
import { systemClock } from '@meseta/common/service/clock'
import { Scheduler } from '@meseta/sdk/scheduler'
import { type Bench, bounded, type Result } from './bench.ts'
import { startServer } from './support/child.ts'
import { freePort } from './support/free-port.ts'
import { hasCpus } from './support/offers.ts'
import { cpuOf } from './support/usage.ts'

const frameworks = 200
/** What the test framework's task takes by itself, ms. */
const ownTime = 10_000

/** How much longer than its own 10 s a framework with one task takes, from its SUBSCRIBE to TASK_FINISHED. Milliseconds. */
async function overhead(url: string): Promise<number> {
  const begun = performance.now()
  const done = Promise.withResolvers<number>()
  const scheduler = new Scheduler({
    master: url,
    framework: {
      user: userInfo().username,
      name: 'probe',
      roles: ['*'],
      checkpoint: false,
      failover_timeout: 0,
      capabilities: [{ type: 'MULTI_ROLE' }],
    },
    events: {
      subscribed: () => undefined,
      disconnected: reason => done.reject(new Error(reason)),
      ended: reason => done.reject(new Error(reason)),
      event(event) {
        const offer = launched ? undefined : event.offers?.offers?.find(one => hasCpus(one, 1))
        if (offer) {
          launched = true
          const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } })
          const task = {
            name: `${ownTime} ms`,
            task_id: { value: 'probe' },
            agent_id: offer.agent_id,
            resources: [scalar('cpus', 1), scalar('mem', 100)],
            command: { value: 'sleep 10' },
          }
          const operations = [{ type: 'LAUNCH' as const, launch: { task_infos: [task] } }]
          scheduler.call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations } }).catch(done.reject)
          scheduler.call({ type: 'SUPPRESS' }).catch(done.reject)
        }
        const rest = event.offers?.offers?.filter(one => one !== offer).map(({ id }) => id) ?? []
        if (rest.length > 0)
          scheduler
            .call({ type: 'DECLINE', decline: { offer_ids: rest, filters: { refuse_seconds: 0 } } })
            .catch(done.reject)
        const status = event.update?.status
        if (status?.uuid !== undefined) {
          const acknowledge = { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid }
          scheduler.call({ type: 'ACKNOWLEDGE', acknowledge }).catch(done.reject)
        }
        if (status && !['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'].includes(status.state))
          done.reject(new Error(`${status.state}: ${status.message}`))
        if (status?.state === 'TASK_FINISHED') done.resolve(performance.now() - begun - ownTime)
      },
    },
  })
  let launched = false
  const took = await done.promise
  await scheduler.teardown()
  return took
}

/** The extra time, ms, on average of five, with so many agents that each run up to two tasks of about so many seconds. */
async function withAgents(
  count: number,
  runs: number,
  seconds: number,
  say: (sentence: string) => void,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-bench-'))
  const nats = await startNatsServer({ clock: systemClock, folder, port: await freePort() })
  const bus = `nats://127.0.0.1:${nats.port}`
  const master = await startServer('launch-master.ts', [bus])
  const url = `http://127.0.0.1:${master.port}`
  say(`${count} agents register`)
  const host = await startServer('launch-agents.ts', [bus, String(count), 'cpus:2;mem:2048', String(seconds)])
  const steady = await startServer('steady-frameworks.ts', [url, String(frameworks)])
  try {
    const state = () =>
      new Promise<{ running: number; launched: number }>(resolve => {
        steady.child.once('message', message => resolve(message as { running: number; launched: number }))
        steady.child.send('running')
      })
    // Until the first tasks of each agent have ended: only then do tasks come and go evenly.
    for (let waited = 0; (await state()).launched < count * 2 * 2; waited += 1) {
      if (waited % 10 === 0) say(`${(await state()).running} tasks run`)
      if (waited > 600) throw new Error(`after 600 s only ${(await state()).launched} tasks were launched`)
      await sleep(1_000)
    }
    const before = await state()
    const [cpu, at] = [await cpuOf(master.child), performance.now()]
    const times: number[] = []
    for (let run = 0; run < runs; run += 1) times.push(await overhead(url))
    const after = await state()
    const passed = (performance.now() - at) / 1000
    const busy = ((await cpuOf(master.child)) - cpu) / 1e6 / passed
    say(
      `${count} agents: ${after.running} tasks run, ${((after.launched - before.launched) / passed).toFixed(0)} launched a second, the master takes ${busy.toFixed(2)} cores; extra time ${times.map(time => `${time.toFixed(0)} ms`).join(', ')}`,
    )
    return times.reduce((sum, time) => sum + time, 0) / times.length
  } finally {
    for (const { stop } of [steady, host, master]) stop()
    await nats.process.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

export const bench: Bench = {
  name: 'launch-at-scale',
  summary:
    'what a framework with one task waits beside its 10 s, while 200 frameworks keep two tasks on each of up to 50,000 simulated agents (Hindman et al., NSDI 2011, figure 11)',
  async run({ quick, say }) {
    const missing = natsServerMissing()
    if (missing !== undefined) throw new Error(`launch-at-scale needs NATS: ${missing}`)
    const results: Result[] = []
    for (const count of quick ? [2_000] : [10_000, 25_000, 50_000]) {
      const average = await withAgents(count, quick ? 1 : 5, quick ? 5 : 30, say)
      results.push(bounded(`extra time with ${count} agents`, 'ms', average, 1_000))
    }
    return results
  },
}
