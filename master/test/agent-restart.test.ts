import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()

t.test(
  'when the process of an agent ends or begins anew, tasks of frameworks that do not checkpoint are lost',
  async t => {
    for (const ending of ['it leaves', 'it begins another session']) {
      const link = ending.replaceAll(' ', '-')
      const agent = new FakeAgent({ bus: ground.bus, link, pid: `slave(1)@127.0.0.1:${link.length}` })
      await agent.registered()
      const framework = await new FakeScheduler(url, { checkpoint: false }).subscribe()
      await framework.launch((await framework.offers())[0]!, {})
      await framework.acknowledge(await framework.update('t1', 'TASK_RUNNING'))
      let again: FakeAgent | undefined
      if (ending === 'it leaves') await agent.stop()
      // As after kill -9: the old session was never closed.
      else again = new FakeAgent({ bus: ground.bus, link, pid: `slave(1)@127.0.0.1:${link.length}` })
      t.match(
        await framework.update('t1', 'TASK_LOST'),
        { reason: 'REASON_AGENT_DISCONNECTED', source: 'SOURCE_MASTER' },
        ending,
      )
      await framework.call({ type: 'TEARDOWN' })
      await again?.stop()
      await agent.stop()
    }
  },
)
