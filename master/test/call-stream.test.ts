import { type ClientRequest, request as httpRequest } from 'node:http'
import { encode } from '@meseta/common/protocol/codec'
import type { SchedulerCall } from '@meseta/common/protocol/mesos'
import { encodeRecord, RecordDecoder } from '@meseta/common/protocol/recordio'
import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send, taskInfo } from './support/fake-scheduler.ts'
import { Ground, until } from './support/process.ts'

interface Refusal {
  call: number
  status: number
  message: string
}

/** A stream of calls, with what is answered on it. */
function openCalls(url: string, headers: Record<string, string>) {
  const refusals: Refusal[] = []
  const state: { status?: number; headers?: object; ended: boolean; request: ClientRequest } = {
    ended: false,
    request: httpRequest(`${url}/api/v1/scheduler`, {
      method: 'POST',
      headers: { 'content-type': 'application/recordio', ...headers },
    }),
  }
  state.request.on('error', () => undefined)
  state.request.on('response', response => {
    state.status = response.statusCode!
    state.headers = response.headers
    const decoder = new RecordDecoder()
    if (response.statusCode === 200)
      response.on('data', (chunk: Buffer) => {
        for (const record of decoder.push(chunk)) refusals.push(JSON.parse(Buffer.from(record).toString()))
      })
    else response.resume()
    response.on('end', () => {
      state.ended = true
    })
  })
  return { refusals, state }
}

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()
const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
t.teardown(() => agent.stop())
await agent.registered()

t.test('calls go one after the other on one request, and refusals come by number', async t => {
  const scheduler = await new FakeScheduler(url).subscribe()
  const id = { value: scheduler.id! }
  const { refusals, state } = openCalls(url, {
    'message-content-type': 'application/json',
    'mesos-stream-id': scheduler.streamId!,
  })
  const put = (call: object) => encodeRecord(JSON.stringify({ framework_id: id, ...call }))
  const [offer] = await scheduler.offers()
  const launch = put({
    type: 'ACCEPT',
    accept: {
      offer_ids: [offer!.id],
      operations: [{ type: 'LAUNCH', launch: { task_infos: [taskInfo(offer!, {})] } }],
      filters: { refuse_seconds: 0 },
    },
  })
  // Chunks that end anywhere are none of our business.
  state.request.write(launch.subarray(0, 30))
  state.request.write(launch.subarray(30))
  const running = await scheduler.update('t1', 'TASK_RUNNING')
  state.request.write(
    Buffer.concat([
      put({ type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } }),
      put({ type: 'KILL' }),
      put({
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id: running.agent_id, task_id: running.task_id, uuid: running.uuid },
      }),
      put({ type: 'KILL', kill: { task_id: running.task_id } }),
      encodeRecord('{'),
      encodeRecord(JSON.stringify({ type: 'REVIVE', framework_id: { value: 'other' } })),
    ]),
  )
  await agent.until(({ acknowledged }) => acknowledged.includes(running.uuid!))
  await scheduler.acknowledge(await scheduler.update('t1', 'TASK_KILLED'))
  await until(() => refusals.length === 4, 'the refusals')
  t.match(state, {
    status: 200,
    headers: { 'content-type': 'application/recordio', 'message-content-type': 'application/json' },
  })
  t.match(refusals, [
    { call: 2, status: 400, message: /SUBSCRIBE/ },
    { call: 3, status: 400, message: /kill/ },
    { call: 6, status: 400, message: /JSON/ },
    { call: 7, status: 400, message: /Framework cannot be found/ },
  ])
  state.request.end()
  await until(() => state.ended, 'the end of the answer')
  await scheduler.call({ type: 'TEARDOWN' })
})

t.test('in protobuf too; what is no RecordIO ends it', async t => {
  const scheduler = await new FakeScheduler(url).subscribe()
  const { refusals, state } = openCalls(url, {
    'message-content-type': 'application/x-protobuf',
    'mesos-stream-id': 'another',
  })
  const call: SchedulerCall = { type: 'REVIVE', framework_id: { value: scheduler.id! } }
  state.request.write(encodeRecord(encode('mesos.v1.scheduler.Call', call)))
  await until(() => refusals.length === 1, 'the refusal')
  t.match(refusals, [{ call: 1, status: 400, message: /Mesos-Stream-Id/ }])
  state.request.write('nonsense')
  await until(() => state.ended, 'the end of the answer')
  t.match(refusals[1], { call: 2, status: 400 })
  state.request.destroy()
  await scheduler.call({ type: 'TEARDOWN' })
})

t.test('is refused without a form that it knows', async t => {
  const headers = { 'content-type': 'application/recordio' }
  t.match(await send(`${url}/api/v1/scheduler`, 'POST', headers, '2\n{}'), {
    status: 400,
    text: /Message-Content-Type/,
  })
  t.match(
    await send(`${url}/api/v1/scheduler`, 'POST', { ...headers, 'message-content-type': 'text/plain' }, '2\n{}'),
    {
      status: 415,
    },
  )
  t.match(await send(`${url}/api/v1`, 'POST', headers, '2\n{}'), { status: 415 })
  t.same(ground.fatal, [])
})
