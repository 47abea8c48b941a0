import { constants } from 'node:fs'
import { open, readdir, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Each level keeps a folder open. */
const deepest = 200

/**
 * Removes a file, or a folder with all that is in it; nothing there is no error. Whoever may write in the folder may put a link
 * in the place of one of its folders at any moment: so each is opened, and what is in it removed through what was opened.
 * @throws {Error} when something can not be removed, or lies too deep
 */
export async function removeTree(path: string): Promise<void> {
  await removeIn(dirname(path), basename(path), 0)
}

async function removeIn(folder: string, name: string, depth: number): Promise<void> {
  const path = join(folder, name)
  try {
    await unlink(path)
    return
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'EISDIR') throw error
  }
  if (depth > deepest) throw new Error(`it has folders in more than ${deepest} levels`)
  const opened = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const inside = `/proc/self/fd/${opened.fd}`
    for (const entry of await readdir(inside)) await removeIn(inside, entry, depth + 1)
  } finally {
    await opened.close()
  }
  await rmdir(path)
}
