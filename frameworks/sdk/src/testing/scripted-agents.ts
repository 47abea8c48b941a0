import { randomUUID } from 'node:crypto'
import type { Offer, Resource, SchedulerCall, TaskInfo, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import { ScriptedMaster } from './scripted-master.ts'

export interface AgentShape {
  readonly hostname: string
  readonly cpus: number
  readonly mem: number
  readonly disk?: number
  readonly ports?: readonly [number, number]
  readonly attributes?: Readonly<Record<string, string>>
}

/** A task as the agents of a scripted cluster hold it. */
export interface ScriptedTask {
  readonly info: TaskInfo
  readonly agent: number
  state: TaskState
}

const over = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_GONE',
])

/**
 * A scripted master with agents that start what they are told to and end what they are told to: for tests of whole
 * frameworks. `behave` may say what becomes of a task instead of TASK_RUNNING.
 */
export class ScriptedCluster {
  readonly master: ScriptedMaster
  readonly tasks = new Map<string, ScriptedTask>()
  readonly acknowledged = new Set<string>()
  behave: (task: TaskInfo) => TaskState | undefined = () => 'TASK_RUNNING'
  readonly #agents: readonly AgentShape[]
  readonly #offers = new Map<string, number>()
  #wanted = new Set<string>()

  private constructor(agents: readonly AgentShape[], start: (cluster: ScriptedCluster) => ScriptedMaster) {
    this.#agents = agents
    this.master = start(this)
  }

  static async start(agents: readonly AgentShape[]): Promise<ScriptedCluster> {
    let cluster: ScriptedCluster | undefined
    const master = await ScriptedMaster.start({
      subscribed: (_master, call) => {
        if (cluster === undefined) return
        cluster.#wanted = new Set(call.subscribe?.framework_info.roles ?? ['*'])
        // What was offered to the session before is gone with it.
        cluster.#offers.clear()
        cluster.offerAll()
      },
      call: (_master, call) => cluster?.take(call),
    })
    cluster = new ScriptedCluster(agents, () => master)
    return cluster
  }

  running(): ScriptedTask[] {
    return [...this.tasks.values()].filter(task => task.state === 'TASK_RUNNING')
  }

  /** Offers each agent's free resources, where no offer of it is out. */
  offerAll(): void {
    const outstanding = new Set(this.#offers.values())
    for (const role of this.#wanted)
      this.#agents.forEach((agent, index) => {
        if (outstanding.has(index)) return
        outstanding.add(index)
        const offer = this.#offer(agent, index, role)
        this.#offers.set(offer.id.value, index)
        this.master.send({ type: 'OFFERS', offers: { offers: [offer] } })
      })
  }

