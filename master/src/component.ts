import { type Context, defineComponent, type Handle } from '@meseta/common/service/component'
import { Health } from '@meseta/common/service/health'
import { HostUsage, readHost } from '@meseta/common/service/host-usage'
import { createHttp } from '@meseta/common/service/http'
import { Verbosity } from '@meseta/common/service/verbosity'
import type { FastifyInstance } from 'fastify'
import { advertisedBy } from './advertised.ts'
import type { OwnProcess } from './api/own-process.ts'
import { Routes } from './api/routes.ts'
import { mesosVersion } from './api/version.ts'
import { flagTexts } from './flag-texts.ts'
import { domainOf, type MasterFlags, masterFlags } from './flags.ts'
import { healthOf, Since } from './health.ts'
import { serveFeed, serveRoutes } from './http.ts'
import { Leader, type LeaderOptions } from './leader.ts'
import { masterInfoOf } from './master-info.ts'
import { prometheusText } from './metrics/prometheus.ts'
import { ownMetrics } from './metrics/snapshot.ts'
import { openMasterLog } from './own-log.ts'
import { ReadModel } from './replica/read-model.ts'
import { ReadThread } from './replica/thread/read-thread.ts'
import { readSecurity } from './security-flags.ts'
import { Standing } from './standing.ts'

/** Largest body of a call; a larger one is a 413. */
const bodyLimit = 16 * 1024 * 1024

/** The master as a process: listens, stands for election, and serves as the leader or points to it. */
async function start(given: Context<MasterFlags>): Promise<Handle> {
  const { log, files, attached } = openMasterLog(given.flags, given.log)
  const context = { ...given, log }
  const { flags, clock, random } = context
  const startedAt = clock.now()
  const verbosity = new Verbosity(log, clock)
  const shown = flagTexts(masterFlags, flags)
  const { tls, authentication, gate } = readSecurity(flags, clock, log)
  const held: { standing?: Standing } = {}
  const leadership = () => held.standing?.leadership ?? ({ state: 'unknown' } as const)
  const store = new Since(context.store, clock)
  const bus = new Since(context.bus, clock)
  const health = () =>
    healthOf({
      store: store.lasting,
      bus: bus.lasting,
      leadership: leadership(),
      leadershipSince: held.standing?.since ?? startedAt,
      blindSince: held.standing?.master?.blindSince,
      unwritten: held.standing?.master?.registrar.queued ?? 0,
    })
  const host = new HostUsage(() => readHost(flags.work_dir ?? '/'))
  const metrics = () => ({ ...ownMetrics((clock.now() - startedAt) / 1000, host), ...held.standing?.metrics() })
  const own: OwnProcess = {
    health,
    metrics,
    version: mesosVersion,
    buildTime: startedAt,
    flags: shown,
    files,
    attached,
    verbosity,
  }
  const advertised = await advertisedBy(flags)
  const routes = new Routes({ leadership, own })
  const http = createHttp(context, {
    name: 'master',
    health: new Health(),
    own: ['health', 'version', 'flags'],
    bodyLimit,
    extraHosts: [advertised.hostname, advertised.ip],
    metricsText: () => prometheusText(metrics()),
    allowedOrigins: flags.http_cors_allowed_origins,
    tls,
    authentication,
    formatError: error => `${error.message}\n`,
  })
  gate.guard(http.app)
  http.app.register(async (scope: FastifyInstance) => serveFeed(scope, leadership, clock))
  http.app.register(async (scope: FastifyInstance) => serveRoutes(scope, routes, clock))
  const url = await http.listen()
  const masterInfo = masterInfoOf({
    id: random.uuid(),
    ...advertised,
    port: advertised.port ?? Number(new URL(url).port),
    domain: domainOf(flags),
  })
  const fatal = (error: Error) => context.fatal(error)
  const thread = readThread(context, () => held.standing?.master?.goOn())
  const newReadSide: LeaderOptions['newReadSide'] = options => {
    thread?.begin(options)
    return thread ?? new ReadModel({ ...options, clock, log })
  }
  const newLeader = () => new Leader(context, { masterInfo, startedAt, own, newReadSide, fatal })
  const standing = new Standing(context, masterInfo, newLeader)
  held.standing = standing
  await standing.begin()
  return {
    url,
    stop: async () => {
      await standing.stop()
      await thread?.stop()
      await http.close()
      verbosity.stop()
      store.stop()
      bus.stop()
    },
  }
}

/** The thread for reads, where there is to be one; started at once, so that taking over does not wait for it. */
function readThread(context: Context<MasterFlags>, caughtUp: () => void): ReadThread | undefined {
  const { flags, clock, log, fatal, ownProcess = false } = context
  if (!(flags.read_worker ?? ownProcess)) return undefined
  return new ReadThread({ clock, log, caughtUp, failed: error => fatal(error) })
}

export const component = defineComponent({
  name: 'master',
  summary: 'the resource manager: agents report to it, frameworks get offers from it',
  needs: ['store', 'election', 'bus'],
  flags: masterFlags,
  // The second is what Mesos named them by (Mesos contract 9).
  envPrefixes: ['MESETA_', 'MESOS_'],
  start,
})
