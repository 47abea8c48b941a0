import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { natsServerMissing, startNatsServer } from '@meseta/common/messaging/nats-server'
import { systemClock } from '@meseta/common/service/clock'
import { MasterProcesses } from '../src/ha/masters.ts'
import { json } from '../src/support/http.ts'
import { until } from '../src/support/until.ts'
import { type Bench, bounded } from './bench.ts'
import { startServer } from './support/child.ts'
import { freePort } from './support/free-port.ts'

const tasksEach = 20
const gib = 2 ** 30

/** What a process has in memory, bytes: now and at most. */
function residentOf(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { now: bytes('VmRSS'), most: bytes('VmHWM') }
}

export const bench: Bench = {
  name: 'memory',
  summary:
    'resident memory of a leading master process, its read model with it, with 20 running tasks on each of 50,000 agents, of which they tell it as they come back; bytes a task and an agent',
  async run({ quick, say }) {
    const missing = natsServerMissing()
    if (missing !== undefined) throw new Error(`memory needs NATS: ${missing}`)
    const agents = quick ? 5_000 : 50_000
    const tasks = agents * tasksEach
    const folder = await mkdtemp(join(tmpdir(), 'meseta-bench-'))
    const nats = await startNatsServer({ clock: systemClock, folder, port: await freePort() })
    const bus = `nats://127.0.0.1:${nats.port}`
    const ports = [await freePort()]
    const masters = new MasterProcesses({
      folder,
      store: `embedded:${folder}/store`,
      bus,
      ports,
      sessionTimeout: '10s',
    })
    const [url] = masters.urls
    const { pid } = masters.of(url!).child
    const hosts: { stop(): void }[] = []
    try {
      await until('a leader', () => masters.leader(), 60_000)
      const empty = residentOf(pid!).now
      say(`${agents} agents come`)
      const idle = await startServer('returning-agents.ts', [bus, String(agents)])
      const withAgents = residentOf(pid!).now
      idle.stop()
      say(`and again, with ${tasksEach} tasks each`)
      hosts.push(await startServer('returning-agents.ts', [bus, String(agents), String(tasksEach), 'bench']))
      const count = async () => {
        const metrics = await json<Record<string, number>>(`${url}/metrics/snapshot`)
        return metrics['master/tasks_running'] === tasks
      }
      await until(`${tasks} running tasks`, count, 120_000, 500)
      const { now, most } = residentOf(pid!)
      return [
        bounded(`resident, ${tasks} tasks on ${agents} agents`, 'GiB', now / gib, quick ? 0.8 : 4),
        bounded('resident at most, while they came', 'GiB', most / gib, quick ? 1.2 : 6),
        bounded('a task', 'B', (now - withAgents) / tasks, 4_000),
        bounded('an agent', 'B', (withAgents - empty) / agents, 20_000),
      ]
    } finally {
      for (const { stop } of hosts) stop()
      await masters.stop()
      await nats.process.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
