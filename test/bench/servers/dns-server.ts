import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '@meseta/dns/component'
import { agentOf, taskOf } from '../support/state.ts'

// The DNS component as it is, fed by a scripted master with a thousand tasks.
const tasks = Number(process.argv[2] ?? 1000)
const log = createLogger({ name: 'bench', level: 'error' })
const writer = new FeedWriter({ epoch: 'bench', clock: systemClock })
const http = createHttp(
  { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: createRegistry(), clock: systemClock },
  { name: 'scripted', health: new Health() },
)
serveFeed(http.app, '/meseta/v1/feed', writer, { log })
const master = await http.listen()
const port = new URL(master).port
writer.put('cluster', 'cluster', {
  leader_info: { id: 'm', hostname: '127.0.0.1', port: Number(port), pid: `master@127.0.0.1:${port}` },
})
writer.put('framework', 'F', { id: 'F', name: 'marathon', hostname: '127.0.0.1', active: true })
writer.put('agent', 'A-S0', agentOf('A-S0', '127.0.0.2'))
for (let i = 0; i < tasks; i += 1) writer.put('task', `F/app-${i}.1`, taskOf(i))

const flags = parseFlags(component.flags, { argv: ['--port=0', '--dns-port=0', `--master=${master}`], env: {} })
const handle = await component.start({
  flags,
  clock: systemClock,
  random: systemRandom,
  log,
  metrics: createRegistry(),
  fatal: (error: Error) => {
    throw error
  },
} as unknown as Context<typeof flags>)
const dns = Number(handle.endpoints?.dns?.split(':').at(-1))
const known = async () => {
  const answer = await fetch(`${handle.url}/v1/hosts/app-${tasks - 1}.marathon.mesos.`)
  return ((await answer.json()) as { ip: string }[])[0]?.ip !== ''
}
while (!(await known())) await new Promise(resolve => setTimeout(resolve, 50))
process.send?.(dns)

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
