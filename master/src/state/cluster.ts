import { createHash } from 'node:crypto'
import type { AgentInfo, MasterToAgent, SchedulerEvent, Task, TaskStatus } from '@meseta/common/protocol/mesos'
import { Allocator } from '../allocator/allocator.ts'
import type { Orders } from './agents/agent-orders.ts'
import { Liveness } from './agents/liveness.ts'
import type { Change, TaskStep } from './changes.ts'
import { type Now, noSettings, type RegistryEntry, type Settings } from './commands.ts'
import type { HeartConfig } from './config.ts'
import type { Effect, Note, RegistryChange } from './effects.ts'
import { MachinePlan } from './maintenance/machines.ts'
import { OperationTable } from './operations/operation-table.ts'
import type { Agent, Framework, OfferRecord, PendingWrite, Registration } from './records.ts'
import { Tally } from './tally.ts'
import { TaskTable } from './tasks/tasks.ts'

/** The state of the cluster, and the words in which its handlers say what is to be done. */
export class Cluster {
  readonly config: HeartConfig
  readonly agents = new Map<string, Agent>()
  readonly agentsByLink = new Map<string, Agent>()
  /** Links with an open session, whether or not an agent has registered in it. */
  readonly openLinks = new Set<string>()
  /** Registered, and without a session. */
  readonly disconnected = new Set<Agent>()
  /** In the registry and not heard of yet. */
  readonly recovered = new Map<string, AgentInfo>()
  /** Those of them that are being written off. */
  readonly givenUp = new Set<string>()
  /** Agents that are to become unreachable and wait for a permit, the oldest first; and when the next is given, on the monotonic clock. */
  readonly removals = new Set<string>()
  nextRemovalAt = Number.NEGATIVE_INFINITY
  /** Since when, milliseconds since 1970; `gone` too. */
  readonly unreachable = new Map<string, number>()
  readonly gone = new Map<string, number>()
  /** What the registry will say of each agent when all writes under way are done. */
  readonly entries = new Map<string, RegistryEntry>()
  /** What operators want of agents, as it is stored; of all others nothing. */
  readonly orders = new Map<string, Orders>()
  readonly frameworks = new Map<string, Framework>()
  readonly frameworksByStream = new Map<string, Framework>()
  /** Frameworks whose new description their agents have not been told. */
  readonly untold = new Set<Framework>()
  /** Ids that can never subscribe again, oldest first, bounded. */
  readonly completed = new Set<string>()
  readonly offers = new Map<string, OfferRecord>()
  readonly tasks: TaskTable
  readonly operations = new OperationTable()
  readonly allocator: Allocator
  readonly liveness: Liveness
  readonly tally = new Tally()
  /** Registry writes under way, by number. */
  readonly pending = new Map<number, PendingWrite>()
  /** Agents that wait for their registry write, by link. */
  readonly registrations = new Map<string, Registration>()
  /** As they are stored: a change is in here when it is durable. */
  settings: Settings = noSettings
  /** As they will be when all writes under way are done. */
  planned: Settings = noSettings
  /** Made of what is stored. */
  machines = new MachinePlan(noSettings.maintenance)
  /** Agents on machines of the maintenance schedule. */
  readonly unavailable = new Set<Agent>()
  /** Outstanding inverse offers. */
  readonly inverseOffers = new Map<string, { readonly agentId: string; readonly frameworkId: string }>()
  /** Nothing is offered until more agents are back. */
  offersHeld = false
  /** When the registry was read, on the monotonic clock, and how many agents it had. */
  recoveredAt = 0
  recoveredCount = 0
  /** When the last cycle of all began, on the monotonic clock. */
  lastCycleAt = Number.NEGATIVE_INFINITY
  /** When old entries of the registry were looked for, on the monotonic clock. */
  lastGcAt = 0
  now: Now = { wall: 0, monotonic: 0 }
  #effects: Effect[] = []
  #nextAgent = 0
  #nextFramework = 0
  #nextOffer = 0
  #nextOperation = 0
  #nextOp = 1
  #allocationWanted = false
  readonly #freeSlots: number[] = []
  #slots = 0

  constructor(config: HeartConfig) {
    this.config = config
    this.tasks = new TaskTable(config.maxUnreachableTasksPerFramework)
    this.allocator = new Allocator(config)
    this.liveness = new Liveness(config.agentSilence)
  }

