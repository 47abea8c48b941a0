import type { LinkState, Store } from '@meseta/common/coordination/store'
import { feedPath } from '@meseta/common/discovery/follow'
import { serverUrls } from '@meseta/common/discovery/server-urls'
import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { defineComponent } from '@meseta/common/service/component'
import { listening } from '@meseta/common/service/handle'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { readOwnCredential } from '@meseta/common/service/own-credential'
import { Allocations } from './allocations.ts'
import { requireReady, serveApi } from './api/routes.ts'
import { balancerFlags } from './flags.ts'
import { followMarathon, followMaster } from './follow.ts'
import { createMetrics } from './metrics.ts'
import { Plane } from './plane.ts'
import { proxyLimits } from './proxy/limits.ts'
import { SecondPorts } from './second-ports.ts'
import { VipTable } from './table/vip-table.ts'

/** The layer-4 balancer: virtual IPs that lead to the tasks that ask for them. */
export const component = defineComponent({
  name: 'balancer',
  summary: 'gives tasks virtual IPs, and passes connections to them on to healthy instances',
  needs: ['store'],
  flags: balancerFlags,
  async start(context) {
    const { flags, clock, random, log, metrics, store } = context
    const masters = serverUrls('master', flags.master)
    const credential = readOwnCredential('master-credential-file', flags.master_credential_file)
    const marathons = flags.marathon === undefined ? undefined : serverUrls('marathon', flags.marathon)
    const health = new Health()
    const table = new VipTable()
    const feed = new FeedWriter({ epoch: random.uuid(), clock })
    const allocations = new Allocations(store)
    const ports = new SecondPorts(store, flags.hostname ?? flags.ip, error =>
      log.warn({ err: error }, 'ports of virtual IPs could not be written down'),
    )
    await Promise.all([allocations.load(), ports.load()])
    const limits = {
      ...proxyLimits,
      connections: flags.max_connections,
      connectTimeout: flags.connect_timeout,
    }
    const plane = new Plane({ table, allocations, ports, feed, clock, log, limits })
    const following = { clock, random, log, health }
    const master = followMaster(
      following,
      masters,
      table,
      () => {
        // Before the first state is complete a virtual IP would be opened with some of its backends only.
        if (master.ready) plane.apply()
      },
      credential,
    )
    const marathon = marathons && followMarathon(following, marathons, table, () => master.ready && plane.apply())
    createMetrics(metrics, table, plane)
    const unwatch = watchStore(store, health)
    const http = createHttp(context, { name: 'balancer', health, flagDefinitions: balancerFlags })
    const isReady = () => master.ready
    http.app.addHook('onRequest', async request => {
      if (request.url.startsWith(feedPath)) requireReady({ isReady })
    })
    serveFeed(http.app, feedPath, feed, { log, clock })
    serveApi(http.app, { plane, table, metrics, clock, isReady })
    const end = async () => {
      unwatch()
      master.stop()
      marathon?.stop()
      await Promise.all([http.close(), plane.stop(flags.drain_timeout)])
      await ports.settle()
    }
    return listening(async () => ({ url: await http.listen() }), end)
  },
})

/** New virtual IPs need the store; those that have their address do not. */
function watchStore(store: Store, health: Health): () => void {
  const tell = (state: LinkState) => {
    if (state === 'connected') health.set('store', 'ok', 'the store is connected')
    else
      health.set('store', 'degraded', `the store is ${state}: virtual IPs without an address wait for it, others work`)
  }
  tell(store.state)
  return store.onState(tell)
}
