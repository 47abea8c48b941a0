import type { FeedWalk, FeedWriter } from '@meseta/common/feed/writer'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import { legacyResources } from '@meseta/common/resources/legacy'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Change } from '../state/changes.ts'
import { weightsOf } from '../state/settings/weights.ts'
import { leaderInfo, type MasterFacts } from './facts.ts'
import { feedFrameworkOf, slaveText } from './legacy-shapes.ts'
import { legacyRoleOf, rolesIn } from './roles.ts'
import { type Applied, type Bounds, type FrameworkRow, Tables, type TaskKey } from './tables.ts'
import type { TaskRow } from './task-rows.ts'
import { feedTaskJson } from './task-shape.ts'

/** Sums (agents, frameworks, roles, the cluster) go to the feed at most this often; tasks go at once. Milliseconds. */
const sumsEvery = 250
/** So many agents, and so many frameworks, are told of each time: of 10,000 that change all the time each every 5 s. */
const portion = 500

/**
 * The read model: the heart's numbered changes go in; reads, the feed and followers are served from it. It knows nothing
 * of the heart but these changes, so that it can live in another thread.
 */
export class Replica {
  readonly tables: Tables
  readonly feed: FeedWriter
  readonly #clock: Clock
  readonly #facts: MasterFacts
  readonly #followers = new Set<(applied: Applied) => void>()
  /** Ids of those whose sums have changed since they were last shown. */
  readonly #changedAgents = new Set<string>()
  readonly #changedFrameworks = new Set<string>()
  readonly #shownRoles = new Set<string>()
  #masters: readonly MasterInfo[]
  #sums: Timer | undefined
  #seq = 0

  constructor(options: { clock: Clock; feed: FeedWriter; facts: MasterFacts; bounds: Bounds }) {
    this.#clock = options.clock
    this.feed = options.feed
    this.#facts = options.facts
    this.tables = new Tables(options.bounds)
    this.feed.attach('task', { walk: giveUp => walkTasks(this.tables, giveUp) })
    this.#masters = [options.facts.masterInfo]
    this.#showSums()
  }

  get facts(): MasterFacts {
    return this.#facts
  }

