import type { Offer } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { refuseSeconds } from '../src/state/offers/accept.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send, taskInfo } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

// A scheduler's session and its calls on the wire (Mesos contract 2.1, 2.2, 2.4, 2.7).

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
t.teardown(() => agent.stop())
await agent.registered()
const partitionAware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }

t.test('who subscribes again takes the place of the former stream, which is told so', async t => {
  const first = await new FakeScheduler(url, { user: 'one', checkpoint: true }).subscribe()
  const again = new FakeScheduler(url, { user: 'two', checkpoint: false, id: { value: first.id! } })
  await again.subscribe()
  t.match(await first.next(({ type }) => type === 'ERROR'), { error: { message: 'Framework failed over' } })
  await first.isClosed()
  t.not(again.streamId, first.streamId)
  const old = await first.call({ type: 'REVIVE' })
  t.match(old, { status: 400, text: /Mesos-Stream-Id/ })
  const { frameworks } = await getJson<{ frameworks: { id: string }[] }>(`${url}/frameworks?framework_id=${first.id}`)
  t.match(frameworks, [{ user: 'one', checkpoint: true }], 'these stay as they were')
  await again.call({ type: 'TEARDOWN' })
})

t.test('who is removed never comes back', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  t.match(await framework.call({ type: 'TEARDOWN' }), { status: 202, text: '' })
  await framework.isClosed()
  const again = new FakeScheduler(url, { id: { value: framework.id! } })
  await again.subscribe()
  await again.isClosed()
  t.match(await framework.call({ type: 'REVIVE' }), { status: 400, text: /Framework cannot be found/ })
  const { completed_frameworks } = await getJson<{ completed_frameworks: { id: string }[] }>(`${url}/state`)
  t.ok(completed_frameworks.some(({ id }) => id === framework.id))
})

t.test('an id that this master does not know is taken', async t => {
  const framework = new FakeScheduler(url, { id: { value: 'of-a-former-master-0007' } })
  await framework.subscribe()
  t.equal(framework.id, 'of-a-former-master-0007')
  await framework.call({ type: 'TEARDOWN' })
})

t.test('a framework that does not return in time is removed, and its tasks with it', async t => {
  const framework = await new FakeScheduler(url, { failover_timeout: 0.05 }).subscribe()
  await framework.launch((await framework.offers())[0]!, { task_id: { value: 'left' } })
  await framework.update('left', 'TASK_RUNNING')
  framework.break()
  const tasks = () => getJson<{ tasks: { state: string }[] }>(`${url}/tasks?task_id=left&framework_id=${framework.id}`)
  await until(async () => (await tasks()).tasks[0]?.state === 'TASK_KILLED', 'its removal')
  t.ok(agent.received.some(({ shutdown_framework: end }) => end?.framework_id.value === framework.id))
})

t.test('offers that are not good: nothing is launched, and it is told for each task', async t => {
  for (const [info, state] of [
    [{}, 'TASK_LOST'],
    [partitionAware, 'TASK_DROPPED'],
  ] as const) {
    const framework = await new FakeScheduler(url, info).subscribe()
    const offer = (await framework.offers())[0]!
    const accept = (offers: readonly string[], task: string) =>
      framework.call({
        type: 'ACCEPT',
        accept: {
          offer_ids: offers.map(value => ({ value })),
          operations: [
            { type: 'LAUNCH', launch: { task_infos: [taskInfo(offer, { task_id: { value: task } })] } },
            { type: 'RESERVE', id: { value: `reserve-${task}` }, reserve: { resources: [] } },
          ],
        },
      })
    for (const [task, offers, message] of [
      ['unknown', ['O-none'], /^Task launched with invalid offers: Offer O-none is no longer valid/],
      ['none', [], /^Task launched with invalid offers/],
      ['twice', [offer.id.value, offer.id.value], /^Task launched with invalid offers/],
    ] as const) {
      t.equal((await accept(offers, `${state}-${task}`)).status, 202)
      t.match(await framework.update(`${state}-${task}`), {
        state,
        source: 'SOURCE_MASTER',
        reason: 'REASON_INVALID_OFFERS',
        message,
      })
      const failed = await framework.next(({ type }) => type === 'UPDATE_OPERATION_STATUS')
      t.match(failed, { update_operation_status: { status: { state: 'OPERATION_ERROR' } } })
    }
    // The offer that was named is back, without a filter.
    t.ok((await framework.offers()).length > 0)
    await framework.call({ type: 'TEARDOWN' })
    await framework.isClosed()
  }
})

t.test('reconciliation of what nobody knows', async t => {
  for (const [info, expected] of [
    [{}, ['TASK_LOST', 'TASK_LOST']],
    [partitionAware, ['TASK_GONE', 'TASK_UNKNOWN']],
  ] as const) {
    const framework = await new FakeScheduler(url, info).subscribe()
    const tasks = [
      { task_id: { value: 'there' }, agent_id: { value: agent.id! } },
      { task_id: { value: 'nowhere' }, agent_id: { value: 'elsewhere-S9' } },
    ]
    t.equal((await framework.call({ type: 'RECONCILE', reconcile: { tasks } })).status, 202)
    for (const [index, state] of expected.entries()) {
      const status = await framework.update(tasks[index]!.task_id.value)
      t.match(status, { state, source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION' })
      t.notOk(status.uuid)
    }
    t.equal((await framework.call({ type: 'KILL', kill: { task_id: { value: 'nobody' } } })).status, 202)
    t.match(await framework.update('nobody'), { reason: 'REASON_RECONCILIATION' }, 'a KILL of it asks, too')
    await framework.call({ type: 'TEARDOWN' })
  }
})

t.test('how long a refusal lasts', async t => {
  for (const [asked, seconds] of [
    [undefined, 5],
    [0, 0],
    [7.5, 7.5],
    [-1, 5],
    [Number.NaN, 5],
    [Number.POSITIVE_INFINITY, 5],
    [Number.NEGATIVE_INFINITY, 5],
    [1e12, 365 * 24 * 3600],
  ] as const)
    t.equal(refuseSeconds(asked === undefined ? undefined : { refuse_seconds: asked }), seconds, `${asked}`)
  t.equal(refuseSeconds({}), 5)
})

t.test('the offers of a framework, field by field', async t => {
  const framework = await new FakeScheduler(url, {
    roles: ['r'],
    capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
  }).subscribe()
  const offer: Offer = (await framework.offers())[0]!
  t.match(offer, {
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: '127.0.0.1',
    url: { scheme: 'http', address: { hostname: '127.0.0.1', ip: '127.0.0.1', port: 5051 }, path: '/slave(1)' },
    allocation_info: { role: 'r' },
  })
  for (const resource of offer.resources ?? []) {
    t.match(resource, { allocation_info: { role: 'r' } })
    t.notOk('role' in resource, 'in the new format, as it asked for')
  }
  await framework.call({ type: 'TEARDOWN' })
  const plain = await new FakeScheduler(url, { role: 'r' }).subscribe()
  const old = (await plain.offers())[0]!
  t.notOk('allocation_info' in old)
  t.ok((old.resources ?? []).every(resource => !('allocation_info' in resource) && resource.role === '*'))
  await plain.call({ type: 'TEARDOWN' })
  t.match(await send(`${url}/state`, 'GET', {}), { status: 200 })
  t.same(ground.fatal, [])
})
