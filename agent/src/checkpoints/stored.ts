import type {
  AgentInfo,
  ContainerID,
  DrainConfig,
  ExecutorInfo,
  FrameworkInfo,
  Operation,
  Resource,
  TaskInfo,
} from '@meseta/common/protocol/mesos'
import type { ExecutorKind, StoredKill } from '../core/model.ts'
import type { UpdateRecord } from '../updates/record.ts'

/** The format of all checkpoints but the update records, which carry their own. */
export const checkpointVersion = 1

/** The newest master that this agent had a session with: older ones are deposed, whoever is heard first. */
export interface StoredEpoch {
  readonly version: number
  readonly epoch: number
}
export interface StoredAgent {
  readonly version: number
  readonly info: AgentInfo
}
/** It is there while the agent drains. */
export interface StoredDrain {
  readonly version: number
  readonly config: DrainConfig
  /** Milliseconds since 1970. */
  readonly startedAt: number
}
export interface StoredFramework {
  readonly version: number
  readonly info: FrameworkInfo
}
export interface StoredExecutor {
  readonly version: number
  readonly kind: ExecutorKind
  readonly info: ExecutorInfo
}
export interface StoredTask {
  readonly version: number
  readonly info: TaskInfo
  readonly container: ContainerID
  readonly group?: string | undefined
}
/** Of the machine, whichever agent it was: what operations have made of its resources. In one file, as they change together. */
export interface StoredResources {
  readonly version: number
  /** What operations have made: reservations and volumes. */
  readonly resources: readonly Resource[]
  /** Those whose ends are not acknowledged. */
  readonly operations: readonly Operation[]
  /** Folders of volumes that were destroyed, and may still be there. */
  readonly dropped: readonly string[]
}
export interface StoredTaskKill extends StoredKill {
  readonly version: number
}

/** Everything that an earlier life of the agent left in its checkpoints. */
export interface Recovered {
  /** Of the last session with a master; 0 before the first. */
  readonly followed: number
  /** Undefined before a master has given one. */
  readonly agentId: string | undefined
  /** Whether the agent's own record is whole: nothing is needed of it, and it can be written again. */
  readonly isAgentNoted: boolean
  readonly drain?: StoredDrain | undefined
  readonly frameworks: readonly RecoveredFramework[]
  /** Undefined before the first operation. */
  readonly resources: StoredResources | undefined
  /** What could not be read, in sentences; it counts as `slave/recovery_errors`. */
  readonly errors: readonly string[]
}
export interface RecoveredFramework {
  readonly info: FrameworkInfo
  readonly executors: readonly RecoveredExecutor[]
}
export interface RecoveredExecutor {
  readonly kind: ExecutorKind
  readonly info: ExecutorInfo
  readonly container: ContainerID
  readonly tasks: readonly RecoveredTask[]
}
export interface RecoveredTask {
  readonly info: TaskInfo
  readonly container: ContainerID
  readonly group?: string | undefined
  readonly kill?: StoredKill | undefined
  readonly records: readonly UpdateRecord[]
}
