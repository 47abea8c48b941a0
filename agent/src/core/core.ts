import { join } from 'node:path'
import type {
  AgentInfoCapability,
  Attribute,
  ContainerID,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  Resource,
} from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { executorFolder, layout, RunPaths } from '../checkpoints/layout.ts'
import { checkpointVersion, type StoredDrain } from '../checkpoints/stored.ts'
import { containerKey } from '../containers/launcher.ts'
import { UpdateManager } from '../updates/manager.ts'
import { IdSource } from './ids.ts'
import type { Effect, Now } from './messages.ts'
import { type ExecutorEntry, executorKey, type FrameworkEntry, history, remember, type TaskEntry } from './model.ts'
import type { OperationEntry } from './operations.ts'
import { Timers } from './timers.ts'

/** What the agent is, and how it treats its tasks. Durations in milliseconds. */
export interface AgentConfig {
  readonly workDir: string
  readonly hostname: string
  readonly ip: string
  readonly port: number
  /** Where the executor API answers, `address:port`. */
  readonly endpoint: string
  readonly version: string
  readonly resources: readonly Resource[]
  readonly attributes: readonly Attribute[]
  readonly capabilities: readonly AgentInfoCapability[]
  /** PATH of tasks, and the Node.js executable that they find in MESETA_NODE. */
  readonly taskPath: string
  readonly nodePath: string
  /** Lowest layer of the environment of all executors and tasks. */
  readonly environment: Readonly<Record<string, string>>
  /** What an executor gets from SHUTDOWN to its end. */
  readonly shutdownGrace: number
}

/** What a container is to the heart. */
export type ContainerOwner =
  | { readonly executor: ExecutorEntry; readonly task: undefined }
  | { readonly executor: ExecutorEntry; readonly task: TaskEntry }

export type Registration = 'disconnected' | 'registering' | 'registered' | 'unregistered'

/** The state that the parts of the heart share, and the few ways to change all of it together. */
export class Core {
  readonly config: AgentConfig
  readonly ids: IdSource
  readonly updates = new UpdateManager()
  readonly timers = new Timers()
  readonly frameworks = new Map<string, FrameworkEntry>()
  readonly completedFrameworks: FrameworkEntry[] = []
  readonly tasks = new Map<string, TaskEntry>()
  readonly executors = new Map<string, ExecutorEntry>()
  readonly containers = new Map<string, ContainerOwner>()
  /** The machine's resources, with what operations made of them. Not allocated. */
  total: Resources
  /** Those whose ends are not acknowledged, by uuid, in their order. */
  readonly operations = new Map<string, OperationEntry>()
  agentId: string | undefined
  /** The epoch of the newest session with a master, as it is stored. */
  followed = 0
  registration: Registration = 'disconnected'
  registrationBackoff = 0
  /** No task is taken any more. */
  stopping = false
  /** It is to end its tasks, and takes none until that is done. */
  drain: StoredDrain | undefined
  /** What to say when the last task is gone and the agent ends: the master's words. */
  shutdownMessage: string | undefined
  /** Counters of what happened, by their metric names. */
  readonly counters = new Map<string, number>()
  now: Now = { wall: 0, mono: 0 }
  effects: Effect[] = []

  constructor(config: AgentConfig, seed: string) {
    this.config = config
    this.total = Resources.from(config.resources)
    this.ids = new IdSource(seed)
  }

  count(name: string, amount = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + amount)
  }

  /** The agent's id; tasks exist only after it was given. */
  get id(): string {
    return this.agentId ?? ''
  }

  log(level: 'info' | 'warn' | 'error', text: string, fields: Record<string, unknown> = {}): void {
    this.effects.push({ type: 'log', lane: 'log', level, text, fields })
  }

  framework(info: FrameworkInfo): FrameworkEntry {
    const id = info.id?.value ?? ''
    let framework = this.frameworks.get(id)
    if (framework === undefined) {
      framework = { info, id, executors: new Map(), completed: [], terminating: false }
      this.frameworks.set(id, framework)
      this.#store(framework)
    } else if (framework.info !== info) this.updateFramework(framework, info)
    return framework
  }

  updateFramework(framework: FrameworkEntry, info: FrameworkInfo): void {
    if (JSON.stringify(framework.info) === JSON.stringify(info)) return
    framework.info = info
    this.#store(framework)
  }

  #store(framework: FrameworkEntry): void {
    if (framework.info.checkpoint !== true) return
    this.effects.push({
      type: 'write',
      lane: framework.id,
      path: layout.frameworkInfo(this.id, framework.id),
      value: { version: checkpointVersion, info: framework.info },
    })
  }

  /** Forgets an executor whose last task is acknowledged, or whose framework is gone. */
  forgetExecutor(executor: ExecutorEntry): void {
    const { framework } = executor
    const key = executorKey(framework.id, executor.id)
    executor.phase = 'terminated'
    this.count('executors_terminated')
    this.timers.cancelAll(key)
    this.containers.delete(containerKey(executor.container))
    this.executors.delete(key)
    framework.executors.delete(executor.id)
    remember(framework.completed, executor, history.executors)
    const lane = laneOf(executor)
    const folder = executorFolder(this.config.workDir, this.id, framework.id, executor.id)
    if (isCheckpointed(executor)) this.effects.push({ type: 'forget', lane, path: this.paths(executor).executor })
    this.effects.push({ type: 'collect', lane, path: join(folder, 'runs', executor.container.value) })
    if (framework.executors.size === 0) this.#forgetFramework(framework, lane)
  }

  #forgetFramework(framework: FrameworkEntry, lane: string): void {
    this.frameworks.delete(framework.id)
    remember(this.completedFrameworks, framework, history.frameworks)
    if (framework.info.checkpoint === true)
      this.effects.push({ type: 'forget', lane, path: layout.framework(this.id, framework.id) })
  }

  paths(executor: ExecutorEntry): RunPaths {
    return new RunPaths(this.id, executor.framework.id, executor.id, executor.container.value)
  }

  owner(container: ContainerID): ContainerOwner | undefined {
    return this.containers.get(containerKey(container))
  }
}

/** Effects about an executor and its tasks are done one after the other; its framework's record, too. */
export function laneOf(executor: ExecutorEntry): string {
  return executor.framework.id
}

/** Whether what is known of the executor's tasks outlives the agent. */
export function isCheckpointed(executor: ExecutorEntry): boolean {
  return executor.framework.info.checkpoint === true
}

export function hasCapability(
  framework: { readonly info?: FrameworkInfo },
  type: FrameworkInfoCapabilityType,
): boolean {
  return framework.info?.capabilities?.some(capability => capability.type === type) ?? false
}
