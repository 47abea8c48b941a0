import { constants } from 'node:fs'
import { lstat, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Each level keeps a folder open. What lies deeper is moved beside the tree, and removed from there. */
const deepest = 200

/**
 * Removes a file, or a folder with all that is in it; nothing there is no error. Whoever may write in the folder may put a link
 * in the place of one of its folders at any moment: so each is opened, and what is in it removed through what was opened.
 * @throws {Error} when something can not be removed
 */
export async function removeTree(path: string): Promise<void> {
  const waiting = [path]
  const moveAside = async (deep: string) => {
    // By its own number: one that a crash has left there is another.
    const aside = `${path}.${(await lstat(deep)).ino}`
    await rename(deep, aside)
    waiting.push(aside)
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    await removeIn(dirname(next), basename(next), 0, moveAside)
}

type MoveAside = (deep: string) => Promise<void>

async function removeIn(folder: string, name: string, depth: number, moveAside: MoveAside): Promise<void> {
  const path = join(folder, name)
  try {
    await unlink(path)
    return
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'EISDIR') throw error
  }
  if (depth > deepest) {
    await moveAside(path)
    return
  }
  const opened = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const inside = `/proc/self/fd/${opened.fd}`
    for (const entry of await readdir(inside)) await removeIn(inside, entry, depth + 1, moveAside)
  } finally {
    await opened.close()
  }
  await rmdir(path)
}