  /** By role; all others have 1. */
  get weights(): ReadonlyMap<string, number> {
    return weightsOf(this.tables.settings.weights, this.#facts.weights)
  }

  /** All masters that stand for election, the leader first. */
  get masters(): readonly MasterInfo[] {
    return this.#masters
  }

  set masters(masters: readonly MasterInfo[]) {
    this.#masters = masters
    this.#sumsLater()
  }

  /** Applies the next batch; a gap means that this replica is of no use any more. */
  apply(seq: number, changes: readonly Change[]): void {
    if (seq !== this.#seq + 1) throw new Error(`the read model expects batch ${this.#seq + 1} and was given ${seq}`)
    this.#seq = seq
    for (const change of changes) {
      const applied = this.tables.apply(change)
      this.#feed(applied)
      for (const follower of this.#followers) follower(applied)
    }
    this.#sumsLater()
  }

  /** Calls back with each change after it was applied. Answers a function that ends it. */
  follow(follower: (applied: Applied) => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  stop(): void {
    this.#sums?.cancel()
  }

  #feed({ change, agent, framework, task, unchanged, forgotten }: Applied): void {
    if (agent) this.#changedAgents.add(agent.view.info.id!.value)
    if (framework) this.#changedFrameworks.add(framework.view.info.id!.value)
    switch (change.type) {
      case 'AGENT':
        this.feed.putJson('agent', agent!.id, slaveText(agent!))
        break
      case 'AGENT_REMOVED':
        this.#changedAgents.delete(change.id)
        this.feed.del('agent', change.id)
        break
      case 'FRAMEWORK':
        this.feed.put('framework', change.framework.info.id!.value, feedFrameworkOf(framework!))
        break
      case 'FRAMEWORK_COMPLETED':
        this.#changedFrameworks.delete(change.id)
        this.feed.del('framework', change.id)
        break
      case 'TASK':
      case 'TASK_STATUS':
        if (task && framework && !unchanged) this.#feedTask(framework, task, change)
        break
      default:
    }
    for (const key of forgotten ?? []) this.#forget(key)
  }

  #feedTask(framework: FrameworkRow, row: TaskRow, change: Change & { type: 'TASK' | 'TASK_STATUS' }): void {
    const id = change.type === 'TASK' ? change.task.task_id.value : change.taskId
    const { seq, at } = this.feed.tell('task', `${framework.id}/${id}`, bodyOf(framework, row))
    this.tables.tasks.told(row.slot, seq, at)
    this.#changedAgents.add(this.tables.tasks.agentOf(row.slot))
  }

  /** A task left the history. Its id may have been used again since. */
  #forget({ frameworkId, id }: TaskKey): void {
    const framework = this.tables.frameworks.get(frameworkId) ?? this.tables.completedFrameworks.get(frameworkId)
    const again = framework?.slots.has(id) || framework?.completedIds.has(id)
    if (!again) this.feed.tell('task', `${frameworkId}/${id}`, undefined)
  }

  #sumsLater(): void {
    this.#sums ??= this.#clock.after(sumsEvery, () => {
      this.#sums = undefined
      this.#showSums()
    })
  }

  /** Those that wait longest first: however many change, it costs no more. */
  #showSums(): void {
    for (const row of taken(this.#changedAgents, this.tables.agents)) this.feed.putJson('agent', row.id, slaveText(row))
    for (const row of taken(this.#changedFrameworks, this.tables.frameworks))
      this.feed.put('framework', row.id, feedFrameworkOf(row))
    this.#showRoles()
    this.feed.put('cluster', 'cluster', this.#cluster())
    if (this.#changedAgents.size + this.#changedFrameworks.size > 0) this.#sumsLater()
  }

  #showRoles(): void {
    const names = new Set<string>()
    for (const role of rolesIn(this.tables, this.weights)) {
      names.add(role.name)
      this.#shownRoles.add(role.name)
      this.feed.put('role', role.name, legacyRoleOf(role))
    }
    for (const name of this.#shownRoles) {
      if (names.has(name)) continue
      this.#shownRoles.delete(name)
      this.feed.del('role', name)
    }
  }

  #cluster(): Record<string, unknown> {
    const { clusterName, clusterId, version, masterInfo, startedAt, electedAt } = this.#facts
    return {
      name: clusterName,
      cluster_id: clusterId,
      version,
      leader_info: leaderInfo(masterInfo),
      masters: this.#masters.map(leaderInfo),
      start_time: startedAt / 1000,
      elected_time: electedAt / 1000,
      resources: legacyResources(this.tables.total),
      used_resources: legacyResources(this.tables.used),
      offered_resources: legacyResources(this.tables.offered),
      counts: this.counts(),
    }
  }

  /** How many there are: of tasks by state, of agents and of frameworks. */
  counts(): Record<string, number> {
    const { agents, frameworks, counters, unreachableAgents, recoveredAgents } = this.tables
    let active = 0
    for (const { view } of agents.values()) if (view.active) active++
    let activeFrameworks = 0
    for (const { view } of frameworks.values()) if (view.active) activeFrameworks++
    return {
      ...Object.fromEntries(counters),
      agents_active: active,
      agents_inactive: agents.size - active,
      agents_unreachable: unreachableAgents.size,
      agents_recovered: recoveredAgents.size,
      frameworks_active: activeFrameworks,
      frameworks_inactive: frameworks.size - activeFrameworks,
    }
  }
}

/** The rows of a portion of these ids, which are not among them any more. */
function taken<Row>(ids: Set<string>, rows: ReadonlyMap<string, Row>): Row[] {
  const some: Row[] = []
  for (const id of ids) {
    if (some.length === portion) break
    ids.delete(id)
    const row = rows.get(id)
    if (row) some.push(row)
  }
  return some
}

const bodyOf = ({ view }: FrameworkRow, { legacy, progress }: TaskRow): string =>
  feedTaskJson(legacy, progress, view.info.name)

/** All tasks as they are now. Of those with one id the newest comes last. */
function walkTasks(tables: Tables, giveUp: () => void): FeedWalk {
  const frozen = tables.freeze({ tasks: true }, giveUp)
  function* all() {
    for (const { row: framework, tasks } of [...frozen.completedFrameworks, ...frozen.frameworks])
      for (const fate of ['completed', 'unreachable', 'active'] as const)
        for (const row of tasks[fate])
          yield {
            key: `${framework.id}/${row.task.task_id.value}`,
            body: bodyOf(framework, row),
            seq: row.seq,
            at: row.at,
          }
  }
  const rows = all()
  return { next: () => rows.next().value ?? undefined, end: frozen.release }
}
