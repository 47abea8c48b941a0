import { openCoordination } from '@meseta/common/coordination/open'
import type { Context } from '@meseta/common/service/component'
import { electedMaster, type MasterSource, mastersOf } from '@meseta/sdk/framework'

/** Where the masters are: a list of addresses, or `zk://host:2181/mesos`, where the leader is read from their election. */
export async function masterSource(
  master: string,
  context: Context<unknown>,
): Promise<{ source: MasterSource; close(): Promise<void> }> {
  if (!master.startsWith('zk://')) return { source: mastersOf(master), close: async () => {} }
  const url = new URL(master)
  const path = url.pathname.replace(/\/+$/, '')
  if (path === '') throw new Error(`--master=${master} names no folder of the masters: give zk://host:2181/mesos`)
  const cut = path.lastIndexOf('/')
  const root = path.slice(0, cut)
  const { clock, random, log } = context
  const coordination = await openCoordination(master.slice(0, master.length - url.pathname.length) + (root || '/'), {
    clock,
    random,
    log,
  })
  const source = electedMaster(coordination.election, path.slice(cut))
  return {
    source,
    close: async () => {
      source.stop()
      await coordination.close()
    },
  }
}
