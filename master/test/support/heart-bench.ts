import type {
  AgentInfoCapability,
  AgentToMaster,
  FrameworkInfo,
  MasterCall,
  MasterToAgent,
  Offer,
  OfferOperation,
  Register,
  SchedulerCall,
  SchedulerEvent,
  TaskInfo,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import { type Bounds, Tables } from '../../src/replica/tables.ts'
import { type Command, noSettings, type RegisteredAgent, type Settings } from '../../src/state/commands.ts'
import { type HeartConfig, heartDefaults } from '../../src/state/config.ts'
import type { Effect } from '../../src/state/effects.ts'
import { Heart } from '../../src/state/heart.ts'

const masterInfo = { id: 'M', ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' }
/** What an agent of this version can do. */
export const agentCapabilities: AgentInfoCapability[] = (
  [
    'MULTI_ROLE',
    'HIERARCHICAL_ROLE',
    'RESERVATION_REFINEMENT',
    'RESOURCE_PROVIDER',
    'AGENT_OPERATION_FEEDBACK',
    'RESIZE_VOLUME',
    'AGENT_DRAINING',
  ] as const
).map(type => ({ type }))
const bounds: Bounds = { completedFrameworks: 50, completedTasksPerFramework: 1_000 }

export interface Answered {
  readonly status: number
  readonly message: string | undefined
}

/** A heart under a clock of its own: registry writes are done at once unless held, and everything it says is kept. */
export class HeartBench {
  readonly heart: Heart
  readonly tables = new Tables(bounds)
  /** Everything since the last look. */
  effects: Effect[] = []
  /** Registry writes are only done by `writeRegistry`. */
  holdsWrites = false
  hearsItself = true
  /** Streams take more only when the test says STREAM_READY. */
  holdsStreams = false
  now = 1_000_000
  readonly registry = new Map<string, RegisteredAgent>()
  settings: Settings
  readonly #held: (Effect & { type: 'PERSIST' })[] = []
  #requests = 0
  #streams = 0

  constructor(
    config: Partial<HeartConfig> = {},
    agents: readonly RegisteredAgent[] = [],
    settings: Settings = noSettings,
  ) {
    this.settings = settings
    for (const agent of agents) this.registry.set(agent.id, agent)
    this.heart = new Heart({ ...heartDefaults, masterInfo, ...config })
    this.do({ type: 'RECOVERED', agents, settings: this.settings })
  }

  do(...commands: Command[]): Effect[] {
    const effects = this.heart.step({ wall: 1.7e12 + this.now, monotonic: this.now }, commands)
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'CHANGE') this.tables.apply(effect.change)
      if (effect.type === 'PERSIST') {
        if (this.holdsWrites) this.#held.push(effect)
        else this.#write(effect)
      }
      if (effect.type === 'MORE_FOLLOWS' && !this.holdsStreams)
        this.do({ type: 'STREAM_READY', streamId: effect.streamId })
      if (effect.type === 'ALLOCATE_SOON') this.do({ type: 'ALLOCATE' })
    }
    return effects
  }

  #write({ op, change }: Effect & { type: 'PERSIST' }): void {
    if ('setting' in change) this.settings = { ...this.settings, [change.setting]: change.value }
    else if (change.entry) this.registry.set(change.id, change)
    else this.registry.delete(change.id)
    this.do({ type: 'PERSISTED', op })
  }

  get heldWrites(): number {
    return this.#held.length
  }

  /** Does the writes that are held, or the first few of them. */
  writeRegistry(count = this.#held.length): void {
    for (const effect of this.#held.splice(0, count)) this.#write(effect)
  }

  /** Lets time pass, a tick each second; `heard` are links that send heartbeats meanwhile. */
  pass(seconds: number, heard: readonly string[] = []): void {
    for (let second = 0; second < seconds; second++) {
      this.now += 1_000
      for (const link of heard) this.do({ type: 'HEARD', link })
      this.do({ type: 'TICK', hearsItself: this.hearsItself })
    }
  }

  /** What was sent to an agent since the last look. */
  sent(link: string): MasterToAgent[] {
    return this.effects.flatMap(effect => (effect.type === 'SEND' && effect.link === link ? [effect.message] : []))
  }

  /** Events of a stream since the last look. */
  events(streamId: string): SchedulerEvent[] {
    return this.effects.flatMap(effect =>
      effect.type === 'EVENT' && effect.streamId === streamId ? [effect.event] : [],
    )
  }

  updates(streamId: string): TaskStatus[] {
    return this.events(streamId).flatMap(({ update }) => update?.status ?? [])
  }

  offers(streamId: string): Offer[] {
    return this.events(streamId).flatMap(({ offers }) => offers?.offers ?? [])
  }

  forgetEffects(): void {
    this.effects = []
  }

  registration(more: Partial<Register> & { resources?: string; hostname?: string } = {}): Register {
    const { resources = 'cpus:4;mem:1024;disk:1000', hostname = 'h', ...rest } = more
    return {
      agent_info: { hostname, resources: parseResources(resources) },
      pid: 'slave(1)@127.0.0.1:5051',
      version: '1.11.0',
      capabilities: agentCapabilities,
      ...rest,
    }
  }

  /** Registers an agent; answers its id. */
  agent(link: string, more: Parameters<HeartBench['registration']>[0] = {}): string {
    this.do({ type: 'LINK_OPENED', link, agentId: undefined })
    this.fromAgent(link, {
      register: this.registration({ pid: `slave(1)@127.0.0.1:${5100 + (this.now % 800)}`, ...more }),
    })
    const registered = this.sent(link).findLast(message => message.registered)
    return registered?.registered?.agent_id.value ?? ''
  }

  fromAgent(link: string, message: AgentToMaster): void {
    this.do({ type: 'LINK_MESSAGE', link, message })
  }

  reregister(
    link: string,
    id: string,
    more: Partial<Omit<NonNullable<AgentToMaster['reregister']>, 'agent_info'>> = {},
  ): void {
    const base = this.registration()
    this.do({ type: 'LINK_OPENED', link, agentId: id })
    this.fromAgent(link, { reregister: { ...base, agent_info: { ...base.agent_info, id: { value: id } }, ...more } })
  }

  /** Subscribes; answers stream and framework ids. */
  framework(info: Partial<FrameworkInfo> = {}, more: object = {}): { stream: string; id: string } {
    const stream = `s${++this.#streams}`
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      subscribe: {
        framework_info: { user: 'u', name: 'f', failover_timeout: 100, checkpoint: true, ...info },
        ...more,
      },
    }
    this.do({ type: 'CALL', request: ++this.#requests, call, streamId: stream })
    const subscribed = this.events(stream).find(({ type }) => type === 'SUBSCRIBED')
    return { stream, id: subscribed?.subscribed?.framework_id.value ?? '' }
  }

  /** A call; answers its status. */
  call({ stream, id }: { stream: string; id: string }, call: SchedulerCall): number {
    const request = ++this.#requests
    const effects = this.do({ type: 'CALL', request, call: { framework_id: { value: id }, ...call }, streamId: stream })
    const reply = effects.find(effect => effect.type === 'REPLY' && effect.request === request)
    return reply?.type === 'REPLY' ? reply.status : 0
  }

  /** How many calls there were: the number of the newest one. */
  get requests(): number {
    return this.#requests
  }

  /** An operator's call; answers its status and the reason for a refusal, or undefined while it waits. */
  operate(call: MasterCall, principal?: string): Answered | undefined {
    const request = ++this.#requests
    const before = this.effects.length
    this.do({ type: 'OPERATE', request, call, ...(principal === undefined ? {} : { principal }) })
    return this.answered(request, before)
  }

  /** What became of the newest call that waited. */
  answered(request = this.#requests, since = 0): Answered | undefined {
    const reply = this.effects.slice(since).find(effect => effect.type === 'REPLY' && effect.request === request)
    return reply?.type === 'REPLY' ? { status: reply.status, message: reply.message } : undefined
  }

  /** A leader that follows this one: it knows what is written, and nothing else. */
  successor(config: Partial<HeartConfig> = {}): HeartBench {
    const info = { ...masterInfo, id: 'N' }
    return new HeartBench(
      { masterInfo: info, ...config },
      structuredClone([...this.registry.values()]),
      structuredClone(this.settings),
    )
  }

  accept(
    framework: { stream: string; id: string },
    offers: readonly Offer[],
    operations: OfferOperation[],
    refuse = 0,
  ): number {
    return this.call(framework, {
      type: 'ACCEPT',
      accept: { offer_ids: offers.map(({ id }) => id), operations, filters: { refuse_seconds: refuse } },
    })
  }

  launch(framework: { stream: string; id: string }, offer: Offer, ...tasks: Partial<TaskInfo>[]): number {
    const infos = tasks.map(task => this.task(offer, task))
    return this.accept(framework, [offer], [{ type: 'LAUNCH', launch: { task_infos: infos } }])
  }

  task(offer: Offer, task: Partial<TaskInfo> = {}): TaskInfo {
    return {
      name: 'n',
      task_id: { value: 't' },
      agent_id: offer.agent_id,
      resources: parseResources('cpus:1;mem:32'),
      ...(task.executor ? {} : { command: { value: 'true' } }),
      ...task,
    }
  }

  /** A status update from an agent; answers its uuid. */
  update(
    link: string,
    frameworkId: string,
    taskId: string,
    state: TaskStatus['state'],
    more: Partial<TaskStatus> = {},
  ): string {
    const uuid = Buffer.from(`${taskId}${state}`.padStart(16, '0').slice(-16)).toString('base64')
    this.fromAgent(link, {
      status_update: {
        framework_id: { value: frameworkId },
        status: { task_id: { value: taskId }, state, source: 'SOURCE_EXECUTOR', uuid, timestamp: 1, ...more },
        latest_state: state,
      },
    })
    return uuid
  }
}
