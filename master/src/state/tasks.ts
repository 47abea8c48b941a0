import type { TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'

/** What the heart keeps of a task; its description lives in the read model alone. */
export interface TaskRecord {
  readonly id: string
  readonly frameworkId: string
  readonly agentId: string
  /** Empty for a task that the command executor runs. */
  readonly executorId: string
  readonly role: string
  /** Allocated to its role. Counted as used while the task is neither terminal nor unreachable. */
  readonly resources: Resources
  /** The latest state known. */
  state: TaskState
  /** The newest status, without data. */
  status: TaskStatus | undefined
  /** The state last forwarded to the framework, and the uuid of that update. */
  forwardedState: TaskState | undefined
  forwardedUuid: string | undefined
  /** A KILL to repeat when the agent returns. */
  killGrace: { readonly nanoseconds: number | undefined } | undefined
}

/** A task whose agent is unreachable. */
export interface UnreachableTask {
  readonly record: TaskRecord
  /** Milliseconds since 1970. */
  readonly since: number
}

/** All tasks that are active, with unreachable ones (bounded by framework) beside them. Every operation is O(1) in their number. */
export class TaskTable {
  readonly #byFramework = new Map<string, Map<string, TaskRecord>>()
  readonly #byAgent = new Map<string, Set<TaskRecord>>()
  readonly #unreachable = new Map<string, Map<string, UnreachableTask>>()
  readonly #maxUnreachable: number
  #size = 0

  constructor(maxUnreachablePerFramework: number) {
    this.#maxUnreachable = maxUnreachablePerFramework
  }

  get size(): number {
    return this.#size
  }

  get(frameworkId: string, taskId: string): TaskRecord | undefined {
    return this.#byFramework.get(frameworkId)?.get(taskId)
  }

  add(task: TaskRecord): void {
    entry(this.#byFramework, task.frameworkId, () => new Map<string, TaskRecord>()).set(task.id, task)
    entry(this.#byAgent, task.agentId, () => new Set<TaskRecord>()).add(task)
    this.#size++
  }

  remove(task: TaskRecord): void {
    const ofFramework = this.#byFramework.get(task.frameworkId)
    if (ofFramework?.get(task.id) !== task) return
    ofFramework.delete(task.id)
    if (ofFramework.size === 0) this.#byFramework.delete(task.frameworkId)
    const ofAgent = this.#byAgent.get(task.agentId)
    ofAgent?.delete(task)
    if (ofAgent?.size === 0) this.#byAgent.delete(task.agentId)
    this.#size--
  }

  ofFramework(frameworkId: string): Iterable<TaskRecord> {
    return this.#byFramework.get(frameworkId)?.values() ?? []
  }

  countOf(frameworkId: string): number {
    return this.#byFramework.get(frameworkId)?.size ?? 0
  }

  ofAgent(agentId: string): Iterable<TaskRecord> {
    return this.#byAgent.get(agentId) ?? []
  }

  unreachable(frameworkId: string, taskId: string): UnreachableTask | undefined {
    return this.#unreachable.get(frameworkId)?.get(taskId)
  }

  unreachableOf(frameworkId: string): Iterable<UnreachableTask> {
    return this.#unreachable.get(frameworkId)?.values() ?? []
  }

  /** Moves a task to the unreachable ones. Answers the oldest of them when it had to make room. */
  makeUnreachable(task: TaskRecord, since: number): TaskRecord | undefined {
    this.remove(task)
    const tasks = entry(this.#unreachable, task.frameworkId, () => new Map<string, UnreachableTask>())
    tasks.set(task.id, { record: task, since })
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
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
