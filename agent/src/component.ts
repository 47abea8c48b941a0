import { join } from 'node:path'
import { parseAttributes } from '@meseta/common/resources/text'
import { commonFlags } from '@meseta/common/service/common-flags'
import { defineComponent } from '@meseta/common/service/component'
import { corsFlags } from '@meseta/common/service/cors'
import { shownFlags } from '@meseta/common/service/flags'
import { Health } from '@meseta/common/service/health'
import { HostUsage, readHost } from '@meseta/common/service/host-usage'
import { createHttp } from '@meseta/common/service/http'
import { openOwnLog } from '@meseta/common/service/own-log'
import { canonicalUrl } from './api/paths.ts'
import { serveApi } from './api/server.ts'
import { mesosVersion } from './api/version.ts'
import type { AgentConfig } from './core/core.ts'
import { agentResources, measureMachine } from './fingerprint/resources.ts'
import { agentFlags, requireEnvironment } from './flags.ts'
import { HostAgent } from './host-agent.ts'
import { SandboxFiles } from './sandbox/files.ts'
import { lockWorkDir } from './work-dir-lock.ts'

/** What this agent can do, of what Mesos's can. */
const agentCapabilities = (
  [
    'MULTI_ROLE',
    'HIERARCHICAL_ROLE',
    'RESERVATION_REFINEMENT',
    'RESOURCE_PROVIDER',
    'AGENT_OPERATION_FEEDBACK',
    'RESIZE_VOLUME',
    'AGENT_DRAINING',
  ] as const
).map(type => ({ type }))

const flags = { ...commonFlags(5051), ...corsFlags, ...agentFlags }

export const component = defineComponent({
  name: 'agent',
  summary: 'Runs tasks on this machine and reports its resources.',
  needs: ['bus'],
  flags,
  async start(context) {
    const { flags: given, clock, random, bus } = context
    const workDir = given.work_dir
    const unlock = lockWorkDir(workDir)
    const logFile = given.log_file ?? join(workDir, 'agent.log')
    const log = given.log_file === undefined ? openOwnLog('agent', logFile, context.log) : context.log
    const startedAt = clock.now()
    const startedMono = clock.monotonic()
    const hostname = given.hostname ?? given.ip
    const health = new Health()
    const shown = asText(shownFlags(flags, given as unknown as Record<string, unknown>))
    let host: HostAgent | undefined

    const http = createHttp(context, {
      name: 'agent',
      health,
      own: ['health', 'version', 'flags'],
      allowedOrigins: given.http_cors_allowed_origins,
      formatError: error => `${error.message}\n`,
      rewriteUrl: request => canonicalUrl(request.url ?? '/'),
    })
    const files = new SandboxFiles(workDir, logFile, () => host?.agent.heart.core.agentId)
    serveApi(http.app, {
      host: () => (host?.agent.recovered ? host : undefined),
      files,
      facts: () => ({
        startedAt,
        flags: shown,
        masterHostname: host?.agent.link?.leader?.beacon.master_info.hostname,
        logFile,
      }),
      uptime: () => clock.monotonic() - startedMono,
      usage: new HostUsage(() => readHost(workDir)),
    })

    const release = async () => {
      await http.close()
      await host?.stop()
      unlock()
    }
    try {
      const url = await http.listen()
      const endpoint = url.replace(/^http:\/\//, '')
      const config: AgentConfig = {
        workDir,
        hostname,
        ip: given.ip,
        port: Number(new URL(url).port || 80),
        endpoint,
        version: mesosVersion,
        resources: agentResources(given.resources, measureMachine(workDir)),
        attributes: given.attributes === undefined ? [] : parseAttributes(given.attributes),
        capabilities: agentCapabilities,
        taskPath: given.task_path,
        nodePath: process.execPath,
        environment: requireEnvironment(given.executor_environment_variables),
        shutdownGrace: given.executor_shutdown_grace_period,
      }
      host = new HostAgent({
        config,
        cluster: given.cluster_name,
        runtimeDir: given.runtime_dir ?? join(workDir, 'runtime'),
        switchUser: given.switch_user,
        gcDelay: given.gc_delay,
        fetcher: {
          maxBytes: given.fetcher_max_size,
          timeout: given.fetcher_timeout,
          stallTimeout: given.fetcher_stall_timeout,
          frameworksHome: given.frameworks_home,
        },
        bus,
        clock,
        random,
        log,
        fatal: context.fatal,
      })
      await host.start()
      return { url, stop: once(release) }
    } catch (error) {
      await release()
      throw error
    }
  },
})

function asText(values: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= action()
    return done
  }
}
