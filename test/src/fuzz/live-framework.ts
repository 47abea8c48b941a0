import { type ClientRequest, request } from 'node:http'
import type { Offer, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'

/** A subscription that subscribes anew when it ends, as what it does is what others make up. */
export class LiveFramework {
  id: string | undefined
  streamId: string | undefined
  offers: readonly Offer[] = []
  readonly #url: string
  #request: ClientRequest | undefined

  constructor(url: string) {
    this.#url = url
  }

  /** Subscribes unless it is. */
  subscribe(): void {
    if (this.#request) return
    const framework_info = { user: 'u', name: 'living', roles: ['a'], capabilities: [{ type: 'MULTI_ROLE' }] }
    const decoder = new RecordDecoder()
    const headers = { 'content-type': 'application/json' }
    const over = () => this.#over()
    this.#request = request(`${this.#url}/api/v1/scheduler`, { method: 'POST', headers }, response => {
      this.streamId = response.headers['mesos-stream-id']?.toString()
      response.on('data', chunk => {
        for (const record of decoder.push(chunk)) this.#event(JSON.parse(Buffer.from(record).toString()))
      })
      response.on('close', over)
    })
    this.#request.on('error', over)
    this.#request.end(JSON.stringify({ type: 'SUBSCRIBE', subscribe: { framework_info } }))
  }

  stop(): void {
    this.#request?.destroy()
    this.#over()
  }

  #event({ subscribed, offers, rescind }: SchedulerEvent): void {
    if (subscribed) this.id = subscribed.framework_id.value
    if (offers) this.offers = [...(offers.offers ?? []), ...this.offers].slice(0, 20)
    if (rescind) this.offers = this.offers.filter(({ id }) => id.value !== rescind.offer_id.value)
  }

  #over(): void {
    this.#request = undefined
    this.id = undefined
    this.streamId = undefined
    this.offers = []
  }
}
