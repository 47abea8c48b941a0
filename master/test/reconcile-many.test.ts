import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SchedulerCall, Task } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { Stream } from '@meseta/common/service/stream'
import t, { type Test } from 'tap'
import { SchedulerEndpoint } from '../src/api/scheduler.ts'
import type { Command } from '../src/state/commands.ts'
import { noSettings } from '../src/state/commands.ts'
import { heartDefaults } from '../src/state/config.ts'
import { Heart } from '../src/state/heart.ts'

/** An eighth of what the master lets wait holds some 20,000 of these answers. TASKS=500000 takes half a minute. */
const count = Number(process.env.TASKS ?? 40_000)
const maxQueuedBytes = 8 * 1024 * 1024
const masterInfo = { id: 'M', ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' }
const agentInfo = { hostname: 'h', id: { value: 'a0' } }
const frameworkInfo = { user: 'u', name: 'f', id: { value: 'f' }, failover_timeout: 100, checkpoint: true }

function task(number: number): Task {
  return {
    name: 'n',
    task_id: {
      value: `an-app_with-a-name.instance-00000000-0000-4000-8000-${String(number).padStart(12, '0')}._app.1`,
    },
    framework_id: { value: 'f' },
    agent_id: { value: 'a0' },
    state: 'TASK_RUNNING',
    resources: [],
  }
}

/** A heart with so many tasks of a framework, behind the endpoint and a socket. */
class World {
  readonly tasks: readonly Task[]
  readonly #heart = new Heart({ ...heartDefaults, masterInfo })
  readonly #endpoint = new SchedulerEndpoint({
    clock: systemClock,
    random: systemRandom,
    dispatch: (...commands) => this.#dispatch(...commands),
  })
  readonly #commands: Command[] = []
  #running = false
  #server = createServer((request, response) => this.#serve(request, response))
  stream: Stream | undefined
  streamId = ''
  /** The most that waited unsent at any step. */
  mostQueued = 0
  answers = 0
  ended = false

  constructor(count: number) {
    this.tasks = Array.from({ length: count }, (_, number) => task(number))
    this.#dispatch(
      {
        type: 'RECOVERED',
        agents: [{ id: 'a0', entry: { state: 'admitted', info: agentInfo } }],
        settings: noSettings,
      },
      { type: 'LINK_OPENED', link: 'l0', agentId: 'a0' },
      {
        type: 'LINK_MESSAGE',
        link: 'l0',
        message: {
          reregister: {
            agent_info: agentInfo,
            pid: 'slave(1)@127.0.0.1:5051',
            version: '1.11.0',
            tasks: [...this.tasks],
            frameworks: [frameworkInfo],
          },
        },
      },
    )
  }

  #dispatch(...commands: Command[]): void {
    this.#commands.push(...commands)
    if (this.#running) return
    this.#running = true
    while (this.#commands.length > 0) {
      const effects = this.#heart.step({ wall: 1, monotonic: 1 }, this.#commands.splice(0))
      for (const effect of effects) this.#endpoint.carryOut(effect)
      this.mostQueued = Math.max(this.mostQueued, this.stream?.queuedBytes ?? 0)
    }
    this.#running = false
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => this.#handle(request, response, Buffer.concat(chunks)))
  }

  #handle({ headers }: IncomingMessage, response: ServerResponse, body: Buffer): void {
    this.#endpoint.handle(
      { method: 'POST', path: '/api/v1/scheduler', query: '', headers, body },
      {
        answer: ({ status, body: text }) => response.writeHead(status).end(text),
        stream: headers => {
          response.writeHead(200, headers)
          response.flushHeaders()
          this.stream = new Stream(response, { maxQueuedBytes })
          return this.stream
        },
      },
    )
  }

  async open(t: Test): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    t.teardown(() => {
      this.#endpoint.stop()
      this.#server.closeAllConnections()
      this.#server.close()
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Subscribes, and counts UPDATEs without reading what they say. */
  async subscribe(url: string): Promise<IncomingMessage> {
    const response = await post(url, {
      type: 'SUBSCRIBE',
      framework_id: { value: 'f' },
      subscribe: { framework_info: frameworkInfo },
    })
    this.streamId = response.headers['mesos-stream-id'] as string
    const decoder = new RecordDecoder()
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk))
        if (Buffer.from(record).includes('REASON_RECONCILIATION')) this.answers++
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      this.ended = true
    })
    return response
  }

  async call(url: string, call: SchedulerCall): Promise<number | undefined> {
    const response = await post(url, { framework_id: { value: 'f' }, ...call }, this.streamId)
    response.resume()
    return response.statusCode
  }

  async answered(number: number): Promise<void> {
    while (this.answers < number && !this.ended) await new Promise(wake => setImmediate(wake))
  }
}

async function post(url: string, call: SchedulerCall, streamId?: string): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json', ...(streamId ? { 'mesos-stream-id': streamId } : {}) }
  const request = httpRequest(url, { method: 'POST', headers, agent: false })
  request.end(JSON.stringify(call))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

t.test(`a framework with ${count} tasks reconciles, all and by name, and little waits unsent`, async t => {
  const world = new World(count)
  const url = await world.open(t)
  await world.subscribe(url)
  t.equal(await world.call(url, { type: 'RECONCILE', reconcile: {} }), 202)
  await world.answered(count)
  t.equal(world.answers, count)
  t.notOk(world.ended, 'the stream goes on')
  const named = world.tasks.slice(0, 20_000).map(({ task_id }) => ({ task_id }))
  for (let time = 0; time < 2; time++)
    t.equal(await world.call(url, { type: 'RECONCILE', reconcile: { tasks: named } }), 202)
  await world.answered(count + 2 * named.length)
  t.equal(world.answers, count + 2 * named.length)
  t.ok(world.mostQueued < 2 * 1024 * 1024, `at most ${world.mostQueued} bytes waited`)
})

t.test('a framework that does not read while it asks is neither cut off nor forgotten', async t => {
  const tasks = 15_000
  const world = new World(tasks)
  const url = await world.open(t)
  const response = await world.subscribe(url)
  response.pause()
  for (let time = 0; time < 5; time++) await world.call(url, { type: 'RECONCILE', reconcile: {} })
  t.ok(world.mostQueued < 2 * 1024 * 1024, `at most ${world.mostQueued} bytes waited`)
  t.notOk(world.ended)
  response.resume()
  await world.answered(2 * tasks)
  t.equal(world.answers, 2 * tasks, 'those that wait are answered as one')
})
