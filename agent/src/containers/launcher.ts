import type { CommandInfoURI, ContainerID, ResourceStatistics, TaskStatusReason } from '@meseta/common/protocol/mesos'

/** A name in the sandbox that leads elsewhere: a sandbox-path volume of a plain process. All absolute. */
export interface SandboxLink {
  /** The sandbox of the executor, which holds both. */
  readonly root: string
  readonly path: string
  readonly target: string
}

/** A persistent volume of a task: a name in its sandbox that leads to the volume's folder. All absolute. */
export interface VolumeLink {
  /** The sandbox of the executor, which holds the path. */
  readonly root: string
  readonly path: string
  readonly target: string
  /** Other tasks, of other users too, may have it at the same time. */
  readonly isShared: boolean
}

/**
 * The variable by which processes of a container are found wherever they went; its value is the `containerKey`. They all have it
 * in their environment, unless they have dropped it on purpose.
 */
export const markName = 'MESETA_CONTAINER_ID'

/** All that a launcher needs to run one process tree. Paths are absolute. */
export interface ContainerSpec {
  readonly id: ContainerID
  /** The sandbox; made by the launcher. */
  readonly directory: string
  readonly argv: readonly string[]
  /** With the mark. */
  readonly environment: Readonly<Record<string, string>>
  /** The user to run as, where the agent may switch users. */
  readonly user?: string | undefined
  readonly uris: readonly CommandInfoURI[]
  readonly links: readonly SandboxLink[]
  readonly volumes: readonly VolumeLink[]
}

/** How a container ended. `lost`: its supervisor vanished and left no exit status. */
export type Exit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: number }
  | { readonly kind: 'lost'; readonly detail: string }

/** A container could not be launched; the message is what the task's status says. */
export class LaunchError extends Error {
  readonly reason: TaskStatusReason
  constructor(message: string, reason: TaskStatusReason = 'REASON_CONTAINER_LAUNCH_FAILED') {
    super(message)
    this.name = 'LaunchError'
    this.reason = reason
  }
}

/** What was found of a container of an earlier life of the agent. */
export interface RecoveredContainer {
  readonly id: ContainerID
  readonly state:
    | { readonly kind: 'running'; readonly pid: number }
    | { readonly kind: 'ended'; readonly exit: Exit }
    /** Prepared, and never started: it can not start any more. */
    | { readonly kind: 'never-started' }
  /** What could not be read of it, in a sentence. */
  readonly problem?: string | undefined
}

/**
 * Runs containers that outlive the agent. Every call is idempotent, and a container that is not known is no error for
 * `kill`, `reap` and `remove`.
 */
export interface Launcher {
  /** Makes the sandbox and fetches into it. Aborted by `kill`. Rejects with LaunchError. */
  prepare(spec: ContainerSpec): Promise<void>
  /** Starts the process of a prepared container. Rejects with LaunchError. */
  start(spec: ContainerSpec): Promise<{ pid: number }>
  /** Resolves when the container's process has ended. For a container that this launcher started or recovered. */
  wait(id: ContainerID): Promise<Exit>
  /** Sends a signal to every process of the container, or aborts its preparation. */
  kill(id: ContainerID, signal: number): Promise<void>
  /** After the end of its process: gives the processes it left behind `grace` milliseconds to end, then kills them. */
  reap(id: ContainerID, grace: number): Promise<void>
  /** Forgets an ended container; its exit status is gone. The sandbox stays. */
  remove(id: ContainerID): Promise<void>
  /** What the container uses; undefined when it is not running. */
  statistics(id: ContainerID): Promise<ResourceStatistics | undefined>
  /** Takes over what an earlier life of the agent left. Called once, before anything else. */
  recover(): Promise<RecoveredContainer[]>
  /** Stops watching; the containers run on. */
  close(): Promise<void>
}

/** A container's id with its parents, as it is printed: `parent.child`. */
export function containerKey(id: ContainerID): string {
  return id.parent === undefined ? id.value : `${containerKey(id.parent)}.${id.value}`
}
