import type {
  AgentInfo,
  ExecutorInfo,
  InverseOffer,
  Offer,
  Operation,
  Task,
  TaskProgress,
  TaskState,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { holdsResources } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import type { AgentView, Change, FrameworkView, TaskStep } from '../state/changes.ts'
import { noSettings, type Settings } from '../state/commands.ts'
import { emptyList, type Fate, type FrozenTasks, type TaskList, type TaskRow, TaskRows } from './task-rows.ts'
import { TaskSteps } from './task-steps.ts'

/** Statuses that are kept of a task: its first, which readers take its container from, and the newest. */
const maxStatuses = 32

/** An agent with what is derived about it. */
export interface AgentRow {
  readonly id: string
  /** Of the last freeze that it has not been changed since. */
  frozen: number
  view: AgentView
  total: Resources
  used: Resources
  offered: Resources
  /** What the older endpoints say of it that only changes with `view`, as JSON that is made when it is first asked for. */
  fixed: string | undefined
  readonly counters: Map<TaskState, number>
  /** Frameworks with tasks or executors here, and how many of them. */
  readonly frameworks: Map<string, number>
}

/** What a framework has in one role. */
export interface Holding {
  readonly used: Resources
  readonly offered: Resources
}

export interface ExecutorRow {
  readonly agentId: string
  readonly frameworkId: string
  readonly info: ExecutorInfo
}

export interface FrameworkRow {
  readonly id: string
  /** Of the last freeze that it has not been changed since. */
  frozen: number
  view: FrameworkView
  /** Milliseconds since 1970; undefined while it is there. */
  completedAt: number | undefined
  used: Resources
  offered: Resources
  /** The same by role. */
  readonly holdings: Map<string, Holding>
  /** Of the active and unreachable ones, by id. A frozen row shares it: there it means nothing. */
  readonly slots: Map<string, number>
  /** The completed ones are bounded. An id may come more than once among them. */
  readonly lists: Readonly<Record<Fate, TaskList>>
  /** How many of the completed ones have an id. Shared in the same way. */
  readonly completedIds: Map<string, number>
  readonly offers: Map<string, Offer>
  readonly inverseOffers: Map<string, InverseOffer>
  /** By agent and id. */
  readonly executors: Map<string, ExecutorRow>
  readonly counters: Map<TaskState, number>
}

export interface Bounds {
  readonly completedFrameworks: number
  readonly completedTasksPerFramework: number
}

/** A framework as it was at a freeze, with its tasks by their fate; without them where nobody wants to know. */
export interface FrozenFramework {
  readonly row: FrameworkRow
  readonly tasks: Readonly<Record<Fate, Iterable<TaskRow>>>
}

/** All that answers of more than one page read, as it was at one moment. */
export interface Frozen {
  readonly agents: readonly AgentRow[]
  readonly recoveredAgents: readonly AgentInfo[]
  readonly frameworks: readonly FrozenFramework[]
  readonly completedFrameworks: readonly FrozenFramework[]
  readonly operations: readonly Operation[]
  /** It is read no more. */
  release(): void
}

export interface TaskKey {
  readonly frameworkId: string
  readonly id: string
}

/** What a change did, for those who follow: what was looked up and what fell out of the bounded histories. */
export interface Applied {
  readonly change: Change
  readonly task?: TaskRow
  readonly framework?: FrameworkRow
  readonly agent?: AgentRow
  /** Of a TASK_STATUS: the newest status until then. */
  readonly before?: TaskStatus | undefined
  /** Tasks that were forgotten, completed ones to make room. */
  readonly forgotten?: readonly TaskKey[]
  /** Of a TASK_STATUS: it has brought nothing new. */
  readonly unchanged?: boolean
}

/**
 * The cluster as its readers see it, made of the heart's changes alone. What is used and offered is summed up from tasks,
 * executors and offers as they come and go, so that each change costs what it changes.
 *
 * Rows that a freeze has handed out are never changed: the first change after it works on a copy. So a freeze costs a walk
 * over references, and whoever reads frozen rows may take as long as it likes.
 */
export class Tables {
  readonly agents = new Map<string, AgentRow>()
  readonly recoveredAgents = new Map<string, AgentInfo>()
  settings: Settings = noSettings
  readonly unreachableAgents = new Set<string>()
  /** By uuid: all whose end is not acknowledged. */
  readonly operations = new Map<string, Operation>()
  readonly frameworks = new Map<string, FrameworkRow>()
  /** Oldest first, bounded. */
  readonly completedFrameworks = new Map<string, FrameworkRow>()
  /** Sums over all agents. */
  total = Resources.empty
  used = Resources.empty
  offered = Resources.empty
  /** Tasks by state, the completed ones in the histories too. */
  readonly counters = new Map<TaskState, number>()
  readonly tasks = new TaskRows()
  readonly steps = new TaskSteps()
  /** The frameworks' ids by offer. */
  readonly #offerOwners = new Map<string, string>()
  readonly #bounds: Bounds
  #freezes = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /**
   * The tables as they are now, for an answer that is written in more than one turn. Tasks as they were are kept until it is
   * released; when that is too much, `giveUp` is called, once.
   */
  freeze(what: { readonly tasks: boolean }, giveUp: () => void = () => undefined): Frozen {
    this.#freezes += 1
    const tasks = what.tasks ? this.tasks.freeze(giveUp) : undefined
    const frozen = (row: FrameworkRow): FrozenFramework => ({ row, tasks: tasks ? tasksOf(row, tasks) : noTasks })
    return {
      agents: [...this.agents.values()],
      recoveredAgents: [...this.recoveredAgents.values()],
      frameworks: [...this.frameworks.values()].map(frozen),
      completedFrameworks: [...this.completedFrameworks.values()].map(frozen),
      operations: [...this.operations.values()],
      release: () => tasks?.release(),
    }
  }

  /** A task that is active or unreachable. */
  task(frameworkId: string, id: string): TaskRow | undefined {
    const framework = this.frameworks.get(frameworkId)
    const slot = framework?.slots.get(id)
    return slot === undefined ? undefined : this.tasks.row(slot)
  }

  /** All tasks of a framework that are active or unreachable. */
  *tasksOf(frameworkId: string): Iterable<TaskRow> {
    for (const slot of this.frameworks.get(frameworkId)?.slots.values() ?? []) yield this.tasks.row(slot)
  }

  /** The tasks of a framework, there or completed, that are completed; oldest first. */
  *completedOf(frameworkId: string): Iterable<TaskRow> {
    const framework = this.frameworks.get(frameworkId) ?? this.completedFrameworks.get(frameworkId)
    if (framework) for (const slot of this.tasks.slotsOf(framework.lists.completed)) yield this.tasks.row(slot)
  }

  /** All tasks of an id, of one framework or of any: those that are there, then the completed ones, newest first. */
  *named(id: string, frameworkId: string | null): Iterable<[FrameworkRow, TaskRow]> {
    const frameworks = [...this.frameworks.values(), ...this.completedFrameworks.values()]
    const wanted = frameworks.filter(row => frameworkId === null || row.id === frameworkId)
    for (const framework of wanted) {
      const row = this.task(framework.id, id)
      if (row) yield [framework, row]
    }
    for (const framework of wanted) {
      if (!framework.completedIds.has(id)) continue
      const rows = [...this.completedOf(framework.id)].filter(({ task }) => task.task_id.value === id)
      for (const row of rows.reverse()) yield [framework, row]
    }
  }

  #agent(id: string): AgentRow | undefined {
    const row = this.agents.get(id)
    if (!row || row.frozen === this.#freezes) return row
    const copy = { ...row, frozen: this.#freezes, counters: new Map(row.counters), frameworks: new Map(row.frameworks) }
    this.agents.set(id, copy)
    return copy
  }

  #framework(id: string): FrameworkRow | undefined {
    const row = this.frameworks.get(id)
    if (!row || row.frozen === this.#freezes) return row
    const copy = copyOf(row, this.#freezes)
    this.frameworks.set(id, copy)
    return copy
  }

  apply(change: Change): Applied {
    switch (change.type) {
      case 'AGENT':
        return { change, agent: this.#putAgent(change.agent) }
      case 'AGENT_REMOVED':
        return { change, ...this.#removeAgent(change.id) }
      case 'AGENT_UNREACHABLE':
        this.unreachableAgents.add(change.id)
        return { change }
      case 'AGENT_RECOVERED':
        this.recoveredAgents.set(change.info.id!.value, change.info)
        return { change }
      case 'AGENT_RECOVERED_GONE':
        this.recoveredAgents.delete(change.id)
        return { change }
      case 'AGENT_UNREACHABLE_FORGOTTEN':
        this.unreachableAgents.delete(change.id)
        return { change }
      case 'FRAMEWORK':
        return { change, framework: this.#putFramework(change.framework) }
      case 'FRAMEWORK_COMPLETED':
        return { change, ...this.#completeFramework(change.id, change.at) }
      case 'TASK':
        this.#takeStep(change.task, change.step)
        return { change, ...this.#addTask(change.task) }
      case 'TASK_STEP':
        this.steps.add(change.frameworkId, change.taskId, change.step)
        return { change }
      case 'TASK_STATUS':
        return { change, ...this.#updateTask(change) }
      case 'TASK_ENDED':
        return { change, ...this.#endTask(change) }
      case 'TASK_FORGOTTEN':
        this.#keepAbsence(change.frameworkId, change.taskId)
        return { change, ...this.#forgetTask(change.frameworkId, change.taskId) }
      case 'EXECUTOR':
        return { change, ...this.#addExecutor(change) }
      case 'EXECUTOR_REMOVED':
        return { change, ...this.#removeExecutor(change) }
      case 'OPERATION':
        this.operations.set(change.operation.uuid.value, change.operation)
        return { change }
      case 'OPERATION_REMOVED':
        this.operations.delete(change.uuid)
        return { change }
      case 'SETTINGS':
        this.settings = change.settings
        return { change }
      case 'INVERSE_OFFER':
        this.#framework(change.offer.framework_id.value)?.inverseOffers.set(change.offer.id.value, change.offer)
        return { change }
      case 'INVERSE_OFFER_REMOVED':
        this.#framework(change.frameworkId)?.inverseOffers.delete(change.id)
        return { change }
      case 'OFFER':
        return { change, ...this.#addOffer(change.offer) }
      case 'OFFER_REMOVED':
        return { change, ...this.#removeOffer(change.id) }
    }
  }

  #putAgent(view: AgentView): AgentRow {
    const id = view.info.id!.value
    let row = this.#agent(id)
    if (row) {
      row.view = view
      row.fixed = undefined
      this.total = this.total.minus(row.total)
      row.total = Resources.from([...view.total])
    } else {
      row = {
        id,
        frozen: this.#freezes,
        view,
        total: Resources.from([...view.total]),
        used: Resources.empty,
        offered: Resources.empty,
        fixed: undefined,
        counters: new Map(),
        frameworks: new Map(),
      }
      this.agents.set(id, row)
    }
    this.total = this.total.plus(row.total)
    return row
  }

  #removeAgent(id: string): Partial<Applied> {
    const agent = this.agents.get(id)
    this.agents.delete(id)
    if (agent) this.total = this.total.minus(agent.total)
    return agent ? { agent } : {}
  }

  #putFramework(view: FrameworkView): FrameworkRow {
    const id = view.info.id!.value
    let row = this.#framework(id)
    if (row) row.view = view
    else {
      row = {
        id,
        frozen: this.#freezes,
        view,
        completedAt: undefined,
        used: Resources.empty,
        offered: Resources.empty,
        holdings: new Map(),
        slots: new Map(),
        lists: { active: emptyList(), unreachable: emptyList(), completed: emptyList() },
        completedIds: new Map(),
        offers: new Map(),
        inverseOffers: new Map(),
        executors: new Map(),
        counters: new Map(),
      }
      this.frameworks.set(id, row)
    }
    return row
  }

  #completeFramework(id: string, at: number): Partial<Applied> {
    const framework = this.#framework(id)
    if (!framework) return {}
    this.frameworks.delete(id)
    framework.completedAt = at
    framework.view = { ...framework.view, active: false, connected: false }
    const forgotten = [...framework.slots.values()].flatMap(slot => this.#complete(framework, this.tasks.row(slot)))
    // Agents may bring a framework back whose end has fallen out of the heart's memory.
    forgotten.push(...this.#forgetCompleted(id))
    this.completedFrameworks.set(id, framework)
    if (this.completedFrameworks.size > this.#bounds.completedFrameworks)
      forgotten.push(...this.#forgetCompleted(this.completedFrameworks.keys().next().value!))
    return { framework, forgotten }
  }

  /** Drops a completed framework; answers the tasks that went with it. */
  #forgetCompleted(id: string): readonly TaskKey[] {
    const row = this.completedFrameworks.get(id)
    if (!row) return []
    const framework = copyOf(row, this.#freezes)
    this.completedFrameworks.delete(id)
    return [...this.tasks.slotsOf(framework.lists.completed)].map(slot => this.#drop(framework, this.tasks.row(slot)))
  }

  #addTask(task: Task): Partial<Applied> {
    const frameworkId = task.framework_id.value
    const framework = this.#framework(frameworkId)
    if (!framework) return {}
    const { forgotten = [] } = this.#forgetTask(frameworkId, task.task_id.value)
    const slot = this.tasks.add(task)
    framework.slots.set(task.task_id.value, slot)
    this.tasks.append(framework.lists.active, slot, 'active')
    this.#count(framework, task.agent_id.value, task.state, 1)
    this.#place(framework, task.agent_id.value, 1)
    if (holdsResources(task.state)) this.#use(framework, task.agent_id.value, resourcesOf(task), true)
    return { framework, task: this.tasks.row(slot, { task }), forgotten }
  }

  /** A task that comes without a launch, and was out of reach, is back with its agent. */
  #takeStep({ framework_id, task_id, agent_id }: Task, launch: TaskStep | undefined): void {
    const [frameworkId, taskId] = [framework_id.value, task_id.value]
    const view = this.agents.get(agent_id.value)?.view
    if (launch) this.steps.add(frameworkId, taskId, launch)
    else if (view && this.steps.of(frameworkId, taskId).at(-1)?.code === 'UNREACHABLE')
      this.steps.add(frameworkId, taskId, { at: view.reregisteredAt ?? view.registeredAt, code: 'RETURNED' })
  }

  /** With an unreachable task its statuses are forgotten; that it was out of reach is not. */
  #keepAbsence(frameworkId: string, taskId: string): void {
    const row = this.task(frameworkId, taskId)
    const since = row?.fate === 'unreachable' ? row.task.statuses?.at(-1)?.timestamp : undefined
    if (since !== undefined) this.steps.add(frameworkId, taskId, { at: since * 1000, code: 'UNREACHABLE' })
  }

  #updateTask(change: Change & { type: 'TASK_STATUS' }): Partial<Applied> {
    const framework = this.#framework(change.frameworkId)
    const slot = framework?.slots.get(change.taskId)
    if (!framework || slot === undefined) return {}
    const { state, status, forwarded } = change
    const row = this.tasks.row(slot)
    const old = row.progress
    const before = old.statuses?.at(-1)
    const statuses = [...(old.statuses ?? [])]
    // A second status of the same state replaces the one before (Mesos contract 2.6).
    if (before?.state === status.state) statuses.pop()
    statuses.push(status)
    if (statuses.length > maxStatuses) statuses.splice(1, 1)
    const progress: TaskProgress = { ...old, state, statuses }
    if (forwarded) {
      progress.status_update_state = forwarded.state
      progress.status_update_uuid = forwarded.uuid
    }
    const agentId = this.tasks.agentOf(slot)
    if (old.state !== state) {
      this.#count(framework, agentId, old.state, -1)
      this.#count(framework, agentId, state, 1)
    }
    // An end gives the resources back, and a return from unreachability takes them again.
    if (holdsResources(state) !== holdsResources(old.state))
      this.#use(framework, agentId, resourcesOf(row.task), holdsResources(state))
    const unchanged = !this.tasks.update(slot, progress)
    return { framework, task: this.tasks.row(slot, { progress }), before, unchanged }
  }

  #endTask(change: Change & { type: 'TASK_ENDED' }): Partial<Applied> {
    const framework = this.#framework(change.frameworkId)
    const slot = framework?.slots.get(change.taskId)
    if (!framework || slot === undefined) return {}
    const row = this.tasks.row(slot)
    if (change.fate === 'completed') return { framework, task: row, forgotten: this.#complete(framework, row) }
    this.tasks.unlink(framework.lists[row.fate], slot)
    this.tasks.append(framework.lists.unreachable, slot, 'unreachable')
    return { framework, task: row }
  }

  /** Moves a task to the completed ones; answers those that had to go. */
  #complete(framework: FrameworkRow, { slot, fate, task }: TaskRow): TaskKey[] {
    const { completed } = framework.lists
    framework.slots.delete(task.task_id.value)
    this.tasks.unlink(framework.lists[fate], slot)
    this.tasks.append(completed, slot, 'completed')
    bump(framework.completedIds, task.task_id.value, 1)
    if (completed.size <= this.#bounds.completedTasksPerFramework) return []
    const oldest = this.tasks.row(completed.first)
    this.tasks.unlink(completed, oldest.slot)
    bump(framework.completedIds, oldest.task.task_id.value, -1)
    return [this.#drop(framework, oldest)]
  }

  #forgetTask(frameworkId: string, taskId: string): Partial<Applied> {
    const framework = this.#framework(frameworkId)
    const slot = framework?.slots.get(taskId)
    if (!framework || slot === undefined) return {}
    framework.slots.delete(taskId)
    const row = this.tasks.row(slot)
    this.tasks.unlink(framework.lists[row.fate], slot)
    return { framework, forgotten: [this.#drop(framework, row)] }
  }

  /** A task that is in no list any more is forgotten. */
  #drop(framework: FrameworkRow, { slot, task }: TaskRow): TaskKey {
    this.#count(framework, task.agent_id.value, task.state, -1)
    this.#place(framework, task.agent_id.value, -1)
    this.tasks.remove(slot)
    return { frameworkId: framework.id, id: task.task_id.value }
  }

  #addExecutor({ agentId, frameworkId, info }: ExecutorRow): Partial<Applied> {
    const framework = this.#framework(frameworkId)
    if (!framework) return {}
    framework.executors.set(`${agentId}/${info.executor_id.value}`, { agentId, frameworkId, info })
    this.#use(framework, agentId, Resources.from(info.resources ?? []), true)
    this.#place(framework, agentId, 1)
    return { framework }
  }

  #removeExecutor(change: Change & { type: 'EXECUTOR_REMOVED' }): Partial<Applied> {
    const framework = this.#framework(change.frameworkId)
    const key = `${change.agentId}/${change.executorId}`
    const executor = framework?.executors.get(key)
    if (!framework || !executor) return {}
    framework.executors.delete(key)
    this.#use(framework, change.agentId, Resources.from(executor.info.resources ?? []), false)
    this.#place(framework, change.agentId, -1)
    return { framework }
  }

  #addOffer(offer: Offer): Partial<Applied> {
    const framework = this.#framework(offer.framework_id.value)
    if (!framework) return {}
    framework.offers.set(offer.id.value, offer)
    this.#offerOwners.set(offer.id.value, offer.framework_id.value)
    return this.#offer(framework, offer, true)
  }

  #removeOffer(id: string): Partial<Applied> {
    const framework = this.#framework(this.#offerOwners.get(id) ?? '')
    const offer = framework?.offers.get(id)
    if (!framework || !offer) return {}
    this.#offerOwners.delete(id)
    framework.offers.delete(id)
    return this.#offer(framework, offer, false)
  }

  #offer(framework: FrameworkRow, offer: Offer, more: boolean): Partial<Applied> {
    const resources = Resources.from(offer.resources ?? [])
    hold(framework, 'offered', resources, more)
    const bare = resources.unallocated()
    framework.offered = moved(framework.offered, bare, more)
    const agent = this.#agent(offer.agent_id.value)
    if (!agent) return { framework }
    agent.offered = moved(agent.offered, bare, more)
    this.offered = moved(this.offered, bare, more)
    return { framework, agent }
  }

  #use(framework: FrameworkRow, agentId: string, resources: Resources, more: boolean): void {
    hold(framework, 'used', resources, more)
    const bare = resources.unallocated()
    framework.used = moved(framework.used, bare, more)
    const agent = this.#agent(agentId)
    if (!agent) return
    agent.used = moved(agent.used, bare, more)
    this.used = moved(this.used, bare, more)
  }

  #count(framework: FrameworkRow, agentId: string, state: TaskState, by: number): void {
    bump(this.counters, state, by)
    bump(framework.counters, state, by)
    const agent = this.#agent(agentId)
    if (agent) bump(agent.counters, state, by)
  }

  #place(framework: FrameworkRow, agentId: string, by: number): void {
    const agent = this.#agent(agentId)
    if (agent) bump(agent.frameworks, framework.view.info.id!.value, by)
  }
}

const noTasks = { active: [], unreachable: [], completed: [] }

function tasksOf({ lists }: FrameworkRow, tasks: FrozenTasks): FrozenFramework['tasks'] {
  return {
    get active() {
      return tasks.of(lists.active, 'active')
    },
    get unreachable() {
      return tasks.of(lists.unreachable, 'unreachable')
    },
    get completed() {
      return tasks.of(lists.completed, 'completed')
    },
  }
}

const resourcesOf = (task: Task): Resources => Resources.from(task.resources ?? [])

const copyOf = (row: FrameworkRow, frozen: number): FrameworkRow => ({
  ...row,
  frozen,
  lists: {
    active: { ...row.lists.active },
    unreachable: { ...row.lists.unreachable },
    completed: { ...row.lists.completed },
  },
  holdings: new Map(row.holdings),
  offers: new Map(row.offers),
  inverseOffers: new Map(row.inverseOffers),
  executors: new Map(row.executors),
  counters: new Map(row.counters),
})

const nothing: Holding = { used: Resources.empty, offered: Resources.empty }

/** Counts resources for the roles they are allocated to, or no longer. A role in which nothing is left goes. */
function hold(framework: FrameworkRow, what: keyof Holding, resources: Resources, more: boolean): void {
  for (const [role, part] of resources.allocations()) {
    const before = framework.holdings.get(role) ?? nothing
    const holding = { ...before, [what]: moved(before[what], part.unallocated(), more) }
    if (holding.used.isEmpty && holding.offered.isEmpty) framework.holdings.delete(role)
    else framework.holdings.set(role, holding)
  }
}

const moved = (sum: Resources, part: Resources, more: boolean): Resources => (more ? sum.plus(part) : sum.minus(part))

function bump<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
