import type {
  Offer,
  OfferOperation,
  OperationState,
  OperationStatus,
  Resource,
  SchedulerCall,
  SchedulerEvent,
} from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import type { Resources } from '@meseta/common/resources/resources'
import type { Clock } from '@meseta/common/service/clock'
import type { SeededRandom } from '@meseta/common/sim/random'
import type { ApiStream } from '@meseta/master/api/transport'
import type { Master } from '@meseta/master/master'

interface Known {
  readonly agentId: string
  readonly info: OfferOperation
  state: OperationState | undefined
}

const ends: readonly (OperationState | undefined)[] = ['OPERATION_FINISHED', 'OPERATION_DROPPED', 'OPERATION_ERROR']
const reserved = (size: number): Resource => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: size },
  reservations: [{ type: 'DYNAMIC', role: 'r' }],
})

/** A framework that reserves, creates, resizes, destroys and unreserves at random, and remembers every operation that it sent. */
export class Keeper {
  busy = true
  /** An operation was told to have ended in two ways. */
  contradiction: string | undefined
  readonly #known = new Map<string, Known>()
  readonly #random: SeededRandom
  #master: Master | undefined
  #id: string | undefined
  #streamId = ''
  #next = 0

  constructor(clock: Clock, random: SeededRandom) {
    this.#random = random
    clock.every(5_000, () => this.#reconcile())
  }

  attach(master: Master): void {
    this.#master = master
    const id = this.#id === undefined ? {} : { id: { value: this.#id } }
    const capabilities = (['MULTI_ROLE', 'RESERVATION_REFINEMENT'] as const).map(type => ({ type }))
    const framework_info = { user: 'u', name: 'keeper', failover_timeout: 1e6, roles: ['r'], capabilities, ...id }
    const call: SchedulerCall = { type: 'SUBSCRIBE', subscribe: { framework_info } }
    if (this.#id !== undefined) call.framework_id = { value: this.#id }
    const decoder = new RecordDecoder()
    this.#send(call, headers => {
      this.#streamId = headers['mesos-stream-id'] ?? ''
      return {
        write: record => {
          for (const bytes of decoder.push(record)) this.#event(JSON.parse(Buffer.from(bytes).toString()))
          return true
        },
        end: () => undefined,
        onClose: () => undefined,
        onDrain: () => undefined,
        queuedBytes: 0,
      }
    })
  }

  count(state: OperationState): number {
    return [...this.#known.values()].filter(known => known.state === state).length
  }

  /** Operations of which neither an end is known, nor that no agent knows them. */
  get unanswered(): string[] {
    return [...this.#known]
      .filter(([, { state }]) => !ends.includes(state) && state !== 'OPERATION_UNKNOWN')
      .map(([id]) => id)
  }

  /** What an agent has that did what is finished, in the order in which it was told. */
  expected(agentId: string, own: Resources): Resources {
    let total = own
    for (const { agentId: of, info, state } of this.#known.values()) {
      if (of !== agentId || state !== 'OPERATION_FINISHED') continue
      const applied = total.applyOperation(info)
      if ('refused' in applied) throw new Error(`${info.type} of ${agentId}: ${applied.refused}`)
      total = applied.resources
    }
    return total
  }

  #send(call: SchedulerCall, stream: (headers: Readonly<Record<string, string>>) => ApiStream = notAStream): void {
    const headers = {
      'content-type': 'application/json',
      ...(call.type === 'SUBSCRIBE' ? {} : { 'mesos-stream-id': this.#streamId }),
    }
    const body = call.type === 'SUBSCRIBE' ? call : { framework_id: { value: this.#id }, ...call }
    this.#master!.scheduler.handle(
      { method: 'POST', path: '/api/v1/scheduler', query: '', headers, body: Buffer.from(JSON.stringify(body)) },
      { answer: () => undefined, stream },
    )
  }

  #event({ subscribed, offers, update_operation_status: update }: SchedulerEvent): void {
    if (subscribed) {
      this.#id = subscribed.framework_id.value
      this.#reconcile()
    }
    for (const offer of offers?.offers ?? []) this.#use(offer)
    if (update) this.#learn(update.status)
  }

  /** A few operations on what is offered, each on what it finds there: some after the first fail, and are refused. */
  #use(offer: Offer): void {
    const operations = this.busy ? Array.from({ length: 1 + this.#random.int(3) }, () => this.#choose(offer)) : []
    for (const operation of operations)
      this.#known.set(operation.id!.value, {
        agentId: offer.agent_id.value,
        info: withoutRole(operation),
        state: undefined,
      })
    this.#send({
      type: 'ACCEPT',
      accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: this.busy ? 0 : 1e6 } },
    })
  }

  #choose({ resources = [] }: Offer): OfferOperation {
    const id = { value: `o${this.#next++}` }
    const volumes = resources.filter(({ disk }) => disk?.persistence)
    const volume = volumes[this.#random.int(Math.max(1, volumes.length))]
    const choice = this.#random.int(6)
    if (volume && choice === 0) return { type: 'DESTROY', id, destroy: { volumes: [volume] } }
    if (volume && choice === 1) return { type: 'GROW_VOLUME', id, grow_volume: { volume, addition: reserved(5) } }
    if (volume && choice === 2) return { type: 'SHRINK_VOLUME', id, shrink_volume: { volume, subtract: { value: 5 } } }
    if (choice === 3) return { type: 'UNRESERVE', id, unreserve: { resources: [reserved(10)] } }
    if (choice === 4) {
      const disk = { persistence: { id: id.value }, volume: { container_path: 'data', mode: 'RW' as const } }
      return { type: 'CREATE', id, create: { volumes: [{ ...reserved(20), disk }] } }
    }
    return { type: 'RESERVE', id, reserve: { resources: [reserved(50)] } }
  }

  #learn({ operation_id, state, uuid, agent_id }: OperationStatus): void {
    const name = operation_id!.value
    const known = this.#known.get(name)!
    if (ends.includes(known.state) && ends.includes(state) && known.state !== state)
      this.contradiction = `operation ${name} ended as ${known.state}, and as ${state}`
    if (!ends.includes(known.state)) known.state = state
    if (uuid)
      this.#send({
        type: 'ACKNOWLEDGE_OPERATION_STATUS',
        acknowledge_operation_status: { agent_id: agent_id!, operation_id: operation_id!, uuid: uuid.value },
      })
  }

  #reconcile(): void {
    if (!this.#id || !this.#master) return
    const operations = [...this.#known]
      .filter(([, { state }]) => !ends.includes(state))
      .map(([value, { agentId }]) => ({ operation_id: { value }, agent_id: { value: agentId } }))
    if (operations.length > 0) this.#send({ type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations } })
  }
}

const notAStream = (): ApiStream => {
  throw new Error('only SUBSCRIBE is answered with a stream')
}

/** As the agent has it: offers say to whom they are allocated. */
function withoutRole(operation: OfferOperation): OfferOperation {
  return JSON.parse(JSON.stringify(operation, (key, value) => (key === 'allocation_info' ? undefined : value)))
}
