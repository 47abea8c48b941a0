import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerID, ResourceStatistics } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { ControlFiles } from './control-files.ts'
import { killMembers, killProcess, signalStarted, type Tree, waitForMembers } from './kill-tree.ts'
import {
  type ContainerSpec,
  containerKey,
  type Exit,
  LaunchError,
  type Launcher,
  type RecoveredContainer,
} from './launcher.ts'
import { isAlive, type ProcessId, readStat } from './proc.ts'
import { ProcessTable } from './process-table.ts'
import { linkVolume, makeLink, openLog } from './sandbox-paths.ts'
import { processStatistics } from './statistics.ts'
import { findTools, type SupervisorTools, supervisorArguments } from './supervisor.ts'
import { taskCommand } from './task-command.ts'
import { type UserIds, userToRunAs } from './users.ts'
import { watchExit } from './watch-exit.ts'

export interface ProcessLauncherOptions {
  readonly clock: Clock
  readonly runtimeDir: string
  readonly bootId: string
  /** Where `sh`, `ln`, `mv` and `sync` are looked for. */
  readonly searchPath: string
  /** This Node.js, for what no shell can do. */
  readonly nodePath: string
  readonly switchUser: boolean
  /** Fetches the URIs of a container into its sandbox. Rejects with LaunchError. */
  fetch(spec: ContainerSpec, user: UserIds | undefined, signal: AbortSignal): Promise<void>
}

/** What is known of a container in this life of the agent. */
interface Running {
  readonly id: ContainerID
  supervisor: ProcessId | undefined
  readonly abort: AbortController
  readonly ended: PromiseWithResolvers<Exit>
  stopWatching: () => void
}

/**
 * Containers as plain processes: any Linux, no privilege. Each is a session of its own under a shell that outlives the agent
 * (see `supervisor.ts`). Nothing is limited or isolated; use is accounted.
 */
export class ProcessLauncher implements Launcher {
  readonly #options: ProcessLauncherOptions
  readonly #files: ControlFiles
  readonly #tools: SupervisorTools
  readonly #table: ProcessTable
  readonly #containers = new Map<string, Running>()

  constructor(options: ProcessLauncherOptions) {
    this.#options = options
    this.#files = new ControlFiles(options.runtimeDir)
    this.#tools = findTools(options.searchPath, options.nodePath)
    this.#table = new ProcessTable(options.clock)
  }

