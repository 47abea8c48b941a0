import t from 'tap'
import { TaskSteps } from '../src/replica/task-steps.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1', runs: false })
t.teardown(() => agent.stop())
await agent.registered()

interface Explained {
  tasks: {
    state: string
    fate: string
    agent: { state: string; sentence: string }
    steps: { code: string; by: string; time: string; timestamp: number; sentence: string; [detail: string]: unknown }[]
    acknowledgement: { outstanding?: boolean; sentence: string }
  }[]
  omitted: number
  sentence?: string
}
const explain = (query: string) => getJson<Explained>(`${url}/explain/task?${query}`)

t.test("a task's whole way, with its times and who said what", async t => {
  const framework = await new FakeScheduler(url, { name: 'one' }).subscribe()
  const offer = (await framework.offers())[0]!
  await framework.launch(offer, { task_id: { value: 'task' } })
  await agent.until(({ tasks }) => tasks.has('task'))
  agent.update('task', 'TASK_RUNNING')
  await framework.acknowledge(await framework.update('task', 'TASK_RUNNING'))
  const kill_policy = { grace_period: { nanoseconds: 3e9 } }
  await framework.call({ type: 'KILL', kill: { task_id: { value: 'task' }, kill_policy } })
  await until(async () => (await explain('task_id=task')).tasks[0]?.steps.length === 3, 'the kill')
  const { tasks, omitted } = await explain(`task_id=task&framework_id=${framework.id}`)
  t.equal(omitted, 0)
  t.match(tasks, [
    {
      name: 'task',
      framework: { id: framework.id, name: 'one', connected: true, completed: false },
      agent: { id: agent.id, state: 'connected', sentence: /connected/ },
      state: 'TASK_RUNNING',
      fate: 'active',
      steps: [
        { code: 'LAUNCHED', by: 'framework', offers: [offer.id.value], sentence: new RegExp(offer.id.value) },
        { code: 'TASK_RUNNING', by: 'executor', sentence: /^The executor on .* said that it runs/ },
        { code: 'KILL_ASKED', by: 'framework', grace_seconds: 3, sentence: /kill it, with 3 s/ },
      ],
    },
  ])
  const times = tasks[0]!.steps.map(({ timestamp }) => timestamp)
  t.same(
    times,
    [...times].sort((a, b) => a - b),
  )
  t.match(tasks[0]!.steps[0]!.time, /^\d{4}-\d\d-\d\dT/)

  agent.update('task', 'TASK_FAILED', {
    source: 'SOURCE_AGENT',
    reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    message: 'it used 70 MB of 64',
  })
  const failed = await framework.update('task', 'TASK_FAILED')
  t.match((await explain('task_id=task')).tasks[0], {
    fate: 'active',
    acknowledgement: { outstanding: true, sentence: /not acknowledged yet/ },
  })
  await framework.acknowledge(failed)
  await until(async () => (await explain('task_id=task')).tasks[0]!.fate === 'completed', 'the acknowledgement')
  const ended = (await explain('task_id=task')).tasks[0]!
  t.match(ended, { state: 'TASK_FAILED', acknowledgement: { outstanding: false } })
  t.match(ended.steps.at(-1), {
    code: 'TASK_FAILED',
    by: 'agent',
    reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    message: 'it used 70 MB of 64',
    sentence: /failed \(container limitation memory\): it used 70 MB of 64$/,
  })
  await framework.call({ type: 'TEARDOWN' })
  await framework.isClosed()
})

t.test('an end that its framework has not been told', async t => {
  const framework = await new FakeScheduler(url, { name: 'away' }).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'ended' } })
  await agent.until(({ tasks }) => tasks.has('ended'))
  agent.update('ended', 'TASK_RUNNING')
  await framework.acknowledge(await framework.update('ended', 'TASK_RUNNING'))
  framework.break()
  await until(async () => (await framework.call({ type: 'REVIVE' })).status === 403, 'the broken stream to be noticed')
  agent.update('ended', 'TASK_FINISHED')
  const now = async () => (await explain('task_id=ended')).tasks[0]!
  await until(async () => (await now()).state === 'TASK_FINISHED', 'its end')
  t.match((await now()).acknowledgement, { outstanding: true, sentence: /^TASK_RUNNING was told last; TASK_FINISHED/ })
  await framework.subscribe()
  await framework.call({ type: 'TEARDOWN' })
})

