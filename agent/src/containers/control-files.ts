import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerID } from '@meseta/common/protocol/mesos'
import { containerKey, type Exit } from './launcher.ts'
import { type ProcessId, parseStat } from './proc.ts'

/** The format of `config`; a reader refuses others. */
const configVersion = 1

/** What the agent writes about a container before it starts. */
export interface ContainerConfig {
  readonly version: number
  readonly id: ContainerID
  readonly boot_id: string
  readonly directory: string
}

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
    const path = join(folder, 'config')
    await writeFile(`${path}.own`, JSON.stringify(config))
    await rename(`${path}.own`, path)
    return folder
  }

  /** Configurations of all containers; folders whose configuration can not be read are removed: nothing ran from them. */
  async list(): Promise<ContainerConfig[]> {
    await mkdir(this.#root, { recursive: true })
    const configs: ContainerConfig[] = []
    for (const name of await readdir(this.#root)) {
      const config = await this.#readConfig(join(this.#root, name))
      if (config === undefined) await rm(join(this.#root, name), { recursive: true, force: true })
      else configs.push(config)
    }
    return configs
  }

  async remove(id: ContainerID): Promise<void> {
    // A child of its supervisor may be writing its last file into it.
    await rm(this.folder(id), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }

  /** The exit status, once the supervisor has written it. */
  exit(id: ContainerID): Exit | undefined {
    const text = readOrUndefined(join(this.folder(id), 'exit'))
    const match = /^(\d+) (exited|signalled)\n$/.exec(text ?? '')
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

  async #readConfig(folder: string): Promise<ContainerConfig | undefined> {
    let text: string
    try {
      text = await readFile(join(folder, 'config'), 'utf8')
    } catch {
      return undefined
    }
    const config = JSON.parse(text) as ContainerConfig
    if (config.version !== configVersion)
      throw new Error(
        `${folder}/config has version ${config.version}; this agent reads version ${configVersion}: run the agent that wrote it`,
      )
    return config
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
