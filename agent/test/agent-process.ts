// An agent with its master in a process of its own, to be killed: `agent-process.ts <folder> <epoch> <{id: command}> <options>`.
// Each line of its output is a JSON object of what its master heard.
import { FakeMaster, framework, newBus } from './harness.ts'
import { startComponent } from './running-component.ts'

const [folder = '', epoch = '1', launches = '{}', options = '{}'] = process.argv.slice(2)
const { checkpoint = true, acknowledges = true } = JSON.parse(options)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const bus = newBus()
const master = new FakeMaster(bus, 'meseta', Number(epoch))
master.acknowledges = acknowledges
master.onMessage = message => say(message)
const handle = await startComponent(bus, { work_dir: folder, resources: 'cpus:2;mem:1024' }, error =>
  say({ fatal: error.message }),
)
await master.registered()
say({ url: handle.url })
for (const [id, command] of Object.entries(JSON.parse(launches) as Record<string, string>))
  master.run(id, command, {}, { ...framework, checkpoint })
