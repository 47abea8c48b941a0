import { decode, encode } from '@meseta/common/protocol/codec'
import type { KeptTask, Resource, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import { taskStates } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import { Names } from './names.ts'
import { Slab } from './slab.ts'

const none = -1
const uuidBytes = 16

/** What is remembered of a task's newest status: what reconciliation repeats (Mesos contract 2.7). */
export type Condition = Pick<TaskStatus, 'healthy' | 'check_status' | 'container_status'>

/** A task as it comes into the table. */
export interface NewTask {
  readonly id: string
  readonly frameworkId: string
  readonly agentId: string
  /** Empty for a task that the command executor runs. */
  readonly executorId: string
  readonly role: string
  /** Allocated to its role. Counted as used while the task is neither terminal nor unreachable. */
  readonly resources: readonly Resource[]
  readonly state: TaskState
  readonly status: TaskStatus | undefined
  readonly forwarded: Forwarded | undefined
}

/** The state last forwarded to the framework, and the uuid of that update: 16 bytes in base64. */
export interface Forwarded {
  readonly state: TaskState
  readonly uuid: string
}

/** A task whose agent is unreachable. */
export interface UnreachableTask {
  readonly record: { readonly id: string; readonly frameworkId: string; readonly agentId: string }
  /** Milliseconds since 1970. */
  readonly since: number
}

/** A KILL to repeat when the agent returns. */
export interface KillGrace {
  readonly nanoseconds: number | undefined
}

/**
 * All tasks that are active, with unreachable ones (bounded by framework) beside them: what the heart keeps of a task; its
 * description lives in the read model alone. A task is a slot in columns and two records in a slab, since a million
 * of them as objects would cost 2 kB each and pauses of 100 ms (design decision 10). Every operation is O(1) in
 * their number.
 */
export class TaskTable {
  readonly #byFramework = new Map<string, Map<string, number>>()
  /** By the number of an agent's name: the first and the last of its tasks. */
  #firstOfAgent = new Int32Array(64).fill(none)
  #lastOfAgent = new Int32Array(64).fill(none)
  readonly #unreachable = new Map<string, Map<string, UnreachableTask>>()
  readonly #maxUnreachable: number
  readonly #names = new Names()
  readonly #slab = new Slab()
  readonly #kills = new Map<number, KillGrace>()
  readonly #ids: string[] = []
  readonly #freeSlots: number[] = []
  #framework = new Int32Array(64)
  #agent = new Int32Array(64)
  #next = new Int32Array(64)
  #previous = new Int32Array(64)
  #state = new Uint8Array(64)
  /** Below zero where nothing was forwarded. */
  #forwarded = new Int8Array(64)
  #uuids = Buffer.alloc(64 * uuidBytes)
  /** Where the slab holds what never changes (`KeptTask`), and the condition, which there need not be one of. */
  #fixed = new Int32Array(64)
  #condition = new Int32Array(64)
  /** By the number of a framework's name: its tasks by the number of their state. */
  readonly #counts: Int32Array[] = []
  #size = 0

  constructor(maxUnreachablePerFramework: number) {
    this.#maxUnreachable = maxUnreachablePerFramework
  }

  get size(): number {
    return this.#size
  }

  get(frameworkId: string, taskId: string): TaskRecord | undefined {
    const slot = this.#byFramework.get(frameworkId)?.get(taskId)
    return slot === undefined ? undefined : new TaskRecord(this, slot)
  }

  add(task: NewTask): TaskRecord {
    const slot = this.#freeSlots.pop() ?? this.#newSlot()
    const { executorId: executor_id, role } = task
    const fixed: KeptTask = { role, resources: task.resources as Resource[] }
    if (executor_id !== '') fixed.executor_id = executor_id
    this.#ids[slot] = task.id
    this.#framework[slot] = this.#names.use(task.frameworkId)
    this.#state[slot] = numberOf(task.state)
    this.#count(slot, 1)
    this.#forwarded[slot] = none
    this.#fixed[slot] = this.#slab.put(encode('meseta.v1.KeptTask', fixed))
    this.#condition[slot] = none
    entry(this.#byFramework, task.frameworkId, () => new Map<string, number>()).set(task.id, slot)
    this.#link(slot, this.#names.use(task.agentId))
    this.#size++
    const record = new TaskRecord(this, slot)
    if (task.status) record.condition = task.status
    if (task.forwarded) record.forwarded = task.forwarded
    return record
  }

  remove(task: TaskRecord): void {
    const { slot, frameworkId } = task
    const ofFramework = this.#byFramework.get(frameworkId)
    if (ofFramework?.get(task.id) !== slot) return
    ofFramework.delete(task.id)
    if (ofFramework.size === 0) this.#byFramework.delete(frameworkId)
    this.#unlink(slot)
    this.#count(slot, -1)
    this.#names.release(this.#framework[slot]!)
    this.#names.release(this.#agent[slot]!)
    this.#slab.free(this.#fixed[slot]!)
    if (this.#condition[slot] !== none) this.#slab.free(this.#condition[slot]!)
    this.#kills.delete(slot)
    this.#ids[slot] = ''
    this.#freeSlots.push(slot)
    this.#size--
  }

  *ofFramework(frameworkId: string): Iterable<TaskRecord> {
    for (const slot of this.#byFramework.get(frameworkId)?.values() ?? []) yield new TaskRecord(this, slot)
  }

  countOf(frameworkId: string): number {
    return this.#byFramework.get(frameworkId)?.size ?? 0
  }

  /** How many tasks a framework has in which states. */
  *statesOf(frameworkId: string): Iterable<[TaskState, number]> {
    const counts = this.#counts[this.#names.find(frameworkId) ?? none]
    if (counts && this.#byFramework.has(frameworkId))
      for (const [number, state] of taskStates.entries()) yield [state, counts[number]!]
  }

  /** In the order in which they came. */
  ofAgent(agentId: string): readonly TaskRecord[] {
    const agent = this.#names.find(agentId)
    const tasks: TaskRecord[] = []
    if (agent === undefined || agent >= this.#firstOfAgent.length) return tasks
    for (let slot = this.#firstOfAgent[agent]!; slot !== none; slot = this.#next[slot]!)
      tasks.push(new TaskRecord(this, slot))
    return tasks
  }

  /** The frameworks that have tasks on an agent; makes no records, since it is asked often. */
  frameworksOn(agentId: string): ReadonlySet<string> {
    const agent = this.#names.find(agentId)
    const numbers = new Set<number>()
    if (agent === undefined || agent >= this.#firstOfAgent.length) return new Set()
    for (let slot = this.#firstOfAgent[agent]!; slot !== none; slot = this.#next[slot]!)
      numbers.add(this.#framework[slot]!)
    return new Set([...numbers].map(number => this.#names.text(number)))
  }

  unreachable(frameworkId: string, taskId: string): UnreachableTask | undefined {
    return this.#unreachable.get(frameworkId)?.get(taskId)
  }

  unreachableOf(frameworkId: string): Iterable<UnreachableTask> {
    return this.#unreachable.get(frameworkId)?.values() ?? []
  }

  /** Unreachable tasks of an agent: costs the number of all unreachable ones. */
  *unreachableOn(agentId: string): Iterable<UnreachableTask['record']> {
    for (const tasks of this.#unreachable.values())
      for (const { record } of tasks.values()) if (record.agentId === agentId) yield record
  }

  /** Moves a task to the unreachable ones. Answers the oldest of them when it had to make room. */
  makeUnreachable(task: TaskRecord, since: number): UnreachableTask['record'] | undefined {
    const { id, frameworkId, agentId } = task
    this.remove(task)
    const tasks = entry(this.#unreachable, frameworkId, () => new Map<string, UnreachableTask>())
    tasks.set(id, { record: { id, frameworkId, agentId }, since })
    if (tasks.size <= this.#maxUnreachable) return undefined
    const oldest = tasks.values().next().value!.record
    tasks.delete(oldest.id)
    return oldest
  }

  forgetUnreachable(frameworkId: string, taskId: string): void {
    const tasks = this.#unreachable.get(frameworkId)
    tasks?.delete(taskId)
    if (tasks?.size === 0) this.#unreachable.delete(frameworkId)
  }

  forgetFramework(frameworkId: string): void {
    for (const task of [...this.ofFramework(frameworkId)]) this.remove(task)
    this.#unreachable.delete(frameworkId)
  }

  // What a TaskRecord reads and writes.

  idAt(slot: number): string {
    return this.#ids[slot]!
  }

  frameworkAt(slot: number): string {
    return this.#names.text(this.#framework[slot]!)
  }

  agentAt(slot: number): string {
    return this.#names.text(this.#agent[slot]!)
  }

  fixedAt(slot: number): KeptTask {
    return decode('meseta.v1.KeptTask', this.#slab.get(this.#fixed[slot]!))
  }

  stateAt(slot: number): TaskState {
    return taskStates[this.#state[slot]!]!
  }

  setState(slot: number, state: TaskState): void {
    this.#count(slot, -1)
    this.#state[slot] = numberOf(state)
    this.#count(slot, 1)
  }

  #count(slot: number, by: number): void {
    const framework = this.#framework[slot]!
    this.#counts[framework] ??= new Int32Array(taskStates.length)
    this.#counts[framework]![this.#state[slot]!]! += by
  }

  forwardedAt(slot: number): Forwarded | undefined {
    const state = this.#forwarded[slot]!
    if (state < 0) return undefined
    const at = slot * uuidBytes
    return { state: taskStates[state]!, uuid: this.#uuids.toString('base64', at, at + uuidBytes) }
  }

  setForwarded(slot: number, { state, uuid }: Forwarded): void {
    this.#forwarded[slot] = numberOf(state)
    this.#uuids.write(uuid, slot * uuidBytes, uuidBytes, 'base64')
  }

  conditionAt(slot: number): Condition {
    const place = this.#condition[slot]!
    return place === none ? {} : decode('meseta.v1.KeptCondition', this.#slab.get(place))
  }

  setCondition(slot: number, { healthy, check_status, container_status }: Condition): void {
    if (this.#condition[slot] !== none) this.#slab.free(this.#condition[slot]!)
    this.#condition[slot] = none
    if (healthy === undefined && check_status === undefined && container_status === undefined) return
    const bytes = encode('meseta.v1.KeptCondition', { healthy, check_status, container_status } as Condition)
    this.#condition[slot] = this.#slab.put(bytes)
  }

  killAt(slot: number): KillGrace | undefined {
    return this.#kills.get(slot)
  }

  setKill(slot: number, grace: KillGrace): void {
    this.#kills.set(slot, grace)
  }

  #link(slot: number, agent: number): void {
    if (agent >= this.#firstOfAgent.length) this.#growAgents(agent)
    const last = this.#lastOfAgent[agent]!
    this.#agent[slot] = agent
    this.#previous[slot] = last
    this.#next[slot] = none
    if (last === none) this.#firstOfAgent[agent] = slot
    else this.#next[last] = slot
    this.#lastOfAgent[agent] = slot
  }

  #unlink(slot: number): void {
    const agent = this.#agent[slot]!
    const next = this.#next[slot]!
    const previous = this.#previous[slot]!
    if (previous === none) this.#firstOfAgent[agent] = next
    else this.#next[previous] = next
    if (next === none) this.#lastOfAgent[agent] = previous
    else this.#previous[next] = previous
  }

  #newSlot(): number {
    const slot = this.#ids.length
    if (slot === this.#state.length) this.#growSlots(slot * 2)
    return slot
  }

  #growSlots(size: number): void {
    this.#framework = copied(this.#framework, new Int32Array(size))
    this.#agent = copied(this.#agent, new Int32Array(size))
    this.#next = copied(this.#next, new Int32Array(size))
    this.#previous = copied(this.#previous, new Int32Array(size))
    this.#state = copied(this.#state, new Uint8Array(size))
    this.#forwarded = copied(this.#forwarded, new Int8Array(size))
    this.#uuids = copied(this.#uuids, Buffer.alloc(size * uuidBytes))
    this.#fixed = copied(this.#fixed, new Int32Array(size))
    this.#condition = copied(this.#condition, new Int32Array(size))
  }

  #growAgents(agent: number): void {
    const size = Math.max(agent + 1, this.#firstOfAgent.length * 2)
    this.#firstOfAgent = copied(this.#firstOfAgent, new Int32Array(size).fill(none))
    this.#lastOfAgent = copied(this.#lastOfAgent, new Int32Array(size).fill(none))
  }
}

/** One task of the table: reads and writes go there. It is good until its task is removed. */
export class TaskRecord {
  readonly #table: TaskTable
  readonly slot: number

  constructor(table: TaskTable, slot: number) {
    this.#table = table
    this.slot = slot
  }

  get id(): string {
    return this.#table.idAt(this.slot)
  }

  get frameworkId(): string {
    return this.#table.frameworkAt(this.slot)
  }

  get agentId(): string {
    return this.#table.agentAt(this.slot)
  }

  /** Empty for a task that the command executor runs. */
  get executorId(): string {
    return this.#table.fixedAt(this.slot).executor_id ?? ''
  }

  get role(): string {
    return this.#table.fixedAt(this.slot).role
  }

  /** Allocated to its role. Counted as used while the task is neither terminal nor unreachable. */
  get resources(): Resources {
    return Resources.from(this.#table.fixedAt(this.slot).resources)
  }

  /** The latest state known. */
  get state(): TaskState {
    return this.#table.stateAt(this.slot)
  }

  set state(state: TaskState) {
    this.#table.setState(this.slot, state)
  }

  get forwarded(): Forwarded | undefined {
    return this.#table.forwardedAt(this.slot)
  }

  set forwarded(forwarded: Forwarded) {
    this.#table.setForwarded(this.slot, forwarded)
  }

  get condition(): Condition {
    return this.#table.conditionAt(this.slot)
  }

  set condition(condition: Condition) {
    this.#table.setCondition(this.slot, condition)
  }

  get killGrace(): KillGrace | undefined {
    return this.#table.killAt(this.slot)
  }

  set killGrace(grace: KillGrace) {
    this.#table.setKill(this.slot, grace)
  }
}

const numbers = new Map(taskStates.map((state, number) => [state, number]))
const numberOf = (state: TaskState): number => numbers.get(state)!

function copied<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from)
  return to
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
