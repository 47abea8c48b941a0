import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decode, encode, parseJson, stringify } from '@meseta/common/protocol/codec'
import type { SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { encodeRecord, RecordDecoder } from '@meseta/common/protocol/recordio'

/** What a test makes of the calls that come in. */
export interface Script {
  /** A subscription has begun; its events so far are SUBSCRIBED and a HEARTBEAT. */
  subscribed?(master: ScriptedMaster, call: SchedulerCall): void
  /** Any other call, in order. Answers a status other than 202 to refuse it. */
  call?(master: ScriptedMaster, call: SchedulerCall): number | undefined
  /** Where to send subscriptions instead: a master that does not lead. */
  readonly redirect?: () => string | undefined
  readonly heartbeatSeconds?: number
  /** `refused`: this master takes calls one by one only. */
  readonly callStream?: 'taken' | 'refused'
  /** Whether a TEARDOWN that came as a request of its own is answered; always unless said. */
  readonly answersAfterTeardown?: 'while subscribed' | 'never'
}

interface Stream {
  readonly id: string
  readonly response: ServerResponse
  readonly json: boolean
}

const path = '/api/v1/scheduler'

/** A master for tests of frameworks: the session rules of Mesos contract 2.1 on a real socket, the rest as scripted. */
export class ScriptedMaster {
  readonly calls: SchedulerCall[] = []
  readonly #script: Script
  readonly #server: Server
  #stream: Stream | undefined
  #frameworkId: string | undefined
  #heartbeat: NodeJS.Timeout | undefined

  private constructor(script: Script) {
    this.#script = script
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  static async start(script: Script = {}): Promise<ScriptedMaster> {
    const master = new ScriptedMaster(script)
    await new Promise<void>(resolve => master.#server.listen(0, '127.0.0.1', resolve))
    return master
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get frameworkId(): string | undefined {
    return this.#frameworkId
  }

  get connected(): boolean {
    return this.#stream !== undefined
  }

  /** Sends an event to the framework that is subscribed; nothing happens when none is. */
  send(event: SchedulerEvent): void {
    if (this.#stream === undefined) return
    const { response, json } = this.#stream
    const name = 'mesos.v1.scheduler.Event'
    response.write(encodeRecord(json ? stringify(name, event) : encode(name, event)))
  }

  /** Breaks the subscription. */
  disconnect(): void {
    this.#stream?.response.destroy()
    this.#stream = undefined
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.disconnect()
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers['content-type'] === 'application/recordio') {
      await this.#takeStream(request, response)
      return
    }
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    if (request.method !== 'POST' || request.url !== path) {
      response.writeHead(404).end()
      return
    }
    const json = request.headers['content-type'] === 'application/json'
    const bytes = Buffer.concat(parts)
    const name = 'mesos.v1.scheduler.Call'
    const call = json ? parseJson(name, bytes) : decode(name, bytes)
    if (call.type === 'SUBSCRIBE') this.#subscribe(call, json, response)
    else {
      const status = this.#take(call, request)
      const { answersAfterTeardown } = this.#script
      if (call.type === 'TEARDOWN' && answersAfterTeardown === 'never') return
      if (call.type === 'TEARDOWN' && answersAfterTeardown && this.#stream === undefined) response.destroy()
      else response.writeHead(status).end()
    }
  }

  /** A stream of calls: refusals are answered by the number of the call (design decision 8). */
  async #takeStream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#script.callStream === 'refused') {
      response.writeHead(415).end()
      return
    }
    response.writeHead(200, { 'content-type': 'application/recordio' })
    response.flushHeaders()
    const json = request.headers['message-content-type'] === 'application/json'
    const records = new RecordDecoder()
    let number = 0
    for await (const chunk of request)
      for (const record of records.push(chunk as Buffer)) {
        number += 1
        const name = 'mesos.v1.scheduler.Call'
        const status = this.#take(json ? parseJson(name, record) : decode(name, record), request)
        if (status !== 202) response.write(encodeRecord(JSON.stringify({ call: number, status, message: 'refused' })))
      }
    response.end()
  }

  #subscribe(call: SchedulerCall, json: boolean, response: ServerResponse): void {
    const elsewhere = this.#script.redirect?.()
    if (elsewhere !== undefined) {
      response.writeHead(307, { location: `${elsewhere.replace(/^http:/, '')}${path}` }).end()
      return
    }
    this.#stream?.response.destroy()
    const id = randomUUID()
    response.writeHead(200, {
      'content-type': json ? 'application/json' : 'application/x-protobuf',
      'mesos-stream-id': id,
    })
    this.#stream = { id, response, json }
    response.on('close', () => {
      if (this.#stream?.id === id) this.#stream = undefined
    })
    this.#frameworkId = call.framework_id?.value ?? call.subscribe?.framework_info.id?.value ?? `F-${randomUUID()}`
    const heartbeat = this.#script.heartbeatSeconds ?? 15
    this.calls.push(call)
    this.send({
      type: 'SUBSCRIBED',
      subscribed: { framework_id: { value: this.#frameworkId }, heartbeat_interval_seconds: heartbeat },
    })
    this.send({ type: 'HEARTBEAT' })
    clearInterval(this.#heartbeat)
    this.#heartbeat = setInterval(() => this.send({ type: 'HEARTBEAT' }), heartbeat * 1000)
    this.#script.subscribed?.(this, call)
  }

  #take(call: SchedulerCall, request: IncomingMessage): number {
    if (this.#stream === undefined) return 403
    if (request.headers['mesos-stream-id'] !== this.#stream.id) return 400
    this.calls.push(call)
    return this.#script.call?.(this, call) ?? 202
  }
}
