import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { checkId } from '@meseta/common/protocol/ids'
import { HttpError } from '@meseta/common/service/errors'

/** Most that one read answers: 16 pages (agent contract, section 1). */
export const maxReadBytes = 16 * 4096
/** Most entries that one listing answers. */
const maxEntries = 10_000

/** A file as listings show it. */
export interface Listed {
  readonly path: string
  readonly nlink: number
  readonly size: number
  /** Seconds. */
  readonly mtime: number
  readonly mode: number
  readonly uid: string
  readonly gid: string
}

interface Found {
  readonly real: string
  /** The real path of the attached folder or file; nothing outside it is shown. */
  readonly root: string
}

interface Owners {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlyMap<number, string>
}

/**
 * The files API (agent contract, section 1): the agent's log and the sandboxes, by their virtual and real paths. What a link in
 * a sandbox leads to is shown only if it lies in that sandbox.
 */
export class SandboxFiles {
  readonly #workDir: string
  readonly #logFile: string | undefined
  readonly #agentId: () => string | undefined

  constructor(workDir: string, logFile: string | undefined, agentId: () => string | undefined) {
    this.#workDir = workDir
    this.#logFile = logFile
    this.#agentId = agentId
  }

  /** @throws {HttpError} 400 outside what is attached by a link, 403, 404 */
  async browse(path: string): Promise<Listed[]> {
    const owners = { users: await readNames('/etc/passwd'), groups: await readNames('/etc/group') }
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
    const sandboxes = await realpath(join(this.#workDir, 'slaves')).catch(() => this.#workDir)
    if (attached.isSandbox && !isInside(root, sandboxes)) throw new HttpError(400, `'${path}' is inaccessible`)
    const real = await realpath(join(attached.root, attached.rest)).catch(error => {
      throw fileError(path, error)
    })
    if (!isInside(real, root)) throw new HttpError(400, `'${path}' is inaccessible`)
    return { real, root }
  }

  /** The attached folder or file whose path begins this one. */
  #attached(path: string): { root: string; rest: string; isSandbox: boolean } | undefined {
    if (path === '/slave/log' && this.#logFile !== undefined) return { root: this.#logFile, rest: '', isSandbox: false }
    const slaves = join(this.#workDir, 'slaves')
    let agent = this.#agentId()
    let below = path
    if (path.startsWith(`${slaves}/`)) {
      const [id = '', ...rest] = path.slice(slaves.length + 1).split('/')
      agent = id
      below = `/${rest.join('/')}`
    }
    const match = /^\/frameworks\/([^/]+)\/executors\/([^/]+)\/runs\/([^/]+)(\/.*)?$/s.exec(below)
    if (match === null || agent === undefined) return undefined
    const [, framework = '', executor = '', run = '', rest = ''] = match
    if ([agent, framework, executor, run].some(id => checkId(id) !== undefined)) return undefined
    return {
      root: join(slaves, agent, 'frameworks', framework, 'executors', executor, 'runs', run),
      rest,
      isSandbox: true,
    }
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

function describe(path: string, info: Stats, { users, groups }: Owners): Listed {
  return {
    path,
    nlink: info.nlink,
    size: info.size,
    mtime: Math.floor(info.mtimeMs / 1000),
    mode: info.mode,
    uid: users.get(info.uid) ?? `${info.uid}`,
    gid: groups.get(info.gid) ?? `${info.gid}`,
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

/** `-rw-r--r--`. */
export function modeText(mode: number): string {
  const types: Readonly<Record<number, string>> = {
    [constants.S_IFDIR]: 'd',
    [constants.S_IFLNK]: 'l',
    [constants.S_IFIFO]: 'p',
    [constants.S_IFSOCK]: 's',
    [constants.S_IFCHR]: 'c',
    [constants.S_IFBLK]: 'b',
  }
  const bits = [...'rwxrwxrwx'].map((letter, index) => (mode & (0o400 >> index) ? letter : '-')).join('')
  return (types[mode & constants.S_IFMT] ?? '-') + bits
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)
}

/** Names of users or groups by their numbers. */
async function readNames(file: string): Promise<Map<number, string>> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return new Map(
    text.split('\n').map(line => {
      const [name = '', , number] = line.split(':')
      return [Number(number), name]
    }),
  )
}

function missing(path: string): HttpError {
  return new HttpError(404, `there is no file '${path.slice(0, 300)}' here`)
}

function fileError(path: string, error: unknown): HttpError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM')
    return new HttpError(403, `'${path.slice(0, 300)}' may not be read by the agent`)
  if (code === 'ELOOP') return new HttpError(400, `'${path.slice(0, 300)}' is inaccessible`)
  return missing(path)
}
