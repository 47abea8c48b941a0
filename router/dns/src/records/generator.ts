import { isIP } from 'node:net'
import { type AgentView, parsePid, readAgent } from '@meseta/common/discovery/agent'
import { domainFragment, label } from '@meseta/common/discovery/labels'
import { OwnerIndex } from '@meseta/common/discovery/owner-index'
import { asBody, asText, field } from '@meseta/common/discovery/reading'
import { readTask, type TaskView } from '@meseta/common/discovery/task'
import {
  agentRecords,
  agentReverseRecords,
  frameworkRecords,
  type Masters,
  masterDirectoryRecords,
  masterRecords,
  zkRecords,
} from './cluster-records.ts'
import { HealthGroups } from './health-groups.ts'
import type { RecordSettings } from './settings.ts'
import {
  addressRecord,
  directoryRecords,
  type PlacedTask,
  reverseRecords,
  sharedName,
  taskRecords,
} from './task-records.ts'
import { vipRecords } from './vip-records.ts'
import type { Zone, ZoneRecord } from './zone.ts'
import type { Zones } from './zones.ts'

interface Framework {
  readonly name: string
  readonly host: string
  readonly port: number | undefined
}

/** A task and what is published for it: its group of one shared name, when it is running on a known agent. */
interface KnownTask {
  readonly view: TaskView
  group: string | undefined
}

/** A task as the enumeration shows it. */
export interface PublishedTask {
  readonly name: string
  readonly id: string
  readonly framework: string
  readonly records: readonly ZoneRecord[]
}

/**
 * Makes the records of a cluster from its agents, frameworks, tasks, masters and virtual IPs (contract 1.4, 2.3), one change at
 * a time: what changes costs its own records, and those of the tasks that depend on it. Pure.
 */
export class RecordGenerator {
  readonly zones: Zones
  readonly #settings: RecordSettings
  readonly #made = new Map<string, Map<Zone, readonly ZoneRecord[]>>()
  readonly #agents = new Map<string, AgentView>()
  readonly #frameworks = new Map<string, Framework>()
  readonly #tasks = new Map<string, KnownTask>()
  readonly #hosts = new Map<string, readonly string[]>()
  readonly #onAgent = new OwnerIndex()
  readonly #ofFramework = new OwnerIndex()
  readonly #ofHost = new OwnerIndex()
  readonly #groups: HealthGroups

  constructor(settings: RecordSettings, zones: Zones) {
    this.#settings = settings
    this.zones = zones
    this.#groups = new HealthGroups(settings.unhealthy)
    const own = settings.nameserverAddresses.map(address => addressRecord(settings.nameserver, address))
    this.#publish('nameserver', [[zones.mesos, own]])
  }

  putMasters(masters: Masters): void {
    this.#publish('masters', [
      [this.zones.mesos, masterRecords(masters, this.#settings)],
      [this.zones.dcos, masterDirectoryRecords(masters)],
      [this.zones.zk, zkRecords(masters)],
    ])
  }

