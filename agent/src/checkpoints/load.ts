import { decodeRecords } from '../updates/record.ts'
import { layout, RunPaths } from './layout.ts'
import type { CheckpointStore } from './store.ts'
import {
  checkpointVersion,
  type Recovered,
  type RecoveredExecutor,
  type RecoveredFramework,
  type RecoveredTask,
  type StoredAgent,
  type StoredDrain,
  type StoredEpoch,
  type StoredExecutor,
  type StoredFramework,
  type StoredResources,
  type StoredTask,
  type StoredTaskKill,
} from './stored.ts'

/** A checkpoint was written by a version of Meseta that this one does not read: it must not start on it. */
export class VersionError extends Error {
  constructor(path: string, version: unknown) {
    super(
      `the checkpoint ${path} has version ${String(version)}; this agent reads version ${checkpointVersion}: start the agent that wrote it, or another --work-dir`,
    )
    this.name = 'VersionError'
  }
}

/**
 * Reads all checkpoints of the latest agent. What is half written or missing costs only itself, and is told in `errors`;
 * a half-written last update record is cut off.
 * @throws {VersionError}
 * @throws {Error} when what operations made of the resources can not be read
 */
export async function loadCheckpoints(store: CheckpointStore): Promise<Recovered> {
  const loader = new Loader(store)
  const followed = (await loader.record<StoredEpoch>(layout.followed, true))?.epoch ?? 0
  const agentId = await store.readLink(layout.latestAgent)
  const frameworks: RecoveredFramework[] = []
  const resources = await loader.resources()
  const { errors } = loader
  if (agentId === undefined) return { followed, agentId, isAgentNoted: false, frameworks, resources, errors }
  const isAgentNoted = (await loader.record<StoredAgent>(layout.agentInfo(agentId))) !== undefined
  const drain = await loader.record<StoredDrain>(layout.drain(agentId), true)
  for (const name of await store.list(layout.frameworks(agentId))) {
    const framework = await loader.framework(agentId, name)
    if (framework !== undefined) frameworks.push(framework)
  }
  return { followed, agentId, isAgentNoted, drain, frameworks, resources, errors }
}

class Loader {
  readonly errors: string[] = []
  readonly #store: CheckpointStore
  constructor(store: CheckpointStore) {
    this.#store = store
  }

  async record<T extends { version: number }>(path: string, isOptional = false): Promise<T | undefined> {
    const bytes = await this.#store.read(path)
    if (bytes === undefined) {
      if (!isOptional) this.errors.push(`${path} is missing`)
      return undefined
    }
    let value: T
    try {
      value = JSON.parse(Buffer.from(bytes).toString('utf8')) as T
    } catch {
      this.errors.push(`${path} is damaged`)
      return undefined
    }
    if (value?.version !== checkpointVersion) throw new VersionError(path, value?.version)
    return value
  }

  /** @throws {Error} when they are damaged: without them the volumes would be lost. */
  async resources(): Promise<StoredResources | undefined> {
    const before = this.errors.length
    const stored = await this.record<StoredResources>(layout.resources, true)
    if (this.errors.length === before) return stored
    throw new Error(
      `the checkpoint ${layout.resources} is damaged, which says what is reserved and which volumes there are; take it away to start without them`,
    )
  }

  async framework(agent: string, name: string): Promise<RecoveredFramework | undefined> {
    const stored = await this.record<StoredFramework>(layout.frameworkInfo(agent, name))
    if (stored === undefined) return undefined
    const executors: RecoveredExecutor[] = []
    for (const id of await this.#store.list(layout.executors(agent, name))) {
      const executor = await this.#executor(agent, name, id)
      if (executor !== undefined) executors.push(executor)
    }
    return { info: stored.info, executors }
  }

  async #executor(agent: string, framework: string, id: string): Promise<RecoveredExecutor | undefined> {
    const folder = layout.executor(agent, framework, id)
    const run = await this.#store.readLink(`${folder}/runs/latest`)
    // Without the link nothing had been launched yet.
    if (run === undefined) return undefined
    const paths = new RunPaths(agent, framework, id, run)
    const stored = await this.record<StoredExecutor>(paths.executorInfo)
    if (stored === undefined) return undefined
    const tasks: RecoveredTask[] = []
    for (const name of await this.#store.list(paths.tasks)) {
      const task = await this.#task(paths, name)
      if (task !== undefined) tasks.push(task)
    }
    return { kind: stored.kind, info: stored.info, container: { value: run }, tasks }
  }

  async #task(paths: RunPaths, name: string): Promise<RecoveredTask | undefined> {
    const stored = await this.record<StoredTask>(paths.taskInfo(name))
    if (stored === undefined) return undefined
    const kill = await this.record<StoredTaskKill>(paths.kill(name), true)
    const { info, container, group } = stored
    return { info, container, group, kill, records: await this.#updates(paths.updates(name)) }
  }

  async #updates(path: string): Promise<RecoveredTask['records']> {
    const bytes = await this.#store.read(path)
    if (bytes === undefined) return []
    const { records, validBytes, damage } = decodeRecords(bytes)
    if (damage !== undefined) this.errors.push(`${path}: ${damage}`)
    if (validBytes < bytes.byteLength) await this.#store.truncate(path, validBytes)
    return records
  }
}
