import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

t.test('a framework is offered an agent, launches, hears of its task, and tears down', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader()
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  const scheduler = await new FakeScheduler(url).subscribe()
  t.match(scheduler.id, /-0000$/)

  const [offer] = await scheduler.offers()
  t.equal(offer!.agent_id.value, agent.id)
  t.match(offer!.url, { address: { ip: '127.0.0.1', port: 5051 } })
  t.equal(offer!.allocation_info, undefined, 'a framework without MULTI_ROLE sees no allocation')
  t.notOk(offer!.resources!.some(resource => resource.allocation_info))

  t.equal((await scheduler.launch(offer!, {})).status, 202)
  const running = await scheduler.update('t1')
  t.match(running, { state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR' })
  t.equal((await scheduler.acknowledge(running)).status, 202)
  await agent.until(({ acknowledged }) => acknowledged.includes(running.uuid!))

  const state = await getJson(`${url}/state`)
  t.match(state, {
    activated_slaves: 1,
    frameworks: [{ id: scheduler.id, active: true, tasks: [{ id: 't1', state: 'TASK_RUNNING' }] }],
    slaves: [{ used_resources: { cpus: 1, mem: 32 } }],
  })

  t.equal((await scheduler.call({ type: 'TEARDOWN' })).status, 202)
  await scheduler.isClosed()
  await agent.until(({ received }) => received.some(message => message.shutdown_framework))
  await until(async () => {
    interface State {
      frameworks: object[]
      completed_frameworks: { completed_tasks: { state: string }[] }[]
    }
    const { frameworks, completed_frameworks: completed } = await getJson<State>(`${url}/state`)
    return frameworks.length === 0 && completed[0]?.completed_tasks[0]?.state === 'TASK_KILLED'
  }, 'the framework to be completed')
  t.same(ground.fatal, [])
})
