import type { Deployment } from '../deploy/deployment.ts'
import { cancel, startDeployment, stepView } from '../deploy/executor.ts'
import { affectedServices, type PlanInput, planSteps, type Step } from '../deploy/plan.ts'
import type { Command } from '../effects.ts'
import { locked, Refusal, unknownPlan } from '../errors.ts'
import type { Group, Millis, Root, Service } from '../model.ts'
import { type PathId, parentOf } from '../paths.ts'
import {
  forgetLog,
  forgetVersion,
  groupRecord,
  type LogEntry,
  logRecords,
  serviceRecord,
  versionRecord,
} from '../records.ts'
import { nextVersion } from '../root.ts'
import { maxVersions, type State } from '../state.ts'
import { applyChange } from './apply.ts'
import type { Change, GroupChange, Outcome, ServiceChange } from './change.ts'

type ChangeCommand = Extract<Command, { type: 'change' }>

/** Changes the root as asked, or refuses; starts the deployment that makes it true (contract 11). */
export function handleChange(state: State, command: ChangeCommand, now: Millis): void {
  try {
    const version = nextVersion(now, state.root.version)
    const { root, settings, history } = state
    const outcome = applyChange(command.change, { root, settings, history, version, force: command.force })
    const input: PlanInput = { before: root, after: outcome.root, restarts: outcome.restarts, kills: outcome.kills }
    const steps = planSteps(input)
    if (command.dryRun) answer(state, command.call, { version, created: [], steps: steps.map(stepView) })
    else commit(state, command, outcome, steps, affectedServices(input), now)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    state.emit({ type: 'answer', call: command.call, answer: { ok: false, refusal: error } })
  }
}

function answer(
  state: State,
  call: number,
  result: { version: string; deploymentId?: string; created: readonly PathId[]; steps?: unknown },
): void {
  state.emit({ type: 'answer', call, answer: { ok: true, ...result } })
}

function commit(
  state: State,
  command: ChangeCommand,
  outcome: Outcome,
  steps: readonly Step[],
  affected: readonly PathId[],
  now: Millis,
): void {
  const { settings } = state
  if (affected.length > 0 && state.deployments.size >= settings.maxRunningDeployments)
    throw new Refusal(
      403,
      `Max number (${settings.maxRunningDeployments}) of running deployments is achieved. Wait for existing deployments to complete or cancel one using force=true.`,
    )
  const inTheWay = [...new Set(affected.map(id => state.lockedBy.get(id)).filter(id => id !== undefined))]
  if (inTheWay.length > 0 && !command.force) throw locked(inTheWay)
  for (const id of inTheWay) cancel(state, state.deployments.get(id) as Deployment, now)

  const id = state.random.uuid()
  const { version } = outcome.root
  const services = serviceChanges(state.root, outcome.root, affected)
  const groups = groupChanges(state.root, outcome.root)
  const entry: LogEntry = {
    seq: state.seq + 1,
    version,
    services,
    groups,
    ...(steps.length > 0 && {
      deployment: { id, restarts: [...outcome.restarts], kills: [...outcome.kills], cancels: inTheWay },
    }),
  }
  if (services.length > 0 || groups.length > 0 || steps.length > 0) record(state, entry, outcome.root)
  announce(state, command, outcome, version, now)
  startDeployment(state, newDeployment(entry, id, steps, affected), now)
  answer(state, command.call, { version, deploymentId: id, created: outcome.created })
}

export const newDeployment = (
  entry: LogEntry,
  id: string,
  steps: readonly Step[],
  affected: readonly PathId[],
): Deployment => ({
  id,
  version: entry.version,
  seq: entry.seq,
  steps,
  services: entry.services,
  groups: entry.groups,
  affected,
  current: 0,
  begun: new Set(),
  ended: new Set(),
})

function serviceChanges(before: Root, after: Root, affected: readonly PathId[]): ServiceChange[] {
  return affected.map(id => change(id, before.services.get(id), after.services.get(id)))
}

function groupChanges(before: Root, after: Root): GroupChange[] {
  const ids = new Set([...before.groups.keys(), ...after.groups.keys()])
  return [...ids]
    .filter(id => before.groups.get(id) !== after.groups.get(id))
    .map(id => change<Group>(id, before.groups.get(id), after.groups.get(id)))
}

const change = <T extends Group | Service>(id: PathId, before: T | undefined, after: T | undefined) => ({
  id,
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
})

