import { type AgentView, readAgent } from '@meseta/common/discovery/agent'
import { OwnerIndex } from '@meseta/common/discovery/owner-index'
import { asBody, asBoolean, asText, field } from '@meseta/common/discovery/reading'
import { readTask, type TaskView } from '@meseta/common/discovery/task'
import { type Backend, type InstanceView, taskBackends } from './backends.ts'
import { type VipName, vipKey } from './vip-labels.ts'

/** A virtual IP and what stands behind it now. */
export interface Vip {
  readonly key: string
  readonly name: VipName
  readonly backends: readonly Backend[]
}

interface Entry {
  readonly name: VipName
  /** By task, then by place. */
  readonly backends: Map<string, Backend>
}

/**
 * The virtual IPs that the tasks of a cluster ask for, and their backends (contract 3.1, 3.2), kept by one change at a time: what changes
 * costs its own backends. Pure.
 */
export class VipTable {
  readonly #agents = new Map<string, AgentView>()
  readonly #frameworks = new Map<string, string>()
  readonly #tasks = new Map<string, TaskView>()
  readonly #instances = new Map<string, InstanceView>()
  readonly #onAgent = new OwnerIndex()
  readonly #ofFramework = new OwnerIndex()
  readonly #byTaskId = new OwnerIndex()
  /** What each task has in which virtual IP: their keys and those of its backends there. */
  readonly #placed = new Map<string, Map<string, Set<string>>>()
  readonly #vips = new Map<string, Entry>()
  #dirty = new Set<string>()

  get counts(): { agents: number; tasks: number; vips: number } {
    return { agents: this.#agents.size, tasks: this.#tasks.size, vips: this.#vips.size }
  }

  agents(): readonly AgentView[] {
    return [...this.#agents.values()]
  }

  /** Keys of the virtual IPs that changed since the last call: their backends, a weight, or whether they are there at all. */
  takeChanges(): readonly string[] {
    const changes = [...this.#dirty]
    this.#dirty = new Set()
    return changes
  }

  /** `undefined` when it has no backend. */
  get(key: string): Vip | undefined {
    const entry = this.#vips.get(key)
    return entry && { key, name: entry.name, backends: [...entry.backends.values()] }
  }

  putAgent(id: string, body: unknown): void {
    const agent = readAgent(body)
    if (agent === undefined) return void this.delAgent(id)
    const before = this.#agents.get(id)
    this.#agents.set(id, agent)
    if (before?.address !== agent.address) for (const key of this.#onAgent.of(id)) this.#place(key)
  }

  delAgent(id: string): void {
    if (this.#agents.delete(id)) for (const key of this.#onAgent.of(id)) this.#place(key)
  }

  putFramework(id: string, body: unknown): void {
    const name = asText(field(asBody(body), 'name')) ?? ''
    if (this.#frameworks.get(id) === name) return
    this.#frameworks.set(id, name)
    for (const key of this.#ofFramework.of(id)) this.#place(key)
  }

  delFramework(id: string): void {
    if (this.#frameworks.delete(id)) for (const key of this.#ofFramework.of(id)) this.#place(key)
  }

  putTask(key: string, body: unknown): void {
    const task = readTask(body)
    const before = this.#tasks.get(key)
    if (before !== undefined) this.#unindex(key, before)
    if (task === undefined) this.#tasks.delete(key)
    else {
      this.#tasks.set(key, task)
      this.#onAgent.add(task.agentId, key)
      this.#ofFramework.add(task.frameworkId, key)
      this.#byTaskId.add(task.id, key)
    }
    this.#place(key)
  }

  delTask(key: string): void {
    this.putTask(key, undefined)
  }

  /** An instance of the service framework's feed, by task id. */
  putInstance(taskId: string, body: unknown): void {
    const instance = asBody(body)
    const healthy = asBoolean(field(instance, 'healthy'))
    const killing = field(instance, 'killing') === true
    const before = this.#instances.get(taskId)
    if (before !== undefined && before.healthy === healthy && before.killing === killing) return
    this.#instances.set(taskId, { healthy, killing })
    for (const key of this.#byTaskId.of(taskId)) this.#place(key)
  }

  delInstance(taskId: string): void {
    if (this.#instances.delete(taskId)) for (const key of this.#byTaskId.of(taskId)) this.#place(key)
  }

  #unindex(key: string, task: TaskView): void {
    this.#onAgent.remove(task.agentId, key)
    this.#ofFramework.remove(task.frameworkId, key)
    this.#byTaskId.remove(task.id, key)
  }

  #backendsOf(key: string): { vip: VipName; backend: Backend }[] {
    const task = this.#tasks.get(key)
    const agent = task && this.#agents.get(task.agentId)
    if (task === undefined || agent === undefined) return []
    const framework = this.#frameworks.get(task.frameworkId) ?? task.frameworkName ?? ''
    return taskBackends(task, agent, framework, this.#instances.get(task.id))
  }

  /** Puts a task's backends as they are now in place of those it had. */
  #place(key: string): void {
    const before = this.#placed.get(key)
    const after = new Map<string, Set<string>>()
    for (const { vip, backend } of this.#backendsOf(key)) {
      const vipId = vipKey(vip)
      const place = `${key} ${backend.ip} ${backend.port}`
      const places = after.get(vipId) ?? new Set()
      after.set(vipId, places.add(place))
      this.#put(vipId, vip, place, backend)
    }
    for (const [vipId, places] of before ?? [])
      for (const place of places) if (!after.get(vipId)?.has(place)) this.#remove(vipId, place)
    if (after.size > 0) this.#placed.set(key, after)
    else this.#placed.delete(key)
  }

  #put(vipId: string, name: VipName, place: string, backend: Backend): void {
    const entry = this.#vips.get(vipId) ?? { name, backends: new Map<string, Backend>() }
    this.#vips.set(vipId, entry)
    const before = entry.backends.get(place)
    if (before?.weight === backend.weight) return
    entry.backends.set(place, backend)
    this.#dirty.add(vipId)
  }

  #remove(vipId: string, place: string): void {
    const entry = this.#vips.get(vipId)
    if (!entry?.backends.delete(place)) return
    if (entry.backends.size === 0) this.#vips.delete(vipId)
    this.#dirty.add(vipId)
  }
}