  /** What was asked for since the last call. */
  takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  do(effect: Effect): void {
    this.#effects.push(effect)
  }

  change(change: Change): void {
    this.#effects.push({ type: 'CHANGE', change })
  }

  note(note: Note): void {
    this.#effects.push({ type: 'NOTE', note })
  }

  reply(request: number, status: number, message?: string): void {
    this.#effects.push(
      message === undefined ? { type: 'REPLY', request, status } : { type: 'REPLY', request, status, message },
    )
  }

  /** Makes a registry change durable; `waiting` is what the heart does then. */
  persist(change: RegistryChange, waiting: PendingWrite): void {
    if ('id' in change) {
      if (change.entry) this.entries.set(change.id, change.entry)
      else this.entries.delete(change.id)
    }
    const op = this.#nextOp++
    this.pending.set(op, waiting)
    this.#effects.push({ type: 'PERSIST', op, change })
  }

  /** Sends to an agent if it is connected; a broken session is dealt with when the link says so. */
  send(agent: Agent, message: MasterToAgent): void {
    if (agent.connected) this.#effects.push({ type: 'SEND', link: agent.link, message })
  }

  /** Tells a framework, if it listens. Answers whether it does. */
  tell(framework: Framework, event: SchedulerEvent): boolean {
    if (framework.streamId === undefined) return false
    this.tally.event(framework.id, event.type ?? 'UNKNOWN')
    this.#effects.push({ type: 'EVENT', streamId: framework.streamId, event })
    return true
  }

  tellUpdate(framework: Framework, status: TaskStatus): boolean {
    return this.tell(framework, { type: 'UPDATE', update: { status } })
  }

  /** Asks once for an allocation after the commands in hand. */
  wantAllocation(): void {
    if (this.#allocationWanted) return
    this.#allocationWanted = true
    this.#effects.push({ type: 'ALLOCATE_SOON' })
  }

  /** Whether one is asked for that has not begun. */
  get allocationWanted(): boolean {
    return this.#allocationWanted
  }

  allocationBegins(): void {
    this.#allocationWanted = false
  }

  newAgentId(): string {
    let id: string
    do id = `${this.config.masterInfo.id}-S${this.#nextAgent++}`
    while (this.agents.has(id) || this.recovered.has(id) || this.unreachable.has(id) || this.gone.has(id))
    return id
  }

  newFrameworkId(): string {
    let id: string
    do id = `${this.config.masterInfo.id}-${String(this.#nextFramework++).padStart(4, '0')}`
    while (this.frameworks.has(id) || this.completed.has(id))
    return id
  }

  newOfferId(): string {
    return `${this.config.masterInfo.id}-O${this.#nextOffer++}`
  }

  /** As unique as this master's id, from which it comes. Base64. */
  newOperationUuid(): string {
    const name = `${this.config.masterInfo.id} ${this.#nextOperation++}`
    return createHash('sha256').update(name).digest().subarray(0, 16).toString('base64')
  }

  takeSlot(): number {
    return this.#freeSlots.pop() ?? this.#slots++
  }

  freeSlot(slot: number): void {
    this.#freeSlots.push(slot)
  }

  showTask(task: Task, step?: TaskStep): void {
    this.change(step ? { type: 'TASK', task, step } : { type: 'TASK', task })
  }

  showAgent(agent: Agent, arrived: boolean): void {
    const orders = this.orders.get(agent.id)
    this.change({
      type: 'AGENT',
      arrived,
      agent: {
        info: agent.info,
        pid: agent.pid,
        version: agent.version,
        capabilities: agent.capabilities,
        total: agent.total.toArray(),
        registeredAt: agent.registeredAt,
        reregisteredAt: agent.reregisteredAt,
        active: agent.connected && !orders?.deactivated,
        connected: agent.connected,
        deactivated: orders?.deactivated ?? false,
        drain: orders?.drain,
        drainStartedAt: agent.drainStartedAt,
        invitations: [...agent.invitations.values()].flatMap(({ status }) => status ?? []),
      },
    })
  }

  showFramework(framework: Framework, arrived: boolean): void {
    const connected = framework.streamId !== undefined
    this.change({
      type: 'FRAMEWORK',
      arrived,
      framework: {
        info: framework.info,
        active: connected,
        connected,
        recovered: framework.recovered,
        registeredAt: framework.registeredAt,
        reregisteredAt: framework.reregisteredAt,
        constraints: framework.constraints?.message,
      },
    })
  }
}