/** Makes the change durable: its log entry, then what follows from it. */
function record(state: State, entry: LogEntry, root: Root): void {
  state.seq = entry.seq
  state.root = root
  state.log.push(entry)
  state.write(...logRecords(entry))
  project(state, entry)
  pruneLog(state)
}

/** What follows from a log entry: it may be done again. */
export function project(state: State, entry: LogEntry): void {
  for (const { id, after } of entry.services) {
    state.write(serviceRecord(id, entry.seq, after))
    state.touch('app', id)
    state.touch('pod', id)
    state.reviews.add(id)
    askAnew(state, id)
    if (after === undefined) dropVersions(state, id)
    else addVersion(state, after)
  }
  for (const { id, after } of entry.groups) {
    state.write(groupRecord(id, entry.seq, after))
    state.touch('group', id)
  }
  for (const { id } of entry.services) state.touch('group', parentOf(id))
}

/** What was refused for the old definition may do for the new one. */
function askAnew(state: State, id: PathId): void {
  if (!state.pending.has(id)) return
  state.queue.close(id)
  state.wantsOffers.add(id)
}

function addVersion(state: State, service: Service): void {
  const { id } = service.spec
  const known = state.versions.get(id) ?? []
  if (known.at(-1)?.version === service.version) return
  const kept = [...known.filter(one => one.version !== service.version), service]
  state.write(versionRecord(service))
  while (kept.length > maxVersions) {
    const oldest = kept.shift()
    if (oldest !== undefined) state.write(forgetVersion(id, oldest.version))
  }
  state.versions.set(id, kept)
}

/** The versions of a deleted service stay while instances that run them are being stopped; then a start drops them. */
function dropVersions(state: State, id: PathId): void {
  for (const old of state.versions.get(id) ?? []) state.write(forgetVersion(id, old.version))
  state.versions.delete(id)
}

/** Keeps the newest changes, and those whose deployment still runs. */
function pruneLog(state: State): void {
  while (state.log.length > maxVersions) {
    const oldest = state.log[0] as LogEntry
    if (oldest.deployment !== undefined && state.deployments.has(oldest.deployment.id)) return
    state.log.shift()
    state.write(...forgetLog(oldest))
  }
}

function announce(state: State, command: ChangeCommand, outcome: Outcome, version: string, now: Millis): void {
  const { client, change: asked } = command
  const uri = client?.uri ?? ''
  const clientIp = client?.ip ?? ''
  if (asked.kind === 'apps')
    for (const id of asked.apps.map(app => app.id).concat(outcome.created)) {
      const service = id === undefined ? undefined : outcome.root.services.get(id)
      if (service !== undefined)
        state.event(now, 'api_post_event', {
          clientIp,
          uri,
          appDefinition: { ...service.spec, version: service.version },
        })
    }
  if (asked.kind === 'pod')
    state.event(now, asked.mode === 'create' ? 'pod_created_event' : 'pod_updated_event', { clientIp, uri })
  if (asked.kind === 'delete' && asked.service === 'pod') state.event(now, 'pod_deleted_event', { clientIp, uri })
  state.event(now, 'group_change_success', { groupId: groupOf(asked, outcome), version })
}

function groupOf(asked: Change, outcome: Outcome): PathId {
  switch (asked.kind) {
    case 'group':
    case 'delete-group':
    case 'enforce-role':
      return asked.id
    case 'delete':
    case 'restart':
      return parentOf(asked.id)
    case 'apps': {
      const id = asked.apps[0]?.id ?? outcome.created[0]
      return id === undefined ? '/' : parentOf(id)
    }
    default:
      return '/'
  }
}

/** DELETE /v2/deployments/{id}: undoes it by a new deployment, or with force just ends it. */
export function handleCancel(
  state: State,
  command: Extract<Command, { type: 'cancel-deployment' }>,
  now: Millis,
): void {
  const deployment = state.deployments.get(command.id)
  if (deployment === undefined) {
    state.emit({ type: 'answer', call: command.call, answer: { ok: false, refusal: unknownPlan(command.id) } })
    return
  }
  if (command.force) {
    cancel(state, deployment, now)
    answer(state, command.call, { version: deployment.version, created: [] })
    return
  }
  const { services, groups } = deployment
  handleChange(
    state,
    { type: 'change', call: command.call, force: true, change: { kind: 'revert', services, groups } },
    now,
  )
}
