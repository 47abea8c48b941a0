import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppChange } from '../core/change/change.ts'
import { notFound, Refusal } from '../core/errors.ts'
import type { AppService } from '../core/model.ts'
import { isBelow, type PathId } from '../core/paths.ts'
import { appView, type Embed, plainApp, readEmbeds } from '../core/view/app.ts'
import type { Leader } from '../shell/leader.ts'
import { parseSelector } from './label-selector.ts'
import { allOf, bodyOf, clientOf, flagOf, idOf, textOf } from './query.ts'
import { announce, sendResult } from './result.ts'
import { killTasks, listTasks } from './tasks.ts'

type Handler = (leader: Leader, id: string, request: FastifyRequest, reply: FastifyReply) => unknown

export const appOf = (leader: Leader, id: PathId): AppService => {
  const service = leader.state.root.services.get(id)
  if (service?.kind !== 'app') throw notFound('App', id)
  return service
}

/** /v2/apps and all below (contract 2). `leader` answers the leading Marathon, which this process is. */
export function addAppRoutes(app: FastifyInstance, leader: () => Leader): void {
  app.get('/v2/apps', request => listApps(leader(), request))
  app.post('/v2/apps', (request, reply) => createApp(leader(), request, reply))
  app.put('/v2/apps', (request, reply) =>
    changeMany(leader(), request, reply, 'upsert', flagOf(request, 'partialUpdate', true)),
  )
  app.patch('/v2/apps', (request, reply) => changeMany(leader(), request, reply, 'update', true))
  const handle = (method: string) => (request: FastifyRequest, reply: FastifyReply) => {
    const path = ((request.params as Record<string, string>)['*'] ?? '').replace(/^\/+|\/+$/g, '')
    const found = route(method, path)
    if (found === undefined) throw new Refusal(404, 'URI not found')
    return found.handler(leader(), found.id, request, reply)
  }
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'] as const)
    app.route({ method, url: '/v2/apps/*', handler: handle(method) })
}

/** Ids hold slashes: what follows them is told apart by its words (an id ends with none of these). */
function route(method: string, path: string): { id: string; handler: Handler } | undefined {
  for (const [form, handlers] of routes) {
    const match = form.exec(path)
    const handler = handlers[method]
    if (match !== null && handler !== undefined)
      return {
        id: match[1] ?? '',
        handler: (leader, id, request, reply) => handler(leader, id, request, reply, match[2]),
      }
  }
  return undefined
}

type Routes = Readonly<
  Record<string, (leader: Leader, id: string, request: FastifyRequest, reply: FastifyReply, rest?: string) => unknown>
>

const routes: readonly (readonly [RegExp, Routes])[] = [
  [/^(.+)\/restart$/, { POST: restartApp }],
  [
    /^(.+)\/tasks\/([^/]+)$/,
    { DELETE: (leader, id, request, reply, task) => killTasks(leader, idOf(id), task, request, reply) },
  ],
  [
    /^(.+)\/tasks$/,
    {
      GET: (leader, id) => ({ tasks: tasksBelow(leader, id) }),
      DELETE: (leader, id, request, reply) => killTasks(leader, idOf(id), undefined, request, reply),
    },
  ],
  [
    /^(.+)\/versions\/([^/]+)$/,
    { GET: (leader, id, _request, _reply, version) => appVersion(leader, idOf(id), version ?? '') },
  ],
  [/^(.+)\/versions$/, { GET: (leader, id) => appVersions(leader, idOf(id)) }],
  [/^(.*?)\/?\*$/, { GET: (leader, id, request) => ({ '*': appsBelow(leader, id, request) }) }],
  [/^(.+)$/, { GET: readApp, PUT: putApp, PATCH: patchApp, DELETE: deleteApp }],
]

const always: readonly Embed[] = ['counts', 'deployments']

function listApps(leader: Leader, request: FastifyRequest): unknown {
  const embeds = new Set([...always, ...readEmbeds(allOf(request, 'embed'))])
  const cmd = textOf(request, 'cmd')?.toLowerCase()
  const id = textOf(request, 'id')?.toLowerCase()
  const label = textOf(request, 'label')
  const selects = label === undefined || label === '' ? () => true : parseSelector(label)
  const apps = allApps(leader).filter(
    ({ spec }) =>
      (cmd === undefined || (spec.cmd ?? '').toLowerCase().includes(cmd)) &&
      (id === undefined || spec.id.toLowerCase().includes(id)) &&
      selects(spec.labels),
  )
  return { apps: apps.map(service => appView(leader.state, service, embeds, leader.now)) }
}

