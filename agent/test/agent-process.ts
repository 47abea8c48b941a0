// An agent with its master in a process of its own, to be killed: `agent-process.ts <folder> <epoch> [json of {id: command}]`.
// Each line of its output is a JSON object of what its master heard.

import { systemClock } from '@meseta/common/service/clock'
import { createRegistry } from '@meseta/common/service/metrics'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '../src/component.ts'
import { FakeMaster, framework, log, newBus } from './harness.ts'

const [folder = '', epoch = '1', launches = '{}', options = '{}'] = process.argv.slice(2)
const { checkpoint = true, acknowledges = true } = JSON.parse(options)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const bus = newBus()
const master = new FakeMaster(bus, 'meseta', Number(epoch))
master.acknowledges = acknowledges
master.onMessage = message => say(message)
const handle = await component.start({
  flags: {
    ip: '127.0.0.1',
    port: 0,
    hostname: undefined,
    work_dir: folder,
    log_level: 'info',
    cluster_name: 'meseta',
    log_file: undefined,
    runtime_dir: undefined,
    resources: 'cpus:2;mem:1024;ports:[31000-31010]',
    attributes: 'rack:2;zone:a',
    task_path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    executor_environment_variables: undefined,
    switch_user: true,
    executor_shutdown_grace_period: 5_000,
    executor_registration_timeout: 60_000,
    gc_delay: 3_600_000,
    fetcher_max_size: 2 ** 26,
    fetcher_timeout: 20_000,
    fetcher_stall_timeout: 5_000,
    frameworks_home: undefined,
  },
  clock: systemClock,
  random: systemRandom,
  log,
  metrics: createRegistry(),
  bus,
  get store(): never {
    throw new Error('an agent needs no store')
  },
  get election(): never {
    throw new Error('an agent needs no election')
  },
  fatal: error => say({ fatal: error.message }),
})
await master.registered()
say({ url: handle.url })
for (const [id, command] of Object.entries(JSON.parse(launches) as Record<string, string>))
  master.run(id, command, {}, { ...framework, checkpoint })
