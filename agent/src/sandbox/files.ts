import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
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

  /** @throws {HttpError} 400 outside what is attached by a link, 404 */
  async browse(path: string): Promise<Listed[]> {
    const found = await this.#find(path)
    const owners = { users: await readNames('/etc/passwd'), groups: await readNames('/etc/group') }
    const names = await readdir(found.real).catch(() => undefined)
    if (names === undefined) return [await this.#describe(path, found.real, owners)]
    const listed: Listed[] = []
    for (const name of names.sort().slice(0, maxEntries)) {
      const entry = await this.#describe(join(path, name), join(found.real, name), owners).catch(() => undefined)
      // One that has just been removed is not there.
      if (entry !== undefined) listed.push(entry)
    }
    return listed
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
    const found = await this.#find(path)
    // Without blocking: a fifo that a task made would wait for a writer.
    const file = await open(found.real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(
      error => {
        throw fileError(path, error)
      },
    )
    let isKept = false
    try {
      const info = await file.stat()
      if (info.isDirectory()) throw new HttpError(400, `Cannot ${verb} a directory.`)
      if (!info.isFile()) throw new HttpError(400, `'${path}' is no regular file`)
      // The task may have changed a folder on the way into a link meanwhile: what was opened counts.
      const opened = await readlink(`/proc/self/fd/${file.fd}`).catch(() => found.real)
      if (!isInside(opened, found.root)) throw new HttpError(400, `'${path}' is inaccessible`)
      const result = await use(file)
      isKept = keepsOpen
      return result
    } finally {
      if (!isKept) await file.close()
    }
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

  async #describe(path: string, real: string, { users, groups }: Owners): Promise<Listed> {
    // What a link leads to is described only as a link: its target may lie elsewhere.
    const info: Stats = await lstat(real)
    const shown = info.isSymbolicLink() ? await this.#throughLink(path, real, info) : info
    return {
      path,
      nlink: shown.nlink,
      size: shown.size,
      mtime: Math.floor(shown.mtimeMs / 1000),
      mode: shown.mode,
      uid: users.get(shown.uid) ?? `${shown.uid}`,
      gid: groups.get(shown.gid) ?? `${shown.gid}`,
    }
  }

  async #throughLink(path: string, real: string, link: Stats): Promise<Stats> {
    try {
      await this.#find(path)
      return await stat(real)
    } catch {
      return link
    }
  }
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
