import {
  chownSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { SandboxLink, VolumeLink } from './launcher.ts'
import type { UserIds } from './users.ts'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/**
 * What an agent with more rights than the task makes inside sandboxes. A task may have put a link, or anything else, wherever it
 * can write: so each part of a path is opened by itself, and only what was opened is given to the task's user.
 */

/**
 * Makes a volume: its folder, and the link to it.
 * @throws {Error} when something else is in the way
 */
export function makeLink({ root, path, target }: SandboxLink, user: UserIds | undefined): void {
  inFolder(root, relative(root, target), user, () => {})
  if (path === target) return
  putLink(root, path, target, user)
}

/**
 * Makes the link to a persistent volume, and gives its folder to the task's user; one that others may have at the same time goes to
 * the first of them.
 * @throws {Error} when something else is in the way
 */
export function linkVolume({ root, path, target, isShared }: VolumeLink, user: UserIds | undefined): void {
  // Nobody but the agent can put anything in the place of a volume's folder.
  if (user && !(isShared && statSync(target).uid !== 0)) chownSync(target, user.uid, user.gid)
  putLink(root, path, target, user)
}

function putLink(root: string, path: string, target: string, user: UserIds | undefined): void {
  inFolder(root, relative(root, dirname(path)), user, folder => {
    const link = join(folder, basename(path))
    try {
      symlinkSync(target, link)
    } catch (error) {
      // A link of the executor is asked for by each of its tasks.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isLinkTo(link, target)) throw error
    }
  })
}

/**
 * Opens a log for appending.
 * @throws {Error} when it is no regular file of its own
 */
export function openLog(path: string, user: UserIds | undefined): number {
  // Without blocking: a fifo would wait for a reader.
  const file = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o644)
  try {
    const found = fstatSync(file)
    if (!found.isFile() || found.nlink > 1) throw new Error(`${basename(path)} in the sandbox is no file of its own`)
    if (user) fchownSync(file, user.uid, user.gid)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Does something in a folder below `root`, which is made where it is missing. The folder's path holds while `use` runs. */
function inFolder(root: string, below: string, user: UserIds | undefined, use: (path: string) => void): void {
  let folder = openSync(root, O_RDONLY | O_DIRECTORY)
  try {
    for (const name of below.split('/').filter(part => part !== '')) {
      const next = openFolder(`/proc/self/fd/${folder}/${name}`, user)
      closeSync(folder)
      folder = next
    }
    use(`/proc/self/fd/${folder}`)
  } finally {
    closeSync(folder)
  }
}

function openFolder(path: string, user: UserIds | undefined): number {
  const isNew = makeFolder(path)
  let folder: number
  try {
    folder = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch {
    throw new Error(`'${basename(path)}' on its way is no folder`)
  }
  if (isNew && user) fchownSync(folder, user.uid, user.gid)
  return folder
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isLinkTo(path: string, target: string): boolean {
  try {
    return readlinkSync(path) === target
  } catch {
    return false
  }
}
