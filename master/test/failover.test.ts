import { type FollowedFeed, followFeed } from '@meseta/common/feed/reader'
import { encode } from '@meseta/common/protocol/codec'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import t from 'tap'
import { SchedulerEndpoint } from '../src/api/scheduler.ts'
import type { Command } from '../src/state/commands.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

const log = pino({ level: 'silent' })

t.test('two masters: one leads, the other points to it, and takes over', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const first = await ground.leader('--ip=127.0.0.1')
  const second = await ground.master('--ip=127.0.0.2')
  const leader = new URL(first).host
  t.test('the one that does not lead', async t => {
    await until(async () => (await send(`${second}/state`, 'GET', {})).status === 307, 'the leader to be known')
    t.match(await send(`${second}/master/state?x=1`, 'GET', {}), {
      headers: { location: `//${leader}/master/state?x=1` },
    })
    t.match(await send(`${second}/redirect`, 'GET', {}), { status: 307, headers: { location: `//${leader}` } })
    t.match(await send(`${second}/api/v1/scheduler`, 'POST', {}, '{}'), {
      status: 307,
      headers: { location: `//${leader}/api/v1/scheduler` },
    })
    t.match(await send(`${second}/meseta/v1/feed?after=a.1`, 'GET', {}), {
      status: 307,
      headers: { location: `//${leader}/meseta/v1/feed?after=a.1` },
    })
    for (const path of ['/health', '/flags', '/version', '/metrics/snapshot'])
      t.equal((await send(second + path, 'GET', {})).status, 200, path)
    t.match(await getJson(`${second}/metrics/snapshot`), { 'master/elected': 0 })
    t.match(await getJson(`${first}/state`), { followers: [{ hostname: '127.0.0.2' }] })
  })

  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  const scheduler = await new FakeScheduler(first).subscribe()
  await scheduler.launch((await scheduler.offers())[0]!, {})
  await scheduler.acknowledge(await scheduler.update('t1', 'TASK_RUNNING'))
  agent.received.length = 0
  const before = agent.id

  await ground.stopMaster(first)
  await until(async () => (await send(`${second}/state`, 'GET', {})).status === 200, 'the other to lead')
  await agent.until(({ received }) => received.some(message => message.reregistered))
  t.equal(agent.id, before, 'the agent keeps its id')
  t.match(await getJson(`${second}/frameworks`), {
    frameworks: [
      {
        id: scheduler.id,
        recovered: true,
        active: false,
        connected: false,
        tasks: [{ id: 't1', state: 'TASK_RUNNING' }],
      },
    ],
  })
  const again = await new FakeScheduler(second, { id: { value: scheduler.id! } }).subscribe()
  t.equal(again.id, scheduler.id)
  await again.call({ type: 'RECONCILE', reconcile: {} })
  t.match(await again.update('t1'), { state: 'TASK_RUNNING', reason: 'REASON_RECONCILIATION' })
  agent.update('t1', 'TASK_FINISHED')
  t.equal((await again.acknowledge(await again.update('t1', 'TASK_FINISHED'))).status, 202)
  t.same(ground.fatal, [])
})

t.test('a leader that hears of a later one ends', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader()
  const scheduler = await new FakeScheduler(url).subscribe()
  const master_info = { id: 'later', ip: 1, port: 5050 }
  ground.bus.publish('l.meseta', encode('meseta.v1.Beacon', { epoch: 1_000, master_info }))
  await until(() => ground.fatal.length > 0, 'the end')
  t.match(ground.fatal, [{ message: /epoch 1000/ }])
  await scheduler.isClosed()
})

t.test('a stream that its framework does not drain is reported, once each way', async t => {
  const commands: Command[] = []
  const endpoint = new SchedulerEndpoint({
    clock: systemClock,
    random: systemRandom,
    dispatch: (...given) => commands.push(...given),
  })
  t.teardown(() => endpoint.stop())
  const listeners: Record<string, () => void> = {}
  const stream = {
    queuedBytes: 0,
    write: () => true,
    end: () => undefined,
    onClose: (listener: () => void) => Object.assign(listeners, { close: listener }),
    onDrain: (listener: () => void) => Object.assign(listeners, { drain: listener }),
  }
  const body = Buffer.from('{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}')
  const headers = { 'content-type': 'application/json' }
  endpoint.handle(
    { method: 'POST', path: '/api/v1/scheduler', query: '', headers, body },
    { answer: () => t.fail('not a stream'), stream: () => stream },
  )
  const [call] = commands.splice(0) as [Command & { type: 'CALL' }]
  const streamId = call.streamId!
  endpoint.carryOut({ type: 'STREAM_OPENED', request: call.request, streamId, frameworkId: 'f' })
  const say = () => endpoint.carryOut({ type: 'EVENT', streamId, event: { type: 'HEARTBEAT' } })
  say()
  t.same(commands, [])
  stream.queuedBytes = 2 * 1024 * 1024
  say()
  say()
  t.same(commands.splice(0), [{ type: 'STREAM_PRESSURE', streamId, blocked: true }])
  listeners.drain!()
  listeners.drain!()
  t.same(commands.splice(0), [{ type: 'STREAM_PRESSURE', streamId, blocked: false }])
  listeners.close!()
  t.same(commands.splice(0), [{ type: 'STREAM_BROKEN', streamId }])
})

