import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { Context } from '@meseta/common/service/component'
import { explainCall, explainOffers } from './api/explain-offers.ts'
import { OperatorEndpoint } from './api/operator.ts'
import type { OwnProcess } from './api/own-process.ts'
import type { LeaderApi } from './api/routes.ts'
import { mesosVersion } from './api/version.ts'
import { heartConfig, type MasterFlags } from './flags.ts'
import { Master } from './master.ts'
import { leaderMetrics } from './metrics/snapshot.ts'
import { probeAgent } from './probe.ts'
import type { MasterFacts } from './replica/facts.ts'
import type { ReadModelOptions } from './replica/read-model.ts'
import type { ReadSide } from './replica/read-side.ts'
import { aclsOf, rateLimitsOf } from './security-flags.ts'
import { watchWhitelist } from './whitelist.ts'

export interface LeaderOptions {
  readonly masterInfo: MasterInfo
  readonly startedAt: number
  readonly own: OwnProcess
  /** Makes what reads are served from, once it is known what it is to say. */
  readonly newReadSide: (options: Omit<ReadModelOptions, 'clock' | 'log'>) => ReadSide
  /** It can not lead any longer. */
  readonly fatal: (error: Error) => void
}

/** A process's leadership: the master, its read model and what they serve. */
export class Leader {
  readonly #context: Context<MasterFlags>
  readonly #options: LeaderOptions
  readonly #master: Master
  readonly #electedAt: number
  #served: { readonly read: ReadSide; readonly api: LeaderApi } | undefined
  #masters: readonly MasterInfo[]
  #stopped = false
  #unwatch: (() => void) | undefined

  constructor(context: Context<MasterFlags>, options: LeaderOptions) {
    const { flags, store, bus, clock, random, log } = context
    this.#context = context
    this.#options = options
    this.#electedAt = clock.now()
    this.#masters = [options.masterInfo]
    this.#master = new Master({
      config: heartConfig(flags, options.masterInfo),
      cluster: flags.cluster_name,
      store,
      bus,
      clock,
      random,
      log,
      probe: probeAgent,
      fatal: options.fatal,
      recovered: clusterId => this.#serve(clusterId),
      changed: (seq, changes) => this.#served!.read.apply(seq, changes),
      mayGoOn: () => !this.#served?.read.behind,
      registryTimeouts: { fetch: flags.registry_fetch_timeout, store: flags.registry_store_timeout },
      rateLimits: rateLimitsOf(flags),
    })
  }

  /** What it serves, once it has read the registry. */
  get api(): LeaderApi | undefined {
    return this.#master.recovered ? this.#served?.api : undefined
  }

  get master(): Master {
    return this.#master
  }

  /** All candidates, the leader first. */
  set masters(masters: readonly MasterInfo[]) {
    this.#masters = masters
    this.#served?.read.setMasters(masters)
  }

  async lead(): Promise<void> {
    await this.#master.lead()
    const { whitelist } = this.#context.flags
    if (whitelist !== undefined && !this.#stopped)
      this.#unwatch = watchWhitelist(whitelist, this.#context, hostnames =>
        this.#master.dispatch({ type: 'WHITELIST', hostnames }),
      )
  }

  metrics(): Record<string, number> {
    const { publish_per_framework_metrics: byFramework } = this.#context.flags
    return this.#served ? leaderMetrics(this.#master, this.#served.read.counts, byFramework) : {}
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#unwatch?.()
    await this.#master.stop()
    await this.#served?.read.stop()
  }

  #serve(clusterId: string): void {
    const { random, flags } = this.#context
    const { masterInfo, startedAt, own, newReadSide } = this.#options
    const config = this.#master.config
    const facts: MasterFacts = {
      clusterName: flags.cluster ?? flags.cluster_name,
      clusterId,
      version: mesosVersion,
      masterInfo,
      startedAt,
      electedAt: this.#electedAt,
      weights: config.weights,
      flags: own.flags,
      buildTime: startedAt,
    }
    const read = newReadSide({
      feedEpoch: random.uuid(),
      facts,
      masters: this.#masters,
      bounds: {
        completedFrameworks: config.maxCompletedFrameworks,
        completedTasksPerFramework: flags.max_completed_tasks_per_framework,
      },
      rules: aclsOf(flags),
      maxOperatorStreams: flags.max_operator_event_stream_subscribers,
    })
    const operate: LeaderApi['operate'] = (call, principal, answered) => this.#master.operate(call, principal, answered)
    const operator = new OperatorEndpoint({ read, own, operate, authorizer: config.authorizer })
    const together: LeaderApi['together'] = action => this.#master.together(action)
    const address = `${masterInfo.hostname}:${masterInfo.port}`
    const { cluster } = this.#master.heart
    const ask: LeaderApi['ask'] = {
      '/explain/offers': request => explainOffers(cluster, request),
      '/api/v1/explain': request => explainCall(cluster, request),
    }
    const api = { scheduler: this.#master.scheduler, operator, read, address, operate, ask, together }
    this.#served = { read, api }
  }
}
