import { mkdir, mkdtemp, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Resource } from '@meseta/common/protocol/mesos'
import { normalize } from '@meseta/common/resources/formats'
import type { Logger } from 'pino'
import { syncFolder } from '../checkpoints/durable.ts'
import { removeTree } from '../sandbox/remove-tree.ts'

/** The folders of persistent volumes. Each call may be repeated: a crash may come between it and its record. */
export interface Volumes {
  /** Makes the folder of a volume, where it is not there. */
  make(path: string): Promise<void>
  /** When this resolves the volume is gone; what was in it may still be on its way out. */
  drop(path: string): Promise<void>
}

/** Where a persistent volume lies (agent contract, section 4). Its ids have been checked. */
export function volumePath(workDir: string, volume: Resource): string {
  const { disk, reservations } = normalize(volume)
  const { source, persistence } = disk ?? {}
  if (source?.type === 'MOUNT' && source.mount?.root !== undefined) return resolve(workDir, source.mount.root)
  const root = resolve(workDir, (source?.type === 'PATH' ? source.path?.root : undefined) ?? '')
  // A role may have slashes, and none of its parts a space.
  const role = (reservations?.at(-1)?.role ?? '').replaceAll('/', ' ')
  return join(root, 'volumes', 'roles', role, persistence?.id ?? '')
}

/** Volumes as folders of this machine. What is dropped is first moved aside, in one step, and then removed. */
export class HostVolumes implements Volumes {
  readonly #workDir: string
  readonly #log: Logger

  constructor(workDir: string, log: Logger) {
    this.#workDir = workDir
    this.#log = log
  }

  /** Removes what an earlier life did not come to. */
  start(): void {
    void this.#sweep(join(this.#workDir, 'volumes', 'dropped'))
  }

  /** Whoever runs a task with it becomes its owner. */
  async make(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o755 })
    await syncFolder(dirname(path))
  }

  async drop(path: string): Promise<void> {
    if (isMount(path)) {
      for (const name of await namesIn(path)) await removeTree(join(path, name))
      return
    }
    const dropped = join(path, '..', '..', '..', 'dropped')
    await mkdir(dropped, { recursive: true, mode: 0o700 })
    const aside = await mkdtemp(join(dropped, 'volume-'))
    try {
      await rename(path, join(aside, basename(path)))
      await syncFolder(dirname(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    void this.#sweep(dropped)
  }

  async #sweep(folder: string): Promise<void> {
    for (const name of await namesIn(folder))
      await removeTree(join(folder, name)).catch(error =>
        this.#log.warn({ err: error, path: join(folder, name) }, 'a dropped volume was not removed'),
      )
  }
}

/** A disk of its own is given whole: it can not be moved aside. */
const isMount = (path: string): boolean => basename(dirname(dirname(path))) !== 'roles'

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
