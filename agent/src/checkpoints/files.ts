import { chmod, mkdir, open, readdir, readFile, readlink, rename, rm, symlink, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeDurably } from './durable.ts'
import type { CheckpointStore } from './store.ts'

/** Checkpoints as files below a folder: written aside, synced, renamed. */
export class FileCheckpoints implements CheckpointStore {
  readonly #root: string
  #closed: Promise<void> | undefined
  constructor(root: string) {
    this.#root = root
  }

  async write(path: string, text: string): Promise<void> {
    await writeDurably(await this.#prepare(path), text)
  }

  async append(path: string, text: string): Promise<void> {
    const full = await this.#prepare(path)
    const file = await open(full, 'a')
    try {
      const isNew = (await file.stat()).size === 0
      await file.appendFile(text)
      await file.datasync()
      if (isNew) await syncFolder(dirname(full))
    } finally {
      await file.close()
    }
  }

  async truncate(path: string, length: number): Promise<void> {
    await truncate(join(this.#root, path), length)
  }

  async link(path: string, target: string): Promise<void> {
    await replaceLink(await this.#prepare(path), target)
  }

  async readLink(path: string): Promise<string | undefined> {
    return absentAsUndefined(readlink(join(this.#root, path)))
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return absentAsUndefined(readFile(join(this.#root, path)))
  }

  async list(path: string): Promise<string[]> {
    return ((await absentAsUndefined(readdir(join(this.#root, path)))) ?? []).sort()
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.#root, path), { recursive: true, force: true })
  }

  /** Environments of tasks lie in here: no other user reads them, also where an earlier version let them. */
  async #close(): Promise<void> {
    await mkdir(this.#root, { recursive: true })
    await chmod(this.#root, 0o700)
  }

  async #prepare(path: string): Promise<string> {
    this.#closed ??= this.#close()
    await this.#closed
    const full = join(this.#root, path)
    await mkdir(dirname(full), { recursive: true })
    return full
  }
}

/** Makes a symbolic link, or moves it to another target, in one step. */
export async function replaceLink(path: string, target: string): Promise<void> {
  const aside = `${path}.new`
  await rm(aside, { force: true })
  await symlink(target, aside)
  await rename(aside, path)
}

async function absentAsUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
