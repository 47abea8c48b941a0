import { constants, type Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'

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

export interface Owners {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlyMap<number, string>
}

/** The names of this machine's users and groups. */
export async function readOwners(): Promise<Owners> {
  return { users: await readNames('/etc/passwd'), groups: await readNames('/etc/group') }
}

export function describe(path: string, info: Stats, { users, groups }: Owners): Listed {
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
