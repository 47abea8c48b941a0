import { HttpError } from '@meseta/common/service/errors'
import type { HostUsage } from '@meseta/common/service/host-usage'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HostAgent } from '../host-agent.ts'
import type { SandboxFiles } from '../sandbox/files.ts'
import { type ContainerFilter, type ContainerView, viewContainers } from './containers.ts'
import { serveFiles } from './files-routes.ts'
import { answerMedia, bodyMedia, readBody, sendMessage } from './media.ts'
import { metricsBody } from './metrics.ts'
import { answerCall } from './operator.ts'
import { asQuery, sendJson } from './replies.ts'
import { type StateFacts, stateBody } from './state.ts'
import { versionInfo } from './version.ts'

export interface ApiSources {
  /** Undefined until the agent has recovered. */
  readonly host: () => HostAgent | undefined
  readonly files: SandboxFiles
  readonly facts: () => StateFacts
  readonly uptime: () => number
  readonly usage: HostUsage
}

/** All routes of the agent that the contract names, and the two of our own. */
export function serveApi(app: FastifyInstance, sources: ApiSources): void {
  const host = () => {
    const found = sources.host()
    if (found === undefined) throw new HttpError(503, 'Agent has not finished recovery')
    return found
  }
  serveReads(app, sources, host)
  serveFiles(app, sources.files, () => host().agent)
  serveOperator(app, sources, host)
  serveOwn(app, host)
}

function serveReads(app: FastifyInstance, sources: ApiSources, host: () => HostAgent): void {
  const { facts } = sources
  app.get('/health', async (_request, reply) => reply.type('text/plain').send(''))
  app.get('/version', async (request, reply) => sendJson(request, reply, versionInfo(facts().startedAt)))
  app.get('/flags', async (request, reply) => sendJson(request, reply, { flags: facts().flags }))
  app.all('/state', async (request, reply) => sendJson(request, reply, stateBody(host().agent.heart.core, facts())))
  app.get('/metrics/snapshot', async (request, reply) => sendJson(request, reply, metricsOf(host(), sources)))
  app.get('/containerizer/debug', async (request, reply) => sendJson(request, reply, { pending: [] }))
  app.get('/monitor/statistics', async (request, reply) => {
    const views = await viewContainers(host(), {}, false)
    return sendJson(request, reply, views.map(statisticsBody))
  })
  app.get('/containers', async (request, reply) => {
    const views = await viewContainers(host(), containerFilter(request), false)
    return sendJson(request, reply, views.map(containerBody))
  })
}

function serveOperator(app: FastifyInstance, sources: ApiSources, host: () => HostAgent): void {
  app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.all('/api/v1', async (request, reply) => {
      const running = host()
      requirePost(request, reply)
      const call = readBody('mesos.v1.agent.Call', bodyMedia(request), bodyOf(request))
      const media = answerMedia(request)
      const { startedAt, flags } = sources.facts()
      const answer = await answerCall(
        {
          host: running,
          files: sources.files,
          startedAt,
          flags: () => flags,
          metrics: () => metricsOf(running, sources),
        },
        call,
      )
      return sendMessage(reply, 'mesos.v1.agent.Response', media, answer)
    })
    scope.all('/api/v1/executor', async (request, reply) => {
      requirePost(request, reply)
      throw new HttpError(501, 'executors that frameworks bring along are not supported yet by this agent')
    })
  })
}

const metricsOf = (host: HostAgent, { uptime, usage }: ApiSources) => ({
  ...metricsBody(host, uptime()),
  ...usage.metrics('slave/'),
})

/** Ours: to end a cluster with its tasks. */
function serveOwn(app: FastifyInstance, host: () => HostAgent): void {
  app.post('/meseta/v1/stop-tasks', async () => {
    const { agent } = host()
    return { tasks: await agent.stopTasks() }
  })
  app.post('/meseta/v1/unregister', async () => {
    await host().agent.unregister('an operator asked for it')
    return {}
  })
}

function requirePost(request: FastifyRequest, reply: FastifyReply): void {
  if (request.method === 'POST') return
  reply.header('allow', 'POST')
  throw new HttpError(405, `Expecting POST, not ${request.method}`)
}

function bodyOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array()
}

/** By container, by framework, or by framework and executor. */
function containerFilter(request: FastifyRequest): ContainerFilter {
  const { container_id, framework_id, executor_id } = asQuery(request)
  const isAlone = framework_id === undefined && executor_id === undefined
  if (container_id !== undefined && !isAlone)
    throw new HttpError(400, "'container_id' can not be combined with 'framework_id' or 'executor_id'")
  if (executor_id !== undefined && framework_id === undefined)
    throw new HttpError(400, "'executor_id' needs 'framework_id' beside it")
  return { container_id, framework_id, executor_id }
}

function statisticsBody({ executor, statistics }: ContainerView): Record<string, unknown> {
  return {
    framework_id: executor.framework.id,
    executor_id: executor.id,
    executor_name: executor.info.name ?? '',
    source: executor.info.source ?? '',
    ...(statistics === undefined ? {} : { statistics }),
  }
}

function containerBody(view: ContainerView): Record<string, unknown> {
  return { ...statisticsBody(view), container_id: view.id.value, status: view.status }
}