  #offer(agent: AgentShape, index: number, role: string): Offer {
    const used = { cpus: 0, mem: 0, disk: 0 }
    const ports = new Set<number>()
    for (const task of this.tasks.values()) {
      if (task.agent !== index || over.has(task.state)) continue
      for (const resource of task.info.resources ?? []) {
        const name = resource.name as keyof typeof used
        if (resource.scalar !== undefined && name in used) used[name] += resource.scalar.value
        for (const range of resource.ranges?.range ?? [])
          for (let port = range.begin; port <= range.end; port += 1) ports.add(port)
      }
    }
    const allocation_info = { role }
    const scalar = (name: string, value: number): Resource => ({
      name,
      type: 'SCALAR',
      scalar: { value },
      allocation_info,
    })
    return {
      id: { value: randomUUID() },
      framework_id: { value: this.master.frameworkId ?? '' },
      agent_id: { value: `agent-${index}` },
      hostname: agent.hostname,
      allocation_info,
      attributes: Object.entries(agent.attributes ?? {}).map(([name, value]) => ({
        name,
        type: 'TEXT',
        text: { value },
      })),
      resources: [
        scalar('cpus', agent.cpus - used.cpus),
        scalar('mem', agent.mem - used.mem),
        scalar('disk', (agent.disk ?? 10_000) - used.disk),
        {
          name: 'ports',
          type: 'RANGES',
          ranges: { range: freeRanges(agent.ports ?? [31_000, 32_000], ports) },
          allocation_info,
        },
      ],
    }
  }

  take(call: SchedulerCall): number | undefined {
    switch (call.type) {
      case 'ACCEPT':
        this.#accept(call)
        break
      case 'DECLINE':
        for (const { value } of call.decline?.offer_ids ?? []) this.#offers.delete(value)
        break
      case 'REVIVE':
        for (const role of call.revive?.roles ?? []) this.#wanted.add(role)
        this.offerAll()
        break
      case 'SUPPRESS':
        for (const role of call.suppress?.roles ?? []) this.#wanted.delete(role)
        break
      case 'KILL':
        this.#kill(call.kill?.task_id.value ?? '')
        break
      case 'ACKNOWLEDGE':
        this.acknowledged.add(call.acknowledge?.uuid ?? '')
        break
      case 'RECONCILE':
        this.#reconcile(call)
        break
      default:
    }
    return undefined
  }

  #accept(call: SchedulerCall): void {
    for (const { value } of call.accept?.offer_ids ?? []) {
      const agent = this.#offers.get(value)
      this.#offers.delete(value)
      for (const operation of call.accept?.operations ?? [])
        for (const info of [
          ...(operation.launch?.task_infos ?? []),
          ...(operation.launch_group?.task_group.tasks ?? []),
        ]) {
          if (agent === undefined) {
            this.#tell({
              task_id: info.task_id,
              state: 'TASK_DROPPED',
              source: 'SOURCE_MASTER',
              reason: 'REASON_INVALID_OFFERS',
            })
            continue
          }
          this.tasks.set(info.task_id.value, { info, agent, state: 'TASK_STAGING' })
          const state = this.behave(info)
          if (state !== undefined) this.update(info.task_id.value, state)
        }
    }
  }

  #kill(id: string): void {
    const task = this.tasks.get(id)
    if (task === undefined)
      this.#tell({ task_id: { value: id }, state: 'TASK_UNKNOWN', reason: 'REASON_RECONCILIATION' })
    else if (!over.has(task.state)) this.update(id, 'TASK_KILLED')
  }

  #reconcile(call: SchedulerCall): void {
    const asked = call.reconcile?.tasks ?? []
    const ids = asked.length > 0 ? asked.map(task => task.task_id.value) : [...this.tasks.keys()]
    for (const id of ids) {
      const task = this.tasks.get(id)
      if (task !== undefined && over.has(task.state) && asked.length === 0) continue
      this.#tell({
        task_id: { value: id },
        state: task === undefined || over.has(task.state) ? 'TASK_GONE' : task.state,
        source: 'SOURCE_MASTER',
        reason: 'REASON_RECONCILIATION',
      })
    }
  }

  /** A task's agent reports: a status that wants to be acknowledged. */
  update(id: string, state: TaskState, more: Partial<TaskStatus> = {}): string {
    const task = this.tasks.get(id)
    if (task === undefined) throw new Error(`there is no task ${id}`)
    task.state = state
    const uuid = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64')
    this.#tell({
      task_id: { value: id },
      state,
      source: 'SOURCE_EXECUTOR',
      agent_id: { value: `agent-${task.agent}` },
      uuid,
      ...more,
    })
    return uuid
  }

  #tell(status: TaskStatus): void {
    this.master.send({ type: 'UPDATE', update: { status: { timestamp: Date.now() / 1000, ...status } } })
  }

  async stop(): Promise<void> {
    await this.master.stop()
  }
}

function freeRanges(
  [begin, end]: readonly [number, number],
  used: ReadonlySet<number>,
): { begin: number; end: number }[] {
  const ranges: { begin: number; end: number }[] = []
  let from: number | undefined
  for (let port = begin; port <= end + 1; port += 1) {
    const free = port <= end && !used.has(port)
    if (free && from === undefined) from = port
    if (!free && from !== undefined) {
      ranges.push({ begin: from, end: port - 1 })
      from = undefined
    }
  }
  return ranges
}
