import { request as httpRequest } from 'node:http'
import type { MasterEvent } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, until } from './support/process.ts'

// Every event of the operators' stream (Mesos contract 3), on the wire.

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const json = { 'content-type': 'application/json' }

const events: MasterEvent[] = []
const request = httpRequest(`${url}/api/v1`, { method: 'POST', headers: json }, response => {
  const decoder = new RecordDecoder()
  response.on('error', () => undefined)
  response.on('data', (chunk: Buffer) => {
    for (const record of decoder.push(chunk)) events.push(JSON.parse(Buffer.from(record).toString()))
  })
})
request.on('error', () => undefined)
request.end('{"type":"SUBSCRIBE"}')
t.teardown(() => request.destroy())
await until(() => events.length >= 2, 'the snapshot')

/** The next event of a type, and what came before it is passed over. */
async function next(type: string): Promise<MasterEvent> {
  await until(() => events.some(event => event.type === type), type)
  const at = events.findIndex(event => event.type === type)
  return events.splice(0, at + 1).at(-1)!
}

t.test('each in its turn', async t => {
  t.match(await next('SUBSCRIBED'), { subscribed: { heartbeat_interval_seconds: 15 } })
  t.match(await next('HEARTBEAT'), { type: 'HEARTBEAT' })
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  t.match(await next('AGENT_ADDED'), {
    agent_added: {
      agent: { agent_info: { id: { value: agent.id } }, active: true, total_resources: [{}, {}, {}, {}] },
    },
  })

  const framework = await new FakeScheduler(url, { name: 'f' }).subscribe()
  const framework_info = { id: { value: framework.id }, name: 'f' }
  t.match(await next('FRAMEWORK_ADDED'), { framework_added: { framework: { framework_info, active: true } } })
  await framework.call({
    type: 'UPDATE_FRAMEWORK',
    update_framework: {
      framework_info: { user: 'me', name: 'g', checkpoint: true, failover_timeout: 60, id: { value: framework.id! } },
    },
  })
  t.match(await next('FRAMEWORK_UPDATED'), { framework_updated: { framework: { framework_info: { name: 'g' } } } })

  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'task' } })
  t.match(await next('TASK_ADDED'), { task_added: { task: { task_id: { value: 'task' }, state: 'TASK_STAGING' } } })
  await framework.acknowledge(await framework.update('task', 'TASK_RUNNING'))
  const running = { framework_id: framework_info.id, state: 'TASK_RUNNING', status: { task_id: { value: 'task' } } }
  t.match(await next('TASK_UPDATED'), { task_updated: running })
  agent.update('task', 'TASK_RUNNING', { healthy: false })
  t.match(await next('TASK_UPDATED'), { task_updated: { ...running, status: { healthy: false } } })

  framework.break()
  t.match(await next('FRAMEWORK_UPDATED'), { framework_updated: { framework: { active: false, connected: false } } })
  const gone = { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: agent.id } } }
  t.equal((await send(`${url}/api/v1`, 'POST', json, JSON.stringify(gone))).status, 200)
  t.match(await next('TASK_UPDATED'), { task_updated: { state: 'TASK_LOST' } }, 'it knows nothing of partitions')
  t.match(await next('AGENT_REMOVED'), { agent_removed: { agent_id: { value: agent.id } } })
  const teardown = { type: 'TEARDOWN', teardown: { framework_id: { value: framework.id } } }
  t.equal((await send(`${url}/api/v1`, 'POST', json, JSON.stringify(teardown))).status, 200)
  t.match(await next('FRAMEWORK_REMOVED'), {
    framework_removed: { framework_info: { id: framework_info.id, name: 'g' } },
  })
  t.same(ground.fatal, [])
})