  async prepare(spec: ContainerSpec): Promise<void> {
    const container = this.#open(spec.id)
    const user = userToRunAs(spec.user, this.#options.switchUser, process.getuid?.() ?? -1)
    await mkdir(spec.directory, { recursive: true })
    await chmod(spec.directory, 0o750)
    if (user) await chown(spec.directory, user.uid, user.gid)
    await this.#files.create(spec.id, this.#options.bootId, spec.directory)
    for (const link of spec.links) makeVolume(link.path, () => makeLink(link, user))
    for (const link of spec.volumes) makeVolume(link.path, () => linkVolume(link, user))
    await this.#options.fetch(spec, user, container.abort.signal)
  }

  async start(spec: ContainerSpec): Promise<{ pid: number }> {
    const container = this.#open(spec.id)
    if (container.abort.signal.aborted) throw new LaunchError('the container was killed before it started')
    const user = userToRunAs(spec.user, this.#options.switchUser, process.getuid?.() ?? -1)
    const child = this.#spawn(spec, user)
    await spawned(child)
    const pid = child.pid ?? 0
    const stat = readStat(pid)
    // A supervisor that is already gone (the kernel had no time for it) is known by its exit file alone.
    container.supervisor = { pid, startTime: stat?.startTime ?? -1 }
    child.once('exit', () => container.ended.resolve(this.#files.exit(spec.id) ?? lost(child)))
    if (child.exitCode !== null || child.signalCode !== null)
      container.ended.resolve(this.#files.exit(spec.id) ?? lost(child))
    return { pid }
  }

  wait(id: ContainerID): Promise<Exit> {
    return this.#open(id).ended.promise
  }

  async kill(id: ContainerID, signal: number): Promise<void> {
    const container = this.#containers.get(containerKey(id))
    if (container === undefined) return
    if (container.supervisor === undefined) container.abort.abort()
    else await signalStarted(this.#options.clock, this.#treeOf(id, container.supervisor), signal)
  }

  async reap(id: ContainerID, grace: number): Promise<void> {
    const supervisor = this.#containers.get(containerKey(id))?.supervisor
    if (supervisor === undefined) return
    const tree = this.#treeOf(id, supervisor)
    if (grace > 0) await waitForMembers(this.#options.clock, tree, grace)
    await killMembers(this.#options.clock, tree)
  }

  async remove(id: ContainerID): Promise<void> {
    const key = containerKey(id)
    const container = this.#containers.get(key)
    container?.stopWatching()
    this.#containers.delete(key)
    // Nobody reads any more what a supervisor of a destroyed container still wants to write.
    if (container?.supervisor !== undefined) killProcess(container.supervisor)
    await this.#files.remove(id)
  }

  async statistics(id: ContainerID): Promise<ResourceStatistics | undefined> {
    const supervisor = this.#containers.get(containerKey(id))?.supervisor
    return supervisor === undefined ? undefined : processStatistics(supervisor, await this.#table.look())
  }

  async recover(): Promise<RecoveredContainer[]> {
    const recovered: RecoveredContainer[] = []
    for (const found of await this.#files.list()) {
      const { id, config } = found
      if (config === undefined) recovered.push({ id, state: await this.#endUnfinished(id), problem: found.problem })
      else recovered.push({ id, state: await this.#recoverOne(id, config.boot_id === this.#options.bootId) })
    }
    return recovered
  }

  async close(): Promise<void> {
    for (const container of this.#containers.values()) {
      container.stopWatching()
      container.abort.abort()
    }
  }

  async #recoverOne(id: ContainerID, sameBoot: boolean): Promise<RecoveredContainer['state']> {
    const container = this.#open(id)
    const supervisor = this.#files.supervisor(id)
    if (sameBoot) container.supervisor = supervisor
    const exit = this.#files.exit(id)
    if (exit !== undefined) return this.#ended(container, exit)
    if (!sameBoot) return this.#ended(container, { kind: 'lost', detail: 'the machine was restarted' })
    if (supervisor === undefined && (await this.#files.forbidStart(id))) return { kind: 'never-started' }
    container.supervisor ??= this.#files.supervisor(id)
    const found = container.supervisor
    if (found === undefined) return this.#ended(container, { kind: 'lost', detail: 'it left no process id' })
    const watching = watchExit(this.#options.clock, this.#files.folder(id), found, () => this.#files.exit(id))
    container.stopWatching = watching.stop
    void watching.ended.then(end => container.ended.resolve(end))
    const stat = readStat(found.pid)
    if (isAlive(stat) && stat.startTime === found.startTime) return { kind: 'running', pid: found.pid }
    return { kind: 'ended', exit: await watching.ended }
  }

  /** A container is started when its configuration is durable: one that has none was not to run, and must not. */
  async #endUnfinished(id: ContainerID): Promise<RecoveredContainer['state']> {
    const container = this.#open(id)
    const exit = this.#files.exit(id)
    if (exit !== undefined) return this.#ended(container, exit)
    if (await this.#files.forbidStart(id)) return { kind: 'never-started' }
    const supervisor = this.#files.supervisor(id)
    if (supervisor !== undefined && this.#files.isSupervised(id, supervisor)) {
      await killMembers(this.#options.clock, this.#treeOf(id, supervisor))
      killProcess(supervisor)
    }
    return this.#ended(container, { kind: 'lost', detail: 'what the agent knew of its container was damaged' })
  }

  #treeOf(id: ContainerID, supervisor: ProcessId): Tree {
    return { table: this.#table, supervisor, mark: containerKey(id) }
  }

  #ended(container: Running, exit: Exit): RecoveredContainer['state'] {
    container.ended.resolve(exit)
    return { kind: 'ended', exit }
  }

  #open(id: ContainerID): Running {
    const key = containerKey(id)
    let container = this.#containers.get(key)
    if (container === undefined) {
      container = {
        id,
        supervisor: undefined,
        abort: new AbortController(),
        ended: Promise.withResolvers<Exit>(),
        stopWatching: () => {},
      }
      this.#containers.set(key, container)
    }
    return container
  }

  #spawn(spec: ContainerSpec, user: UserIds | undefined): ChildProcess {
    const logs: number[] = []
    try {
      for (const name of ['stdout', 'stderr']) logs.push(openLog(join(spec.directory, name), user))
      const { argv, environment } = taskCommand(this.#tools, spec, user)
      const child = spawn(this.#tools.sh, supervisorArguments(this.#files.folder(spec.id), this.#tools, argv), {
        cwd: spec.directory,
        env: environment as Record<string, string>,
        detached: true,
        stdio: ['ignore', logs[0], 'ignore', logs[1]],
      })
      child.unref()
      return child
    } catch (error) {
      throw new LaunchError(`Failed to launch container: ${(error as Error).message}`)
    } finally {
      for (const log of logs) closeSync(log)
    }
  }
}

function makeVolume(path: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw new LaunchError(
      `Failed to launch container: the volume at ${path} can not be made: ${(error as Error).message}`,
    )
  }
}

async function spawned(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', error => reject(new LaunchError(`Failed to launch container: ${error.message}`)))
  })
}

function lost(child: ChildProcess): Exit {
  const how = child.signalCode ?? `exit status ${child.exitCode}`
  return { kind: 'lost', detail: `its supervisor ended by ${how}` }
}
