import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** Another live process holds the folder. */
export class FolderLockedError extends Error {
  readonly folder: string
  readonly pid: number
  constructor(folder: string, pid: number) {
    const holder = pid === process.pid ? `this process (pid ${pid}) already` : `the process with pid ${pid}`
    super(`the store in ${folder} is held by ${holder}: stop it first, or use another --work-dir`)
    this.name = 'FolderLockedError'
    this.folder = folder
    this.pid = pid
  }
}

/** A held lock. */
export interface FolderLock {
  release(): void
}

const prefix = 'lock.'

function newest(folder: string): number {
  const numbers = readdirSync(folder)
    .filter(name => /^lock\.\d{1,15}$/.test(name))
    .map(name => Number(name.slice(prefix.length)))
  return Math.max(0, ...numbers)
}

/** Who wrote a lock file; nobody when it was released, is gone or unreadable. */
function holderOf(file: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null && 'pid' in value ? (value as ProcessIdentity) : undefined
  } catch {
    return undefined
  }
}

/**
 * Takes a folder for this process alone, or throws FolderLockedError.
 *
 * The file `lock.<n>` with the highest number names the holder (pid, start time, boot). A newcomer that finds it dead or
 * released links its own file, complete, as `lock.<n+1>`, and holds the folder if that is the highest number afterwards; of
 * several newcomers, the link lets one through. Numbers only grow (a release empties the file and keeps it), so a
 * newcomer that was asleep can never take what was taken and given back meanwhile.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const own = join(folder, `.lock-${process.pid}-${process.hrtime.bigint()}`)
  writeFileSync(own, JSON.stringify(ownIdentity()))
  try {
    const number = take(folder, own)
    return { release: () => letGo(folder, number) }
  } finally {
    rmSync(own, { force: true })
  }
}

function take(folder: string, own: string): number {
  for (;;) {
    const found = newest(folder)
    const holder = found > 0 ? holderOf(join(folder, `${prefix}${found}`)) : undefined
    if (holder && isAlive(holder)) throw new FolderLockedError(folder, holder.pid)
    const mine = join(folder, `${prefix}${found + 1}`)
    try {
      linkSync(own, mine)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    if (newest(folder) !== found + 1) {
      rmSync(mine, { force: true })
      continue
    }
    removeOlder(folder, found + 1)
    return found + 1
  }
}

function removeOlder(folder: string, number: number): void {
  for (const name of readdirSync(folder)) {
    if (/^lock\.\d{1,15}$/.test(name) && Number(name.slice(prefix.length)) < number)
      rmSync(join(folder, name), { force: true })
  }
}

function letGo(folder: string, number: number): void {
  const released = join(folder, `.released-${process.pid}-${number}`)
  try {
    writeFileSync(released, '{}')
    renameSync(released, join(folder, `${prefix}${number}`))
  } catch (error) {
    // The folder itself was removed: there is nothing left to hold.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
