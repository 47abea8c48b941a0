import type { Task } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import { systemClock } from '@meseta/common/service/clock'
import type { OutStream } from '@meseta/common/service/stream'
import type { ApiAnswer, ReadReply } from '../../src/api/transport.ts'
import type { MasterFacts } from '../../src/replica/facts.ts'
import { ReadModel, type ReadModelOptions } from '../../src/replica/read-model.ts'
import type { Change } from '../../src/state/changes.ts'

export const facts: MasterFacts = {
  clusterName: 'c',
  clusterId: 'i',
  version: '1.11.0',
  masterInfo: { id: 'M', ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' },
  startedAt: 0,
  electedAt: 0,
  weights: new Map(),
  flags: {},
  buildTime: 0,
}

/** What a read model is made of in tests; its errors fail the test. */
export const readOptions: ReadModelOptions = {
  clock: systemClock,
  log: {
    warn: () => undefined,
    error: (fields: unknown) => {
      throw (fields as { err: Error }).err
    },
  } as ReadModelOptions['log'],
  feedEpoch: 'e',
  facts,
  masters: [facts.masterInfo],
  bounds: { completedFrameworks: 50, completedTasksPerFramework: 1_000 },
  rules: undefined,
}

export const newReadModel = (options: Partial<ReadModelOptions> = {}): ReadModel =>
  new ReadModel({ ...readOptions, ...options })

/** An answer that is kept as it comes, and the pages that it came in. A test may hold it back. */
export class KeptReply implements ReadReply {
  readonly pages: Buffer[] = []
  status = 0
  headers: Readonly<Record<string, string>> = {}
  /** Resolves when it is complete. */
  readonly done: Promise<void>
  /** Called after each page, before the next one is written. */
  onPage: () => void = () => undefined
  /** Whether what it is given stays unsent, until `release`. */
  held = false
  release: () => void = () => undefined
  /** Ends the stream as a reader that goes away does. */
  end: () => void = () => undefined
  #done!: () => void

  constructor() {
    this.done = new Promise(resolve => {
      this.#done = resolve
    })
  }

  get body(): Buffer {
    return Buffer.concat(this.pages)
  }

  get text(): string {
    return this.body.toString()
  }

  answer({ status, headers, body }: ApiAnswer): void {
    this.status = status
    this.headers = headers
    this.pages.push(Buffer.from(body as string))
    this.#done()
  }

  stream(headers: Readonly<Record<string, string>>): OutStream {
    this.status = 200
    this.headers = headers
    const closing: ((reason: 'ended') => void)[] = []
    let closed = false
    const end = () => {
      if (closed) return
      closed = true
      for (const listener of closing) listener('ended')
      this.#done()
    }
    this.end = end
    const draining: (() => void)[] = []
    const drain = () => {
      if (!this.held && !closed) for (const listener of draining) listener()
    }
    this.release = () => {
      this.held = false
      drain()
    }
    const reply = this
    return {
      write: bytes => {
        this.pages.push(Buffer.from(bytes as Uint8Array))
        this.onPage()
        setImmediate(drain)
        return !closed
      },
      end,
      destroy: end,
      onClose: listener => void closing.push(listener),
      onDrain: listener => void draining.push(listener),
      get queuedBytes() {
        return reply.held ? reply.body.length : 0
      },
      get closed() {
        return closed
      },
    }
  }
}

/** An agent, a framework and tasks as a heart would tell of them. */
export const changes = {
  agent: (id: string): Change => ({
    type: 'AGENT',
    arrived: true,
    agent: {
      info: { id: { value: id }, hostname: '127.0.0.1', resources: [] },
      pid: 'slave(1)@127.0.0.1:5051',
      version: '1.11.0',
      capabilities: ['MULTI_ROLE'],
      total: parseResources('cpus:8;mem:4096;disk:1000;ports:[31000-32000]'),
      registeredAt: 1_000,
      reregisteredAt: undefined,
      active: true,
      connected: true,
      deactivated: false,
      drain: undefined,
      drainStartedAt: undefined,
      invitations: [],
    },
  }),
  framework: (id: string, user = 'u'): Change => ({
    type: 'FRAMEWORK',
    arrived: true,
    framework: {
      info: { user, name: `name of ${id}`, id: { value: id }, roles: ['r'], capabilities: [{ type: 'MULTI_ROLE' }] },
      active: true,
      connected: true,
      recovered: false,
      registeredAt: 0,
      reregisteredAt: undefined,
      constraints: undefined,
    },
  }),
  task: (frameworkId: string, id: string, agentId: string, state: Task['state'] = 'TASK_STAGING'): Change => ({
    type: 'TASK',
    task: {
      name: id,
      task_id: { value: id },
      framework_id: { value: frameworkId },
      agent_id: { value: agentId },
      state,
      resources: parseResources('cpus:0.1;mem:32').map(resource => ({ ...resource, allocation_info: { role: 'r' } })),
      labels: { labels: [{ key: 'of', value: frameworkId }] },
    },
  }),
  status: (frameworkId: string, taskId: string, state: Task['state'], timestamp = 1): Change => ({
    type: 'TASK_STATUS',
    frameworkId,
    taskId,
    state,
    status: { task_id: { value: taskId }, state, timestamp, source: 'SOURCE_EXECUTOR', message: `\u2028 ${state} ü` },
    forwarded: { state, uuid: 'AAAAAAAAAAAAAAAAAAAAAA==' },
  }),
  ended: (frameworkId: string, taskId: string): Change => ({
    type: 'TASK_ENDED',
    frameworkId,
    taskId,
    fate: 'completed',
  }),
}
