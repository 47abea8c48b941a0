import { newDeployment, project } from './change/commit.ts'
import { affectedServices, type PlanInput, planSteps } from './deploy/plan.ts'
import { type Instance, mayRun } from './instance.ts'
import type { Group, Millis, Root, Service, Timestamp } from './model.ts'
import type { PathId } from './paths.ts'
import type { LogEntry, StoredInstance, TaskFailure } from './records.ts'
import { emptyRoot } from './root.ts'
import type { State } from './state.ts'

/** All records, as read once at a takeover. */
export interface Stored {
  readonly frameworkId?: string
  readonly log: readonly LogEntry[]
  /** Numbers of log entries whose deployment has ended. */
  readonly done: ReadonlySet<number>
  readonly services: readonly { readonly seq: number; readonly service: Service }[]
  readonly versions: readonly Service[]
  readonly groups: readonly { readonly seq: number; readonly id: PathId; readonly group: Group }[]
  readonly instances: readonly StoredInstance[]
  readonly failures: readonly TaskFailure[]
}

/** Fills an empty state with what was stored; what a crash left half done is completed, and running deployments go on. */
export function load(state: State, stored: Stored, now: Millis): void {
  state.frameworkId = stored.frameworkId
  const services = new Map<PathId, Service>()
  const groups = new Map<PathId, Group>(emptyRoot.groups)
  const writtenBy = new Map<string, number>()
  for (const { seq, service } of stored.services) {
    services.set(service.spec.id, service)
    writtenBy.set(`service ${service.spec.id}`, seq)
  }
  for (const { seq, id, group } of stored.groups) {
    groups.set(id, group)
    writtenBy.set(`group ${id}`, seq)
  }
  for (const service of stored.versions) addLoadedVersion(state, service)

  state.log = [...stored.log].sort((a, b) => a.seq - b.seq)
  for (const entry of state.log) complete(state, entry, services, groups, writtenBy)
  state.seq = state.log.at(-1)?.seq ?? 0
  state.root = { version: newestVersion(state.log, services, groups), services, groups }

  for (const failure of stored.failures) if (services.has(failure.appId)) state.failures.set(failure.appId, failure)
  for (const one of stored.instances) state.load(revive(one))
  resume(state, stored.done)
  for (const id of new Set([...services.keys(), ...state.byService.keys()])) state.reviews.add(id)
  for (const id of state.pending.keys()) state.wantsOffers.add(id)
  for (const instance of state.instances.values()) {
    if (instance.goal === 'Running' || !mayRun(instance)) continue
    state.kills.set(instance.id, { due: now })
    state.deadlines.set(`kill:${instance.id}`, now)
  }
  for (const [id, service] of services) state.touch(service.kind, id)
  for (const id of groups.keys()) state.touch('group', id)
  for (const instance of state.instances.values()) state.touch('instance', instance.id)
  state.touch('info', 'info')
}

function addLoadedVersion(state: State, service: Service): void {
  const known = state.versions.get(service.spec.id) ?? []
  known.push(service)
  known.sort((a, b) => (a.version < b.version ? -1 : 1))
  state.versions.set(service.spec.id, known)
}

/** What an entry changed is taken over where the projection is older than it, and written again. */
function complete(
  state: State,
  entry: LogEntry,
  services: Map<PathId, Service>,
  groups: Map<PathId, Group>,
  writtenBy: Map<string, number>,
): void {
  let behind = false
  for (const { id, after } of entry.services) {
    if ((writtenBy.get(`service ${id}`) ?? 0) >= entry.seq) continue
    behind ||= after !== undefined || services.has(id)
    if (after === undefined) services.delete(id)
    else services.set(id, after)
  }
  for (const { id, after } of entry.groups) {
    if ((writtenBy.get(`group ${id}`) ?? 0) >= entry.seq) continue
    behind ||= after !== undefined || groups.has(id)
    if (after === undefined) groups.delete(id)
    else groups.set(id, after)
  }
  if (behind) project(state, entry)
}

function newestVersion(
  log: readonly LogEntry[],
  services: ReadonlyMap<PathId, Service>,
  groups: ReadonlyMap<PathId, Group>,
): Timestamp {
  let newest = emptyRoot.version
  for (const entry of log) if (entry.version > newest) newest = entry.version
  for (const service of services.values()) if (service.version > newest) newest = service.version
  for (const group of groups.values()) if (group.version > newest) newest = group.version
  return newest
}

/** An instance as stored: of its tasks nothing is known but that they were launched. */
const revive = (stored: StoredInstance): Instance => ({
  ...stored,
  tasks: stored.tasks.map(task => ({ ...task, condition: 'Provisioned' as const })),
})

/** Deployments whose end is not recorded and which no later one has ended go on from their first step: what is done is done at once. */
function resume(state: State, done: ReadonlySet<number>): void {
  const cancelled = new Set(state.log.flatMap(entry => entry.deployment?.cancels ?? []))
  for (const entry of state.log) {
    const { deployment } = entry
    if (deployment === undefined || done.has(entry.seq) || cancelled.has(deployment.id)) continue
    const input = planInput(state.root, entry)
    const running = newDeployment(entry, deployment.id, planSteps(input), affectedServices(input))
    state.deployments.set(running.id, running)
    for (const id of running.affected) state.lockedBy.set(id, running.id)
    state.touch('deployment', running.id)
    state.deadlines.set(`sync:${running.id}`, 0)
  }
}

/** The roots before and after an entry, as far as its services go. */
function planInput(root: Root, entry: LogEntry): PlanInput {
  const before = new Map<PathId, Service>()
  const after = new Map<PathId, Service>()
  for (const change of entry.services) {
    if (change.before !== undefined) before.set(change.id, change.before)
    if (change.after !== undefined) after.set(change.id, change.after)
  }
  const { deployment } = entry
  return {
    before: { services: before },
    after: { services: after, groups: root.groups },
    restarts: new Set(deployment?.restarts ?? []),
    kills: new Map(deployment?.kills ?? []),
  }
}