t.test('the feed', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader()
  const bodies = new Map<string, Record<string, unknown>>()
  const at = new Map<string, number>()
  const feed: FollowedFeed = followFeed({
    url: `${url}/meseta/v1/feed`,
    clock: systemClock,
    random: systemRandom,
    log,
    on: {
      put(kind, key, body) {
        bodies.set(`${kind} ${key}`, body as Record<string, unknown>)
        const { state } = body as { state?: string }
        if (kind === 'task') at.set(`${key} ${state}`, performance.now())
      },
      del(kind, key) {
        bodies.delete(`${kind} ${key}`)
      },
    },
  })
  t.teardown(() => feed.stop())
  await until(() => bodies.has('cluster cluster'), 'the cluster')
  t.match(bodies.get('cluster cluster'), {
    name: 'meseta',
    cluster_id: String,
    leader_info: { port: Number(new URL(url).port) },
    masters: [{}],
    counts: { agents_active: 0 },
  })
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  const scheduler = await new FakeScheduler(url, { role: 'web' }).subscribe()
  await scheduler.launch((await scheduler.offers())[0]!, {})
  const key = `task ${scheduler.id}/t1`
  await scheduler.acknowledge(await scheduler.update('t1', 'TASK_RUNNING'))
  const sent = performance.now()
  agent.update('t1', 'TASK_RUNNING', { healthy: true, message: 'fine' })
  await until(() => bodies.get(key)?.healthy === true, 'the task')
  t.comment(
    `from the agent's update to the feed's reader: ${(at.get(`${scheduler.id}/t1 TASK_RUNNING`)! - sent).toFixed(1)} ms`,
  )
  t.match(bodies.get(key), {
    id: 't1',
    state: 'TASK_RUNNING',
    framework_name: 'test',
    message: 'fine',
    source: 'SOURCE_EXECUTOR',
    statuses: [{ container_status: {} }],
  })
  await until(() => (bodies.get('cluster cluster')!.counts as Record<string, number>).TASK_RUNNING === 1, 'the count')
  await until(() => bodies.has('role web'), 'the role')
  t.match(bodies.get(`agent ${agent.id}`), { active: true, used_resources: { cpus: 1 } })
  t.match(bodies.get(`framework ${scheduler.id}`), {
    name: 'test',
    roles: ['web'],
    user: 'me',
    used_resources: { cpus: 1 },
  })
  t.notOk('tasks' in bodies.get(`framework ${scheduler.id}`)!)
  await scheduler.call({ type: 'TEARDOWN' })
  await until(() => !bodies.has(`framework ${scheduler.id}`), 'the framework to go')
  t.match(bodies.get(key), { state: 'TASK_KILLED' }, 'a task of the history is there in its terminal state')
  await until(() => !bodies.has('role web'), 'the role to go')
  await agent.stop()
})

t.test('an agent that restarts comes back with its tasks, and unknown ones are asked for', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader()
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  const scheduler = await new FakeScheduler(url).subscribe()
  await scheduler.launch((await scheduler.offers())[0]!, {}, { task_id: { value: 'lost' } })
  await scheduler.acknowledge(await scheduler.update('t1', 'TASK_RUNNING'))
  await agent.until(({ tasks }) => tasks.has('lost'))
  agent.tasks.delete('lost')
  await agent.restart()
  await agent.until(({ received }) => received.some(message => message.reregistered))
  t.match(
    agent.received.find(message => message.reregistered),
    { reregistered: { reconciliations: [{ task_id: { value: 'lost' } }] } },
  )
  await until(
    async () => (await getJson<{ activated_slaves: number }>(`${url}/state`)).activated_slaves === 1,
    'the agent to be active',
  )
  t.equal((await scheduler.offers()).length, 1, 'and it is offered')
})
