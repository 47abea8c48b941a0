import { type FollowContext, followCluster, followSource, type Source } from '@meseta/common/discovery/follow'
import type { OwnCredential } from '@meseta/common/service/own-credential'
import type { VipTable } from './table/vip-table.ts'

/** Follows the leading master into the table. `changed` is called after each change. */
export function followMaster(
  context: FollowContext,
  masters: readonly URL[],
  table: VipTable,
  changed: () => void,
  credential?: OwnCredential,
): Source {
  const name = { check: 'master', title: 'the leading master', without: 'there are no virtual IPs yet' }
  return followCluster(
    context,
    name,
    masters,
    {
      put(kind, key, body) {
        if (kind === 'agent') table.putAgent(key, body)
        else if (kind === 'framework') table.putFramework(key, body)
        else if (kind === 'task') table.putTask(key, body)
        changed()
      },
      del(kind, key) {
        if (kind === 'agent') table.delAgent(key)
        else if (kind === 'framework') table.delFramework(key)
        else if (kind === 'task') table.delTask(key)
        changed()
      },
      synced: changed,
    },
    credential,
  )
}

/** Follows Marathon for the health and the coming end of its instances. */
export function followMarathon(
  context: FollowContext,
  marathons: readonly URL[],
  table: VipTable,
  changed: () => void,
): Source {
  const name = { check: 'marathon', title: 'Marathon', without: 'only health that Mesos knows of counts' }
  return followSource(context, name, marathons, {
    put(kind, key, body) {
      if (kind !== 'instance') return
      table.putInstance(key, body)
      changed()
    },
    del(kind, key) {
      if (kind !== 'instance') return
      table.delInstance(key)
      changed()
    },
  })
}
