import { foldersOf } from '../paths.ts'
import { StoreError } from '../store.ts'
import { code, creatorAll } from './client.ts'
import { isUnclear, type ZookeeperSession } from './session.ts'

const nothing = Buffer.alloc(0)

/** What went wrong, for codes that no rule of the tree explains. */
export function refused(path: string, result: number): StoreError {
  if (result === code.noAuth)
    return new StoreError(
      'UNAVAILABLE',
      path,
      `ZooKeeper refuses access to ${path}: check the user and password in the zk:// url`,
    )
  return new StoreError('UNAVAILABLE', path, `ZooKeeper answers ${result} about ${path}`)
}

/** Makes the folders above a record, and the root above all; those that exist are left as they are. `full` is ZooKeeper's path. */
export async function makeFolders(
  session: ZookeeperSession,
  full: string,
  secured: boolean,
  deadline: number,
): Promise<void> {
  for (const folder of foldersOf(full)) {
    for (;;) {
      const { code: result } = await session.request<[string]>(folder, deadline, (client, done) =>
        client.a_create(folder, nothing, 0, done),
      )
      if (isUnclear(result)) continue
      if (result === code.ok && secured) await secure(session, folder, deadline)
      if (result === code.ok || result === code.nodeExists) break
      throw refused(folder, result)
    }
  }
}

/** Leaves a znode to its creator alone; the world may read it. The client creates open ones only. */
export async function secure(session: ZookeeperSession, full: string, deadline: number): Promise<void> {
  for (;;) {
    const { code: result } = await session.request<[]>(full, deadline, (client, done) =>
      client.a_set_acl(full, -1, creatorAll, done),
    )
    if (result === code.ok || result === code.noNode) return
    if (!isUnclear(result)) throw refused(full, result)
  }
}

/** Lets this session's server catch up with all writes that were done before: what is read afterwards is not older. */
export async function sync(session: ZookeeperSession, full: string, deadline: number): Promise<void> {
  for (;;) {
    const { code: result } = await session.request<[string]>(full, deadline, (client, done) =>
      client.a_sync(full, done),
    )
    if (!isUnclear(result)) return
  }
}