const allApps = (leader: Leader): AppService[] =>
  [...leader.state.root.services.values()].filter(service => service.kind === 'app')

const groupId = (text: string): PathId => (text === '' ? '/' : idOf(text))

function appsBelow(leader: Leader, group: string, request: FastifyRequest): unknown {
  const embeds = new Set([...always, ...readEmbeds(allOf(request, 'embed'))])
  return allApps(leader)
    .filter(service => isBelow(service.spec.id, groupId(group)))
    .map(service => appView(leader.state, service, embeds, leader.now))
}

function tasksBelow(leader: Leader, path: string): unknown[] {
  const group = /^(.*?)\/?\*$/.exec(path)?.[1]
  if (group === undefined) return listTasks(leader, [appOf(leader, idOf(path))])
  const apps = allApps(leader).filter(service => isBelow(service.spec.id, groupId(group)))
  return listTasks(leader, apps)
}

async function createApp(leader: Leader, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const change: AppChange = { body: bodyOf(request), mode: 'create', partial: false, path: '' }
  const done = await leader.change(
    { kind: 'apps', apps: [change] },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  announce(reply, done)
  const [id] = done.created
  const service = id === undefined ? undefined : leader.state.root.services.get(id)
  reply.code(201)
  if (service?.kind !== 'app') return { version: done.version, deploymentId: done.deploymentId }
  reply.header('Location', service.spec.id)
  const counts = { tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 }
  return { ...plainApp(service), ...counts, deployments: [{ id: done.deploymentId }], tasks: [] }
}

async function changeMany(
  leader: Leader,
  request: FastifyRequest,
  reply: FastifyReply,
  mode: 'update' | 'upsert',
  partial: boolean,
): Promise<unknown> {
  const body = bodyOf(request)
  if (!Array.isArray(body))
    throw new Refusal(422, 'Invalid JSON', { details: [{ path: '/', errors: ['error.expected.jsarray'] }] })
  const apps = body.map((one: unknown, index): AppChange => ({ body: one, mode, partial, path: `(${index})` }))
  const done = await leader.change(
    { kind: 'apps', apps },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  return sendResult(reply, done)
}

function readApp(leader: Leader, path: string, request: FastifyRequest): unknown {
  const embeds = new Set<Embed>([...always, 'tasks', 'lastTaskFailure', ...readEmbeds(allOf(request, 'embed'))])
  return { app: appView(leader.state, appOf(leader, idOf(path)), embeds, leader.now) }
}

async function putApp(leader: Leader, path: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const id = idOf(path)
  const change: AppChange = {
    id,
    body: bodyOf(request),
    mode: 'upsert',
    partial: flagOf(request, 'partialUpdate', true),
    path: '',
  }
  const done = await leader.change(
    { kind: 'apps', apps: [change] },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  const created = done.created.includes(id)
  if (created) reply.header('Location', id)
  return sendResult(reply, done, created ? 201 : 200)
}

async function patchApp(leader: Leader, path: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const change: AppChange = { id: idOf(path), body: bodyOf(request), mode: 'update', partial: true, path: '' }
  const done = await leader.change(
    { kind: 'apps', apps: [change] },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  return sendResult(reply, done)
}

async function deleteApp(leader: Leader, path: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const change = { kind: 'delete', service: 'app', id: idOf(path) } as const
  return sendResult(
    reply,
    await leader.change(change, { force: flagOf(request, 'force', true), client: clientOf(request) }),
  )
}

/** Old pages send a body here; it means nothing. */
async function restartApp(
  leader: Leader,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { id } = appOf(leader, idOf(path)).spec
  const force = flagOf(request, 'force') || (request.body as { force?: unknown } | null | undefined)?.force === true
  return sendResult(reply, await leader.change({ kind: 'restart', id }, { force, client: clientOf(request) }))
}

function appVersions(leader: Leader, id: PathId): unknown {
  appOf(leader, id)
  return { versions: (leader.state.versions.get(id) ?? []).map(one => one.version).reverse() }
}

function appVersion(leader: Leader, id: PathId, version: string): unknown {
  appOf(leader, id)
  const stored = leader.state.history.service(id, version)
  if (stored?.kind !== 'app') throw notFound('App', id, version.slice(0, 100))
  return plainApp(stored)
}
