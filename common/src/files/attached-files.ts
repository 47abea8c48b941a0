import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HttpError } from '../service/errors.ts'
import { describe, type Listed, readOwners } from './listed.ts'

/** Most that one read answers: 16 pages (agent contract 1). */
export const maxReadBytes = 16 * 4096
/** Most entries that one listing answers. */
const maxEntries = 10_000

interface Found {
  readonly real: string
  /** The real path of the attached folder or file; nothing outside it is shown. */
  readonly root: string
}

/** A folder or a file that is shown, and what of it a path names. */
export interface Attached {
  readonly root: string
  readonly rest: string
  /** Where the root must lie once all links are followed; anywhere unless said. */
  readonly within?: string
}

/**
 * The files API of masters and agents (master contract 4, agent contract 1): parts of the file system by virtual paths. What a
 * link in an attached folder leads to is shown only if it lies in that folder.
 */
export class AttachedFiles {
  readonly #attached: (path: string) => Attached | undefined

  /** `attached` names the folder or file whose virtual path begins a path. */
  constructor(attached: (path: string) => Attached | undefined) {
    this.#attached = attached
  }

  /** @throws {HttpError} 400 outside what is attached by a link, 403, 404 */
  async browse(path: string): Promise<Listed[]> {
    const owners = await readOwners()
    const opened = await this.#open(path)
    try {
      const info = await opened.stat()
      if (!info.isDirectory()) return [describe(path, info, owners)]
      const listed: Listed[] = []
      const folder = `/proc/self/fd/${opened.fd}`
      for (const name of await namesIn(folder)) {
        // One that has just been removed is not there.
        const entry = await this.#look(join(path, name), join(folder, name)).catch(() => undefined)
        if (entry !== undefined) listed.push(describe(join(path, name), entry, owners))
      }
      return listed
    } finally {
      await opened.close()
    }
  }

  /**
   * Reads a part of a file. Without an offset: nothing but the size.
   * @returns the bytes, and the size of the whole file
   */
  async read(path: string, offset: number, length: number): Promise<{ data: Uint8Array; size: number }> {
    return this.#withFile(path, 'read', async file => {
      const { size } = await file.stat()
      if (offset < 0 || offset >= size) return { data: new Uint8Array(), size }
      const wanted = Math.min(length < 0 ? size - offset : length, size - offset, maxReadBytes)
      const data = Buffer.alloc(wanted)
      const { bytesRead } = await file.read(data, 0, wanted, offset)
      return { data: data.subarray(0, bytesRead), size }
    })
  }

  /** Opens a file to send it as a whole. The caller closes it. */
  async open(path: string): Promise<{ file: FileHandle; name: string; size: number }> {
    return this.#withFile(
      path,
      'download',
      async file => ({ file, name: basename(path), size: (await file.stat()).size }),
      true,
    )
  }

  async #withFile<T>(path: string, verb: string, use: (file: FileHandle) => Promise<T>, keepsOpen = false): Promise<T> {
    const file = await this.#open(path)
    let isKept = false
    try {
      const info = await file.stat()
      if (info.isDirectory()) throw new HttpError(400, `Cannot ${verb} a directory.`)
      if (!info.isFile()) throw new HttpError(400, `'${path}' is no regular file`)
      const result = await use(file)
      isKept = keepsOpen
      return result
    } finally {
      if (!isKept) await file.close()
    }
  }

  /** Opens what a path leads to, whatever it is. The caller closes it. */
  async #open(path: string): Promise<FileHandle> {
    const found = await this.#find(path)
    // Without blocking: a fifo that a task made would wait for a writer.
    const opened = await open(found.real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(
      error => {
        throw fileError(path, error)
      },
    )
    // The task may have changed a folder on the way into a link meanwhile: what was opened counts.
    const real = await readlink(`/proc/self/fd/${opened.fd}`).catch(() => '')
    if (isInside(real, found.root)) return opened
    await opened.close()
    throw new HttpError(400, `'${path}' is inaccessible`)
  }

  async #find(path: string): Promise<Found> {
    const attached = this.#attached(path)
    if (attached === undefined || path.includes('\0')) throw missing(path)
    const root = await realpath(attached.root).catch(error => {
      throw fileError(path, error)
    })
    const within = attached.within && (await realpath(attached.within).catch(() => attached.within))
    if (within !== undefined && !isInside(root, within)) throw new HttpError(400, `'${path}' is inaccessible`)
    const real = await realpath(join(attached.root, attached.rest)).catch(error => {
      throw fileError(path, error)
    })
    if (!isInside(real, root)) throw new HttpError(400, `'${path}' is inaccessible`)
    return { real, root }
  }

  /** What an entry of a folder is; of a link, what it leads to, or the link itself where that lies elsewhere. */
  async #look(path: string, entry: string): Promise<Stats> {
    const info = await lstat(entry)
    if (!info.isSymbolicLink()) return info
    const target = await this.#open(path).catch(() => undefined)
    if (target === undefined) return info
    try {
      return await target.stat()
    } finally {
      await target.close()
    }
  }
}

/** The names in a folder, in order; of a larger one than is shown, some of them. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of await opendir(folder)) {
    names.push(name)
    if (names.length === maxEntries) break
  }
  return names.sort()
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)
}

function missing(path: string): HttpError {
  return new HttpError(404, `there is no file '${path.slice(0, 300)}' here`)
}

function fileError(path: string, error: unknown): HttpError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM')
    return new HttpError(403, `'${path.slice(0, 300)}' may not be read by this process`)
  if (code === 'ELOOP') return new HttpError(400, `'${path.slice(0, 300)}' is inaccessible`)
  return missing(path)
}
