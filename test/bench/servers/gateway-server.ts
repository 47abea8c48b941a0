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
import { component } from '@meseta/gateway/component'

// The admin router as it is, fed by scripted sources that know one service, whose port is the first argument.
const backend = Number(process.argv[2])
const log = createLogger({ name: 'bench', level: 'error' })
const writer = new FeedWriter({ epoch: 'bench', clock: systemClock })
const http = createHttp(
  { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: createRegistry(), clock: systemClock },
  { name: 'scripted', health: new Health() },
)
serveFeed(http.app, '/meseta/v1/feed', writer, { log })
const source = await http.listen()
writer.put('app', '/hello', {
  id: '/hello',
  labels: { DCOS_SERVICE_NAME: 'hello', DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' },
})
writer.put('instance', 'hello.1', {
  id: 'hello.1',
  appId: '/hello',
  host: '127.0.0.1',
  ports: [backend],
  state: 'TASK_RUNNING',
  healthy: true,
  killing: false,
})
const flags = parseFlags(component.flags, {
  argv: ['--port=0', ...['master', 'marathon', 'universe', 'balancer'].map(name => `--${name}=${source}`)],
  env: {},
})
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
const serves = async () => (await fetch(`${handle.url}/service/hello/`)).status === 200
while (!(await serves())) await new Promise(resolve => setTimeout(resolve, 50))
process.send?.(Number(new URL(handle.url).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
