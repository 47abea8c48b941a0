import type {
  AcknowledgeOperation,
  ApplyOperation,
  Operation,
  OperationStatus,
  Resource,
  TaskInfo,
} from '@meseta/common/protocol/mesos'
import { isCheckpointed, withCheckpointed } from '@meseta/common/resources/checkpointed'
import { allocateOperation } from '@meseta/common/resources/conversions'
import { Resources } from '@meseta/common/resources/resources'
import { formatResources } from '@meseta/common/resources/text'
import { layout } from '../checkpoints/layout.ts'
import { checkpointVersion, type StoredResources } from '../checkpoints/stored.ts'
import { everyLane } from '../lanes.ts'
import { firstRetry, longestRetry } from '../updates/manager.ts'
import { volumePath } from '../volumes/volumes.ts'
import type { Core } from './core.ts'

/** What no task waits for. It waits for what was done in all lanes before. */
const ownLane = 'operations'

/** An operation whose end is not acknowledged: told again until it is. */
export interface OperationEntry {
  readonly operation: Operation
  /** How long to wait for the acknowledgement before it is told again, ms. */
  backoff: number
}

/**
 * The master's operation on this agent's resources: stored before it is answered, and before any task that comes after it is launched.
 * The same one again changes nothing. One that does not fit is answered with what the agent has.
 */
export function applyOperation(core: Core, asked: ApplyOperation): void {
  if (core.registration === 'unregistered') return
  const known = core.operations.get(asked.uuid.value)
  if (known) {
    forward(core, known, firstRetry)
    return
  }
  const applied = core.total.applyOperation(allocateOperation(asked.info, undefined))
  if ('refused' in applied) {
    core.log('error', 'an operation does not fit the resources', { uuid: asked.uuid.value, reason: applied.refused })
    const entry = note(core, asked, { state: 'OPERATION_DROPPED', message: applied.refused })
    store(core)
    forward(core, entry, firstRetry)
    core.effects.push({
      type: 'send',
      lane: ownLane,
      message: { update_agent: { total_resources: core.total.toArray() } },
    })
    return
  }
  const before = volumesOf(core)
  core.total = applied.resources
  const entry = note(core, asked, {
    state: 'OPERATION_FINISHED',
    converted_resources: applied.converted.toArray(),
  })
  const after = volumesOf(core)
  // Before the folder goes: a volume that is still on record must not be found empty.
  store(
    core,
    [...before].filter(path => !after.has(path)),
  )
  for (const path of before) if (!after.has(path)) core.effects.push({ type: 'drop-volume', lane: everyLane, path })
  for (const path of after) if (!before.has(path)) core.effects.push({ type: 'make-volume', lane: everyLane, path })
  forward(core, entry, firstRetry)
}

function note(
  core: Core,
  { uuid, framework_id, info }: ApplyOperation,
  outcome: Pick<OperationStatus, 'state' | 'message' | 'converted_resources'>,
): OperationEntry {
  const status: OperationStatus = {
    ...outcome,
    ...(info.id === undefined ? {} : { operation_id: info.id }),
    uuid: { value: core.ids.updateUuid() },
    agent_id: { value: core.id },
  }
  const entry: OperationEntry = {
    operation: {
      uuid,
      ...(framework_id === undefined ? {} : { framework_id }),
      agent_id: { value: core.id },
      info,
      latest_status: status,
      statuses: [status],
    },
    backoff: firstRetry,
  }
  core.operations.set(uuid.value, entry)
  return entry
}

/** The end of an operation was acknowledged: it is forgotten. */
export function acknowledgeOperation(core: Core, { uuid, status_uuid }: AcknowledgeOperation): void {
  const entry = core.operations.get(uuid.value)
  if (entry?.operation.latest_status.uuid?.value !== status_uuid.value) {
    core.log('info', 'the acknowledgement of an operation was ignored', { uuid: uuid.value })
    return
  }
  core.operations.delete(uuid.value)
  core.timers.cancel(retryOf(uuid.value))
  store(core, [], ownLane)
}

/** A master knows this agent: it is told all ends that are not acknowledged. */
export function resumeOperations(core: Core): void {
  for (const entry of core.operations.values()) forward(core, entry, firstRetry)
}

/** The master was lost: nothing is told until it knows this agent again. */
export function pauseOperations(core: Core): void {
  for (const uuid of core.operations.keys()) core.timers.cancel(retryOf(uuid))
}

/** No acknowledgement has come in time. */
export function retryOperation(core: Core, uuid: string): void {
  const entry = core.operations.get(uuid)
  if (entry) forward(core, entry, Math.min(entry.backoff * 2, longestRetry))
}

function forward(core: Core, entry: OperationEntry, backoff: number): void {
  if (core.registration !== 'registered') return
  entry.backoff = backoff
  core.timers.set(retryOf(entry.operation.uuid.value), core.now.mono + backoff)
  core.effects.push({ type: 'send', lane: ownLane, message: { operation_update: { operation: entry.operation } } })
}

const retryOf = (uuid: string) => ({ kind: 'operation', subject: uuid }) as const

/** What operations have made of the agent's own resources. */
export const checkpointedOf = (core: Core): Resources => core.total.filter(isCheckpointed)

/** Stores what operations have made, and those not acknowledged, in one. `dropped`: folders that go next. */
function store(core: Core, dropped: readonly string[] = [], lane: string = everyLane): void {
  const value: StoredResources = {
    version: checkpointVersion,
    resources: checkpointedOf(core).toArray(),
    operations: [...core.operations.values()].map(({ operation }) => operation),
    dropped,
  }
  core.effects.push({ type: 'write', lane, path: layout.resources, value })
}

/**
 * Takes over what an earlier life has stored, and finishes what it was about to do with the folders.
 * @throws {Error} when the machine does not have the resources any more that the volumes and reservations are made of
 */
export function recoverResources(core: Core, stored: StoredResources | undefined): void {
  if (stored === undefined) return
  const checkpointed = Resources.from(stored.resources)
  const total = withCheckpointed(core.total, checkpointed)
  if (total === undefined)
    throw new Error(
      `the reservations and volumes of this agent (${formatResources(checkpointed)}) do not fit into its resources (${formatResources(core.total)}); start it with the resources that it had (--resources), or with another --work-dir`,
    )
  core.total = total
  // A new agent did not promise what a former one on this machine did; the volumes are the machine's.
  if (core.agentId !== undefined)
    for (const operation of stored.operations)
      core.operations.set(operation.uuid.value, { operation, backoff: firstRetry })
  for (const path of stored.dropped) core.effects.push({ type: 'drop-volume', lane: everyLane, path })
  for (const path of volumesOf(core)) core.effects.push({ type: 'make-volume', lane: everyLane, path })
}

/** The folders of all volumes. */
function volumesOf({ total, config }: Core): Set<string> {
  return new Set(
    total
      .persistentVolumes()
      .toArray()
      .map(volume => volumePath(config.workDir, volume)),
  )
}

/** What tasks would use of reservations and volumes that are not here, as text; undefined when all is. */
export function unknownResources(
  core: Core,
  tasks: readonly TaskInfo[],
  more: readonly Resource[] = [],
): string | undefined {
  const named = [...tasks.flatMap(task => [...(task.resources ?? []), ...(task.executor?.resources ?? [])]), ...more]
  if (!named.some(({ disk, reservation, reservations }) => disk ?? reservation ?? reservations?.length))
    return undefined
  const used = Resources.from(named).unallocated().filter(isCheckpointed)
  const missing = used.nonShared().plus(used.sharedOnce())
  return core.total.contains(missing) ? undefined : formatResources(missing)
}
