import type {
  Offer,
  OfferID,
  OfferOperation,
  OperationStatus,
  SchedulerCall,
  SchedulerEvent,
  TaskState,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { parseResources } from '@meseta/common/resources/text'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { SeededRandom } from '@meseta/common/sim/random'
import type { SimProcess, Simulation } from '@meseta/common/sim/simulation'
import type { ApiStream } from '@meseta/master/api/transport'
import type { Master } from '@meseta/master/master'
import { Operations } from './operations.ts'
import type { Sabotage } from './sabotage.ts'

/** What a framework knows of a task it launched. It is on its disk: it survives a crash. */
export interface KnownTask {
  readonly id: string
  readonly agent: string
  state: TaskState
  /** The end was heard ahead of the updates before it: the master's own word is the latest state where none was forwarded. */
  ahead?: boolean
  /** Updates that were stored, oldest first: each has a number that tells how far the task had come. */
  readonly updates: Map<string, number>
}

/** How far a task has come; updates never go back. */
const progress = (state: TaskState): number =>
  isTerminal(state) ? 4 : state === 'TASK_KILLING' ? 3 : state === 'TASK_RUNNING' ? 2 : 1

/** Milliseconds on the way between a framework and the master. */
const way = 1
const retryEvery = 1_000
const reconcileEvery = 20_000
const killEvery = 7_000

/**
 * A scripted PARTITION_AWARE framework, as its authors are told to write them: it stores a task before it launches it and a
 * status before it acknowledges it, and asks for its tasks' states when it has connected and now and then.
 */
export class ScriptedFramework {
  readonly tasks = new Map<string, KnownTask>()
  readonly operations: Operations
  readonly process: SimProcess
  id: string | undefined
  /** Launches and kills end with the troubles. */
  busy = true
  readonly #simulation: Simulation
  readonly #leader: () => Master | undefined
  readonly #sabotage: Sabotage
  readonly #most: number
  readonly #operates: boolean
  /** Of the sabotaged way to it. */
  readonly #shown = new Set<string>()
  #clock!: Clock
  #random!: SeededRandom
  #connection = 0
  #streamId = ''
  #subscribed = false
  #stream: { end(): void } | undefined
  /** Who was asked to open the stream and has not answered yet: when it dies, so does the connection. */
  #asked: Master | undefined
  #timers: Timer[] = []

  constructor(parts: {
    readonly simulation: Simulation
    readonly name: string
    readonly leader: () => Master | undefined
    readonly sabotage: Sabotage
    /** Tasks at a time. */
    readonly most: number
    /** Whether it reserves and makes volumes. */
    readonly operates: boolean
  }) {
    this.#simulation = parts.simulation
    this.process = parts.simulation.process(parts.name)
    this.operations = new Operations(parts.name)
    this.#leader = parts.leader
    this.#sabotage = parts.sabotage
    this.#most = parts.most
    this.#operates = parts.operates
  }

  get name(): string {
    return this.process.name
  }

  get live(): KnownTask[] {
    return [...this.tasks.values()].filter(({ state }) => !isTerminal(state))
  }

  start(): void {
    this.#clock = this.process.clock()
    this.#random = this.process.random()
    this.#timers = [
      this.#clock.every(retryEvery, () => this.#connect()),
      this.#clock.every(reconcileEvery, () => this.#reconcile()),
      this.#clock.every(killEvery, () => this.#killOne()),
    ]
  }

  /** Dies, and comes back with what it had stored. */
  crash(): void {
    for (const timer of this.#timers) timer.cancel()
    this.break()
    this.process.crash()
  }

  restartIfDown(): void {
    if (this.process.alive) return
    this.process.restart()
    this.start()
  }

  /** The connection to the master is lost, with what was on its way. */
  break(): void {
    this.#connection += 1
    this.#subscribed = false
    this.#stream?.end()
    this.#stream = undefined
    this.#asked = undefined
  }

  #connect(): void {
    const unanswered = this.#asked !== undefined && this.#asked !== this.#leader()
    if ((this.#stream && !unanswered) || !this.#leader()?.recovered) return
    this.break()
    const connection = this.#connection
    const id = this.id === undefined ? {} : { id: { value: this.id } }
    const framework_info = {
      user: 'u',
      name: this.name,
      role: this.name,
      failover_timeout: 1e6,
      checkpoint: true,
      capabilities: [{ type: 'PARTITION_AWARE' as const }, { type: 'RESERVATION_REFINEMENT' as const }],
      ...id,
    }
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      ...(this.id === undefined ? {} : { framework_id: { value: this.id } }),
      subscribe: { framework_info },
    }
    // Until the answer this is the attempt; a refusal ends it, and the next retry begins anew.
    this.#stream = { end: () => undefined }
    this.#send(call, connection, headers => this.#opened(connection, headers))
  }

  #opened(connection: number, headers: Readonly<Record<string, string>>): ApiStream {
    const decoder = new RecordDecoder()
    let over = connection !== this.#connection
    const closed: (() => void)[] = []
    const close = () => {
      if (over) return
      over = true
      for (const listener of closed) listener()
    }
    if (!over) {
      this.#asked = undefined
      this.#streamId = headers['mesos-stream-id'] ?? ''
      this.#stream = { end: () => this.#simulation.schedule(this.name, way, 'hung up', close) }
    }
    return {
      write: record => {
        if (over) return false
        const bytes = new Uint8Array(record)
        this.process.deliver(way, 'master', bytes, given => {
          if (connection !== this.#connection) return
          for (const one of decoder.push(given)) this.#event(JSON.parse(Buffer.from(one).toString()))
        })
        return true
      },
      end: () => {
        close()
        this.#clock.after(way, () => {
          if (connection === this.#connection) this.break()
        })
      },
      onClose: listener => closed.push(listener),
      onDrain: () => undefined,
      queuedBytes: 0,
    }
  }

  #send(
    call: SchedulerCall,
    connection = this.#connection,
    stream: (headers: Readonly<Record<string, string>>) => ApiStream = notAStream,
  ): void {
    const subscribes = call.type === 'SUBSCRIBE'
    const headers = {
      'content-type': 'application/json',
      ...(subscribes ? {} : { 'mesos-stream-id': this.#streamId }),
    }
    const body = Buffer.from(JSON.stringify(subscribes ? call : { framework_id: { value: this.id }, ...call }))
    // What was sent before a crash arrives: only a broken connection takes it along.
    this.#simulation.schedule('master', way, `< ${this.name} ${call.type}`, () => {
      if (connection !== this.#connection) return
      const refused = (status: number) => {
        if (status >= 300 && connection === this.#connection) this.break()
      }
      const request = { method: 'POST', path: '/api/v1/scheduler', query: '', headers, body }
      const leader = this.#leader()
      if (subscribes) this.#asked = leader
      if (leader?.recovered) leader.scheduler.handle(request, { answer: ({ status }) => refused(status), stream })
      else refused(503)
    })
  }

  #event({ subscribed, offers, update, update_operation_status: operation }: SchedulerEvent): void {
    if (subscribed) {
      this.id = subscribed.framework_id.value
      this.#subscribed = true
      this.#reconcile()
    }
    if (offers) this.#answer(offers.offers ?? [])
    if (update) this.#updated(update.status)
    if (operation) this.#operated(operation.status)
  }

  /** Launches on what it can use, and declines all else in one call: for long when it has nothing to launch any more. */
  #answer(offers: readonly Offer[]): void {
    let room = this.busy ? this.#most - this.live.length : 0
    const declined: OfferID[] = []
    for (const offer of offers) {
      const cpus = offer.resources?.find(({ name }) => name === 'cpus')?.scalar?.value ?? 0
      const operation =
        this.busy && this.#operates && this.#random.chance(0.2) ? this.operations.begin(offer, this.#random) : undefined
      if (operation) this.#accept(offer, operation)
      else if (cpus < 1 || room-- <= 0) declined.push(offer.id)
      else this.#launch(offer)
    }
    const refuse_seconds = this.busy ? 2 : 1_000
    if (declined.length > 0)
      this.#send({ type: 'DECLINE', decline: { offer_ids: declined, filters: { refuse_seconds } } })
  }

  #launch(offer: Offer): void {
    const id = `${this.name}-${this.tasks.size}`
    this.tasks.set(id, { id, agent: offer.agent_id.value, state: 'TASK_STAGING', updates: new Map() })
    const task = {
      name: id,
      task_id: { value: id },
      agent_id: offer.agent_id,
      resources: parseResources('cpus:1;mem:32'),
      command: { value: 'work' },
    }
    this.#accept(offer, { type: 'LAUNCH', launch: { task_infos: [task] } })
  }

  #accept(offer: Offer, operation: OfferOperation): void {
    const accept = { offer_ids: [offer.id], operations: [operation], filters: { refuse_seconds: 0 } }
    this.#send({ type: 'ACCEPT', accept })
  }

  #operated(status: OperationStatus): void {
    const { operation_id, agent_id, state, uuid } = status
    this.#simulation.note(this.name, `${operation_id?.value} ${state} ${status.message ?? ''}`)
    const wrong = this.operations.heard(status)
    if (wrong) this.#simulation.fail(`${this.name}: ${wrong}`)
    if (!uuid || !operation_id || this.#sabotage.dropsOperationAcknowledgements) return
    const acknowledge = { operation_id, uuid: uuid.value, ...(agent_id ? { agent_id } : {}) }
    this.#clock.after(this.#random.int(20), () =>
      this.#send({ type: 'ACKNOWLEDGE_OPERATION_STATUS', acknowledge_operation_status: acknowledge }),
    )
  }

  #updated(status: TaskStatus): void {
    const { task_id, agent_id, state, uuid, reason, message } = status
    if (uuid && this.#sabotage.showsUpdatesOnce && this.#shown.has(uuid)) return
    if (uuid) this.#shown.add(uuid)
    const task = this.tasks.get(task_id.value)
    if (!task) {
      this.#simulation.fail(`${this.name} was told of ${task_id.value}, which it never launched`)
      return
    }
    this.#simulation.note(this.name, `${task.id} ${state} ${reason ?? ''} ${uuid ? 'update' : 'answer'}`)
    if (isTerminal(task.state) && !isTerminal(state) && !task.ahead)
      this.#simulation.fail(`${task.id} was ${task.state} and is ${state} again`)
    if (uuid) this.#inOrder(task, state, uuid)
    // Stored, and then acknowledged; between the two it may die, or lose its connection.
    if (!isTerminal(task.state)) {
      task.state = state
      task.ahead = message === 'Reconciliation: Latest task state' || reason === 'REASON_AGENT_REREGISTERED'
    } else if (uuid && isTerminal(state)) task.ahead = false
    if (!uuid || this.#sabotage.dropsAcknowledgements) return
    this.#clock.after(this.#random.int(20), () =>
      this.#send({ type: 'ACKNOWLEDGE', acknowledge: { agent_id: agent_id!, task_id, uuid } }),
    )
  }

  /** An update may come again, but not a new one of what was before. */
  #inOrder(task: KnownTask, state: TaskState, uuid: string): void {
    const latest = Math.max(0, ...task.updates.values())
    if (!task.updates.has(uuid) && progress(state) < latest)
      this.#simulation.fail(`${this.name} is told for the first time that ${task.id} is ${state}, after later updates`)
    task.updates.set(uuid, progress(state))
  }

  #reconcile(): void {
    if (!this.#subscribed) return
    const tasks = this.live.map(({ id, agent }) => ({ task_id: { value: id }, agent_id: { value: agent } }))
    if (tasks.length > 0) this.#send({ type: 'RECONCILE', reconcile: { tasks } })
    const operations = this.operations.reconciliation()
    if (operations) this.#send(operations)
  }

  #killOne(): void {
    const running = this.live.filter(({ state }) => state === 'TASK_RUNNING')
    if (!this.busy || !this.#subscribed || running.length === 0) return
    const { id, agent } = this.#random.pick(running)
    this.#send({ type: 'KILL', kill: { task_id: { value: id }, agent_id: { value: agent } } })
  }
}

const notAStream = (): ApiStream => {
  throw new Error('only SUBSCRIBE is answered with a stream')
}