t.test("its agent's way out of reach and back", async t => {
  const other = new Ground()
  t.teardown(() => other.close())
  const own = await other.leader('--agent_reregister_timeout=50ms')
  const away = new FakeAgent({ bus: other.bus, link: 'agent-1' })
  t.teardown(() => away.stop())
  await away.registered()
  const framework = await new FakeScheduler(own, { capabilities: [{ type: 'PARTITION_AWARE' }] }).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'task' } })
  await framework.acknowledge(await framework.update('task', 'TASK_RUNNING'))
  await away.until(({ acknowledged }) => acknowledged.length > 0)
  await away.stop()
  await framework.update('task', 'TASK_UNREACHABLE')
  const now = async () => (await getJson<Explained>(`${own}/explain/task?task_id=task`)).tasks[0]!
  t.match(await now(), {
    fate: 'unreachable',
    steps: [{}, {}, { code: 'TASK_UNREACHABLE', by: 'master', reason: 'REASON_AGENT_REMOVED' }],
    agent: { state: 'unreachable', sentence: /unreachable/ },
  })
  await away.restart()
  await away.registered()
  await framework.update('task', 'TASK_RUNNING')
  await until(async () => (await now()).fate === 'active', 'its return')
  // Of its statuses this agent tells nothing on its return.
  const { agent, steps } = await now()
  t.match(agent, { state: 'connected' })
  t.same(
    steps.map(({ code, by }) => `${code} ${by}`),
    ['LAUNCHED framework', 'UNREACHABLE master', 'RETURNED agent'],
  )
  t.match(steps[1], { sentence: /out of reach/ })
  await framework.call({ type: 'TEARDOWN' })
})

t.test('of several of one id the newest, and of frameworks the one that is meant', async t => {
  const frameworks: FakeScheduler[] = []
  for (const name of ['a', 'b']) {
    const framework = await new FakeScheduler(url, { name }).subscribe()
    await framework.launch((await framework.offers())[0]!, { task_id: { value: 'same' } })
    await agent.until(({ tasks }) => tasks.get('same')?.framework.name === name)
    frameworks.push(framework)
    await framework.call({ type: 'SUPPRESS' })
  }
  t.equal((await explain('task_id=same')).tasks.length, 2)
  const [first] = frameworks
  t.match((await explain(`task_id=same&framework_id=${first!.id}`)).tasks, [{ framework: { name: 'a' } }])
  for (const framework of frameworks) await framework.call({ type: 'TEARDOWN' })
})

t.test('what is not known, and what is not asked rightly', async t => {
  t.match(await explain('task_id=none'), { tasks: [], sentence: /No task of this id/ })
  t.match(await send(`${url}/explain/task`, 'GET', {}), { status: 400, text: /task_id/ })
})

t.test('what is remembered of launches and kills is bounded', async t => {
  const steps = new TaskSteps()
  for (let task = 0; task < 50_010; task++) steps.add('f', `${task}`, { at: task, code: 'LAUNCHED', offers: [] })
  t.same(steps.of('f', '9'), [])
  t.match(steps.of('f', '10'), [{ at: 10 }])
  for (let kill = 0; kill < 20; kill++) steps.add('f', '10', { at: 100 + kill, code: 'KILL_ASKED' })
  const kept = steps.of('f', '10')
  t.equal(kept.length, 8)
  t.match([kept[0], kept.at(-1)], [{ code: 'LAUNCHED' }, { at: 119 }])
  steps.add('f', '10', { at: 200, code: 'LAUNCHED', offers: ['o'] })
  t.match(steps.of('f', '10'), [{ at: 200 }], 'an id that is used again begins anew')
})
