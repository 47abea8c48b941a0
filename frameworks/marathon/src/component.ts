import { userInfo } from 'node:os'
import { serveFeed } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import { type Context, defineComponent, type Handle } from '@meseta/common/service/component'
import { shownFlags } from '@meseta/common/service/flags'
import { Health } from '@meseta/common/service/health'
import type { HttpService } from '@meseta/common/service/http'
import { mesetaVersion } from '@meseta/common/service/version'
import { createApi } from './api/server.ts'
import { type Flags, flags, settingsOf } from './flags.ts'
import { Candidate } from './shell/candidate.ts'
import { readCredential } from './shell/credential.ts'
import { EventHub } from './shell/event-hub.ts'
import { LeaderProxy } from './shell/follower.ts'
import { frameworkInfo } from './shell/framework-info.ts'
import { Leader } from './shell/leader.ts'
import { masterSource } from './shell/master-source.ts'
import { Records } from './shell/records.ts'

/** The version of Marathon whose API this is. */
export const apiVersion = '1.11.0'

export const component = defineComponent({
  name: 'marathon',
  summary: 'Long-running services: apps, pods, groups, deployments (Marathon’s API).',
  needs: ['store', 'election'],
  flags,
  start,
})

/** How long answers may take to leave a process that can not go on, ms. */
const lastWords = 100

async function start(context: Context<Flags>): Promise<Handle> {
  const { clock, random, log, store, election, metrics } = context
  const health = new Health()
  const given = context.flags
  const masters = masterSource(given.master, { ...context, health })
  const events = new EventHub(clock)
  const feed = new FeedWriter({ epoch: random.uuid(), clock })
  let self = `${given.hostname ?? given.ip}:${given.port}`
  let leader: Leader | undefined
  const proxy = new LeaderProxy(() => self)

  /** Ends the process, after those who wait have heard of it. */
  const failed = (error: Error) => {
    leader?.resign(error.message)
    clock.after(lastWords, () => context.fatal(error))
  }

  const credential = readCredential(given)
  const records = new Records({ store, clock, health, base: `${given.store_path}/state`, failed })
  const candidate = new Candidate({ election, path: given.leader_path, health, failed })
  const http: HttpService = createApi({
    context,
    health,
    flagDefinitions: flags,
    proxy,
    maxConcurrent: given.http_max_concurrent_requests,
    allowOrigins: given.access_control_allow_origin,
    leading: () => leader,
    leaderElsewhere: () => (candidate.leader === self ? undefined : candidate.leader),
    system: {
      leader: () => leader as Leader,
      events,
      clock,
      metrics,
      version: apiVersion,
      leaderAddress: () => candidate.leader,
      info: () => info(given, leader, candidate.leader),
      config: () => shownFlags(flags, given),
      abdicate: () => {
        clock.after(500, () => context.fatal(new Error('the leadership was given up on request')))
      },
    },
  })
  serveFeed(http.app, '/meseta/v1/feed', feed, { log, clock })
  const url = await http.listen()
  self = `${given.hostname ?? given.ip}:${new URL(url).port}`
  health.set('leader', 'ok', 'follows: another process leads or is about to')

  candidate.run(self, async () => {
    const next = new Leader({
      settings: settingsOf(given),
      records,
      clock,
      random,
      log,
      health,
      feed,
      events,
      master: masters,
      credential,
      framework: frameworkInfo(given, given.webui_url ?? url, given.mesos_user ?? userInfo().username),
      info: { leader: self, version: apiVersion },
      failed,
    })
    await next.start()
    leader = next
    health.set('leader', 'ok', 'leads')
  })

  return {
    url,
    stop: async () => {
      events.close()
      await leader?.stop()
      await records.close()
      await candidate.withdraw()
      await http.close()
      await proxy.close()
      await masters.close()
    },
  }
}

/** /v2/info (contract 6.5). */
function info(given: Flags, leader: Leader | undefined, address: string | undefined): Record<string, unknown> {
  const [first] = given.master.split(',')
  return {
    name: given.framework_name,
    version: apiVersion,
    buildref: `meseta-${mesetaVersion}`,
    elected: leader !== undefined,
    leader: address ?? '',
    frameworkId: leader?.state.frameworkId ?? null,
    marathon_config: {
      master: shownFlags(flags, given).master,
      framework_name: given.framework_name,
      mesos_role: given.mesos_role,
      mesos_user: given.mesos_user ?? userInfo().username,
      failover_timeout: given.failover_timeout,
      checkpoint: true,
      ha: true,
      hostname: given.hostname ?? given.ip,
      local_port_min: given.local_port_min,
      local_port_max: given.local_port_max,
      features: given.enable_features,
      new_group_enforce_role: given.new_group_enforce_role,
      task_launch_timeout: given.task_launch_timeout,
      webui_url: given.webui_url ?? null,
      mesos_leader_ui_url: given.mesos_leader_ui_url ?? (first?.startsWith('http') ? first : null),
    },
    zookeeper_config: { zk: given.store_path, zk_compression: false, zk_compression_threshold: 0, zk_timeout: 10_000 },
    http_config: { http_port: given.port, https_port: 0 },
  }
}
