import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerID } from '@meseta/common/protocol/mesos'
import { writeDurably } from '../checkpoints/durable.ts'
import { containerKey, type Exit } from './launcher.ts'
import { isAlive, type ProcessId, parseStat, readStat } from './proc.ts'

/** The format of `config`; a reader refuses others. */
const configVersion = 1

/** What the agent writes about a container before it starts. */
export interface ContainerConfig {
  readonly version: number
  readonly id: ContainerID
  readonly boot_id: string
  readonly directory: string
}

/** A control folder as it was found: with its configuration, or what is wrong with that. */
export type FoundConfig =
  | { readonly id: ContainerID; readonly config: ContainerConfig }
  | { readonly id: ContainerID; readonly config: undefined; readonly problem: string }

/**
 * The control folder of each container, `<runtime>/containers/<key>`: `config` by the agent; `pid`, `exit` and
 * `supervisor.log` by its supervisor.
 */
export class ControlFiles {
  readonly #root: string
  constructor(runtimeDir: string) {
    this.#root = join(runtimeDir, 'containers')
  }

  folder(id: ContainerID): string {
    return join(this.#root, containerKey(id))
  }

  async create(id: ContainerID, bootId: string, directory: string): Promise<string> {
    const folder = this.folder(id)
    await mkdir(folder, { recursive: true })
    const config: ContainerConfig = { version: configVersion, id, boot_id: bootId, directory }
    await writeDurably(join(folder, 'config'), JSON.stringify(config))
    return folder
  }

  /** All containers. A folder without a configuration is removed: nothing ran from it. */
  async list(): Promise<FoundConfig[]> {
    await mkdir(this.#root, { recursive: true })
    const found: FoundConfig[] = []
    for (const name of await readdir(this.#root)) {
      const one = await this.#readConfig(name)
      if (one === undefined) await rm(join(this.#root, name), { recursive: true, force: true })
      else found.push(one)
    }
    return found
  }

  async remove(id: ContainerID): Promise<void> {
    // A child of its supervisor may be writing its last file into it.
    await rm(this.folder(id), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }

  /** The exit status, once the supervisor has written it. */
  exit(id: ContainerID): Exit | undefined {
    const text = readOrUndefined(join(this.folder(id), 'exit'))
    const match = /^(\d+) (exited|signalled)\n/.exec(text ?? '')
    if (match === null) return undefined
    const code = Number(match[1])
    return match[2] === 'signalled' ? { kind: 'signalled', signal: code - 128 } : { kind: 'exited', code }
  }

  /** The supervisor that claimed the container. */
  supervisor(id: ContainerID): ProcessId | undefined {
    return parseStat(readOrUndefined(join(this.folder(id), 'pid')) ?? '')
  }

  /** Makes sure that a supervisor which has not claimed the container yet never will. False when one has. */
  async forbidStart(id: ContainerID): Promise<boolean> {
    try {
      const file = await open(join(this.folder(id), 'pid'), 'wx')
      await file.close()
      return true
    } catch {
      return this.supervisor(id) === undefined
    }
  }

  /** Whether a supervisor runs, and runs this container: the number in a damaged folder may be that of another boot. */
  isSupervised(id: ContainerID, { pid, startTime }: ProcessId): boolean {
    const stat = readStat(pid)
    if (!isAlive(stat) || stat.startTime !== startTime) return false
    return readOrUndefined(`/proc/${pid}/cmdline`)?.includes(`\0${this.folder(id)}\0`) ?? false
  }

  /** @throws {Error} when another version wrote it */
  async #readConfig(name: string): Promise<FoundConfig | undefined> {
    const path = join(this.#root, name, 'config')
    let config: ContainerConfig | null = null
    try {
      config = JSON.parse(await readFile(path, 'utf8'))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    }
    if (!Number.isInteger(config?.version) || config?.id === undefined)
      return { id: idOf(name), config: undefined, problem: `${path} is damaged` }
    if (config.version !== configVersion)
      throw new Error(
        `${path} has version ${config.version}; this agent reads version ${configVersion}: run the agent that wrote it`,
      )
    return { id: config.id, config }
  }
}

/** The container of a control folder's name: the other way round than `containerKey`. */
function idOf(name: string): ContainerID {
  const end = name.lastIndexOf('.')
  return end < 0 ? { value: name } : { value: name.slice(end + 1), parent: idOf(name.slice(0, end)) }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