  putAgent(id: string, body: unknown): void {
    const agent = readAgent(body)
    if (agent === undefined) return void this.delAgent(id)
    const before = this.#agents.get(id)
    const same = before?.address === agent.address && before?.port === agent.port && before?.hostname === agent.hostname
    if (before !== undefined && same) return
    this.#agents.set(id, agent)
    this.#publish(`agent ${id}`, [
      [this.zones.mesos, agentRecords(agent, this.#settings)],
      [this.zones.reverse, agentReverseRecords(agent, this.#settings)],
    ])
    for (const key of this.#onAgent.of(id)) this.#place(key)
  }

  delAgent(id: string): void {
    if (!this.#agents.delete(id)) return
    this.#publish(`agent ${id}`, [])
    for (const key of this.#onAgent.of(id)) this.#place(key)
  }

  /** Answers the host name that must be resolved (`putHost`) before the framework has an address, if there is one. */
  putFramework(id: string, body: unknown): string | undefined {
    const object = asBody(body)
    const name = asText(field(object, 'name')) ?? ''
    const pid = parsePid(asText(field(object, 'pid')) ?? '')
    const host = (pid?.host ?? asText(field(object, 'hostname')) ?? '').toLowerCase()
    const before = this.#frameworks.get(id)
    if (before?.name === name && before.host === host && before.port === pid?.port) return this.#unresolved(host)
    if (before !== undefined) this.#ofHost.remove(before.host, id)
    this.#frameworks.set(id, { name, host, port: pid?.port })
    this.#ofHost.add(host, id)
    this.#publishFramework(id)
    if (before?.name !== name) for (const key of this.#ofFramework.of(id)) this.#place(key)
    return this.#unresolved(host)
  }

  delFramework(id: string): void {
    const before = this.#frameworks.get(id)
    if (before === undefined) return
    this.#frameworks.delete(id)
    this.#ofHost.remove(before.host, id)
    if (this.#ofHost.of(before.host).length === 0) this.#hosts.delete(before.host)
    this.#publish(`framework ${id}`, [])
    for (const key of this.#ofFramework.of(id)) this.#place(key)
  }

  /** Whether any framework has this host name and no address. */
  needsHost(host: string): boolean {
    return this.#ofHost.of(host).length > 0 && this.#unresolved(host) !== undefined
  }

  /** The addresses of a framework's host name. */
  putHost(host: string, addresses: readonly string[]): void {
    const frameworks = this.#ofHost.of(host)
    if (frameworks.length === 0) return
    this.#hosts.set(host, addresses)
    for (const id of frameworks) this.#publishFramework(id)
  }

  putTask(key: string, body: unknown): void {
    const view = readTask(body)
    if (view === undefined) return void this.delTask(key)
    const before = this.#tasks.get(key)
    if (before !== undefined) this.#unindex(key, before.view)
    this.#onAgent.add(view.agentId, key)
    this.#ofFramework.add(view.frameworkId, key)
    this.#tasks.set(key, { view, group: before?.group })
    this.#place(key)
  }

  delTask(key: string): void {
    const task = this.#tasks.get(key)
    if (task === undefined) return
    this.#unindex(key, task.view)
    this.#tasks.delete(key)
    this.#publish(`task ${key}`, [])
    for (const other of this.#leaveGroup(key, task)) this.#publishTask(other)
  }

  putVip(key: string, body: unknown): void {
    const { forward, reverse } = vipRecords(body)
    this.#publish(`vip ${key}`, [
      [this.zones.vips, forward],
      [this.zones.reverse, reverse],
    ])
  }

  delVip(key: string): void {
    this.#publish(`vip ${key}`, [])
  }

  /** Published tasks with their records in the mesos-dns domain, in the order in which they came. */
  *published(): Generator<PublishedTask> {
    for (const [key, task] of this.#tasks) {
      const records = this.#made.get(`task ${key}`)?.get(this.zones.mesos)
      if (records === undefined) continue
      const { view } = task
      yield { name: sharedName(view), id: view.id, framework: this.#frameworkName(view), records }
    }
  }

  #unresolved(host: string): string | undefined {
    return host === '' || isIP(host) !== 0 || this.#hosts.has(host) ? undefined : host
  }

  #publishFramework(id: string): void {
    const framework = this.#frameworks.get(id)
    if (framework === undefined) return
    const { name, host, port } = framework
    const addresses = isIP(host) !== 0 ? [host] : (this.#hosts.get(host) ?? [])
    this.#publish(`framework ${id}`, [[this.zones.mesos, frameworkRecords({ name, addresses, port }, this.#settings)]])
  }

  #frameworkName(task: TaskView): string {
    return this.#frameworks.get(task.frameworkId)?.name ?? task.frameworkName ?? ''
  }

  #unindex(key: string, view: TaskView): void {
    this.#onAgent.remove(view.agentId, key)
    this.#ofFramework.remove(view.frameworkId, key)
  }

  /** Settles whether and under what names a task is published, and what that does to others of its name. */
  #place(key: string): void {
    const task = this.#tasks.get(key)
    if (task === undefined) return
    const left = this.#leaveGroup(key, task)
    const agent = this.#agents.get(task.view.agentId)
    let joined: readonly string[] = []
    if (task.view.state === 'TASK_RUNNING' && agent !== undefined) {
      const name = label(sharedName(task.view), this.#settings.rule)
      task.group = `${name}.${domainFragment(this.#frameworkName(task.view), this.#settings.rule)}`
      joined = this.#groups.add(task.group, key, task.view.healthy === false)
    }
    for (const other of new Set([...left, ...joined, key])) this.#publishTask(other)
  }

  #leaveGroup(key: string, task: KnownTask): readonly string[] {
    const { group } = task
    if (group === undefined) return []
    task.group = undefined
    return this.#groups.remove(group, key)
  }

  #publishTask(key: string): void {
    const task = this.#tasks.get(key)
    const agent = task && this.#agents.get(task.view.agentId)
    if (task?.group === undefined || agent === undefined || !this.#groups.shows(task.group, key)) {
      return void this.#publish(`task ${key}`, [])
    }
    const placed: PlacedTask = { task: task.view, agent, frameworkName: this.#frameworkName(task.view) }
    this.#publish(`task ${key}`, [
      [this.zones.mesos, taskRecords(placed, this.#settings)],
      [this.zones.dcos, directoryRecords(placed)],
      [this.zones.reverse, reverseRecords(placed, this.#settings)],
    ])
  }

  /** Puts what a source publishes now in place of what it published before. */
  #publish(source: string, now: readonly (readonly [Zone, readonly ZoneRecord[]])[]): void {
    const before = this.#made.get(source) ?? new Map<Zone, readonly ZoneRecord[]>()
    const after = new Map(now.filter(([, records]) => records.length > 0))
    for (const [zone, records] of after) zone.replace(before.get(zone) ?? [], records)
    for (const [zone, records] of before) if (!after.has(zone)) zone.replace(records, [])
    if (after.size > 0) this.#made.set(source, after)
    else this.#made.delete(source)
  }
}
