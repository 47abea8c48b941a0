import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { FrameworkInfo, Offer, SchedulerCall, SchedulerEvent, TaskInfo } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import { parseResources } from '@meseta/common/resources/text'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** One raw request, with exactly these headers. */
export function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | Uint8Array,
): Promise<Answer> {
  return new Promise((answered, failed) => {
    const request = httpRequest(url, { method, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        answered({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    request.on('error', failed)
    request.end(body)
  })
}

/** A framework over real HTTP, JSON both ways. */
export class FakeScheduler {
  readonly events: SchedulerEvent[] = []
  readonly #url: string
  readonly #info: FrameworkInfo
  #waiting: (() => void)[] = []
  #request: ClientRequest | undefined
  streamId: string | undefined
  id: string | undefined
  closed = false

  constructor(url: string, info: Partial<FrameworkInfo> = {}) {
    this.#url = url
    this.#info = { user: 'me', name: 'test', failover_timeout: 60, checkpoint: true, ...info }
    this.id = info.id?.value
  }

  /** Subscribes and waits for SUBSCRIBED. */
  async subscribe(more: Partial<SchedulerCall['subscribe'] & object> = {}): Promise<this> {
    this.closed = false
    const info = this.id === undefined ? this.#info : { ...this.#info, id: { value: this.id } }
    const call = {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: info, ...more },
      ...(this.id === undefined ? {} : { framework_id: { value: this.id } }),
    }
    const response = await new Promise<IncomingMessage>((answered, failed) => {
      this.#request = httpRequest(
        `${this.#url}/api/v1/scheduler`,
        { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, agent: false },
        answered,
      )
      this.#request.on('error', failed)
      this.#request.end(JSON.stringify(call))
    })
    if (response.statusCode !== 200) throw new Error(`SUBSCRIBE was answered ${response.statusCode}`)
    this.streamId = response.headers['mesos-stream-id'] as string
    const decoder = new RecordDecoder()
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) this.#event(JSON.parse(Buffer.from(record).toString('latin1')))
    })
    const ended = () => {
      this.closed = true
      this.#wake()
    }
    response.on('close', ended)
    response.on('error', ended)
    const event = await this.next(({ type }) => type === 'SUBSCRIBED' || type === 'ERROR')
    if (event.subscribed) this.id = event.subscribed.framework_id.value
    return this
  }

  #event(event: SchedulerEvent): void {
    this.events.push(event)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Takes the first event that is wanted, with all before it, out of the list; waits for it at most 10 s. */
  async next(wanted: (event: SchedulerEvent) => boolean, seconds = 10): Promise<SchedulerEvent> {
    const deadline = Date.now() + seconds * 1000
    for (;;) {
      const at = this.events.findIndex(wanted)
      if (at >= 0) return this.events.splice(0, at + 1)[at]!
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`waited in vain; there are ${JSON.stringify(this.events).slice(0, 2000)}`)
      await new Promise<void>(wake => {
        const timer = setTimeout(wake, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          wake()
        })
      })
    }
  }

  async offers(): Promise<Offer[]> {
    return (await this.next(({ type }) => type === 'OFFERS')).offers!.offers!
  }

  async update(taskId: string, state?: string) {
    const event = await this.next(
      ({ update }) => update?.status.task_id.value === taskId && (state === undefined || update.status.state === state),
    )
    return event.update!.status
  }

  async isClosed(): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!this.closed) {
      if (Date.now() > deadline) throw new Error('the stream is still open')
      await new Promise<void>(wake => this.#waiting.push(wake))
    }
  }

  call(call: Omit<SchedulerCall, 'framework_id'>): Promise<Answer> {
    const body = JSON.stringify({ framework_id: { value: this.id }, ...call })
    return send(
      `${this.#url}/api/v1/scheduler`,
      'POST',
      { 'content-type': 'application/json', 'mesos-stream-id': this.streamId! },
      body,
    )
  }

  launch(offer: Offer, ...tasks: Partial<TaskInfo>[]): Promise<Answer> {
    return this.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: tasks.map(task => taskInfo(offer, task)) } }],
        filters: { refuse_seconds: 0 },
      },
    })
  }

  async acknowledge(status: {
    agent_id?: { value: string }
    task_id: { value: string }
    uuid?: string
  }): Promise<Answer> {
    return this.call({
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid! },
    })
  }

  /** Cuts the stream as a crash does. */
  break(): void {
    this.#request?.destroy()
  }
}

/** A task of 1 cpu and 32 MB that fits an offer. */
export function taskInfo(offer: Offer, task: Partial<TaskInfo>): TaskInfo {
  return {
    name: 'task',
    task_id: { value: 't1' },
    agent_id: offer.agent_id,
    resources: parseResources('cpus:1;mem:32'),
    ...(task.executor ? {} : { command: { value: 'sleep 1000' } }),
    ...task,
  }
}
