import { FeedWriter } from '@meseta/common/feed/writer'
import { commonFlags } from '@meseta/common/service/common-flags'
import { type Context, defineComponent, type Handle } from '@meseta/common/service/component'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import { listening } from '@meseta/common/service/handle'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { masterCredentialFlags, readOwnCredential } from '@meseta/common/service/own-credential'
import { mesetaVersion } from '@meseta/common/service/version'
import { pageFolder } from '@meseta/ui/assets'
import { addEventRoutes } from './events/event-routes.ts'
import { TaskViews } from './events/task-views.ts'
import { addSystemHealth } from './health/routes.ts'
import type { Asked } from './health/system-health.ts'
import { Forwarder } from './proxy/forwarder.ts'
import { addErrorPages } from './routes/error-page.ts'
import { PlainError } from './routes/errors.ts'
import { LeaderCache } from './routes/leader-cache.ts'
import { addOwnRoutes } from './routes/own-routes.ts'
import { addPage } from './routes/page.ts'
import { addProxyRoutes } from './routes/proxy-routes.ts'
import { NormalTargets } from './routes/request-target.ts'
import { Upgrades } from './routes/upgrade.ts'
import { Upstreams } from './routes/upstreams.ts'
import { createAskDns } from './services/ask-dns.ts'
import { Balance } from './services/balance.ts'
import { findService } from './services/find-service.ts'
import { ServiceTable } from './services/service-table.ts'
import { Sources } from './sources.ts'

const flags = defineFlags({
  ...commonFlags(80),
  ...masterCredentialFlags,
  master: {
    type: 'list',
    default: ['http://127.0.0.1:5050'],
    help: 'Addresses of the masters; the leader is found among them.',
  },
  marathon: { type: 'string', default: 'http://127.0.0.1:8080', help: 'Address of the service framework.' },
  universe: { type: 'string', default: 'http://127.0.0.1:7070', help: 'Address of the package catalog.' },
  balancer: { type: 'string', default: 'http://127.0.0.1:62080', help: 'Address of the layer-4 balancer.' },
  dns: { type: 'string', default: 'http://127.0.0.1:8123', help: 'Address of the HTTP API of the cluster DNS.' },
})

type Flags = FlagValues<typeof flags>

/** The admin router: one address for the page, the API of every component and every service. */
export const component = defineComponent({
  name: 'gateway',
  summary: 'The admin router: one address for the page, every API and every service.',
  needs: [],
  flags,
  start,
})

async function start(context: Context<Flags>): Promise<Handle> {
  const { clock, log, random } = context
  const { marathon, universe, balancer, dns, ip } = context.flags
  const health = new Health()
  const services = new ServiceTable()
  const upstreams = new Upstreams()
  const tasks = new TaskViews({ nodeOf: id => upstreams.hostname(id), appOf: id => services.appOf(id) })
  const forwarder = new Forwarder()
  const writer = new FeedWriter({ epoch: random.uuid(), clock })
  const sources = new Sources({
    urls: {
      master: inTurn(context.flags.master.map(feedOf)),
      marathon: feedOf(marathon),
      universe: feedOf(universe),
      balancer: feedOf(balancer),
    },
    masterCredential: readOwnCredential('master-credential-file', context.flags.master_credential_file),
    writer,
    services,
    tasks,
    upstreams,
    health,
    clock,
    random,
    log,
  })
  const origins = {
    get leader() {
      return upstreams.leader
    },
    universe,
    dns,
    balancer,
    agent: (id: string) => upstreams.agent(id),
  }
  const askDns = createAskDns(dns)
  const find = (path: string) =>
    findService(path, services, { apps: sources.knows('marathon'), frameworks: sources.knows('master') }, askDns)

  const targets = new NormalTargets()
  const http = createHttp(context, {
    name: 'gateway',
    health,
    flagDefinitions: flags,
    formatError: asText,
    rewriteUrl: targets.rewrite,
  })
  targets.guard(http.app)
  const upgrades = new Upgrades(http.app)
  addErrorPages(http.app)
  addPage(http.app, pageFolder)
  addOwnRoutes(http.app, { publicAddress: ip, metrics: context.metrics, cluster: () => upstreams.cluster })
  addSystemHealth(http.app, {
    ip,
    hostname: context.flags.hostname ?? ip,
    version: mesetaVersion,
    components: () => componentsOf({ leader: upstreams.leader, marathon, universe, balancer, dns }, upstreams),
  })
  const endEvents = addEventRoutes(http.app, {
    writer,
    tasks,
    now: () => clock.now(),
    sources: () => sources.ages(),
    clock,
    random,
    log,
  })
  const cache = new LeaderCache(clock)
  await addProxyRoutes(http.app, {
    origins,
    cache,
    forwarder,
    balance: new Balance(),
    upgrades,
    find,
    targetOf: request => targets.of(request),
  })

  const end = async () => {
    sources.stop()
    endEvents()
    upgrades.close()
    await http.close()
    await forwarder.close()
  }
  return listening(async () => ({ url: await http.listen() }), end)
}

const feedOf = (url: string) => `${url.replace(/\/+$/, '')}/meseta/v1/feed`

/** Each connection tries the next address: whoever of them lives leads to the leader. */
function inTurn(urls: readonly string[]): () => Promise<string | undefined> {
  let turn = -1
  return async () => {
    turn = (turn + 1) % Math.max(1, urls.length)
    return urls[turn]
  }
}

/** The contract's one-line errors stay plain text; all others are JSON. */
const asText = (error: { message: string; details?: unknown; code?: string | undefined }) =>
  error instanceof PlainError
    ? `${error.message}\n`
    : {
        message: error.message,
        ...(error.code ? { code: error.code } : {}),
        ...(error.details ? { details: error.details } : {}),
      }

function componentsOf(
  urls: { leader: string | undefined; marathon: string; universe: string; balancer: string; dns: string },
  upstreams: Upstreams,
): Asked[] {
  return [
    { id: 'dcos-mesos-master.service', name: 'Master', url: urls.leader },
    { id: 'dcos-marathon.service', name: 'Marathon', url: urls.marathon },
    { id: 'dcos-cosmos.service', name: 'Package catalog', url: urls.universe },
    { id: 'dcos-net.service', name: 'Layer-4 balancer', url: urls.balancer },
    { id: 'dcos-mesos-dns.service', name: 'DNS', url: urls.dns },
    ...upstreams
      .agentIds()
      .map(id => ({ id: `dcos-mesos-slave-${id}.service`, name: `Agent ${id}`, url: upstreams.agent(id) })),
  ]
}
